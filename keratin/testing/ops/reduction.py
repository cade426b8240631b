"""Rows of reductions, and of ops that make tensors of tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keratin import ops
from keratin.testing.arrays import f32, flags, i32
from keratin.testing.ops.case import FLOATS, PLACES_OF, Case, accumulator, always, case, floating, number, same

INF, NAN = math.inf, math.nan
BOOL, INT = always("bool"), always("int32")


def over_axes(op: Any, against: Any, dtype: Any = same, low: float = -2.0, **kwargs: Any) -> list[Case]:
    """Rows of a reduction: all axes, a negative one, several, and none of its elements where that has a meaning."""
    empty = kwargs.pop("empty", True)
    rows = [
        case(op, [f32(2, 3, 4, low=low)], against, dtype=dtype, **kwargs),
        case(op, [f32(2, 3, 4, low=low)], against, dtype=dtype, axis=-2, keepdims=True, **kwargs),
        case(op, [f32(2, 3, 4, low=low)], against, dtype=dtype, axis=(0, -1), **kwargs),
        case(op, [f32(low=low)], against, dtype=dtype, **kwargs),
        case(op, [f32(0, 3)], against, dtype=dtype, axis=1, **kwargs),
    ]
    return [*rows, case(op, [f32(0, 3)], against, dtype=dtype, axis=0, **kwargs)] if empty else rows


def _logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def _count(x: Any, axis: Any = None) -> Any:
    return np.sum(x != 0, axis=axis)


def _running(function: Any) -> Any:
    return lambda x, axis=None: function(x, axis=axis)


REDUCTION = [
    *over_axes(ops.sum, np.sum, accumulator),
    *over_axes(ops.prod, np.prod, accumulator),
    *over_axes(ops.mean, np.mean, floating),
    *over_axes(ops.var, np.var, floating),
    *over_axes(ops.std, np.std, floating),
    *over_axes(ops.max, np.max, empty=False),
    *over_axes(ops.min, np.min, empty=False),
    case(ops.max, [f32(0, 3)], np.max, axis=0, initial=-1.5, gradient=False),
    case(ops.max, [f32(2, 3)], np.max, axis=0, initial=0.0),
    case(ops.min, [f32(2, 3)], np.min, axis=0, keepdims=True, initial=0.0),
    case(ops.max, [np.array([1.0, NAN, INF], np.float32)], np.max, gradient=False),
    case(ops.max, [f32(3)], np.max, ties=[([[2.0, 2.0, 1.0]], [[0.5, 0.5, 0.0]])]),
    case(ops.amax, [f32(2, 3)], np.max, axis=0),
    case(ops.amin, [f32(2, 3)], np.min, axis=-1, keepdims=True),
    case(ops.ptp, [f32(2, 3)], np.ptp, axis=1, dtype=number),
    *over_axes(ops.any, np.any, BOOL),
    *over_axes(ops.all, np.all, BOOL),
    case(ops.any, [flags(3, 4)], np.any, dtype=BOOL, axis=1),
    case(ops.argmax, [f32(3, 4)], np.argmax, dtype=INT),
    case(ops.argmax, [f32(3, 4)], np.argmax, dtype=INT, axis=-1, keepdims=True),
    case(ops.argmax, [f32(3, 4)], np.argmax, dtype=INT, keepdims=True),
    case(ops.argmax, [np.array([1, 5, 5, 2])], np.argmax, dtype=INT),
    case(ops.argmax, [np.array([1.0, NAN, 5.0, NAN], np.float32)], np.argmax, dtype=INT),
    case(ops.argmin, [f32(3, 4)], np.argmin, dtype=INT, axis=0),
    case(ops.argmin, [f32(0, 4)], np.argmin, dtype=INT, axis=1),
    case(ops.cumsum, [f32(2, 3)], _running(np.cumsum), dtype=number),
    case(ops.cumsum, [f32(2, 3)], _running(np.cumsum), dtype=number, axis=-1),
    case(ops.cumsum, [f32(0, 3)], _running(np.cumsum), dtype=number, axis=0),
    case(ops.cumprod, [f32(2, 3)], _running(np.cumprod), dtype=number, axis=0),
    case(ops.cumprod, [f32(3, low=0.5)], _running(np.cumprod), dtype=number),
    *over_axes(ops.logsumexp, _logsumexp, floating),
    case(
        ops.logsumexp, [np.array([1e3, 1e3], np.float32)], lambda x: 1e3 + np.log(2.0), dtype=floating, gradient=False
    ),
    case(ops.logsumexp, [np.array([-INF, -INF], np.float32)], lambda x: -INF, dtype=floating, gradient=False),
    case(ops.logsumexp, [np.array([INF, 1.0], np.float32)], lambda x: INF, dtype=floating, gradient=False),
    case(
        ops.logsumexp,
        [np.array([-INF, 1.0], np.float32)],
        lambda x: 1.0,
        dtype=floating,
        gradient=False,
        ties=[([[-INF, 1.0]], [[0.0, 1.0]]), ([[-INF, -INF]], [[0.0, 0.0]])],
    ),
    case(ops.count_nonzero, [i32(3, 4)], _count, dtype=INT, axis=1),
    case(ops.median, [f32(3, 4)], np.median, dtype=floating, needs_sizes=PLACES_OF),
    case(ops.median, [f32(3, 5)], np.median, dtype=floating, axis=-1, keepdims=True),
    case(
        ops.median,
        [np.array([1.0, NAN, 2.0], np.float32)],
        np.median,
        dtype=floating,
        gradient=False,
        needs_sizes=PLACES_OF,
    ),
    case(ops.quantile, [f32(3, 5), 0.3], np.quantile, dtype=None, needs_sizes=PLACES_OF, axis=(0, 1)),
    case(
        ops.quantile,
        [f32(3, 5)],
        lambda x, q, axis: np.quantile(x, q, axis=axis),
        dtype=floating,
        needs_sizes=PLACES_OF,
        q=(0.0, 0.4, 1.0),
        axis=0,
    ),
    case(ops.quantile, [f32(7), 0.3], np.quantile, dtype=None, needs_sizes=PLACES_OF, method="nearest"),
    case(ops.quantile, [f32(7), 0.3], np.quantile, dtype=None, needs_sizes=PLACES_OF, method="midpoint"),
    case(ops.quantile, [f32(7), 0.3], np.quantile, dtype=None, needs_sizes=PLACES_OF, method="higher"),
    case(ops.average, [f32(3, 4)], np.average, dtype=floating, axis=0),
    case(ops.average, [f32(3, 4), 1, f32(4, low=0.1)], np.average, dtype=None),
    case(ops.average, [f32(3, 4), None, f32(3, 4, low=0.1)], np.average, dtype=None),
]


CREATION = [
    case(ops.zeros_like, [f32(2, 3)], np.zeros_like, gradient=False),
    case(ops.ones_like, [f32(2, 3)], np.ones_like, gradient=False),
    case(ops.empty_like, [f32(2, 3)], np.zeros_like, gradient=False),
    case(ops.full_like, [f32(2, 3), 7.0], np.full_like, gradient=False, dtype=lambda name, *rest: name),
    case(ops.linspace, [f32(3), f32(3, seed=1)], np.linspace, num=5, dtype=floating),
    case(ops.linspace, [f32(2, 1), 4.0], np.linspace, num=4, endpoint=False, axis=-1, dtype=floating),
    case(ops.linspace, [f32(3), 4.0], np.linspace, num=3, retstep=True, dtype=floating),
    case(ops.tril, [f32(2, 3, 4)], np.tril, k=1),
    case(ops.tril, [f32(3, 3)], np.tril),
    case(ops.triu, [f32(2, 3, 4)], np.triu, k=-1),
    case(ops.meshgrid, [f32(2), f32(3), f32(4)], np.meshgrid, accepts=FLOATS),
    case(ops.meshgrid, [f32(2), f32(3)], np.meshgrid, indexing="ij", accepts=FLOATS),
    case(ops.copy, [f32(2, 3)], np.copy),
    case(ops.stop_gradient, [f32(2, 3)], np.copy, gradient=False, ties=[([[1.0, 2.0]], [[0.0, 0.0]])]),
]

ROWS = [*REDUCTION, *CREATION]
