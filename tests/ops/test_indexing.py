"""Indexing against NumPy's, and ops whose result depends on values."""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.extra.numpy
import numpy as np
import pytest
from hypothesis import strategies

from keratin import ops
from keratin.backends.symbolic import KerasTensor
from keratin.testing.arrays import f32, host, i32, tensors

SHAPE = (3, 4, 2)
simple_keys = hypothesis.extra.numpy.basic_indices(SHAPE, allow_newaxis=True, allow_ellipsis=True)
array_keys = hypothesis.extra.numpy.integer_array_indices(
    SHAPE, result_shape=hypothesis.extra.numpy.array_shapes(max_dims=2)
)


@strategies.composite
def mixed_keys(draw: Any) -> tuple[Any, ...]:
    """Ints, slices, lists that broadcast, None, and perhaps an ellipsis, in any order."""
    count = draw(strategies.integers(1, 3))
    parts: list[Any] = []
    for axis in range(count):
        index = strategies.integers(-2, 1)
        parts.append(
            draw(
                strategies.one_of(
                    index,
                    strategies.slices(SHAPE[axis]),
                    strategies.lists(index, min_size=2, max_size=2),
                    strategies.just([[0], [1]]),
                )
            )
        )
    for _ in range(draw(strategies.integers(0, 2))):
        parts.insert(draw(strategies.integers(0, len(parts))), None)
    if count < 3 and draw(strategies.booleans()):
        parts.append(...)
    return tuple(parts)


@hypothesis.given(strategies.one_of(simple_keys, array_keys, mixed_keys()))
@hypothesis.settings(max_examples=150)
def test_get_item(key: Any) -> None:
    x = f32(*SHAPE)
    right = x[key]
    found = ops.get_item(x, key)
    np.testing.assert_array_equal(host(found), right)
    drawn = KerasTensor(SHAPE)[key]
    assert (drawn.shape, drawn.dtype) == (right.shape, "float32")


@pytest.mark.parametrize(
    ("shape", "key", "expected"),
    [
        ((None, 3), 0, (3,)),
        ((None, 3), slice(1, None), (None, 3)),
        ((None, 3), (slice(None), slice(1, None)), (None, 2)),
        ((None, 3), (..., None), (None, 3, 1)),
        ((None, 3, None), (slice(None), [0, 2]), (None, 2, None)),
        ((None, None), ([0, 1], [0, 1]), (2,)),
        ((None, 3, 4), (slice(None), -1), (None, 4)),
    ],
)
def test_get_item_of_unknown_size(shape: Any, key: Any, expected: Any) -> None:
    assert KerasTensor(shape)[key].shape == expected


def test_tensors_in_the_key() -> None:
    x, rows = f32(3, 4), np.array([2, 0])
    for index in (rows, *tensors([rows])):
        np.testing.assert_array_equal(host(ops.get_item(x, (index, slice(None)))), x[rows])
    scalar = tensors([np.array(2)])[0]
    np.testing.assert_array_equal(host(ops.get_item(x, scalar)), x[2])
    drawn = ops.get_item(KerasTensor((None, 4)), KerasTensor((None,), "int32"))
    assert drawn.shape == (None, 4)
    assert len(drawn.node.inputs) == 2


@pytest.mark.parametrize("mask", [f32(3, 4) > 0, np.zeros((3, 4), bool)])
def test_masks(mask: Any) -> None:
    x = f32(3, 4)
    np.testing.assert_array_equal(host(ops.get_item(x, mask)), x[mask])
    for found, right in zip(ops.nonzero(mask), np.nonzero(mask), strict=True):
        np.testing.assert_array_equal(host(found), right)
    for found, right in zip(ops.where(mask), np.nonzero(mask), strict=True):
        np.testing.assert_array_equal(host(found), right)


def test_unique() -> None:
    x = i32(20)
    found = ops.unique(x, return_index=True, return_inverse=True, return_counts=True)
    right = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
    for a, b in zip(found, right, strict=True):
        np.testing.assert_array_equal(host(a), b)
    assert host(ops.unique([3, 1, 3], size=4)).tolist() == [1, 3, 1, 1]
    assert host(ops.unique([3, 1, 3], size=1)).tolist() == [1]
    assert host(ops.unique([[1, 1], [2, 2]], axis=1)).tolist() == [[1], [2]]


def test_places_outside() -> None:
    assert host(ops.take([1, 2], [5], 0)).tolist() == [np.iinfo(np.int32).min]
    found = host(ops.take_along_axis(f32(1, 2), [[7]], 1))
    assert np.isnan(found).all()
    assert host(ops.scatter_update([1, 2], [[7]], [9])).tolist() == [1, 2]


def test_a_block_is_moved_inside() -> None:
    assert host(ops.slice([1, 2, 3], [2], [2])).tolist() == [2, 3]
    assert host(ops.slice_update([1, 2, 3], [2], [8, 9])).tolist() == [1, 8, 9]


def test_in_top_k_at_the_edges() -> None:
    predictions = [[0.5, 0.5, 0.1], [np.nan, 0.1, 0.2], [0.3, 0.2, 0.1], [0.3, 0.2, 0.1], [0.1, 0.9, np.inf]]
    found = ops.in_top_k([1, 0, 3, -1, 1], np.array(predictions, np.float32), 1)
    assert host(found).tolist() == [True, False, False, False, False]


def test_bincount() -> None:
    assert host(ops.bincount(np.array([], np.int32))).tolist() == []
    assert host(ops.bincount([[0, 1], [1, 1]])).tolist() == [[1, 1], [0, 2]]
    assert host(ops.bincount([1], minlength=3)).tolist() == [0, 1, 0]
    assert ops.bincount(KerasTensor((None,), "int32")).shape == (None,)


def test_segments_without_rows() -> None:
    assert host(ops.segment_max([1.0], [1], 3)).tolist() == [-np.inf, 1.0, -np.inf]
    assert host(ops.segment_min([7], [1], 2)).tolist() == [np.iinfo(np.int32).max, 7]
    assert host(ops.segment_sum([1, 2], [0, 2])).tolist() == [1, 0, 2]
