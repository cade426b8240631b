"""Losses of distributions over classes: cross-entropies, their focal and robust forms, and the KL divergence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from keratin import config, dtypes, ops, shapes
from keratin.errors import ArgumentError
from keratin.losses.alignment import at_least_float32, check_equal, elementwise, floating, paired
from keratin.losses.loss import Loss
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike, dtype_of
from keratin.state import masks

TINY = 1e-30
"""Keeps the slope of `x ** gamma` finite at 0 without changing a value."""


@elementwise
def binary_crossentropy(
    y_true: Tensor, y_pred: Tensor, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """The mean along `axis` of `-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred)`.

    Args:
        y_pred: probabilities (kept `epsilon()` away from 0 and 1), or logits.
        from_logits: whether `y_pred` are logits.
        label_smoothing: moves the targets this far towards 0.5: 0 becomes half of it.
    Shape: two of (..., n, ...) -> without `axis`.  Units: nats.  Raises: ShapeError, AxisError.

    >>> binary_crossentropy([[0.0, 1.0]], [[-200.0, 200.0]], from_logits=True).tolist()
    [0.0]
    """
    return ops.mean(ops.binary_crossentropy(_towards_half(y_true, label_smoothing), y_pred, from_logits), axis=axis)


@elementwise
def binary_focal_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Binary cross-entropy times `(1 - p) ** gamma`, p the probability given to the right class.

    Args:
        apply_class_balancing: weigh the class 1 by `alpha` and the class 0 by `1 - alpha`.
        gamma: how much easy samples count less.
        from_logits, label_smoothing, axis: as for `binary_crossentropy`.
    Shape: two of (..., n, ...) -> without `axis`.  Units: nats.  Raises: ShapeError, AxisError.
    Source: Lin et al. 2018, arXiv:1708.02002, equations 4 and 5.

    >>> round(float(binary_focal_crossentropy([1.0], [0.5])), 4)
    0.1733
    """
    y_true = _towards_half(y_true, label_smoothing)
    if from_logits:
        one, zero = ops.sigmoid(y_pred), ops.sigmoid(-y_pred)
    else:
        one = _clipped(y_pred)
        zero = 1.0 - one
    missed = y_true * zero + (1.0 - y_true) * one
    loss = _power(missed, gamma) * ops.binary_crossentropy(y_true, y_pred, from_logits)
    if apply_class_balancing:
        loss = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * loss
    return ops.mean(loss, axis=axis)


