"""One check of the suite, and how errors are measured.

An error is relative: the distance from what is right, divided by its size. Near zero that says nothing, so sizes below
`atol / rtol` count as this much, and an error is too large just where `numpy.allclose` says so.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from keratin.backends import select

NEEDS = {
    "gradients": ("has_gradients", "the backend has no gradients"),
    "compiler": ("has_compiler", "the backend compiles nothing"),
}
"""What a check may need of a backend: the fact that says so, and what is said where it is not so."""


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that must hold of one row of a table.

    Args:
        family: "ops", "layers", "losses", "metrics", "optimizers" or "sweeps".
        subject: the op or class that the row is about.
        row: the row, unique in its family.
        kind: what is checked: "value", "gradient", ...
        function: runs it; gives the largest relative error, or raises AssertionError.
        needs: what the backend must have, of `NEEDS`, or the name of an optional function of the backend.
    """

    family: str
    subject: str
    row: str
    kind: str
    function: Callable[[], float]
    needs: str = ""

    @property
    def name(self) -> str:
        """The name in reports, and in tables of expected failures.

        >>> Check("ops", "add", "add", "value", lambda: 0.0).name
        'ops/add/value'
        """
        return f"{self.family}/{self.row}/{self.kind}"

    def missing(self) -> str | None:
        """Why the check cannot run on this backend, or None if it can."""
        if not self.needs:
            return None
        fact, reason = NEEDS.get(self.needs, (self.needs, f"the backend offers no `{self.needs}`"))
        return None if getattr(select.current(), fact, self.needs in NEEDS) else reason

    def run(self) -> float:
        """Run the check.  Gives the largest relative error.  Raises: AssertionError if it does not hold."""
        return self.function()


def told(error: Exception) -> str:
    """What an exception says, with the first of its notes."""
    notes = getattr(error, "__notes__", [])[:1]
    return "\n".join([f"{type(error).__name__}: {error}", *notes])


def same(found: Any, right: Any, what: str) -> None:
    """Raises: AssertionError unless both are equal."""
    if not found == right:
        raise AssertionError(f"{what}\n  Expected: {right}\n  Received: {found}")


def holds(condition: bool, what: str) -> None:
    """Raises: AssertionError unless the condition holds."""
    if not condition:
        raise AssertionError(what)


def close(found: Any, right: Any, rtol: float, atol: float = 0.0, what: Any = "the value") -> float:
    """The largest relative error of an array.

    Args: what: what it is, or a function that says it of the place of the largest error.
    Raises: AssertionError if the error is larger than `rtol`, or shapes, NaN or infinities are elsewhere.

    >>> close(np.array([1.0, 2.002]), np.array([1.0, 2.0]), rtol=1e-2) < 1.1e-3
    True
    """
    a, b = np.asarray(found), np.asarray(right)
    label = what if isinstance(what, str) else "the value"
    same(a.shape, b.shape, f"The shape of {label} is wrong.")
    if a.size == 0:
        return 0.0
    a, b = (x if x.dtype.kind == "c" else x.astype(np.float64) for x in (a, b))
    with np.errstate(all="ignore"):
        error = np.abs(a - b) / (np.abs(b) + (atol / rtol if rtol else 0.0))
        error = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, error)
        error = np.where(np.isfinite(a) & np.isfinite(b) | (error == 0), error, np.inf)
        error = np.where(np.isnan(error), np.inf, error)
    place = tuple(int(i) for i in np.unravel_index(np.argmax(error), error.shape))
    largest = float(error[place])
    if largest > rtol:
        label = what if isinstance(what, str) else what(place)
        count = int(np.sum(error > rtol))
        raise AssertionError(
            f"{label} is wrong at {count} of {a.size} places, most of all at {list(place)}.\n"
            f"  Expected: {b[place]!r}\n  Received: {a[place]!r}\n"
            f"  Relative error: {largest:.3g}, allowed is {rtol:g}"
        )
    return largest


def unique(names: list[str]) -> list[str]:
    """Names with a number where one occurs again.

    >>> unique(["sum", "add", "sum"])
    ['sum', 'add', 'sum-2']
    """
    seen = Counter[str]()
    found: list[str] = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return found
