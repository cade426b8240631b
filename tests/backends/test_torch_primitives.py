"""PyTorch's primitives where PyTorch itself deviates: unsigned integers, float8, the host's memory, random words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keratin import dtypes
from keratin.backends import primitives as p
from keratin.backends import select
from keratin.backends.numpy import engine as numpy_engine
from keratin.errors import BackendError

pytestmark = pytest.mark.skipif(select.backend_name() != "torch", reason="about PyTorch")

INTEGERS = ("uint8", "uint16", "uint32", "uint64", "int8", "int64")
PAIRS = """add subtract multiply floor_divide mod maximum minimum less greater_equal equal bitwise_and bitwise_xor
    logical_and""".split()


def operands(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    most = int(np.iinfo(dtype).max)
    x = np.array([0, 1, 2, 5, most, most - 1, most // 2, most // 2 + 1, 7], dtype)
    y = np.array([1, most, 3, 2, 2, most, 3, 5, most // 2 + 2], dtype)
    return x, y


def tensor(array: np.ndarray) -> Any:
    return select.current().from_host(array)


def same(found: Any, right: Any) -> None:
    array = select.current().to_host(found)
    assert array.dtype == np.asarray(right).dtype
    np.testing.assert_array_equal(array, right)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", PAIRS)
def test_pairs_of_integers(name: str, dtype: str) -> None:
    x, y = operands(dtype)
    primitive, reference = getattr(p, name), getattr(np, name)
    with np.errstate(over="ignore"):
        same(primitive(tensor(x), tensor(y)), reference(x, y))
        same(primitive(tensor(x), 3), reference(x, np.array(3, dtype)))
        same(primitive(3, tensor(y)), reference(np.array(3, dtype), y))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_division_of_integers_by_zero_gives_zero(dtype: str) -> None:
    x, _ = operands(dtype)
    for zero in (0, tensor(np.zeros_like(x))):
        same(p.floor_divide(tensor(x), zero), np.zeros_like(x))
        same(p.mod(tensor(x), zero), np.zeros_like(x))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_shifts(dtype: str) -> None:
    x, _ = operands(dtype)
    steps = np.array([0, 1, 2, 3, 4, 5, 6, 7, 1], dtype)
    same(p.right_shift(tensor(x), tensor(steps)), x >> steps)
    for step in (0, 1, 5):
        same(p.right_shift(tensor(x), step), x >> np.array(step, dtype))
        same(p.left_shift(tensor(x), step), x << np.array(step, dtype))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_reductions_order_and_places(dtype: str) -> None:
    x, y = operands(dtype)
    t, least = tensor(x), np.iinfo(dtype).min
    same(p.sum(t, (0,), False), x.sum(dtype=dtype))
    same(p.prod(t, (0,), True), np.prod(x, dtype=dtype, keepdims=True))
    same(p.cumsum(t, 0), np.cumsum(x, dtype=dtype))
    same(p.max(t, (0,), False), x.max())
    same(p.argmax(t, 0, False), np.int32(x.argmax()))
    same(p.sort(t, 0), np.sort(x))
    same(p.argsort(t, 0), np.argsort(x, kind="stable").astype(np.int32))
    same(p.top_k(t, 3)[0], np.sort(x)[::-1][:3])
    same(p.searchsorted(p.sort(t, 0), tensor(y), "left"), np.searchsorted(np.sort(x), y).astype(np.int32))
    same(p.slice_strided(t, (slice(None, None, -2),)), x[::-2])
    outside = least if dtype.startswith("i") else np.iinfo(dtype).max
    same(p.take(t, tensor(np.array([0, -1, 20], np.int32)), 0), np.array([x[0], x[-1], outside], dtype))
    same(p.where(p.equal(t, tensor(y)), t, 3), np.where(x == y, x, np.array(3, dtype)))
    padded = np.pad(x, 1, constant_values=least)
    same(
        p.reduce_window(t, "max", (3,), (2,), ((1, 1),)),
        np.array([max(padded[i : i + 3]) for i in range(0, 9, 2)], dtype),
    )
    with np.errstate(over="ignore"):
        same(p.matmul(p.reshape(t, (3, 3)), p.reshape(tensor(y), (3, 3))), x.reshape(3, 3) @ y.reshape(3, 3))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("mode", ["add", "max", "min", "multiply"])
def test_scatter_drops_what_lies_outside(mode: str, dtype: str) -> None:
    x, y = operands(dtype)
    right = x.copy()
    function = {"add": np.add, "max": np.maximum, "min": np.minimum, "multiply": np.multiply}[mode]
    with np.errstate(over="ignore"):
        function.at(right, np.array([1, 1, 3]), y[:3])
    places = tensor(np.array([[1], [1], [3], [99], [-99]], np.int32))
    same(p.scatter(tensor(x), places, tensor(y[:5]), mode), right)


@pytest.mark.parametrize(
    "dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "float16", "complex64", "bool", "uint16"]
)
def test_values_come_from_the_host_and_go_back(dtype: str) -> None:
    x = np.array([0, 1, 1.5, 2], np.float32).astype(dtypes.numpy_dtype(dtype))
    backend = select.current()
    for values in (x, x[1], x[::-1], x.reshape(2, 2).T):
        same(tensor(values), values)
        same(backend.borrow_host(np.asarray(values)), values)
    copied = tensor(x)
    x[...] = 1
    assert float(np.asarray(backend.to_host(copied)[0]).astype(np.float32)) == 0


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2"])
def test_float8_is_computed_in_float32(dtype: str) -> None:
    x = np.array([0, 1, 1.5, -2], np.float32).astype(dtypes.numpy_dtype(dtype))
    same(p.add(tensor(x), tensor(x)), x + x)
    same(p.multiply(tensor(x), 2.0), x + x)
    same(p.maximum(tensor(x), 0.0), np.maximum(x, x * 0))


@pytest.mark.parametrize("count", [0, 1, 7, 2**15 + 3])
def test_words_are_those_of_threefry(count: int) -> None:
    for key in ([3, 5], [0, 0], [2**32 - 1, 2**31]):
        key = np.array(key, np.uint32)
        same(p.random_bits(tensor(key), (count,)), numpy_engine.random_bits(key, (count,)))


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(BackendError, match="no such device"), select.current().device("gpu:99"):
        pass


def test_singular_matrices_give_no_error() -> None:
    singular = tensor(np.zeros((2, 2), np.float32))
    assert not np.isfinite(select.current().to_host(p.inverse(singular))).all()
    assert np.isnan(select.current().to_host(p.cholesky(p.negative(p.add(singular, 1.0))))).all()


def test_freed_memory_is_kept_unless_the_user_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    from keratin.backends.torch import memory

    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    assert memory.keep_freed_memory() is False
