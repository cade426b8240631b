"""Margin losses. Targets are -1 or 1; if all targets of a batch are 0 or 1, they are read as -1 and 1."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.losses.alignment import elementwise, paired
from keratin.losses.loss import Loss
from keratin.ops.mechanism import Tensor


@elementwise
def hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean of `max(1 - y_true * y_pred, 0)` over the last axis.

    Shape: two of (..., n) -> (...).  Raises: ShapeError.

    >>> hinge([[1.0, -1.0]], [[0.5, -2.0]]).tolist()
    [0.25]
    """
    return ops.mean(ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0), axis=-1)


@elementwise
def squared_hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean of `max(1 - y_true * y_pred, 0) ** 2` over the last axis.

    Shape: two of (..., n) -> (...).  Raises: ShapeError.

    >>> squared_hinge([[1.0, -1.0]], [[0.5, -2.0]]).tolist()
    [0.125]
    """
    return ops.mean(ops.square(ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0)), axis=-1)


@paired
def categorical_hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """How far the score of the right class is from lying 1 above the best of the others; `y_true` is one-hot.

    Shape: two of (..., classes) -> (...).  Raises: ShapeError.

    >>> categorical_hinge([[0.0, 1.0]], [[0.25, 0.5]]).tolist()
    [0.75]
    """
    right = ops.sum(y_true * y_pred, axis=-1)
    other = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(other - right + 1.0, 0.0)


def _signs(y_true: Tensor) -> Tensor:
    is_binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(is_binary, 2.0 * y_true - 1.0, y_true)


class Hinge(Loss):
    """The margin loss of two classes, see `hinge`.

    >>> float(Hinge()([[1.0], [0.0]], [[0.5], [-2.0]]))
    0.25
    """

    elementwise = True

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "hinge", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return hinge(y_true, y_pred)


class SquaredHinge(Loss):
    """The squared margin loss of two classes, see `squared_hinge`.

    >>> float(SquaredHinge()([[1.0], [0.0]], [[0.5], [-2.0]]))
    0.125
    """

    elementwise = True

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "squared_hinge", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return squared_hinge(y_true, y_pred)


class CategoricalHinge(Loss):
    """The margin loss of several classes, see `categorical_hinge`.

    >>> float(CategoricalHinge()([[0.0, 1.0]], [[0.25, 0.5]]))
    0.75
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "categorical_hinge", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return categorical_hinge(y_true, y_pred)
