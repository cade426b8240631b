"""A plain function made of ops: the same on arrays and on symbolic tensors, where it draws a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keratin import ops
from keratin.backends.symbolic import KerasTensor
from keratin.ops.mechanism import convert
from keratin.ops.operation import source_inputs
from keratin.testing.arrays import f32, host, i32


def attention(query: Any, key: Any) -> Any:
    scores = ops.matmul(query, ops.swapaxes(key, -1, -2)) / ops.sqrt(float(key.shape[-1]))
    weights = ops.exp(scores - ops.max(scores, axis=-1, keepdims=True))
    return ops.matmul(weights / ops.sum(weights, axis=-1, keepdims=True), key)


def standardized(x: Any) -> Any:
    center = ops.mean(x, axis=-1, keepdims=True)
    return ops.where(ops.abs(x) > 1.0, x - center, 0.0) * ops.rsqrt(ops.var(x, axis=-1, keepdims=True) + 1e-6)


def patches(x: Any) -> Any:
    batch = ops.shape(x)[0]
    parts = ops.reshape(x, (batch, 2, -1, 2))
    return ops.concatenate(
        [ops.transpose(parts, (0, 2, 1, 3)), ops.flip(ops.transpose(parts, (0, 2, 1, 3)), 1)], axis=1
    )[:, 1:, 0]


def statistics(x: Any) -> Any:
    parts = ops.split(x, 2, axis=-1)
    return {
        "parts": [ops.cast(part, "float16") for part in parts],
        "largest": ops.argmax(x, axis=-1),
        "count": ops.size(x),
    }


def gathered(ids: Any) -> Any:
    table = ops.arange(12, dtype="float32")
    return ops.take(ops.reshape(table, (4, 3)), ids, axis=0) + ops.expand_dims(ops.cast(ids, "float32"), -1)


FUNCTIONS = [
    (attention, [f32(2, 5, 3), f32(2, 4, 3)]),
    (standardized, [f32(3, 4)]),
    (patches, [f32(3, 4, 5)[:, :, :4]]),
    (statistics, [f32(3, 4)]),
    (gathered, [i32(5, low=0, high=4)]),
]


@pytest.mark.parametrize(("function", "arrays"), FUNCTIONS)
def test_same_shape_and_dtype(function: Any, arrays: list[np.ndarray]) -> None:
    eager = _leaves(function(*map(convert, arrays)))
    drawn = _leaves(function(*(KerasTensor(a.shape, a.dtype) for a in arrays)))
    for a, b in zip(eager, drawn, strict=True):
        if isinstance(a, int):
            assert a == b
            continue
        assert (tuple(a.shape), ops.dtype(a)) == (b.shape, b.dtype)


@pytest.mark.parametrize(("function", "arrays"), FUNCTIONS)
def test_unknown_batch(function: Any, arrays: list[np.ndarray]) -> None:
    eager = _leaves(function(*map(convert, arrays)))
    drawn = _leaves(function(*(KerasTensor((None, *a.shape[1:]), a.dtype) for a in arrays)))
    for a, b in zip(eager, drawn, strict=True):
        if isinstance(b, KerasTensor):
            assert b.shape == (None, *a.shape[1:])
        else:
            assert b is None  # a size that is not known


@pytest.mark.parametrize(("function", "arrays"), FUNCTIONS)
def test_the_graph_leads_back_to_the_inputs(function: Any, arrays: list[np.ndarray]) -> None:
    inputs = [_input(a) for a in arrays]
    for result in _leaves(function(*inputs)):
        if isinstance(result, KerasTensor):
            found = source_inputs(result)
            assert {id(x) for x in found} == {id(x) for x in inputs}


@pytest.mark.once
@pytest.mark.parametrize(("function", "arrays"), FUNCTIONS)
def test_exported_for_any_batch(function: Any, arrays: list[np.ndarray]) -> None:
    """Sizes may be an engine's own objects: one exported program serves every batch."""
    export = pytest.importorskip("jax.export")
    import jax

    (batch,) = export.symbolic_shape("batch")
    specs = [jax.ShapeDtypeStruct((batch, *a.shape[1:]), a.dtype) for a in arrays]

    def tensors_only(*values: Any) -> list[Any]:
        return [leaf for leaf in _leaves(function(*values)) if ops.is_tensor(leaf)]

    program = export.export(jax.jit(tensors_only))(*specs)
    for repeats in (1, 3):
        given = [np.concatenate([a] * repeats) for a in arrays]
        for a, b in zip(program.call(*given), tensors_only(*map(convert, given)), strict=True):
            np.testing.assert_allclose(host(a), host(b), rtol=1e-5, atol=1e-6)


def test_nodes_hold_the_arguments() -> None:
    x = _input(f32(2, 3))
    y = ops.sum(x, axis=-1, keepdims=True)
    node = y.node
    assert node.inputs == [x] or node.inputs[0] is x
    assert node.operation.function is ops.sum
    assert node.operation.config == {"axis": -1, "keepdims": True}
    z = ops.concatenate([x, y], axis=1)
    assert [t.shape for t in z.node.inputs] == [(2, 3), (2, 1)]
    assert [parent.operation.function.__name__ for parent in z.node.parents[1:]] == ["sum"]


def test_symbolic_arguments_in_any_tensor_place() -> None:
    x, low = _input(f32(2, 3)), _input(f32(3))
    for drawn in (
        ops.clip(1.0, low, x),
        ops.where(x > 0, 1.0, low),
        ops.einsum("ij,j", x, low),
        x[ops.cast(low, "int32") * 0],
    ):
        assert {id(t) for t in source_inputs(drawn)} == {id(x), id(low)}


def test_keywords() -> None:
    x = KerasTensor((None, 3))
    assert ops.add(x1=x, x2=1.0).shape == (None, 3)
    assert ops.matmul(x2=KerasTensor((3, 2)), x1=x).shape == (None, 2)
    assert ops.sum(x=x, axis=0).shape == (3,)


def _input(array: np.ndarray) -> KerasTensor:
    """A symbolic tensor with a node of its own, as an input layer gives it."""
    from keratin.ops.operation import Node, Operation

    tensor = KerasTensor(array.shape, array.dtype)
    Node(Operation(), (), {}, tensor)
    return tensor


def _leaves(nest: Any) -> list[Any]:
    if isinstance(nest, dict):
        return [leaf for key in sorted(nest) for leaf in _leaves(nest[key])]
    if isinstance(nest, list | tuple):
        return [leaf for item in nest for leaf in _leaves(item)]
    return [nest]
