"""Layers that draw random numbers: rates, moments, seeds, and that inference draws nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import keratin
from keratin import layers, ops, registry
from keratin.state.seed import SeedGenerator
from keratin.testing.layers.checks import close

ONES = np.ones((100, 100), "float32")
MAKERS = [
    lambda **kw: layers.Dropout(0.3, **kw),
    lambda **kw: layers.AlphaDropout(0.3, **kw),
    lambda **kw: layers.GaussianNoise(0.3, **kw),
    lambda **kw: layers.GaussianDropout(0.3, **kw),
]
each = pytest.mark.parametrize("make", MAKERS, ids=["Dropout", "AlphaDropout", "GaussianNoise", "GaussianDropout"])


def draw(layer: Any, x: Any = ONES) -> np.ndarray[Any, Any]:
    return np.asarray(layer(x, training=True))


@each
def test_seeds(make: Any) -> None:
    first, second = make(seed=5), make(seed=5)
    one, two = draw(first), draw(first)
    assert np.array_equal(draw(second), one) and np.array_equal(draw(second), two)
    assert not np.array_equal(one, two)  # each call draws anew
    assert not np.array_equal(draw(make(seed=6)), one)
    assert not np.array_equal(draw(make()), draw(make()))  # without a seed, each layer has its own
    assert first.seed == 5 and make().seed is None
    assert isinstance(first.seed_generator, SeedGenerator)
    assert first.variables == [first.seed_generator.state] and first.weights == []


@each
def test_global_seed_decides_where_no_seed_is_given(make: Any) -> None:
    results = []
    for _ in range(2):
        keratin.utils.set_random_seed(3)
        results.append(draw(make()))
    assert np.array_equal(*results)


@each
def test_inference_draws_nothing(make: Any) -> None:
    layer = make(seed=5)
    state = layer.seed_generator.state.numpy()
    assert np.asarray(layer(ONES)).tolist() == ONES.tolist()
    assert np.array_equal(layer.seed_generator.state.numpy(), state)
    draw(layer)
    assert not np.array_equal(layer.seed_generator.state.numpy(), state)


@each
def test_compiled_equals_eager(make: Any) -> None:
    eager, compiled = make(seed=5), make(seed=5)
    run = keratin.jit(lambda x: compiled(x, training=True))
    for _ in range(3):
        close(run(ONES), draw(eager), 1e-6)
    assert run.traces == 1


@each
def test_half_precision_keeps_its_dtype(make: Any) -> None:
    layer = make(seed=5, dtype="mixed_bfloat16")
    assert ops.dtype(layer(ONES, training=True)) == "bfloat16"


def test_dropout_keeps_the_mean() -> None:
    y = draw(layers.Dropout(0.3, seed=1))
    assert set(np.unique(y).tolist()) == {0.0, float(np.float32(1 / 0.7))}
    assert abs((y == 0).mean() - 0.3) < 0.02 and abs(y.mean() - 1) < 0.02
    assert draw(layers.Dropout(1.0)).max() == 0


def test_noise_shape_shares_the_choice() -> None:
    y = draw(layers.Dropout(0.5, noise_shape=(None, 1), seed=1))
    assert (y == y[:, :1]).all() and 0 < (y[:, 0] == 0).sum() < 100


@pytest.mark.parametrize(
    ("layer", "shape", "shared"),
    [
        (layers.SpatialDropout1D(0.5, seed=1), (8, 5, 20), (1,)),
        (layers.SpatialDropout2D(0.5, seed=1), (8, 5, 6, 20), (1, 2)),
        (layers.SpatialDropout2D(0.5, seed=1, data_format="channels_first"), (8, 20, 5, 6), (2, 3)),
        (layers.SpatialDropout3D(0.5, seed=1), (8, 3, 4, 2, 20), (1, 2, 3)),
    ],
)
def test_spatial_dropout_takes_whole_channels(layer: Any, shape: Any, shared: Any) -> None:
    y = draw(layer, np.ones(shape, "float32"))
    assert (y.max(shared) == y.min(shared)).all()
    assert 0.3 < (y == 0).mean() < 0.7


def test_noise_has_its_moments() -> None:
    y = draw(layers.GaussianNoise(0.5, seed=1))
    assert abs(y.mean() - 1) < 0.02 and abs(y.std() - 0.5) < 0.02
    y = draw(layers.GaussianDropout(0.2, seed=1), ONES * 2)
    assert abs(y.mean() - 2) < 0.03 and abs(y.std() - 1) < 0.03


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = np.random.default_rng(0).normal(size=(300, 300)).astype("float32")
    y = draw(layers.AlphaDropout(0.3, seed=1), x)
    assert abs(y.mean()) < 0.02 and abs(y.std() - 1) < 0.02


def test_the_seed_is_in_the_configuration() -> None:
    layer = layers.Dropout(0.3, seed=5, noise_shape=(None, 1))
    config = layer.get_config()
    assert config["seed"] == 5 and config["rate"] == 0.3 and config["noise_shape"] == [None, 1]
    assert np.array_equal(draw(registry.deserialize(registry.serialize(layer))), draw(layer))
    assert layers.SpatialDropout1D(0.3).get_config().keys() == {"name", "rate", "seed", "dtype"}
