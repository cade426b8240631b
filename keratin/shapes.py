"""Arithmetic on shapes: tuples of sizes in which None stands for a size that is not known yet."""

from __future__ import annotations

import numbers
import operator
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from keratin.errors import ArgumentError, AxisError, ShapeError

Dim: TypeAlias = int | None
Shape: TypeAlias = tuple[Dim, ...]


def standardize(shape: Any) -> Shape:
    """`shape` as a tuple of ints and None.  Raises: ShapeError for negative or non-integer sizes.

    >>> standardize([None, 3])
    (None, 3)
    """
    if type(shape) is tuple and all(d is None or (type(d) is int and d >= 0) for d in shape):
        return shape
    if shape is None:
        raise ShapeError("A shape is missing.", expected="a tuple of integers and None", received=shape)
    try:
        sizes = tuple(shape) if isinstance(shape, Iterable) else (shape,)
        result = tuple(None if d is None else d if is_symbolic_size(d) else operator.index(d) for d in sizes)
    except TypeError:
        raise ShapeError("A size is neither an integer nor None.", expected="sizes >= 0", received=shape) from None
    if any(isinstance(d, int) and d < 0 for d in result):
        raise ShapeError("A size is negative.", expected="sizes >= 0, or None where unknown", received=shape)
    return result


def is_symbolic_size(size: Any) -> bool:
    """Whether `size` is a backend's own dimension object (as in `jax.export`), which does its own arithmetic."""
    if size is None or isinstance(size, numbers.Number):
        return False
    return not hasattr(type(size), "__index__") and hasattr(type(size), "__floordiv__")


def axis(index: Any, rank: int, *, name: str = "axis") -> int:
    """`index` as a number in [0, rank).  Raises: AxisError if it lies outside.

    >>> axis(-1, 3)
    2
    """
    try:
        number = operator.index(index)
    except TypeError:
        raise ArgumentError(f"`{name}` must be an integer.", received=index) from None
    if not -rank <= number < rank:
        expected = f"an axis from {-rank} to {rank - 1}" if rank else "no axis: the tensor is a scalar"
        raise AxisError(f"`{name}` is outside the rank of the tensor.", expected=expected, received=number)
    return number + rank if number < 0 else number


def axes(index: Any, rank: int) -> tuple[int, ...]:
    """`index` (None for all, an int, or several) as a tuple of distinct axes in [0, rank).

    >>> axes(None, 2), axes(-1, 3), axes((0, -1), 3)
    ((0, 1), (2,), (0, 2))
    """
    if index is None:
        return tuple(range(rank))
    if not isinstance(index, Sequence):
        return (axis(index, rank),)
    result = tuple(axis(i, rank) for i in index)
    if len(set(result)) != len(result):
        raise AxisError("An axis is named twice.", received=index)
    return result


def broadcast(*shapes: Shape) -> Shape:
    """The shape that all shapes broadcast to, by NumPy's rule.  Raises: ShapeError if two sizes differ.

    An unknown size meets a known one other than 1 as that known size: the only way for them to fit.

    >>> broadcast((None, 1, 3), (4, 3))
    (None, 4, 3)
    """
    if len(shapes) == 2 and shapes[0] == shapes[1]:
        return shapes[0]
    rank = max(map(len, shapes), default=0)
    result: list[Dim] = []
    for position in range(-rank, 0):
        size: Dim = 1
        for shape in shapes:
            if len(shape) < -position:
                continue
            other = shape[position]
            if other == 1 or other is size:
                continue
            if size == 1 or (size is None and other is not None):
                size = other
            elif other is not None and other != size:
                raise ShapeError(
                    "Shapes do not broadcast.",
                    expected=f"sizes on axis {position} that are equal or 1",
                    received=" and ".join(map(str, shapes)),
                )
        result.append(size)
    return tuple(result)


def size(shape: Iterable[Dim]) -> Dim:
    """The product of the sizes, None if one is unknown.

    >>> size((2, 3)), size((None, 3))
    (6, None)
    """
    total: Any = 1
    for dim in shape:
        if dim is None:
            return None
        total = total * dim
    return total


def add(*sizes: Dim) -> Dim:
    """The sum of sizes, None if one is unknown.

    >>> add(2, 3), add(2, None)
    (5, None)
    """
    total: Any = 0
    for dim in sizes:
        if dim is None:
            return None
        total = total + dim
    return total


def merge(first: Shape, second: Shape) -> Shape | None:
    """What is known of a tensor from two descriptions of its shape; None if they contradict each other.

    >>> merge((None, 3), (2, None)), merge((2,), (3,))
    ((2, 3), None)
    """
    if len(first) != len(second):
        return None
    result: list[Dim] = []
    for a, b in zip(first, second, strict=True):
        if a is not None and b is not None and a != b:
            return None
        result.append(b if a is None else a)
    return tuple(result)


def window_output(
    length: Dim, window: Dim, stride: int, padding: tuple[int, int] = (0, 0), dilation: int = 1, lhs_dilation: int = 1
) -> Dim:
    """Number of positions of a sliding window along an axis, None if a size is unknown.

    Raises: ShapeError if the window does not fit once.

    >>> window_output(5, 3, 1), window_output(5, 3, 2, (1, 1))
    (3, 3)
    """
    if length is None or window is None:
        return None
    if isinstance(length, int):
        extent = (length - 1) * lhs_dilation + 1 if length else 0
        room = extent + padding[0] + padding[1] - ((window - 1) * dilation + 1)
        if room < 0 and extent:
            raise ShapeError(
                "The window is larger than the input.",
                expected=f"at least {(window - 1) * dilation + 1 - sum(padding)} positions",
                received=extent,
                hint='use a smaller window or padding="same"',
            )
        return max(room // stride + 1, 0)
    extent = (length - 1) * lhs_dilation + 1
    return (extent + padding[0] + padding[1] - ((window - 1) * dilation + 1)) // stride + 1


def same_output(length: Dim, stride: int) -> Dim:
    """Number of positions of a window with "same" padding: `ceil(length / stride)`, whatever the window.

    >>> same_output(5, 2), same_output(None, 2)
    (3, None)
    """
    return None if length is None else -(-length // stride)


def same_padding(length: Dim, window: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Padding before and after for output size ceil(length / stride), the odd one after, as in TensorFlow.

    Raises: ShapeError if the length is unknown and the stride is not 1 (the padding depends on it then).

    >>> same_padding(5, 3, 1), same_padding(4, 3, 2)
    ((1, 1), (0, 1))
    """
    extent = (window - 1) * dilation + 1
    if stride == 1:
        return (extent - 1) // 2, extent // 2
    if not isinstance(length, int):
        raise ShapeError(
            'padding="same" with a stride depends on the size of the input, which is unknown here.', received=length
        )
    total = max((-(-length // stride) - 1) * stride + extent - length, 0)
    return total // 2, total - total // 2


def tuple_of(value: Any, rank: int, name: str, *, least: int = 1) -> tuple[int, ...]:
    """`value` (an int or `rank` of them) as a tuple.  Raises: ArgumentError with the name of the argument.

    >>> tuple_of(3, 2, "kernel_size")
    (3, 3)
    """
    expected = f"an integer or {rank} of them, each >= {least}"
    try:
        result = (operator.index(value),) * rank
    except TypeError:
        try:
            result = tuple(operator.index(v) for v in value)
        except TypeError:
            raise ArgumentError(f"`{name}` cannot be used.", expected=expected, received=value) from None
    if len(result) != rank or min(result) < least:
        raise ArgumentError(f"`{name}` cannot be used.", expected=expected, received=value)
    return result
