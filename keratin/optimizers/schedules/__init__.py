"""Learning rates as functions of the step."""

from __future__ import annotations

from typing import Any

from keratin import registry
from keratin.optimizers.schedules.base import LearningRateSchedule

__all__ = ["LearningRateSchedule", "deserialize", "serialize"]


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """The schedule as plain data."""
    return registry.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: Any = None) -> LearningRateSchedule:
    """The schedule that serialized data describes."""
    return registry.deserialize(config, custom_objects)
