"""The base of all layers: building, calling, what it holds, training, losses, stateless calls, dtypes."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import keras
import numpy as np
import pytest

import keratin
from keratin import layers, ops, registry
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, ConfigError, ShapeError, StateError, UnknownArgumentError
from keratin.testing.layers.checks import close
from tests.marks import engine_functions, needs_jax

X = np.arange(6, dtype="float32").reshape(2, 3)


class Affine(layers.Layer):
    """Weights made in `build`, and one that is not trained."""

    def __init__(self, units: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: Any) -> None:
        self.calls = self.add_weight((), "zeros", trainable=False, name="calls")
        self.kernel = self.add_weight((input_shape[-1], self.units), "ones", name="kernel")
        self.bias = self.add_weight(self.units, name="bias", initializer="zeros")

    def call(self, x: Any) -> Any:
        self.calls.assign_add(1)
        return x @ self.kernel + self.bias


class Block(layers.Layer):
    """Layers in every kind of container."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.single = layers.Dense(3, name="single")
        self.listed = [layers.Dense(3, name="listed")]
        self.named = {"a": layers.Dense(3, name="named"), "b": [layers.Dense(3, name="deep")]}

    def call(self, x: Any) -> Any:
        for layer in (self.single, *self.listed, self.named["a"], *self.named["b"]):
            x = layer(x)
        return x


# ---- building and calling


def test_build_runs_once_with_the_shape_of_the_first_input() -> None:
    shapes: list[Any] = []

    class Recording(layers.Layer):
        def build(self, input_shape: Any) -> None:
            assert not self.built
            shapes.append(input_shape)

        def call(self, x: Any) -> Any:
            return x

    layer = Recording()
    assert not layer.built
    layer(X)
    layer(X[:1])
    assert shapes == [(2, 3)] and layer.built
    Recording().build((None, 3))
    Recording()(layers.Input((3,)))
    assert shapes[1:] == [(None, 3), (None, 3)]


def test_build_of_several_inputs() -> None:
    class Two(layers.Layer):
        def build(self, query_shape: Any, value_shape: Any) -> None:
            self.seen = (query_shape, value_shape)

        def call(self, query: Any, value: Any) -> Any:
            return query + value

    layer = Two()
    layer(X, X[:, :1])
    assert layer.seen == ((2, 3), (2, 1))
    assert layer.get_build_config() == {"query_shape": [2, 3], "value_shape": [2, 1]}
    fresh = Two()
    fresh.build_from_config(layer.get_build_config() or {})
    assert fresh.seen == ((2, 3), (2, 1)) and fresh.built
    nested = Two()
    nested(value=X, query=X)
    assert nested.seen == ((2, 3), (2, 3))


def test_a_layer_without_call_says_so() -> None:
    with pytest.raises(StateError, match="defines no `call`"):
        layers.Layer(name="empty")(X)


def test_calls_are_checked() -> None:
    class Two(layers.Layer):
        def call(self, query: Any, value: Any, scale: float = 1.0) -> Any:
            return (query + value) * scale

    layer = Two(name="two")
    with pytest.raises(ArgumentError, match="too few inputs") as caught:
        layer(X)
    assert "two" in str(caught.value) and "no value" in str(caught.value)
    with pytest.raises(ArgumentError, match="too few inputs"):
        layer(layers.Input((3,)))
    with pytest.raises(ArgumentError, match="too many arguments"):
        layer(X, X, 1.0, 2.0)
    with pytest.raises(UnknownArgumentError, match="no such argument"):
        layer(X, X, factor=2.0)
    assert layer(X, value=X, scale=3.0).tolist() == (X * 6).tolist()


def test_inputs_are_converted() -> None:
    layer = layers.Dense(2, kernel_initializer="ones")
    for x in (X.tolist(), X, X.astype("float64"), keratin.Variable(X), ops.array(X)):
        assert layer(x).tolist() == (X.sum(1, keepdims=True) * np.ones(2)).tolist()
        assert ops.dtype(layer(x)) == "float32"
    assert ops.dtype(layers.Identity()(np.array([1, 2]))) in ("int32", "int64")  # only floats are cast


def test_an_error_inside_names_the_layer() -> None:
    class Broken(layers.Layer):
        def call(self, x: Any) -> Any:
            return {}["missing"]

    with pytest.raises(KeyError) as caught:
        Broken(name="broken")(X)
    assert any("`broken`" in note and "(2, 3)" in note for note in caught.value.__notes__)


