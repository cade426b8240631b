"""Optimizers of optimizers: a loss scale that adapts itself, and one optimizer per part of a model."""

import json

import jax.numpy as jnp
import keras
import numpy as np
import pytest

import keratin
from keratin import optimizers
from keratin.errors import ArgumentError, UnknownArgumentError
from keratin.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap
from keratin.testing.optimizers import problem
from tests.marks import needs_gradients

INF = float("inf")


def history(optimizer, batches, step):
    """The scale, the counter and the weight after each batch."""
    w = keratin.Variable(1.0)
    optimizer.build([w])
    run = step(lambda g: optimizer.apply([g], [w]))
    rows = []
    for g in batches:
        run(np.float32(g))
        rows.append((float(optimizer.scale_loss(1.0)), int(optimizer.variables[2].numpy()), float(w)))
    return rows


@pytest.mark.parametrize("step", [lambda f: f, keratin.jit])
def test_scale_halves_and_doubles(step):
    optimizer = LossScaleOptimizer(SGD(0.5), initial_scale=8.0, dynamic_growth_steps=3)
    rows = history(optimizer, [8.0, INF, 4.0, 4.0, 4.0, 8.0, np.nan, 4.0], step)
    assert rows == [
        (8.0, 1, 0.5), (4.0, 0, 0.5), (4.0, 1, 0.0), (4.0, 2, -0.5), (8.0, 0, -1.0), (8.0, 1, -1.5), (4.0, 0, -1.5),
        (4.0, 1, -2.0),
    ]  # fmt: skip
    assert int(optimizer.iterations) == 6


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_keras_scales_alike(kind):
    values = problem.variables()
    ours, theirs = (
        space.LossScaleOptimizer(
            getattr(space, kind)(0.01, weight_decay=0.1, clipnorm=1.0), initial_scale=16.0, dynamic_growth_steps=4
        )
        for space in (optimizers, keras.optimizers)
    )
    variables = [keras.Variable(v.astype("float32")) for v in problem.VALUES]
    theirs.build(variables)
    now, state = [v.value for v in variables], [v.value for v in theirs.variables]
    for i, batch in enumerate(problem.GRADIENTS[:12]):
        bad = [np.full_like(g, np.inf if i in (3, 9) else 0.0) + g for g in batch]
        ours.apply(bad, values)
        now, state = theirs.stateless_apply(state, [jnp.asarray(g) for g in bad], now)  # its `apply` leaks tracers
    assert all(np.allclose(a, np.asarray(b), atol=1e-6) for a, b in zip(problem.arrays(values), now, strict=True))
    assert [v.shape for v in ours.variables] == [tuple(v.shape) for v in state]
    assert all(
        np.allclose(a.numpy(), np.asarray(b), rtol=1e-5, atol=1e-6) for a, b in zip(ours.variables, state, strict=True)
    )


def test_a_batch_that_is_not_finite_leaves_the_state_alone():
    values = problem.variables()
    inner = optimizers.Nadam(0.1, use_ema=True, gradient_accumulation_steps=2)
    optimizer = LossScaleOptimizer(inner)
    for batch in problem.GRADIENTS[:3]:
        optimizer.apply(batch, values)
    before = problem.arrays([*values, *inner.variables])
    optimizer.apply([np.full(s, np.nan, "float32") for s in problem.SHAPES.values()])
    assert all(np.array_equal(a, b) for a, b in zip(before, problem.arrays([*values, *inner.variables]), strict=True))


def test_loss_scale_hands_on():
    w = keratin.Variable([4.0], name="bias")
    inner = SGD(0.5, loss_scale_factor=2.0, use_ema=True, ema_momentum=0.5, weight_decay=0.5)
    optimizer = LossScaleOptimizer(inner, 1.0)
    assert inner.loss_scale_factor is None and float(optimizer.scale_loss(3.0)) == 3.0
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    before = optimizer.signature()
    optimizer.learning_rate = 1.0
    assert float(inner.learning_rate) == float(optimizer.learning_rate) == 1.0 and before == optimizer.signature()
    optimizer.apply([[1.0]], [w])
    optimizer.apply([[1.0]], [w])
    optimizer.finalize_variable_values([w])
    assert w.numpy().tolist() == [2.5]
    inner.clipnorm = 1.0
    assert before != optimizer.signature()
    state, gradients = [v.value for v in optimizer.variables], [[1.0]]
    values, new = optimizer.stateless_apply(state, gradients, [w.value])
    assert float(values[0][0]) == 1.5 and len(new) == len(state) and w.numpy().tolist() == [2.5]


