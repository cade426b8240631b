"""Ops: a row for each, and what is checked of it."""

from __future__ import annotations

from keratin.testing.check import Check, unique
from keratin.testing.ops import checks, convolution, elementwise, indexing, linalg, nn, pooling, reduction, shaping
from keratin.testing.ops.case import Case

ROWS: list[Case] = [
    row for part in (elementwise, reduction, shaping, indexing, linalg, nn, convolution, pooling) for row in part.ROWS
]
"""Every row."""


def suite() -> list[Check]:
    """Every check of every op."""
    return checks.checks(zip(unique([row.name for row in ROWS]), ROWS, strict=True))