# ---- weights


def test_weights_are_trainable_ones_first_in_order_of_creation() -> None:
    layer = Affine(name="affine")
    layer(X)
    assert [v.name for v in layer.weights] == ["kernel", "bias", "calls"]
    assert [v.name for v in layer.trainable_variables] == ["kernel", "bias"]
    assert [v.name for v in layer.non_trainable_variables] == ["calls"]
    assert [v.path for v in layer.weights] == ["affine/kernel", "affine/bias", "affine/calls"]
    assert layer.count_params() == 17
    assert [w.shape for w in layer.get_weights()] == [(3, 4), (4,), ()]
    with pytest.raises(StateError, match="no weights to count"):
        Affine().count_params()


def test_add_weight_defaults() -> None:
    layer = layers.Layer()
    assert layer.add_weight().shape == ()
    assert layer.add_weight(3).shape == (3,)
    weight = layer.add_weight((2, 2), dtype="int32")
    assert weight.numpy().tolist() == [[0, 0], [0, 0]]  # Glorot has no meaning for integers
    assert len(np.unique(layer.add_weight((4, 4)).numpy())) == 16
    assert layer.add_variable((2,), "ones").numpy().tolist() == [1, 1]
    with pytest.raises(ShapeError, match="fully known"):
        layer.add_weight((None, 3))
    with pytest.raises(ConfigError, match="glorot_uniform"):
        layer.add_weight((2,), "glorot_unifrom")


def test_set_weights_assigns_all_or_nothing() -> None:
    layer = Affine(name="affine")
    layer(X)
    before = layer.get_weights()
    with pytest.raises(ShapeError, match="number of weights") as caught:
        layer.set_weights(before[:1])
    assert "affine" in str(caught.value) and "Expected: 3" in str(caught.value)
    with pytest.raises(ShapeError, match="affine/bias") as caught:
        layer.set_weights([before[0] + 1, np.zeros(5), before[2]])
    assert "(4,)" in str(caught.value) and "(5,)" in str(caught.value)
    close(layer.get_weights(), before)
    layer.set_weights([w + 1 for w in before])
    close(layer.get_weights(), [w + 1 for w in before])


