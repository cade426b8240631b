"""What -1 and None mean in shapes, and sizes that are not known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keratin import ops
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ShapeError
from keratin.testing.arrays import f32


@pytest.mark.parametrize(
    ("shape", "newshape", "expected"),
    [
        ((2, 6), (3, -1), (3, 4)),
        ((2, 6), -1, (12,)),
        ((2, 6), (None, 4), (3, 4)),  # the only open size is computed
        ((2, 6), (None, 2, -1), (2, 2, 3)),  # else None is the size of that axis
        ((2, 3, 4), (None, None, 2, 2), (2, 3, 2, 2)),
        ((0, 3), (-1, 3), (0, 3)),
        ((0, 3), (0, -1), ShapeError),
        ((2, 6), np.array([4, 3]), (4, 3)),
        ((), (), ()),
        ((), (-1,), (1,)),
    ],
)
def test_reshape_of_known_sizes(shape: Any, newshape: Any, expected: Any) -> None:
    x = f32(*shape)
    for given in (x, KerasTensor(shape)):
        if expected is ShapeError:
            with pytest.raises(ShapeError):
                ops.reshape(given, newshape)
        else:
            assert tuple(ops.reshape(given, newshape).shape) == expected


@pytest.mark.parametrize(
    ("shape", "newshape", "expected"),
    [
        ((None, 6), (-1, 3), (None, 3)),
        ((None, 6), (None, 2, 3), (None, 2, 3)),
        ((None, 6), (None, -1, 3), (None, 2, 3)),  # one unknown size on both sides: the same
        ((None, 6), (-1, None), (3 * 2, None)),
        ((None, 4, None), (None, -1, 2, None), (None, 2, 2, None)),
        ((None, 4, None), (None, -1), (None, None)),
        ((None, 4, None), (-1, 4), (None, 4)),
        ((None, 6), (2, 3), (2, 3)),
        ((None, 6), (None, 4, -1), ShapeError),
    ],
)
def test_reshape_of_unknown_sizes(shape: Any, newshape: Any, expected: Any) -> None:
    if expected is ShapeError:
        with pytest.raises(ShapeError, match="do not fit"):
            ops.reshape(KerasTensor(shape), newshape)
    else:
        assert ops.reshape(KerasTensor(shape), newshape).shape == expected


def test_a_graph_with_none_in_a_shape_runs_on_any_batch() -> None:
    x = KerasTensor((None, 6))
    drawn = ops.reshape(x, (ops.shape(x)[0], -1, 3))
    assert drawn.shape == (None, 2, 3)
    operation = drawn.node.operation
    for batch in (1, 5):
        assert tuple(operation.call(ops.ones((batch, 6))).shape) == (batch, 2, 3)


@pytest.mark.parametrize(
    ("function", "shape", "expected"),
    [
        (lambda x: ops.ravel(x), (None, 3), (None,)),
        (lambda x: ops.squeeze(x), (None, 1, 3), (None, 3)),
        (lambda x: ops.squeeze(x, 0), (None, 1, 3), (1, 3)),
        (lambda x: ops.broadcast_to(x, (4, None, 3)), (None, 1), (4, None, 3)),
        (lambda x: ops.broadcast_to(x, (-1, 3)), (None, 1), (None, 3)),
        (lambda x: ops.concatenate([x, x], 0), (None, 3), (None, 3)),
        (lambda x: ops.concatenate([x, f32(2, 3)], 1), (None, None), (2, None)),
        (lambda x: ops.stack([x, f32(2, 3)]), (None, None), (2, 2, 3)),
        (lambda x: ops.split(x, 2, axis=1)[1], (None, None), (None, None)),
        (lambda x: ops.split(x, 2, axis=1)[1], (None, 4), (None, 2)),
        (lambda x: ops.split(x, [1], axis=1)[1], (None, 4), (None, 3)),
        (lambda x: ops.unstack(x, 2, axis=1)[1], (None, None, 3), (None, 3)),
        (lambda x: ops.tile(x, (2, 1, 2)), (None, 3), (2, None, 6)),
        (lambda x: ops.repeat(x, 3, axis=0), (None, 3), (None, 3)),
        (lambda x: ops.repeat(x, 2), (None, 3), (None,)),
        (lambda x: ops.pad(x, ((0, 0), (1, 2))), (None, 3), (None, 6)),
        (lambda x: ops.pad(x, 1, "reflect"), (None, 3), (None, 5)),
        (lambda x: ops.roll(x, 1, 0), (None, 3), (None, 3)),
        (lambda x: ops.roll(x, 1), (None, 3), (None, 3)),
        (lambda x: ops.moveaxis(x, 0, -1), (None, 3, 4), (3, 4, None)),
        (lambda x: ops.tensordot(x, f32(3, 5), 1), (None, 3), (None, 5)),
        (lambda x: ops.diagonal(x), (None, 3, 4), (4, None)),
        (lambda x: ops.diag(x, 1), (None,), (None, None)),
        (lambda x: ops.cumsum(x), (None, 3), (None,)),
        (lambda x: ops.tril(x), (None, 3, None), (None, 3, None)),
    ],
)
def test_unknown_sizes(function: Any, shape: Any, expected: Any) -> None:
    assert function(KerasTensor(shape)).shape == expected


def test_unstack_needs_the_number() -> None:
    with pytest.raises(ShapeError, match="pass `num`"):
        ops.unstack(KerasTensor((None, 3)))
    with pytest.raises(ShapeError, match="no known size"):
        ops.array_split(KerasTensor((None, 3)), 2)
    with pytest.raises(ShapeError, match="known size"):
        ops.broadcast_to(KerasTensor((3,)), (None, 3))
