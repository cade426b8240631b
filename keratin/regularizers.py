"""Regularizers: penalties on weights or outputs, added to the loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from keratin import ops, registry
from keratin.errors import ArgumentError, ShapeError, StateError
from keratin.ops.mechanism import Tensor, TensorLike

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]


class Regularizer(registry.Configurable):
    """A function of a tensor that gives a scalar penalty.  A subclass defines `__call__`.

    >>> class Sum(Regularizer):
    ...     def __call__(self, x):
    ...         return ops.sum(x)
    >>> float(Sum()([1.0, 2.0]))
    3.0
    """

    def __call__(self, x: TensorLike) -> Tensor:
        """The penalty for `x`."""
        raise StateError(
            "A regularizer defines no penalty.", where=type(self).__name__, hint="define `__call__(self, x)`"
        )


class L1(Regularizer):
    """`l1 * sum(|x|)`.

    >>> float(L1(0.5)([1.0, -2.0]))
    1.5
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _factor("l1", l1)

    def __call__(self, x: TensorLike) -> Tensor:
        """The penalty for `x`."""
        return ops.sum(ops.abs(x)) * self.l1


class L2(Regularizer):
    """`l2 * sum(x ** 2)`.

    >>> float(L2(0.5)([1.0, -2.0]))
    2.5
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _factor("l2", l2)

    def __call__(self, x: TensorLike) -> Tensor:
        """The penalty for `x`."""
        return ops.sum(ops.square(x)) * self.l2


class L1L2(Regularizer):
    """`l1 * sum(|x|) + l2 * sum(x ** 2)`.

    >>> float(L1L2(0.5, 0.5)([1.0, -2.0]))
    4.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = _factor("l1", l1), _factor("l2", l2)

    def __call__(self, x: TensorLike) -> Tensor:
        """The penalty for `x`."""
        return ops.sum(ops.abs(x)) * self.l1 + ops.sum(ops.square(x)) * self.l2


class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean of the cosines, without their signs, between the rows (or columns) of a matrix.

    Args: mode: "rows" or "columns".
    Raises: ArgumentError; ShapeError for other than two axes.

    >>> float(OrthogonalRegularizer(1.0)([[1.0, 0.0], [0.0, 3.0]]))
    0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor("factor", factor)
        if mode not in ("rows", "columns"):
            raise ArgumentError(
                "`mode` cannot be used.", where="OrthogonalRegularizer", expected='"rows" or "columns"', received=mode
            )
        self.mode = mode

    def __call__(self, x: TensorLike) -> Tensor:
        """The penalty for `x`."""
        shape = ops.shape(x)
        if len(shape) != 2:
            raise ShapeError(
                "The input of an orthogonal regularizer is a matrix.", expected="two axes", received=tuple(shape)
            )
        unit = ops.normalize(x, axis=1) if self.mode == "rows" else ops.transpose(ops.normalize(x, axis=0))
        size = ops.shape(unit)[0]
        cosines = ops.abs(ops.matmul(unit, ops.transpose(unit)))
        between = ops.sum(cosines) - ops.sum(ops.diagonal(cosines))
        return between * (self.factor / max(size * (size - 1), 1))


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer

_NAMES: dict[str, Any] = {
    **{cls.__name__: cls for cls in (L1, L2, L1L2, OrthogonalRegularizer)},
    "l1": L1,
    "l2": L2,
    "l1_l2": L1L2,
    "l1l2": L1L2,
    "orthogonal_regularizer": OrthogonalRegularizer,
}


def get(identifier: Any) -> Any:
    """The regularizer that a name, a class, serialized data or a function stands for; None stays None.

    Raises: ConfigError with the nearest name.

    >>> get("l2").get_config()
    {'l2': 0.01}
    """
    return registry.lookup(identifier, "regularizer", _NAMES)


def serialize(regularizer: Any) -> Any:
    """The regularizer as plain data.

    >>> serialize(L2(0.5))["config"]
    {'l2': 0.5}
    """
    return registry.serialize(regularizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The regularizer that plain data describe.  Raises: ConfigError.

    >>> deserialize(serialize(L1(0.5))).l1
    0.5
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)


def _factor(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ArgumentError(f"`{name}` cannot be used.", expected="a finite number >= 0", received=value)
    return value