def test_weights_made_in_the_constructor() -> None:
    class Scale(layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.factor = self.add_weight((), "ones", name="factor")

        def call(self, x: Any) -> Any:
            return x * self.factor

    layer = Scale(name="scale")
    assert [v.path for v in layer.weights] == ["scale/factor"]
    assert layer(X).tolist() == X.tolist()
    assert [v.path for v in layer.weights] == ["scale/factor"]


# ---- layers inside


def test_layers_in_containers_are_found() -> None:
    block = Block(name="block")
    block(X)
    paths = [v.path for v in block.weights]
    assert paths == [
        f"block/{name}/{weight}" for name in ("single", "listed", "named", "deep") for weight in ("kernel", "bias")
    ]
    assert block.count_params() == 4 * 12


def test_a_list_filled_later_is_tracked() -> None:
    class Growing(layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="growing")
            self.parts: list[Any] = []
            self.table: dict[str, Any] = {}

        def call(self, x: Any) -> Any:
            for part in self.parts:
                x = part(x)
            return x

    layer = Growing()
    layer(X)
    assert layer.weights == []
    layer.parts.append(layers.Dense(3, name="late"))
    layer.table["free"] = keratin.Variable(1.0, name="free")
    layer(X)
    assert [v.name for v in layer.weights] == ["free", "kernel", "bias"]
    layer.parts.clear()
    assert [v.name for v in layer.weights] == ["free"]


def test_a_shared_layer_counts_once() -> None:
    class Shared(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.first = layers.Dense(3)
            self.second = self.first

        def call(self, x: Any) -> Any:
            return self.second(self.first(x))

    layer = Shared()
    layer(X)
    assert len(layer.weights) == 2


def test_paths_follow_the_calls_and_stay() -> None:
    inner = layers.Dense(3, name="inner")

    class Outer(layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.inner = inner

        def call(self, x: Any) -> Any:
            return self.inner(x)

    class Model(layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.outer = Outer(name="outer")

        def call(self, x: Any) -> Any:
            return self.outer(x)

    Model(name="model")(X)
    assert inner.path == "model/outer/inner"
    assert inner.kernel.path == "model/outer/inner/kernel"
    inner(X)
    assert inner.path == "model/outer/inner"


def test_names_are_numbered_by_class() -> None:
    registry.reset_names()
    assert [layers.Dense(1).name, layers.Dense(1).name, layers.Conv2DTranspose(1, 1).name, layers.PReLU().name] == [
        "dense", "dense_1", "conv2d_transpose", "p_re_lu"
    ]  # fmt: skip


# ---- freezing


def test_trainable_goes_down_and_comes_back() -> None:
    block = Block()
    block.affine = Affine()  # type: ignore[attr-defined]
    block(X)
    block.affine(X)  # type: ignore[attr-defined]
    assert len(block.trainable_variables) == 10 and len(block.non_trainable_variables) == 1
    block.trainable = False
    assert block.trainable_variables == [] and len(block.non_trainable_variables) == 11
    assert not block.single.trainable and not block.single.kernel.trainable
    block.trainable = True
    assert len(block.trainable_variables) == 10
    block.listed[0].trainable = False
    assert len(block.trainable_variables) == 8
    assert not layers.Dense(2, trainable=False).trainable


def test_a_layer_frozen_before_it_is_built() -> None:
    layer = Affine(trainable=False)
    layer(X)
    assert layer.trainable_variables == [] and len(layer.non_trainable_variables) == 3
    layer.trainable = True
    assert [v.name for v in layer.trainable_variables] == ["kernel", "bias"]


# ---- training


class Probe(layers.Layer):
    def call(self, x: Any, training: bool | None = None) -> Any:
        self.seen = training
        return x


def test_training_flows_by_context() -> None:
    class Outer(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.probe = Probe()

        def call(self, x: Any) -> Any:
            return self.probe(x)

    outer = Outer()
    for training, expected in ((True, True), (False, False), (None, False)):
        outer(X, training=training)
        assert outer.probe.seen is expected
    outer(X)
    assert outer.probe.seen is False

    class Deciding(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.probe = Probe()
            self.other = Probe()

        def call(self, x: Any, training: bool | None = None) -> Any:
            return self.other(self.probe(x, training=False))

    deciding = Deciding()
    deciding(X, training=True)
    assert deciding.probe.seen is False and deciding.other.seen is True


def test_training_is_not_left_behind_by_an_error() -> None:
    class Broken(layers.Layer):
        def call(self, x: Any) -> Any:
            raise KeyError("x")

    with pytest.raises(KeyError):
        Broken()(X, training=True)
    probe = Probe()
    probe(X)
    assert probe.seen is False


# ---- losses


class Adding(layers.Layer):
    def call(self, x: Any) -> Any:
        self.add_loss(ops.sum(x))
        return x


def test_losses_are_those_of_the_last_call() -> None:
    layer = Adding()
    for factor in (1.0, 2.0):
        layer(X * factor)
        assert [float(loss) for loss in layer.losses] == [15.0 * factor]

    class Outer(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = Adding(), Adding()
            self.dense = layers.Dense(3, kernel_regularizer="l2", kernel_initializer="ones")

        def call(self, x: Any) -> Any:
            return self.dense(self.second(self.first(self.first(x))))

    outer = Outer()
    for _ in range(2):
        outer(X)
        close([float(loss) for loss in outer.losses], [15.0, 15.0, 15.0, 0.09])
    outer.dense.trainable = False
    assert len(outer.losses) == 3  # a frozen weight is not regularized


def test_a_loss_must_be_a_scalar() -> None:
    class Wrong(layers.Layer):
        def call(self, x: Any) -> Any:
            self.add_loss(x)
            return x

    with pytest.raises(ShapeError, match="must be a scalar"):
        Wrong()(X)


def test_losses_in_a_compiled_call() -> None:
    layer = Adding()

    @keratin.jit
    def run(x: Any) -> Any:
        layer(x)
        return layer.losses

    assert [float(loss) for loss in run(X)] == [15.0]
    assert [float(loss) for loss in run(X * 2)] == [30.0]


@pytest.mark.parametrize("shape", [(2, 3), (4, 5, 3)])
def test_activity_regularizer_is_per_sample(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    ours = layers.Dense(2, activity_regularizer="l2")
    theirs = keras.layers.Dense(2, activity_regularizer="l2")
    y = np.asarray(ours(x), "float64")
    theirs.build(shape)
    theirs.set_weights(ours.get_weights())
    theirs(x)
    close(float(ours.losses[0]), 0.01 * (y**2).sum() / shape[0])
    close(float(ours.losses[0]), float(theirs.losses[0]))


def test_activity_regularizer_of_half_precision_does_not_overflow() -> None:
    layer = layers.Identity(activity_regularizer=keratin.regularizers.L2(1.0), dtype="float16")
    layer(np.full((2, 1000), 60.0, "float32"))
    close(float(layer.losses[0]), 3.6e6)


# ---- shapes without values


def test_compute_output_shape_builds_nothing_on_data() -> None:
    assert layers.Dense(4).compute_output_shape((None, 5, 3)) == (None, 5, 4)
    assert layers.Add().compute_output_shape([(None, 3), (None, 3)]) == (None, 3)
    assert Block().compute_output_shape((None, 3)) == (None, 3)

    class Several(layers.Layer):
        def call(self, x: Any) -> Any:
            return {"sum": ops.sum(x, axis=-1), "both": [x, ops.expand_dims(x, 1)]}

    assert Several().compute_output_shape((None, 3)) == {"sum": (None,), "both": [(None, 3), (None, 1, 3)]}
    spec = Several().compute_output_spec(KerasTensor((None, 3), "float16"))
    assert spec["sum"].dtype == "float32" and spec["both"][1].shape == (None, 1, 3)


def test_a_shape_that_only_the_layer_can_tell() -> None:
    class OnHost(layers.Layer):
        def call(self, x: Any) -> Any:
            return ops.array(np.repeat(np.asarray(x), 2, axis=1))

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (input_shape[0], input_shape[1] * 2)

    layer = OnHost()
    assert layer(layers.Input((3,))).shape == (None, 6)
    assert ops.shape(layer(X)) == (2, 6)
    model = keratin.Sequential([layers.Input((3,)), OnHost(), layers.Dense(2)])
    assert model.output_shape == (None, 2)


def test_a_call_that_uses_the_engine_directly() -> None:
    engine = engine_functions()

    class Direct(layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight((input_shape[-1], 2), name="kernel")

        def call(self, x: Any) -> Any:
            return engine.matmul(engine.sin(x), self.kernel.value) + engine.zeros(2, dtype=x.dtype)

    layer = Direct()
    drawn = layer(layers.Input((None, 3)))
    assert drawn.shape == (None, None, 2) and drawn.dtype == "float32"
    assert layer.compute_output_shape((None, 7, 3)) == (None, 7, 2)
    assert len(layer.weights) == 1
    x = np.ones((4, 5, 3), "float32")
    close(layer(x), np.sin(x) @ layer.kernel.numpy())
    close(keratin.jit(layer)(x), layer(x))

    class Wide(layers.Layer):
        def call(self, x: Any) -> Any:
            return engine.concatenate([x, engine.ones((x.shape[0], 1), dtype=x.dtype)], -1)

    assert Wide()(layers.Input((3,))).shape == (None, 4)


def test_state_is_not_touched_by_an_attempt_on_shapes() -> None:
    engine = engine_functions()

    class Counting(layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.count = self.add_weight((), "zeros", trainable=False, name="count")

        def call(self, x: Any) -> Any:
            self.count.assign_add(1)
            return engine.sin(x)

    layer = Counting()
    layer(layers.Input((3,)))
    assert float(layer.count) == 0
    layer(X)
    assert float(layer.count) == 1


# ---- stateless


def test_stateless_call() -> None:
    layer = Affine()
    with pytest.raises(StateError, match="needs a built layer"):
        layer.stateless_call([], [], X)
    layer(X)
    trainable, others = (
        [v.value * 2 for v in group] for group in (layer.trainable_variables, layer.non_trainable_variables)
    )
    outputs, new = layer.stateless_call(trainable, others, X)
    close(outputs, X @ np.full((3, 4), 2.0, "float32"))
    assert [float(v) for v in new] == [3.0]  # twice the one call so far, and this one
    assert float(layer.calls) == 1.0
    with pytest.raises(ShapeError, match="number of values"):
        layer.stateless_call(trainable[:1], others, X)


def test_stateless_call_returns_losses() -> None:
    layer = layers.Dense(
        2, kernel_initializer="ones", kernel_regularizer="l2", activity_regularizer="l1", use_bias=False
    )
    layer(X)
    outputs, new, losses = layer.stateless_call([layer.kernel.value * 2], [], X, return_losses=True)
    assert new == []
    close([float(loss) for loss in losses], [0.01 * np.abs(np.asarray(outputs)).sum() / 2, 0.01 * 24])
    layer = layers.Dropout(0.5, seed=1)
    layer(X)
    (seed,) = layer.non_trainable_variables
    first, (after,) = layer.stateless_call([], [seed.value], X, training=True)
    again, _ = layer.stateless_call([], [seed.value], X, training=True)
    close(first, again)
    assert np.asarray(after).tolist() != np.asarray(seed.value).tolist()


@needs_jax
def test_a_stateless_call_under_jax_transforms() -> None:
    import jax

    layer = layers.BatchNormalization()
    layer(X)

    def loss(trainable: Any, others: Any) -> Any:
        outputs, new = layer.stateless_call(trainable, others, X, training=True)
        return (outputs**2).sum(), new

    trainable, others = (
        [v.value for v in group] for group in (layer.trainable_variables, layer.non_trainable_variables)
    )
    (value, new), gradients = jax.jit(jax.value_and_grad(loss, has_aux=True))(trainable, others)
    assert np.isfinite(float(value)) and len(gradients) == 2
    close(new[0], 0.01 * X.mean(0))
    close(layer.moving_mean, np.zeros(3))


# ---- configuration, copies


def test_the_configuration_follows_the_attributes() -> None:
    layer = Affine(units=7, name="affine", trainable=False)
    config = layer.get_config()
    assert config["units"] == 7 and config["name"] == "affine" and config["trainable"] is False
    assert config["dtype"]["config"] == {"name": "float32"}
    assert Affine.from_config(config).get_config() == config

    class Forgetful(layers.Layer):
        def __init__(self, table: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)

    with pytest.raises(ConfigError, match="`Forgetful` has a parameter `table`"):
        Forgetful(np.ones(3)).get_config()

    class Manual(layers.Dense):
        def __init__(self, width: int, **kwargs: Any) -> None:
            super().__init__(width * 2, **kwargs)
            self.width = width

        def get_config(self) -> dict[str, Any]:
            config = super().get_config()
            del config["units"]
            return {**config, "width": self.width}

    assert Manual.from_config(Manual(3).get_config()).units == 6


def test_serialize() -> None:
    data = layers.serialize(layers.Dense(3, name="mine"))
    assert layers.deserialize(data).get_config() == layers.Dense(3, name="mine").get_config()
    with pytest.raises(ArgumentError, match="no layer"):
        layers.serialize(X)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no layer"):
        layers.deserialize({"class_name": "L2", "module": "keras.regularizers", "config": {}})
    with pytest.raises(ConfigError, match="nearest known name is `Dense`"):
        layers.deserialize({"class_name": "Dence", "module": "keras.layers", "config": {}})
    with keratin.saving.custom_object_scope({"Affine": Affine}):
        assert isinstance(layers.deserialize(layers.serialize(Affine())), Affine)
    assert isinstance(layers.deserialize(layers.serialize(Affine()), {"Affine": Affine}), Affine)


def test_copies_are_independent() -> None:
    layer = Affine()
    layer(X)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        close(twin.get_weights(), layer.get_weights())
        twin.set_weights([w + 1 for w in twin.get_weights()])
        assert float(twin.calls) == float(layer.calls) + 1


# ---- dtypes


def test_dtypes_of_a_layer() -> None:
    layer = layers.Dense(2, dtype="mixed_bfloat16")
    assert (layer.compute_dtype, layer.variable_dtype, layer.dtype, layer.input_dtype) == (
        "bfloat16", "float32", "float32", "bfloat16",
    )  # fmt: skip
    assert ops.dtype(layer(X)) == "bfloat16" and layer.kernel.dtype == "float32"
    assert ops.dtype(layers.Dense(2, dtype="float16")(X)) == "float16"
    assert ops.dtype(layers.Identity(dtype="float16", autocast=False)(X)) == "float32"
    half = layers.Dense(2, dtype="float16")
    half.build((None, 3))
    assert half.kernel.dtype == "float16"


def test_the_global_policy() -> None:
    keratin.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        layer = layers.Dense(2)
    finally:
        keratin.mixed_precision.set_dtype_policy("float32")
    assert layer.compute_dtype == "float16" and layers.Dense(2).compute_dtype == "float32"


def test_calls_of_keratin_layers_warn_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for layer in (layers.Dense(2), layers.BatchNormalization(), layers.Flatten(), layers.Dropout(0.5)):
            layer(X, training=True)
