"""The rows of the ops of neural networks: each with its reference in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keratin.ops import nn
from keratin.testing.arrays import f32, i32
from keratin.testing.extras import special
from keratin.testing.ops.case import EDGES, FLOATS, Case, always, case, floating, same

INF, NAN = math.inf, math.nan
EPSILON = 1e-7


def unary(op: Any, against: Any, corners: Any = (), low: float = -4.0, high: float = 4.0, **kwargs: Any) -> Case:
    """A row of an activation: value at all edges, and the agreed slopes at corners, as pairs of place and slope."""
    ties = [([[x for x, _ in corners]], [[slope for _, slope in corners]])] if corners else []
    return case(
        op,
        [f32(3, 4, low=low, high=high)],
        against,
        dtype=kwargs.pop("dtype", floating),
        edges=kwargs.pop("edges", EDGES),
        ties=ties,
        **kwargs,
    )


def at_infinity(limit: float, formula: Any) -> Any:
    """A formula with its limit at minus infinity."""
    return lambda x, **kwargs: np.where(x == -INF, limit, formula(np.where(x == -INF, 0, x), **kwargs))


def phi(x: Any) -> Any:
    return special.ndtr(x)


def keep_nan(x: Any, value: Any) -> Any:
    return np.where(np.isnan(x), NAN, value)


def gelu_tanh(x: Any) -> Any:
    x = np.clip(x, -1e100, 1e100)
    return x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


ACTIVATIONS = [
    unary(
        nn.relu,
        lambda x: keep_nan(x, np.maximum(x, 0)),
        [(0, 0), (1, 1), (-1, 0)],
        dtype=same,
        accepts=("int32", *FLOATS),
    ),
    unary(
        nn.relu6,
        lambda x: keep_nan(x, np.clip(x, 0, 6)),
        [(0, 0), (6, 0), (3, 1)],
        high=8,
        dtype=same,
        accepts=("int32", *FLOATS),
    ),
    unary(nn.leaky_relu, lambda x: np.where(x > 0, x, 0.2 * x), [(0, 0.2), (INF, 1), (-INF, 0.2)]),
    unary(nn.leaky_relu, lambda x, negative_slope: np.where(x > 0, x, 0.5 * x), negative_slope=0.5),
    unary(nn.elu, lambda x: np.where(x > 0, x, np.expm1(x)), [(0, 1), (INF, 1), (-INF, 0), (1e30, 1)]),
    unary(nn.elu, lambda x, alpha: np.where(x > 0, x, 3 * np.expm1(x)), [(0, 3)], alpha=3.0),
    unary(
        nn.selu,
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
        [(INF, 1.0507010), (-INF, 0)],
    ),
    unary(nn.celu, lambda x, alpha: np.where(x > 0, x, 2 * np.expm1(x / 2)), [(0, 1), (INF, 1), (-INF, 0)], alpha=2.0),
    unary(nn.gelu, at_infinity(0, gelu_tanh), [(0, 0.5), (1e18, 1), (-1e18, 0)]),
    unary(nn.gelu, at_infinity(0, lambda x, approximate: x * phi(x)), [(0, 0.5), (-INF, 0)], approximate=False),
    unary(nn.sigmoid, special.expit, [(0, 0.25), (INF, 0), (-INF, 0)]),
    unary(nn.hard_sigmoid, lambda x: keep_nan(x, np.clip(x / 6 + 0.5, 0, 1)), [(-3, 0), (3, 0), (0, 1 / 6)]),
    unary(nn.silu, at_infinity(0, lambda x: x * special.expit(x)), [(0, 0.5), (-INF, 0)]),
    unary(nn.hard_silu, at_infinity(0, lambda x: x * keep_nan(x, np.clip(x / 6 + 0.5, 0, 1))), [(0, 0.5), (-INF, 0)]),
    unary(nn.hard_tanh, lambda x: keep_nan(x, np.clip(x, -1, 1)), [(1, 1), (-1, 1), (2, 0), (-2, 0)]),
    unary(nn.mish, at_infinity(0, lambda x: x * np.tanh(np.logaddexp(x, 0))), [(-INF, 0), (0, 0.6)]),
    unary(nn.softplus, lambda x: np.logaddexp(x, 0), [(0, 0.5), (INF, 1), (-INF, 0), (100, 1)]),
    unary(nn.softsign, lambda x: np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x))), [(0, 1), (INF, 0), (-INF, 0)]),
    unary(nn.log_sigmoid, lambda x: -np.logaddexp(-x, 0), [(0, 0.5), (INF, 0), (-INF, 1)]),
    unary(
        nn.squareplus,
        lambda x: np.where(x > 0, x, 0) + 2 / (np.sqrt(x * x + 4) + np.abs(x)),
        [(0, 0.5), (1e18, 1), (-1e18, 0)],
        edges=(0.0, -0.0, 1.0, -2.5, 1e10, -1e10, INF, -INF, NAN),
    ),
    unary(nn.squareplus, lambda x, b: keep_nan(x, np.maximum(x, 0)), [(0, 0)], b=0),
    unary(
        nn.sparse_plus,
        lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
        [(-1, 0), (1, 1), (INF, 1), (-INF, 0)],
    ),
    unary(nn.sparse_sigmoid, lambda x: keep_nan(x, np.clip((x + 1) / 2, 0, 1)), [(-1, 0), (1, 0), (0, 0.5)]),
    unary(nn.tanh_shrink, lambda x: x - np.tanh(x), [(0, 0), (INF, 1)]),
    unary(nn.soft_shrink, lambda x: np.where(np.abs(x) <= 0.5, 0, x - 0.5 * np.sign(x)), [(0.5, 0), (-0.5, 0), (1, 1)]),
    unary(
        nn.hard_shrink, lambda x, threshold: np.where(np.abs(x) <= 1, 0, x), [(1, 0), (-1, 0), (2, 1)], threshold=1.0
    ),
    unary(
        nn.threshold,
        lambda x, threshold, default_value: np.where(x <= 1, -7, x),
        [(1, 0), (2, 1)],
        threshold=1.0,
        default_value=-7.0,
    ),
    case(nn.glu, [f32(3, 4)], lambda x: x[:, :2] * special.expit(x[:, 2:]), dtype=floating),
    case(nn.glu, [f32(4, 3)], lambda x, axis: x[:2] * special.expit(x[2:]), dtype=floating, axis=0),
]


def reference_softmax(x: Any, axis: Any = -1) -> Any:
    return special.softmax(x, axis)


def reference_sparsemax(x: Any, axis: int = -1) -> Any:
    """By bisection on the threshold: a definition that has no sorting."""
    low, high = x.max(axis, keepdims=True) - 1, x.max(axis, keepdims=True)
    for _ in range(60):
        middle = (low + high) / 2
        above = np.maximum(x - middle, 0).sum(axis, keepdims=True) > 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.maximum(x - low, 0)


def reference_one_hot(x: Any, num_classes: int, axis: int = -1, **kwargs: Any) -> Any:
    result = np.zeros((*x.shape, num_classes))
    for place in np.ndindex(*x.shape):
        if 0 <= x[place] < num_classes:
            result[(*place, int(x[place]))] = 1
    return np.moveaxis(result, -1, axis)


def reference_multi_hot(x: Any, num_classes: int, **kwargs: Any) -> Any:
    return reference_one_hot(x, num_classes).max(-2 if x.ndim == 1 else 1)


def reference_cce(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    if from_logits:
        logs = special.log_softmax(output, axis)
    else:
        logs = np.log(np.clip(output / output.sum(axis, keepdims=True), EPSILON, 1 - EPSILON))
    return -np.where(target == 0, 0, target * logs).sum(axis)


def reference_scce(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    axis %= output.ndim
    numbers = target if target.ndim < output.ndim else np.squeeze(target, axis)
    return reference_cce(reference_one_hot(numbers, output.shape[axis], axis), output, from_logits, axis)


def reference_bce(target: Any, output: Any, from_logits: bool = False) -> Any:
    if from_logits:
        return target * np.logaddexp(-output, 0) + (1 - target) * np.logaddexp(output, 0)
    output = np.clip(output, EPSILON, 1 - EPSILON)
    return -target * np.log(output) - (1 - target) * np.log1p(-output)


Options = dict[str, Any]
UNIT: Options = {"low": 0.05, "high": 0.95}
LOGITS: tuple[Options, ...] = ({}, {"from_logits": True}, {"axis": 0}, {"from_logits": True, "axis": 0})
LABELS: tuple[tuple[Any, Any, Options], ...] = (
    ((2,), (2, 3), {}),
    ((2, 1), (2, 3), {"from_logits": True}),
    ((2, 4), (2, 3, 4), {"axis": 1}),
    ((2, 1, 4), (2, 3, 4), {"axis": -2, "from_logits": True}),
    ((), (3,), {}),
)
PROBABILITY = [
    *(case(nn.softmax, [f32(2, 3, 4)], reference_softmax, dtype=floating, axis=axis) for axis in (-1, 1, (0, 2), None)),
    *(
        case(nn.log_softmax, [f32(2, 3, 4)], special.log_softmax, dtype=floating, axis=axis)
        for axis in (-1, 0, (-1, 1), None)
    ),
    *(case(nn.sparsemax, [f32(2, 5, 3)], reference_sparsemax, dtype=floating, axis=axis) for axis in (-1, 1)),
    *(
        case(
            nn.one_hot,
            [i32(2, 3, low=-1, high=5)],
            reference_one_hot,
            dtype=always("float32"),
            axis=axis,
            num_classes=4,
        )
        for axis in (-1, 0, 1)
    ),
    case(nn.one_hot, [np.array(2)], reference_one_hot, dtype=always("float32"), num_classes=3),
    case(nn.multi_hot, [i32(2, 3, low=0, high=5)], reference_multi_hot, dtype=always("float32"), num_classes=4),
    case(nn.multi_hot, [i32(3, low=0, high=5)], reference_multi_hot, dtype=always("float32"), num_classes=4),
    case(nn.multi_hot, [i32(2, 3, 2, low=0, high=5)], reference_multi_hot, dtype=always("float32"), num_classes=4),
    *(
        case(
            nn.categorical_crossentropy,
            [f32(2, 3, **UNIT), f32(2, 3, seed=1, **UNIT)],
            reference_cce,
            dtype=floating,
            loose=True,
            **kwargs,
        )
        for kwargs in LOGITS
    ),
    *(
        case(
            nn.sparse_categorical_crossentropy,
            [i32(*shape, low=0, high=3), f32(*output, **UNIT)],
            reference_scce,
            dtype=lambda *names: floating(names[-1]),
            fixed=(0,),
            loose=True,
            **kwargs,
        )
        for shape, output, kwargs in LABELS
    ),
    *(
        case(
            nn.binary_crossentropy,
            [f32(2, 3, **UNIT), f32(2, 3, seed=1, **UNIT)],
            reference_bce,
            dtype=floating,
            from_logits=logits,
        )
        for logits in (False, True)
    ),
]


def reference_normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: float = EPSILON) -> Any:
    norm = (np.abs(x) ** order).sum(axis, keepdims=True) ** (1 / order)
    return x / np.maximum(norm, epsilon)


def reference_batch(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> Any:
    shape = [1] * x.ndim
    shape[axis] = -1
    result = (x - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + epsilon)
    result = result if scale is None else result * scale.reshape(shape)
    return result if offset is None else result + offset.reshape(shape)


def _spread(v: Any, x: Any, axis: Any) -> Any:
    axes = [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
    return v.reshape([x.shape[a] if a in axes else 1 for a in range(x.ndim)])


def reference_layer(x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float = EPSILON) -> Any:
    result = (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + epsilon)
    result = result if gamma is None else result * _spread(gamma, x, axis)
    return result if beta is None else result + _spread(beta, x, axis)


def reference_rms(x: Any, scale: Any = None, axis: Any = -1, epsilon: float = EPSILON) -> Any:
    result = x / np.sqrt((x * x).mean(axis, keepdims=True) + epsilon)
    return result if scale is None else result * _spread(scale, x, axis)


def batch_of_five(x: Any, mean: Any, variance: Any, offset: Any, scale: Any, axis: int) -> Any:
    """`batch_normalization` with all of its tensors in front, as rows have them."""
    return nn.batch_normalization(x, mean, variance, axis, offset, scale)


batch_of_five.__name__ = "batch_normalization"


NORMS: tuple[Options, ...] = ({}, {"axis": 0}, {"order": 1}, {"order": 3}, {"axis": None, "order": 4})
AFFINE: tuple[tuple[list[np.ndarray], Options], ...] = (
    ([], {}),
    ([f32(4), f32(4, seed=1)], {}),
    ([f32(3, 4), f32(3, 4, seed=1)], {"axis": (1, 2)}),
    ([f32(3)], {"axis": 1, "epsilon": 0.1}),
)
NORMALIZATION = [
    *(
        case(
            nn.moments,
            [f32(2, 3, 4)],
            lambda x, axes, keepdims: (x.mean(axes, keepdims=keepdims), x.var(axes, keepdims=keepdims)),
            dtype=floating,
            axes=axes,
            keepdims=keep,
        )
        for axes, keep in ((0, False), ((0, 2), True), (None, False))
    ),
    *(case(nn.normalize, [f32(3, 4)], reference_normalize, dtype=floating, **kwargs) for kwargs in NORMS),
    case(nn.normalize, [f32(3, 4, low=-0.1, high=0.1)], reference_normalize, dtype=floating, epsilon=0.5),
    case(
        nn.batch_normalization,
        [f32(2, 3, 4), f32(4), f32(4, low=0.1)],
        lambda x, m, v, axis: reference_batch(x, m, v, axis),
        dtype=floating,
        loose=True,
        axis=-1,
    ),
    case(
        nn.batch_normalization,
        [f32(2, 3, 4), f32(3), f32(3, low=0.1)],
        reference_batch,
        dtype=floating,
        loose=True,
        axis=1,
        epsilon=0.1,
    ),
    case(
        batch_of_five,
        [f32(2, 3), f32(3), f32(3, low=0.1), f32(3, seed=2), f32(3, seed=3)],
        lambda x, m, v, o, s, axis: reference_batch(x, m, v, axis, o, s),
        dtype=floating,
        loose=True,
        axis=1,
    ),
    *(
        case(
            nn.layer_normalization,
            [f32(2, 3, 4), *parts],
            reference_layer,
            dtype=floating,
            loose=True,
            rtol=1e-4,
            **kwargs,
        )
        for parts, kwargs in AFFINE
    ),
    *(
        case(nn.rms_normalization, [f32(2, 3, 4), *parts[:1]], reference_rms, dtype=floating, loose=True, **kwargs)
        for parts, kwargs in AFFINE
    ),
]

ROWS = [*ACTIVATIONS, *PROBABILITY, *NORMALIZATION]
