"""How well predictions follow targets: correlations along an axis, averaged over samples."""

from __future__ import annotations

from typing import Any

from keratin import config, ops
from keratin.losses.alignment import paired
from keratin.metrics.reduction import MeanMetricWrapper
from keratin.ops.mechanism import Tensor


@paired
def pearson_correlation(y_true: Tensor, y_pred: Tensor, axis: int = -1) -> Tensor:
    """Covariance over the product of standard deviations along `axis`; NaN where one of them is 0.

    Shape: two equal shapes -> without `axis`.  Raises: ShapeError, AxisError.

    >>> pearson_correlation([[1.0, 2.0, 3.0]], [[-1.0, -3.0, -5.0]]).tolist()
    [-1.0]
    """
    first, second = (y - ops.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred))
    first, second = (y / ops.max(ops.absolute(y), axis=axis, keepdims=True) for y in (first, second))
    norms = ops.sum(ops.square(first), axis=axis) * ops.sum(ops.square(second), axis=axis)
    return ops.clip(ops.sum(first * second, axis=axis) / ops.sqrt(norms), -1.0, 1.0)


@paired
def concordance_correlation(y_true: Tensor, y_pred: Tensor, axis: int = -1) -> Tensor:
    """Twice the covariance over both variances plus the squared distance of the means, along `axis`.

    Shape: two equal shapes -> without `axis`.  Raises: ShapeError, AxisError.
    Source: Lin 1989, "A concordance correlation coefficient to evaluate reproducibility".

    >>> round(float(concordance_correlation([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])), 4)
    0.5714
    """
    means = [ops.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred)]
    first, second = y_true - means[0], y_pred - means[1]
    spread = ops.mean(ops.square(first), axis=axis) + ops.mean(ops.square(second), axis=axis)
    apart = ops.squeeze(ops.square(means[0] - means[1]), axis)
    return 2.0 * ops.mean(first * second, axis=axis) / (spread + apart + config.epsilon())


class PearsonCorrelation(MeanMetricWrapper):
    """The mean Pearson correlation of the samples, see `pearson_correlation`.

    >>> float(PearsonCorrelation()([[1.0, 2.0, 3.0]], [[-1.0, -3.0, -5.0]]))
    -1.0
    """

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(pearson_correlation, name, dtype)
        self.axis = axis

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return pearson_correlation(y_true, y_pred, self.axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean concordance correlation of the samples, see `concordance_correlation`.

    >>> round(float(ConcordanceCorrelation()([[1.0, 2.0, 3.0]], [[2.0, 3.0, 4.0]])), 4)
    0.5714
    """

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(concordance_correlation, name, dtype)
        self.axis = axis

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return concordance_correlation(y_true, y_pred, self.axis)
