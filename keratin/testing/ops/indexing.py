"""Rows of indexing, scattering, order and segments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keratin import ops
from keratin.testing.arrays import f32, i32
from keratin.testing.ops.case import FLOATS, LEAST, WHOLE, Case, always, case, same

INF, NAN = math.inf, math.nan
BOOL, INT = always("bool"), always("int32")


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


SEARCH = "engines unroll the search over the sorted sequence"
IDS = np.array([2, 0, 2, -1, 9], np.int32)
PLACES = np.array([[0, 2], [1, -1]], np.int32)

INDEXING = [
    getitem((3, 4), 1, needs_sizes=LEAST),
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
    case(ops.slice, [f32(3, 4), np.array([1, 2])], _block, fixed=(1,), needs_sizes=LEAST, shape=(2, 2)),
    case(
        ops.slice_update,
        [f32(3, 4), np.array([1, 2]), f32(2, 2, seed=1)],
        _block_update,
        fixed=(0, 1, 2),
        dtype=None,
        needs_sizes=LEAST,
    ),
    case(ops.sort, [f32(3, 4)], np.sort),
    case(ops.sort, [np.array([[2.0, NAN, -INF], [1.0, 0.0, INF]], np.float32)], np.sort, axis=0, gradient=False),
    case(ops.sort, [f32(3, 4)], np.sort, axis=None),
    case(ops.argsort, [i32(20)], lambda x: np.argsort(x, kind="stable"), dtype=INT),
    case(ops.argsort, [f32(3, 4)], np.argsort, dtype=INT, axis=0),
    case(ops.argsort, [np.array([2.0, NAN, -INF, 1.0], np.float32)], np.argsort, dtype=INT),
    case(ops.top_k, [f32(3, 5)], _top_k, dtype=[same, INT], k=2, accepts=(*WHOLE[1:], *FLOATS)),
    case(
        ops.top_k,
        [np.array([3, 5, 5, 1, 5], np.int32)],
        _top_k,
        dtype=[same, INT],
        k=4,
        accepts=("int32",),
        needs_sizes=LEAST,
    ),
    case(ops.in_top_k, [np.array([1, 0, 3]), f32(3, 4)], _in_top_k, fixed=(0,), dtype=BOOL, accepts=FLOATS, k=2),
    case(ops.searchsorted, [np.sort(f32(6)), f32(2, 3, seed=1)], np.searchsorted, dtype=INT, needs_sizes=SEARCH),
    case(
        ops.searchsorted,
        [np.array([1, 2, 2, 3]), np.array([2, 0, 9])],
        np.searchsorted,
        dtype=INT,
        needs_sizes=SEARCH,
        side="right",
    ),
    case(ops.digitize, [f32(2, 3), np.array([-1.0, 0.0, 1.0], np.float32)], np.digitize, dtype=INT),
    case(ops.bincount, [i32(6, low=0)], _bincount, dtype=INT, compiled=False, symbolic=False, accepts=WHOLE[1:]),
    case(ops.bincount, [i32(6, low=0), f32(6)], _bincount, fixed=(0, 1), dtype=None, minlength=9, symbolic=False),
    case(ops.segment_sum, [f32(5, 2), IDS], _segment(np.add, 0.0), fixed=(1,), num_segments=3, accepts=FLOATS),
    case(ops.segment_max, [f32(5, 2), IDS], _segment(np.maximum, -INF), fixed=(1,), num_segments=3, accepts=FLOATS),
    case(ops.segment_min, [f32(5, 2), IDS], _segment(np.minimum, INF), fixed=(1,), num_segments=3, accepts=FLOATS),
]

ROWS = INDEXING
