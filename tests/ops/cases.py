"""The rows of NumPy's part of `keras.ops`: each op with its reference in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special

from keratin import ops
from tests.ops.table import Case, accumulator, always, case, f32, flags, floating, i32, number, product, same

INF, NAN = math.inf, math.nan
WHOLE = ("bool", "uint8", "int8", "int16", "int32")
FLOATS = ("float16", "bfloat16", "float32")
BOOL, INT = always("bool"), always("int32")


def unary(op: Any, against: Any, low: float = -2.0, high: float = 2.0, dtype: Any = floating, **kwargs: Any) -> Case:
    """A row of an op on one tensor, element by element."""
    return case(op, [f32(2, 3, low=low, high=high)], against, dtype=dtype, edges=kwargs.pop("edges", True), **kwargs)


def binary(op: Any, against: Any, dtype: Any = same, low: float = -2.0, **kwargs: Any) -> Case:
    """A row of an op on two tensors that broadcast."""
    inputs = [f32(2, 1, 3, low=low), f32(4, 1, low=low, seed=1)]
    return case(op, inputs, against, dtype=dtype, edges=kwargs.pop("edges", True), **kwargs)


ARITHMETIC = [
    binary(ops.add, np.add),
    binary(ops.subtract, np.subtract, number),
    binary(ops.multiply, np.multiply),
    binary(ops.divide, np.true_divide, floating),
    binary(ops.true_divide, np.true_divide, floating, edges=()),
    binary(
        ops.divide_no_nan,
        lambda x, y: np.where(y == 0, 0, np.true_divide(x, np.where(y == 0, 1, y))),
        floating,
        ties=[([1.0, 0.0], [0.0, 0.0])],
    ),
    binary(ops.floor_divide, np.floor_divide, number, edges=(-2.5, -1.0, 0.5, 3.0, NAN), gradient=False),
    binary(ops.mod, np.mod, number, edges=(-2.5, -1.0, 0.5, 3.0, 1e10, NAN)),
    binary(ops.fmod, np.fmod, number, edges=(-2.5, -1.0, 0.5, 3.0, NAN)),
    binary(ops.power, np.power, number, low=0.2),
    case(ops.power, [f32(3), 2], np.power, dtype=number, edges=True, ties=[([[0.0, -1.0]], [[0.0, -2.0]])]),
    case(ops.power, [f32(3, low=0.1), 0.5], np.power, dtype=number, edges=(0.0, 1e-30, 1e30, INF, NAN)),
    unary(ops.negative, np.negative, dtype=number),
    unary(ops.abs, np.abs, dtype=same, ties=[([[0.0, -1.0, INF]], [[0.0, -1.0, 1.0]])]),
    unary(ops.absolute, np.abs, dtype=same, edges=()),
    unary(ops.fabs, np.abs),
    unary(ops.sign, np.sign, dtype=number),
    unary(ops.square, np.square, dtype=number),
    unary(ops.sqrt, np.sqrt, 0.1),
    unary(ops.rsqrt, lambda x: 1 / np.sqrt(x), 0.1),
    unary(ops.reciprocal, lambda x: 1 / x, 0.5),
    binary(ops.maximum, np.maximum, ties=[([1.0, 1.0], [0.5, 0.5]), ([INF, -INF], [1.0, 0.0])]),
    binary(ops.minimum, np.minimum, ties=[([1.0, 1.0], [0.5, 0.5])]),
    case(ops.clip, [f32(3, 4), -1.0, 1.0], np.clip, dtype=floating, edges=True),
    case(ops.clip, [f32(3, 4), f32(4, low=-1, high=0), f32(3, 1, low=0, high=1)], np.clip, dtype=number),
    case(ops.clip, [f32(3), None, 0.5], lambda x, low, high: np.minimum(x, high), dtype=floating),
    unary(ops.floor, np.floor),
    unary(ops.ceil, np.ceil),
    unary(ops.round, np.round, dtype=same, edges=(0.5, 1.5, 2.5, -0.5, 1e30, INF, NAN)),
    case(ops.round, [f32(5)], np.round, decimals=2, gradient=False),
    case(ops.round, [i32(5, low=-99, high=99)], np.round, decimals=-1, accepts=("int32",)),
    unary(ops.trunc, np.trunc, dtype=same),
    unary(ops.nan_to_num, np.nan_to_num, dtype=same, edges=(1.0, NAN)),
    case(ops.nan_to_num, [f32(4)], np.nan_to_num, nan=3.0, posinf=4.0, neginf=5.0, edges=True),
]

TRANSCENDENTAL = [
    unary(ops.exp, np.exp),
    unary(ops.exp2, np.exp2),
    unary(ops.expm1, np.expm1),
    unary(ops.log, np.log, 0.1),
    unary(ops.log1p, np.log1p, -0.5),
    unary(ops.log2, np.log2, 0.1),
    unary(ops.log10, np.log10, 0.1),
    binary(
        ops.logaddexp,
        np.logaddexp,
        floating,
        ties=[([1.0, 1.0], [0.5, 0.5]), ([-INF, -INF], [0.5, 0.5]), ([1.0, -INF], [1.0, 0.0])],
    ),
    binary(ops.logaddexp2, np.logaddexp2, floating, ties=[([1.0, 1.0], [0.5, 0.5])]),
    unary(ops.sin, np.sin, edges=(0.0, 1.0, -2.5, 100.0, 1e-30, INF, NAN)),
    unary(ops.cos, np.cos, edges=(0.0, 1.0, -2.5, 100.0, 1e-30, INF, NAN)),
    unary(ops.tan, np.tan, -1, 1, edges=(0.0, 1.0, -2.5, 100.0, 1e-30, INF, NAN)),
    unary(ops.arcsin, np.arcsin, -0.9, 0.9),
    unary(ops.arccos, np.arccos, -0.9, 0.9),
    unary(ops.arctan, np.arctan),
    binary(ops.arctan2, np.arctan2, floating),
    unary(ops.sinh, np.sinh),
    unary(ops.cosh, np.cosh),
    unary(ops.tanh, np.tanh),
    unary(ops.arcsinh, np.arcsinh),
    unary(ops.arccosh, np.arccosh, 1.5, 3.0),
    unary(ops.arctanh, np.arctanh, -0.9, 0.9),
    unary(ops.deg2rad, np.deg2rad),
    unary(ops.rad2deg, np.rad2deg, atol=1e-4, edges=(0.0, 1.0, INF, NAN)),
    binary(ops.hypot, np.hypot, floating, ties=[([0.0, 0.0], [0.0, 0.0])]),
    unary(ops.erf, scipy.special.erf),
    unary(ops.erfinv, scipy.special.erfinv, -0.9, 0.9),
    unary(ops.sinc, np.sinc, edges=(0.0, 1e-30, 0.5, -2.5, NAN), ties=[([[0.0]], [[0.0]])], atol=1e-6),
]


def compare(op: Any, against: Any, **kwargs: Any) -> Case:
    """A row of a comparison."""
    return binary(op, against, BOOL, **kwargs)


COMPARISON = [
    compare(ops.equal, np.equal),
    compare(ops.not_equal, np.not_equal),
    compare(ops.less, np.less),
    compare(ops.less_equal, np.less_equal),
    compare(ops.greater, np.greater),
    compare(ops.greater_equal, np.greater_equal),
    compare(ops.logical_and, np.logical_and),
    compare(ops.logical_or, np.logical_or),
    compare(ops.logical_xor, np.logical_xor),
    unary(ops.logical_not, np.logical_not, dtype=BOOL),
    unary(ops.isfinite, np.isfinite, dtype=BOOL),
    unary(ops.isinf, np.isinf, dtype=BOOL),
    unary(ops.isnan, np.isnan, dtype=BOOL),
    unary(ops.isposinf, np.isposinf, dtype=BOOL),
    unary(ops.isneginf, np.isneginf, dtype=BOOL),
    unary(ops.signbit, np.signbit, dtype=BOOL),
    compare(ops.isclose, np.isclose),
    compare(ops.isclose, np.isclose, equal_nan=True),
    case(ops.allclose, [f32(3), f32(3)], np.allclose, dtype=BOOL),
    case(ops.where, [flags(3, 1), f32(2, 1, 4), f32(3, 4, seed=1)], np.where, fixed=(0,)),
    case(ops.where, [flags(3), f32(3), 1.0], np.where, fixed=(0,), dtype=floating),
    case(ops.where, [f32(3), f32(3), f32(3, seed=1)], lambda c, x, y: np.where(c != 0, x, y), fixed=(0,)),
    case(ops.bitwise_and, [i32(2, 3), i32(3, seed=1)], np.bitwise_and, accepts=WHOLE),
    case(ops.bitwise_or, [i32(2, 3), i32(3, seed=1)], np.bitwise_or, accepts=WHOLE),
    case(ops.bitwise_xor, [i32(2, 3), i32(3, seed=1)], np.bitwise_xor, accepts=WHOLE),
    case(ops.bitwise_not, [i32(2, 3)], np.bitwise_not, accepts=WHOLE),
    case(ops.bitwise_invert, [i32(2, 3)], np.bitwise_not, accepts=WHOLE),
    case(ops.left_shift, [i32(2, 3), i32(3, low=0)], np.left_shift, accepts=WHOLE[1:]),
    case(ops.right_shift, [i32(2, 3), i32(3, low=0)], np.right_shift, accepts=WHOLE[1:]),
    case(ops.bitwise_left_shift, [i32(2, 3), 2], np.left_shift, accepts=WHOLE[1:]),
    case(ops.bitwise_right_shift, [i32(2, 3), 2], np.right_shift, accepts=WHOLE[1:]),
]


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
    case(ops.median, [f32(3, 4)], np.median, dtype=floating),
    case(ops.median, [f32(3, 5)], np.median, dtype=floating, axis=-1, keepdims=True),
    case(ops.median, [np.array([1.0, NAN, 2.0], np.float32)], np.median, dtype=floating, gradient=False),
    case(ops.quantile, [f32(3, 5), 0.3], np.quantile, dtype=None, axis=(0, 1)),
    case(
        ops.quantile,
        [f32(3, 5)],
        lambda x, q, axis: np.quantile(x, q, axis=axis),
        dtype=floating,
        q=(0.0, 0.4, 1.0),
        axis=0,
    ),
    case(ops.quantile, [f32(7), 0.3], np.quantile, dtype=None, method="nearest"),
    case(ops.quantile, [f32(7), 0.3], np.quantile, dtype=None, method="midpoint"),
    case(ops.quantile, [f32(7), 0.3], np.quantile, dtype=None, method="higher"),
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


def _unstack(x: Any, num: Any = None, axis: int = 0) -> Any:
    return [np.take(x, i, axis) for i in range(x.shape[axis])]


def _reshape(x: Any, newshape: Any) -> Any:
    return np.reshape(x, newshape)


def _squeeze(x: Any, axis: Any = None) -> Any:
    return np.squeeze(x, axis)


SHAPING = [
    case(ops.reshape, [f32(2, 3, 4)], _reshape, newshape=(6, -1)),
    case(ops.reshape, [f32(2, 3, 4)], _reshape, newshape=-1),
    case(ops.reshape, [f32(0, 3)], _reshape, newshape=(3, 0)),
    case(ops.reshape, [f32()], _reshape, newshape=(1, 1)),
    case(ops.ravel, [f32(2, 3)], np.ravel),
    case(ops.transpose, [f32(2, 3, 4)], np.transpose),
    case(ops.transpose, [f32(2, 3, 4)], np.transpose, axes=(1, -1, 0)),
    case(ops.swapaxes, [f32(2, 3, 4)], np.swapaxes, axis1=0, axis2=-1),
    case(ops.moveaxis, [f32(2, 3, 4)], np.moveaxis, source=0, destination=-1),
    case(ops.moveaxis, [f32(2, 3, 4, 5)], np.moveaxis, source=(0, 2), destination=(-1, 0)),
    case(ops.expand_dims, [f32(2, 3)], np.expand_dims, axis=-1),
    case(ops.expand_dims, [f32(2, 3)], np.expand_dims, axis=(0, -1, 2)),
    case(ops.squeeze, [f32(2, 1, 3, 1)], _squeeze, axis=-1),
    case(ops.squeeze, [f32(2, 1, 3, 1)], _squeeze, axis=(1, 3)),
    case(ops.squeeze, [f32(2, 1, 3)], _squeeze, symbolic=False),
    case(ops.broadcast_to, [f32(3, 1)], np.broadcast_to, shape=(2, 3, 4)),
    case(ops.concatenate, [[f32(2, 3), f32(4, 3, seed=1)]], np.concatenate),
    case(ops.concatenate, [[f32(2, 3), f32(2, 0), f32(2, 1)]], np.concatenate, axis=-1),
    case(ops.append, [f32(2, 3), f32(2, 3, seed=1)], np.append, axis=1),
    case(ops.append, [f32(2, 3), f32(4, seed=1)], np.append),
    case(ops.stack, [[f32(2, 3), f32(2, 3, seed=1)]], np.stack, axis=-1),
    case(ops.stack, [[f32(), f32(seed=1)]], np.stack),
    case(ops.hstack, [[f32(2, 3), f32(2, 1)]], np.hstack),
    case(ops.hstack, [[f32(2), f32(3)]], np.hstack),
    case(ops.vstack, [[f32(3), f32(2, 3)]], np.vstack),
    case(ops.split, [f32(4, 6)], np.split, indices_or_sections=3, axis=-1),
    case(ops.split, [f32(6, 2)], np.split, indices_or_sections=[1, 4]),
    case(ops.array_split, [f32(7, 2)], np.array_split, indices_or_sections=3, symbolic=False),
    case(ops.unstack, [f32(2, 3)], _unstack, axis=-1, num=3),
    case(ops.tile, [f32(2, 3)], lambda x, repeats: np.tile(x, repeats), repeats=(2, 1, 3)),
    case(ops.tile, [f32(2, 3)], lambda x, repeats: np.tile(x, repeats), repeats=2),
    case(ops.repeat, [f32(2, 3)], np.repeat, repeats=2, axis=1),
    case(ops.repeat, [f32(2, 3)], np.repeat, repeats=2),
    case(ops.repeat, [f32(2, 3)], np.repeat, repeats=[1, 0, 2], axis=-1, symbolic=False),
    case(ops.pad, [f32(2, 3)], np.pad, pad_width=((1, 0), (2, 1))),
    case(ops.pad, [f32(2, 3)], np.pad, pad_width=1, constant_values=3.5, accepts=FLOATS),
    case(ops.pad, [f32(2, 3)], np.pad, pad_width=((0, 1), (4, 5)), mode="reflect"),
    case(ops.pad, [f32(2, 1)], np.pad, pad_width=2, mode="reflect"),
    case(ops.pad, [f32(2, 3)], np.pad, pad_width=((3, 1), (4, 7)), mode="symmetric"),
    case(ops.pad, [f32(2, 3)], np.pad, pad_width=(2, 1), mode="edge"),
    case(ops.flip, [f32(2, 3)], np.flip),
    case(ops.flip, [f32(2, 3, 2)], np.flip, axis=(0, -1)),
    case(ops.roll, [f32(2, 3)], np.roll, shift=2),
    case(ops.roll, [f32(2, 3)], np.roll, shift=(1, -5), axis=(0, -1)),
    case(ops.roll, [f32(0, 3)], np.roll, shift=1, axis=0),
]


def getitem(shape: tuple[int, ...], key: Any, **kwargs: Any) -> Case:
    """A row of indexing."""
    return case(ops.get_item, [f32(*shape)], lambda x, key: x[key], key=key, **kwargs)


def _scatter(x: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    result = np.array(x)
    for place in np.ndindex(*indices.shape[:-1]):
        at, value = tuple(indices[place]), updates[place]
        old = result[at]
        combined = {None: value, "add": old + value, "max": np.maximum(old, value), "min": np.minimum(old, value)}
        result[at] = old * value if reduction == "mul" else combined[reduction]
    return result


def _zeros_and_scatter(indices: Any, values: Any, shape: Any) -> Any:
    return _scatter(np.zeros(shape), indices, values, "add")


def _block(x: Any, start: Any, shape: Any) -> Any:
    return x[tuple(slice(s, s + n) for s, n in zip(start, shape, strict=True))]


def _block_update(x: Any, start: Any, updates: Any) -> Any:
    result = np.array(x)
    result[tuple(slice(s, s + n) for s, n in zip(start, updates.shape, strict=True))] = updates
    return result


def _top_k(x: Any, k: int) -> Any:
    order = np.argsort(-x, axis=-1, kind="stable")[..., :k]
    return [np.take_along_axis(x, order, -1), order]


def _in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    return np.array([np.sum(row > row[t]) < k for t, row in zip(targets, predictions, strict=True)])


def _segment(combine: Any, start: float) -> Any:
    def run(data: Any, ids: Any, num_segments: int) -> Any:
        result = np.full((num_segments, *data.shape[1:]), start)
        for row, segment in zip(data, ids, strict=True):
            if 0 <= segment < num_segments:
                result[segment] = combine(result[segment], row)
        return result

    return run


def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    return np.bincount(x, weights, minlength)


IDS = np.array([2, 0, 2, -1, 9], np.int32)
PLACES = np.array([[0, 2], [1, -1]], np.int32)

INDEXING = [
    getitem((3, 4), 1),
    getitem((3, 4), -1),
    getitem((3, 4), (slice(None), -2)),
    getitem((3, 4, 5), (..., slice(1, None, 2))),
    getitem((3, 4, 5), (slice(None, None, -1), None, 2)),
    getitem((3, 4, 5), (None, ..., 0)),
    getitem((3, 4), (slice(-2, None), slice(0, -1))),
    getitem((3, 4), (slice(5, 9),)),
    getitem((3, 4), np.array([2, 0, -1])),
    getitem((3, 4), ([[2], [0]],)),
    getitem((3, 4, 5), (slice(None), [0, 3])),
    getitem((3, 4, 5), ([0, 2], [1, -1])),
    getitem((3, 4, 5), ([0, 2], slice(None), [1, -1])),
    getitem((3, 4, 5), (slice(None), [[0, 2]], [[1], [-1]])),
    getitem((3, 4, 5), (0, slice(None), [1, 4])),
    getitem((3, 4, 5), (slice(1, None), 0, [1, 4])),
    getitem((3, 4), np.array([True, False, True]), compiled=False),
    getitem((3, 4), f32(3, 4) > 0, compiled=False),
    getitem((3, 4), (slice(None), np.array([True, False, True, True])), compiled=False),
    case(ops.take, [f32(3, 4), PLACES], np.take, fixed=(1,), axis=0),
    case(ops.take, [f32(3, 4), PLACES], np.take, fixed=(1,), axis=-1),
    case(ops.take, [f32(3, 4), np.array([11, 0, -1])], np.take, fixed=(1,)),
    case(ops.take, [f32(3, 4), np.array([], np.int32)], np.take, fixed=(1,), axis=0),
    case(
        ops.take,
        [f32(3), np.array([5, -4, 1])],
        lambda x, i: np.array([NAN, NAN, x[1]]),
        fixed=(1,),
        accepts=FLOATS,
        gradient=False,
    ),
    case(ops.take_along_axis, [f32(2, 3), PLACES], np.take_along_axis, fixed=(1,), axis=-1),
    case(ops.take_along_axis, [f32(2, 3), np.array([5, 0])], np.take_along_axis, fixed=(1,), axis=None),
    case(
        ops.scatter,
        [np.array([[0], [2], [0]]), f32(3, 2)],
        _zeros_and_scatter,
        fixed=(0,),
        shape=(4, 2),
        accepts=FLOATS,
    ),
    *(
        case(
            ops.scatter_update,
            [f32(3, 4), PLACES, f32(2, seed=1)],
            _scatter,
            fixed=(0, 1, 2),
            dtype=None,
            known=((1, -1),),
            gradient=reduction != "mul",  # JAX has none where an element is multiplied twice
            reduction=reduction,
        )
        for reduction in (None, "add", "max", "min", "mul")
    ),
    case(
        ops.scatter_update,
        [f32(3, 4), PLACES[:, :1], f32(2, 4, seed=1)],
        _scatter,
        fixed=(0, 1, 2),
        dtype=None,
        known=((1, -1),),
        loose=True,
    ),
    case(ops.slice, [f32(3, 4), np.array([1, 2])], _block, fixed=(1,), shape=(2, 2)),
    case(
        ops.slice_update, [f32(3, 4), np.array([1, 2]), f32(2, 2, seed=1)], _block_update, fixed=(0, 1, 2), dtype=None
    ),
    case(ops.sort, [f32(3, 4)], np.sort),
    case(ops.sort, [np.array([[2.0, NAN, -INF], [1.0, 0.0, INF]], np.float32)], np.sort, axis=0, gradient=False),
    case(ops.sort, [f32(3, 4)], np.sort, axis=None),
    case(ops.argsort, [i32(20)], lambda x: np.argsort(x, kind="stable"), dtype=INT),
    case(ops.argsort, [f32(3, 4)], np.argsort, dtype=INT, axis=0),
    case(ops.argsort, [np.array([2.0, NAN, -INF, 1.0], np.float32)], np.argsort, dtype=INT),
    case(ops.top_k, [f32(3, 5)], _top_k, dtype=[same, INT], k=2, accepts=(*WHOLE[1:], *FLOATS)),
    case(ops.top_k, [np.array([3, 5, 5, 1, 5], np.int32)], _top_k, dtype=[same, INT], k=4, accepts=("int32",)),
    case(ops.in_top_k, [np.array([1, 0, 3]), f32(3, 4)], _in_top_k, fixed=(0,), dtype=BOOL, accepts=FLOATS, k=2),
    case(ops.searchsorted, [np.sort(f32(6)), f32(2, 3, seed=1)], np.searchsorted, dtype=INT),
    case(ops.searchsorted, [np.array([1, 2, 2, 3]), np.array([2, 0, 9])], np.searchsorted, dtype=INT, side="right"),
    case(ops.digitize, [f32(2, 3), np.array([-1.0, 0.0, 1.0], np.float32)], np.digitize, dtype=INT),
    case(ops.bincount, [i32(6, low=0)], _bincount, dtype=INT, compiled=False, symbolic=False, accepts=WHOLE[1:]),
    case(ops.bincount, [i32(6, low=0), f32(6)], _bincount, fixed=(0, 1), dtype=None, minlength=9, symbolic=False),
    case(ops.segment_sum, [f32(5, 2), IDS], _segment(np.add, 0.0), fixed=(1,), num_segments=3, accepts=FLOATS),
    case(ops.segment_max, [f32(5, 2), IDS], _segment(np.maximum, -INF), fixed=(1,), num_segments=3, accepts=FLOATS),
    case(ops.segment_min, [f32(5, 2), IDS], _segment(np.minimum, INF), fixed=(1,), num_segments=3, accepts=FLOATS),
]


def _spd(n: int, *batch: int) -> np.ndarray:
    """Symmetric positive definite matrices."""
    root = f32(*batch, n, n)
    return (root @ np.swapaxes(root, -1, -2) + 2 * np.eye(n)).astype(np.float32)


def _einsum(*args: Any, subscripts: str) -> Any:
    return np.einsum(subscripts, *args)


def einsum(subscripts: str, *inputs: np.ndarray, **kwargs: Any) -> Case:
    """A row of `einsum`."""
    row = case(
        lambda *xs, subscripts: ops.einsum(subscripts, *xs),
        inputs,
        _einsum,
        dtype=product,
        subscripts=subscripts,
        **kwargs,
    )
    row.op.__name__ = "einsum"
    return row


def _positive_diagonal(function: Any) -> Any:
    """Q and R with the signs that make R's diagonal positive."""

    def run(x: Any, **kwargs: Any) -> Any:
        q, r = function(x, **kwargs)
        return [abs(q), abs(r)]

    run.__name__ = "qr"
    return run


