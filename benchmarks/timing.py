"""Timing inside one process: warm up, find how often to repeat, then measure rounds of equal length."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

Round = Callable[[], float]
"""Measures once and returns the figure in the workload's unit."""

MILLISECONDS, MICROSECONDS = 1e3, 1e6


@dataclass(frozen=True)
class Timed:
    """An action to be timed.

    Args:
        action: Called again and again.  It returns only when its results exist, not when they are queued.
        count: How many steps (or calls) one action does.
        scale: From seconds to the workload's unit.
    """

    action: Callable[[], object]
    count: int = 1
    scale: float = MILLISECONDS

    def calibrated(self, seconds: float) -> Round:
        """Warm up and return a round of about `seconds`, at least one action."""
        self.action()  # compiles
        self.action()  # a second program may come with donated or committed buffers
        elapsed = min(_seconds_of(self.action, 1) for _ in range(2))
        repeats = max(1, round(seconds / elapsed))
        return lambda: _seconds_of(self.action, repeats) / (repeats * self.count) * self.scale


def _seconds_of(action: Callable[[], object], repeats: int) -> float:
    start = perf_counter()
    for _ in range(repeats):
        action()
    return perf_counter() - start
