"""At home in TensorFlow: variables, tapes, `tf.function`, data sets, checkpoints, saved models."""

from __future__ import annotations

import numpy as np
import pytest

import keratin
from keratin import layers, losses, metrics, ops, optimizers
from keratin.backends import select, spec
from keratin.data.sources import as_source
from keratin.state.scope import Scope

if select.backend_name() != "tensorflow":
    pytest.skip("about the TensorFlow backend", allow_module_level=True)

import tensorflow as tf

X = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
Y = (X[:, :1] - 2 * X[:, 1:2] + 0.5).astype("float32")


def mlp() -> keratin.Model:
    keratin.utils.set_random_seed(0)
    return keratin.Sequential(
        [layers.Input((8,)), layers.Dense(16, activation="relu"), layers.BatchNormalization(), layers.Dense(1)]
    )


# ---- variables


def test_the_value_is_a_tf_variable():
    kernel = layers.Dense(3)
    kernel.build((None, 2))
    variable = kernel.kernel
    assert isinstance(variable.value, tf.Variable) and variable.value is variable.value
    before = variable.value
    variable.assign(np.ones((2, 3)))
    assert variable.value is before and before.numpy().sum() == 6
    before.assign_add(np.ones((2, 3)))
    assert variable.numpy().sum() == 12


def test_functions_of_tensorflow_take_variables():
    v = keratin.Variable([[1.0, 2.0]], name="v")
    x = tf.constant([[3.0], [4.0]])
    assert tf.convert_to_tensor(v).shape == (1, 2)
    assert tf.matmul(x, v).numpy().tolist() == [[3.0, 6.0], [4.0, 8.0]]
    assert (x @ v).shape == (2, 2) and (v * x).shape == (2, 2) and float(tf.reduce_sum(v)) == 3
    assert float(ops.sum(tf.Variable([1.0, 2.0]))) == 3


def test_what_was_read_of_a_state_keeps_its_value():
    total = metrics.Sum()
    total.update_state([1.0])
    before = total.result()
    total.update_state([2.0])
    assert float(before) == 1 and float(total.result()) == 3
    assert not isinstance(before, tf.Variable)


def test_a_variable_made_in_a_graph():
    made = []

    @tf.function(autograph=False)
    def run(x):
        if not made:
            made.append(keratin.Variable(np.ones, shape=(2,), dtype="float32"))
        made[0].assign_add(x)
        return made[0] * 1.0

    run(tf.constant([1.0, 2.0]))
    assert run(tf.constant([1.0, 2.0])).numpy().tolist() == [3.0, 5.0]
    assert made[0].numpy().tolist() == [3.0, 5.0]


def test_a_handle_inside_a_program_is_refused():
    v = keratin.Variable([1.0])
    assert v.handle.dtype == tf.resource
    with pytest.raises(spec.NotCompilable), Scope([(v, tf.constant([2.0]))]):
        v.handle


# ---- loops by hand


def by_tape(model, optimizer, loss, x, y):
    with tf.GradientTape() as tape:
        value = loss(y, model(x, training=True))
    gradients = tape.gradient(value, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return value


@pytest.mark.parametrize("compiled", [False, True])
def test_a_tape_by_hand_does_what_fit_does(compiled):
    model, twin = mlp(), mlp()
    optimizer, loss, mean = optimizers.Adam(0.01), losses.MeanSquaredError(), metrics.Mean()

    def step(x, y):
        value = by_tape(model, optimizer, loss, x, y)
        mean.update_state(value)
        return value

    run = tf.function(step) if compiled else step
    for start in range(0, 64, 16):
        run(tf.constant(X[start : start + 16]), tf.constant(Y[start : start + 16]))
    twin.compile(optimizers.Adam(0.01), "mse")
    history = twin.fit(X, Y, batch_size=16, shuffle=False, verbose=0).history
    np.testing.assert_allclose(float(mean.result()), history["loss"][0], rtol=1e-4)
    for ours, right in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours, right, rtol=1e-3, atol=1e-5)
    assert int(optimizer.iterations) == 4


def test_frozen_layers_and_watched_inputs():
    model = mlp()
    model.layers[0].trainable = False
    x = tf.constant(X)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        value = tf.reduce_sum(model(x))
    assert len(tape.gradient(value, model.trainable_variables)) == 4
    assert tape.gradient(value, x).shape == X.shape


def test_second_derivatives():
    w = keratin.Variable([2.0])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = ops.sum(w * w * w)
        slope = inner.gradient(y, w)
    assert float(outer.gradient(slope, w)[0]) == 12


