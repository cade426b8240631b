"""Optimizers: slots and one pure update rule each."""

from __future__ import annotations

from typing import Any

from keratin import registry
from keratin.optimizers import schedules
from keratin.optimizers.adadelta import Adadelta
from keratin.optimizers.adafactor import Adafactor
from keratin.optimizers.adagrad import Adagrad
from keratin.optimizers.adam import Adam, AdamW
from keratin.optimizers.adamax import Adamax
from keratin.optimizers.base import Optimizer
from keratin.optimizers.ftrl import Ftrl
from keratin.optimizers.lamb import Lamb
from keratin.optimizers.lion import Lion
from keratin.optimizers.loss_scale_optimizer import LossScaleOptimizer
from keratin.optimizers.multi_optimizer import MultiOptimizer, OptimizerMap
from keratin.optimizers.muon import Muon
from keratin.optimizers.nadam import Nadam
from keratin.optimizers.rmsprop import RMSprop
from keratin.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from keratin.optimizers.sgd import SGD

__all__ = [
    "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "LossScaleOptimizer",
    "MultiOptimizer", "Muon", "Nadam", "Optimizer", "OptimizerMap", "RMSprop", "ScheduleFreeAdamW", "deserialize",
    "get", "schedules", "serialize",
]  # fmt: skip

_CLASSES: tuple[type[Optimizer], ...] = (
    SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, Adamax, Nadam, Ftrl, Lion, Lamb, Adafactor, Muon, ScheduleFreeAdamW,
    LossScaleOptimizer, MultiOptimizer,
)  # fmt: skip
_BY_NAME: dict[str, Any] = {name: cls for cls in _CLASSES for name in (cls.__name__, cls.__name__.lower())}


def get(identifier: Any) -> Optimizer | None:
    """The optimizer meant by a name, an optimizer, a class, or serialized data.

    Raises: ConfigError naming the nearest one.

    >>> get("adam").beta_1
    0.9
    """
    if isinstance(identifier, str):
        identifier = _BY_NAME.get(identifier.lower(), identifier)
    return registry.lookup(identifier, "optimizer", _BY_NAME, base=Optimizer)


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """The optimizer as plain data.

    >>> serialize(SGD(0.5))["config"]["learning_rate"]
    0.5
    """
    return registry.serialize(optimizer)


def deserialize(config: Any, custom_objects: Any = None) -> Optimizer:
    """The optimizer that serialized data describes.

    >>> deserialize(serialize(SGD(0.5, momentum=0.25))).momentum
    0.25
    """
    return registry.deserialize(config, custom_objects)
