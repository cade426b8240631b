"""Tensors made of numbers, conversions, and what is known of a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keratin import ops
from keratin.backends import select
from keratin.backends.symbolic import KerasTensor, symbolic_mode
from keratin.errors import ArgumentError
from keratin.ops.mechanism import dtype_of
from keratin.testing.arrays import f32, host

MADE: list[tuple[Any, Any, str]] = [
    (lambda: ops.zeros((2, 3)), np.zeros((2, 3)), "float32"),
    (lambda: ops.zeros(2, "int32"), np.zeros(2), "int32"),
    (lambda: ops.zeros([2], "bool"), np.zeros(2, bool), "bool"),
    (lambda: ops.ones((0, 3)), np.ones((0, 3)), "float32"),
    (lambda: ops.ones((), "bfloat16"), np.ones(()), "bfloat16"),
    (lambda: ops.empty((2,)), np.zeros(2), "float32"),
    (lambda: ops.full((2,), 7), np.full(2, 7), "float32"),
    (lambda: ops.full((2, 2), [1, 2], "int32"), np.array([[1, 2], [1, 2]]), "int32"),
    (lambda: ops.arange(4), np.arange(4), "int32"),
    (lambda: ops.arange(0), np.arange(0), "int32"),
    (lambda: ops.arange(1, 8, 3), np.arange(1, 8, 3), "int32"),
    (lambda: ops.arange(5, -1, -2), np.arange(5, -1, -2), "int32"),
    (lambda: ops.arange(3.0), np.arange(3.0), "float32"),
    (lambda: ops.arange(0, 1, 0.25), np.arange(0, 1, 0.25), "float32"),
    (lambda: ops.arange(2, 5, dtype="float16"), np.arange(2, 5), "float16"),
    (lambda: ops.arange(np.int32(3)), np.arange(3), "int32"),
    (lambda: ops.eye(3), np.eye(3), "float32"),
    (lambda: ops.eye(2, 4, 1, "int32"), np.eye(2, 4, 1), "int32"),
    (lambda: ops.eye(3, k=-1), np.eye(3, k=-1), "float32"),
    (lambda: ops.identity(2, "bool"), np.identity(2, bool), "bool"),
    (lambda: ops.tri(3, 4, 1), np.tri(3, 4, 1), "float32"),
    (lambda: ops.linspace(0, 1, 5), np.linspace(0, 1, 5), "float32"),
    (lambda: ops.linspace(0, 10, 4, dtype="int32"), np.linspace(0, 10, 4, dtype=int), "int32"),
    (lambda: ops.linspace(0, 1, 0), np.linspace(0, 1, 0), "float32"),
    (lambda: ops.linspace(3, 1, 1), np.linspace(3, 1, 1), "float32"),
    (lambda: ops.cast([1.7, -1.7], "int32"), np.array([1, -1]), "int32"),
    (lambda: ops.cast([0.5, 0.0], "bool"), np.array([True, False]), "bool"),
    (lambda: ops.cast(np.array([1, 0], bool), "float16"), np.array([1, 0]), "float16"),
    (lambda: ops.convert_to_tensor([1, 2]), np.array([1, 2]), "int32"),
    (lambda: ops.convert_to_tensor([1, 2.5]), np.array([1, 2.5]), "float32"),
    (lambda: ops.convert_to_tensor(True), np.array(True), "bool"),
    (lambda: ops.convert_to_tensor([1, 2], dtype="float32"), np.array([1, 2]), "float32"),
    (lambda: ops.array([[1]], "int8"), np.array([[1]]), "int8"),
    (lambda: ops.convert_to_tensor([ops.ones(2), ops.zeros(2)]), np.array([[1, 1], [0, 0]]), "float32"),
]


@pytest.mark.parametrize(("function", "value", "dtype"), MADE)
def test_value_and_dtype(function: Any, value: Any, dtype: str) -> None:
    found = function()
    assert tuple(found.shape) == value.shape
    assert dtype_of(found) == dtype
    np.testing.assert_allclose(host(found), value, rtol=1e-6)


@pytest.mark.parametrize(("function", "value", "dtype"), MADE[:-6])
def test_symbolic(function: Any, value: Any, dtype: str) -> None:
    with symbolic_mode():
        found = function()
    assert tuple(found.shape) == value.shape
    assert dtype_of(found) == dtype


def test_symbolic_mode_allows_unknown_sizes() -> None:
    with symbolic_mode():
        assert ops.zeros((None, 3)).shape == (None, 3)
        assert ops.arange(None).shape == (None,)


def test_a_new_tensor_shares_nothing_with_the_array() -> None:
    if select.current().name == "numpy":
        pytest.skip("NumPy's own arrays are tensors already")
    array = np.ones(3, np.float32)
    made = ops.convert_to_tensor(array)
    array[:] = 7
    assert host(made).tolist() == [1, 1, 1]
    copied = ops.convert_to_numpy(made)
    copied[:] = 9
    assert host(made).tolist() == [1, 1, 1]


def test_arange_step_0() -> None:
    with pytest.raises(ArgumentError, match="other than 0"):
        ops.arange(1, 3, 0)


def test_what_is_known() -> None:
    assert ops.shape([[1, 2, 3]]) == (1, 3)
    assert (ops.size(f32(2, 3)), ops.ndim(f32(2, 3)), ops.dtype(f32(2))) == (6, 2, "float32")
    x = KerasTensor((None, 3), "int32")
    assert (ops.shape(x), ops.size(x), ops.ndim(x), ops.dtype(x)) == ((None, 3), None, 2, "int32")


def test_is_tensor() -> None:
    assert ops.is_tensor(ops.ones(2))
    assert not ops.is_tensor([1.0])
    assert not ops.is_tensor(KerasTensor((2,)))
