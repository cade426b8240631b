"""Curves over thresholds: the area under them, and points on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keratin import config, ops
from keratin.errors import ArgumentError, ShapeError
from keratin.losses.alignment import aligned
from keratin.metrics.base import Metric
from keratin.metrics.confusion import Counts, count, decisions
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike
from keratin.state import masks

CURVES = ("ROC", "PR", "PRGAIN")
SUMMATIONS = ("interpolation", "minoring", "majoring")


class AUC(Metric):
    """The area under a curve over thresholds, as a Riemann sum.

    Args:
        num_thresholds: how many thresholds, spread evenly; more are more exact.
        curve: "ROC" (recall over false alarms), "PR" (precision over recall) or "PRGAIN" (their gains over chance).
        summation_method: "interpolation" (trapezoids; for PR as in Davis & Goadrich), "minoring" or "majoring".
        thresholds: these in place of even ones; from 0 to 1.
        multi_label: an area for each label, averaged; otherwise all labels are read as one.
        num_labels: the number of labels, if it is to be known before the first batch.
        label_weights: a weight for each label.
        from_logits: whether predictions are logits.
    Raises: ArgumentError, ShapeError.
    Source: Davis & Goadrich 2006, "The relationship between precision-recall and ROC curves"; Flach & Kull 2015,
        "Precision-recall-gain curves".

    >>> round(float(AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])), 4)
    0.75
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(dtype, name)
        for argument, value, choices in (("curve", curve, CURVES), ("summation_method", summation_method, SUMMATIONS)):
            if value not in choices:
                raise ArgumentError(f"`{argument}` cannot be used.", where=self.name, expected=choices, received=value)
        if num_labels is not None and not multi_label:
            raise ArgumentError(
                "`num_labels` is of use with `multi_label=True` only.", where=self.name, received=num_labels
            )
        self.own_thresholds = thresholds is not None
        inner = inner_thresholds(num_thresholds, self.name) if thresholds is None else sorted(map(float, thresholds))
        if inner and not (inner[0] >= 0 and inner[-1] <= 1):
            raise ArgumentError(
                "`thresholds` cannot be used.", where=self.name, expected="numbers from 0 to 1", received=thresholds
            )
        self.curve, self.summation_method = curve, summation_method
        self.multi_label, self.num_labels, self.from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else np.asarray(label_weights, "float64").tolist()
        self._thresholds = [-config.epsilon(), *inner, 1.0 + config.epsilon()]
        self.num_thresholds = len(self._thresholds)
        self.built = False
        if not multi_label:
            self._build(None)
        elif num_labels is not None:
            self._build(num_labels)

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, with one below 0 and one above 1."""
        return list(self._thresholds)

    def _build(self, labels: int | None) -> None:
        if labels is not None and self.label_weights is not None and len(self.label_weights) != labels:
            raise ShapeError(
                "`label_weights` has another length.",
                where=self.name,
                expected=labels,
                received=len(self.label_weights),
            )
        shape = (self.num_thresholds,) if labels is None else (self.num_thresholds, labels)
        self._labels = labels
        self.true_positives = self.add_variable(shape, None, name="true_positives")
        self.false_positives = self.add_variable(shape, None, name="false_positives")
        self.true_negatives = self.add_variable(shape, None, name="true_negatives")
        self.false_negatives = self.add_variable(shape, None, name="false_negatives")
        self.built = True

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Take a batch into account.  Raises: ShapeError."""
        target, scores = mechanism.convert(y_true), ops.cast(mechanism.convert(y_pred), self.dtype)
        target, scores = aligned(target, scores, self.name)
        if self.multi_label:
            labels = scores.shape[-1] if len(scores.shape) > 1 else None
            if not isinstance(labels, int) or (self.built and labels != self._labels):
                expected = f"(samples, {self._labels if self.built else 'labels'})"
                raise ShapeError(
                    "The predictions have another number of labels.",
                    where=self.name,
                    expected=expected,
                    received=tuple(scores.shape),
                )
            if not self.built:
                self._build(labels)
        if self.from_logits:
            scores = ops.sigmoid(scores)
        mask = masks.get_mask(y_pred)
        if mask is not None:
            masks.set_mask(scores, mask)
        weights = None
        if self.label_weights is not None and not self.multi_label:
            weights = mechanism.convert(np.asarray(self.label_weights, "float32"), self.dtype)
            if scores.shape[-1] not in (None, len(self.label_weights)):
                raise ShapeError(
                    "`label_weights` has another length.",
                    where=self.name,
                    expected=scores.shape[-1],
                    received=len(self.label_weights),
                )
        batch = decisions(target, scores, sample_weight, self.dtype, self.name, soft=True, label_weights=weights)
        counts = count(batch, self._thresholds, self._labels)
        for name in Counts._fields:
            getattr(self, name).assign_add(getattr(counts, name))

    def result(self) -> Tensor:
        """The area; 0 before the first batch."""
        if not self.built:
            return ops.zeros((), self.dtype)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self.interpolate_pr_auc()
        x, y = self._axes()
        left, right = y[:-1], y[1:]
        if self.summation_method == "interpolation":
            heights = (left + right) / 2.0
        else:
            heights = (ops.minimum if self.summation_method == "minoring" else ops.maximum)(left, right)
        return self._over_labels(ops.sum((x[:-1] - x[1:]) * heights, axis=0))

    def _axes(self) -> tuple[Tensor, Tensor]:
        tp, fp, tn, fn = (getattr(self, name).value for name in Counts._fields)
        recall = ops.divide_no_nan(tp, tp + fn)
        if self.curve == "ROC":
            return ops.divide_no_nan(fp, fp + tn), recall
        if self.curve == "PR":
            return recall, ops.divide_no_nan(tp, tp + fp)
        # A gain is 0 for the classifier that says always yes, and 1 for the one without errors.
        odds = ops.divide_no_nan(tp + fn, fp + tn)
        found = ops.cast(tp > 0, self.dtype)
        precision_gain = found * ops.clip(1.0 - odds * ops.divide_no_nan(fp, tp), 0.0, 1.0)
        return found * ops.clip(1.0 - odds * ops.divide_no_nan(fn, tp), 0.0, 1.0), precision_gain

    def interpolate_pr_auc(self) -> Tensor:
        """The area under the PR curve, with true positives between thresholds linear in the number of positives."""
        tp, fp, fn = self.true_positives.value, self.false_positives.value, self.false_negatives.value
        positives = tp + fp
        gained = tp[:-1] - tp[1:]
        slope = ops.divide_no_nan(gained, ops.maximum(positives[:-1] - positives[1:], 0.0))
        intercept = tp[1:] - slope * positives[1:]
        both = ops.logical_and(positives[:-1] > 0, positives[1:] > 0)
        one = ops.ones_like(gained)
        ratio = ops.where(both, positives[:-1], one) / ops.where(both, positives[1:], one)
        area = slope * (gained + intercept * ops.log(ratio))
        return self._over_labels(ops.sum(ops.divide_no_nan(area, ops.maximum(tp[1:] + fn[1:], 0.0)), axis=0))

    def _over_labels(self, areas: Tensor) -> Tensor:
        if self._labels is None:
            return areas
        if self.label_weights is None:
            return ops.mean(areas)
        weights = mechanism.convert(np.asarray(self.label_weights, "float32"), self.dtype)
        return ops.divide_no_nan(ops.sum(areas * weights), ops.sum(weights))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        names = "num_thresholds curve summation_method name dtype multi_label num_labels label_weights from_logits"
        config = {name: getattr(self, name) for name in names.split()}
        return {**config, "thresholds": self._thresholds[1:-1]} if self.own_thresholds else config