@paired
def categorical_crossentropy(
    y_true: Tensor, y_pred: Tensor, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """Minus the sum along `axis` of `y_true * log(y_pred)`.

    Args:
        y_true: distributions, one-hot for known classes.
        y_pred: distributions (divided by their sum, kept `epsilon()` away from 0 and 1), or logits.
        from_logits: whether `y_pred` are logits.
        label_smoothing: the share of each target that is spread over all classes.
    Shape: two of (..., classes, ...) -> without `axis`.  Units: nats.  Raises: ShapeError, AxisError.

    >>> categorical_crossentropy([[0.0, 1.0]], [[200.0, 0.0]], from_logits=True).tolist()
    [200.0]
    """
    return ops.categorical_crossentropy(_spread(y_true, label_smoothing, axis), y_pred, from_logits, axis)


@paired
def categorical_focal_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Categorical cross-entropy with each class's part times `alpha * (1 - p) ** gamma`, p its probability.

    Args:
        alpha: a weight for all classes, or one for each.
        gamma: how much easy samples count less.
        from_logits, label_smoothing, axis: as for `categorical_crossentropy`.
    Shape: two of (..., classes, ...) -> without `axis`.  Units: nats.  Raises: ShapeError, AxisError.
    Source: Lin et al. 2018, arXiv:1708.02002.

    >>> round(float(categorical_focal_crossentropy([0.0, 1.0], [0.5, 0.5])), 4)
    0.0433
    """
    y_true = _spread(y_true, label_smoothing, axis)
    if from_logits:
        logarithm = ops.log_softmax(y_pred, axis=axis)
        probability = ops.exp(logarithm)
    else:
        probability = _clipped(y_pred / ops.sum(y_pred, axis=axis, keepdims=True))
        logarithm = ops.log(probability)
    entropy = ops.where(ops.equal(y_true, 0), ops.zeros_like(y_true), -y_true * logarithm)
    weight: Any = alpha
    if not isinstance(alpha, int | float):
        rank = len(y_pred.shape)
        place = shapes.axis(axis, rank)
        weight = ops.reshape(
            ops.cast(mechanism.convert(alpha), dtype_of(y_pred)), (*(1,) * place, -1, *(1,) * (rank - place - 1))
        )
    return ops.sum(weight * _power(1.0 - probability, gamma) * entropy, axis=axis)


def sparse_categorical_crossentropy(
    y_true: TensorLike, y_pred: TensorLike, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Tensor:
    """Minus the logarithm of the probability that `y_pred` gives to the class `y_true`.

    Args:
        y_true: class numbers; the loss is NaN where one is outside of the classes.
        y_pred: distributions (divided by their sum, kept `epsilon()` away from 0 and 1), or logits.
        from_logits: whether `y_pred` are logits.
        ignore_class: a label whose loss is 0, and which does not count in means.
    Shape: `y_pred` without `axis` (or with size 1 there), and (..., classes, ...) -> without `axis`.
    Units: nats.  Raises: ShapeError, AxisError.

    >>> sparse_categorical_crossentropy([1, 9], [[200.0, 0.0], [0.0, 0.0]], from_logits=True, ignore_class=9).tolist()
    [200.0, 0.0]
    """
    prediction = floating(y_pred)
    rank = len(prediction.shape)
    place = shapes.axis(axis, rank)
    labels = mechanism.convert(y_true)
    if dtype_of(labels) in (*dtypes.FLOAT, "bool"):
        labels = ops.cast(labels, "int32")
    if len(labels.shape) == rank and labels.shape[place] == 1 and prediction.shape[place] != 1:
        labels = ops.squeeze(labels, place)
    wide = at_least_float32(prediction)
    if ignore_class is None:
        loss = ops.sparse_categorical_crossentropy(labels, wide, from_logits, axis)
        return ops.cast(loss, dtype_of(prediction))
    counts = ops.not_equal(labels, ignore_class)
    loss = ops.sparse_categorical_crossentropy(
        ops.where(counts, labels, ops.zeros_like(labels)), wide, from_logits, axis
    )
    loss = ops.cast(ops.where(counts, loss, ops.zeros_like(loss)), dtype_of(prediction))
    masks.set_mask(loss, counts)
    return loss


sparse_categorical_crossentropy.integer_targets = True  # type: ignore[attr-defined]


@paired
def kl_divergence(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The sum of `y_true * log(y_true / y_pred)` over the last axis; both are kept between `epsilon()` and 1.

    Shape: two of (..., classes) -> (...).  Units: nats.  Raises: ShapeError.
    Source: Kullback & Leibler 1951, "On information and sufficiency".

    >>> round(float(kl_divergence([0.5, 0.5], [0.25, 0.75])), 4)
    0.1438
    """
    first, second = (ops.clip(y, config.epsilon(), 1.0) for y in (y_true, y_pred))
    return ops.sum(first * ops.log(first / second), axis=-1)


def categorical_generalized_cross_entropy(y_true: TensorLike, y_pred: TensorLike, q: float) -> Tensor:
    """`(1 - p ** q) / q`, p the probability given to the right class: a loss that wrong labels disturb less.

    Args:
        y_true: class numbers; the loss is NaN where one is outside of the classes.
        y_pred: distributions.
        q: between 0 (cross-entropy) and 1 (absolute error).
    Shape: (...) or (..., 1), and (..., classes) -> (...).  Raises: ArgumentError, ShapeError.
    Source: Zhang & Sabuncu 2018, arXiv:1805.07836, equation 6.

    >>> categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5).tolist()
    [1.0]
    """
    _check_q(q)
    prediction = floating(y_pred)
    wide, labels = at_least_float32(prediction), ops.cast(mechanism.convert(y_true), "int32")
    if len(labels.shape) == len(wide.shape) and labels.shape[-1] == 1:
        labels = ops.squeeze(labels, -1)
    chosen = ops.one_hot(labels, wide.shape[-1], dtype=dtype_of(wide))
    check_equal(chosen.shape, wide.shape, "categorical_generalized_cross_entropy")
    loss = (1.0 - ops.power(ops.sum(chosen * _clipped(wide), axis=-1), float(q))) / q
    outside = ops.equal(ops.sum(chosen, axis=-1), 0)
    return ops.cast(ops.where(outside, ops.full_like(loss, math.nan), loss), dtype_of(prediction))


categorical_generalized_cross_entropy.integer_targets = True  # type: ignore[attr-defined]


def _check_q(q: float) -> None:
    if not 0 < q <= 1:
        raise ArgumentError("`q` is outside of its range.", expected="0 < q <= 1", received=q)


def _towards_half(y_true: Tensor, label_smoothing: float) -> Tensor:
    return y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else y_true


def _spread(y_true: Tensor, label_smoothing: float, axis: int) -> Tensor:
    if not label_smoothing:
        return y_true
    classes = ops.sum(ops.ones_like(y_true), axis=axis, keepdims=True)  # by a sum, as the size may not be known yet
    return y_true * (1.0 - label_smoothing) + label_smoothing / classes


def _clipped(probability: Tensor) -> Tensor:
    return ops.clip(probability, config.epsilon(), 1.0 - config.epsilon())


def _power(x: Tensor, gamma: float) -> Tensor:
    return ops.power(ops.maximum(x, TINY), float(gamma))


class BinaryCrossentropy(Loss):
    """Cross-entropy of two classes, see `binary_crossentropy`.

    >>> round(float(BinaryCrossentropy()([[0.0], [1.0]], [[0.5], [0.5]])), 4)
    0.6931
    """

    elementwise = True

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, _smoothing(label_smoothing), axis

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return binary_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing, self.axis)


