"""Right and wrong decisions at thresholds: counts of the four kinds, precision and recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keratin import ops, shapes
from keratin.errors import ArgumentError
from keratin.losses.alignment import aligned
from keratin.metrics.base import Metric
from keratin.metrics.reduction import combined
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike, dtype_of
from keratin.state import masks


class Counts(NamedTuple):
    """Sums of weights by what was predicted and what was true, of shape (thresholds,) or (thresholds, labels)."""

    true_positives: Tensor
    false_positives: Tensor
    true_negatives: Tensor
    false_negatives: Tensor


class Decisions(NamedTuple):
    """A batch ready to be counted: how much each number is a positive and a negative, and its score."""

    positive: Tensor
    negative: Tensor
    scores: Tensor


def decisions(
    y_true: TensorLike,
    y_pred: TensorLike,
    sample_weight: TensorLike | None,
    dtype: str,
    where: str,
    *,
    soft: bool = False,
    top_k: int | None = None,
    class_id: int | None = None,
    label_weights: Tensor | None = None,
) -> Decisions:
    """A batch ready to be counted.

    Args:
        soft: whether targets between 0 and 1 count in part; otherwise everything but 0 is positive.
        top_k: count only the largest predictions of each row as scores; the others become -inf.
        class_id: look at this class only.
    Raises: ShapeError, AxisError.
    """
    target, scores = ops.cast(mechanism.convert(y_true), dtype), ops.cast(mechanism.convert(y_pred), dtype)
    target, scores = aligned(target, scores, where)
    weights = combined(sample_weight, masks.get_mask(y_pred), None, scores, dtype)
    weights = ops.ones_like(scores) if weights is None else weights * ops.ones_like(scores)
    if label_weights is not None:
        weights = weights * label_weights
    if not soft:
        target = ops.cast(ops.not_equal(target, 0), dtype)
    if top_k is not None:
        classes = scores.shape[-1]
        _, places = ops.top_k(scores, min(top_k, classes) if isinstance(classes, int) else top_k)
        kept = ops.any(ops.cast(ops.one_hot(places, classes), "bool"), axis=-2)
        scores = ops.where(kept, scores, -float("inf"))
    if class_id is not None:
        shapes.axis(class_id, scores.shape[-1] or class_id + 1, name="class_id")
        target, scores, weights = (x[..., class_id] for x in (target, scores, weights))
    return Decisions(target * weights, (1.0 - target) * weights, scores)


def count(batch: Decisions, thresholds: Sequence[float], labels: int | None = None) -> Counts:
    """How the decisions `score > threshold` come out.

    Args:
        thresholds: in any order.
        labels: count each label of the last axis by itself, this many; None counts all numbers together.
    """
    if len(thresholds) == 1:
        return _count_at(batch, float(thresholds[0]), labels)
    order = np.argsort(np.asarray(thresholds, "float64"), kind="stable")
    counts = _count_sorted(batch, np.asarray(thresholds)[order], labels)
    if (order == np.arange(len(order))).all():
        return counts
    places = np.argsort(order).astype("int32")
    return Counts(*(ops.take(part, places, axis=0) for part in counts))


def _count_at(batch: Decisions, threshold: float, labels: int | None) -> Counts:
    axes = None if labels is None else tuple(range(len(batch.scores.shape) - 1))
    chosen = ops.greater(batch.scores, threshold)
    sums = []
    for amount in (batch.positive, batch.negative):
        none = ops.zeros_like(amount)
        sums += [
            ops.sum(ops.where(chosen, amount, none), axis=axes),
            ops.sum(ops.where(chosen, none, amount), axis=axes),
        ]
    hit, missed, false_alarm, rejected = (ops.expand_dims(s, 0) for s in sums)
    return Counts(hit, false_alarm, rejected, missed)


def _count_sorted(batch: Decisions, thresholds: np.ndarray[Any, Any], labels: int | None) -> Counts:
    """By a histogram of the scores between thresholds, so that memory does not grow with the number of thresholds."""
    bins = len(thresholds) + 1
    edges = mechanism.convert(thresholds, dtype_of(batch.scores))
    scores = ops.where(ops.isnan(batch.scores), -float("inf"), batch.scores)
    place = ops.searchsorted(edges, ops.reshape(scores, (-1,)), side="left")  # the number of thresholds below
    if labels is not None:
        place = ops.reshape(ops.reshape(place, (-1, labels)) + bins * ops.arange(labels, dtype="int32"), (-1,))
    sums = []
    for amount in (batch.positive, batch.negative):
        histogram = ops.segment_sum(ops.reshape(amount, (-1,)), place, bins * (labels or 1))
        if labels is not None:
            histogram = ops.transpose(ops.reshape(histogram, (labels, bins)))
        below = ops.cumsum(histogram, axis=0)[:-1]
        above = ops.flip(ops.cumsum(ops.flip(histogram, axis=0), axis=0), axis=0)[1:]
        sums += [above, below]
    hit, missed, false_alarm, rejected = sums
    return Counts(hit, false_alarm, rejected, missed)


def standardize_thresholds(thresholds: Any, default: float, where: str) -> list[float]:
    """The thresholds as a list.  Raises: ArgumentError for one outside of [0, 1]."""
    if thresholds is None:
        return [default]
    values = [thresholds] if isinstance(thresholds, int | float) else list(thresholds)
    if not values or any(v is None or not 0 <= v <= 1 for v in values):
        raise ArgumentError(
            "`thresholds` cannot be used.", where=where, expected="numbers from 0 to 1", received=thresholds
        )
    return [float(v) for v in values]


class ConditionCount(Metric):
    """Base of the four counts: the sum of weights of one kind of decision."""

    kind = ""

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.thresholds = thresholds
        self._levels = standardize_thresholds(thresholds, 0.5, self.name)
        self.accumulator = self.add_variable((len(self._levels),), None, name="accumulator")

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Take a batch into account.  Raises: ShapeError."""
        batch = decisions(y_true, y_pred, sample_weight, self.dtype, self.name)
        self.accumulator.assign_add(getattr(count(batch, self._levels), self.kind))

    def result(self) -> Tensor:
        """The count, one for each threshold if there are several."""
        return _single(self.accumulator.value, self._levels)


