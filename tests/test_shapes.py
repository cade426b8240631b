"""Arithmetic on shapes, against NumPy's and by its laws."""

from __future__ import annotations

import hypothesis
import hypothesis.extra.numpy
import numpy as np
import pytest
from hypothesis import strategies

from keratin import shapes
from keratin.errors import ArgumentError, AxisError, ShapeError

some_shapes = hypothesis.extra.numpy.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)


class Size:
    """A backend's dimension object: it multiplies, but has no value."""

    def __mul__(self, other):
        return self

    __rmul__ = __add__ = __radd__ = __floordiv__ = __mul__


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((None, 3), (None, 3)),
        ([1, None], (1, None)),
        (5, (5,)),
        ((), ()),
        (np.array([2, 3]), (2, 3)),
        ((np.int64(2),), (2,)),
    ],
)
def test_standardize(given, expected) -> None:
    found = shapes.standardize(given)
    assert found == expected
    assert all(d is None or type(d) is int for d in found)


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (None, "missing"),
        ((-1,), "negative"),
        ((2.5,), "neither"),
        (("a",), "neither"),
        (3.0, "neither"),
        (((1,),), "neither"),
    ],
)
def test_standardize_refuses(given, part) -> None:
    with pytest.raises(ShapeError, match=part):
        shapes.standardize(given)


def test_symbolic_sizes() -> None:
    size = Size()
    assert shapes.is_symbolic_size(size)
    assert shapes.standardize((size, 3)) == (size, 3)
    assert shapes.size((size, 3)) is size
    assert not any(map(shapes.is_symbolic_size, (None, 3, 3.0, np.float32(3), np.int64(3), True, "a")))


@pytest.mark.parametrize("rank", range(4))
def test_axis(rank: int) -> None:
    for index in range(-rank, rank):
        assert shapes.axis(index, rank) == range(rank)[index]
    for index in (-rank - 1, rank):
        with pytest.raises(AxisError, match="outside the rank"):
            shapes.axis(index, rank)


def test_axis_says_its_name() -> None:
    with pytest.raises(AxisError, match="`axis1`"):
        shapes.axis(3, 2, name="axis1")
    with pytest.raises(AxisError, match="scalar"):
        shapes.axis(0, 0)
    with pytest.raises(ArgumentError, match="must be an integer"):
        shapes.axis(1.5, 2)


def test_axes() -> None:
    assert shapes.axes(None, 3) == (0, 1, 2)
    assert shapes.axes([-1, 0], 3) == (2, 0)
    assert shapes.axes((), 3) == ()
    with pytest.raises(AxisError, match="named twice"):
        shapes.axes((1, -1), 2)


@hypothesis.given(strategies.lists(some_shapes, min_size=1, max_size=3))
def test_broadcast_is_that_of_numpy(given) -> None:
    try:
        expected = np.broadcast_shapes(*given)
    except ValueError:
        with pytest.raises(ShapeError, match="do not broadcast"):
            shapes.broadcast(*given)
    else:
        assert shapes.broadcast(*given) == expected


@hypothesis.given(some_shapes, some_shapes, strategies.data())
def test_broadcast_with_unknown_sizes_agrees_with_each_value(first, second, data) -> None:
    """Where the sizes fit, the result with some of them unknown is the real one or None."""
    try:
        expected = np.broadcast_shapes(first, second)
    except ValueError:
        return
    hidden = tuple(None if data.draw(strategies.booleans()) else d for d in first)
    found = shapes.broadcast(hidden, second)
    assert len(found) == len(expected)
    assert all(a in (None, b) for a, b in zip(found, expected, strict=True))


def test_broadcast_with_unknown_sizes() -> None:
    assert shapes.broadcast((None,), (3,)) == (3,)
    assert shapes.broadcast((None,), (1,)) == (None,)
    assert shapes.broadcast((None,), (None,)) == (None,)
    assert shapes.broadcast((1,), (0,)) == (0,)
    assert shapes.broadcast() == ()


@hypothesis.given(strategies.lists(strategies.one_of(strategies.none(), strategies.integers(0, 5)), max_size=4))
def test_size_and_sum(sizes) -> None:
    unknown = None in sizes
    assert shapes.size(sizes) == (None if unknown else int(np.prod(sizes)))
    assert shapes.add(*sizes) == (None if unknown else sum(sizes))


def test_merge() -> None:
    assert shapes.merge((None, 3), (2, None)) == (2, 3)
    assert shapes.merge((2,), (3,)) is None
    assert shapes.merge((2,), (2, 1)) is None


@hypothesis.given(
    strategies.integers(1, 12),
    strategies.integers(1, 4),
    strategies.integers(1, 3),
    strategies.integers(0, 2),
    strategies.integers(1, 2),
)
def test_window_output_counts_positions(length, window, stride, padding, dilation) -> None:
    extent, padded = (window - 1) * dilation + 1, length + 2 * padding
    positions = len(range(0, padded - extent + 1, stride))
    if positions:
        assert shapes.window_output(length, window, stride, (padding, padding), dilation) == positions
    else:
        with pytest.raises(ShapeError, match="larger than the input"):
            shapes.window_output(length, window, stride, (padding, padding), dilation)


@hypothesis.given(
    strategies.integers(1, 12), strategies.integers(1, 5), strategies.integers(1, 3), strategies.integers(1, 2)
)
def test_same_padding_gives_the_size_over_the_stride(length, window, stride, dilation) -> None:
    padding = shapes.same_padding(length, window, stride, dilation)
    assert 0 <= padding[1] - padding[0] <= 1
    assert shapes.window_output(length, window, stride, padding, dilation) == -(-length // stride)


def test_windows_of_unknown_length() -> None:
    assert shapes.window_output(None, 3, 2) is None
    assert shapes.same_padding(None, 3, 1) == (1, 1)
    with pytest.raises(ShapeError, match="unknown here"):
        shapes.same_padding(None, 3, 2)


def test_tuple_of() -> None:
    assert shapes.tuple_of(3, 2, "kernel_size") == (3, 3)
    assert shapes.tuple_of([1, np.int32(2)], 2, "kernel_size") == (1, 2)
    for bad in ((1, 2, 3), "ab", 1.5, (1, 0), None):
        with pytest.raises(ArgumentError, match="`kernel_size`"):
            shapes.tuple_of(bad, 2, "kernel_size")
