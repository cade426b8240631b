"""Optimizers: slots and one pure update rule each."""

from __future__ import annotations

from typing import Any

from keratin import registry
from keratin.optimizers import schedules
from keratin.optimizers.adam import Adam, AdamW
from keratin.optimizers.base import Optimizer
from keratin.optimizers.rmsprop import RMSprop
from keratin.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "deserialize", "get", "schedules", "serialize"]

_BY_NAME: dict[str, Any] = {cls.__name__.lower(): cls for cls in (SGD, Adam, AdamW, RMSprop)}


def get(identifier: Any) -> Optimizer | None:
    """The optimizer meant by a name, an optimizer, a class, or serialized data.

    Raises: ConfigError naming the nearest one.

    >>> get("adam").name
    'adam'
    """
    if isinstance(identifier, str):
        identifier = _BY_NAME.get(identifier.lower(), identifier)
    return registry.lookup(identifier, "optimizer", _BY_NAME, base=Optimizer)


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """The optimizer as plain data."""
    return registry.serialize(optimizer)


def deserialize(config: Any, custom_objects: Any = None) -> Optimizer:
    """The optimizer that serialized data describes."""
    return registry.deserialize(config, custom_objects)
