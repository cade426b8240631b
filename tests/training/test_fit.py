"""`fit`, `evaluate`, `predict`: one loop over a compiled program."""

import warnings

import numpy as np
import pytest

import keratin
from keratin import callbacks, layers, losses, ops
from keratin.errors import KeratinError
from tests.marks import needs_gradients

pytestmark = needs_gradients


def regression(rows=70, features=4, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features)).astype("float32")
    return x, (x @ np.arange(1, features + 1, dtype="float32"))[:, None]


def classification(rows=60, classes=3):
    rng = np.random.default_rng(1)
    y = rng.integers(0, classes, rows)
    return (rng.normal(size=(rows, 5)) + y[:, None]).astype("float32"), y


def mlp(units=1, features=4, seed=7, **kwargs):
    keratin.utils.set_random_seed(seed)
    return keratin.Sequential([layers.Input((features,)), layers.Dense(8, "tanh"), layers.Dense(units, **kwargs)])


def test_fit_is_plain_gradient_descent():
    """The weights after fit are those of a NumPy loop in float64."""
    x, y = regression()
    model = keratin.Sequential([layers.Input((4,)), layers.Dense(1)])
    w, b = (v.numpy().astype("float64") for v in model.weights)
    model.compile(keratin.optimizers.SGD(0.05), "mse")
    history = model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    for _ in range(2):
        total = 0.0
        for start in range(0, 70, 16):
            xb, yb = x[start : start + 16].astype("float64"), y[start : start + 16]
            error = xb @ w + b - yb
            total += (error**2).sum()
            w, b = w - 0.05 * 2 * xb.T @ error / len(xb), b - 0.05 * 2 * error.mean(0)
    assert np.allclose(model.weights[0].numpy(), w, atol=1e-5) and np.allclose(model.weights[1].numpy(), b, atol=1e-5)
    assert history.history["loss"][-1] == pytest.approx(total / 70, rel=1e-4)


class CountingLayer(layers.Layer):
    """Counts how often its Python code runs."""

    runs = None

    def call(self, x):
        self.runs.append(tuple(x.shape))
        return x * 1.0


def test_one_trace_per_shape_and_none_in_a_second_fit():
    counting = CountingLayer()
    counting.runs = []
    model = keratin.Sequential([layers.Input((4,)), counting, layers.Dense(1)])
    model.compile("adam", "mse")
    x, y = regression(70)
    counting.runs.clear()
    model.fit(x, y, batch_size=32, epochs=3, verbose=0)
    full, short = counting.runs.count((32, 4)), counting.runs.count((6, 4))
    assert full == 2 and short == 1, counting.runs  # discovery and trace; what was discovered holds for the short batch
    assert len(counting.runs) - full - short <= 1  # the run on shapes, with None
    counting.runs.clear()
    model.fit(x, y, batch_size=32, epochs=1, verbose=0)
    assert counting.runs == []


