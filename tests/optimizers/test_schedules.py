"""Learning-rate schedules: against closed forms in float64, against Keras, compiled, and their configurations."""

import inspect
import json
import math

import keras
import numpy as np
import pytest

import keratin
from keratin import ops
from keratin.errors import ArgumentError, StateError
from keratin.optimizers import schedules

STEPS = [0, 1, 2, 5, 9, 10, 11, 15, 19, 20, 21, 29, 30, 31, 47, 69, 70, 71, 99, 100, 101, 1000]


def exponential(step, start, length, rate, staircase=False):
    return start * rate ** (step // length if staircase else step / length)


def inverse(step, start, length, rate, staircase=False):
    return start / (1 + rate * (step // length if staircase else step / length))


def piecewise(step, boundaries, values):
    return values[sum(step > b for b in boundaries)]


def polynomial(step, start, length, end_learning_rate=1e-4, power=1.0, cycle=False):
    if cycle:
        length = length * max(1, math.ceil(step / length))
    return (start - end_learning_rate) * (1 - min(step, length) / length) ** power + end_learning_rate


def wave(done):
    return 0.5 * (1 + math.cos(math.pi * min(done, 1)))


def cosine(step, start, length, alpha=0.0, warmup_target=None, warmup_steps=0):
    if warmup_target is None:
        return start * ((1 - alpha) * wave(step / length) + alpha)
    if step < warmup_steps:
        return start + (warmup_target - start) * step / warmup_steps
    return warmup_target * ((1 - alpha) * wave((step - warmup_steps) / length) + alpha)


def restarts(step, start, length, t_mul=2.0, m_mul=1.0, alpha=0.0):
    height = 1.0
    while step >= length:
        step, length, height = step - length, length * t_mul, height * m_mul
    return start * ((1 - alpha) * height * wave(step / length) + alpha)


CASES = [
    ("ExponentialDecay", exponential, (0.1, 10, 0.5), {}),
    ("ExponentialDecay", exponential, (0.1, 7, 0.9), {"staircase": True}),
    ("InverseTimeDecay", inverse, (0.1, 10, 0.5), {}),
    ("InverseTimeDecay", inverse, (0.1, 10, 3.0), {"staircase": True}),
    ("PiecewiseConstantDecay", piecewise, ([10, 20, 70], [0.5, 0.1, 0.3, 0.01]), {}),
    ("PiecewiseConstantDecay", piecewise, ([1], [1.0, 0.1]), {}),
    ("PolynomialDecay", polynomial, (0.1, 30), {}),
    ("PolynomialDecay", polynomial, (0.1, 30), {"power": 0.5, "end_learning_rate": 0.01}),
    ("PolynomialDecay", polynomial, (0.1, 10), {"power": 2.0, "cycle": True}),
    ("CosineDecay", cosine, (0.1, 30), {}),
    ("CosineDecay", cosine, (0.1, 70), {"alpha": 0.25}),
    ("CosineDecay", cosine, (0.01, 30), {"warmup_target": 0.2, "warmup_steps": 20, "alpha": 0.1}),
    ("CosineDecay", cosine, (0.01, 30), {"warmup_target": 0.2}),
    ("CosineDecay", cosine, (0.1, 30), {"warmup_steps": 20}),
    ("CosineDecayRestarts", restarts, (0.1, 10), {}),
    ("CosineDecayRestarts", restarts, (0.1, 10), {"t_mul": 1.0, "m_mul": 0.5}),
    ("CosineDecayRestarts", restarts, (0.1, 10), {"t_mul": 1.5, "m_mul": 0.8, "alpha": 0.1}),
]
IDS = [f"{name}-{'-'.join(options)}" for name, _, _, options in CASES]
cases = pytest.mark.parametrize(("name", "reference", "arguments", "options"), CASES, ids=IDS)


@cases
def test_is_the_closed_form(name, reference, arguments, options):
    schedule = getattr(schedules, name)(*arguments, **options)
    for step in STEPS:
        rate = schedule(np.int32(step))
        assert tuple(rate.shape) == () and ops.dtype(rate) == "float32"
        assert float(rate) == pytest.approx(reference(step, *arguments, **options), rel=2e-6, abs=1e-8), step


@cases
def test_keras_agrees(name, reference, arguments, options):
    ours, theirs = (getattr(space, name)(*arguments, **options) for space in (schedules, keras.optimizers.schedules))
    for step in STEPS:
        if name == "CosineDecayRestarts" and float(theirs(step)) < 0.011 and step in (10, 30, 70):
            continue  # Keras ends a wave where the next one should begin, by the rounding of its logarithm
        assert float(ours(step)) == pytest.approx(float(theirs(step)), rel=1e-5, abs=1e-7), step


@cases
def test_compiled_and_of_all_kinds_of_steps(name, reference, arguments, options):
    schedule = getattr(schedules, name)(*arguments, **options)
    compiled = keratin.jit(lambda step: schedule(step))
    for step in (0, 10, 31):
        expected = float(schedule(step))
        kinds = (np.int32(step), ops.array(step), keratin.Variable(step, dtype="int32"), float(step), np.float32(step))
        for kind in kinds:
            assert float(schedule(kind)) == expected
        assert float(compiled(np.int32(step))) == pytest.approx(expected, rel=1e-6)
    assert compiled.traces == 1


@cases
def test_configuration(name, reference, arguments, options):
    schedule = getattr(schedules, name)(*arguments, **options, name="mine")
    data = json.loads(json.dumps(schedules.serialize(schedule)))
    assert data["module"] == "keras.optimizers.schedules" and data["registered_name"] is None
    theirs = keras.optimizers.schedules.deserialize(json.loads(json.dumps(data)))
    back = schedules.deserialize(keras.optimizers.schedules.serialize(theirs))
    assert type(back) is type(schedule) and back.get_config() == schedule.get_config() == theirs.get_config()
    assert float(back(17)) == float(schedule(17))


@pytest.mark.parametrize("name", sorted(n for n in schedules.__all__ if n[0].isupper()))
def test_parameters_are_those_of_keras(name):
    ours, theirs = (inspect.signature(getattr(space, name)) for space in (schedules, keras.optimizers.schedules))
    if name != "LearningRateSchedule":
        assert [(p.name, p.default) for p in ours.parameters.values()] == [
            (p.name, p.default) for p in theirs.parameters.values()
        ]


def test_no_schedule_of_keras_is_missing():
    public = {n for n in dir(keras.optimizers.schedules) if not n.startswith("_")}
    assert public == set(schedules.__all__)


@pytest.mark.parametrize("growth", [1.0, 1.001, 1.1, 2.0, 3.0, 10.0])
def test_waves_begin_exactly_where_they_should(growth):
    """At the first step of each wave the rate is the highest, and one step before it is low; at large steps too."""
    schedule = schedules.CosineDecayRestarts(1.0, 1000, t_mul=growth)
    rate = keratin.jit(lambda step: schedule(step))
    begin, length = 0.0, 1000.0
    for _ in range(12):
        begin, length = begin + length, length * growth
        first = math.ceil(begin - 1e-6)
        if first > 10**9:
            break
        assert float(rate(np.int32(first))) > 0.99999 and float(rate(np.int32(first - 1))) < 1e-5


def test_shrinking_waves_end():
    schedule = schedules.CosineDecayRestarts(1.0, 100, t_mul=0.5, alpha=0.25)
    for step in (0, 50, 100, 125, 150, 180, 199):
        assert float(schedule(step)) == pytest.approx(restarts(step, 1.0, 100, 0.5, alpha=0.25), abs=1e-5)
    assert float(schedule(10_000)) == 0.25


def test_integers_give_rates_in_floating_point():
    assert float(schedules.PolynomialDecay(1, 10, 0)(5)) == 0.5
    assert float(schedules.ExponentialDecay(1, 2, 4)(1)) == 2.0
    assert float(schedules.PiecewiseConstantDecay([1], [1, 0])(1)) == 1.0


def test_float64_rates_where_floatx_is_float64():
    floatx = keratin.config.floatx()
    keratin.config.set_floatx("float64")
    try:
        rate = schedules.ExponentialDecay(0.1, 3, 0.7)(2)
        fine = keratin.backend.backend() == "numpy"
        assert float(rate) == pytest.approx(0.1 * 0.7 ** (2 / 3), rel=1e-14 if fine else 1e-6)
    finally:
        keratin.config.set_floatx(floatx)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps"),
        (lambda: schedules.InverseTimeDecay(0.1, -1, 0.5), "decay_steps"),
        (lambda: schedules.PolynomialDecay(0.1, 0), "decay_steps"),
        (lambda: schedules.CosineDecay(0.1, 0), "decay_steps"),
        (lambda: schedules.CosineDecayRestarts(0.1, 0), "first_decay_steps"),
        (lambda: schedules.CosineDecayRestarts(0.1, 5, t_mul=0.0), "t_mul"),
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]), "2 boundaries and 2 values"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3]), "must rise"),
    ],
)
def test_bad_arguments(make, part):
    with pytest.raises(ArgumentError, match=part):
        make()


def test_base_defines_no_rate():
    with pytest.raises(StateError, match="__call__"):
        schedules.LearningRateSchedule()(0)
