"""Constraints: what weights are set to after each update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keratin import config, ops, registry
from keratin.errors import StateError
from keratin.ops.mechanism import Tensor, TensorLike

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]


class Constraint(registry.Configurable):
    """A function of a weight that gives its new value.  A subclass defines `__call__`.

    >>> class Cut(Constraint):
    ...     def __call__(self, w):
    ...         return ops.clip(w, -1, 1)
    >>> Cut()([3.0]).tolist()
    [1.0]
    """

    def __call__(self, w: TensorLike) -> Tensor:
        """The new value."""
        raise StateError("A constraint defines no value.", where=type(self).__name__, hint="define `__call__(self, w)`")


class MaxNorm(Constraint):
    """Vectors along `axis` longer than `max_value` are shortened to it.

    Args: axis: the axes of a vector: 0 for the inputs of a unit in `Dense`, (0, 1, 2) for a filter in `Conv2D`.
    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".

    >>> [round(v, 3) for v in MaxNorm(1.0)([3.0, 4.0]).tolist()]
    [0.6, 0.8]
    """

    def __init__(self, max_value: float = 2, axis: int | tuple[int, ...] | list[int] = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: TensorLike) -> Tensor:
        """The new value."""
        w = ops.convert_to_tensor(w)
        norm = _norm(w, self.axis)
        return w * (ops.clip(norm, 0, self.max_value) / (norm + config.epsilon()))


class NonNeg(Constraint):
    """Numbers below 0 become 0.

    >>> NonNeg()([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    def __call__(self, w: TensorLike) -> Tensor:
        """The new value."""
        return ops.relu(w)


class UnitNorm(Constraint):
    """Vectors along `axis` get the length 1.

    >>> [round(v, 3) for v in UnitNorm()([3.0, 4.0]).tolist()]
    [0.6, 0.8]
    """

    def __init__(self, axis: int | tuple[int, ...] | list[int] = 0) -> None:
        self.axis = axis

    def __call__(self, w: TensorLike) -> Tensor:
        """The new value."""
        w = ops.convert_to_tensor(w)
        return w / (_norm(w, self.axis) + config.epsilon())


class MinMaxNorm(Constraint):
    """Vectors along `axis` are brought to a length from `min_value` to `max_value`.

    Args: rate: how far towards it, 1 for all the way.

    >>> [round(v, 3) for v in MinMaxNorm(10.0, 20.0)([3.0, 4.0]).tolist()]
    [6.0, 8.0]
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | tuple[int, ...] | list[int] = 0,
    ) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: TensorLike) -> Tensor:
        """The new value."""
        w = ops.convert_to_tensor(w)
        norm = _norm(w, self.axis)
        wanted = ops.clip(norm, self.min_value, self.max_value) * self.rate + norm * (1 - self.rate)
        return w * (wanted / (norm + config.epsilon()))


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm

_NAMES: dict[str, Any] = {
    **{cls.__name__: cls for cls in (MaxNorm, MinMaxNorm, NonNeg, UnitNorm)},
    "max_norm": MaxNorm,
    "min_max_norm": MinMaxNorm,
    "non_neg": NonNeg,
    "unit_norm": UnitNorm,
}


def get(identifier: Any) -> Any:
    """The constraint that a name, a class, serialized data or a function stands for; None stays None.

    Raises: ConfigError with the nearest name.

    >>> get("max_norm").get_config()
    {'max_value': 2, 'axis': 0}
    """
    return registry.lookup(identifier, "constraint", _NAMES)


def serialize(constraint: Any) -> Any:
    """The constraint as plain data.

    >>> serialize(UnitNorm())["config"]
    {'axis': 0}
    """
    return registry.serialize(constraint)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The constraint that plain data describe.  Raises: ConfigError.

    >>> deserialize(serialize(UnitNorm(1))).axis
    1
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)


def _norm(w: TensorLike, axis: int | tuple[int, ...] | list[int]) -> Tensor:
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))