@pytest.mark.parametrize("every", [1, 3])
def test_chunks_of_any_length_give_the_same_bits(every):
    x, y = regression(100)

    class EveryBatch(callbacks.Callback):
        calls = 0

        def on_train_batch_end(self, batch, logs=None):
            self.calls += 1

    weights = []
    for listeners in ([], [EveryBatch()]):
        keratin.utils.set_random_seed(5)
        model = keratin.Sequential([layers.Input((4,)), layers.Dense(8, "tanh"), layers.Dropout(0.3), layers.Dense(1)])
        model.compile("adam", "mse", steps_per_execution=every)
        model.fit(x, y, batch_size=10, epochs=3, verbose=0, callbacks=listeners)
        weights.append(model.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
    assert listeners[0].calls == 3 * -(-10 // every)


def test_history_validation_and_metrics():
    x, y = classification(90)
    model = keratin.Sequential([layers.Input((5,)), layers.Dense(16, "relu"), layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=20, validation_split=0.2, verbose=0)
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert len(history.history["loss"]) == 20 and history.history["accuracy"][-1] > 0.6
    loss, accuracy = model.evaluate(x[-18:], y[-18:], verbose=0)
    assert loss == pytest.approx(history.history["val_loss"][-1], rel=1e-5)
    assert accuracy == pytest.approx(history.history["val_accuracy"][-1])
    assert model.evaluate(x, y, verbose=0, return_dict=True).keys() == {"loss", "accuracy"}
    p = model.predict(x, verbose=0, batch_size=25)
    assert p.shape == (90, 3) and np.allclose(p.sum(1), 1, atol=1e-5)
    assert np.allclose(p, ops.convert_to_numpy(model(x)), atol=1e-6)
    assert np.mean(p.argmax(1) == y) == pytest.approx(model.evaluate(x, y, verbose=0)[1], abs=1e-6)


def test_predict_of_one_row_takes_the_quick_way_and_follows_the_weights():
    model = mlp()
    x, _ = regression(1)
    first = model.predict(x, verbose=0)
    assert np.array_equal(model.predict(x, verbose=0), first)
    model.set_weights([w * 2 for w in model.get_weights()])
    assert not np.allclose(model.predict(x, verbose=0), first)
    assert np.allclose(model.predict(x, verbose=0), ops.convert_to_numpy(model(x)), atol=1e-6)
    result = model.predict(x, verbose=0)
    result[:] = 0  # the caller's own


def test_several_outputs_losses_and_metrics_by_name():
    i = layers.Input((4,), name="i")
    h = layers.Dense(8, "relu")(i)
    model = keratin.Model(i, {"a": layers.Dense(1, name="first")(h), "b": layers.Dense(3, "softmax", name="second")(h)})
    model.compile(
        "adam",
        loss={"a": "mse", "b": "sparse_categorical_crossentropy"},
        loss_weights={"a": 2.0, "b": 0.5},
        metrics={"b": ["accuracy"], "a": "mae"},
    )
    x, y = regression(64)
    labels = np.arange(64) % 3
    logs = model.fit(x, {"b": labels, "a": y}, epochs=2, verbose=0).history
    assert {"loss", "a_loss", "b_loss", "b_accuracy", "a_mae"} == set(logs)
    assert logs["loss"][-1] == pytest.approx(2 * logs["a_loss"][-1] + 0.5 * logs["b_loss"][-1], rel=1e-4)
    p = model.predict(x, verbose=0)
    assert p["a"].shape == (64, 1) and p["b"].shape == (64, 3)


def test_custom_train_step_is_written_once():
    class Custom(keratin.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.seen = keratin.metrics.Mean(name="seen")

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data[:2]
            value, gradients = keratin.value_and_grad(
                lambda: ops.mean((self(x, training=True) - y) ** 2), self.trainable_variables
            )()
            self.optimizer.apply(gradients, self.trainable_variables)
            self.seen.update_state(ops.max(x))
            return {"loss": value, "seen": self.seen.result()}

    x, y = regression(64)
    model = Custom()
    model.compile(keratin.optimizers.SGD(0.1))
    logs = model.fit(x, y, epochs=15, verbose=0).history
    assert set(logs) == {"loss", "seen"} and logs["loss"][-1] < 0.05 * logs["loss"][0]
    assert logs["seen"][0] == pytest.approx(np.mean([x[:32].max(), x[32:].max()]), rel=0.5)


def test_run_eagerly_gives_the_same_weights():
    x, y = regression(50)
    weights = []
    for eager in (False, True):
        model = mlp()
        model.compile("rmsprop", "mse", run_eagerly=eager)
        model.fit(x, y, batch_size=20, epochs=2, verbose=0, shuffle=False)
        weights.append(model.get_weights())
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(*weights, strict=True))


def test_callbacks_change_learning_rate_and_weights_and_it_counts():
    class Freeze(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.0 if epoch else 0.1
            if epoch == 1:
                self.model.set_weights([np.ones_like(w) for w in self.model.get_weights()])

    x, y = regression()
    model = mlp()
    model.compile("sgd", "mse")
    model.fit(x, y, epochs=3, verbose=0, callbacks=[Freeze()])
    assert all((w == 1).all() for w in model.get_weights())


def test_values_read_before_and_during_fit_stay_whole():
    x, y = regression()
    model = mlp()
    model.compile("adam", "mse")
    before = model.weights[0].value
    if type(before).__name__ in ("Parameter", "ResourceVariable"):
        pytest.skip("the value is the engine's own variable, which shows every assignment")
    kept = []
    model.fit(
        x,
        y,
        epochs=2,
        verbose=0,
        callbacks=[callbacks.LambdaCallback(on_epoch_end=lambda e, logs: kept.append(model.weights[0].value))],
    )
    model.fit(x, y, epochs=1, verbose=0)
    arrays = [ops.convert_to_numpy(v) for v in (before, *kept)]
    assert not np.array_equal(arrays[0], arrays[1]) and not np.array_equal(arrays[1], arrays[2])


def test_data_is_never_written():
    x, y = regression()
    x0, y0 = x.copy(), y.copy()
    model = mlp()
    model.compile("adam", "mse")
    model.fit(x, y, epochs=2, verbose=0)
    assert np.array_equal(x, x0) and np.array_equal(y, y0)


def test_generators_weights_and_steps():
    def batches():
        while True:
            x, y = regression(8)
            yield x, y, np.ones(8, "float32")

    model = mlp()
    model.compile("adam", "mse", weighted_metrics=["mae"])
    logs = model.fit(batches(), steps_per_epoch=5, epochs=2, verbose=0).history
    assert len(logs["loss"]) == 2 and "mae" in logs
    x, y = regression(60)
    zero = mlp()
    start = zero.get_weights()
    zero.compile("sgd", "mse")
    zero.fit(x, y, sample_weight=np.zeros(60), epochs=1, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(start, zero.get_weights(), strict=True))


def test_class_weight_scales_the_loss():
    x, y = classification()
    model = mlp(3, 5, activation="softmax")
    model.compile("sgd", "sparse_categorical_crossentropy")
    plain = model.test_on_batch(x, y)
    weights = np.where(y == 1, 3.0, 1.0)
    p = model.predict(x, verbose=0)
    expected = (-np.log(p[np.arange(len(y)), y]) * weights).mean()
    loss = model.train_on_batch(x, y, class_weight={1: 3.0})
    assert loss == pytest.approx(expected, rel=1e-4) and plain < loss


def test_on_batch_methods_return_this_batch_alone():
    x, y = regression(64)
    model = mlp()
    model.compile("sgd", "mse")
    first = model.test_on_batch(x[:32], y[:32])
    second = model.test_on_batch(x[32:], y[32:])
    assert model.test_on_batch(x, y) == pytest.approx((first + second) / 2, rel=1e-5)
    assert model.predict_on_batch(x).shape == (64, 1)
    assert set(model.train_on_batch(x, y, return_dict=True)) == {"loss"}


def test_steps_per_epoch_goes_on_where_the_last_epoch_ended():
    """Two epochs of 3 batches over 4 batches see the rows 0 to 29, then 30 to 39 and 0 to 19."""

    class Sum(keratin.metrics.Metric):
        def __init__(self, name="sum"):
            super().__init__(name=name)
            self.total = self.add_variable((), "zeros", name="total")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total.assign_add(ops.sum(y_true))

        def result(self):
            return self.total * 1.0

    x = np.arange(40, dtype="float32")[:, None]
    model = keratin.Sequential([layers.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[Sum()])
    logs = model.fit(x, x, batch_size=10, steps_per_epoch=3, epochs=2, shuffle=False, verbose=0).history
    assert logs["sum"] == [sum(range(30)), sum(range(30, 40)) + sum(range(20))]


def test_mixed_precision_trains_in_half_and_keeps_float32_weights():
    x, y = regression(64)
    keratin.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = mlp()
    finally:
        keratin.mixed_precision.set_global_policy("float32")
    model.compile(keratin.optimizers.Adam(0.02), "mse")
    logs = model.fit(x, y, epochs=20, verbose=0).history
    assert logs["loss"][-1] < 0.5 * logs["loss"][0]
    assert {v.dtype for v in model.weights} == {"float32"}
    assert ops.dtype(model(x)) == "bfloat16"


def test_batch_normalization_statistics_are_exact_in_the_loop():
    x = np.random.default_rng(0).normal(3, 2, (40, 2)).astype("float32")
    model = keratin.Sequential([layers.Input((2,)), layers.BatchNormalization(momentum=0.9)])
    model.compile(keratin.optimizers.SGD(0.0), "mse")
    model.fit(x, x, batch_size=10, epochs=2, shuffle=False, verbose=0)
    mean, variance = np.zeros(2), np.ones(2)
    for _ in range(2):
        for start in range(0, 40, 10):
            part = x[start : start + 10].astype("float64")
            mean, variance = 0.9 * mean + 0.1 * part.mean(0), 0.9 * variance + 0.1 * part.var(0)
    assert np.allclose(model.weights[2].numpy(), mean, atol=1e-5) and np.allclose(
        model.weights[3].numpy(), variance, atol=1e-4
    )


def test_transfer_learning_freezes():
    base = keratin.Sequential([layers.Input((4,)), layers.Dense(8, "relu"), layers.BatchNormalization()], name="base")
    base.trainable = False
    model = keratin.Sequential([layers.Input((4,)), base, layers.Dense(1)])
    model.compile("adam", "mse")
    before = base.get_weights()
    x, y = regression()
    model.fit(x, y, epochs=2, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, base.get_weights(), strict=True))
    base.trainable = True
    model.compile("adam", "mse")
    model.fit(x, y, epochs=1, verbose=0)
    kernel, _, gamma, _, mean, _ = (not np.array_equal(a, b) for a, b in zip(before, base.get_weights(), strict=True))
    assert kernel and gamma and mean


def test_losses_of_layers_are_minimized():
    class Penalty(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(), initializer="ones", name="w")

        def call(self, x):
            self.add_loss(ops.square(self.w) * 10.0)
            return x * 1.0

    penalty = Penalty()
    model = keratin.Sequential([layers.Input((1,)), penalty])
    model.compile(keratin.optimizers.SGD(0.01), "mse")
    x = np.zeros((32, 1), "float32")
    logs = model.fit(x, x, epochs=5, verbose=0).history
    assert logs["loss"][0] == pytest.approx(10.0, rel=1e-4) and float(penalty.w) == pytest.approx(0.8**5, rel=1e-3)


def test_regularizers_count():
    model = keratin.Sequential([layers.Input((2,)), layers.Dense(1, kernel_regularizer="l2", use_bias=False)])
    model.compile("sgd", "mse")
    x, y = np.zeros((4, 2), "float32"), np.zeros((4, 1), "float32")
    assert model.test_on_batch(x, y) == pytest.approx(0.01 * (model.weights[0].numpy() ** 2).sum(), rel=1e-4)


# ---- bad input


def compiled(loss="mse", **kwargs):
    model = mlp(**kwargs)
    model.compile("sgd", loss)
    return model


def message(call, *parts):
    with pytest.raises(KeratinError) as caught:
        call()
    text = str(caught.value)
    for part in parts:
        assert part in text, f"{part!r} is not in:\n{text}"
    return caught.value


def test_fit_before_compile():
    x, y = regression()
    message(lambda: mlp().fit(x, y), "needs a compiled model", "model.compile(")


def test_wrong_width_names_the_input():
    message(lambda: compiled().fit(np.zeros((8, 5), "float32"), np.zeros((8, 1))), "another shape", "(None, 4)", "5")


def test_sparse_labels_for_a_categorical_loss():
    x, y = classification()
    model = compiled("categorical_crossentropy", units=3, features=5, activation="softmax")
    message(lambda: model.fit(x, y, verbose=0), "y", "sparse_categorical_crossentropy")


def test_label_outside_the_classes():
    x, _ = classification(20)
    y = np.arange(20) % 10
    y[13] = 10
    model = compiled("sparse_categorical_crossentropy", units=10, features=5, activation="softmax")
    message(lambda: model.fit(x, y, verbose=0), "row 13", "0 to 9", "10")


def test_targets_of_another_width_never_broadcast():
    x, _ = regression(8)
    message(lambda: compiled(units=3).fit(x, np.zeros((8, 1)), verbose=0), "3")


def test_inputs_by_name_missing_and_misnamed():
    a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b")
    model = keratin.Model({"a": a, "b": b}, layers.Dense(1)(layers.Concatenate()([a, b])))
    model.compile("sgd", "mse")
    x, y = np.zeros((8, 2), "float32"), np.zeros((8, 1))
    message(lambda: model.fit({"a": x}, y), "missing ['b']")
    message(lambda: model.fit({"a": x, "c": x}, y), "missing ['b']", "unknown ['c']")
    message(lambda: model.predict({"a": x, "b": x, "c": x}), "unknown ['c']")


def test_metric_or_loss_for_an_unknown_head():
    i = layers.Input((4,))
    model = keratin.Model(i, {"a": layers.Dense(1)(i), "b": layers.Dense(1)(i)})
    x, y = regression(8)
    model.compile("sgd", "mse", metrics={"c": "mae"})
    message(lambda: model.fit(x, {"a": y, "b": y}, verbose=0), "`metrics` names an output", "['a', 'b']", "c")
    model.compile("sgd", {"c": "mse"})
    message(lambda: model.fit(x, {"a": y, "b": y}, verbose=0), "`loss` names an output", "c")


def test_arguments_that_do_not_exist():
    message(lambda: mlp().compile("sgd", "mse", metric=["mae"]), "no such argument", "metric")
    message(lambda: layers.Dense(3, activaton="relu"), "activaton", "did you mean `activation`?")
    x, y = regression()
    with pytest.raises(TypeError):
        compiled().fit(x, y, epoch=3)


def test_unequal_lengths_empty_data_and_batch_sizes():
    x, y = regression(10)
    message(lambda: compiled().fit(x, y[:7]), "10", "7")
    message(lambda: compiled().fit(x[:0], y[:0]), "empty")
    message(lambda: compiled().fit(x, y, batch_size=0), "batch_size", "0")


def test_not_finite_loss_warns_with_its_batch():
    x, y = regression(40)
    x[25] = np.nan
    model = compiled()
    with pytest.warns(UserWarning, match="since batch 2 of this epoch"):
        model.fit(x, y, batch_size=10, epochs=2, shuffle=False, verbose=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compiled().fit(*regression(40), verbose=0)
    assert not [w for w in caught if "finite" in str(w.message)]


def test_not_finite_inputs_warn_before_training():
    x, y = regression(40)
    x[3, 1] = np.inf
    with pytest.warns(UserWarning, match="row 3"):
        compiled().fit(x, y, verbose=0)


def test_target_without_a_head_and_head_without_a_target():
    x, _ = regression(8)
    message(lambda: compiled().fit(x), "no target")


def test_error_inside_a_layer_names_it():
    class Broken(layers.Layer):
        def call(self, x):
            return ops.matmul(x, ops.ones((3, 3)))

    i = layers.Input((4,))
    error = message(lambda: Broken(name="broken")(i), "inner sizes")
    assert "broken" in str(error)


def test_compute_loss_override_and_loss_functions():
    class Doubled(keratin.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return 2 * losses.mean_squared_error(ops.reshape(y, (-1,)), ops.reshape(y_pred, (-1,)))

    x, y = regression(16)
    model = Doubled()
    model.compile("sgd")
    loss = model.test_on_batch(x, y)
    assert loss == pytest.approx(2 * ((model.predict(x, verbose=0) - y) ** 2).mean(), rel=1e-4)


def test_a_generator_may_fill_one_buffer_again_and_again():
    buffer = np.zeros((1000, 1000), "float32")

    def batches():
        for value in range(1, 6):
            buffer[:] = value
            yield buffer, np.full((1000, 1), value, "float32")
            buffer[:] = -1000

    class Mean(layers.Layer):
        def call(self, x):
            return ops.mean(x, axis=-1, keepdims=True)

    model = keratin.Sequential([layers.Input((1000,)), Mean()])
    model.compile(loss="mse")
    assert model.evaluate(batches(), verbose=0) == pytest.approx(0, abs=1e-6)
