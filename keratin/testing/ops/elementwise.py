"""Rows of ops that act element by element: arithmetic, functions, comparison."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keratin import ops
from keratin.testing.arrays import f32, flags, i32
from keratin.testing.extras import special
from keratin.testing.ops.case import WHOLE, Case, always, case, floating, number, same

INF, NAN = math.inf, math.nan
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
    unary(ops.erf, special.erf),
    unary(ops.erfinv, special.erfinv, -0.9, 0.9),
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

ROWS = [*ARITHMETIC, *TRANSCENDENTAL, *COMPARISON]
