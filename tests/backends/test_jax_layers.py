"""`JaxLayer`: what it computes, trains, keeps and saves, and files of Keras's own."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import keratin
from keratin import layers, saving
from keratin.errors import ArgumentError, ConfigError, ShapeError

pytestmark = pytest.mark.skipif(keratin.backend.backend() != "jax", reason="JaxLayer needs the JAX backend")


@saving.register_keras_serializable("test_jax_layers")
def make_affine(rng: Any, inputs: Any) -> Any:
    kernel = jax.random.normal(rng, (inputs.shape[-1], 2), inputs.dtype)
    return {"kernel": kernel, "more": [jnp.zeros(2), {"scale": np.ones((), np.float32)}]}


@saving.register_keras_serializable("test_jax_layers")
def affine(params: Any, inputs: Any) -> Any:
    bias, rest = params["more"]
    return (inputs @ params["kernel"] + bias) * rest["scale"]


def make_counting(inputs: Any) -> Any:
    return jnp.ones(()), {"calls": jnp.zeros((), jnp.int32), "mean": jnp.zeros(inputs.shape[-1])}


@saving.register_keras_serializable("test_jax_layers")
def counting(params: Any, state: Any, inputs: Any, training: bool) -> Any:
    if not training:
        return (inputs - state["mean"]) * params, state
    mean = 0.5 * state["mean"] + 0.5 * inputs.mean(0)
    return (inputs - mean) * params, {"calls": state["calls"] + 1, "mean": mean}


saving.register_keras_serializable("test_jax_layers")(make_counting)


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


class TestJaxLayer:
    def test_leaves_are_variables_named_by_their_place(self) -> None:
        layer = layers.JaxLayer(affine, make_affine, name="a")
        assert layer.weights == [] and layer.params is None
        assert layer(ones(4, 3)).shape == (4, 2)
        assert [v.path for v in layer.weights] == ["a/kernel", "a/more/0", "a/more/1/scale"]
        assert all(v.trainable for v in layer.weights) and layer.non_trainable_variables == []
        assert layer.params["more"][1]["scale"] is layer.weights[2]
        layer.params["more"][1]["scale"].assign(2.0)
        expected = 2 * (ones(4, 3) @ layer.get_weights()[0])
        np.testing.assert_allclose(np.asarray(layer(ones(4, 3))), expected, rtol=1e-5)

    def test_paths_hold_the_layers_around(self) -> None:
        class Outer(layers.Layer):
            def __init__(self) -> None:
                super().__init__(name="outer")
                self.inner = layers.JaxLayer(affine, make_affine, name="inner")

            def call(self, x: Any) -> Any:
                return self.inner(x)

        layer = Outer()
        layer(ones(1, 3))
        assert layer.weights[0].path == "outer/inner/kernel"
        assert len(layer.trainable_variables) == 3

    def test_the_same_seed_makes_the_same_parameters(self) -> None:
        first, second, other = (layers.JaxLayer(affine, make_affine, seed=seed) for seed in (1, 1, 2))
        for layer in (first, second, other):
            layer(ones(1, 3))
        np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])
        assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])

    def test_given_parameters_are_copied(self) -> None:
        given = {"w": jnp.full((3,), 2.0)}
        layer = layers.JaxLayer(lambda params, inputs: inputs * params["w"], params=given)
        model = keratin.Sequential([keratin.Input((3,)), layer])
        model.compile("sgd", "mse")
        model.fit(ones(8, 3), ones(8, 3), verbose=0)
        assert not np.array_equal(layer.get_weights()[0], np.full(3, 2.0))
        np.testing.assert_array_equal(np.asarray(given["w"]), np.full(3, 2.0))  # neither changed nor donated

    def test_integers_are_not_trained_and_other_leaves_stay(self) -> None:
        def call(params: Any, inputs: Any) -> Any:
            assert params["kind"] == "sum" and params["none"] is None
            return inputs + params["shift"] * params["rate"]

        layer = layers.JaxLayer(call, params={"kind": "sum", "none": None, "shift": 3, "rate": 0.5})
        assert np.asarray(layer(ones(1, 2))).tolist() == [[2.5, 2.5]]
        assert [v.name for v in layer.trainable_weights] == ["rate"]
        assert [(v.name, v.dtype) for v in layer.non_trainable_weights] == [("shift", "int32")]

    def test_state_is_kept(self) -> None:
        layer = layers.JaxLayer(counting, make_counting, name="c")
        x = 4 * ones(2, 3)
        assert np.asarray(layer(x)).tolist() == (4 * ones(2, 3)).tolist()
        assert int(layer.state["calls"]) == 0
        assert np.asarray(layer(x, training=True)).tolist() == (2 * ones(2, 3)).tolist()
        assert int(layer.state["calls"]) == 1
        assert [v.path for v in layer.weights] == ["c/params", "c/state/calls", "c/state/mean"]
        assert [v.path for v in layer.trainable_variables] == ["c/params"]

    def test_state_through_fit_is_that_of_a_loop(self) -> None:
        x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
        model = keratin.Sequential([keratin.Input((3,)), layers.JaxLayer(counting, make_counting)])
        model.compile(keratin.optimizers.SGD(0.0), "mse")
        model.fit(x, x, batch_size=2, epochs=2, shuffle=False, verbose=0)
        mean = np.zeros(3)
        for start in (0, 2, 4) * 2:
            mean = 0.5 * mean + 0.5 * x[start : start + 2].mean(0)
        state = model.layers[-1].state
        assert int(state["calls"]) == 6
        np.testing.assert_allclose(state["mean"].numpy(), mean, rtol=1e-5)
        model.evaluate(x, x, verbose=0)
        model.predict(x, verbose=0)
        assert int(state["calls"]) == 6

    def test_gradients_are_those_of_the_function(self) -> None:
        layer = layers.JaxLayer(affine, make_affine, seed=0)
        x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
        layer(x)
        values = [v.value for v in layer.trainable_variables]

        def loss(values: Any) -> Any:
            outputs, _ = layer.stateless_call(values, [], x)
            return (outputs**2).sum()

        def by_hand(values: Any) -> Any:
            return (affine({"kernel": values[0], "more": [values[1], {"scale": values[2]}]}, x) ** 2).sum()

        for ours, expected in zip(jax.grad(loss)(values), jax.grad(by_hand)(values), strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-5)

    def test_it_learns(self) -> None:
        x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
        y = x @ np.array([[1.0, 2.0], [0.0, 1.0], [3.0, -1.0]], np.float32) + 1
        model = keratin.Sequential([keratin.Input((3,)), layers.JaxLayer(affine, make_affine)])
        model.compile(keratin.optimizers.Adam(0.1), "mse")
        history = model.fit(x, y, epochs=60, verbose=0).history["loss"]
        assert history[-1] < 1e-2 < history[0]

    def test_a_key_comes_while_training_only(self) -> None:
        def noisy(rng: Any, inputs: Any, training: bool) -> Any:
            assert (rng is not None) is training
            return inputs + jax.random.normal(rng, inputs.shape) if training else inputs

        layer = layers.JaxLayer(noisy, seed=7)
        x = ones(2, 2)
        np.testing.assert_array_equal(np.asarray(layer(x)), x)
        first, second = (np.asarray(layer(x, training=True)) for _ in range(2))
        assert not np.array_equal(first, second)
        again = layers.JaxLayer(noisy, seed=7)
        np.testing.assert_array_equal(np.asarray(again(x, training=True)), first)

    @pytest.mark.parametrize("shape", [(None, 3), (4, 3), (None, None, 3)])
    def test_shapes_are_known_before_values(self, shape: tuple[int | None, ...]) -> None:
        layer = layers.JaxLayer(affine, make_affine)
        output = layer(keratin.Input(batch_shape=shape))
        assert output.shape == (*shape[:-1], 2) and output.dtype == "float32"
        assert layers.JaxLayer(affine, make_affine).compute_output_shape(shape) == (*shape[:-1], 2)

    def test_nests_in_and_out(self) -> None:
        def call(params: Any, inputs: Any) -> Any:
            return {"sum": inputs["a"] + inputs["b"] * params, "product": inputs["a"].mean(0)}

        def init(inputs: Any) -> Any:
            return jnp.ones(inputs["b"].shape[1:])

        a, b = keratin.Input((3,)), keratin.Input((3,))
        layer = layers.JaxLayer(call, init)
        outputs = layer({"a": a, "b": b})
        assert outputs["sum"].shape == (None, 3) and outputs["product"].shape == (3,)
        model = keratin.Model([a, b], outputs["sum"])
        assert model.predict([ones(2, 3), ones(2, 3)], verbose=0).tolist() == (2 * ones(2, 3)).tolist()

    def test_integer_inputs_reach_init_as_integers(self) -> None:
        def init(inputs: Any) -> Any:
            assert inputs.dtype == jnp.int32
            return jnp.arange(10.0)

        layer = layers.JaxLayer(lambda params, inputs: params[inputs], init)
        assert np.asarray(layer(np.array([[3, 1]], np.int32))).tolist() == [[3.0, 1.0]]

    def test_half_precision_keeps_variables_and_state_whole(self) -> None:
        layer = layers.JaxLayer(counting, make_counting, dtype="mixed_bfloat16")
        layer(ones(2, 3), training=True)
        assert [v.dtype for v in layer.weights] == ["float32", "int32", "float32"]
        affine_layer = layers.JaxLayer(affine, make_affine, dtype="mixed_bfloat16")
        assert affine_layer(keratin.Input((3,))).dtype == "bfloat16"
        assert affine_layer(ones(1, 3)).dtype == jnp.bfloat16

    def test_jitted_and_partial_functions(self) -> None:
        x = ones(2, 3)
        jitted = jax.jit(lambda params, inputs, training: inputs * params, static_argnames="training")
        assert layers.JaxLayer(jitted, params=jnp.full((), 3.0))(x).shape == (2, 3)
        assert layers.JaxLayer(functools.partial(jnp_scale, 2.0))(x).tolist() == (2 * x).tolist()

    def test_a_layer_that_is_frozen_keeps_its_parameters(self) -> None:
        model = keratin.Sequential([keratin.Input((3,)), layers.JaxLayer(affine, make_affine, trainable=False)])
        assert model.trainable_variables == []
        model.layers[-1].trainable = True
        assert len(model.trainable_variables) == 3

    def test_bad_functions(self) -> None:
        for arguments, words in [
            ({"call_fn": affine}, "init_fn"),
            ({"call_fn": lambda x: x}, "x"),
            ({"call_fn": lambda inputs, scale=2: inputs}, "scale"),
            ({"call_fn": lambda *inputs: inputs}, "inputs"),
            ({"call_fn": lambda inputs, **training: inputs}, "training"),
            ({"call_fn": lambda params: params, "params": 1.0}, "inputs"),
            ({"call_fn": affine, "init_fn": lambda key, inputs: key}, "key"),
            ({"call_fn": affine, "init_fn": lambda rng: rng}, "inputs"),
        ]:
            with pytest.raises(ArgumentError, match=words):
                layers.JaxLayer(**arguments)

    def test_bad_results(self) -> None:
        with pytest.raises(ArgumentError, match=r"\(params, state\)"):
            layers.JaxLayer(counting, lambda inputs: jnp.ones(()))(ones(1, 2))
        with pytest.raises(ArgumentError, match=r"\(outputs, state\)"):
            layers.JaxLayer(lambda state, inputs: inputs, state=jnp.ones(()))(ones(1, 2))
        with pytest.raises(ShapeError, match="structure"):
            layers.JaxLayer(lambda state, inputs: (inputs, (state,)), state=jnp.ones(()))(ones(1, 2))
        with pytest.raises(ShapeError, match="shape"):
            layers.JaxLayer(lambda state, inputs: (inputs, jnp.ones(3)), state=jnp.ones(2))(ones(1, 2))


def jnp_scale(factor: float, inputs: Any) -> Any:
    return inputs * factor


class TestFilesOfJaxLayer:
    def test_config(self) -> None:
        layer = layers.JaxLayer(affine, make_affine, seed=3, name="a")
        config = layer.get_config()
        assert config["call_fn"]["registered_name"] == "test_jax_layers>affine" and config["seed"] == 3
        data = layers.serialize(layer)
        assert data["module"] == "keras.layers" and data["registered_name"] is None
        twin = layers.deserialize(data)
        assert twin.call_fn is affine and twin.init_fn is make_affine and twin.seed == 3

    def test_lambdas_have_no_name(self) -> None:
        with pytest.raises(ConfigError, match="lambda"):
            layers.JaxLayer(lambda inputs: inputs).get_config()

    def test_unregistered_functions_are_refused(self) -> None:
        def own(inputs: Any) -> Any:
            return inputs

        data = layers.serialize(layers.JaxLayer(own))
        with pytest.raises(ConfigError, match="registered"):
            layers.deserialize(data)
        assert layers.deserialize(data, custom_objects={"own": own}).call_fn is own

    def test_a_trained_model_comes_back(self, tmp_path: Path) -> None:
        x = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
        model = keratin.Sequential(
            [
                keratin.Input((3,)),
                layers.JaxLayer(counting, make_counting),
                layers.JaxLayer(affine, make_affine),
            ]
        )
        model.compile("adam", "mse")
        model.fit(x, x[:, :2], batch_size=4, verbose=0)
        model.save(tmp_path / "model.keras")
        loaded = saving.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
        assert int(loaded.layers[0].state["calls"]) == 4
        model.fit(x, x[:, :2], batch_size=4, shuffle=False, verbose=0)
        loaded.fit(x, x[:, :2], batch_size=4, shuffle=False, verbose=0)
        for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)

    def test_given_parameters_come_back_without_init(self, tmp_path: Path) -> None:
        given = {"kernel": ones(3, 2), "more": [jnp.ones(2), {"scale": np.full((), 2.0, np.float32)}]}
        model = keratin.Sequential([keratin.Input((3,)), layers.JaxLayer(affine, params=given)])
        model.save(tmp_path / "model.keras")
        loaded = saving.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(loaded.predict(ones(2, 3), verbose=0), np.full((2, 2), 8.0))
        model.save_weights(tmp_path / "model.weights.h5")
        loaded.layers[-1].set_weights([np.zeros_like(w) for w in loaded.get_weights()])
        loaded.load_weights(tmp_path / "model.weights.h5")
        np.testing.assert_array_equal(loaded.predict(ones(2, 3), verbose=0), np.full((2, 2), 8.0))

    def test_forms_that_files_cannot_say(self) -> None:
        box = jax.tree_util.Partial(affine, jnp.ones(2))
        with pytest.raises(ConfigError, match="init_fn"):
            layers.JaxLayer(affine, params={"box": box}).get_config()

    def test_integer_inputs_are_remembered(self) -> None:
        data = layers.serialize(_built_lookup())
        assert data["build_config"]["input_dtypes"] == ["int32"]
        assert layers.deserialize(data).get_weights()[0].shape == (10,)

    def test_a_file_of_keras_is_read(self, tmp_path: Path) -> None:
        pytest.importorskip("tensorflow", reason="Keras imports it for its JaxLayer")
        names = {"test_jax_layers>affine": affine, "test_jax_layers>make_affine": make_affine}
        for name, function in names.items():
            keras.saving.register_keras_serializable("test_jax_layers")(function)
            assert keras.saving.get_registered_name(function) == name
        theirs = keras.Sequential([keras.Input((3,)), keras.layers.JaxLayer(affine, make_affine)])
        theirs.save(tmp_path / "theirs.keras")
        ours = saving.load_model(tmp_path / "theirs.keras")
        x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
        np.testing.assert_allclose(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-5)
        ours.save(tmp_path / "ours.keras")
        again = keras.saving.load_model(tmp_path / "ours.keras", custom_objects={f.__name__: f for f in names.values()})
        np.testing.assert_allclose(again.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-5)


@saving.register_keras_serializable("test_jax_layers")
def make_table(inputs: Any) -> Any:
    return jnp.arange(10.0) if inputs.dtype == jnp.int32 else None


@saving.register_keras_serializable("test_jax_layers")
def lookup(params: Any, inputs: Any) -> Any:
    return params[inputs]


def _built_lookup() -> Any:
    layer = layers.JaxLayer(lookup, make_table)
    layer(np.array([[3, 1]], np.int32))
    return layer