def test_keratins_gradients_of_the_same_loss():
    model, loss = mlp(), losses.MeanSquaredError()
    with tf.GradientTape() as tape:
        value = loss(Y, model(X))
    right = tape.gradient(value, model.trainable_variables)
    found = keratin.value_and_grad(lambda: loss(Y, model(X)), model.trainable_variables)()[1]
    for a, b in zip(found, right, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


# ---- steps in TensorFlow's style


class Taped(keratin.Model):
    """A model whose step is written with a tape, as in Keras's guide for TensorFlow."""

    def __init__(self):
        super().__init__()
        self.entry, self.drop, self.exit = layers.Dense(16, "relu"), layers.Dropout(0.1), layers.Dense(1)
        self.seen = metrics.Mean(name="seen")

    def call(self, x, training=None):
        return self.exit(self.drop(self.entry(x), training=training))

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.seen.update_state(loss)
        return {"seen": self.seen.result()}


@pytest.mark.parametrize("data", ["arrays", "tf.data"])
def test_a_step_with_a_tape_in_fit(data):
    model = Taped()
    model.compile(optimizers.Adam(0.02), "mse")
    given = (X, Y) if data == "arrays" else (tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(64, seed=0).batch(16),)
    history = model.fit(*given, batch_size=None if data == "tf.data" else 16, epochs=15, verbose=0).history
    assert history["seen"][-1] < 0.5 * history["seen"][0]
    assert int(model.optimizer.iterations) == 60
    assert model.evaluate(X, Y, verbose=0)[0] < 4


def test_a_penalty_on_the_slope():
    class Penalized(Taped):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    y_pred = self(x, training=True)
                slope = inner.gradient(y_pred, x)
                loss = self.compute_loss(x=x, y=y, y_pred=y_pred) + 0.01 * tf.reduce_mean(slope**2)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"total": loss}

    model = Penalized()
    model.compile("adam", "mse")
    assert np.isfinite(model.fit(X, Y, epochs=2, verbose=0).history["total"]).all()


@pytest.mark.parametrize("jit_compile", [True, False])
def test_both_compilers_train_alike(jit_compile):
    model, twin = mlp(), mlp()
    model.compile(optimizers.SGD(0.01), "mse", jit_compile=jit_compile)
    twin.compile(optimizers.SGD(0.01), "mse", run_eagerly=True)
    for m in (model, twin):
        m.fit(X, Y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    for ours, right in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours, right, rtol=1e-4, atol=1e-6)


# ---- data, files


def test_data_sets_flow_in():
    pairs = tf.data.Dataset.from_tensor_slices(({"a": X, "b": X}, Y)).batch(24)
    a, b = layers.Input((8,), name="a"), layers.Input((8,), name="b")
    model = keratin.Model({"a": a, "b": b}, layers.Dense(1)(layers.Add()([a, b])))
    model.compile("sgd", "mse")
    model.fit(pairs, epochs=2, validation_data=pairs, verbose=0)
    assert model.predict(pairs.map(lambda x, y: x), verbose=0).shape == (64, 1)
    assert np.isfinite(model.evaluate(pairs, verbose=0))


def test_data_sets_read_ahead():
    source = as_source(tf.data.Dataset.from_tensor_slices((X, Y)).batch(24))
    assert "Prefetch" in type(source._data).__name__ and source.steps == 3


def test_checkpoints_of_tensorflow(tmp_path):
    model = mlp()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    optimizer = model.optimizer
    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
    path = checkpoint.save(str(tmp_path / "ckpt"))
    kept, slots = model.get_weights(), [v.numpy() for v in optimizer.variables]
    model.fit(X, Y, verbose=0)
    checkpoint.restore(path).assert_existing_objects_matched()
    for a, b in zip([*kept, *slots], [*model.get_weights(), *(v.numpy() for v in optimizer.variables)], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_module_with_a_layer_in_a_saved_model(tmp_path):
    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.net, self.scale = mlp(), keratin.Variable(2.0)

        @tf.function(input_signature=[tf.TensorSpec((None, 8))])
        def __call__(self, x):
            return self.net(x) * self.scale

    module = Module()
    tf.saved_model.save(module, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    for rows in (64, 3):
        np.testing.assert_allclose(loaded(X[:rows]), 2 * module.net(X[:rows]), rtol=1e-5, atol=1e-6)


def test_unknown_sizes_in_a_graph():
    model = keratin.Sequential([layers.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(2)])
    graph = tf.function(lambda x: model(x), input_signature=[tf.TensorSpec((None, 6, 6, 2))], autograph=False)
    for rows in (1, 5):
        x = np.ones((rows, 6, 6, 2), "float32")
        np.testing.assert_allclose(graph(x), model(x), rtol=1e-5)
