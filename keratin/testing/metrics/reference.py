"""Metrics in float64, each written from its definition: functions of targets, predictions and weights of samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Definition = Callable[[Any, Any, Any], Any]


def mean(function: Callable[..., Any], **arguments: Any) -> Definition:
    """The weighted mean over samples of a function that gives a value for each."""

    def run(y: Any, p: Any, w: Any) -> Any:
        result = function(y.astype(np.float64), p.astype(np.float64), **arguments)
        weights = np.broadcast_to(w.reshape(-1, *(1,) * (result.ndim - 1)), result.shape)
        return np.average(result, weights=weights)

    return run


def equal(change: Callable[[Any, Any], tuple[Any, Any]] = lambda y, p: (y, p)) -> Definition:
    """The weighted share of places where both are equal, after a change of both."""
    return mean(lambda y, p: np.equal(*change(y, p)).astype(np.float64))


def above(threshold: float) -> Definition:
    return equal(lambda y, p: (y, p > threshold))


def in_top(k: int, label: Callable[[Any], Any] = lambda y: y) -> Definition:
    """The weighted share of samples whose label is among the k of the largest scores."""

    def run(y: Any, p: Any) -> Any:
        order = np.argsort(-p, axis=-1)[:, :k]
        return np.any(order == label(y).astype(int)[:, None], axis=-1).astype(np.float64)

    return mean(run)


def among_first(k: int) -> Definition:
    """As `in_top`, of predictions that are classes already, the likeliest first."""
    return mean(lambda y, p: np.any(p[:, :k] == y[:, None], axis=-1).astype(np.float64))


def root(definition: Definition) -> Definition:
    return lambda y, p, w: np.sqrt(definition(y, p, w))


def table(y: Any, p: Any, w: Any) -> tuple[Any, Any, Any, Any]:
    """Weighted numbers of true positives, false positives, true negatives and false negatives of truth values."""
    y, p = np.asarray(y, bool), np.asarray(p, bool)
    w = np.broadcast_to(w.reshape(-1, *(1,) * (y.ndim - 1)), y.shape)
    return tuple((w * one).sum() for one in (y & p, ~y & p, ~y & ~p, y & ~p))  # type: ignore[return-value]


def count(which: str) -> Definition:
    place = ["tp", "fp", "tn", "fn"].index(which)
    return lambda y, p, w: table(y, p > 0.5, w)[place]


def _precision(counts: Any) -> Any:
    tp, fp, _, _ = counts
    return tp / (tp + fp)


def _recall(counts: Any) -> Any:
    tp, _, _, fn = counts
    return tp / (tp + fn)


def ratio(kind: str, thresholds: Any = 0.5, class_id: int | None = None, top_k: int | None = None) -> Definition:
    """Precision or recall."""
    measure = {"precision": _precision, "recall": _recall}[kind]

    def run(y: Any, p: Any, w: Any) -> Any:
        def one(threshold: float) -> Any:
            chosen = p > threshold if top_k is None else p >= np.sort(p)[:, -top_k][:, None]
            columns = slice(None) if class_id is None else slice(class_id, class_id + 1)
            return measure(table(y[:, columns], chosen[:, columns], w))

        return [one(t) for t in thresholds] if isinstance(thresholds, list) else one(thresholds)

    return run


def f_beta(beta: float = 1.0, average: str | None = None, threshold: float | None = None) -> Definition:
    def run(y: Any, p: Any, w: Any) -> Any:
        chosen = np.eye(p.shape[1])[p.argmax(-1)] > 0 if threshold is None else p > threshold
        columns = [table(y[:, i], chosen[:, i], w) for i in range(y.shape[1])]
        tp, fp, _, fn = np.sum(columns, axis=0) if average == "micro" else np.transpose(columns)
        each = (1 + beta**2) * tp / ((1 + beta**2) * tp + beta**2 * fn + fp)
        if average == "weighted":
            return np.average(each, weights=tp + fn)
        return each if average is None else np.mean(each)

    return run


def iou(classes: int, only: list[int] | None = None, change: Callable[[Any], Any] = lambda x: x) -> Definition:
    """The mean over classes of the intersection over the union."""

    def run(y: Any, p: Any, w: Any) -> Any:
        y, p = change(y), change(p)
        found: list[Any] = []
        for label in range(classes) if only is None else only:
            tp, fp, _, fn = table(y == label, p == label, w)
            found.append(tp / (tp + fp + fn))
        return np.mean(found)

    return run


def r2(aggregation: str | None = "uniform_average") -> Definition:
    def run(y: Any, p: Any, w: Any) -> Any:
        y, p = (np.asarray(a, np.float64).reshape(len(a), -1) for a in (y, p))
        w = w[:, None]
        total = (w * (y - (w * y).sum(0) / w.sum()) ** 2).sum(0)
        each = 1 - (w * (y - p) ** 2).sum(0) / total
        if aggregation == "variance_weighted_average":
            return np.average(each, weights=total)
        return each if aggregation is None else each.mean()

    return run


def _rates(y: Any, p: Any, w: Any, number: int) -> tuple[Any, Any, Any]:
    """True positive rate, false positive rate and precision at thresholds from 0 to 1, the ends moved outwards."""
    thresholds = np.linspace(0, 1, number).astype(np.float32)
    thresholds[0], thresholds[-1] = -1e-7, 1 + 1e-7
    counts = np.array([table(y, p > t, w) for t in thresholds])
    tp, fp, tn, fn = counts.T
    return tp / (tp + fn), fp / (fp + tn), np.divide(tp, tp + fp, out=np.zeros_like(tp), where=tp + fp > 0)


def area_under_roc(number: int = 200) -> Definition:
    """By trapezoids between the thresholds."""

    def run(y: Any, p: Any, w: Any) -> Any:
        tpr, fpr, _ = _rates(y, p, w, number)
        return np.sum((fpr[:-1] - fpr[1:]) * (tpr[:-1] + tpr[1:]) / 2)

    return run


def best(wanted: str, limited: str, least: float, number: int = 200) -> Definition:
    """The largest value of one rate where another is at least `least`."""

    def run(y: Any, p: Any, w: Any) -> Any:
        tpr, fpr, precision = _rates(y, p, w, number)
        rates = {"sensitivity": tpr, "recall": tpr, "specificity": 1 - fpr, "precision": precision}
        return max(rates[wanted][rates[limited] >= least], default=0.0)

    return run


def pearson(y: Any, p: Any) -> Any:
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(y, p, strict=True)])


def concordance(y: Any, p: Any) -> Any:
    return np.array(
        [
            2 * np.cov(a, b, bias=True)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
            for a, b in zip(y, p, strict=True)
        ]
    )
