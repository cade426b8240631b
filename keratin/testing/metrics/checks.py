"""What is checked of a row of the table of metrics.

Each check gives the largest relative error that it saw, or raises AssertionError.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from keratin.backends import select
from keratin.state import transforms
from keratin.testing.check import Check, close, holds
from keratin.testing.metrics.rows import BATCHES, WEIGHTS, Case


def checks(rows: Iterable[tuple[str, Case]]) -> list[Check]:
    """All checks of rows that have a name each."""
    return [
        Check("metrics", row.metric, name, kind, functools.partial(function, row), needs)
        for name, row in rows
        for kind, (needs, function) in KINDS.items()
    ]


def run(metric: Any, target: Any, prediction: Any, weights: Any = None) -> np.ndarray:
    """The result after all batches."""
    for part in BATCHES:
        more = () if weights is None else (weights[part],)
        metric.update_state(target[part], prediction[part], *more)
    return _host(metric.result())


def _host(result: Any) -> np.ndarray:
    return np.asarray(select.current().to_host(result) if select.current().is_tensor(result) else result)


def check_value(row: Case) -> float:
    """Over uneven batches, the result is that of the definition over all samples."""
    return close(run(row.make(), row.target, row.prediction), row.expected(), 2e-5, 1e-6, "the result")


def check_weighted(row: Case) -> float:
    """With weights too."""
    found = run(row.make(), row.target, row.prediction, WEIGHTS)
    return close(found, row.expected(WEIGHTS), 2e-5, 1e-6, "the weighted result")


def check_compiled(row: Case) -> float:
    """Compiled updates give the result of eager ones."""
    expected = run(row.make(), row.target, row.prediction, WEIGHTS)
    compiled = row.make()
    step = transforms.jit(lambda *batch: compiled.update_state(*batch))
    for part in BATCHES:
        step(row.target[part], row.prediction[part], WEIGHTS[part])
    return close(_host(transforms.jit(compiled.result)()), expected, 1e-5, 1e-6, "the result compiled")


def check_stateless(row: Case) -> float:
    """Without state in the metric, the result is the same."""
    expected = run(row.make(), row.target, row.prediction, WEIGHTS)
    pure = row.make()
    pure.update_state(row.target[:4], row.prediction[:4])  # some metrics make their states now
    state = pure.stateless_reset_state()
    for part in BATCHES:
        state = pure.stateless_update_state(state, row.target[part], row.prediction[part], WEIGHTS[part])
    return close(_host(pure.stateless_result(state)), expected, 1e-5, 1e-6, "the stateless result")


def check_reset(row: Case) -> float:
    """After a reset, all states are 0, and the metric begins anew."""
    metric = row.make()
    expected = run(metric, row.target, row.prediction, WEIGHTS)
    metric.reset_state()
    for v in metric.variables:
        holds(not np.asarray(v.numpy()).any(), f"After a reset, {v.path} is not 0.")
    return close(run(metric, row.target, row.prediction, WEIGHTS), expected, 1e-5, 1e-6, "the result after a reset")


KINDS: dict[str, tuple[str, Callable[[Case], float]]] = {
    "value": ("", check_value),
    "weighted": ("", check_weighted),
    "compiled": ("compiler", check_compiled),
    "stateless": ("", check_stateless),
    "reset": ("", check_reset),
}
"""Name of each kind of check: what it needs of a backend, and the check."""
