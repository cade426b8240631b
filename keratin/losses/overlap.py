"""Losses of segmentation: how little the predicted region overlaps the true one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keratin import config, ops
from keratin.losses.alignment import paired
from keratin.losses.loss import Loss
from keratin.ops.mechanism import Tensor


@paired
def dice(y_true: Tensor, y_pred: Tensor, axis: int | Sequence[int] | None = None) -> Tensor:
    """1 minus twice the overlap over the sum of both regions.

    Args: axis: the axes of a region; None for one region of all values.
    Shape: two equal shapes -> without `axis`.  Raises: ShapeError, AxisError.
    Source: Milletari et al. 2016, arXiv:1606.04797.

    >>> round(float(dice([1.0, 1.0, 0.0], [1.0, 0.0, 0.0])), 4)
    0.3333
    """
    overlap = ops.sum(y_true * y_pred, axis=_axes(axis))
    both = ops.sum(y_true, axis=_axes(axis)) + ops.sum(y_pred, axis=_axes(axis))
    return 1.0 - 2.0 * overlap / (both + config.epsilon())


@paired
def tversky(
    y_true: Tensor, y_pred: Tensor, alpha: float = 0.5, beta: float = 0.5, axis: int | Sequence[int] | None = None
) -> Tensor:
    """1 minus the overlap over the overlap plus `alpha` times what was added and `beta` times what was missed.

    Args:
        alpha: the weight of false positives.
        beta: the weight of false negatives.
        axis: the axes of a region; None for one region of all values.
    Shape: two equal shapes -> without `axis`.  Raises: ShapeError, AxisError.
    Source: Salehi et al. 2017, arXiv:1706.05721, equation 2 (Keras up to 3.15.1 has alpha and beta interchanged).

    >>> float(tversky([1.0, 1.0, 0.0], [1.0, 0.0, 0.0], alpha=0.0, beta=1.0))
    0.5
    """
    axes = _axes(axis)
    overlap = ops.sum(y_true * y_pred, axis=axes)
    added = ops.sum((1.0 - y_true) * y_pred, axis=axes)
    missed = ops.sum(y_true * (1.0 - y_pred), axis=axes)
    return 1.0 - overlap / (overlap + alpha * added + beta * missed + config.epsilon())


def _axes(axis: int | Sequence[int] | None) -> Any:
    return axis if axis is None or isinstance(axis, int) else tuple(axis)


class Dice(Loss):
    """How little two regions overlap, see `dice`.

    >>> round(float(Dice()([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])), 4)
    0.3333
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: int | Sequence[int] | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = axis

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return dice(y_true, y_pred, self.axis)


class Tversky(Loss):
    """How little two regions overlap, with weights for the two kinds of error, see `tversky`.

    >>> float(Tversky(alpha=0.0, beta=1.0)([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]))
    0.5
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: int | Sequence[int] | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.alpha, self.beta, self.axis = alpha, beta, axis

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return tversky(y_true, y_pred, self.alpha, self.beta, self.axis)
