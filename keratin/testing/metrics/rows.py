"""The rows: every metric, and every argument that changes what it computes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from keratin import metrics
from keratin.testing.losses import reference as losses
from keratin.testing.metrics import reference
from keratin.testing.metrics.reference import above, count, equal, f_beta, in_top, iou, mean, r2, ratio

RANDOM = np.random.default_rng(2)
SAMPLES = 60
BATCHES = (slice(0, 25), slice(25, 50), slice(50, 60))
"""Batches of uneven sizes: a mean of their means is wrong."""
WEIGHTS = RANDOM.choice([0.0, 0.5, 1.0, 2.5], SAMPLES).astype("float32")


@dataclasses.dataclass
class Case:
    """One row: a metric, arguments of its constructor, targets and predictions, and the definition."""

    metric: str
    arguments: dict[str, Any]
    target: np.ndarray
    prediction: np.ndarray
    definition: reference.Definition

    @property
    def name(self) -> str:
        """The class's name and what is told of the arguments."""
        return "".join("-".join([self.metric, *(f"{k}={v}" for k, v in self.arguments.items())]).split())

    def make(self, **more: Any) -> Any:
        """The metric."""
        return getattr(metrics, self.metric)(**self.arguments, **more)

    def expected(self, weights: Any = None) -> Any:
        """What is right, in float64."""
        weights = np.ones(SAMPLES) if weights is None else np.asarray(weights, np.float64)
        return np.asarray(self.definition(self.target, self.prediction, weights), np.float64)


def case(metric: str, target: Any, prediction: Any, definition: reference.Definition, **arguments: Any) -> Case:
    """A row.

    Args: target, prediction: one for each of `SAMPLES` samples; definition: of them and weights, in float64;
        arguments: of the constructor.
    """
    return Case(metric, arguments, target, prediction, definition)


def softmax(x: Any) -> Any:
    """Rows that sum to 1."""
    powers = np.exp(x - x.max(-1, keepdims=True))
    return (powers / powers.sum(-1, keepdims=True)).astype("float32")


def _last(x: Any) -> Any:
    return x.argmax(-1)


labels = RANDOM.integers(0, 4, SAMPLES)
one_hot = np.eye(4, dtype="float32")[labels]
probabilities = softmax(RANDOM.normal(size=(SAMPLES, 4)) + 1.5 * one_hot)
logits = RANDOM.normal(size=(SAMPLES, 4)).astype("float32")
binary = RANDOM.integers(0, 2, (SAMPLES, 1)).astype("float32")
scores = np.clip(0.5 + 0.25 * (binary - 0.5) + 0.25 * RANDOM.normal(size=(SAMPLES, 1)), 0, 1).astype("float32")
multi = RANDOM.integers(0, 2, (SAMPLES, 3)).astype("float32")
multi_scores = RANDOM.uniform(size=(SAMPLES, 3)).astype("float32")
values = RANDOM.normal(size=(SAMPLES, 3)).astype("float32")
guesses = (values + 0.5 * RANDOM.normal(size=(SAMPLES, 3))).astype("float32")
positive, positive_guesses = np.abs(values) + np.float32(0.1), np.abs(guesses) + np.float32(0.1)
signs = np.where(multi > 0, 1.0, -1.0).astype("float32")
predicted = probabilities.argmax(-1)

MSE = mean(losses.mean_squared_error)

