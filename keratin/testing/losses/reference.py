"""Losses in float64, each written from its definition and not from Keratin's code."""

from __future__ import annotations

import numpy as np

from keratin.testing.extras import special

EPSILON = 1e-7


def f64(*arrays):
    return [np.asarray(a, "float64") for a in arrays]


def mean_squared_error(y, p):
    return ((y - p) ** 2).mean(-1)


def mean_absolute_error(y, p):
    return np.abs(y - p).mean(-1)


def mean_absolute_percentage_error(y, p):
    return 100 * (np.abs(y - p) / np.maximum(np.abs(y), EPSILON)).mean(-1)


def mean_squared_logarithmic_error(y, p):
    return ((np.log1p(np.maximum(y, EPSILON)) - np.log1p(np.maximum(p, EPSILON))) ** 2).mean(-1)


def huber(y, p, delta=1.0):
    error = np.abs(y - p)
    quadratic = np.minimum(error, delta)
    return (0.5 * quadratic**2 + delta * (error - quadratic)).mean(-1)


def log_cosh(y, p):
    return (np.logaddexp(y - p, p - y) - np.log(2)).mean(-1)


def cosine_similarity(y, p, axis=-1):
    norms = np.linalg.norm(y, axis=axis) * np.linalg.norm(p, axis=axis)
    return -np.divide((y * p).sum(axis), norms, out=np.zeros_like(norms), where=norms > 0)


def poisson(y, p):
    return (p - y * np.log(p + EPSILON)).mean(-1)


def binary_crossentropy(y, p, from_logits=False, label_smoothing=0.0, axis=-1):
    y = y * (1 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        one, zero = -np.logaddexp(0, -p), -np.logaddexp(0, p)
    else:
        p = np.clip(p, EPSILON, 1 - EPSILON)
        one, zero = np.log(p), np.log(1 - p)
    return -(y * one + (1 - y) * zero).mean(axis)


def binary_focal_crossentropy(
    y, p, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
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


def _logs(p, from_logits, axis):
    if from_logits:
        return special.log_softmax(p, axis=axis)
    return np.log(np.clip(p / p.sum(axis, keepdims=True), EPSILON, 1 - EPSILON))


def categorical_crossentropy(y, p, from_logits=False, label_smoothing=0.0, axis=-1):
    y = y * (1 - label_smoothing) + label_smoothing / y.shape[axis]
    return -(y * _logs(p, from_logits, axis)).sum(axis)


def categorical_focal_crossentropy(y, p, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1):
    y = y * (1 - label_smoothing) + label_smoothing / y.shape[axis]
    logs = _logs(p, from_logits, axis)
    return -(np.asarray(alpha) * (1 - np.exp(logs)) ** gamma * y * logs).sum(axis)


def sparse_categorical_crossentropy(y, p, from_logits=False, ignore_class=None, axis=-1):
    logs = np.moveaxis(_logs(p, from_logits, axis), axis, -1)
    y = y.reshape(logs.shape[:-1]).astype(int)
    result = np.empty(y.shape)
    for place in np.ndindex(*y.shape):
        result[place] = 0 if y[place] == ignore_class else -logs[place][y[place]]
    return result


def kl_divergence(y, p):
    y, p = np.clip(y, EPSILON, 1), np.clip(p, EPSILON, 1)
    return (special.xlogy(y, y) - special.xlogy(y, p)).sum(-1)


def categorical_generalized_cross_entropy(y, p, q=0.5):
    return np.array([(1 - row[int(label)] ** q) / q for label, row in zip(y.ravel(), p, strict=True)])


def _signed(y):
    return 2 * y - 1 if set(np.unique(y)) <= {0, 1} else y


def hinge(y, p):
    return np.maximum(1 - _signed(y) * p, 0).mean(-1)


def squared_hinge(y, p):
    return (np.maximum(1 - _signed(y) * p, 0) ** 2).mean(-1)


def categorical_hinge(y, p):
    return np.maximum(((1 - y) * p).max(-1) - (y * p).sum(-1) + 1, 0)


def dice(y, p, axis=None):
    return 1 - 2 * (y * p).sum(axis) / (y.sum(axis) + p.sum(axis) + EPSILON)


def tversky(y, p, alpha=0.5, beta=0.5, axis=None):
    tp, fp, fn = (y * p).sum(axis), ((1 - y) * p).sum(axis), (y * (1 - p)).sum(axis)
    return 1 - tp / (tp + alpha * fp + beta * fn + EPSILON)


def circle(y, p, gamma=80, margin=0.4, remove_diagonal=True):
    result = []
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
