"""Reductions: sums, means, extremes and their places, logic over axes, and running totals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from keratin import dtypes, shapes
from keratin.backends import primitives as p
from keratin.errors import ArgumentError, ShapeError
from keratin.ops.arithmetic import subtract
from keratin.ops.mechanism import Tensor, TensorLike, canonical, convert, dtype_of, op, promoted

AxisLike: TypeAlias = int | tuple[int, ...] | list[int] | None
"""One axis, several, or None for all; negative ones count from the last."""


@op
def sum(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The sum; integers narrower than 32 bits are summed in 32, bool in int32.

    Shape: any -> without `axis`, or with size 1 there.  Raises: AxisError.

    >>> sum([[1, 2], [3, 4]], axis=0).tolist()
    [4, 6]
    """
    return p.sum(_accumulator(x), shapes.axes(axis, len(p.shape(x))), keepdims)


@op
def prod(x: TensorLike, axis: AxisLike = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """The product; integers narrower than 32 bits are multiplied in 32, bool in int32.

    Shape: any -> without `axis`, or with size 1 there.  Raises: AxisError.

    >>> prod([[1, 2], [3, 4]]).tolist()
    24
    """
    axes = shapes.axes(axis, len(p.shape(x)))
    x = _accumulator(x) if dtype is None else p.cast(x, canonical(dtypes.standardize(dtype)))
    return in_float32(lambda y: p.prod(y, axes, keepdims), x)


@op(promote="inexact")
def mean(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The mean, in floating point; NaN of nothing.

    Shape: any -> without `axis`, or with size 1 there.  Raises: AxisError.

    >>> mean([[1, 2], [3, 4]], axis=-1).tolist()
    [1.5, 3.5]
    """
    axes = shapes.axes(axis, len(p.shape(x)))
    return in_float32(lambda y: _mean(y, axes, keepdims), x)


@op(promote="float")
def var(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The mean square distance from the mean.

    Shape: any -> without `axis`, or with size 1 there.  Units: x in u, result in u squared.  Raises: AxisError.

    >>> var([1.0, 3.0]).tolist()
    1.0
    """
    axes = shapes.axes(axis, len(p.shape(x)))
    return in_float32(lambda y: _variance(y, axes, keepdims), x)


@op(promote="float")
def std(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The root of the mean square distance from the mean; its slope is 0 where all elements are equal.

    Shape: any -> without `axis`, or with size 1 there.  Raises: AxisError.

    >>> std([1.0, 3.0]).tolist()
    1.0
    """
    axes = shapes.axes(axis, len(p.shape(x)))
    return in_float32(lambda y: root(_variance(y, axes, keepdims)), x)


@op
def average(x: TensorLike, axis: AxisLike = None, weights: TensorLike | None = None) -> Tensor:
    """The mean, with `weights`: the sum of `x * weights` over the sum of `weights`.

    Args: weights: of the shape of x, or one for each place along the single axis.
    Shape: any -> without `axis`.  Raises: AxisError; ShapeError if the weights do not fit.

    >>> average([1.0, 2.0], weights=[3.0, 1.0]).tolist()
    1.25
    """
    if weights is None:
        return mean(x, axis)
    x, weights = promoted([x, convert(weights)], "float")
    shape, own = p.shape(x), p.shape(weights)
    axes = shapes.axes(axis, len(shape))
    if len(own) != len(shape):
        if len(own) != 1 or len(axes) != 1:
            raise ShapeError(
                "The weights fit neither the tensor nor a single axis of it.",
                expected=f"{shape}, or one weight for each place along one axis",
                received=own,
            )
        weights = p.reshape(weights, tuple(own[0] if i == axes[0] else 1 for i in range(len(shape))))
    fits = shapes.broadcast(shape, p.shape(weights))
    total = in_float32(lambda y: p.sum(y, axes, False), p.multiply(x, weights))
    return p.divide(total, in_float32(lambda y: p.sum(y, axes, False), p.broadcast_to(weights, fits)))


@op
def max(x: TensorLike, axis: AxisLike = None, keepdims: bool = False, initial: float | None = None) -> Tensor:
    """The largest element, NaN if one is; the slope is shared at ties.

    Args: initial: what the result is at least; needed if there may be no elements.
    Shape: any -> without `axis`, or with size 1 there.  Raises: AxisError; ShapeError of nothing.

    >>> max([[1, 5], [7, 2]], axis=1).tolist()
    [5, 7]
    """
    return _extreme(x, axis, keepdims, initial, "max")


@op
def min(x: TensorLike, axis: AxisLike = None, keepdims: bool = False, initial: float | None = None) -> Tensor:
    """The smallest element, NaN if one is; the slope is shared at ties.

    Args: initial: what the result is at most; needed if there may be no elements.
    Shape: any -> without `axis`, or with size 1 there.  Raises: AxisError; ShapeError of nothing.

    >>> min([[1, 5], [7, 2]], axis=1).tolist()
    [1, 2]
    """
    return _extreme(x, axis, keepdims, initial, "min")


def amax(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The same as `max`.

    >>> amax([1, 5]).tolist()
    5
    """
    return max(x, axis, keepdims)


def amin(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The same as `min`.

    >>> amin([1, 5]).tolist()
    1
    """
    return min(x, axis, keepdims)


@op
def ptp(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The distance from the smallest element to the largest.

    Shape: any -> without `axis`, or with size 1 there.  Raises: AxisError; ShapeError of nothing.

    >>> ptp([3, 9, 4]).tolist()
    6
    """
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


@op
def any(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """Whether one element is true; False of nothing.

    Shape: any -> without `axis`, or with size 1 there; bool.  Raises: AxisError.

    >>> bool(any([False, True]))
    True
    """
    return p.any(_bool(x), shapes.axes(axis, len(p.shape(x))), keepdims)


@op
def all(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """Whether all elements are true; True of nothing.

    Shape: any -> without `axis`, or with size 1 there; bool.  Raises: AxisError.

    >>> bool(all([False, True]))
    False
    """
    return p.all(_bool(x), shapes.axes(axis, len(p.shape(x))), keepdims)


@op
def argmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The place of the largest element, the first of equals; of the first NaN if there is one.

    Args: axis: None counts through all elements, row by row.
    Shape: any -> without `axis`, or with size 1 there; int32.  Raises: AxisError; ShapeError of nothing.

    >>> argmax([[1, 5, 5], [7, 2, 0]], axis=1).tolist()
    [1, 0]
    """
    return _place(x, axis, keepdims, "argmax")


@op
def argmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The place of the smallest element, the first of equals; of the first NaN if there is one.

    Args: axis: None counts through all elements, row by row.
    Shape: any -> without `axis`, or with size 1 there; int32.  Raises: AxisError; ShapeError of nothing.

    >>> argmin([[1, 5, 1], [7, 2, 0]], axis=1).tolist()
    [0, 2]
    """
    return _place(x, axis, keepdims, "argmin")


@op
def cumsum(x: TensorLike, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running sums along `axis`; bool counts as int32.

    Args: axis: None goes through all elements, row by row.
    Shape: any -> same, or (size,) without an axis.  Raises: AxisError.

    >>> cumsum([1, 2, 3]).tolist()
    [1, 3, 6]
    """
    return _running(x, axis, dtype, "cumsum")


@op
def cumprod(x: TensorLike, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running products along `axis`; bool counts as int32.

    Args: axis: None goes through all elements, row by row.
    Shape: any -> same, or (size,) without an axis.  Raises: AxisError.

    >>> cumprod([1, 2, 3]).tolist()
    [1, 2, 6]
    """
    return _running(x, axis, dtype, "cumprod")


@op(promote="float")
def logsumexp(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """`log(sum(exp(x)))`, without overflow; -inf of nothing.

    Shape: any -> without `axis`, or with size 1 there.  Raises: AxisError.

    >>> round(float(logsumexp([1000.0, 1000.0])), 2)
    1000.69
    """
    axes = shapes.axes(axis, len(p.shape(x)))
    return in_float32(lambda y: _logsumexp(y, axes, keepdims), x)


@op
def count_nonzero(x: TensorLike, axis: AxisLike = None) -> Tensor:
    """How many elements are not 0.

    Shape: any -> without `axis`; int32.  Raises: AxisError.

    >>> count_nonzero([[1, 0], [2, 3]], axis=0).tolist()
    [2, 1]
    """
    return p.sum(p.cast(_bool(x), "int32"), shapes.axes(axis, len(p.shape(x))), False)


@op(promote="float")
def median(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The middle of the sorted elements, of an even number the mean of the two in the middle; NaN if one is.

    Shape: any -> without `axis`, or with size 1 there.  Raises: AxisError; ShapeError of nothing or of unknown size.

    >>> median([3.0, 1.0, 2.0, 9.0]).tolist()
    2.5
    """
    return _quantile(x, 0.5, axis, keepdims, "linear")


@op(promote="float")
def quantile(x: TensorLike, q: Any, axis: AxisLike = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """The value below which a part `q` of the elements lies.

    Args:
        q: one part in [0, 1], or several, which make a new first axis.
        method: between two elements: "linear", "lower", "higher", "nearest" or "midpoint".
    Shape: any -> without `axis`, or with size 1 there.  Raises: AxisError; ShapeError of nothing or of unknown size.

    >>> quantile([1.0, 2.0, 3.0], [0.0, 0.75]).tolist()
    [1.0, 2.5]
    """
    if isinstance(q, int | float):
        return _quantile(x, float(q), axis, keepdims, method)
    parts = [_quantile(x, float(part), axis, keepdims, method) for part in q]
    return p.concatenate([p.expand_dims(part, 0) for part in parts], 0)


# ---- for other modules


def in_float32(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """`function(x)`, computed in float32 where x is of half precision, and cast back."""
    return _back(function(_wide(x)), x)


def root(x: Tensor) -> Tensor:
    """The square root with slope 0 at 0, where that of a length has no single one."""
    zero = p.equal(x, 0)
    return p.where(zero, 0, p.sqrt(p.where(zero, 1, x)))


def _wide(x: Tensor) -> Tensor:
    return p.cast(x, "float32") if dtype_of(x) in dtypes.HALF else x


def _back(result: Tensor, x: Tensor) -> Tensor:
    name = dtype_of(x)
    return p.cast(result, name) if name in dtypes.HALF else result


# ---- helpers


def _accumulator(x: Tensor) -> Tensor:
    name = dtype_of(x)
    if name in ("bool", "int4", "int8", "int16"):
        return p.cast(x, "int32")
    return p.cast(x, "uint32") if name in ("uint4", "uint8", "uint16") else x


def _bool(x: Tensor) -> Tensor:
    return x if dtype_of(x) == "bool" else p.not_equal(x, 0)


def _mean(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    shape = p.shape(x)
    return p.divide(p.sum(x, axes, keepdims), shapes.size(shape[a] for a in axes))


def _variance(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    distance = p.subtract(x, _mean(x, axes, True))  # two passes: E[x^2] - E[x]^2 cancels
    return _mean(p.multiply(distance, distance), axes, keepdims)


def _needs_elements(x: Tensor, axes: tuple[int, ...], name: str) -> None:
    shape = p.shape(x)
    for axis in axes:
        if isinstance(shape[axis], int) and shape[axis] == 0:
            raise ShapeError(
                f"`{name}` of no elements is not defined.",
                expected=f"a size of at least 1 on axis {axis}",
                received=shape,
            )


def _extreme(x: Tensor, axis: AxisLike, keepdims: bool, initial: float | None, name: str) -> Tensor:
    axes = shapes.axes(axis, len(p.shape(x)))
    reduce, pair = (p.max, p.maximum) if name == "max" else (p.min, p.minimum)
    if initial is None:
        _needs_elements(x, axes, name)
        return reduce(x, axes, keepdims)
    limit = p.cast(convert(initial), dtype_of(x))
    if 0 in [p.shape(x)[a] for a in axes]:
        return p.broadcast_to(limit, _reduced(p.shape(x), axes, keepdims))
    return pair(reduce(x, axes, keepdims), limit)


def _reduced(shape: tuple[Any, ...], axes: tuple[int, ...], keepdims: bool) -> tuple[Any, ...]:
    if keepdims:
        return tuple(1 if i in axes else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axes)


def _place(x: Tensor, axis: int | None, keepdims: bool, name: str) -> Tensor:
    shape = p.shape(x)
    find = p.argmax if name == "argmax" else p.argmin
    if dtype_of(x) == "bool":
        x = p.cast(x, "int32")
    if axis is not None:
        place = shapes.axis(axis, len(shape))
        _needs_elements(x, (place,), name)
        return find(x, place, keepdims)
    _needs_elements(x, tuple(range(len(shape))), name)
    result = find(p.reshape(x, (shapes.size(shape),)), 0, False)
    return p.reshape(result, (1,) * len(shape)) if keepdims else result


def _running(x: Tensor, axis: int | None, dtype: Any, name: str) -> Tensor:
    shape = p.shape(x)
    if dtype is not None:
        x = p.cast(x, canonical(dtypes.standardize(dtype)))
    elif dtype_of(x) == "bool":
        x = p.cast(x, "int32")
    if axis is None:
        x, place = p.reshape(x, (shapes.size(shape),)), 0
    else:
        place = shapes.axis(axis, len(shape))
    total = p.cumsum if name == "cumsum" else p.cumprod
    return in_float32(lambda y: total(y, place), x)


def _logsumexp(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    shape = p.shape(x)
    if 0 in [shape[a] for a in axes]:
        return p.full(_reduced(shape, axes, keepdims), float("-inf"), dtype_of(x))
    largest = p.stop_gradient(p.max(x, axes, True))
    largest = p.where(p.isfinite(largest), largest, 0)
    total = p.sum(p.exp(p.subtract(x, largest)), axes, True)
    empty = p.equal(total, 0)  # only -inf: the slope is 0, not NaN
    result = p.where(empty, float("-inf"), p.add(p.log(p.where(empty, 1, total)), largest))
    return result if keepdims else p.squeeze(result, axes)


def _quantile(x: Tensor, q: float, axis: AxisLike, keepdims: bool, method: str) -> Tensor:
    shape = p.shape(x)
    axes = shapes.axes(axis, len(shape))
    if method not in ("linear", "lower", "higher", "nearest", "midpoint"):
        raise ArgumentError(
            "`method` cannot be used.", expected='"linear", "lower", "higher", "nearest" or "midpoint"', received=method
        )
    if not 0 <= q <= 1:
        raise ArgumentError("`q` cannot be used.", expected="a part from 0 to 1", received=q)
    _needs_elements(x, axes, "quantile")
    kept = tuple(i for i in range(len(shape)) if i not in axes)
    count = shapes.size(shape[a] for a in axes)
    if len(axes) == 1:
        ordered = p.sort(x, axes[0])
        place = axes[0]
    else:
        flat = p.reshape(p.transpose(x, (*kept, *axes)), (*(shape[i] for i in kept), count))
        ordered, place = p.sort(flat, len(kept)), len(kept)
    if not isinstance(count, int):
        result = p.max(ordered, (place,), False)  # the shape alone matters
        if count is not None:
            raise ShapeError("A quantile needs axes of known size.", received=shape)
    else:
        result = _between(ordered, place, q * (count - 1), method)
        result = p.where(p.any(p.isnan(x), axes, False), float("nan"), result)
    return p.reshape(result, _reduced(shape, axes, True)) if keepdims else result


def _between(ordered: Tensor, axis: int, position: float, method: str) -> Tensor:
    low, high = int(position), -int(-position // 1)
    if method == "nearest":
        low = high = round(position)
    elif method in ("lower", "higher"):
        low = high = low if method == "lower" else high
    share = 0.5 if method == "midpoint" else position - low
    first = _row(ordered, axis, low)
    if low == high:
        return first
    return p.add(p.multiply(first, 1 - share), p.multiply(_row(ordered, axis, high), share))


def _row(x: Tensor, axis: int, index: int) -> Tensor:
    parts = tuple(slice(index, index + 1) if i == axis else slice(None) for i in range(len(p.shape(x))))
    return p.squeeze(p.slice_strided(x, parts), (axis,))
