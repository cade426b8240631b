"""What is checked of a row of the table of optimizers.

Each check gives the largest relative error that it saw, or raises AssertionError.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

import numpy as np

from keratin import config
from keratin.testing.check import Check, close, holds
from keratin.testing.optimizers import problem
from keratin.testing.optimizers.rows import Case

PRECISION = {"bfloat16": 2.0**-8, "float16": 2.0**-11}


def checks(rows: Iterable[tuple[str, Case]]) -> list[Check]:
    """All checks of rows that have a name each."""
    return [
        Check("optimizers", row.optimizer, name, kind, functools.partial(function, row), needs)
        for name, row in rows
        for kind, (condition, needs, function) in KINDS.items()
        if condition(row)
    ]


def check_trajectory(row: Case) -> float:
    """Fifty updates follow the paper; the error is relative to how far a variable has gone."""
    dtype, floatx = problem.widest(), config.floatx()
    # Muon has two decays; the reference decays all variables alike.
    more = {"adam_weight_decay": None} if row.optimizer == "Muon" and "weight_decay" in row.arguments else {}
    config.set_floatx(dtype)
    try:
        history = problem.run(row.make(**more), problem.variables(dtype), compiled=True)
    finally:
        config.set_floatx(floatx)
    error, allowed = problem.worst(history, row.trajectory()), 1e-9 if dtype == "float64" else 4e-5
    holds(error < allowed, f"After {problem.STEPS} updates the values are {error:.3g} off; allowed is {allowed:g}.")
    return error


def check_compiled(row: Case) -> float:
    """Compiled updates give the values of eager ones."""
    histories = [
        problem.run(row.make(0.01), problem.variables(), problem.GRADIENTS[:5], compiled=compiled)
        for compiled in (True, False)
    ]
    return max(
        close(a, b, 1e-6, 1e-7, "the value compiled")
        for now, right in zip(*histories, strict=True)
        for a, b in zip(now, right, strict=True)
    )


def check_zeros(row: Case) -> float:
    """Gradients that are 0 from the start keep the values finite."""
    values, optimizer = problem.variables(), row.make(0.01)
    for _ in range(3):
        optimizer.apply([np.zeros(shape, np.float32) for shape in problem.SHAPES.values()], values)
    for name, value in zip(problem.SHAPES, problem.arrays(values), strict=True):
        holds(bool(np.isfinite(value).all()), f"The value of {name} is not finite.")
    return 0.0


def check_half(dtype: str, row: Case) -> float:
    """One step differs from that of float32 by roundings of the result alone, and forty stay finite."""
    half, full = problem.variables(dtype), problem.variables()
    for wide, narrow in zip(full, half, strict=True):
        wide.assign(narrow.numpy().astype(np.float32))
    gradients = [
        np.asarray(g, np.float32).astype(h.numpy().dtype) for g, h in zip(problem.GRADIENTS[0], half, strict=True)
    ]
    mine, right = row.make(), row.make()
    mine.apply(gradients, half)
    right.apply([g.astype(np.float32) for g in gradients], full)
    precision = 2 * PRECISION[dtype]  # with the decay, the value is rounded twice
    for h, v in zip(problem.arrays(half), problem.arrays(full), strict=True):
        close(h, v, precision, 5e-4 * precision)
    for batch in problem.GRADIENTS[:40]:
        mine.apply(batch, half)
    for name, value in zip(problem.SHAPES, problem.arrays(half), strict=True):
        holds(bool(np.isfinite(value).all()), f"The value of {name} is not finite.")
    return 0.0  # an error of half precision is no measure of a backend


def _plain(row: Case) -> bool:
    return not row.arguments


KINDS: dict[str, tuple[Callable[[Case], bool], str, Callable[[Case], float]]] = {
    "trajectory": (lambda row: True, "", check_trajectory),
    "compiled": (lambda row: True, "compiler", check_compiled),
    "zeros": (lambda row: True, "", check_zeros),
    **{dtype: (_plain, "", functools.partial(check_half, dtype)) for dtype in PRECISION},
}
"""Name of each kind of check: which rows have it, what it needs of a backend, and the check."""
