"""Intersection over union of predicted and true regions, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keratin import dtypes, ops
from keratin.errors import ArgumentError
from keratin.losses.alignment import aligned
from keratin.metrics.base import Metric
from keratin.metrics.reduction import combined
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike
from keratin.state import masks


class IoU(Metric):
    """`true positives / (true positives + false positives + false negatives)`, the mean over some classes.

    Args:
        num_classes: how many classes there are.
        target_class_ids: which of them to average; those that neither occur nor are predicted are left out.
        ignore_class: positions with this label do not count.
        sparse_y_true, sparse_y_pred: whether these are class numbers, rather than one-hot or scores along `axis`.
        axis: the axis of one-hot targets and scores.
    Raises: ArgumentError, ShapeError.

    >>> round(float(IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype, name)
        if not dtypes.is_float(self._dtype):  # as Keras writes it into files; weights would be cut to integers
            self._dtype = "float32"
        self.num_classes, self.target_class_ids = num_classes, list(target_class_ids)
        if not self.target_class_ids or not 0 <= min(self.target_class_ids) <= max(self.target_class_ids) < num_classes:
            raise ArgumentError(
                "`target_class_ids` names a class that does not exist.",
                where=self.name,
                expected=f"numbers from 0 to {num_classes - 1}",
                received=self.target_class_ids,
            )
        self.ignore_class, self.sparse_y_true, self.sparse_y_pred, self.axis = (
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )
        self.total_confusion_matrix = self.add_variable((num_classes, num_classes), None, name="total_confusion_matrix")

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Take a batch into account; labels outside of the classes are left out.  Raises: ShapeError."""
        target, prediction = self._class_numbers(mechanism.convert(y_true), mechanism.convert(y_pred))
        target, prediction = aligned(ops.cast(target, "int32"), ops.cast(prediction, "int32"), self.name)
        weights = combined(sample_weight, masks.get_mask(y_pred), None, prediction, self.dtype)
        ones = ops.ones_like(prediction, dtype=self.dtype)
        weights = ones if weights is None else weights * ones
        counts = ops.logical_and(self._is_class(target), self._is_class(prediction))
        if self.ignore_class is not None:
            counts = ops.logical_and(counts, ops.not_equal(target, self.ignore_class))
        place = ops.where(counts, target * self.num_classes + prediction, ops.zeros_like(target))
        weights = ops.where(counts, weights, ops.zeros_like(weights))
        matrix = ops.segment_sum(ops.reshape(weights, (-1,)), ops.reshape(place, (-1,)), self.num_classes**2)
        self.total_confusion_matrix.assign_add(ops.reshape(matrix, (self.num_classes, self.num_classes)))

    def _class_numbers(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        target = y_true if self.sparse_y_true else ops.argmax(y_true, axis=self.axis)
        return target, y_pred if self.sparse_y_pred else ops.argmax(y_pred, axis=self.axis)

    def _is_class(self, numbers: Tensor) -> Tensor:
        return ops.logical_and(numbers >= 0, numbers < self.num_classes)

    def result(self) -> Tensor:
        """The mean over the classes, 0 if none of them occurs."""
        matrix = self.total_confusion_matrix.value
        hits = ops.diagonal(matrix)
        union = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - hits
        chosen = np.asarray(self.target_class_ids, "int32")
        hits, union = ops.take(hits, chosen, axis=0), ops.take(union, chosen, axis=0)
        occurs = ops.cast(union > 0, self.dtype)
        return ops.divide_no_nan(ops.sum(ops.divide_no_nan(hits, union)), ops.sum(occurs))


class BinaryIoU(IoU):
    """`IoU` of two classes, where predictions of at least `threshold` are class 1.

    Args:
        target_class_ids: which of the classes 0 and 1 to average.
        threshold: the least prediction that is class 1.

    >>> round(float(BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
    0.3333
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def _class_numbers(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        return y_true, ops.cast(y_pred >= self.threshold, "int32")


class MeanIoU(IoU):
    """`IoU` averaged over all classes.

    >>> round(float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class OneHotIoU(IoU):
    """`IoU` of one-hot targets.

    >>> metric = OneHotIoU(num_classes=2, target_class_ids=[0, 1])
    >>> round(float(metric([[1, 0], [1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.1, 0.9]])), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot targets.

    >>> metric = OneHotMeanIoU(num_classes=2)
    >>> round(float(metric([[1, 0], [1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.1, 0.9]])), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
