"""Every rule for 50 steps: against its paper in float64, against Keras, and eager against compiled."""

import keras
import numpy as np
import pytest

import keratin
from keratin import optimizers
from keratin.testing.optimizers import problem, reference

RATES = {"Lion": 0.003, "Adadelta": 1.0, "Adam": 0.01, "SGD": 0.02, "Ftrl": 0.5}
RULES = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.8, "nesterov": True}),
    ("Adam", {}),
    ("Adam", {"beta_1": 0.0, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Adam", {"amsgrad": True, "beta_2": 0.8}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.1, "amsgrad": True}),
    ("RMSprop", {}),
    ("RMSprop", {"rho": 0.7, "epsilon": 1e-2}),
    ("RMSprop", {"momentum": 0.5}),
    ("RMSprop", {"centered": True, "epsilon": 1e-3}),
    ("RMSprop", {"centered": True, "momentum": 0.9, "epsilon": 1e-3}),
    ("Adagrad", {}),
    ("Adagrad", {"initial_accumulator_value": 0.0, "epsilon": 1e-2}),
    ("Adadelta", {}),
    ("Adadelta", {"rho": 0.5, "epsilon": 1e-3}),
    ("Adamax", {}),
    ("Adamax", {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2}),
    ("Nadam", {}),
    ("Nadam", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-2}),
    ("Ftrl", {}),
    ("Ftrl", {"l1_regularization_strength": 2.0, "l2_regularization_strength": 0.5, "beta": 0.3}),
    ("Ftrl", {"l2_shrinkage_regularization_strength": 0.1, "learning_rate_power": -0.3}),
    ("Lion", {}),
    ("Lion", {"beta_1": 0.5, "beta_2": 0.8}),
    ("Lamb", {}),
    ("Lamb", {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2}),
    ("Adafactor", {}),
    ("Adafactor", {"beta_2_decay": -0.5, "epsilon_1": 1e-3, "epsilon_2": 2.0, "clip_threshold": 0.5}),
    ("Muon", {}),
    ("Muon", {"nesterov": False, "rms_rate": None, "ns_steps": 2, "momentum": 0.5, "weight_decay": None}),
    ("Muon", {"exclude_embeddings": False, "exclude_layers": ["wide"], "adam_lr_ratio": 0.5, "adam_beta_1": 0.5}),
    ("ScheduleFreeAdamW", {}),
    ("ScheduleFreeAdamW", {"beta_1": 0.6, "beta_2": 0.9, "epsilon": 1e-3, "warmup_steps": 20}),
]
IDS = [f"{name}-{'-'.join(arguments)}" for name, arguments in RULES]
rules = pytest.mark.parametrize(("name", "arguments"), RULES, ids=IDS)


def expected(name, arguments):
    rest = dict(arguments)
    decay = rest.pop("weight_decay", {"AdamW": 0.004, "Muon": 0.004}.get(name))
    options = {"weight_decay": decay}
    if name == "Muon":
        options["paths"] = problem.PATHS
    history, _ = reference.trajectory(
        getattr(reference, name), problem.VALUES, problem.EXACT, RATES.get(name, 0.01), rest, **options
    )
    return history


@rules
def test_follows_the_paper(name, arguments):
    if name == "Muon" and "weight_decay" in arguments:
        arguments = {**arguments, "adam_weight_decay": None}
    dtype = problem.widest()
    floatx = keratin.config.floatx()
    keratin.config.set_floatx(dtype)
    try:
        optimizer = getattr(optimizers, name)(RATES.get(name, 0.01), **arguments)
        history = problem.run(optimizer, problem.variables(dtype), compiled=True)
    finally:
        keratin.config.set_floatx(floatx)
    arguments = {k: v for k, v in arguments.items() if k != "adam_weight_decay"}
    assert problem.worst(history, expected(name, arguments)) < (1e-9 if dtype == "float64" else 4e-5)


@rules
def test_keras_agrees(name, arguments):
    rate = RATES.get(name, 0.01)
    history = problem.run(getattr(optimizers, name)(rate, **arguments), problem.variables())
    theirs = getattr(keras.optimizers, name)(rate, **arguments)
    with keras.name_scope("block"):
        variables = [
            keras.Variable(v.astype("float32"), name=n) for n, v in zip(problem.SHAPES, problem.VALUES, strict=True)
        ]
    for batch in problem.GRADIENTS:
        theirs.apply(batch, variables)
    for a, v in zip(history[-1], variables, strict=True):
        # Keras takes 1 - beta**t in float32, which is 1e-5 off for a beta of 0.999: its own distance from the paper.
        assert np.allclose(a, np.asarray(v), rtol=1e-6, atol=2e-6)


@rules
def test_variables_are_those_of_keras(name, arguments):
    """The same number, shapes and order, so that files written by one are read by the other."""
    ours, theirs = (getattr(space, name)(0.01, **arguments) for space in (optimizers, keras.optimizers))
    ours.build(problem.variables())
    theirs.build(
        [keras.Variable(v.astype("float32"), name=n) for n, v in zip(problem.SHAPES, problem.VALUES, strict=True)]
    )
    assert [v.shape for v in ours.variables] == [tuple(v.shape) for v in theirs.variables]
    for batch in problem.GRADIENTS[:3]:
        ours.apply(batch)
        theirs.apply(batch)
    for a, b in zip(ours.variables, theirs.variables, strict=True):
        assert np.allclose(a.numpy(), np.asarray(b), rtol=2e-5, atol=1e-6), (a.path, b.path)


@rules
def test_eager_is_compiled(name, arguments):
    histories = [
        problem.run(
            getattr(optimizers, name)(0.01, **arguments), problem.variables(), problem.GRADIENTS[:5], compiled=compiled
        )
        for compiled in (False, True)
    ]
    for a, b in zip(*histories, strict=True):
        assert all(np.allclose(x, y, rtol=1e-6, atol=1e-7) for x, y in zip(a, b, strict=True))


@rules
def test_zero_gradients_from_the_start_stay_finite(name, arguments):
    values = problem.variables()
    optimizer = getattr(optimizers, name)(0.01, **arguments)
    for _ in range(3):
        optimizer.apply([np.zeros(s, "float32") for s in problem.SHAPES.values()], values)
    assert all(np.isfinite(a).all() for a in problem.arrays(values))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", sorted({name for name, _ in RULES}))
def test_half_precision_computes_in_float32(name, dtype):
    """One step differs from that of float32 by roundings of the result alone, and a hundred stay finite."""
    rate = RATES.get(name, 0.01)
    half, full = problem.variables(dtype), problem.variables()
    for v, h in zip(full, half, strict=True):
        v.assign(h.numpy().astype("float32"))
    gradients = [
        np.asarray(g, "float32").astype(h.numpy().dtype) for g, h in zip(problem.GRADIENTS[0], half, strict=True)
    ]
    mine, right = (getattr(optimizers, name)(rate) for _ in range(2))
    mine.apply(gradients, half)
    right.apply([g.astype("float32") for g in gradients], full)
    # with the decay, the value is rounded twice
    eps = {"bfloat16": 2**-8, "float16": 2**-11}[dtype]
    for h, v in zip(problem.arrays(half), problem.arrays(full), strict=True):
        assert np.allclose(h, v, rtol=2 * eps, atol=1e-3 * eps)
    for batch in problem.GRADIENTS[:40]:
        mine.apply(batch, half)
    assert all(np.isfinite(a).all() for a in problem.arrays(half))
