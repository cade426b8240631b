"""`FlaxLayer`: what it computes, trains, keeps and saves, and files of Keras's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np
import pytest

import keratin
from keratin import layers, saving
from keratin.errors import ArgumentError, ConfigError

linen: Any = pytest.importorskip("flax.linen", reason="flax is not installed")
pytestmark = pytest.mark.skipif(keratin.backend.backend() != "jax", reason="FlaxLayer needs the JAX backend")


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


@saving.register_keras_serializable("test_flax_layer")
class Block(linen.Module):
    units: int = 4
    rate: float = 0.5

    @linen.compact
    def __call__(self, x: Any, training: bool = False) -> Any:
        x = linen.Dense(self.units)(x)
        x = linen.BatchNorm(use_running_average=not training, momentum=0.9)(x)
        return linen.Dropout(self.rate, deterministic=not training)(x)

    @linen.compact
    def double(self, x: Any) -> Any:
        return 2 * linen.Dense(self.units)(x)

    def get_config(self) -> dict[str, Any]:
        return {"units": self.units, "rate": self.rate}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


class Plain(linen.Module):
    units: int = 2

    @linen.compact
    def __call__(self, x: Any, *, train: bool) -> Any:
        return linen.Dropout(0.5, deterministic=not train)(linen.Dense(self.units)(x))


class TestFlaxLayer:
    def test_variables_and_paths(self) -> None:
        layer = layers.FlaxLayer(Block(5), name="b")
        assert layer(keratin.Input((3,))).shape == (None, 5)
        assert [v.path for v in layer.trainable_variables] == [
            "b/BatchNorm_0/bias", "b/BatchNorm_0/scale", "b/Dense_0/bias", "b/Dense_0/kernel",
        ]  # fmt: skip
        assert [v.path for v in layer.non_trainable_weights] == [
            "b/batch_stats/BatchNorm_0/mean", "b/batch_stats/BatchNorm_0/var",
        ]  # fmt: skip

    def test_it_computes_what_the_module_does(self) -> None:
        module, x = Block(4), np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
        variables = module.init(jax.random.key(0), x)
        layer = layers.FlaxLayer(module, variables=variables)
        np.testing.assert_allclose(np.asarray(layer(x)), module.apply(variables, x), rtol=1e-6)
        outputs = np.asarray(layer(x, training=True))
        assert 0 < (outputs == 0).mean() < 1  # dropped out
        _, updated = module.apply(
            variables, x, training=True, mutable=["batch_stats"], rngs={"dropout": jax.random.key(0)}
        )
        mean = layer.state["batch_stats"]["BatchNorm_0"]["mean"].numpy()
        np.testing.assert_allclose(mean, updated["batch_stats"]["BatchNorm_0"]["mean"], rtol=1e-5)
        assert not np.array_equal(outputs, np.asarray(layer(x, training=True)))  # another key

    def test_methods_and_names_of_the_mode(self) -> None:
        x = ones(2, 3)
        for method in ("double", Block.double, lambda module, x: module.double(x)):
            assert layers.FlaxLayer(Block(4), method=method)(x).shape == (2, 4)
        plain = layers.FlaxLayer(Plain())
        assert (np.asarray(plain(x)) != 0).all() and (np.asarray(plain(np.ones((64, 3)), training=True)) == 0).any()
        attention = layers.FlaxLayer(linen.MultiHeadDotProductAttention(num_heads=2, dropout_rate=0.5))
        assert attention(ones(2, 5, 4), training=True).shape == (2, 5, 4)
        assert np.array_equal(attention(ones(2, 5, 4)), attention(ones(2, 5, 4)))

    def test_it_learns_and_comes_back(self, tmp_path: Path) -> None:
        x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
        y = x.sum(1, keepdims=True)
        model = keratin.Sequential([keratin.Input((3,)), layers.FlaxLayer(Block(8, 0.1)), layers.Dense(1)])
        model.compile(keratin.optimizers.Adam(0.02), "mse")
        history = model.fit(x, y, batch_size=16, epochs=20, verbose=0).history["loss"]
        assert history[-1] < 0.5 * history[0]
        model.save(tmp_path / "model.keras")
        loaded = saving.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
        assert loaded.layers[0].module == Block(8, 0.1)

    def test_config(self) -> None:
        config = layers.FlaxLayer(Block(3), method=Block.double).get_config()
        assert config["method"] == "double" and config["module"]["registered_name"] == "test_flax_layer>Block"
        assert not {"call_fn", "init_fn", "params", "state"} & config.keys()
        twin = layers.FlaxLayer.from_config(config)
        assert twin.module == Block(3) and twin.method == "double"

    def test_a_module_without_config_is_saved_by_its_fields(self) -> None:
        data = layers.serialize(layers.FlaxLayer(Plain(7)))
        assert data["config"]["module"]["config"] == {"units": 7}
        with pytest.raises(ConfigError, match="registered"):
            layers.deserialize(data)
        assert layers.deserialize(data, custom_objects={"Plain": Plain}).module == Plain(7)
        with pytest.raises(ConfigError, match="get_config"):
            layers.FlaxLayer(linen.Sequential([linen.Dense(3)])).get_config()

    def test_a_file_of_keras_is_read(self, tmp_path: Path) -> None:
        pytest.importorskip("tensorflow", reason="Keras imports it for its FlaxLayer")
        keras.saving.register_keras_serializable("test_flax_layer")(Block)
        theirs = keras.Sequential([keras.Input((3,)), keras.layers.FlaxLayer(Block(5))])
        theirs.save(tmp_path / "theirs.keras")
        ours = saving.load_model(tmp_path / "theirs.keras")
        x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
        np.testing.assert_allclose(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-5)

    def test_bad_arguments(self) -> None:
        for wrong in (3, np.sin, Block):
            with pytest.raises(ArgumentError, match="linen"):
                layers.FlaxLayer(wrong)
        with pytest.raises(ArgumentError, match="triple"):
            layers.FlaxLayer(Block(), method="triple")
