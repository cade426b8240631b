"""Shares of predictions that are right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keratin import dtypes, ops
from keratin.losses.alignment import aligned, check_equal
from keratin.metrics.base import Metric
from keratin.metrics.reduction import MeanMetricWrapper
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike, dtype_of


def accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """1 where both are equal, else 0.  Shape: two equal shapes -> the same.  Raises: ShapeError.

    >>> accuracy([1, 2], [1, 3]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = aligned(mechanism.convert(y_true), mechanism.convert(y_pred), "accuracy")
    return _float(ops.equal(y_true, y_pred))


def binary_accuracy(y_true: TensorLike, y_pred: TensorLike, threshold: float = 0.5) -> Tensor:
    """1 where `y_pred > threshold` is what the label 0 or 1 says, else 0.

    Shape: two equal shapes -> the same.  Raises: ShapeError.

    >>> binary_accuracy([1, 0], [0.6, 0.7]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = aligned(mechanism.convert(y_true), mechanism.convert(y_pred), "binary_accuracy")
    return _float(ops.equal(y_true, ops.cast(ops.greater(y_pred, threshold), dtype_of(y_true))))


def categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """1 where the largest prediction is at the class of the one-hot target, else 0.

    Shape: two of (..., classes) -> (...).  Raises: ShapeError.

    >>> categorical_accuracy([[0, 1], [1, 0]], [[0.2, 0.8], [0.3, 0.7]]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = mechanism.convert(y_true), mechanism.convert(y_pred)
    check_equal(y_true.shape, y_pred.shape, "categorical_accuracy")
    return _float(ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1)))


def sparse_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """1 where the largest prediction is at the class number `y_true`, else 0.

    Shape: (...) or (..., 1), and (..., classes) -> (...).  Raises: ShapeError.

    >>> sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.3, 0.7]]).tolist()
    [1.0, 0.0]
    """
    labels, y_pred = _labels(y_true, y_pred, "sparse_categorical_accuracy")
    return _float(ops.equal(labels, ops.cast(ops.argmax(y_pred, axis=-1), dtype_of(labels))))


