"""Initializers: published variances, orthogonality, seeds, names, and data for files."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import scipy.stats

from keratin import initializers, registry
from keratin.errors import ArgumentError, ConfigError, DtypeError, ShapeError, StateError
from keratin.initializers.chance import fans
from keratin.ops import mechanism
from keratin.random import SeedGenerator
from keratin.testing.arrays import host

KERNELS = {
    "dense": ((300, 200), {}, (300, 200)),
    "conv1d": ((5, 60, 40), {}, (300, 200)),
    "conv2d": ((3, 3, 40, 60), {}, (360, 540)),
    "conv3d": ((2, 3, 2, 20, 30), {}, (240, 360)),
    "depthwise": ((5, 5, 200, 2), {"input_axes": (0, 1), "output_axes": (0, 1, 3)}, (25, 50)),
    "transposed": ((3, 3, 60, 40), {"input_axes": (0, 1, 3), "output_axes": (0, 1, 2)}, (360, 540)),
    "heads": ((100, 8, 40), {"input_axes": (0,), "output_axes": (1, 2)}, (100, 320)),
    "bias": ((50_000,), {}, (50_000, 50_000)),
}
PUBLISHED = {
    "GlorotUniform": lambda n, m: 2 / (n + m),
    "GlorotNormal": lambda n, m: 2 / (n + m),
    "HeUniform": lambda n, m: 2 / n,
    "HeNormal": lambda n, m: 2 / n,
    "LecunUniform": lambda n, m: 1 / n,
    "LecunNormal": lambda n, m: 1 / n,
}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_variance(name: str, kernel: str) -> None:
    shape, axes, (inputs, outputs) = KERNELS[kernel]
    assert fans(shape, **axes) == (inputs, outputs)
    values = host(getattr(initializers, name)(seed=3, **axes)(shape)).astype(np.float64)
    variance = PUBLISHED[name](inputs, outputs)
    assert abs(values.mean()) < 4 * np.sqrt(variance / values.size)
    assert abs(values.var() / variance - 1) < 4 * np.sqrt(2 / values.size)
    limit = np.sqrt(3 * variance) if "Uniform" in name else 2 * np.sqrt(variance) / 0.87962566103423978
    assert limit * 0.999 < np.abs(values).max() <= limit * (1 + 1e-6)


@pytest.mark.parametrize("distribution", ["uniform", "truncated_normal", "untruncated_normal"])
@pytest.mark.parametrize(("mode", "count"), [("fan_in", 300), ("fan_out", 200), ("fan_avg", 250)])
def test_variance_scaling(mode: str, count: int, distribution: str) -> None:
    values = host(initializers.VarianceScaling(3.0, mode, distribution, seed=1)((300, 200))).ravel().astype(np.float64)
    stddev = np.sqrt(3.0 / count)
    exact: Any = {
        "uniform": scipy.stats.uniform(-np.sqrt(3) * stddev, 2 * np.sqrt(3) * stddev),
        "truncated_normal": scipy.stats.truncnorm(-2, 2, 0, stddev / 0.87962566103423978),
        "untruncated_normal": scipy.stats.norm(0, stddev),
    }[distribution]
    assert scipy.stats.kstest(values, exact.cdf).statistic < 1.95 / np.sqrt(values.size)


@pytest.mark.parametrize(
    ("initializer", "distribution"),
    [
        (initializers.RandomUniform(seed=2), scipy.stats.uniform(-0.05, 0.1)),
        (initializers.RandomUniform(1.0, 4.0, seed=2), scipy.stats.uniform(1, 3)),
        (initializers.RandomNormal(seed=2), scipy.stats.norm(0, 0.05)),
        (initializers.RandomNormal(1.0, 2.0, seed=2), scipy.stats.norm(1, 2)),
        (initializers.TruncatedNormal(seed=2), scipy.stats.truncnorm(-2, 2, 0, 0.05)),
        (initializers.TruncatedNormal(1.0, 2.0, seed=2), scipy.stats.truncnorm(-2, 2, 1, 2)),
    ],
)
def test_distribution(initializer: Any, distribution: Any) -> None:
    values = host(initializer((100_000,))).astype(np.float64)
    assert scipy.stats.kstest(values, distribution.cdf).statistic < 1.95 / np.sqrt(values.size)


@pytest.mark.parametrize("shape", [(6, 6), (8, 3), (3, 8), (2, 3, 4), (3, 2, 10)])
@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_orthogonal(shape: tuple[int, ...], gain: float) -> None:
    matrix = host(initializers.Orthogonal(gain, seed=4)(shape)).reshape(-1, shape[-1])
    product = matrix @ matrix.T if matrix.shape[0] < matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, gain**2 * np.eye(len(product)), atol=1e-6)


def test_orthogonal_matrices_are_spread_evenly() -> None:
    angles = [np.arctan2(*host(initializers.Orthogonal(seed=seed)((2, 2)))[:, 0]) for seed in range(800)]
    assert scipy.stats.kstest(angles, scipy.stats.uniform(-np.pi, 2 * np.pi).cdf).statistic < 1.95 / np.sqrt(800)


def test_constants() -> None:
    np.testing.assert_array_equal(host(initializers.Zeros()((2, 3))), np.zeros((2, 3)))
    np.testing.assert_array_equal(host(initializers.Ones()((2, 3), "int32")), np.ones((2, 3)))
    np.testing.assert_array_equal(host(initializers.Constant(2.5)((2, 3))), np.full((2, 3), 2.5))
    np.testing.assert_array_equal(host(initializers.Constant([1, 2, 3])((2, 3))), [[1, 2, 3], [1, 2, 3]])
    np.testing.assert_array_equal(host(initializers.Identity(2.0)((2, 3))), [[2, 0, 0], [0, 2, 0]])
    for dtype in ("bool", "int32", "bfloat16", "float32"):
        assert mechanism.dtype_of(initializers.Ones()((2,), dtype)) == dtype
    for dtype in ("float16", "bfloat16"):
        assert mechanism.dtype_of(initializers.GlorotUniform()((2, 2), dtype)) == dtype


def test_host_and_tensor_are_the_same_values() -> None:
    for name in ("GlorotUniform", "HeNormal", "RandomNormal", "Orthogonal"):
        initializer = getattr(initializers, name)(seed=5)
        array = initializer.host((20, 30), "float32")
        assert type(array) is np.ndarray and array.dtype == np.float32
        np.testing.assert_array_equal(array, host(initializer((20, 30))))


# ---- seeds


def test_one_object_gives_the_same_values_in_every_call() -> None:
    for seed in (None, 7):
        initializer = initializers.GlorotUniform(seed=seed)
        np.testing.assert_array_equal(host(initializer((3, 4))), host(initializer((3, 4))))


def test_without_a_seed_objects_differ_and_pythons_random_decides() -> None:
    values = []
    for _ in range(2):
        random.seed(5)
        first, second = initializers.get("glorot_uniform"), initializers.get("glorot_uniform")
        assert not np.array_equal(host(first((3, 4))), host(second((3, 4))))
        values.append(host(first((3, 4))))
    np.testing.assert_array_equal(values[0], values[1])


def test_a_generator_gives_new_values_in_every_call() -> None:
    initializer = initializers.RandomNormal(seed=SeedGenerator(3))
    first = host(initializer((4,)))
    assert not np.array_equal(first, host(initializer((4,))))
    np.testing.assert_array_equal(first, host(initializers.RandomNormal(seed=3)((4,))))


def test_a_clone_has_the_same_configuration_and_its_own_seed() -> None:
    initializer = initializers.HeNormal()
    assert (
        initializer.clone().get_config()
        == initializer.get_config()
        == {"seed": None, "input_axes": None, "output_axes": None}
    )
    assert not np.array_equal(host(initializer.clone()((3, 4))), host(initializer((3, 4))))
    seeded = initializers.HeNormal(seed=3)
    np.testing.assert_array_equal(host(seeded.clone()((3, 4))), host(seeded((3, 4))))


# ---- names and data

CONFIGS = [
    (initializers.Zeros(), {}),
    (initializers.Constant(2.0), {"value": 2.0}),
    (initializers.Identity(3.0), {"gain": 3.0}),
    (initializers.RandomUniform(seed=1), {"minval": -0.05, "maxval": 0.05, "seed": 1}),
    (initializers.TruncatedNormal(1.0, 2.0), {"mean": 1.0, "stddev": 2.0, "seed": None}),
    (initializers.GlorotUniform(), {"seed": None, "input_axes": None, "output_axes": None}),
    (
        initializers.VarianceScaling(2.0, "fan_out", "uniform", 3, (0,), (1,)),
        {"scale": 2.0, "mode": "fan_out", "distribution": "uniform", "seed": 3, "input_axes": [0], "output_axes": [1]},
    ),
    (initializers.Orthogonal(2.0, seed=1), {"gain": 2.0, "seed": 1}),
]


@pytest.mark.parametrize(("initializer", "config"), CONFIGS, ids=[type(i).__name__ for i, _ in CONFIGS])
def test_there_and_back(initializer: Any, config: dict[str, Any]) -> None:
    assert initializer.get_config() == config
    data = initializers.serialize(initializer)
    assert (
        data["module"] == "keras.initializers"
        and data["class_name"] == type(initializer).__name__
        and data["registered_name"] is None
    )
    copy = initializers.deserialize(data)
    assert type(copy) is type(initializer) and copy.get_config() == config


def test_a_generator_and_an_array_go_into_files() -> None:
    data = initializers.serialize(initializers.RandomNormal(seed=SeedGenerator(3, name="mine")))
    assert data["config"]["seed"]["class_name"] == "SeedGenerator"
    np.testing.assert_array_equal(
        host(initializers.deserialize(data)((3,))), host(initializers.RandomNormal(seed=SeedGenerator(3))((3,)))
    )
    data = initializers.serialize(initializers.Constant(np.array([1.0, 2.0])))
    np.testing.assert_array_equal(host(initializers.deserialize(data)((2,))), [1, 2])


def test_keras_reads_what_is_written_here() -> None:
    keras = pytest.importorskip("keras")
    for initializer, _ in CONFIGS:
        copy = keras.initializers.deserialize(initializers.serialize(initializer))
        if type(initializer) is initializers.Identity:
            assert copy.gain == 3.0  # Keras does not write it
            continue
        assert type(copy).__name__ == type(initializer).__name__
        assert initializers.deserialize(keras.initializers.serialize(copy)).get_config() == initializer.get_config()


def test_fans_are_keras() -> None:
    keras = pytest.importorskip("keras")
    for shape, axes, _ in KERNELS.values():
        theirs = np.abs(keras.initializers.VarianceScaling(1.0, "fan_out", "uniform", 1, **axes)(shape)).max()
        ours = np.abs(host(initializers.VarianceScaling(1.0, "fan_out", "uniform", 1, **axes)(shape))).max()
        np.testing.assert_allclose(ours, theirs, rtol=2e-3)


def test_names() -> None:
    for name in initializers.__all__:
        if name in ("get", "serialize", "deserialize", "Initializer"):
            continue
        assert type(initializers.get(name)) is getattr(initializers, name)
    assert initializers.get(None) is None
    assert type(initializers.get(initializers.Ones)) is initializers.Ones
    assert type(initializers.get("one")) is initializers.Ones
    assert type(initializers.get({"class_name": "HeNormal", "config": {"seed": 2}})) is initializers.HeNormal
    with pytest.raises(ConfigError, match=r"'glorot_uniform'(.|\n)*Received: glorot_unifrom"):
        initializers.get("glorot_unifrom")
    with pytest.raises(ConfigError, match="initializer"):
        initializers.get(3)


# ---- one's own


def test_ones_own_by_host_by_call_and_by_function() -> None:
    class ByHost(initializers.Initializer):
        def host(self, shape: Any, dtype: str) -> Any:
            return np.full(shape, 3, dtype)

    class ByCall(initializers.Initializer):
        def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
            return initializers.Constant(3)(shape, dtype)

    for initializer in (ByHost(), ByCall()):
        np.testing.assert_array_equal(host(initializer((2,))), [3, 3])
        np.testing.assert_array_equal(initializer.host((2,), "float32"), [3, 3])

    def three(shape: Any, dtype: Any = None) -> Any:
        return np.full(shape, 3, dtype)

    assert initializers.get(three) is three
    with pytest.raises(StateError, match="Initializer"):
        initializers.Initializer()((2,))
    with registry.custom_object_scope({"ByHost": ByHost}):
        assert type(initializers.get("ByHost")) is ByHost


# ---- messages


def test_what_is_refused() -> None:
    for seed in (-1, 1.5, "a"):
        with pytest.raises(ArgumentError, match="seed"):
            initializers.RandomNormal(seed=seed)
    with pytest.raises(ArgumentError, match="`scale`"):
        initializers.VarianceScaling(0.0)
    with pytest.raises(ArgumentError, match="fan_in or fan_out or fan_avg(.|\n)*fan"):
        initializers.VarianceScaling(1.0, "fan")
    with pytest.raises(ArgumentError, match="`distribution`"):
        initializers.VarianceScaling(1.0, distribution="gumbel")
    with pytest.raises(ShapeError, match="two axes"):
        initializers.Identity()((2, 3, 4))
    with pytest.raises(ShapeError, match="two axes or more"):
        initializers.Orthogonal()((3,))
    with pytest.raises(ShapeError, match=r"Expected: \(2, 2\)"):
        initializers.Constant([1, 2, 3])((2, 2))
    with pytest.raises(ShapeError, match="unknown sizes"):
        initializers.Zeros()((None, 2))
    with pytest.raises(DtypeError, match="RandomUniform"):
        initializers.RandomUniform()((2,), "int32")
