"""Rules that users write: Keratin's form and Keras's."""

import keras
import numpy as np
import pytest

import keratin
from keratin import ops, optimizers
from keratin.testing.optimizers import problem
from tests.marks import needs_gradients


class Momentum(optimizers.Optimizer):
    """Keratin's form."""

    slots = ("velocity",)

    def __init__(self, learning_rate=0.01, momentum=0.9, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.momentum = momentum

    def update(self, gradient, value, slots, learning_rate):
        velocity = self.momentum * slots["velocity"] - learning_rate * gradient
        return value + velocity, {"velocity": velocity}


def in_the_form_of_keras(base, operations):
    class Momentum(base):
        def __init__(self, learning_rate=0.01, momentum=0.9, **kwargs):
            super().__init__(learning_rate=learning_rate, **kwargs)
            self.momentum = momentum

        def build(self, variables):
            if self.built:
                return
            super().build(variables)
            self.momenta = self.add_optimizer_variables(variables, "momentum")

        def update_step(self, gradient, variable, learning_rate):
            learning_rate = operations.cast(learning_rate, variable.dtype)
            gradient = operations.cast(gradient, variable.dtype)
            m = self.momenta[self._get_variable_index(variable)]
            self.assign(m, m * self.momentum - gradient * learning_rate)
            self.assign_add(variable, m)

        def get_config(self):
            return {**super().get_config(), "momentum": self.momentum}

    return Momentum


OPTIONS = [
    {},
    {"weight_decay": 0.1, "clipnorm": 1.0},
    {"gradient_accumulation_steps": 3},
    {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("compiled", [False, True])
def test_both_forms_are_sgd(options, compiled):
    expected = problem.run(optimizers.SGD(0.01, momentum=0.9, **options), problem.variables(), problem.GRADIENTS[:9])
    for kind in (Momentum, in_the_form_of_keras(optimizers.Optimizer, ops)):
        history = problem.run(kind(0.01, **options), problem.variables(), problem.GRADIENTS[:9], compiled=compiled)
        for a, b in zip(history, expected, strict=True):
            assert all(np.allclose(x, y, rtol=1e-6, atol=1e-6) for x, y in zip(a, b, strict=True))


def test_the_same_class_in_keras():
    values = problem.variables()
    ours = in_the_form_of_keras(optimizers.Optimizer, ops)(0.1)
    theirs = in_the_form_of_keras(keras.optimizers.Optimizer, keras.ops)(0.1)
    variables = [keras.Variable(v.astype("float32")) for v in problem.VALUES]
    for batch in problem.GRADIENTS[:5]:
        ours.apply(batch, values)
        theirs.apply(batch, variables)
    assert all(np.allclose(a, np.asarray(b), rtol=1e-6) for a, b in zip(problem.arrays(values), variables, strict=True))
    assert [v.name for v in ours.variables][2:] == [f"block_{n}_momentum" for n in problem.SHAPES]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_rules_never_see_half_precision(dtype):
    seen = []

    class Watching(Momentum):
        def update(self, gradient, value, slots, learning_rate):
            seen.extend(ops.dtype(t) for t in (gradient, value, slots["velocity"], learning_rate))
            return super().update(gradient, value, slots, learning_rate)

    values = problem.variables(dtype)
    Watching().apply(problem.GRADIENTS[0], values)
    assert set(seen) == {"float32"} and {v.dtype for v in values} == {dtype}


def test_added_variables_come_in_order():
    optimizer = optimizers.SGD(name="own")
    a, b = problem.variables()[:2]
    left, right = optimizer.add_optimizer_variables([a, b], ["left", "right"], ["zeros", "ones"])
    single = optimizer.add_variable((2,), "ones", "float32", name="single")
    paths = ["block_tall_left", "block_tall_right", "block_wide_left", "block_wide_right", "single"]
    assert [v.path for v in optimizer.variables[2:]] == [f"own/{path}" for path in paths]
    assert left[0].shape == a.shape and right[1].numpy().min() == 1.0 and not single.trainable


@needs_gradients
@pytest.mark.parametrize("kind", [Momentum, in_the_form_of_keras(optimizers.Optimizer, ops)])
def test_fit_with_an_own_rule(kind):
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    y = x @ np.array([[1.0], [2.0], [3.0]], "float32")
    weights = []
    for optimizer in (kind(0.05, use_ema=True), optimizers.SGD(0.05, momentum=0.9, use_ema=True)):
        model = keratin.Sequential([keratin.layers.Input((3,)), keratin.layers.Dense(1, kernel_initializer="ones")])
        model.compile(optimizer, "mse")
        model.fit(x, y, epochs=4, shuffle=False, verbose=0)
        weights.append(model.get_weights())
        assert optimizer.iterations.numpy() == 8
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(*weights, strict=True))
