"""Pooling against loops in float64, and against Keras."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from keratin import ops
from keratin.backends import select
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, ShapeError
from keratin.ops import mechanism, nn
from keratin.testing.arrays import f32, host
from keratin.testing.ops.pooling import loop_max, loop_mean


def image(rank: int, data_format: str = "channels_last") -> np.ndarray:
    sizes = (7, 6, 4)[:rank]
    return f32(2, *sizes, 3) if data_format == "channels_last" else f32(2, 3, *sizes)


STEPS = [
    (1, 2, None),
    (1, 3, 2),
    (1, 2, 3),
    (1, 7, None),
    (2, 2, None),
    (2, (3, 2), (2, 1)),
    (2, (3, 2), None),
    (2, 1, 2),
    (3, 2, None),
    (3, 2, 1),
]
ALL = list(itertools.product(STEPS, ("valid", "same"), ("channels_last", "channels_first")))


@pytest.mark.parametrize(("steps", "padding", "data_format"), ALL)
def test_pool(steps: Any, padding: str, data_format: str) -> None:
    rank, size, strides = steps
    x = image(rank, data_format)
    for found, right in ((nn.max_pool, loop_max), (nn.average_pool, loop_mean)):
        expected = right(x.astype(float), size, strides, padding, data_format)
        np.testing.assert_allclose(host(found(x, size, strides, padding, data_format)), expected, rtol=1e-5, atol=1e-6)
        assert found(KerasTensor(x.shape), size, strides, padding, data_format).shape == expected.shape


@pytest.mark.trains
@pytest.mark.parametrize("strides", [2, 1])
def test_equal_maxima_share_one_gradient(strides: int) -> None:
    """Whichever position it goes to, the gradient of a window sums to 1."""
    x = np.zeros((1, 4, 4, 1), np.float32)
    function = select.current().value_and_grad(lambda v: (ops.sum(nn.max_pool(v[0], 2, strides)), []))
    gradient = host(function([mechanism.convert(x)])[1][0])
    assert gradient.sum() == (4 if strides == 2 else 9) and gradient.min() >= 0


@pytest.mark.parametrize("size", [2, 3])
def test_infinities_and_nan_in_windows(size: int) -> None:
    x = np.array([1, -np.inf, -np.inf, -np.inf, np.nan, 2, np.inf, 3], np.float32).reshape(1, 8, 1)
    for strides in (size, 1):
        np.testing.assert_array_equal(host(nn.max_pool(x, size, strides)), loop_max(x, size, strides))


def test_padding_never_wins() -> None:
    x = np.full((1, 3, 3, 1), -5, np.int32)
    assert set(host(nn.max_pool(x, 2, padding="same")).ravel()) == {-5}
    assert set(host(nn.average_pool(x, 2, padding="same")).ravel()) == {-5.0}


def test_mean_of_half_precision_adds_in_float32() -> None:
    x = mechanism.convert(np.full((1, 4096, 1), 60.0), "float16")
    assert float(nn.average_pool(x, 4096)[0, 0, 0]) == 60.0


@pytest.mark.parametrize("pool", [nn.max_pool, nn.average_pool])
def test_unknown_sizes(pool: Any) -> None:
    assert pool(KerasTensor((None, None, 9, 3)), 2).shape == (None, None, 4, 3)
    assert pool(KerasTensor((None, None, 9, 3)), 2, padding="same").shape == (None, None, 5, 3)
    assert pool(KerasTensor((None, 3, 9, None)), 3, 2, "same", "channels_first").shape == (None, 3, 5, None)


@pytest.mark.parametrize("pool", [nn.max_pool, nn.average_pool])
def test_messages(pool: Any) -> None:
    for x in (np.zeros((1, 2, 3)), KerasTensor((1, 2, 3))):
        with pytest.raises(ShapeError, match=r"larger than the input(.|\n)*at least 4"):
            pool(x, 4)
    with pytest.raises(ShapeError, match="1 to 3 spatial axes"):
        pool(np.zeros((1, 2)), 2)
    with pytest.raises(ArgumentError, match="pool_size"):
        pool(np.zeros((1, 4, 4, 1)), (2, 2, 2))
    with pytest.raises(ArgumentError, match="padding"):
        pool(np.zeros((1, 4, 1)), 2, padding="causal")


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "strides"), [(2, 2), (3, 2), (2, 3)])
def test_like_keras(size: int, strides: Any, padding: str) -> None:
    keras = pytest.importorskip("keras")
    for name in ("max_pool", "average_pool"):
        right = getattr(keras.ops, name)(image(2), size, strides, padding)
        np.testing.assert_allclose(
            host(getattr(nn, name)(image(2), size, strides, padding)), np.asarray(right), rtol=1e-5, atol=1e-6
        )