def top_k_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike, k: int = 5) -> Tensor:
    """1 where the class of the one-hot target is among the `k` largest predictions, else 0.

    Shape: two of (..., classes) -> (...).  Raises: ShapeError.

    >>> top_k_categorical_accuracy([[0, 0, 1]], [[0.1, 0.5, 0.4]], k=2).tolist()
    [1.0]
    """
    y_true, y_pred = mechanism.convert(y_true), mechanism.convert(y_pred)
    check_equal(y_true.shape, y_pred.shape, "top_k_categorical_accuracy")
    return sparse_top_k_categorical_accuracy(ops.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: TensorLike, y_pred: TensorLike, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """1 where the class number `y_true` is among the `k` largest predictions, else 0.

    Classes as likely as the k-th count as among them, as in TensorFlow's `in_top_k`.

    Args: from_sorted_ids: whether `y_pred` are class numbers, the likeliest first, rather than scores.
    Shape: (...) or (..., 1), and (..., classes) -> (...).  Raises: ShapeError.

    >>> sparse_top_k_categorical_accuracy([2, 0], [[0.1, 0.5, 0.4]] * 2, k=2).tolist()
    [1.0, 0.0]
    """
    labels, y_pred = _labels(y_true, y_pred, "sparse_top_k_categorical_accuracy")
    if from_sorted_ids:
        labels = ops.expand_dims(labels, -1)
        return _float(ops.any(ops.equal(labels, ops.cast(y_pred, dtype_of(labels))[..., :k]), axis=-1))
    chosen = ops.cast(ops.one_hot(ops.cast(labels, "int32"), y_pred.shape[-1]), "bool")
    of_label = ops.max(ops.where(chosen, y_pred, -float("inf")), axis=-1, keepdims=True)
    above = ops.sum(ops.cast(ops.greater(y_pred, of_label), "int32"), axis=-1)
    exists = ops.logical_and(ops.any(chosen, axis=-1), ops.logical_not(ops.isnan(of_label[..., 0])))
    return _float(ops.logical_and(exists, above < k))


for _function in (accuracy, binary_accuracy, sparse_categorical_accuracy, sparse_top_k_categorical_accuracy):
    _function.integer_targets = True  # type: ignore[attr-defined]


def _float(hits: Tensor) -> Tensor:
    return ops.cast(hits, dtypes.standardize(None))


def _labels(y_true: TensorLike, y_pred: TensorLike, where: str) -> tuple[Tensor, Tensor]:
    labels, prediction = mechanism.convert(y_true), mechanism.convert(y_pred)
    if len(labels.shape) == len(prediction.shape) and labels.shape[-1] == 1:
        labels = ops.squeeze(labels, -1)
    check_equal(labels.shape, prediction.shape[:-1], where)
    return labels, prediction


class Accuracy(MeanMetricWrapper):
    """The share of predictions that equal the target.

    >>> float(Accuracy()([1, 2, 3, 4], [0, 2, 3, 4]))
    0.75
    """

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """The share of labels 0 and 1 that lie on the right side of a threshold.

    >>> float(BinaryAccuracy()([1, 1, 0, 0], [0.98, 1.0, 0.0, 0.6]))
    0.75
    """

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(binary_accuracy, name, dtype)
        self.threshold = threshold

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return binary_accuracy(y_true, y_pred, self.threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """The share of one-hot targets whose class has the largest prediction.

    >>> float(CategoricalAccuracy()([[0, 1], [1, 0]], [[0.2, 0.8], [0.3, 0.7]]))
    0.5
    """

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """The share of class numbers whose class has the largest prediction.

    >>> float(SparseCategoricalAccuracy()([1, 0], [[0.2, 0.8], [0.3, 0.7]]))
    0.5
    """

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """The share of one-hot targets whose class is among the `k` largest predictions.

    >>> float(TopKCategoricalAccuracy(k=1)([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0.0]]))
    0.5
    """

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype)
        self.k = k

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return top_k_categorical_accuracy(y_true, y_pred, self.k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """The share of class numbers whose class is among the `k` largest predictions.

    Args: from_sorted_ids: whether predictions are class numbers, the likeliest first, rather than scores.

    >>> float(SparseTopKCategoricalAccuracy(k=1)([2, 1], [[0.1, 0.9, 0.8], [0.05, 0.95, 0.0]]))
    0.5
    """

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype)
        self.k, self.from_sorted_ids = k, from_sorted_ids

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return sparse_top_k_categorical_accuracy(y_true, y_pred, self.k, self.from_sorted_ids)


# ---- which kind is meant by "accuracy"


def kind_of_targets(y_true_shape: Sequence[int | None], y_pred_shape: Sequence[int | None]) -> str:
    """Whether targets are "binary", "sparse" or "categorical", by Keras's rule on shapes.

    One output per sample is binary; labels with an axis less than the output, or of size 1 there, are sparse.

    >>> kind_of_targets((None,), (None, 10)), kind_of_targets((None, 1), (None, 1)), kind_of_targets((8, 10), (8, 10))
    ('sparse', 'binary', 'categorical')
    """
    if len(y_pred_shape) < 2 or y_pred_shape[-1] == 1:
        return "binary"
    return "sparse" if len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1 else "categorical"


def accuracy_for(
    y_true_shape: Sequence[int | None], y_pred_shape: Sequence[int | None], name: str | None = "accuracy"
) -> Metric:
    """The metric that "accuracy" means for targets and an output of these shapes.

    >>> accuracy_for((None, 1), (None, 10))
    <SparseCategoricalAccuracy name=accuracy>
    """
    kind = kind_of_targets(y_true_shape, y_pred_shape)
    return {"binary": BinaryAccuracy, "sparse": SparseCategoricalAccuracy, "categorical": CategoricalAccuracy}[kind](
        name=name
    )
