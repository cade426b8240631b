"""Bad input: the error says what is wrong, what was expected, what came."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keratin import ops
from keratin.backends import select
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, AxisError, DtypeError, ShapeError
from keratin.testing.arrays import f32, i32

X, V = f32(2, 3), f32(3)

BAD: list[tuple[str, Any, type, list[str]]] = [
    # axes
    ("sum axis", lambda x: ops.sum(x, axis=2), AxisError, ["from -2 to 1", "Received: 2"]),
    ("mean axis", lambda x: ops.mean(x, axis=-3), AxisError, ["Received: -3"]),
    ("axis twice", lambda x: ops.max(x, axis=(0, -2)), AxisError, ["named twice", "(0, -2)"]),
    ("argmax axis", lambda x: ops.argmax(x, axis=5), AxisError, ["Received: 5"]),
    ("axis of another type", lambda x: ops.sum(x, axis="a"), ArgumentError, ["must be an integer", "Received: a"]),
    ("concatenate axis", lambda x: ops.concatenate([x, x], axis=2), AxisError, ["Received: 2"]),
    ("stack axis", lambda x: ops.stack([x, x], axis=4), AxisError, ["from -3 to 2"]),
    ("expand_dims axis", lambda x: ops.expand_dims(x, 4), AxisError, ["from -3 to 2"]),
    ("flip axis", lambda x: ops.flip(x, 2), AxisError, ["Received: 2"]),
    ("take axis", lambda x: ops.take(x, [0], axis=2), AxisError, ["Received: 2"]),
    ("sort axis", lambda x: ops.sort(x, axis=2), AxisError, ["Received: 2"]),
    ("transpose axes", lambda x: ops.transpose(x, (0,)), ArgumentError, ["each axis once", "2 axes"]),
    ("moveaxis lengths", lambda x: ops.moveaxis(x, (0, 1), 0), ArgumentError, ["differ in length"]),
    # shapes
    ("broadcast", lambda x: x + np.ones((4,), np.float32), ShapeError, ["do not broadcast", "(2, 3) and (4,)"]),
    ("broadcast of maximum", lambda x: ops.maximum(x, f32(3, 3)), ShapeError, ["do not broadcast", "axis -2"]),
    ("broadcast of where", lambda x: ops.where(x > 0, x, f32(4)), ShapeError, ["do not broadcast"]),
    ("broadcast_to", lambda x: ops.broadcast_to(x, (3, 3)), ShapeError, ["does not broadcast", "(3, 3)", "(2, 3)"]),
    ("matmul", lambda x: ops.matmul(x, f32(2, 4)), ShapeError, ["inner sizes", "3 rows", "(2, 3) times (2, 4)"]),
    ("matmul batch", lambda x: ops.matmul(f32(4, 2, 3), f32(5, 3, 2)), ShapeError, ["do not broadcast"]),
    ("matmul scalar", lambda x: ops.matmul(x, 2.0), ShapeError, ["at least 1 axes"]),
    ("dot", lambda x: ops.dot(x, f32(2)), ShapeError, ["summed sizes differ", "3 on axis 0"]),
    ("tensordot", lambda x: ops.tensordot(x, x, axes=1), ShapeError, ["summed sizes differ"]),
    ("tensordot axes", lambda x: ops.tensordot(x, x, axes=3), ArgumentError, ["0 to 2 axes"]),
    ("reshape", lambda x: ops.reshape(x, (4,)), ShapeError, ["do not fit", "6 elements", "(2, 3) to (4,)"]),
    ("reshape -1", lambda x: ops.reshape(x, (4, -1)), ShapeError, ["do not fit", "(2, 3)"]),
    ("reshape two -1", lambda x: ops.reshape(x, (-1, -1)), ShapeError, ["-1 at most once"]),
    ("reshape text", lambda x: ops.reshape(x, ("a",)), ShapeError, ["neither an integer nor None"]),
    ("squeeze", lambda x: ops.squeeze(x, 0), ShapeError, ["size 1", "(2, 3)"]),
    ("concatenate", lambda x: ops.concatenate([x, f32(2, 4)], 0), ShapeError, ["Input 1", "outside axis 0", "(2, 4)"]),
    ("stack", lambda x: ops.stack([x, V]), ShapeError, ["Input 1", "`stack`"]),
    ("nothing to join", lambda x: ops.concatenate([]), ArgumentError, ["at least one tensor"]),
    ("split", lambda x: ops.split(x, 2, axis=1), ShapeError, ["multiple of 2 on axis 1", "(2, 3)"]),
    ("split 0", lambda x: ops.split(x, 0), ArgumentError, ["must be positive"]),
    ("unstack", lambda x: ops.unstack(x, num=3), ShapeError, ["number of slices", "(2, 3)"]),
    ("pad widths", lambda x: ops.pad(x, ((1, 1), (1, 1), (1, 1))), ArgumentError, ["`pad_width`", "2 pairs"]),
    ("pad negative", lambda x: ops.pad(x, -1), ArgumentError, ["none negative"]),
    ("pad mode", lambda x: ops.pad(x, 1, mode="mirror"), ArgumentError, ['"reflect"', "mirror"]),
    ("pad value", lambda x: ops.pad(x, 1, mode="edge", constant_values=1), ArgumentError, ["`constant_values`"]),
    ("tile", lambda x: ops.tile(x, -1), ArgumentError, ["must not be negative"]),
    ("repeat", lambda x: ops.repeat(x, [1, 2], axis=1), ShapeError, ["for each place", "Expected: 3"]),
    ("max of nothing", lambda x: ops.max(ops.reshape(x[:0], (0, 3)), axis=0), ShapeError, ["no elements", "axis 0"]),
    ("argmin of nothing", lambda x: ops.argmin(ops.reshape(x[:0], (0, 3))), ShapeError, ["no elements"]),
    ("average weights", lambda x: ops.average(x, weights=f32(2)), ShapeError, ["weights fit neither", "(2, 3)"]),
    ("take_along_axis", lambda x: ops.take_along_axis(x, [0], axis=1), ShapeError, ["rank of the tensor", "2 axes"]),
    ("slice", lambda x: ops.slice(x, (0, 0), (3, 3)), ShapeError, ["does not fit", "(2, 3)", "(3, 3)"]),
    ("slice start", lambda x: ops.slice(x, (0,), (1, 1)), ShapeError, ["one start for each axis"]),
    ("scatter_update", lambda x: ops.scatter_update(x, [[0, 0, 0]], [1.0]), ShapeError, ["at most 2", "(1, 3)"]),
    (
        "scatter_update reduction",
        lambda x: ops.scatter_update(x, [[0]], x[:1], "mean"),
        ArgumentError,
        ['"mul"', "mean"],
    ),
    ("top_k", lambda x: ops.top_k(x, 4), ShapeError, ["at least 4", "(2, 3)"]),
    ("searchsorted", lambda x: ops.searchsorted(x, 1.0), ShapeError, ["one axis", "(2, 3)"]),
    ("inv", lambda x: ops.inv(x), ShapeError, ["square", "(2, 3)"]),
    ("solve", lambda x: ops.solve(f32(2, 2), f32(3, 1)), ShapeError, ["2 rows on the right"]),
    ("tril", lambda x: ops.tril(V), ShapeError, ["at least 2 axes", "(3,)"]),
    ("diag", lambda x: ops.diag(f32(1, 1, 1)), ShapeError, ["vector or a matrix"]),
    ("trace axes", lambda x: ops.trace(x, axis1=0, axis2=-2), ArgumentError, ["two different axes"]),
    ("cross", lambda x: ops.cross(f32(4), f32(4)), ShapeError, ["2 or 3"]),
    # einsum
    ("einsum rank", lambda x: ops.einsum("ijk->i", x), ShapeError, ["another rank", "2 axes"]),
    ("einsum sizes", lambda x: ops.einsum("ij,jk", x, x), ShapeError, ["Sizes of `j` differ"]),
    ("einsum count", lambda x: ops.einsum("ij,jk", x), ArgumentError, ["another number of tensors", "Expected: 2"]),
    ("einsum letters", lambda x: ops.einsum("i1->i", x), ArgumentError, ["cannot be read", "i1->i"]),
    ("einsum result", lambda x: ops.einsum("ij->k", x), ArgumentError, ["no operand has", "ij->k"]),
    ("einsum argument", lambda x: ops.einsum("ij", x, order="C"), ArgumentError, ["no such argument", "order"]),
    # indexing
    (
        "index outside",
        lambda x: ops.get_item(x, 2),
        AxisError,
        ["outside the tensor", "-2 to 1 on axis 0", "Received: 2"],
    ),
    ("too many indices", lambda x: ops.get_item(x, (0, 0, 0)), AxisError, ["more indices than axes", "at most 2"]),
    ("two ellipses", lambda x: ops.get_item(x, (..., 0, ...)), ArgumentError, ["one `...`"]),
    ("float index", lambda x: ops.get_item(x, 1.5), ArgumentError, ["This is no index", "1.5"]),
    ("bool index", lambda x: ops.get_item(x, True), ArgumentError, ["single bool"]),
    # values and dtypes
    ("where", lambda x: ops.where(x > 0, x), ArgumentError, ["both `x1` and `x2`"]),
    ("bits of floats", lambda x: ops.bitwise_and(x, 1), DtypeError, ["`bitwise_and`", "float32"]),
    ("shift of floats", lambda x: ops.left_shift(x, 1), DtypeError, ["`left_shift`", "float32"]),
    ("dtype", lambda x: ops.cast(x, "float31"), DtypeError, ["no such dtype", "float31"]),
    ("norm", lambda x: ops.norm(x, ord="fro", axis=0), ArgumentError, ["two axes", "fro"]),
    ("norm order", lambda x: ops.norm(x, ord=3), ArgumentError, ["cannot be used for matrices"]),
    ("quantile", lambda x: ops.quantile(x, 1.5), ArgumentError, ["from 0 to 1", "1.5"]),
    ("quantile method", lambda x: ops.quantile(x, 0.5, method="cubic"), ArgumentError, ['"midpoint"', "cubic"]),
    ("qr", lambda x: ops.qr(x, mode="r"), ArgumentError, ['"complete"']),
    ("searchsorted side", lambda x: ops.searchsorted(V, x, side="middle"), ArgumentError, ["middle"]),
    ("meshgrid", lambda x: ops.meshgrid(V, V, indexing="yx"), ArgumentError, ["yx"]),
]


@pytest.mark.parametrize("kind", ["eager", "symbolic"])
@pytest.mark.parametrize(("function", "error", "parts"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_message(function: Any, error: type, parts: list[str], kind: str) -> None:
    x = ops.convert_to_tensor(X) if kind == "eager" else KerasTensor(X.shape)
    if kind == "eager":  # the ops' own message, also where the user writes an operator
        x = _Wrapped(x)
    with pytest.raises(error) as caught:
        function(x)
    for part in parts:
        assert part in str(caught.value)


class _Wrapped:
    """A tensor with our operators, as a variable is one."""

    def __init__(self, value: Any) -> None:
        self.value, self.shape, self.dtype = value, value.shape, value.dtype

    def __keratin_tensor__(self) -> Any:
        return self.value


ops.operators.install_operators(_Wrapped)


def test_ragged_lists() -> None:
    with pytest.raises((DtypeError, ValueError)):
        ops.convert_to_tensor([[1, 2], [3]])


def test_text_is_no_tensor() -> None:
    with pytest.raises(DtypeError, match="cannot become a tensor"):
        ops.add("a", 1)


def test_no_values() -> None:
    x = KerasTensor((3,))
    with pytest.raises(RuntimeError, match="no values"):
        ops.convert_to_numpy(x)
    with pytest.raises(ArgumentError, match="depends on values"):
        ops.nonzero(x)
    with pytest.raises(ArgumentError, match="depends on values"):
        ops.get_item(x, x > 0)
    with pytest.raises(ArgumentError, match="must be known before"):
        ops.repeat(x, KerasTensor((3,), "int32"))


@pytest.mark.trains
def test_no_values_under_compilation() -> None:
    def masked(x: Any) -> Any:
        return ops.get_item(x, ops.greater(x, 0))

    with pytest.raises(ArgumentError, match=r"depends on values[\s\S]*ops\.where"):
        select.current().jit(masked)(ops.ones(3))
    with pytest.raises(ArgumentError, match="pass the length"):
        select.current().jit(ops.bincount)(ops.convert_to_tensor(i32(3, low=0)))


def test_unknown_size_of_a_new_tensor() -> None:
    with pytest.raises(ShapeError, match="unknown size"):
        ops.zeros((None, 3))