def test_bad_arguments_of_loss_scale():
    for make, kind in (
        (lambda: LossScaleOptimizer(SGD(), clipnorm=1.0), ArgumentError),
        (lambda: LossScaleOptimizer(SGD(), dynamic=False), ArgumentError),
        (lambda: LossScaleOptimizer(SGD(), beta=1), UnknownArgumentError),
        (lambda: LossScaleOptimizer("adam"), ArgumentError),
        (lambda: LossScaleOptimizer(LossScaleOptimizer(SGD())), ArgumentError),
        (lambda: LossScaleOptimizer(SGD(), initial_scale=0.0), ArgumentError),
        (lambda: LossScaleOptimizer(SGD(), dynamic_growth_steps=0), ArgumentError),
    ):
        with pytest.raises(kind):
            make()
    assert LossScaleOptimizer(SGD(), clipnorm=None, use_ema=False).clipnorm is None


def both_ways(optimizer):
    """Through Keras and back."""
    data = json.loads(json.dumps(optimizers.serialize(optimizer)))
    theirs = keras.saving.deserialize_keras_object(json.loads(json.dumps(data)))
    back = optimizers.deserialize(json.loads(json.dumps(keras.saving.serialize_keras_object(theirs))))
    assert type(back) is type(optimizer) and back.get_config() == optimizer.get_config()
    return back


def test_configurations():
    again = both_ways(LossScaleOptimizer(Adam(0.25, beta_1=0.5), 4.0, 5, name="mine"))
    assert again.inner_optimizer.beta_1 == 0.5 and again.initial_scale == 4.0
    choice = OptimizerMap(SGD(0.1), {"encoder/.*": Adam(0.5)})
    data = json.loads(json.dumps(optimizers.serialize(MultiOptimizer(choice, 2.0, "both"))))
    back = optimizers.deserialize(data)
    assert back.name == "both" and back.loss_scale_factor == 2.0
    assert float(back.optimizer_map["encoder/x"].learning_rate) == 0.5
    assert [type(o) for o in back.optimizers] == [Adam, SGD]


# ---- several optimizers


def parts():
    with keratin.name_scope("encoder"):
        first = [keratin.Variable([1.0], name="kernel"), keratin.Variable([2.0], name="bias")]
    with keratin.name_scope("head"):
        return [*first, keratin.Variable([3.0], name="kernel")]


def multi(space, **options):
    choice = space.OptimizerMap(space.SGD(0.5, momentum=0.5))
    choice["encoder/.*"] = space.Adam(0.1)
    return space.MultiOptimizer(choice, **options)


@pytest.mark.parametrize("step", [lambda f: f, keratin.jit])
def test_each_part_has_its_own(step):
    variables, alone = parts(), parts()
    optimizer = multi(optimizers)
    optimizer.build(variables)
    run = step(lambda *g: optimizer.apply(list(g), variables))
    adam, sgd = Adam(0.1), SGD(0.5, momentum=0.5)
    for i in range(1, 4):
        gradients = [np.float32([i]), np.float32([-i]), np.float32([0.5 * i])]
        run(*gradients)
        adam.apply(gradients[:2], alone[:2])
        sgd.apply(gradients[2:], alone[2:])
    assert all(np.allclose(a.numpy(), b.numpy(), atol=1e-6) for a, b in zip(variables, alone, strict=True))
    assert int(optimizer.iterations) == 3 and [int(o.iterations) for o in optimizer.optimizers] == [3, 3]


def test_keras_has_the_same_variables():
    variables = parts()
    ours, theirs = multi(optimizers), multi(keras.optimizers)
    ours.build(variables)
    with keras.name_scope("encoder"):
        first = [keras.Variable([1.0], name="kernel"), keras.Variable([2.0], name="bias")]
    with keras.name_scope("head"):
        values = [*first, keras.Variable([3.0], name="kernel")]
    theirs.build(values)
    for _ in range(3):
        ours.apply([[1.0], [2.0], [3.0]])
        theirs.apply([np.float32([x]) for x in (1, 2, 3)])
    assert len(ours.variables) == len(theirs.variables) == 11
    assert all(
        np.allclose(a.numpy(), np.asarray(b), atol=1e-5) for a, b in zip(ours.variables, theirs.variables, strict=True)
    )


