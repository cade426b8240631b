"""Every metric over uneven batches, against a definition in float64 that scikit-learn confirms, and against Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import sklearn.metrics as sk

from keratin import metrics, ops
from keratin.testing.check import Check, unique
from keratin.testing.conformance import checks, parameters
from keratin.testing.losses import reference
from keratin.testing.metrics.checks import run
from keratin.testing.metrics.rows import (
    ROWS,
    SAMPLES,
    WEIGHTS,
    binary,
    guesses,
    labels,
    logits,
    multi,
    multi_scores,
    one_hot,
    positive,
    positive_guesses,
    predicted,
    probabilities,
    scores,
    signs,
    softmax,
    values,
)

RANDOM = np.random.default_rng(2)
N = SAMPLES


def mean(function, **arguments):
    """The weighted mean over samples of a function that gives a value for each."""

    def run(y, p, w):
        result = function(y.astype("float64"), p.astype("float64"), **arguments)
        weights = np.broadcast_to(w.reshape(-1, *(1,) * (result.ndim - 1)), result.shape)
        return np.average(result, weights=weights)

    return run


def hits(y, p, w):
    return sk.accuracy_score(y, p, sample_weight=w)


def flat(function, **arguments):
    def run(y, p, w):
        weights = np.repeat(w, y.shape[1]) if y.ndim > 1 else w
        return function(y.ravel(), p.ravel(), sample_weight=weights, **arguments)

    return run


def above(threshold=0.5):
    return lambda p: (p > threshold).astype(int)


def top_k(y, p, w, k):
    return sk.top_k_accuracy_score(y, p, k=k, sample_weight=w, labels=range(4))


def counts(kind):
    def run(y, p, w):
        matrix = sk.confusion_matrix(y.ravel(), p.ravel() > 0.5, sample_weight=np.repeat(w, y.shape[1]))
        return {"tn": matrix[0, 0], "fp": matrix[0, 1], "fn": matrix[1, 0], "tp": matrix[1, 1]}[kind]

    return run


def r2(aggregation):
    return lambda y, p, w: sk.r2_score(
        y.astype("float64"), p.astype("float64"), sample_weight=w, multioutput=aggregation
    )


def iou(average, ids=None):
    def run(y, p, w):
        return sk.jaccard_score(y, p, average=average, sample_weight=w, labels=ids)

    return run


def f_beta(beta=1.0, **arguments):
    """Of multi-label data above 0.3, or of the largest of one-hot data."""

    def run(y, p, w):
        chosen = (p > 0.3).astype(int) if p is multi_scores else np.eye(p.shape[1])[p.argmax(-1)]
        return sk.fbeta_score(y, chosen, beta=beta, sample_weight=w, zero_division=0, **arguments)

    return run


# name, arguments, targets, predictions, definition of (y, p, w)
CASES = [
    ("Accuracy", {}, labels, predicted, hits),
    ("BinaryAccuracy", {}, binary, scores, lambda y, p, w: hits(y, p > 0.5, w)),
    ("BinaryAccuracy", {"threshold": 0.3}, multi, multi_scores, lambda y, p, w: flat(sk.accuracy_score)(y, p > 0.3, w)),
    ("CategoricalAccuracy", {}, one_hot, probabilities, lambda y, p, w: hits(y.argmax(-1), p.argmax(-1), w)),
    ("SparseCategoricalAccuracy", {}, labels, probabilities, lambda y, p, w: hits(y, p.argmax(-1), w)),
    ("SparseCategoricalAccuracy", {}, labels[:, None], logits, lambda y, p, w: hits(y[:, 0], p.argmax(-1), w)),
    ("TopKCategoricalAccuracy", {"k": 2}, one_hot, probabilities, lambda y, p, w: top_k(y.argmax(-1), p, w, 2)),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, labels, logits, lambda y, p, w: top_k(y, p, w, 3)),
    ("SparseTopKCategoricalAccuracy", {"k": 9}, labels, logits, lambda y, p, w: 1.0),
    (
        "SparseTopKCategoricalAccuracy",
        {"k": 2, "from_sorted_ids": True},
        labels,
        (-logits).argsort(-1),
        lambda y, p, w: top_k(y, logits, w, 2),
    ),
    (
        "BinaryCrossentropy",
        {"label_smoothing": 0.1},
        multi,
        multi_scores,
        mean(reference.binary_crossentropy, label_smoothing=0.1),
    ),
    ("BinaryCrossentropy", {"from_logits": True}, multi, values, mean(reference.binary_crossentropy, from_logits=True)),
    ("CategoricalCrossentropy", {}, one_hot, probabilities, mean(reference.categorical_crossentropy)),
    (
        "SparseCategoricalCrossentropy",
        {"from_logits": True},
        labels,
        logits,
        mean(reference.sparse_categorical_crossentropy, from_logits=True),
    ),
    (
        "SparseCategoricalCrossentropy",
        {},
        labels,
        probabilities,
        lambda y, p, w: sk.log_loss(y, p.astype("float64"), sample_weight=w),
    ),
    ("KLDivergence", {}, softmax(logits), probabilities, mean(reference.kl_divergence)),
    ("Poisson", {}, positive, positive_guesses, mean(reference.poisson)),
    ("MeanSquaredError", {}, values, guesses, lambda y, p, w: sk.mean_squared_error(y, p, sample_weight=w)),
    ("MeanSquaredError", {}, values[:, 0], guesses[:, 0], lambda y, p, w: sk.mean_squared_error(y, p, sample_weight=w)),
    ("RootMeanSquaredError", {}, values, guesses, lambda y, p, w: sk.mean_squared_error(y, p, sample_weight=w) ** 0.5),
    ("MeanAbsoluteError", {}, values, guesses, lambda y, p, w: sk.mean_absolute_error(y, p, sample_weight=w)),
    (
        "MeanAbsolutePercentageError",
        {},
        positive,
        guesses,
        lambda y, p, w: 100 * sk.mean_absolute_percentage_error(y, p, sample_weight=w),
    ),
    (
        "MeanSquaredLogarithmicError",
        {},
        positive,
        positive_guesses,
        lambda y, p, w: sk.mean_squared_log_error(y, p, sample_weight=w),
    ),
    ("LogCoshError", {}, values, guesses, mean(reference.log_cosh)),
    ("CosineSimilarity", {}, values, guesses, mean(lambda y, p: -reference.cosine_similarity(y, p))),
    ("Hinge", {}, signs, guesses, mean(reference.hinge)),
    ("SquaredHinge", {}, signs, guesses, mean(reference.squared_hinge)),
    ("CategoricalHinge", {}, one_hot, logits, mean(reference.categorical_hinge)),
    ("R2Score", {}, values, guesses, r2("uniform_average")),
    ("R2Score", {"class_aggregation": None}, values, guesses, r2("raw_values")),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, values, guesses, r2("variance_weighted")),
    ("R2Score", {}, values[:, 0], guesses[:, 0], r2("uniform_average")),
    ("TruePositives", {}, multi, multi_scores, counts("tp")),
    ("FalsePositives", {}, multi, multi_scores, counts("fp")),
    ("TrueNegatives", {}, multi, multi_scores, counts("tn")),
    ("FalseNegatives", {}, multi, multi_scores, counts("fn")),
    ("Precision", {}, binary, scores, lambda y, p, w: flat(sk.precision_score)(y, p > 0.5, w)),
    ("Precision", {"thresholds": 0.3}, multi, multi_scores, lambda y, p, w: flat(sk.precision_score)(y, p > 0.3, w)),
    (
        "Precision",
        {"class_id": 1},
        multi,
        multi_scores,
        lambda y, p, w: sk.precision_score(y[:, 1], p[:, 1] > 0.5, sample_weight=w),
    ),
    ("Recall", {}, binary, scores, lambda y, p, w: flat(sk.recall_score)(y, p > 0.5, w)),
    (
        "Recall",
        {"class_id": 2},
        multi,
        multi_scores,
        lambda y, p, w: sk.recall_score(y[:, 2], p[:, 2] > 0.5, sample_weight=w),
    ),
    (
        "Precision",
        {"thresholds": [0.7, 0.2, 0.5]},
        multi,
        multi_scores,
        lambda y, p, w: [flat(sk.precision_score)(y, p > t, w) for t in (0.7, 0.2, 0.5)],
    ),
    (
        "Recall",
        {"thresholds": [0.7, 0.2, 0.5]},
        multi,
        multi_scores,
        lambda y, p, w: [flat(sk.recall_score)(y, p > t, w) for t in (0.7, 0.2, 0.5)],
    ),
    (
        "Precision",
        {"top_k": 2},
        multi,
        multi_scores,
        lambda y, p, w: flat(sk.precision_score)(y, p >= np.sort(p)[:, 1:2], w),
    ),
    (
        "Recall",
        {"top_k": 1, "class_id": 0},
        multi,
        multi_scores,
        lambda y, p, w: sk.recall_score(y[:, 0], p.argmax(-1) == 0, sample_weight=w),
    ),
    ("F1Score", {}, one_hot, probabilities, f_beta(average=None)),
    ("F1Score", {"average": "macro", "threshold": 0.3}, multi, multi_scores, f_beta(average="macro")),
    ("F1Score", {"average": "weighted"}, one_hot, probabilities, f_beta(average="weighted")),
    ("FBetaScore", {"average": "micro", "beta": 2.0}, one_hot, probabilities, f_beta(2.0, average="micro")),
    ("FBetaScore", {"average": None, "beta": 0.5, "threshold": 0.3}, multi, multi_scores, f_beta(0.5, average=None)),
    ("MeanIoU", {"num_classes": 4}, labels, predicted, iou("macro")),
    ("IoU", {"num_classes": 4, "target_class_ids": [1, 3]}, labels, predicted, iou("macro", [1, 3])),
    (
        "OneHotMeanIoU",
        {"num_classes": 4},
        one_hot,
        probabilities,
        lambda y, p, w: iou("macro")(y.argmax(-1), p.argmax(-1), w),
    ),
    (
        "OneHotIoU",
        {"num_classes": 4, "target_class_ids": [0, 2]},
        one_hot,
        probabilities,
        lambda y, p, w: iou("macro", [0, 2])(y.argmax(-1), p.argmax(-1), w),
    ),
    ("BinaryIoU", {"threshold": 0.4}, binary, scores, lambda y, p, w: iou("macro")(y[:, 0], p[:, 0] >= 0.4, w)),
]
ALL = pytest.mark.parametrize("row", ROWS, ids=unique([row.name for row in ROWS]))


def rows(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("check", parameters(checks("metrics", kind)))


@rows("value")
def test_value(check: Check) -> None:
    check.run()


@rows("weighted")
def test_weighted(check: Check) -> None:
    check.run()


@rows("compiled")
def test_compiled(check: Check) -> None:
    check.run()


@rows("stateless")
def test_stateless(check: Check) -> None:
    check.run()


@rows("reset")
def test_reset(check: Check) -> None:
    check.run()


@pytest.mark.once
@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{name}-{n}" for n, (name, *_) in enumerate(CASES)])
def test_scikit_learn_agrees_with_the_definitions(number):
    name, arguments, y, p, definition = CASES[number]
    row = ROWS[number]
    assert (row.metric, row.arguments) == (name, arguments)
    for weights in (None, WEIGHTS):
        right = definition(y, p, np.ones(N) if weights is None else weights)
        np.testing.assert_allclose(row.expected(weights), right, rtol=1e-6)


@pytest.mark.once
@ALL
def test_keras_agrees(row):
    if row.target.ndim == 1 and row.metric == "MeanSquaredError":
        pytest.skip("Keras takes the mean of each batch of vectors, so uneven batches count wrongly")
    if row.target.ndim == 1 and row.metric == "R2Score":
        pytest.skip("Keras wants a matrix")
    weights = None if "IoU" in row.metric else WEIGHTS  # Keras cuts weights of IoU metrics to integers
    theirs = getattr(keras.metrics, row.metric)(**row.arguments)
    expected = run(theirs, row.target, row.prediction, weights)
    result = run(row.make(), row.target, row.prediction, weights)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_every_metric_has_a_row():
    others = {"Metric", "Mean", "Sum", "MeanMetricWrapper"}  # with tests of their own
    classes = {name for name in metrics.__all__ if name[0].isupper()}
    assert classes - others == {row.metric for row in ROWS}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    "name", ["MeanSquaredError", "BinaryCrossentropy", "Precision", "AUC", "R2Score", "F1Score", "BinaryAccuracy"]
)
def test_half_precision_has_states_in_float32(name, dtype):
    metric = getattr(metrics, name)(dtype=dtype)
    metric.update_state(multi, ops.cast(multi_scores, dtype))
    assert {v.dtype for v in metric.variables} == {"float32"}
    exact = getattr(metrics, name)()
    exact.update_state(multi, np.asarray(ops.cast(ops.cast(multi_scores, dtype), "float32")))
    np.testing.assert_allclose(np.asarray(metric.result()), np.asarray(exact.result()), rtol=1e-2, atol=1e-3)


# ---- curves


@pytest.mark.parametrize("is_weighted", [False, True])
def test_area_under_roc(is_weighted):
    weights = WEIGHTS if is_weighted else None
    exact = sk.roc_auc_score(binary.ravel(), scores.ravel(), sample_weight=weights)
    result = run(metrics.AUC(num_thresholds=2000), binary, scores, weights)
    assert result == pytest.approx(exact, abs=2e-3)
    if weights is not None:
        return
    # With the scores themselves as thresholds nothing is lost.
    exactly = run(metrics.AUC(thresholds=sorted({float(s) for s in scores.ravel() if 0 < s < 1})), binary, scores)
    assert exactly == pytest.approx(exact, rel=1e-5)


def test_area_under_precision_and_recall():
    result = run(metrics.AUC(num_thresholds=2000, curve="PR"), binary, scores)
    precision, recall, _ = sk.precision_recall_curve(binary.ravel(), scores.ravel())
    assert result == pytest.approx(sk.auc(recall, precision), abs=0.02)
    assert result == pytest.approx(sk.average_precision_score(binary.ravel(), scores.ravel()), abs=0.03)


@pytest.mark.once
@pytest.mark.parametrize("curve", ["ROC", "PR", "PRGAIN"])
@pytest.mark.parametrize("method", ["interpolation", "minoring", "majoring"])
@pytest.mark.parametrize(
    "arguments", [{}, {"num_thresholds": 7}, {"thresholds": [0.1, 0.35, 0.6]}], ids=["even", "few", "own"]
)
def test_areas_are_those_of_keras(curve, method, arguments):
    arguments = {**arguments, "curve": curve, "summation_method": method}
    result = run(metrics.AUC(**arguments), binary, scores, WEIGHTS)
    expected = run(keras.metrics.AUC(**arguments), binary, scores, WEIGHTS)
    np.testing.assert_allclose(result, expected, rtol=1e-4)


@pytest.mark.parametrize("weights", [None, [0.2, 0.5, 0.3]])
def test_area_of_each_label(weights):
    metric = metrics.AUC(num_thresholds=2000, multi_label=True, label_weights=weights)
    expected = sk.roc_auc_score(multi, multi_scores, average=None)
    assert run(metric, multi, multi_scores) == pytest.approx(np.average(expected, weights=weights), abs=2e-3)
    assert [v.shape for v in metric.variables] == [(2000, 3)] * 4
    assert [v.shape for v in metrics.AUC(num_thresholds=5, multi_label=True, num_labels=3).variables] == [(5, 3)] * 4


@pytest.mark.once
def test_areas_of_labels_are_those_of_keras():
    for arguments in (
        {"multi_label": True},
        {"multi_label": True, "label_weights": [0.2, 0.5, 0.3]},
        {"label_weights": [0.2, 0.5, 0.3]},
    ):
        for weights in (None, WEIGHTS):
            result = run(metrics.AUC(**arguments, curve="PR"), multi, multi_scores, weights)
            expected = run(keras.metrics.AUC(**arguments, curve="PR"), multi, multi_scores, weights)
            np.testing.assert_allclose(result, expected, rtol=1e-4)


def test_area_of_logits():
    logit = np.log(np.clip(scores, 0.01, 0.99) / (1 - np.clip(scores, 0.01, 0.99)))
    result = run(metrics.AUC(from_logits=True), binary, logit)
    assert result == pytest.approx(float(run(metrics.AUC(), binary, np.clip(scores, 0.01, 0.99))), abs=1e-4)


def test_scores_at_thresholds_are_not_above_them():
    metric = metrics.AUC(num_thresholds=3)
    metric.update_state([1, 0, 1], [0.5, 0.5, 0.50001])
    assert metric.true_positives.numpy().tolist() == [2, 1, 0]
    assert metric.false_positives.numpy().tolist() == [1, 0, 0]


POINTS = [
    ("SensitivityAtSpecificity", 0.6),
    ("SpecificityAtSensitivity", 0.6),
    ("PrecisionAtRecall", 0.4),
    ("RecallAtPrecision", 0.7),
    ("RecallAtPrecision", 1.0),
]


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize(("name", "least"), POINTS)
def test_points_of_curves(name, least, is_weighted):
    weights = WEIGHTS if is_weighted else np.ones(N)
    rates = []
    for threshold in np.linspace(0, 1, 200).astype("float32"):
        (tn, fp), (fn, tp) = sk.confusion_matrix(binary.ravel(), scores.ravel() > threshold, sample_weight=weights)
        rates.append((tp / (tp + fn), tn / (tn + fp), tp / (tp + fp) if tp + fp else 0))
    recall, specificity, precision = np.array(rates).T
    wanted, limited = {
        "SensitivityAtSpecificity": (recall, specificity),
        "SpecificityAtSensitivity": (specificity, recall),
        "PrecisionAtRecall": (precision, recall),
        "RecallAtPrecision": (recall, precision),
    }[name]
    expected = max(wanted[limited >= least], default=0)
    result = run(getattr(metrics, name)(least), binary, scores, weights.astype("float32"))
    assert result == pytest.approx(expected, abs=1e-5)
    theirs = run(getattr(keras.metrics, name)(least), binary, scores, weights.astype("float32"))
    assert result == pytest.approx(theirs, abs=1e-5)


# ---- correlations


@pytest.mark.parametrize("axis", [0, 1])
def test_correlations(axis):
    y, p = (values, guesses) if axis else (values.T, guesses.T)
    expected = [
        np.corrcoef(a, b)[0, 1] for a, b in zip(values.astype("float64"), guesses.astype("float64"), strict=True)
    ]
    np.testing.assert_allclose(np.asarray(metrics.pearson_correlation(y, p, axis)), expected, rtol=1e-4, atol=1e-5)
    agreement = [
        2 * np.cov(a, b, bias=True)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
        for a, b in zip(values.astype("float64"), guesses.astype("float64"), strict=True)
    ]
    np.testing.assert_allclose(np.asarray(metrics.concordance_correlation(y, p, axis)), agreement, rtol=1e-4, atol=1e-5)
    assert run(metrics.PearsonCorrelation(), values, guesses) == pytest.approx(np.mean(expected), rel=1e-4)
    assert run(metrics.ConcordanceCorrelation(), values, guesses, WEIGHTS) == pytest.approx(
        np.average(agreement, weights=WEIGHTS), rel=1e-4
    )
    assert np.isnan(np.asarray(metrics.pearson_correlation([1.0, 1.0], [1.0, 2.0])))


# ---- what goes wrong in other libraries


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e6])
def test_r2_of_targets_far_from_zero(offset):
    """Sums of squares in float32 would lose every digit at 1e6."""
    y, p = (values + offset).astype("float32"), (guesses + offset).astype("float32")
    expected = sk.r2_score(y.astype("float64"), p.astype("float64"))
    assert run(metrics.R2Score(), y, p) == pytest.approx(expected, rel=1e-4)


def test_r2_of_constant_targets():
    constant = np.ones((N, 2), "float32")
    wrong = constant.copy()
    wrong[3, 0] = 2
    assert run(metrics.R2Score(class_aggregation=None), constant, wrong).tolist() == [0.0, 1.0]
    assert run(metrics.R2Score(class_aggregation="variance_weighted_average"), constant, wrong) == sk.r2_score(
        constant, wrong, multioutput="variance_weighted"
    )


def test_adjusted_r2():
    plain = sk.r2_score(values, guesses)
    expected = 1 - (1 - plain) * (N - 1) / (N - 2 - 1)
    assert run(metrics.R2Score(num_regressors=2), values, guesses) == pytest.approx(expected, rel=1e-5)
    few = metrics.R2Score(num_regressors=5)
    assert float(few(values[:4], guesses[:4])) == pytest.approx(sk.r2_score(values[:4], guesses[:4]), rel=1e-4)


def test_weights_of_iou_are_not_cut_to_integers():
    metric = metrics.IoU(num_classes=2, target_class_ids=[0, 1])
    metric.update_state([0, 0, 1, 1], [0, 1, 0, 1], sample_weight=[0.3, 0.3, 0.3, 0.1])
    assert float(metric.result()) == pytest.approx((0.3 / 0.9 + 0.1 / 0.7) / 2, rel=1e-5)


@pytest.mark.parametrize("ignored", [-1, 2, 255])
def test_ignored_class_of_iou(ignored):
    y, p = np.array([0, 1, ignored, 1]), np.array([0, 1, 0, 0])
    metric = metrics.MeanIoU(num_classes=3, ignore_class=ignored)
    assert float(metric(y, p)) == pytest.approx((1 / 2 + 1 / 2) / 2)


def test_ignored_class_of_cross_entropy_over_batches():
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
    metric.update_state([0, -1, -1], [[0.6, 0.4]] * 3)
    metric.update_state([1], [[0.2, 0.8]])
    assert float(metric.result()) == pytest.approx(-(np.log(0.6) + np.log(0.8)) / 2, rel=1e-5)


def test_equal_scores_and_top_k():
    """All classes as likely as the k-th count, as in TensorFlow."""
    assert metrics.sparse_top_k_categorical_accuracy([0, 2], [[0.2, 0.2, 0.6]] * 2, k=2).tolist() == [1.0, 1.0]
    assert metrics.sparse_top_k_categorical_accuracy([0, 7, -1], [[0.2, np.nan, 0.6]] * 3, k=1).tolist() == [
        0.0,
        0.0,
        0.0,
    ]


def test_images_have_accuracies_of_pixels():
    y = RANDOM.integers(0, 3, (4, 5, 6))
    p = RANDOM.uniform(size=(4, 5, 6, 3)).astype("float32")
    for target in (y, y[..., None]):
        assert float(metrics.SparseCategoricalAccuracy()(target, p)) == pytest.approx((p.argmax(-1) == y).mean())
    weights = np.array([1.0, 0.0, 0.0, 3.0], "float32")
    expected = np.average((p.argmax(-1) == y).mean((1, 2)), weights=weights)
    assert float(metrics.SparseCategoricalAccuracy()(y, p, weights)) == pytest.approx(expected)
    expected = sk.top_k_accuracy_score(y.ravel(), p.reshape(-1, 3), k=2)
    assert float(metrics.SparseTopKCategoricalAccuracy(k=2)(y, p)) == pytest.approx(expected)


def test_large_class_numbers_are_not_rounded_as_floats_would_be():
    assert float(metrics.Accuracy()(np.array([16_777_217]), np.array([16_777_216]))) == 0


def test_a_row_of_zeros_predicts_nothing_and_a_logit_of_zero_may():
    assert float(metrics.F1Score(average="micro")([[1, 0, 0]], [[0.0, 0.0, 0.0]])) == 0
    assert float(metrics.F1Score(average="micro")([[1, 0, 0]], [[0.0, -1.0, -2.0]])) == 1