LINALG = [
    case(ops.matmul, [f32(2, 3), f32(3, 4)], np.matmul, dtype=product),
    case(ops.matmul, [f32(5, 1, 2, 3), f32(4, 3, 2)], np.matmul, dtype=product),
    case(ops.matmul, [f32(3), f32(2, 3, 4)], np.matmul, dtype=product),
    case(ops.matmul, [f32(2, 3), f32(3, seed=1)], np.matmul, dtype=product),
    case(ops.matmul, [f32(3), f32(3, seed=1)], np.matmul, dtype=product),
    case(ops.matmul, [f32(2, 0), f32(0, 3)], np.matmul, dtype=product),
    case(ops.dot, [f32(2, 3), f32(4, 3, 2)], np.dot),
    case(ops.dot, [f32(3), f32(3, seed=1)], np.dot),
    case(ops.dot, [f32(2, 3), 2.0], np.dot, dtype=floating),
    case(ops.inner, [f32(2, 3), f32(4, 3)], np.inner),
    case(ops.vdot, [f32(2, 3), f32(3, 2)], np.vdot),
    case(ops.outer, [f32(2, 2), f32(3)], np.outer),
    case(ops.tensordot, [f32(2, 3, 4), f32(3, 4, 5)], np.tensordot),
    case(ops.tensordot, [f32(2, 3, 4), f32(4, 2)], np.tensordot, axes=[[0, -1], [1, 0]]),
    case(ops.tensordot, [f32(2), f32(3)], np.tensordot, axes=0),
    einsum("ij,jk->ik", f32(2, 3), f32(3, 4)),
    einsum("ij,jk", f32(2, 3), f32(3, 4)),
    einsum("ba,c", f32(2, 3), f32(4)),
    einsum(" i j , j -> i ", f32(2, 3), f32(3)),
    einsum("...ij,...jk->...ik", f32(5, 2, 3), f32(2, 1, 3, 4)),
    einsum("...i,i", f32(2, 4, 3), f32(3)),
    einsum("i...->...", f32(2, 4, 3)),
    einsum("ii->i", f32(3, 3)),
    einsum("ii", f32(3, 3)),
    einsum("abc,ad,be->cde", f32(2, 3, 4), f32(2, 5), f32(3, 2)),
    case(ops.cross, [f32(2, 3), f32(3)], np.cross, dtype=number, known=((0, -1), (1, -1))),
    case(
        ops.cross, [f32(3, 4), f32(4, 3)], np.cross, axisa=0, axisb=-1, axisc=0, dtype=number, known=((0, -2), (1, -1))
    ),
    case(ops.trace, [f32(3, 4)], np.trace, dtype=accumulator),
    case(ops.trace, [f32(3, 2, 4)], np.trace, dtype=accumulator, offset=1, axis1=0, axis2=-1),
    case(ops.diagonal, [f32(3, 4)], np.diagonal, offset=-1),
    case(ops.diagonal, [f32(3, 2, 4)], np.diagonal, offset=1, axis1=-1, axis2=0),
    case(ops.diagonal, [f32(3, 4)], np.diagonal, offset=7),
    case(ops.diag, [f32(3)], np.diag, k=-2),
    case(ops.diag, [f32(3)], np.diag, k=1),
    case(ops.diag, [f32(3, 4)], np.diag, k=1),
    case(ops.diagflat, [f32(2, 2)], np.diagflat),
    case(ops.norm, [f32(3, 4)], np.linalg.norm, dtype=floating, ties=[([[0.0, 0.0]], [[0.0, 0.0]])]),
    *(
        case(ops.norm, [f32(3, 4)], np.linalg.norm, dtype=floating, axis=-1, ord=order, keepdims=True)
        for order in (None, 1, 2, 3, INF, -INF)
    ),
    *(
        case(ops.norm, [f32(2, 3, 4)], np.linalg.norm, dtype=floating, axis=(-2, -1), ord=order)
        for order in ("fro", 1, -1, INF, -INF)
    ),
    *(case(ops.norm, [f32(3, 4)], np.linalg.norm, dtype=floating, ord=order, axis=(0, 1)) for order in (2, -2, "nuc")),
    case(ops.norm, [f32(3, 4)], np.linalg.norm, dtype=floating, ord=0, axis=0, gradient=False),
    case(ops.cholesky, [_spd(3, 2)], np.linalg.cholesky, dtype=floating, accepts=FLOATS, gradient=False),
    case(
        ops.cholesky,
        [_spd(3)],
        lambda x, upper: np.linalg.cholesky(x).T,
        dtype=floating,
        accepts=FLOATS,
        upper=True,
        gradient=False,
    ),
    case(ops.det, [f32(2, 3, 3)], np.linalg.det, dtype=floating),
    case(ops.inv, [_spd(3, 2)], np.linalg.inv, dtype=floating, accepts=FLOATS),
    case(
        _positive_diagonal(ops.qr),
        [f32(4, 3)],
        _positive_diagonal(np.linalg.qr),
        dtype=floating,
        symbolic=False,
        accepts=FLOATS,
    ),
    case(
        lambda x: ops.svd(x, compute_uv=False),
        [f32(4, 3)],
        lambda x: np.linalg.svd(x, compute_uv=False),
        dtype=floating,
        accepts=FLOATS,
    ),
    case(
        lambda x: ops.eigh(x)[0],
        [_spd(3, 2)],
        lambda x: np.linalg.eigh(x)[0],
        dtype=floating,
        accepts=FLOATS,
        gradient=False,
    ),
    case(ops.solve, [_spd(3), f32(3, 2)], np.linalg.solve, dtype=floating, accepts=FLOATS),
    case(ops.solve, [_spd(3), f32(3)], np.linalg.solve, dtype=floating, accepts=FLOATS),
    case(
        ops.solve_triangular,
        [_spd(3), f32(3, 2)],
        lambda a, b: np.linalg.solve(np.triu(a), b),
        dtype=floating,
        accepts=FLOATS,
    ),
    case(
        ops.solve_triangular,
        [_spd(3, 2), f32(2, 3, 1)],
        lambda a, b, lower: np.linalg.solve(np.tril(a), b),
        dtype=floating,
        accepts=FLOATS,
        lower=True,
    ),
]

CASES = [*ARITHMETIC, *TRANSCENDENTAL, *COMPARISON, *REDUCTION, *CREATION, *SHAPING, *INDEXING, *LINALG]
