"""`LearningRateSchedule`: a learning rate that is a function of the step."""

from __future__ import annotations

from typing import Any

from keratin import registry
from keratin.errors import StateError
from keratin.ops.mechanism import Tensor


class LearningRateSchedule(registry.Configurable):
    """Base of schedules.  A subclass defines `__call__(step)`, traceable, with the step as an integer tensor."""

    def __call__(self, step: Any) -> Tensor:
        """The learning rate at `step`."""
        raise StateError(f"`{type(self).__name__}` defines no `__call__`.", hint="define `__call__(self, step)`")