class TruePositives(ConditionCount):
    """How often the label was 1 and the prediction above the threshold.

    Args: thresholds: a number or several in [0, 1]; 0.5 by default.

    >>> float(TruePositives()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0]))
    2.0
    """

    kind = "true_positives"


class FalsePositives(ConditionCount):
    """How often the label was 0 and the prediction above the threshold.

    Args: thresholds: a number or several in [0, 1]; 0.5 by default.

    >>> float(FalsePositives()([0, 1, 0, 0], [0.0, 0.0, 1.0, 1.0]))
    2.0
    """

    kind = "false_positives"


class TrueNegatives(ConditionCount):
    """How often the label was 0 and the prediction not above the threshold.

    Args: thresholds: a number or several in [0, 1]; 0.5 by default.

    >>> float(TrueNegatives()([0, 1, 0, 0], [1.0, 1.0, 0.0, 0.0]))
    2.0
    """

    kind = "true_negatives"


class FalseNegatives(ConditionCount):
    """How often the label was 1 and the prediction not above the threshold.

    Args: thresholds: a number or several in [0, 1]; 0.5 by default.

    >>> float(FalseNegatives()([0, 1, 1, 1], [0.0, 1.0, 0.0, 0.0]))
    2.0
    """

    kind = "false_negatives"


class Precision(Metric):
    """The share of predicted positives that are positives.

    Args:
        thresholds: a number or several in [0, 1]; 0.5 by default, or none with `top_k`.
        top_k: count the `top_k` largest predictions of each row as positives.
        class_id: look at this class of the last axis only.

    >>> float(Precision()([0, 1, 1, 1], [1.0, 0.0, 1.0, 0.0]))
    0.5
    """

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        self.thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        self._levels = standardize_thresholds(thresholds, 0.5 if top_k is None else -float("inf"), self.name)
        self.true_positives = self.add_variable((len(self._levels),), None, name="true_positives")
        self.false_positives = self.add_variable((len(self._levels),), None, name="false_positives")

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Take a batch into account.  Raises: ShapeError."""
        batch = decisions(
            y_true, y_pred, sample_weight, self.dtype, self.name, top_k=self.top_k, class_id=self.class_id
        )
        counts = count(batch, self._levels)
        self.true_positives.assign_add(counts.true_positives)
        self.false_positives.assign_add(counts.false_positives)

    def result(self) -> Tensor:
        """The precision, 0 if nothing was predicted positive; one for each threshold if there are several."""
        hits = self.true_positives.value
        return _single(ops.divide_no_nan(hits, hits + self.false_positives.value), self._levels)


class Recall(Metric):
    """The share of positives that were predicted positive.

    Args:
        thresholds: a number or several in [0, 1]; 0.5 by default, or none with `top_k`.
        top_k: count the `top_k` largest predictions of each row as positives.
        class_id: look at this class of the last axis only.

    >>> round(float(Recall()([0, 1, 1, 1], [1.0, 0.0, 1.0, 0.0])), 4)
    0.3333
    """

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        self.thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        self._levels = standardize_thresholds(thresholds, 0.5 if top_k is None else -float("inf"), self.name)
        self.true_positives = self.add_variable((len(self._levels),), None, name="true_positives")
        self.false_negatives = self.add_variable((len(self._levels),), None, name="false_negatives")

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Take a batch into account.  Raises: ShapeError."""
        batch = decisions(
            y_true, y_pred, sample_weight, self.dtype, self.name, top_k=self.top_k, class_id=self.class_id
        )
        counts = count(batch, self._levels)
        self.true_positives.assign_add(counts.true_positives)
        self.false_negatives.assign_add(counts.false_negatives)

    def result(self) -> Tensor:
        """The recall, 0 if there were no positives; one for each threshold if there are several."""
        hits = self.true_positives.value
        return _single(ops.divide_no_nan(hits, hits + self.false_negatives.value), self._levels)


def _single(values: Tensor, levels: Sequence[float]) -> Tensor:
    return values[0] if len(levels) == 1 else values
