"""Python's operators on symbolic tensors and on what wraps a tensor."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from keratin import ops
from keratin.backends.symbolic import KerasTensor
from keratin.ops.operators import install_operators
from keratin.testing.arrays import f32, flags, host, i32


@install_operators
class Holder:
    """Holds a tensor, as a variable does."""

    def __init__(self, value: Any) -> None:
        self.value = ops.convert_to_tensor(value)
        self.shape, self.dtype = tuple(self.value.shape), ops.dtype(self.value)

    def __keratin_tensor__(self) -> Any:
        return self.value


BINARY = "add sub mul truediv floordiv mod pow lt le gt ge eq ne".split()
BITS = "and_ or_ xor lshift rshift".split()


@pytest.mark.parametrize("name", BINARY + BITS)
@pytest.mark.parametrize("other", ["array", "scalar", "holder"])
@pytest.mark.parametrize("reflected", [False, True])
def test_binary(name: str, other: str, reflected: bool) -> None:
    function = getattr(operator, name)
    x = i32(2, 3, low=1) if name in BITS else f32(2, 3, low=0.5)
    y = {"array": x[:1] + 1, "scalar": 2, "holder": x + 1}[other]
    given = Holder(y) if other == "holder" else y
    left, right = (given, Holder(x)) if reflected else (Holder(x), given)
    expected = function(y, x) if reflected else function(x, y)
    np.testing.assert_allclose(host(function(left, right)), expected, rtol=1e-5)
    symbol = KerasTensor(x.shape, x.dtype)
    pair = (given, symbol) if reflected else (symbol, given)
    drawn = function(*pair)
    assert isinstance(drawn, KerasTensor)
    assert (drawn.shape, drawn.dtype) == (expected.shape, ops.dtype(function(left, right)))


def test_matmul() -> None:
    x, y = f32(2, 3), f32(3, 4)
    np.testing.assert_allclose(host(Holder(x) @ y), x @ y, rtol=1e-5)
    np.testing.assert_allclose(host(x @ Holder(y)), x @ y, rtol=1e-5)
    assert (KerasTensor((None, 3)) @ y).shape == (None, 4)
    assert (x @ KerasTensor((3, None))).shape == (2, None)


def test_unary() -> None:
    x = f32(3)
    np.testing.assert_allclose(host(-Holder(x)), -x)
    np.testing.assert_allclose(host(+Holder(x)), x)
    np.testing.assert_allclose(host(abs(Holder(x))), abs(x))
    np.testing.assert_allclose(host(round(Holder(x), 1)), np.round(x, 1), rtol=1e-6)
    np.testing.assert_array_equal(host(~Holder(flags(3))), ~flags(3))
    assert (-KerasTensor((None,))).shape == (None,)


def test_indexing() -> None:
    x = f32(2, 3)
    np.testing.assert_array_equal(host(Holder(x)[:, 1]), x[:, 1])
    rows = [row.shape for row in KerasTensor((2, 3))]
    assert rows == [(3,), (3,)]


def test_methods() -> None:
    x = KerasTensor((None, 1, 4))
    assert x.reshape((-1, 4)).shape == (None, 4)
    assert x.squeeze(1).shape == (None, 4)
    assert x.squeeze().shape == (None, 4)


def test_equality_is_by_element_and_hash_by_identity() -> None:
    x, y = KerasTensor((3,)), KerasTensor((3,))
    assert (x == y).dtype == "bool"
    assert (x != y).shape == (3,)
    assert len({x, y, x}) == 2
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert (x == "x") is False


def test_what_has_no_meaning() -> None:
    with pytest.raises(TypeError):
        KerasTensor((3,)) + None
    with pytest.raises(TypeError):
        "a" - KerasTensor((3,))
    with pytest.raises(RuntimeError, match="no values"):
        bool(KerasTensor(()) > 0)
