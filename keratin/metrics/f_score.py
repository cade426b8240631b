"""F scores: precision and recall in one number."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.errors import ArgumentError, ShapeError
from keratin.losses.alignment import aligned
from keratin.metrics.base import Metric
from keratin.metrics.reduction import combined
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike
from keratin.state import masks

_TINY = 1e-9  # what Keras takes for zero in predictions


class FBetaScore(Metric):
    """`(1 + beta**2) * precision * recall / (beta**2 * precision + recall)` of one-hot or multi-label targets.

    Args:
        average: None for a score of each class; "micro" counts all classes together; "macro" is the mean of the scores;
            "weighted" their mean weighted by how often a class occurs.
        beta: how much more recall counts than precision.
        threshold: predictions above it are positives; None: the largest of each row is (none in a row of zeros).
    Raises: ArgumentError, ShapeError.
    Source: van Rijsbergen 1979, "Information retrieval".

    >>> score = FBetaScore(average="micro", beta=2.0)
    >>> float(score([[1, 0], [0, 1]], [[0.6, 0.4], [0.7, 0.3]]))
    0.5
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        choices = (None, "micro", "macro", "weighted")
        if average not in choices:
            raise ArgumentError("`average` cannot be used.", where=self.name, expected=choices, received=average)
        if not isinstance(beta, int | float) or beta <= 0:
            raise ArgumentError("`beta` cannot be used.", where=self.name, expected="a number above 0", received=beta)
        if threshold is not None and (not isinstance(threshold, int | float) or not 0 < threshold <= 1):
            raise ArgumentError(
                "`threshold` cannot be used.", where=self.name, expected="0 < threshold <= 1", received=threshold
            )
        self.average, self.beta, self.threshold = average, float(beta), threshold
        self.axis = None if average == "micro" else 0
        self.built = False

    def _build(self, classes: Any) -> None:
        if not isinstance(classes, int):
            raise ShapeError(
                "The number of classes is not known.", where=self.name, expected="an integer", received=classes
            )
        shape = () if self.average == "micro" else (classes,)
        self.true_positives = self.add_variable(shape, None, name="true_positives")
        self.false_positives = self.add_variable(shape, None, name="false_positives")
        self.false_negatives = self.add_variable(shape, None, name="false_negatives")
        self.intermediate_weights = self.add_variable(shape, None, name="intermediate_weights")
        self.built = True

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Take a batch of (samples, classes) into account.  Raises: ShapeError."""
        target, scores = (ops.cast(mechanism.convert(y), self.dtype) for y in (y_true, y_pred))
        target, scores = aligned(target, scores, self.name)
        if len(scores.shape) != 2:
            raise ShapeError(
                "This metric takes matrices.",
                where=self.name,
                expected="(samples, classes)",
                received=tuple(scores.shape),
            )
        if not self.built:
            self._build(scores.shape[-1])
        weights = combined(sample_weight, masks.get_mask(y_pred), None, scores, self.dtype)
        weights = ops.ones_like(scores) if weights is None else weights * ops.ones_like(scores)
        if self.threshold is None:
            chosen = ops.one_hot(ops.argmax(scores, axis=-1), scores.shape[-1], dtype=self.dtype)
            chosen = chosen * ops.cast(ops.any(ops.absolute(scores) > _TINY, axis=-1, keepdims=True), self.dtype)
        else:
            chosen = ops.cast(scores > self.threshold, self.dtype)
        self.true_positives.assign_add(ops.sum(chosen * target * weights, axis=self.axis))
        self.false_positives.assign_add(ops.sum(chosen * (1.0 - target) * weights, axis=self.axis))
        self.false_negatives.assign_add(ops.sum((1.0 - chosen) * target * weights, axis=self.axis))
        self.intermediate_weights.assign_add(ops.sum(target * weights, axis=self.axis))

    def result(self) -> Tensor:
        """The score, 0 of a class that neither occurs nor is predicted."""
        if not self.built:
            return ops.zeros((), self.dtype)
        hits, square = self.true_positives.value, self.beta**2
        errors = square * self.false_negatives.value + self.false_positives.value
        score = ops.divide_no_nan((1.0 + square) * hits, (1.0 + square) * hits + errors)
        if self.average == "weighted":
            occurring = self.intermediate_weights.value
            return ops.divide_no_nan(ops.sum(score * occurring), ops.sum(occurring))
        return ops.mean(score) if self.average == "macro" else score


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall; see `FBetaScore` for the arguments.

    >>> float(F1Score(average="micro")([[1, 0], [0, 1]], [[0.6, 0.4], [0.7, 0.3]]))
    0.5
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)
