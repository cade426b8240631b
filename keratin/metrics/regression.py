"""Errors of numbers, and the share of variance that predictions explain."""

from __future__ import annotations

from typing import Any

from keratin import losses, ops
from keratin.errors import ArgumentError, ShapeError
from keratin.losses.alignment import aligned, as_column
from keratin.metrics.base import Metric
from keratin.metrics.reduction import Mean, MeanMetricWrapper, combined
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike
from keratin.state import masks


class MeanSquaredError(MeanMetricWrapper):
    """The mean of squared errors, see `losses.mean_squared_error`.

    >>> float(MeanSquaredError()([[0.0], [1.0]], [[1.0], [1.0]]))
    0.5
    """

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_squared_error, name, dtype)


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of absolute errors, see `losses.mean_absolute_error`.

    >>> float(MeanAbsoluteError()([[0.0], [1.0]], [[3.0], [1.0]]))
    1.5
    """

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of relative errors in percent, see `losses.mean_absolute_percentage_error`.

    >>> float(MeanAbsolutePercentageError()([[2.0], [1.0]], [[1.0], [1.0]]))
    25.0
    """

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of squared errors of logarithms, see `losses.mean_squared_logarithmic_error`.

    >>> round(float(MeanSquaredLogarithmicError()([[1.0]], [[3.0]])), 4)
    0.4805
    """

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """The mean logarithm of the hyperbolic cosine of errors, see `losses.log_cosh`.

    >>> round(float(LogCoshError()([[0.0]], [[1.0]])), 4)
    0.4338
    """

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(losses.log_cosh, name, dtype)


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between targets and predictions: 1 for the same direction.

    >>> float(CosineSimilarity()([[1.0, 0.0]], [[3.0, 0.0]]))
    1.0
    """

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(losses.cosine_similarity, name, dtype)
        self.axis = axis

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return -losses.cosine_similarity(y_true, y_pred, self.axis)


class RootMeanSquaredError(Mean):
    """The square root of the mean of squared errors.

    >>> float(RootMeanSquaredError()([[0.0], [0.0]], [[1.0], [7.0]]))
    5.0
    """

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(  # pyright: ignore[reportIncompatibleMethodOverride] - as in Keras
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Take a batch into account.  Raises: ShapeError."""
        target, prediction = (ops.cast(mechanism.convert(y), self.dtype) for y in (y_true, y_pred))
        target, prediction = aligned(target, prediction, self.name)
        squares = ops.square(prediction - target)
        super().update_state(squares, combined(sample_weight, masks.get_mask(y_pred), None, squares, self.dtype))

    def result(self) -> Tensor:
        """The root of the mean."""
        return ops.sqrt(super().result())


class R2Score(Metric):
    """1 minus the squared errors over the squared deviations of targets from their mean.

    A constant target scores 1 if it is met and 0 if not, as in scikit-learn.

    Args:
        class_aggregation: "uniform_average" over outputs, "variance_weighted_average", or None for a score each.
        num_regressors: p in the adjusted score 1 - (1 - R2) * (n - 1) / (n - p - 1); 0 leaves the score as it is, and
            so do n <= p + 1 samples.
    Raises: ArgumentError, ShapeError.
    Source: Chan et al. 1979, "Updating formulae and a pairwise algorithm for computing sample variances"; plain sums of
        squares would cancel in float32 where targets are far from 0.

    >>> float(R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [4.0]]))
    0.5
    """

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        choices = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in choices:
            raise ArgumentError(
                "`class_aggregation` cannot be used.", where=self.name, expected=choices, received=class_aggregation
            )
        if num_regressors < 0:
            raise ArgumentError(
                "`num_regressors` is negative.", where=self.name, expected="0 or more", received=num_regressors
            )
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.built = False

    def _build(self, outputs: int | None) -> None:
        if not isinstance(outputs, int):
            raise ShapeError(
                "The number of outputs is not known.", where=self.name, expected="an integer", received=outputs
            )
        self.count = self.add_variable((), None, name="count")
        self.pivot = self.add_variable((outputs,), None, name="pivot")
        self.mean = self.add_variable((outputs,), None, name="mean")
        self.deviation = self.add_variable((outputs,), None, name="deviation")
        self.residual = self.add_variable((outputs,), None, name="residual")
        self.built = True

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Take a batch of (n,) or (n, outputs) into account."""
        target, prediction = (as_column(ops.cast(mechanism.convert(y), self.dtype)) for y in (y_true, y_pred))
        target, prediction = aligned(target, prediction, self.name)
        if len(target.shape) != 2:
            raise ShapeError(
                "This metric takes matrices.",
                where=self.name,
                expected="(samples, outputs)",
                received=tuple(target.shape),
            )
        if not self.built:
            self._build(target.shape[-1])
        ones = ops.ones_like(target[:, :1])
        weights = combined(sample_weight, masks.get_mask(y_pred), None, target[:, :1], self.dtype)
        weights = ones if weights is None else weights * ones  # (samples, 1)
        added, before = ops.sum(weights), self.count.value
        # Targets are counted from a pivot near them, the mean of the first batch, so that their means keep all digits.
        first = ops.divide_no_nan(ops.sum(weights * target, axis=0), added)
        pivot = self.pivot.assign(ops.where(before > 0, self.pivot.value, first))
        residual = ops.sum(weights * ops.square(target - prediction), axis=0)
        target = target - pivot
        mean = ops.divide_no_nan(ops.sum(weights * target, axis=0), added)
        deviation = ops.sum(weights * ops.square(target - mean), axis=0)
        step = mean - self.mean.value
        share = ops.divide_no_nan(added, before + added)
        self.mean.assign_add(step * share)
        self.deviation.assign_add(deviation + ops.square(step) * (before * share))
        self.residual.assign_add(residual)
        self.count.assign_add(added)

    def result(self) -> Tensor:
        """The score; 0 before the first batch."""
        if not self.built:
            return ops.zeros((), self.dtype)
        total, residual = self.deviation.value, self.residual.value
        is_constant = ops.equal(total, 0)
        safe = ops.where(is_constant, ops.ones_like(total), total)
        met = ops.cast(ops.equal(residual, 0), self.dtype)
        score = ops.where(is_constant, met, 1.0 - residual / safe)
        if self.class_aggregation == "uniform_average":
            score = ops.mean(score)
        elif self.class_aggregation == "variance_weighted_average":
            even = ops.mean(score)
            shares = ops.divide_no_nan(total, ops.sum(total))
            score = ops.where(ops.all(is_constant), even, ops.sum(shares * score))
        if self.num_regressors:
            n, freedom = self.count.value, self.count.value - (self.num_regressors + 1.0)
            enough = freedom > 0
            adjusted = 1.0 - (1.0 - score) * (n - 1.0) / ops.where(enough, freedom, ops.ones_like(freedom))
            score = ops.where(enough, adjusted, score)
        return score
