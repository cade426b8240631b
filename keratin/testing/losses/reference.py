"""Losses in float64, each written from its definition and not from Keratin's code."""

from __future__ import annotations

from typing import Any

import numpy as np

from keratin.testing.extras import special

EPSILON = 1e-7


def mean_squared_error(y: Any, p: Any) -> Any:
    return ((y - p) ** 2).mean(-1)


def mean_absolute_error(y: Any, p: Any) -> Any:
    return np.abs(y - p).mean(-1)


def mean_absolute_percentage_error(y: Any, p: Any) -> Any:
    return 100 * (np.abs(y - p) / np.maximum(np.abs(y), EPSILON)).mean(-1)


def mean_squared_logarithmic_error(y: Any, p: Any) -> Any:
    return ((np.log1p(np.maximum(y, EPSILON)) - np.log1p(np.maximum(p, EPSILON))) ** 2).mean(-1)


def huber(y: Any, p: Any, delta: float = 1.0) -> Any:
    error = np.abs(y - p)
    quadratic = np.minimum(error, delta)
    return (0.5 * quadratic**2 + delta * (error - quadratic)).mean(-1)


def log_cosh(y: Any, p: Any) -> Any:
    return (np.logaddexp(y - p, p - y) - np.log(2)).mean(-1)


def cosine_similarity(y: Any, p: Any, axis: Any = -1) -> Any:
    norms = np.linalg.norm(y, axis=axis) * np.linalg.norm(p, axis=axis)
    return -np.divide((y * p).sum(axis), norms, out=np.zeros_like(norms), where=norms > 0)


def poisson(y: Any, p: Any) -> Any:
    return (p - y * np.log(p + EPSILON)).mean(-1)


def binary_crossentropy(y: Any, p: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: Any = -1) -> Any:
    y = y * (1 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        one, zero = -np.logaddexp(0, -p), -np.logaddexp(0, p)
    else:
        p = np.clip(p, EPSILON, 1 - EPSILON)
        one, zero = np.log(p), np.log(1 - p)
    return -(y * one + (1 - y) * zero).mean(axis)


def binary_focal_crossentropy(
    y: Any,
    p: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: Any = -1,
) -> Any:
    y = y * (1 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        one, zero = -np.logaddexp(0, -p), -np.logaddexp(0, p)
    else:
        p = np.clip(p, EPSILON, 1 - EPSILON)
        one, zero = np.log(p), np.log(1 - p)
    right = y * np.exp(one) + (1 - y) * np.exp(zero)
    loss = (1 - right) ** gamma * -(y * one + (1 - y) * zero)
    if apply_class_balancing:
        loss = loss * np.where(y == 1, alpha, np.where(y == 0, 1 - alpha, y * alpha + (1 - y) * (1 - alpha)))
    return loss.mean(axis)


def _logs(p: Any, from_logits: Any, axis: Any) -> Any:
    if from_logits:
        return special.log_softmax(p, axis=axis)
    return np.log(np.clip(p / p.sum(axis, keepdims=True), EPSILON, 1 - EPSILON))


def categorical_crossentropy(
    y: Any, p: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: Any = -1
) -> Any:
    y = y * (1 - label_smoothing) + label_smoothing / y.shape[axis]
    return -(y * _logs(p, from_logits, axis)).sum(axis)


def categorical_focal_crossentropy(
    y: Any,
    p: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: Any = -1,
) -> Any:
    y = y * (1 - label_smoothing) + label_smoothing / y.shape[axis]
    logs = _logs(p, from_logits, axis)
    return -(np.asarray(alpha) * (1 - np.exp(logs)) ** gamma * y * logs).sum(axis)


def sparse_categorical_crossentropy(
    y: Any, p: Any, from_logits: bool = False, ignore_class: Any = None, axis: Any = -1
) -> Any:
    logs = np.moveaxis(_logs(p, from_logits, axis), axis, -1)
    y = y.reshape(logs.shape[:-1]).astype(int)
    result = np.empty(y.shape)
    for place in np.ndindex(*y.shape):
        result[place] = 0 if y[place] == ignore_class else -logs[place][y[place]]
    return result


def kl_divergence(y: Any, p: Any) -> Any:
    y, p = np.clip(y, EPSILON, 1), np.clip(p, EPSILON, 1)
    return (special.xlogy(y, y) - special.xlogy(y, p)).sum(-1)


def categorical_generalized_cross_entropy(y: Any, p: Any, q: float = 0.5) -> Any:
    return np.array([(1 - row[int(label)] ** q) / q for label, row in zip(y.ravel(), p, strict=True)])


def _signed(y: Any) -> Any:
    return 2 * y - 1 if set(np.unique(y)) <= {0, 1} else y


def hinge(y: Any, p: Any) -> Any:
    return np.maximum(1 - _signed(y) * p, 0).mean(-1)


def squared_hinge(y: Any, p: Any) -> Any:
    return (np.maximum(1 - _signed(y) * p, 0) ** 2).mean(-1)


def categorical_hinge(y: Any, p: Any) -> Any:
    return np.maximum(((1 - y) * p).max(-1) - (y * p).sum(-1) + 1, 0)


def dice(y: Any, p: Any, axis: Any = None) -> Any:
    return 1 - 2 * (y * p).sum(axis) / (y.sum(axis) + p.sum(axis) + EPSILON)


def tversky(y: Any, p: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Any:
    tp, fp, fn = (y * p).sum(axis), ((1 - y) * p).sum(axis), (y * (1 - p)).sum(axis)
    return 1 - tp / (tp + alpha * fp + beta * fn + EPSILON)


def circle(y: Any, p: Any, gamma: float = 80, margin: float = 0.4, remove_diagonal: bool = True) -> Any:
    result: list[Any] = []
    for i, row in enumerate(p):
        similarity = p @ row
        others = [j for j in range(len(p)) if j != i or not remove_diagonal]
        positive = [similarity[j] for j in others if y[j] == y[i]]
        negative = [similarity[j] for j in range(len(p)) if y[j] != y[i]]
        if not positive or not negative:
            result.append(0.0)
            continue
        pull = special.logsumexp([-gamma * max(1 + margin - s, 0) * (s - (1 - margin)) for s in positive])
        push = special.logsumexp([gamma * max(s + margin, 0) * (s - margin) for s in negative])
        result.append(np.logaddexp(0, pull + push))
    return np.array(result)


def circle_of_constant_weights(
    y: Any, p: Any, fixed: Any, gamma: float = 80, margin: float = 0.4, remove_diagonal: bool = True
) -> Any:
    """Circle loss where the weights of pairs are those of the predictions `fixed`, as its gradient takes them."""
    result: list[Any] = []
    for i in range(len(p)):
        similarity, weights = p @ p[i], fixed @ fixed[i]
        others = [j for j in range(len(p)) if j != i or not remove_diagonal]
        positive = [j for j in others if y[j] == y[i]]
        negative = [j for j in range(len(p)) if y[j] != y[i]]
        if not positive or not negative:
            result.append(0.0)
            continue
        pull = special.logsumexp(
            [-gamma * max(1 + margin - weights[j], 0) * (similarity[j] - (1 - margin)) for j in positive]
        )
        push = special.logsumexp([gamma * max(weights[j] + margin, 0) * (similarity[j] - margin) for j in negative])
        result.append(np.logaddexp(0, pull + push))
    return np.array(result)