ROWS: list[Case] = [
    case("Accuracy", labels, predicted, equal()),
    case("BinaryAccuracy", binary, scores, above(0.5)),
    case("BinaryAccuracy", multi, multi_scores, above(0.3), threshold=0.3),
    case("CategoricalAccuracy", one_hot, probabilities, equal(lambda y, p: (_last(y), _last(p)))),
    case("SparseCategoricalAccuracy", labels, probabilities, equal(lambda y, p: (y, _last(p)))),
    case("SparseCategoricalAccuracy", labels[:, None], logits, equal(lambda y, p: (y[:, 0], _last(p)))),
    case("TopKCategoricalAccuracy", one_hot, probabilities, in_top(2, _last), k=2),
    case("SparseTopKCategoricalAccuracy", labels, logits, in_top(3), k=3),
    case("SparseTopKCategoricalAccuracy", labels, logits, in_top(9), k=9),
    case(
        "SparseTopKCategoricalAccuracy",
        labels,
        (-logits).argsort(-1),
        reference.among_first(2),
        k=2,
        from_sorted_ids=True,
    ),
    case(
        "BinaryCrossentropy",
        multi,
        multi_scores,
        mean(losses.binary_crossentropy, label_smoothing=0.1),
        label_smoothing=0.1,
    ),
    case("BinaryCrossentropy", multi, values, mean(losses.binary_crossentropy, from_logits=True), from_logits=True),
    case("CategoricalCrossentropy", one_hot, probabilities, mean(losses.categorical_crossentropy)),
    case(
        "SparseCategoricalCrossentropy",
        labels,
        logits,
        mean(losses.sparse_categorical_crossentropy, from_logits=True),
        from_logits=True,
    ),
    case("SparseCategoricalCrossentropy", labels, probabilities, mean(losses.sparse_categorical_crossentropy)),
    case("KLDivergence", softmax(logits), probabilities, mean(losses.kl_divergence)),
    case("Poisson", positive, positive_guesses, mean(losses.poisson)),
    case("MeanSquaredError", values, guesses, MSE),
    case("MeanSquaredError", values[:, 0], guesses[:, 0], mean(lambda y, p: (y - p) ** 2)),
    case("RootMeanSquaredError", values, guesses, reference.root(MSE)),
    case("MeanAbsoluteError", values, guesses, mean(losses.mean_absolute_error)),
    case("MeanAbsolutePercentageError", positive, guesses, mean(losses.mean_absolute_percentage_error)),
    case("MeanSquaredLogarithmicError", positive, positive_guesses, mean(losses.mean_squared_logarithmic_error)),
    case("LogCoshError", values, guesses, mean(losses.log_cosh)),
    case("CosineSimilarity", values, guesses, mean(lambda y, p: -losses.cosine_similarity(y, p))),
    case("Hinge", signs, guesses, mean(losses.hinge)),
    case("SquaredHinge", signs, guesses, mean(losses.squared_hinge)),
    case("CategoricalHinge", one_hot, logits, mean(losses.categorical_hinge)),
    case("R2Score", values, guesses, r2()),
    case("R2Score", values, guesses, r2(None), class_aggregation=None),
    case(
        "R2Score",
        values,
        guesses,
        r2("variance_weighted_average"),
        class_aggregation="variance_weighted_average",
    ),
    case("R2Score", values[:, 0], guesses[:, 0], r2()),
    case("TruePositives", multi, multi_scores, count("tp")),
    case("FalsePositives", multi, multi_scores, count("fp")),
    case("TrueNegatives", multi, multi_scores, count("tn")),
    case("FalseNegatives", multi, multi_scores, count("fn")),
    case("Precision", binary, scores, ratio("precision")),
    case("Precision", multi, multi_scores, ratio("precision", 0.3), thresholds=0.3),
    case("Precision", multi, multi_scores, ratio("precision", class_id=1), class_id=1),
    case("Recall", binary, scores, ratio("recall")),
    case("Recall", multi, multi_scores, ratio("recall", class_id=2), class_id=2),
    case("Precision", multi, multi_scores, ratio("precision", [0.7, 0.2, 0.5]), thresholds=[0.7, 0.2, 0.5]),
    case("Recall", multi, multi_scores, ratio("recall", [0.7, 0.2, 0.5]), thresholds=[0.7, 0.2, 0.5]),
    case("Precision", multi, multi_scores, ratio("precision", top_k=2), top_k=2),
    case("Recall", multi, multi_scores, ratio("recall", top_k=1, class_id=0), top_k=1, class_id=0),
    case("F1Score", one_hot, probabilities, f_beta()),
    case("F1Score", multi, multi_scores, f_beta(1.0, "macro", 0.3), average="macro", threshold=0.3),
    case("F1Score", one_hot, probabilities, f_beta(1.0, "weighted"), average="weighted"),
    case("FBetaScore", one_hot, probabilities, f_beta(2.0, "micro"), average="micro", beta=2.0),
    case("FBetaScore", multi, multi_scores, f_beta(0.5, None, 0.3), average=None, beta=0.5, threshold=0.3),
    case("MeanIoU", labels, predicted, iou(4), num_classes=4),
    case("IoU", labels, predicted, iou(4, [1, 3]), num_classes=4, target_class_ids=[1, 3]),
    case("OneHotMeanIoU", one_hot, probabilities, iou(4, None, _last), num_classes=4),
    case("OneHotIoU", one_hot, probabilities, iou(4, [0, 2], _last), num_classes=4, target_class_ids=[0, 2]),
    case("BinaryIoU", binary, scores, iou(2, None, lambda x: x[:, 0] >= 0.4), threshold=0.4),
    case("AUC", binary, scores, reference.area_under_roc()),
    case("AUC", binary, scores, reference.area_under_roc(7), num_thresholds=7),
    case(
        "SensitivityAtSpecificity", binary, scores, reference.best("sensitivity", "specificity", 0.6), specificity=0.6
    ),
    case(
        "SpecificityAtSensitivity", binary, scores, reference.best("specificity", "sensitivity", 0.6), sensitivity=0.6
    ),
    case("PrecisionAtRecall", binary, scores, reference.best("precision", "recall", 0.4), recall=0.4),
    case("RecallAtPrecision", binary, scores, reference.best("recall", "precision", 0.7), precision=0.7),
    case("PearsonCorrelation", values, guesses, mean(reference.pearson)),
    case("ConcordanceCorrelation", values, guesses, mean(reference.concordance)),
]
