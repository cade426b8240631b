"""The suite that a backend must pass, and what an op or a layer of your own must: `check_op`, `check_layer`.

`python -m keratin.testing` runs all of it on the backend in use and prints the largest error of each op. References
need SciPy, sweeps need Hypothesis: `pip install "keratin[testing]"`. See docs/testing.md.
"""

from __future__ import annotations

from keratin.testing.check import Check
from keratin.testing.conformance import checks, expected_failures, parameters
from keratin.testing.helpers import check_layer, check_op, layer_checks_of, op_checks_of, run_all
from keratin.testing.report import Result, Run, table
from keratin.testing.runner import run

__all__ = [
    "Check",
    "Result",
    "Run",
    "check_layer",
    "check_op",
    "checks",
    "expected_failures",
    "layer_checks_of",
    "op_checks_of",
    "parameters",
    "run",
    "run_all",
    "table",
]
