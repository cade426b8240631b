"""The three ways to make a model, and what every model can do."""

import copy
import pickle

import numpy as np
import pytest

import keratin
from keratin import layers, ops
from keratin.errors import ArgumentError, KeratinError, ShapeError, StateError
from tests.marks import engine_functions


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def values(x):
    return ops.convert_to_numpy(x)


# ---- functional


def two_heads():
    a, b = layers.Input((6,), name="a"), layers.Input((4,), name="b")
    shared = layers.Dense(5, activation="tanh", name="shared")
    h = layers.Concatenate()([shared(layers.Dense(4)(a)), shared(b)])
    h = ops.sin(h) * 2.0 + 1.0
    return keratin.Model(
        {"a": a, "b": b}, {"y": layers.Dense(2, name="y")(h), "z": layers.Dense(1, "sigmoid", name="z")(h)}
    )


def test_shared_layers_ops_and_named_outputs():
    model = two_heads()
    a, b = numbers(3, 6), numbers(3, 4, seed=1)
    out = model({"a": a, "b": b})
    d, s, y, z = (model.get_layer(n) for n in (model.layers[1].name, "shared", "y", "z"))
    by_hand = np.concatenate([np.tanh(values(d(a)) @ s.kernel.numpy()), np.tanh(b @ s.kernel.numpy())], 1)
    by_hand = np.sin(by_hand) * 2 + 1
    assert np.allclose(out["y"], by_hand @ y.kernel.numpy(), atol=1e-5)
    assert np.allclose(out["z"], 1 / (1 + np.exp(-(by_hand @ z.kernel.numpy()))), atol=1e-5)
    assert len(model.weights) == 8 and model.output_names == ["y", "z"] and model.input_names == ["a", "b"]
    assert model.output_shape == {"y": (None, 2), "z": (None, 1)}


def test_dict_inputs_are_matched_by_name_and_lists_by_position():
    first, second = layers.Input((2,), name="zeta"), layers.Input((2,), name="alpha")
    model = keratin.Model([first, second], layers.Subtract()([first, second]))
    x, y = numbers(3, 2), numbers(3, 2, seed=1)
    assert np.allclose(model([x, y]), x - y)
    assert np.allclose(model({"alpha": y, "zeta": x}), x - y)
    assert np.allclose(model.predict({"alpha": y, "zeta": x}, verbose=0), x - y)


def test_nested_structures_and_models_inside_models():
    x = layers.Input((3,))
    inner = keratin.Sequential([layers.Input((3,)), layers.Dense(2, name="d")], name="inner")
    deep = keratin.Model(x, {"first": [inner(x), x], "second": (inner(x * 2),)})
    data = numbers(2, 3)
    out = deep(data)
    assert np.allclose(out["first"][0], values(inner(data))) and np.allclose(out["second"][0], values(inner(2 * data)))
    assert len(deep.weights) == 2
    twin = type(deep).from_config(deep.get_config())
    twin.set_weights(deep.get_weights())
    assert np.allclose(twin(data)["second"][0], values(out["second"][0]))


def test_intermediate_outputs_by_name():
    model = keratin.Sequential([layers.Input((4,)), layers.Dense(3, "relu", name="hidden"), layers.Dense(2)])
    extractor = keratin.Model(model.inputs, model.get_layer("hidden").output)
    x = numbers(5, 4)
    assert np.allclose(extractor(x), np.maximum(x @ model.weights[0].numpy(), 0), atol=1e-6)
    top = keratin.Model(model.get_layer("hidden").output, model.output)
    assert np.allclose(top(values(extractor(x))), model(x), atol=1e-6)


def test_graph_errors():
    a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b")
    with pytest.raises(StateError, match="a path from `b`"):
        keratin.Model(a, layers.Add()([a, b]))
    with pytest.raises(ArgumentError, match="must be symbolic tensors"):
        keratin.Model(np.zeros((2, 2)), a)
    with pytest.raises(ArgumentError, match="same name"):
        keratin.Model(a, layers.Dense(1, name="d")(layers.Dense(1, name="d")(a)))
    model = keratin.Model([a, b], layers.Add()([a, b]))
    with pytest.raises(ArgumentError, match=r"another number of inputs.*\n.*\n.*2: \['a', 'b'\]"):
        model([numbers(1, 2)])
    with pytest.raises(ShapeError, match=r"input `b`(.|\n)*\(None, 2\)(.|\n)*\(1, 3\)"):
        model([numbers(1, 2), numbers(1, 3)])
    with pytest.raises(ArgumentError, match=r"no layer of this name(.|\n)*'add"):
        model.get_layer("sub")


def test_a_symbolic_tensor_has_no_truth_and_says_what_to_do():
    x = layers.Input((2,))
    with pytest.raises(StateError, match="`ops.cond` or `ops.where`"):
        if ops.sum(x) > 0:
            pass
    with pytest.raises(StateError, match="keratin.ops"):
        np.sin(np.asarray(x))


