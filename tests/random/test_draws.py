"""Draws: their distribution, the same numbers everywhere, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

import keratin
from keratin import ops
from keratin import random as kr
from keratin.backends import select
from keratin.backends.symbolic import KerasTensor, symbolic_mode
from keratin.errors import ArgumentError, AxisError, DtypeError, ShapeError
from keratin.ops import mechanism
from keratin.random import draws, host
from keratin.random.core import key_of
from keratin.testing.arrays import host as to_host

COUNT = 200_000
TRUNCATED = scipy.stats.truncnorm(-2, 2)


# ---- distributions: the Kolmogorov-Smirnov distance of n draws is below 1.95 / sqrt(n) in 999 of 1000 cases


@pytest.mark.parametrize(
    ("draw", "distribution"),
    [
        (lambda seed: kr.uniform((COUNT,), seed=seed), scipy.stats.uniform),
        (lambda seed: kr.uniform((COUNT,), -3.0, 5.0, seed=seed), scipy.stats.uniform(-3, 8)),
        (lambda seed: kr.normal((COUNT,), seed=seed), scipy.stats.norm),
        (lambda seed: kr.normal((COUNT,), 2.0, 3.0, seed=seed), scipy.stats.norm(2, 3)),
        (lambda seed: kr.truncated_normal((COUNT,), seed=seed), TRUNCATED),
        (lambda seed: kr.truncated_normal((COUNT,), -1.0, 0.5, seed=seed), scipy.stats.truncnorm(-2, 2, -1, 0.5)),
    ],
    ids=["uniform", "uniform of a range", "normal", "normal scaled", "truncated", "truncated scaled"],
)
@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_distribution(draw: Any, distribution: Any, seed: int) -> None:
    values = to_host(draw(seed)).astype(np.float64)
    assert scipy.stats.kstest(values, distribution.cdf).statistic < 1.95 / np.sqrt(COUNT)
    assert abs(scipy.stats.pearsonr(values[1:], values[:-1]).statistic) < 4 / np.sqrt(COUNT)


def test_tails_are_exact() -> None:
    """Of 2 ** 24 equal parts of the probability, the outermost ones and every 97th between."""
    parts = np.unique(np.concatenate([np.arange(0, 2**24, 97), np.arange(2**15), 2**24 - 1 - np.arange(2**15)]))
    bits = parts.astype(np.uint32) << np.uint32(8)
    values = draws.normal(host.primitives, bits, 0.0, 1.0, "float32").astype(np.float64)
    np.testing.assert_allclose(values, scipy.stats.norm.ppf((parts + 0.5) / 2**24), rtol=4e-7)
    values = draws.truncated_normal(host.primitives, bits, 0.0, 1.0, "float32").astype(np.float64)
    assert 1.99999 < np.abs(values).max() < 2
    outside = scipy.stats.norm.cdf(-2)
    right = scipy.stats.norm.ppf(outside + (1 - 2 * outside) * (parts + 0.5) / 2**24)
    np.testing.assert_allclose(values, right, rtol=2e-6, atol=1e-12)


@pytest.mark.parametrize(("low", "high"), [(0, 10), (-5, 70_000), (-(2**31), 2**31 - 1), (7, 8)])
def test_integers_are_all_as_likely(low: int, high: int) -> None:
    values = to_host(kr.randint((COUNT,), low, high, seed=5)).astype(np.int64)
    assert low <= values.min() and values.max() < high
    if high - low > 1:
        even = (values - low + np.random.default_rng(0).random(COUNT)) / (high - low)
        assert scipy.stats.kstest(even, "uniform").statistic < 1.95 / np.sqrt(COUNT)
    if high - low == 10:
        assert scipy.stats.chisquare(np.bincount(values)).pvalue > 1e-3


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("uint8", 0, 256),
        ("int8", -128, 128),
        ("int16", -32768, 32768),
        ("uint16", 0, 65536),
        ("uint32", 0, 2**32),
        ("uint32", 2**31, 2**32),
    ],
)
def test_integers_to_the_ends_of_their_dtype(dtype: str, low: int, high: int) -> None:
    values = kr.randint((COUNT,), low, high, dtype, seed=5)
    assert mechanism.dtype_of(values) == dtype
    values = to_host(values).astype(np.int64)
    assert low <= values.min() and values.max() < high
    assert abs(values.mean() - (low + high - 1) / 2) < (high - low) * 0.005
    if high - low == 256:
        assert len(set(values.tolist())) == 256


def test_products_of_integers_match_arithmetic_without_limits() -> None:
    words = np.array([[0, 2**32 - 1, 123456789, 2**31], [2**32 - 1, 2**32 - 1, 987654321, 1]], np.uint32).T
    for count in (1, 3, 65535, 65537, 2**31 + 1, 2**32 - 1, 2**32):
        right = [(int(a) << 32 | int(b)) * count >> 64 for a, b in words]
        assert to_host(kr.core._part_of(mechanism.convert(words), count)).tolist() == right


def test_categorical_follows_the_logits() -> None:
    probabilities = np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 0.0]])
    with np.errstate(divide="ignore"):
        logits = np.log(probabilities).astype(np.float32)
    found = to_host(kr.categorical(logits, 50_000, seed=3))
    for row, expected in zip(found, probabilities, strict=True):
        counts = np.bincount(row, minlength=3)
        assert (counts[expected == 0] == 0).all()
        assert scipy.stats.chisquare(counts[expected > 0], 50_000 * expected[expected > 0]).pvalue > 1e-3
    assert kr.categorical(logits, 5, "uint8", seed=3).shape == (2, 5)


def test_rare_classes_are_drawn_as_rarely_as_they_should() -> None:
    found = to_host(kr.categorical([[0.0, -10.0]], 500_000, seed=4))
    assert abs(found.sum() - 22.7) < 4 * np.sqrt(22.7)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean(rate: float) -> None:
    found = to_host(kr.dropout(np.ones((500, 400), np.float32), rate, seed=3))
    kept = found != 0
    assert abs(kept.mean() - (1 - rate)) < 4 * np.sqrt(rate * (1 - rate) / found.size)
    np.testing.assert_allclose(found[kept], 1 / (1 - rate), rtol=1e-6)


def test_dropout_at_its_ends_and_with_a_noise_shape() -> None:
    x = np.ones((3, 4, 5), np.float32)
    np.testing.assert_array_equal(to_host(kr.dropout(x, 0.0)), x)
    np.testing.assert_array_equal(to_host(kr.dropout(x, 1.0)), 0 * x)
    found = to_host(kr.dropout(x, 0.5, noise_shape=(None, 1, 5), seed=1))
    np.testing.assert_array_equal(found, np.broadcast_to(found[:, :1], x.shape))
    assert {0.0, 2.0} == set(found.ravel())


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_shuffle_moves_whole_slices(axis: int) -> None:
    x = np.arange(60).reshape(5, 4, 3)
    found = np.moveaxis(to_host(kr.shuffle(x, axis, seed=7)), axis, 0)
    rows = np.moveaxis(x, axis, 0)
    assert sorted(found.tolist()) == sorted(rows.tolist())


def test_every_order_is_as_likely() -> None:
    orders = [tuple(to_host(kr.shuffle(np.arange(3), seed=seed)).tolist()) for seed in range(600)]
    counts = [orders.count(order) for order in set(orders)]
    assert len(counts) == 6 and scipy.stats.chisquare(counts).pvalue > 1e-3


# ---- intervals


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.05, 0.05), (1000.0, 1001.0), (-1.0, 0.0)])
def test_uniform_never_gives_its_upper_end(dtype: str, low: float, high: float) -> None:
    extreme = mechanism.convert(np.array([0, 2**32 - 1], np.uint32))
    values = to_host(draws.uniform(keratin.backends.primitives, extreme, low, high, dtype))
    start, end = (float(np.asarray(v, keratin.dtypes.numpy_dtype(dtype))) for v in (low, high))
    assert values[0] == start and (start <= values[1] < end or start == end == values[1])


def test_bounds_may_be_tensors() -> None:
    low, high = np.array([0.0, 10.0], np.float32), np.array([1.0, 20.0], np.float32)
    values = to_host(kr.uniform((1000, 2), low, high, seed=1))
    assert (values >= low).all() and (values < high).all() and values[:, 1].max() > 19
    assert abs(to_host(kr.normal((1000, 2), low, 0.1, seed=1)).mean(0) - low).max() < 0.02


# ---- the same numbers


def relative(found: Any, right: Any) -> float:
    """The largest difference in units of 2 ** -23 of the value."""
    return float(np.max(np.abs(found - right) / np.maximum(np.abs(right), 1e-30)) / 2**-23)


def test_uniform_of_host_and_device_are_equal() -> None:
    for low, high in ((0.0, 1.0), (-0.05, 0.05)):
        found = host.uniform((9, 0), (70_000,), low, high)
        scale = np.spacing(np.float32(max(abs(low), abs(high))))
        assert np.abs(found - to_host(kr.uniform((70_000,), low, high, seed=9))).max() <= 2 * scale


@pytest.mark.parametrize("name", ["normal", "truncated_normal"])
def test_normals_of_host_and_device_differ_in_the_last_digit_at_most(name: str) -> None:
    found = getattr(host, name)((9, 0), (70_000,), 0.0, 0.05)
    assert relative(found, to_host(getattr(kr, name)((70_000,), 0.0, 0.05, seed=9))) < 2.5


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_of_host_and_device(dtype: str) -> None:
    for name in ("uniform", "normal", "truncated_normal"):
        found = getattr(host, name)((9, 0), (1000,), dtype=dtype).astype(np.float32)
        np.testing.assert_allclose(
            to_host(getattr(kr, name)((1000,), dtype=dtype, seed=9)), found, rtol=1e-2, atol=1e-6
        )
        assert found.dtype == np.float32


def test_host_blocks_are_one_stream() -> None:
    whole = host.normal((3, 1), (100_000,))
    np.testing.assert_array_equal(host.normal((3, 1), (40_000,)), whole[:40_000])
    np.testing.assert_array_equal(host.normal((3, 1), (250, 400)).ravel(), whole)
    double = host.uniform((3, 1), (50_000,), dtype="float64")
    np.testing.assert_array_equal(host.uniform((3, 1), (33_000,), dtype="float64"), double[:33_000])
    assert scipy.stats.kstest(double, "uniform").statistic < 1.95 / np.sqrt(50_000)


def test_threefry_gives_the_published_words() -> None:
    """Known answers of Threefry-2x32 with 20 rounds from Random123, file kat_vectors."""
    ones, pi = np.uint32(0xFFFFFFFF), (0x13198A2E, 0x03707344, 0x243F6A88, 0x85A308D3)
    for key, counter, right in (
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((ones, ones), (ones, ones), (0x1CB996FC, 0xBB002BE7)),
        (pi[:2], pi[2:], (0xC4923A9C, 0x483DF7A0)),
    ):
        words = host.primitives.threefry(np.array(key, np.uint32), *(np.array([c], np.uint32) for c in counter))
        assert tuple(int(w[0]) for w in words) == right


def test_bits_of_the_backend_are_those_of_the_definition() -> None:
    bits = keratin.backends.primitives.random_bits(mechanism.convert(np.array([5, 6], np.uint32)), (37, 3))
    np.testing.assert_array_equal(to_host(bits), host.primitives.random_bits(np.array([5, 6], np.uint32), (37, 3)))


# ---- seeds


def test_an_integer_seed_repeats_and_a_generator_goes_on() -> None:
    np.testing.assert_array_equal(to_host(kr.normal((5,), seed=3)), to_host(kr.normal((5,), seed=3)))
    generator = kr.SeedGenerator(3)
    first, second = to_host(kr.normal((5,), seed=generator)), to_host(kr.normal((5,), seed=generator))
    np.testing.assert_array_equal(first, to_host(kr.normal((5,), seed=3)))
    assert not np.array_equal(first, second)


def test_the_global_seed_makes_draws_repeatable() -> None:
    found = []
    for _ in range(2):
        keratin.utils.set_random_seed(11)
        found.append([to_host(kr.uniform((3,))), to_host(kr.uniform((3,)))])
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0][0], found[0][1])


def test_seeds_are_checked() -> None:
    for seed in (-1, 2**32, 1.5, True, "a"):
        with pytest.raises(ArgumentError, match="seed"):
            kr.uniform((2,), seed=seed)
    assert to_host(key_of(np.int64(7))).tolist() == [7, 0]


# ---- symbolic


def test_shapes_without_values() -> None:
    generator = kr.SeedGenerator(3)
    with symbolic_mode():
        for draw in (kr.uniform, kr.normal, kr.truncated_normal):
            found = draw((None, 3), dtype="float16", seed=generator)
            assert (found.shape, found.dtype) == ((None, 3), "float16")
        found = kr.randint((None, 3), 0, 5, "uint8", seed=generator)
        assert (found.shape, found.dtype) == ((None, 3), "uint8")
    assert generator.state.numpy().tolist() == [3, 0]


def test_draws_in_graphs() -> None:
    x = KerasTensor((None, 4))
    assert kr.dropout(x, 0.5).shape == (None, 4)
    assert kr.dropout(x, 1.0).shape == (None, 4)
    assert kr.shuffle(x).shape == (None, 4)
    found = kr.categorical(x, 3)
    assert (found.shape, found.dtype) == ((None, 3), "int32")


@pytest.mark.trains
def test_draws_compile() -> None:
    key = mechanism.convert(np.array([3, 0], np.uint32))

    class Fixed:
        def next(self) -> Any:
            return key

    for draw in (
        lambda: kr.normal((50,), seed=Fixed()),
        lambda: kr.randint((50,), 0, 100, seed=Fixed()),
        lambda: kr.shuffle(np.arange(9), seed=Fixed()),
    ):
        compiled = select.current().jit(lambda draw=draw: draw())()
        np.testing.assert_allclose(to_host(compiled), to_host(draw()), rtol=3e-7)


@pytest.mark.trains
def test_the_gradient_of_dropout_is_its_mask() -> None:
    function = select.current().value_and_grad(lambda v: (ops.sum(kr.dropout(v[0], 0.5, seed=3)), []))
    gradient = to_host(function([mechanism.convert(np.ones(50, np.float32))])[1][0])
    np.testing.assert_array_equal(gradient, to_host(kr.dropout(np.ones(50, np.float32), 0.5, seed=3)))


# ---- messages


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(DtypeError, match="float dtypes(.|\n)*int32"):
        kr.uniform((2,), dtype="int32")
    with pytest.raises(DtypeError, match="integer dtype"):
        kr.randint((2,), 0, 3, dtype="float32")
    with pytest.raises(ArgumentError, match=r"maxval - minval"):
        kr.randint((2,), 3, 3)
    with pytest.raises(ArgumentError, match="`maxval` must be an integer"):
        kr.randint((2,), 0, 2.5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="finite"):
        kr.uniform((2,), 0.0, float("inf"))
    with pytest.raises(ArgumentError, match="0 <= rate <= 1"):
        kr.dropout(np.ones(3), 1.5)
    with pytest.raises(ShapeError, match="noise_shape"):
        kr.dropout(np.ones((2, 3)), 0.5, noise_shape=(2,))
    with pytest.raises(ShapeError, match="batch of logits"):
        kr.categorical(np.ones(3), 2)
    with pytest.raises(AxisError):
        kr.shuffle(np.ones(3), axis=1)
