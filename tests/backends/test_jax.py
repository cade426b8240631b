"""At home in JAX: the stateless interface in Keras's published forms of steps and loops, variables in `jax.numpy`."""

from __future__ import annotations

import numpy as np
import pytest

import keratin
from keratin import layers, losses, metrics
from keratin.backends import select
from keratin.errors import ShapeError, StateError

if select.backend_name() != "jax":
    pytest.skip("about the JAX backend", allow_module_level=True)

import jax
import jax.numpy as jnp

X = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
Y = (X[:, :1] - 2 * X[:, 1:2] + 0.5).astype("float32")


def mlp() -> keratin.Sequential:
    return keratin.Sequential(
        [layers.Input((8,)), layers.Dense(16, activation="relu"), layers.BatchNormalization(), layers.Dense(1)]
    )


class PureStep(keratin.Model):
    """Keras's published form of a custom step on JAX: a pure function of the state."""

    def __init__(self):
        super().__init__()
        self.hidden, self.out = layers.Dense(16, activation="relu"), layers.Dense(1)
        self.drop = layers.Dropout(0.1, seed=1)

    def call(self, x, training=None):
        return self.out(self.drop(self.hidden(x), training=training))

    def compute_loss_and_updates(self, trainable_variables, non_trainable_variables, x, y, training=False):
        y_pred, non_trainable_variables = self.stateless_call(
            trainable_variables, non_trainable_variables, x, training=training
        )
        return self.compute_loss(x, y, y_pred), (y_pred, non_trainable_variables)

    def _update_metrics(self, metrics_variables, loss, y, y_pred):
        logs, new = {}, []
        for metric in self.metrics:
            mine = metrics_variables[len(new) : len(new) + len(metric.variables)]
            if metric.name == "loss":
                mine = metric.stateless_update_state(mine, loss)
            else:
                mine = metric.stateless_update_state(mine, y, y_pred)
            logs[metric.name] = metric.stateless_result(mine)
            new += mine
        return logs, new

    def train_step(self, state, data):
        trainable_variables, non_trainable_variables, optimizer_variables, metrics_variables = state
        x, y = data
        gradient = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (loss, (y_pred, non_trainable_variables)), grads = gradient(
            trainable_variables, non_trainable_variables, x, y, training=True
        )
        trainable_variables, optimizer_variables = self.optimizer.stateless_apply(
            optimizer_variables, grads, trainable_variables
        )
        logs, metrics_variables = self._update_metrics(metrics_variables, loss, y, y_pred)
        return logs, (trainable_variables, non_trainable_variables, optimizer_variables, metrics_variables)

    def test_step(self, state, data):
        trainable_variables, non_trainable_variables, metrics_variables = state
        x, y = data
        y_pred, non_trainable_variables = self.stateless_call(
            trainable_variables, non_trainable_variables, x, training=False
        )
        logs, metrics_variables = self._update_metrics(metrics_variables, self.compute_loss(x, y, y_pred), y, y_pred)
        return logs, (trainable_variables, non_trainable_variables, metrics_variables)

    def predict_step(self, state, data):
        trainable_variables, non_trainable_variables = state
        outputs, non_trainable_variables = self.stateless_call(trainable_variables, non_trainable_variables, data)
        return outputs, non_trainable_variables


def test_pure_steps_run_in_fit_evaluate_and_predict():
    model = PureStep()
    model.compile(optimizer=keratin.optimizers.Adam(0.02), loss="mse", metrics=["mae"])
    seed_before = np.asarray(model.drop.seed_generator.state).tolist()
    history = model.fit(X, Y, batch_size=16, epochs=15, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0] and history["mae"][-1] < history["mae"][0]
    assert int(model.optimizer.iterations) == 60
    assert np.asarray(model.drop.seed_generator.state).tolist() != seed_before
    results = model.evaluate(X, Y, verbose=0, return_dict=True)
    predictions = model.predict(X, verbose=0)
    assert results["mae"] == pytest.approx(float(np.abs(predictions - Y).mean()), rel=1e-4)


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (lambda logs, state: logs, StateError, "must return a pair"),
        (lambda logs, state: (logs, state[:2]), StateError, "another number of parts"),
        (lambda logs, state: (logs, (state[0][:1], *state[1:])), ShapeError, "another number of trainable_variables"),
    ],
)
def test_a_pure_step_that_returns_something_else(returned, error, message):
    class Wrong(PureStep):
        def train_step(self, state, data):
            return returned({"loss": 0.0}, state)

    model = Wrong()
    model.compile("sgd", "mse")
    with pytest.raises(error, match=message):
        model.fit(X, Y, verbose=0)


def test_a_loop_by_hand_in_the_published_form():
    model, optimizer, loss_function = mlp(), keratin.optimizers.Adam(0.02), losses.MeanSquaredError()
    metric = metrics.MeanAbsoluteError()

    def compute_loss_and_updates(trainable, non_trainable, metric_variables, x, y):
        y_pred, non_trainable = model.stateless_call(trainable, non_trainable, x, training=True)
        loss = loss_function(y, y_pred)
        metric_variables = metric.stateless_update_state(metric_variables, y, y_pred)
        return loss, (non_trainable, metric_variables)

    gradient = jax.value_and_grad(compute_loss_and_updates, has_aux=True)

    @jax.jit
    def train_step(state, data):
        trainable, non_trainable, optimizer_variables, metric_variables = state
        (loss, (non_trainable, metric_variables)), grads = gradient(trainable, non_trainable, metric_variables, *data)
        trainable, optimizer_variables = optimizer.stateless_apply(optimizer_variables, grads, trainable)
        return loss, (trainable, non_trainable, optimizer_variables, metric_variables)

    optimizer.build(model.trainable_variables)
    # Variables go in as they are, as in the guides; arrays come out.
    state = (model.trainable_variables, model.non_trainable_variables, optimizer.variables, metric.variables)
    history = []
    for _ in range(60):
        loss, state = train_step(state, (X, Y))
        history.append(float(loss))
    assert history[-1] < 0.3 * history[0]
    trainable, non_trainable, _, metric_variables = state
    assert 0 < float(metric.stateless_result(metric_variables)) < 3
    for variable, value in zip(model.trainable_variables, trainable, strict=True):
        variable.assign(value)
    for variable, value in zip(model.non_trainable_variables, non_trainable, strict=True):
        variable.assign(value)
    assert np.abs(model.predict(X, verbose=0) - Y).mean() < 1.0


def test_functions_of_jax_take_variables():
    v = keratin.Variable([1.0, 2.0])
    assert jnp.add(v, 1).tolist() == [2.0, 3.0] and jax.nn.relu(v).tolist() == [1.0, 2.0]


def test_the_state_is_a_pytree_of_arrays():
    model = mlp()
    values = [v.value for v in model.trainable_variables]
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(values))
    stacked = jax.tree.map(lambda x: jnp.stack([x, 2 * x]), values)
    others = [v.value for v in model.non_trainable_variables]
    outputs = jax.vmap(lambda t: model.stateless_call(t, others, X)[0])(stacked)
    assert outputs.shape == (2, 64, 1)
