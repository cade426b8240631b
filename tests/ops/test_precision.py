"""Half precision: reductions are computed in float32, and their results are as right as the dtype allows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keratin import ops
from keratin.testing.arrays import f32, host

HALF = pytest.mark.parametrize("dtype", ["float16", "bfloat16"])


def _half(values: Any, dtype: str) -> Any:
    return ops.cast(np.asarray(values, np.float32), dtype)


@HALF
def test_sums_of_many(dtype: str) -> None:
    """Added one by one, ones stop counting at 256 in bfloat16 and at 2048 in float16."""
    ones = _half(np.ones(4096), dtype)
    assert float(ops.sum(ones)) == 4096
    assert float(ops.mean(ones)) == 1
    assert float(ops.cumsum(ones)[-1]) == 4096
    assert float(ops.norm(ones)) == 64
    assert float(ops.average(ones, weights=ones)) == 1


def test_what_overflows_on_the_way() -> None:
    large = _half(np.full(1000, 1000.0), "float16")
    assert float(ops.mean(large)) == 1000
    assert float(ops.var(large)) == 0
    assert float(ops.std(_half([-300.0, 300.0], "float16"))) == 300
    assert float(ops.norm(_half([300.0, 400.0], "float16"))) == 500
    assert float(ops.prod(_half([1e4, 1e4, 1e-4], "float16"))) == pytest.approx(1e4, rel=1e-3)


@HALF
@pytest.mark.parametrize("op", [ops.sum, ops.mean, ops.var, ops.std, ops.logsumexp, ops.median])
def test_as_right_as_the_dtype_allows(op: Any, dtype: str) -> None:
    x = _half(f32(64, 32), dtype)
    exact = host(op(ops.cast(x, "float32"), axis=0))
    found = op(x, axis=0)
    assert ops.dtype(found) == dtype
    np.testing.assert_allclose(host(found), exact, rtol=2**-8 if dtype == "bfloat16" else 2**-10, atol=1e-3)


def test_small_integers_are_summed_in_32_bits() -> None:
    assert int(ops.sum(np.full(300, 100, np.uint8))) == 30000
    assert int(ops.prod(np.full(3, 100, np.int8))) == 10**6
    assert int(ops.matmul(np.full((1, 4), 100, np.int8), np.full((4, 1), 100, np.int8))[0, 0]) == 40000
    assert int(ops.count_nonzero(np.ones(300, bool))) == 300


def test_variance_does_not_cancel() -> None:
    x = np.array([1e4, 1e4 + 1, 1e4 + 2], np.float32)
    assert float(ops.var(x)) == pytest.approx(2 / 3, rel=1e-5)