def test_constants_and_keyword_arguments_in_a_graph():
    class Scale(layers.Layer):
        def call(self, x, factor, offset=None):
            return x * factor + (0 if offset is None else offset)

    x = layers.Input((3,))
    y = Scale()(x, np.array([1, 2, 3], "float32"), offset=x)
    model = keratin.Model(x, y)
    data = numbers(2, 3)
    assert np.allclose(model(data), data * [1, 2, 3] + data)
    assert np.allclose(
        keratin.Model(x, 1.0 - ops.concatenate([x, np.ones((1, 1), "float32") + x[:, :1]], axis=-1))(data)[:, :3],
        1 - data,
    )


def test_optional_inputs():
    a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b", optional=True)

    class Maybe(layers.Layer):
        def call(self, x, y=None):
            return x if y is None else x + y

    model = keratin.Model({"a": a, "b": b}, Maybe()(a, b))
    x = numbers(2, 2)
    assert np.allclose(model({"a": x, "b": x}), 2 * x)
    assert np.allclose(model({"a": x}), x) and np.allclose(model({"a": x, "b": None}), x)


# ---- sequential


def test_sequential_learns_its_shape_from_data_or_from_input_shape():
    lazy = keratin.Sequential([layers.Dense(3), layers.Dense(2)])
    assert not lazy.built
    with pytest.raises(StateError, match="shape of its input is not known"):
        lazy.output
    assert lazy(numbers(4, 5)).shape == (4, 2) and lazy.input_shape == (None, 5)
    assert [tuple(w.shape) for w in lazy.weights] == [(5, 3), (3,), (3, 2), (2,)]
    first = keratin.Sequential([layers.Dense(3, input_shape=(7,))])
    assert first.built and first.output_shape == (None, 3)
    dim = keratin.Sequential([layers.Dense(3, input_dim=7)])
    assert dim.input_shape == (None, 7)


def test_sequential_add_pop_and_errors():
    model = keratin.Sequential([layers.Input((3,))])
    model.add(layers.Dense(4))
    model.add(layers.Dense(2))
    assert model.output_shape == (None, 2) and len(model.layers) == 2
    model.pop()
    assert model.output_shape == (None, 4)
    with pytest.raises(ArgumentError, match="made of layers"):
        model.add(lambda x: x)
    with pytest.raises(ArgumentError, match="comes first"):
        model.add(layers.Input((3,)))
    with pytest.raises(ArgumentError, match="same name"):
        keratin.Sequential([layers.Dense(1, name="a"), layers.Dense(1, name="a")])
    with pytest.raises(KeratinError, match=r"(.|\n)*3(.|\n)*4"):
        model(numbers(2, 4))


# ---- subclassed


class Block(layers.Layer):
    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.parts = [layers.Dense(width, "relu"), {"norm": layers.LayerNormalization()}]

    def call(self, x):
        return self.parts[1]["norm"](self.parts[0](x))


class Net(keratin.Model):
    def __init__(self, depth=2, **kwargs):
        super().__init__(**kwargs)
        self.depth = depth
        self.blocks = [Block(4) for _ in range(depth)]
        self.head = layers.Dense(1)

    def call(self, x, training=False):
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def test_subclassed_model_finds_nested_layers_and_has_stable_paths():
    model = Net(name="net")
    model.build((None, 3))
    assert len(model.weights) == 10 and len(model.layers) == 3
    first = model.blocks[0]
    assert model.weights[0].path == f"net/{first.name}/{first.parts[0].name}/kernel"
    assert len({v.path for v in model.weights}) == 10
    assert model.compute_output_shape((None, 3)) == (None, 1)
    twin = Net.from_config(model.get_config())
    assert twin.depth == 2


def test_summary_of_a_subclassed_model_has_no_question_marks(capsys):
    model = Net(name="net")
    model.build((None, 3))
    model.summary(expand_nested=True)
    text = capsys.readouterr().out
    assert "?" not in text and "not called" not in text
    assert "(None, 4)" in text and "(None, 1)" in text
    assert f"Total params: {sum(int(np.prod(v.shape)) for v in model.weights)}" in text


def test_summary_lists_layers_shapes_parameters_and_connections():
    lines = []
    two_heads().summary(print_fn=lines.append, show_trainable=True)
    text = "\n".join(lines)
    for part in ("Connected to", "concatenate", "shared", "Sin", "Trainable params: 86"):
        assert part in text
    model = keratin.Sequential([layers.Input((3,)), layers.Dense(2), layers.BatchNormalization()])
    model.summary(print_fn=lines.append)
    assert "Non-trainable params: 4" in lines[-1] and "Total params: 16" in lines[-1]


def test_subclass_that_draws_a_graph_in_its_constructor():
    class Drawn(keratin.Model):
        def __init__(self, units):
            x = layers.Input((3,))
            super().__init__(inputs=x, outputs=layers.Dense(units)(x))
            self.units = units

    model = Drawn(2)
    assert model.output_shape == (None, 2) and type(model).__name__ == "Drawn" and isinstance(model, Drawn)
    assert model(numbers(1, 3)).shape == (1, 2)


# ---- all


