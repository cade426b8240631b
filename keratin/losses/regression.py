"""Losses of numbers: squared, absolute and relative distances, and the angle between vectors."""

from __future__ import annotations

import math
from typing import Any

from keratin import config, ops
from keratin.losses.alignment import elementwise, paired
from keratin.losses.loss import Loss
from keratin.ops.mechanism import Tensor


@elementwise
def mean_squared_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean of `(y_true - y_pred) ** 2` over the last axis.

    Shape: two of (..., n) -> (...).  Raises: ShapeError.

    >>> mean_squared_error([[0.0, 1.0]], [[1.0, 1.0]]).tolist()
    [0.5]
    """
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@elementwise
def mean_absolute_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean of `|y_true - y_pred|` over the last axis.

    Shape: two of (..., n) -> (...).  Raises: ShapeError.

    >>> mean_absolute_error([[0.0, 1.0]], [[1.0, 1.0]]).tolist()
    [0.5]
    """
    return ops.mean(ops.absolute(y_true - y_pred), axis=-1)


@elementwise
def mean_absolute_percentage_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean of `100 * |y_true - y_pred| / |y_true|` over the last axis; `|y_true|` is at least `epsilon()`.

    Shape: two of (..., n) -> (...).  Units: percent.  Raises: ShapeError.

    >>> mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 4.0]]).tolist()
    [25.0]
    """
    return 100 * ops.mean(ops.absolute(y_true - y_pred) / ops.maximum(ops.absolute(y_true), config.epsilon()), axis=-1)


@elementwise
def mean_squared_logarithmic_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean of `(log(1 + y_true) - log(1 + y_pred)) ** 2` over the last axis; both are at least `epsilon()`.

    Shape: two of (..., n) -> (...).  Raises: ShapeError.

    >>> round(float(mean_squared_logarithmic_error([1.0], [3.0])), 4)
    0.4805
    """
    first, second = (ops.log1p(ops.maximum(y, config.epsilon())) for y in (y_true, y_pred))
    return ops.mean(ops.square(first - second), axis=-1)


@elementwise
def huber(y_true: Tensor, y_pred: Tensor, delta: float = 1.0) -> Tensor:
    """Half the squared error up to `delta`, and linear with the slope `delta` beyond; the mean over the last axis.

    Shape: two of (..., n) -> (...).  Units: delta in those of y.  Raises: ShapeError.
    Source: Huber 1964, "Robust estimation of a location parameter".

    >>> huber([[0.0, 0.0]], [[1.0, 3.0]]).tolist()
    [1.5]
    """
    error = ops.absolute(y_true - y_pred)
    return ops.mean(ops.where(error <= delta, 0.5 * ops.square(error), delta * error - 0.5 * delta**2), axis=-1)


@elementwise
def log_cosh(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean of `log(cosh(y_pred - y_true))` over the last axis: about half the square, linear for large errors.

    Shape: two of (..., n) -> (...).  Raises: ShapeError.

    >>> round(float(log_cosh([0.0], [100.0])), 4)
    99.3069
    """
    error = y_pred - y_true
    size = ops.absolute(error)
    far = size + ops.log1p(ops.exp(-2.0 * size)) - math.log(2)
    # cosh(x) = 1 + 2 sinh(x / 2)^2 keeps the digits that the difference above loses near 0.
    small = ops.where(size < 1.0, error, ops.zeros_like(error))
    near = ops.log1p(2.0 * ops.square(ops.sinh(0.5 * small)))
    return ops.mean(ops.where(size < 1.0, near, far), axis=-1)


@paired
def cosine_similarity(y_true: Tensor, y_pred: Tensor, axis: int = -1) -> Tensor:
    """Minus the cosine of the angle between vectors along `axis`: -1 for the same direction, 0 where one is zero.

    Shape: two of (..., n, ...) -> without `axis`.  Raises: ShapeError, AxisError.

    >>> cosine_similarity([[1.0, 0.0]], [[2.0, 0.0]]).tolist()
    [-1.0]
    """
    return -ops.sum(ops.normalize(y_true, axis=axis) * ops.normalize(y_pred, axis=axis), axis=axis)


@elementwise
def poisson(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean of `y_pred - y_true * log(y_pred + epsilon())` over the last axis: counts with the rate `y_pred`.

    Shape: two of (..., n) -> (...).  Raises: ShapeError.

    >>> round(float(poisson([2.0], [1.0])), 4)
    1.0
    """
    return ops.mean(y_pred - y_true * ops.log(y_pred + config.epsilon()), axis=-1)


class MeanSquaredError(Loss):
    """The mean of squared errors, see `mean_squared_error`.

    >>> float(MeanSquaredError()([[0.0], [1.0]], [[1.0], [1.0]]))
    0.5
    """

    elementwise = True

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_squared_error", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return mean_squared_error(y_true, y_pred)


class MeanAbsoluteError(Loss):
    """The mean of absolute errors, see `mean_absolute_error`.

    >>> float(MeanAbsoluteError()([[0.0], [1.0]], [[3.0], [1.0]]))
    1.5
    """

    elementwise = True

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_absolute_error", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return mean_absolute_error(y_true, y_pred)


class MeanAbsolutePercentageError(Loss):
    """The mean of relative errors in percent, see `mean_absolute_percentage_error`.

    >>> float(MeanAbsolutePercentageError()([[2.0], [1.0]], [[1.0], [1.0]]))
    25.0
    """

    elementwise = True

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return mean_absolute_percentage_error(y_true, y_pred)


class MeanSquaredLogarithmicError(Loss):
    """The mean of squared errors of logarithms, see `mean_squared_logarithmic_error`.

    >>> round(float(MeanSquaredLogarithmicError()([[1.0]], [[3.0]])), 4)
    0.4805
    """

    elementwise = True

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return mean_squared_logarithmic_error(y_true, y_pred)


class Huber(Loss):
    """Squared for small errors and linear for large ones, see `huber`.

    >>> float(Huber(delta=2.0)([[0.0]], [[3.0]]))
    4.0
    """

    elementwise = True

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.delta = delta

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return huber(y_true, y_pred, self.delta)


class LogCosh(Loss):
    """The logarithm of the hyperbolic cosine of the error, see `log_cosh`.

    >>> round(float(LogCosh()([[0.0]], [[1.0]])), 4)
    0.4338
    """

    elementwise = True

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "log_cosh", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return log_cosh(y_true, y_pred)


class CosineSimilarity(Loss):
    """Minus the cosine of the angle between targets and predictions, see `cosine_similarity`.

    >>> float(CosineSimilarity()([[1.0, 0.0]], [[3.0, 0.0]]))
    -1.0
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = axis

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return cosine_similarity(y_true, y_pred, self.axis)


class Poisson(Loss):
    """The negative log-likelihood of counts, up to a constant, see `poisson`.

    >>> round(float(Poisson()([[2.0]], [[1.0]])), 4)
    1.0
    """

    elementwise = True

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "poisson", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return poisson(y_true, y_pred)
