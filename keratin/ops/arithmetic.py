"""Arithmetic, element by element."""

from __future__ import annotations

from typing import Any

from keratin import dtypes
from keratin.backends import primitives as p
from keratin.ops.mechanism import Tensor, TensorLike, canonical, dtype_of, op


@op(tensors=2, promote="same")
def add(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 + x2`; of two bool tensors the logical or.

    Shape: two that broadcast -> broadcast.

    >>> add([1, 2], 3).tolist()
    [4, 5]
    """
    return p.add(x1, x2)


@op(tensors=2, promote="same")
def subtract(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 - x2`; bool counts as int32.

    Shape: two that broadcast -> broadcast.

    >>> subtract([1, 2], 3).tolist()
    [-2, -1]
    """
    return p.subtract(*as_numbers(x1, x2))


@op(tensors=2, promote="same")
def multiply(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 * x2`; of two bool tensors the logical and.

    Shape: two that broadcast -> broadcast.

    >>> multiply([1, 2], 3).tolist()
    [3, 6]
    """
    return p.multiply(x1, x2)


@op(tensors=2, promote="inexact")
def divide(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 / x2`, in floating point for integers too.

    Shape: two that broadcast -> broadcast.

    >>> divide([1, -1, 0], 0).tolist()
    [inf, -inf, nan]
    """
    return p.divide(x1, x2)


def true_divide(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The same as `divide`.

    >>> true_divide(1, 2).tolist()
    0.5
    """
    return divide(x1, x2)


@op(tensors=2, promote="inexact")
def divide_no_nan(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 / x2`, but 0 where `x2` is 0; the slopes are 0 there too.

    Shape: two that broadcast -> broadcast.

    >>> divide_no_nan([1.0, 6.0], [0.0, 3.0]).tolist()
    [0.0, 2.0]
    """
    zero = p.equal(x2, 0)
    return p.where(zero, 0, p.divide(x1, p.where(zero, 1, x2)))


@op(tensors=2, promote="same")
def floor_divide(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The quotient rounded down; bool counts as int32.

    Shape: two that broadcast -> broadcast.

    >>> floor_divide([7, -7], 2).tolist()
    [3, -4]
    """
    return p.floor_divide(*as_numbers(x1, x2))


@op(tensors=2, promote="same")
def mod(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The remainder of `floor_divide`, which has the sign of `x2`; bool counts as int32.

    Shape: two that broadcast -> broadcast.

    >>> mod([7, -7], 3).tolist()
    [1, 2]
    """
    return p.mod(*as_numbers(x1, x2))


@op(tensors=2, promote="same")
def fmod(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The remainder of division rounded to 0, which has the sign of `x1`.

    Shape: two that broadcast -> broadcast.

    >>> fmod([7, -7], 3).tolist()
    [1, -1]
    """
    x1, x2 = as_numbers(x1, x2)
    remainder = p.mod(p.abs(x1), p.abs(x2))
    return p.where(p.less(x1, 0), p.negative(remainder), remainder)


@op(tensors=2, promote="same")
def power(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1` to the power `x2`; bool counts as int32.

    Shape: two that broadcast -> broadcast.

    >>> power([2, 3], 2).tolist(), power(4.0, 0.5).tolist()
    ([4, 9], 2.0)
    """
    x1, x2 = as_numbers(x1, x2)
    return p.multiply(x1, x1) if type(x2) in (int, float) and x2 == 2 else p.power(x1, x2)


@op(promote="same")
def negative(x: TensorLike) -> Tensor:
    """`-x`; bool counts as int32.

    Shape: any -> same.

    >>> negative([1, -2]).tolist()
    [-1, 2]
    """
    return p.negative(*as_numbers(x))


@op(promote="same")
def abs(x: TensorLike) -> Tensor:
    """The absolute value; of complex numbers the modulus, which is real.

    Shape: any -> same.

    >>> abs([1, -2]).tolist()
    [1, 2]
    """
    return x if dtype_of(x) == "bool" else p.abs(x)


def absolute(x: TensorLike) -> Tensor:
    """The same as `abs`.

    >>> absolute(-1.0).tolist()
    1.0
    """
    return abs(x)


@op(promote="float")
def fabs(x: TensorLike) -> Tensor:
    """The absolute value in floating point.

    Shape: any -> same.

    >>> fabs(-1).tolist()
    1.0
    """
    return p.abs(x)


@op(promote="same")
def sign(x: TensorLike) -> Tensor:
    """-1, 0 or 1; NaN stays; bool counts as int32.

    Shape: any -> same.

    >>> sign([-3.0, 0.0, 5.0]).tolist()
    [-1.0, 0.0, 1.0]
    """
    return p.sign(*as_numbers(x))


@op(promote="same")
def square(x: TensorLike) -> Tensor:
    """`x * x`; bool counts as int32.

    Shape: any -> same.

    >>> square([2, -3]).tolist()
    [4, 9]
    """
    (x,) = as_numbers(x)
    return p.multiply(x, x)


@op(promote="inexact")
def sqrt(x: TensorLike) -> Tensor:
    """The square root; NaN below 0.

    Shape: any -> same.

    >>> sqrt([4, 9]).tolist()
    [2.0, 3.0]
    """
    return p.sqrt(x)


@op(promote="inexact")
def rsqrt(x: TensorLike) -> Tensor:
    """`1 / sqrt(x)`; infinite at 0.

    Shape: any -> same.

    >>> rsqrt(4.0).tolist()
    0.5
    """
    return p.rsqrt(x)


@op(promote="inexact")
def reciprocal(x: TensorLike) -> Tensor:
    """`1 / x`.

    Shape: any -> same.

    >>> reciprocal([2, 4]).tolist()
    [0.5, 0.25]
    """
    return p.divide(1, x)


@op(tensors=2, promote="same")
def maximum(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The larger of each pair, NaN if one is; at ties the slope is shared, half to each.

    Shape: two that broadcast -> broadcast.

    >>> maximum([1, 5], 3).tolist()
    [3, 5]
    """
    return p.maximum(x1, x2)


@op(tensors=2, promote="same")
def minimum(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The smaller of each pair, NaN if one is; at ties the slope is shared, half to each.

    Shape: two that broadcast -> broadcast.

    >>> minimum([1, 5], 3).tolist()
    [1, 3]
    """
    return p.minimum(x1, x2)


@op(tensors=3, promote="same")
def clip(x: TensorLike, x_min: TensorLike, x_max: TensorLike) -> Tensor:
    """`x` limited to [x_min, x_max]; where the limits cross, `x_max`.

    Args: x_min, x_max: the limits; None for no limit.
    Shape: three that broadcast -> broadcast.

    >>> clip([1, 5, 9], 2, 6).tolist()
    [2, 5, 6]
    """
    x, x_min, x_max = as_numbers(x, x_min, x_max)
    if x_min is not None:
        x = p.maximum(x, x_min)
    return x if x_max is None else p.minimum(x, x_max)


@op(promote="float")
def floor(x: TensorLike) -> Tensor:
    """The largest whole number that is not above, in floating point.

    Shape: any -> same.

    >>> floor([1.5, -1.5]).tolist()
    [1.0, -2.0]
    """
    return p.floor(x)


@op(promote="float")
def ceil(x: TensorLike) -> Tensor:
    """The smallest whole number that is not below, in floating point.

    Shape: any -> same.

    >>> ceil([1.5, -1.5]).tolist()
    [2.0, -1.0]
    """
    return p.ceil(x)


@op(promote="same")
def round(x: TensorLike, decimals: int = 0) -> Tensor:
    """The nearest number with that many decimals, halves to the even one.

    Whole numbers stay as they are if `decimals` is not below 0.

    Shape: any -> same.

    >>> round([0.5, 1.5, 2.5]).tolist(), round([15, 25], -1).tolist()
    ([0.0, 2.0, 2.0], [20, 20])
    """
    name = dtype_of(x)
    if decimals == 0 or name not in dtypes.FLOAT:
        if name in dtypes.FLOAT:
            return p.round(x)
        if decimals >= 0:
            return x
        return p.cast(round(p.cast(x, canonical(dtypes.to_float(name))), decimals), name)
    scale = 10.0 ** (decimals if decimals > 0 else -decimals)
    if decimals > 0:
        return p.divide(p.round(p.multiply(x, scale)), scale)
    return p.multiply(p.round(p.divide(x, scale)), scale)


@op(promote="same")
def trunc(x: TensorLike) -> Tensor:
    """The whole part, without the decimals; whole numbers stay.

    Shape: any -> same.

    >>> trunc([1.7, -1.7]).tolist()
    [1.0, -1.0]
    """
    if dtype_of(x) not in dtypes.FLOAT:
        return x
    return p.where(p.less(x, 0), p.ceil(x), p.floor(x))


@op(promote="same", tensors=1)
def nan_to_num(x: TensorLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """`x` with numbers in place of NaN and the infinities.

    Args: posinf, neginf: by default the largest and the least finite number of the dtype.
    Shape: any -> same.

    >>> nan_to_num([1.0, float("nan")]).tolist()
    [1.0, 0.0]
    """
    name = dtype_of(x)
    if name not in dtypes.FLOAT:
        return x
    limit = largest(name)
    result = p.where(p.isnan(x), nan, x)
    result = p.where(p.equal(x, float("inf")), limit if posinf is None else posinf, result)
    return p.where(p.equal(x, float("-inf")), -limit if neginf is None else neginf, result)


# ---- for other modules


def as_numbers(*values: Any) -> tuple[Any, ...]:
    """The values, bool tensors and scalars as int32."""
    return tuple(_number(v) for v in values)


def largest(dtype: str) -> float:
    """The largest finite number of a float dtype.

    >>> largest("float16")
    65504.0
    """
    return _LARGEST[dtype]


_LARGEST = {
    "float8_e4m3fn": 448.0,
    "float8_e5m2": 57344.0,
    "float16": 65504.0,
    "bfloat16": (2 - 2**-7) * 2.0**127,
    "float32": (2 - 2**-23) * 2.0**127,
    "float64": (2 - 2**-52) * 2.0**1023,
}


def _number(value: Any) -> Any:
    if type(value) is bool:
        return int(value)
    return p.cast(value, "int32") if hasattr(value, "dtype") and dtype_of(value) == "bool" else value