class BinaryFocalCrossentropy(Loss):
    """Cross-entropy of two classes in which easy samples count less, see `binary_focal_crossentropy`.

    >>> round(float(BinaryFocalCrossentropy()([[0.0], [1.0]], [[0.5], [0.5]])), 4)
    0.1733
    """

    elementwise = True

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.apply_class_balancing, self.alpha, self.gamma = apply_class_balancing, alpha, gamma
        self.from_logits, self.label_smoothing, self.axis = from_logits, _smoothing(label_smoothing), axis

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        balancing = (self.apply_class_balancing, self.alpha, self.gamma)
        return binary_focal_crossentropy(y_true, y_pred, *balancing, self.from_logits, self.label_smoothing, self.axis)


class CategoricalCrossentropy(Loss):
    """Cross-entropy with one-hot targets, see `categorical_crossentropy`.

    >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, _smoothing(label_smoothing), axis

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return categorical_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing, self.axis)


class CategoricalFocalCrossentropy(Loss):
    """Cross-entropy with one-hot targets in which easy samples count less, see `categorical_focal_crossentropy`.

    >>> round(float(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.0433
    """

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.alpha, self.gamma = alpha, gamma
        self.from_logits, self.label_smoothing, self.axis = from_logits, _smoothing(label_smoothing), axis

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        focus = (self.alpha, self.gamma)
        return categorical_focal_crossentropy(y_true, y_pred, *focus, self.from_logits, self.label_smoothing, self.axis)


class SparseCategoricalCrossentropy(Loss):
    """Cross-entropy with class numbers as targets, see `sparse_categorical_crossentropy`.

    Samples of the class `ignore_class` count neither in the sum nor in the number that means are divided by.

    >>> round(float(SparseCategoricalCrossentropy(ignore_class=-1)([1, -1], [[0.5, 0.5], [1.0, 0.0]])), 4)
    0.6931
    """

    integer_targets = True

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return sparse_categorical_crossentropy(y_true, y_pred, self.from_logits, self.ignore_class, self.axis)


class KLDivergence(Loss):
    """How many nats a code made for `y_pred` wastes on data of `y_true`, see `kl_divergence`.

    >>> round(float(KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])), 4)
    0.1438
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "kl_divergence", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return kl_divergence(y_true, y_pred)


class CategoricalGeneralizedCrossEntropy(Loss):
    """A cross-entropy that wrong labels disturb less, see `categorical_generalized_cross_entropy`.

    >>> float(CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]]))
    1.0
    """

    integer_targets = True

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        _check_q(q)
        super().__init__(name, reduction, dtype)
        self.q = q

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return categorical_generalized_cross_entropy(y_true, y_pred, self.q)


def _smoothing(amount: float) -> float:
    if not 0 <= amount <= 1:
        raise ArgumentError("`label_smoothing` is outside of its range.", expected="0 to 1", received=amount)
    return amount
