"""The public transforms of stateful functions."""

import numpy as np
import pytest

import keratin
from keratin import layers, ops, optimizers
from keratin.errors import ArgumentError, StateError
from keratin.state.seed import SeedGenerator
from tests.marks import needs_gradients


def test_jit_reads_and_assigns_variables():
    count, scale = keratin.Variable(0), keratin.Variable(2.0)

    @keratin.jit
    def tick(x, negate=False):
        count.assign_add(1)
        y = x * scale
        return {"y": -y if negate else y, "label": "fixed"}

    assert tick(3.0)["y"] == 6 and tick(4.0)["y"] == 8
    scale.assign(10.0)
    assert tick(1.0)["y"] == 10 and int(count) == 3
    assert tick(1.0, negate=True) == {"y": -10, "label": "fixed"}
    assert tick.traces == 2


def test_jit_runs_the_body_twice_per_shape():
    runs = []

    @keratin.jit
    def double(x):
        runs.append(tuple(x.shape))
        return x * 2

    for size in (3, 3, 4, 3, 4):
        double(np.ones(size, "float32"))
    assert len([r for r in runs if r == (3,)]) <= 2 or keratin.backend.backend() == "numpy"
    assert double.traces == 2


def test_jit_in_jit_is_one_program():
    v = keratin.Variable(1.0)
    inner = keratin.jit(lambda x: v.assign_add(x))
    outer = keratin.jit(lambda x: inner(x) * 2)
    assert float(outer(2.0)) == 6 and float(v) == 3 and inner.traces == 0


def test_jit_makes_lazy_variables_and_layers_inside():
    dense = layers.Dense(2, kernel_initializer="ones")
    call = keratin.jit(lambda x: dense(x))
    x = np.ones((3, 4), "float32")
    assert ops.convert_to_numpy(call(x)).tolist() == [[4, 4]] * 3
    dense.kernel.assign(np.zeros((4, 2)))
    assert ops.convert_to_numpy(call(x)).tolist() == [[0, 0]] * 3


def test_jit_compiles_anew_when_trainable_changes():
    dense = layers.Dense(1)
    dense.build((None, 2))

    @keratin.jit
    def count(x):
        return dense(x) * 0 + len(dense.trainable_variables)

    x = np.ones((1, 2), "float32")
    assert float(count(x)[0, 0]) == 2
    dense.trainable = False
    assert float(count(x)[0, 0]) == 0


def test_jit_names_arguments_that_cannot_be_hashed():
    with pytest.raises(ArgumentError, match="neither a tensor nor hashable"):
        keratin.jit(lambda x, y: x)(1.0, bytearray(b"no"))


@needs_gradients
def test_gradients_flow_through_assignments():
    w = keratin.Variable(3.0)

    def objective():
        w.assign(w * w)
        return w * 2.0

    value, (gradient,) = keratin.value_and_grad(objective, [w])()
    assert float(value) == 18 and float(gradient) == 12  # d(2 w^2)/dw at 3
    assert float(w) == 9


@needs_gradients
def test_value_and_grad_returns_gradients_in_the_order_of_the_variables_and_aux():
    a, b = keratin.Variable([1.0, 2.0]), keratin.Variable(5.0)
    function = keratin.value_and_grad(lambda x: (ops.sum(a * x) * b, {"x": x, "n": "aux"}), [b, a], has_aux=True)
    (value, aux), (gb, ga) = function(np.array([1.0, 3.0], "float32"))
    assert float(value) == 35 and float(gb) == 7 and ga.tolist() == [5, 15]
    assert aux["n"] == "aux" and aux["x"].tolist() == [1, 3]


@needs_gradients
def test_value_and_grad_refuses_what_is_no_scalar_and_variables_named_twice():
    v = keratin.Variable([1.0, 2.0])
    with pytest.raises(StateError, match=r"Gradients are taken of a scalar.*\n.*\(\)\n.*\(2,\)"):
        keratin.value_and_grad(lambda: v * 1.0, [v])()
    with pytest.raises(ArgumentError, match="named twice"):
        keratin.value_and_grad(lambda: ops.sum(v * v), [v, v])()


@needs_gradients
def test_second_derivatives():
    w = keratin.Variable(2.0)
    cube = lambda: w * w * w
    (second,) = keratin.grad(lambda: keratin.grad(cube, [w])()[0], [w])()
    assert float(second) == 12


def test_scan_carries_assigned_variables():
    total, seen = keratin.Variable(0.0), keratin.Variable(0)

    def body(carry, x):
        total.assign_add(x)
        seen.assign_add(1)
        return carry * 2, total * 1.0

    carry, ys = keratin.scan(body, np.float32(1), np.array([1, 2, 3], "float32"))
    assert float(carry) == 8 and ops.convert_to_numpy(ys).tolist() == [1, 3, 6]
    assert float(total) == 6 and int(seen) == 3
    _, ys = keratin.scan(lambda c, _: (c + 1, c), 0, length=4)
    assert ops.convert_to_numpy(ys).tolist() == [0, 1, 2, 3]
    with pytest.raises(ArgumentError, match="needs `xs` or `length`"):
        keratin.scan(body, 0.0)