def inner_thresholds(num_thresholds: int, where: str) -> list[float]:
    """Even thresholds between 0 and 1, without both.  Raises: ArgumentError for fewer than 2 in all."""
    if num_thresholds <= 1:
        raise ArgumentError(
            "`num_thresholds` cannot be used.", where=where, expected="2 or more", received=num_thresholds
        )
    return [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]


class _Point(Metric):
    """Base of metrics that read a curve at the best threshold that meets a constraint."""

    def __init__(self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any) -> None:
        super().__init__(dtype, name)
        if not 0 <= value <= 1:
            raise ArgumentError("The constraint is no share.", where=self.name, expected="0 to 1", received=value)
        if num_thresholds <= 0:
            raise ArgumentError(
                "`num_thresholds` cannot be used.", where=self.name, expected="1 or more", received=num_thresholds
            )
        self.num_thresholds, self.class_id = num_thresholds, class_id
        self.thresholds = [0.5] if num_thresholds == 1 else [0.0, *inner_thresholds(num_thresholds, self.name), 1.0]
        for kind in Counts._fields:
            setattr(self, kind, self.add_variable((num_thresholds,), None, name=kind))

    def get_config(self) -> dict[str, Any]:
        """Name and dtype; subclasses add their own arguments."""
        return super().get_config()

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Take a batch into account.  Raises: ShapeError."""
        batch = decisions(y_true, y_pred, sample_weight, self.dtype, self.name, class_id=self.class_id)
        counts = count(batch, self.thresholds)
        for kind in Counts._fields:
            getattr(self, kind).assign_add(getattr(counts, kind))

    def _rates(self) -> dict[str, Tensor]:
        tp, fp, tn, fn = (getattr(self, kind).value for kind in Counts._fields)
        return {
            "sensitivity": ops.divide_no_nan(tp, tp + fn),
            "specificity": ops.divide_no_nan(tn, tn + fp),
            "precision": ops.divide_no_nan(tp, tp + fp),
        }

    def _best(self, wanted: str, constrained: str, value: float) -> Tensor:
        rates = self._rates()
        wanted_rate = rates[wanted]
        return ops.max(ops.where(rates[constrained] >= value, wanted_rate, ops.zeros_like(wanted_rate)))


class SensitivityAtSpecificity(_Point):
    """The best sensitivity (recall) among thresholds with at least this specificity; 0 if there are none.

    Args:
        specificity: the least share of negatives that are to be predicted negative.
        num_thresholds: how many thresholds, spread evenly from 0 to 1.
        class_id: look at this class of the last axis only.

    >>> float(SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
    0.5
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity

    def result(self) -> Tensor:
        """The sensitivity."""
        return self._best("sensitivity", "specificity", self.specificity)


class SpecificityAtSensitivity(_Point):
    """The best specificity among thresholds with at least this sensitivity (recall); 0 if there are none.

    Args:
        sensitivity: the least share of positives that are to be predicted positive.
        num_thresholds: how many thresholds, spread evenly from 0 to 1.
        class_id: look at this class of the last axis only.

    >>> round(float(SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])), 4)
    0.6667
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity

    def result(self) -> Tensor:
        """The specificity."""
        return self._best("specificity", "sensitivity", self.sensitivity)


class PrecisionAtRecall(_Point):
    """The best precision among thresholds with at least this recall; 0 if there are none.

    Args:
        recall: the least share of positives that are to be predicted positive.
        num_thresholds: how many thresholds, spread evenly from 0 to 1.
        class_id: look at this class of the last axis only.

    >>> float(PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
    0.5
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall

    def result(self) -> Tensor:
        """The precision."""
        return self._best("precision", "sensitivity", self.recall)


class RecallAtPrecision(_Point):
    """The best recall among thresholds with at least this precision; 0 if there are none.

    Args:
        precision: the least share of predicted positives that are to be positives.
        num_thresholds: how many thresholds, spread evenly from 0 to 1.
        class_id: look at this class of the last axis only.

    >>> float(RecallAtPrecision(0.8)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
    0.5
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision

    def result(self) -> Tensor:
        """The recall."""
        return self._best("sensitivity", "precision", self.precision)