def test_clone_model_has_weights_of_its_own():
    for model in (two_heads(), keratin.Sequential([layers.Input((3,)), layers.Dense(2)])):
        twin = keratin.models.clone_model(model)
        assert [tuple(v.shape) for v in twin.weights] == [tuple(v.shape) for v in model.weights]
        assert not {id(v) for v in twin.weights} & {id(v) for v in model.weights}
        assert any(not np.array_equal(a, b) for a, b in zip(twin.get_weights(), model.get_weights(), strict=True))
        assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]

    def widen(layer):
        config = layer.get_config()
        config["units"] = config["units"] * 2
        return type(layer).from_config(config)

    model = keratin.Sequential([layers.Input((3,)), layers.Dense(2), layers.Dense(1)])
    assert keratin.models.clone_model(model, clone_function=widen).output_shape == (None, 2)


def test_json_round_trip_pickle_and_deepcopy():
    model = two_heads()
    x = {"a": numbers(2, 6), "b": numbers(2, 4)}
    twin = keratin.models.model_from_json(model.to_json())
    twin.set_weights(model.get_weights())
    expected = model(x)
    for other in (twin, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.allclose(other(x)["y"], values(expected["y"]), atol=1e-6)


def test_freezing_counts_for_all_layers_inside():
    model = Net()
    model.build((None, 3))
    model.trainable = False
    assert model.trainable_variables == [] and len(model.non_trainable_variables) == 10
    model.blocks[0].trainable = True
    assert not model.trainable_variables  # the model itself is frozen, as in Keras
    model.trainable = True
    assert len(model.trainable_variables) == 10
    model.blocks[1].trainable = False
    assert len(model.trainable_variables) == 6


def test_stateless_call_is_pure():
    model = keratin.Sequential([layers.Input((2,)), layers.Dense(2), layers.BatchNormalization()])
    trainable = [np.ones_like(v.numpy()) for v in model.trainable_variables]
    others = [v.numpy() for v in model.non_trainable_variables]
    before = model.get_weights()
    out, new = model.stateless_call(trainable, others, numbers(8, 2), training=True)
    assert out.shape == (8, 2) and all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert not np.allclose(new[0], others[0])


def test_set_weights_names_what_does_not_fit_and_changes_nothing():
    model = keratin.Sequential([layers.Input((3,)), layers.Dense(2, name="d")], name="m")
    before = model.get_weights()
    with pytest.raises(ShapeError, match=r"m/d/bias(.|\n)*\(2,\)(.|\n)*\(3,\)"):
        model.set_weights([np.zeros((3, 2)), np.zeros(3)])
    with pytest.raises(ShapeError, match="number of weights"):
        model.set_weights(before[:1])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_state_tree_round_trip():
    model = two_heads()
    state = model.get_state_tree("numpy_array")
    model.set_weights([w * 0 for w in model.get_weights()])
    model.set_state_tree(state)
    assert any(w.any() for w in model.get_weights())


def test_building_a_model_computes_nothing_and_makes_no_weights():
    model = keratin.Sequential([layers.Input((3,)), layers.Dense(1000), layers.Dense(2)])
    assert not any(v.is_materialized for v in model.weights)
    model(numbers(1, 3))
    assert all(v.is_materialized for v in model.weights)


def test_same_seed_same_weights():
    made = []
    for _ in range(2):
        keratin.utils.set_random_seed(11)
        model = keratin.Sequential([layers.Input((3,)), layers.Dense(4), layers.Dense(2)])
        model.weights[2].numpy()  # the order of first use does not matter
        made.append(model.get_weights())
        keratin.utils.set_random_seed(11)
    assert all(np.array_equal(a, b) for a, b in zip(*made, strict=True))


def test_a_layer_that_uses_the_engine_itself_is_traced_for_its_shape():
    engine = engine_functions()

    class Native(layers.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], 5), name="kernel")
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

        def call(self, x):
            self.calls.assign(self.calls.value + 1)
            return engine.matmul(x, self.kernel.value)[:, None]

    layer = Native()
    x = layers.Input((3,))
    model = keratin.Model(x, layer(x))
    assert model.output_shape == (None, 1, 5) and float(layer.calls) == 0
    data = numbers(4, 3)
    assert np.allclose(model(data), (data @ layer.kernel.numpy())[:, None], atol=1e-5) and float(layer.calls) == 1


def test_losses_of_eager_calls_are_those_of_the_last_call():
    class Loud(layers.Layer):
        def call(self, x):
            self.add_loss(ops.sum(x))
            return x

    layer = Loud()
    x = ops.ones((2, 2))
    for _ in range(4):
        layer(x)
    assert [float(loss) for loss in layer.losses] == [4]


def test_deepcopy_of_a_model_with_classes_of_the_users_own():
    model = Net(name="net")
    x = numbers(2, 3)
    expected = values(model(x))
    twin = copy.deepcopy(model)
    assert type(twin) is Net and np.allclose(twin(x), expected, atol=1e-6)
    model.set_weights([w * 0 for w in model.get_weights()])
    assert np.allclose(twin(x), expected, atol=1e-6)