def test_vmap_reads_variables_and_keeps_assignments_that_are_the_same_for_all_rows():
    w, count = keratin.Variable([1.0, 10.0]), keratin.Variable(0)

    def row(x):
        count.assign_add(1)
        return ops.sum(w * x)

    y = keratin.vmap(row)(np.array([[1, 1], [2, 0], [0, 3]], "float32"))
    assert ops.convert_to_numpy(y).tolist() == [11, 2, 30] and int(count) == 1


@needs_gradients
def test_vmap_refuses_assignments_that_differ_from_row_to_row():
    last = keratin.Variable(0.0)
    with pytest.raises(StateError, match="differs from row to row"):
        keratin.vmap(lambda x: last.assign(x))(np.array([1.0, 2.0], "float32"))


@needs_gradients
def test_remat_gives_the_same_gradients_and_keeps_assignments():
    dense, count = layers.Dense(3, activation="tanh"), keratin.Variable(0)
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    dense(x)

    def block(x):
        count.assign_add(1)
        return ops.sum(dense(x) ** 2)

    plain, expected = keratin.value_and_grad(block, dense.trainable_variables)(x)
    value, gradients = keratin.value_and_grad(keratin.remat(block), dense.trainable_variables)(x)
    assert np.allclose(value, plain) and int(count) == 2
    for g, e in zip(gradients, expected, strict=True):
        assert np.allclose(g, e, atol=1e-6)


def test_functionalize_is_pure():
    v, w = keratin.Variable(1.0, name="v"), keratin.Variable(2.0, name="w")
    pure = keratin.functionalize(lambda x: v.assign(v * x + w), [v, w])
    outputs, new = pure([3.0, 4.0], 5.0)
    assert float(outputs) == 19 and [float(n) for n in new] == [19, 4]
    assert float(v) == 1 and float(w) == 2
    with pytest.raises(StateError, match="assigns variables that were not named"):
        keratin.functionalize(lambda: v.assign(0.0), [w])([1.0])


def test_seed_generators_advance_through_compiled_code():
    eager, compiled = SeedGenerator(5), SeedGenerator(5)
    draw = keratin.jit(lambda: keratin.random.uniform((3,), seed=compiled))
    for _ in range(3):
        a = keratin.random.uniform((3,), seed=eager)
        assert np.array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(draw()))
    assert compiled.state.numpy().tolist() == [5, 3]


@needs_gradients
def test_gan_trains_compiled_with_two_optimizers_and_no_state_threaded_by_hand():
    keratin.utils.set_random_seed(3)
    generator = keratin.Sequential([layers.Input((2,)), layers.Dense(16, "relu"), layers.Dense(1)])
    critic = keratin.Sequential([layers.Input((1,)), layers.Dense(16, "relu"), layers.Dense(1)])
    g_opt, d_opt = optimizers.Adam(5e-3, beta_1=0.5), optimizers.Adam(5e-3, beta_1=0.5)
    seeds = SeedGenerator(0)
    cross_entropy = keratin.losses.BinaryCrossentropy(from_logits=True)

    @keratin.jit
    def step(real):
        noise = keratin.random.normal((64, 2), seed=seeds)

        def d_loss():
            fake = generator(noise)
            return cross_entropy(ops.ones((64, 1)), critic(real)) + cross_entropy(ops.zeros((64, 1)), critic(fake))

        def g_loss():
            return cross_entropy(ops.ones((64, 1)), critic(generator(noise)))

        d_value, d_gradients = keratin.value_and_grad(d_loss, critic.trainable_variables)()
        d_opt.apply(d_gradients, critic.trainable_variables)
        g_value, g_gradients = keratin.value_and_grad(g_loss, generator.trainable_variables)()
        g_opt.apply(g_gradients, generator.trainable_variables)
        return d_value, g_value

    rng = np.random.default_rng(0)
    for _ in range(400):
        step(rng.normal(3.0, 0.5, (64, 1)).astype("float32"))
    fakes = ops.convert_to_numpy(generator(rng.normal(size=(500, 2)).astype("float32")))
    assert step.traces == 1 and int(g_opt.iterations) == 400
    assert abs(fakes.mean() - 3.0) < 1.0  # untrained it lies near 0


@needs_gradients
def test_meta_learning_differentiates_through_an_inner_step():
    keratin.utils.set_random_seed(1)
    model = keratin.Sequential([layers.Input((1,)), layers.Dense(20, "tanh"), layers.Dense(1)])
    optimizer, weights = optimizers.Adam(1e-2), model.trainable_variables

    def loss(x, y):
        return ops.mean((model(x) - y) ** 2)

    @keratin.jit
    def meta_step(x, y, x_new, y_new):
        def after_adapting():
            for w, g in zip(weights, keratin.grad(loss, weights)(x, y), strict=True):
                w.assign(w - 0.1 * g)
            return loss(x_new, y_new)

        start = [w * 1.0 for w in weights]
        value, gradients = keratin.value_and_grad(after_adapting, weights)()
        for w, s in zip(weights, start, strict=True):
            w.assign(s)
        optimizer.apply(gradients, weights)
        return value

    rng, values = np.random.default_rng(0), []
    for _ in range(150):
        x, slope = rng.uniform(-1, 1, (2, 10, 1)).astype("float32"), np.float32(rng.uniform(0.5, 2))
        values.append(float(meta_step(x[0], slope * x[0], x[1], slope * x[1])))
    assert meta_step.traces == 1
    assert np.mean(values[-30:]) < 0.3 * np.mean(values[:10])
