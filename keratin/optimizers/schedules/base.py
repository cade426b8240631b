"""`LearningRateSchedule`: a learning rate that is a function of the step."""

from __future__ import annotations

from typing import Any

from keratin import config, registry
from keratin.errors import ArgumentError, StateError
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor


class LearningRateSchedule(registry.Configurable):
    """Base of schedules.  A subclass defines `__call__(step)`, traceable, with the step as an integer tensor.

    >>> class Halving(LearningRateSchedule):
    ...     def __init__(self, first):
    ...         self.first = first
    ...     def __call__(self, step):
    ...         return self.first * 0.5**step
    >>> Halving(0.5)(3), Halving(0.5).get_config()
    (0.0625, {'first': 0.5})
    """

    def __call__(self, step: Any) -> Tensor:
        """The learning rate at `step`."""
        raise StateError(f"`{type(self).__name__}` defines no `__call__`.", hint="define `__call__(self, step)`")

    def check_positive(self, argument: str) -> None:
        """Check an argument.  Raises: ArgumentError."""
        value = getattr(self, argument)
        if not value > 0:
            raise ArgumentError(f"`{argument}` must be positive.", where=type(self).__name__, received=value)


def rate_dtype() -> str:
    """The dtype of learning rates: float32 at least."""
    return mechanism.canonical("float64") if config.floatx() == "float64" else "float32"