def test_options_of_several():
    variables = parts()
    optimizer = multi(optimizers, loss_scale_factor=4.0)
    assert [o.loss_scale_factor for o in optimizer.optimizers] == [4.0, 4.0]
    assert float(optimizer.scale_loss(2.0)) == 8.0 and not hasattr(optimizer, "learning_rate")
    with pytest.raises(AttributeError, match="optimizer.optimizers"):
        optimizer.learning_rate = 0.1
    optimizer.apply([[4.0]] * 3, variables)
    assert variables[2].numpy()[0] == pytest.approx(2.5)
    before = optimizer.signature()
    optimizer.optimizers[0].clipnorm = 1.0
    assert optimizer.signature() != before
    wrapped = LossScaleOptimizer(multi(optimizers, loss_scale_factor=4.0), 2.0)
    variables = parts()
    wrapped.apply([[2.0]] * 3, variables)
    assert variables[2].numpy()[0] == pytest.approx(2.5)


def test_a_function_chooses_and_averages_are_put_back():
    variables = parts()
    average, plain = SGD(1.0, use_ema=True, ema_momentum=0.5, weight_decay=0.5), SGD(1.0, weight_decay=0.5)
    optimizer = MultiOptimizer(OptimizerMap(plain, {"head/kernel": average}))
    optimizer.exclude_from_weight_decay(var_names=["kernel", "bias"])
    optimizer.apply([[1.0]] * 3, variables)
    optimizer.apply([[1.0]] * 2, variables[1:])
    optimizer.finalize_variable_values(variables)
    assert [float(v.numpy()[0]) for v in variables] == [0.0, 0.0, 1.5]


def test_map():
    adam, sgd, other = Adam(), SGD(), SGD()
    choice = OptimizerMap(sgd)
    choice["a/.*"], choice["a/b"] = adam, other
    assert choice["a/b"] is other and choice["a/c"] is adam and choice["a"] is sgd
    assert list(choice) == ["a/.*", "a/b"] and len(choice) == 2
    del choice["a/b"]
    assert choice["a/b"] is adam
    choice[".*/b"] = other
    for wrong in (
        lambda: choice["a/b"],
        lambda: choice.__setitem__("a/.*", sgd),
        lambda: choice.__setitem__(3, sgd),
        lambda: choice.__setitem__("x", "adam"),
        lambda: choice.__setitem__("x", LossScaleOptimizer(SGD())),
        lambda: choice.__setitem__("x", MultiOptimizer(choice)),
        lambda: OptimizerMap("adam"),
        lambda: OptimizerMap(sgd, [adam]),
        lambda: MultiOptimizer(sgd),
        lambda: MultiOptimizer(lambda variable: "adam").build(parts()),
    ):
        with pytest.raises(ArgumentError):
            wrong()


# ---- in fit


def data():
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    return x, x @ np.array([[1.0], [2.0], [3.0]], "float32")


@needs_gradients
def test_fit_and_files_with_several(tmp_path):
    def make():
        encoder = keratin.layers.Dense(3, kernel_initializer="identity", name="encoder")
        model = keratin.Sequential([keratin.layers.Input((3,)), encoder, keratin.layers.Dense(1, name="head")])
        choice = OptimizerMap(SGD(0.05, momentum=0.5), {"encoder/.*": Adam(0.01)})
        model.compile(MultiOptimizer(choice), "mse")
        return model

    x, y = data()
    model = make()
    losses = model.fit(x, y, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < 0.1 * losses[0]
    model.save(tmp_path / "m.keras")
    again = keratin.models.load_model(tmp_path / "m.keras")
    for a, b in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        assert np.array_equal(a.numpy(), b.numpy()), a.path
    results = [m.fit(x, y, epochs=1, shuffle=False, verbose=0).history["loss"] for m in (model, again)]
    assert results[0] == pytest.approx(results[1], rel=1e-6)


@needs_gradients
def test_mixed_float16_scales_its_loss_by_itself(tmp_path):
    keratin.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = keratin.Sequential([keratin.layers.Input((3,)), keratin.layers.Dense(1, kernel_initializer="ones")])
    finally:
        keratin.mixed_precision.set_global_policy("float32")
    model.compile(SGD(0.05), "mse", auto_scale_loss=False)
    assert type(model.optimizer) is SGD
    model.compile(SGD(0.05), "mse")
    assert type(model.optimizer) is LossScaleOptimizer
    x, y = data()
    model.optimizer.build(model.trainable_variables)
    model.optimizer.variables[3].assign(2.0**60)  # no gradient of float16 survives this
    losses = model.fit(x, y, epochs=40, batch_size=16, verbose=0).history["loss"]
    scale = float(model.optimizer.scale_loss(1.0))
    assert losses[-1] < 0.01 * losses[0] and 2.0 < scale < 2.0**30
    assert 0 < int(model.optimizer.iterations) < 160
    model.save(tmp_path / "m.keras")
    again = keratin.models.load_model(tmp_path / "m.keras")
    assert float(again.optimizer.scale_loss(1.0)) == scale
    assert int(again.optimizer.iterations) == int(model.optimizer.iterations)
