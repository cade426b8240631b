"""What all optimizers share: decay, clipping, averages, loss scale, accumulation, learning rates."""

import warnings

import keras
import numpy as np
import pytest

import keratin
from keratin import constraints, ops, optimizers
from keratin.optimizers import schedules
from keratin.testing.optimizers import problem, reference

OPTIMIZERS = [
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("RMSprop", {"momentum": 0.5, "centered": True, "epsilon": 1e-3}),
]
SCHEDULE = ("PolynomialDecay", (0.02, 30, 0.001))
OPTIONS = {
    "decay": {"weight_decay": 0.1},
    "decay_with_exclusions": {"weight_decay": 0.1, "excluded": (1, 2, 3)},
    "clipnorm": {"clipnorm": 0.7},
    "clipvalue": {"clipvalue": 0.2},
    "global_clipnorm": {"global_clipnorm": 2.0},
    "average": {"use_ema": True, "ema_momentum": 0.8},
    "average_that_overwrites": {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 7},
    "loss_scale": {"loss_scale_factor": 8.0, "global_clipnorm": 0.5},
    "accumulation": {"gradient_accumulation_steps": 4, "clipnorm": 0.5, "weight_decay": 0.1},
    "schedule": {"rate": SCHEDULE},
    "schedule_with_accumulation": {"rate": SCHEDULE, "gradient_accumulation_steps": 3},
    "accumulation_and_average": {
        "gradient_accumulation_steps": 3,
        "use_ema": True,
        "ema_momentum": 0.5,
        "ema_overwrite_frequency": 4,
    },
}
every = pytest.mark.parametrize(("name", "arguments"), OPTIMIZERS, ids=[name for name, _ in OPTIMIZERS])
two = pytest.mark.parametrize(("name", "arguments"), [OPTIMIZERS[1], OPTIMIZERS[3]], ids=["Adam", "RMSprop"])
each_option = pytest.mark.parametrize("option", OPTIONS)


def make(space, name, arguments, option, variables):
    """An optimizer of Keratin or Keras with one of the options."""
    given = {**arguments, **OPTIONS[option]}
    rate, excluded = given.pop("rate", 0.01), given.pop("excluded", ())
    if isinstance(rate, tuple):
        rate = getattr(space.schedules, rate[0])(*rate[1])
    optimizer = getattr(space, name)(rate, **given)
    if excluded:
        optimizer.exclude_from_weight_decay([variables[1]], ["bias", "scale"])
    return optimizer


def line(step):
    start, length, end = SCHEDULE[1]
    return (start - end) * (1 - min(step, length) / length) + end


@every
@each_option
def test_follows_the_definition(name, arguments, option):
    dtype = problem.widest()
    values = problem.variables(dtype)
    floatx = keratin.config.floatx()
    keratin.config.set_floatx(dtype)
    try:
        optimizer = make(optimizers, name, arguments, option, values)
        history = problem.run(optimizer, values, compiled=True)
    finally:
        keratin.config.set_floatx(floatx)
    given = {"weight_decay": 0.004} if name == "AdamW" else {}
    given |= OPTIONS[option]
    rate = line if given.pop("rate", None) else 0.01
    expected, averages = reference.trajectory(
        getattr(reference, name), problem.VALUES, problem.EXACT, rate, arguments, **given
    )
    tolerance = 1e-9 if dtype == "float64" else 4e-5
    assert problem.worst(history, expected) < tolerance
    if averages is not None:
        optimizer.finalize_variable_values(values)
        assert problem.worst([problem.arrays(values)], [averages]) < tolerance


# Keras moves the averages with every batch, also where no update was made.
@every
@pytest.mark.parametrize("option", [o for o in OPTIONS if o != "accumulation_and_average"])
def test_keras_agrees(name, arguments, option):
    values = problem.variables()
    optimizer = make(optimizers, name, arguments, option, values)
    history = problem.run(optimizer, values, problem.GRADIENTS[:12])
    with keras.name_scope("block"):
        theirs = [
            keras.Variable(v.astype("float32"), name=n) for n, v in zip(problem.SHAPES, problem.VALUES, strict=True)
        ]
    right = make(keras.optimizers, name, arguments, option, theirs)
    for batch in problem.GRADIENTS[:12]:
        right.apply(batch, theirs)
    for a, v in zip(history[-1], theirs, strict=True):
        assert np.allclose(a, np.asarray(v), rtol=1e-6, atol=1e-6)
    assert [v.shape for v in optimizer.variables] == [tuple(v.shape) for v in right.variables]
    for a, b in zip(optimizer.variables, right.variables, strict=True):
        assert np.allclose(a.numpy(), np.asarray(b), rtol=1e-5, atol=1e-6), a.path


@two
@each_option
def test_eager_is_compiled(name, arguments, option):
    histories = []
    for compiled in (False, True):
        values = problem.variables()
        optimizer = make(optimizers, name, arguments, option, values)
        histories.append(problem.run(optimizer, values, problem.GRADIENTS[:8], compiled=compiled))
    for a, b in zip(*histories, strict=True):
        assert all(np.allclose(x, y, rtol=1e-6, atol=1e-7) for x, y in zip(a, b, strict=True))


@two
@each_option
def test_stateless_apply_is_apply(name, arguments, option):
    values, free = problem.variables(), problem.variables()
    optimizer = make(optimizers, name, arguments, option, values)
    history = problem.run(optimizer, values, problem.GRADIENTS[:5])
    pure = make(optimizers, name, arguments, option, free)
    pure.build(free)
    now, state = [v.value for v in free], [v.value for v in pure.variables]
    for batch, expected in zip(problem.GRADIENTS, history, strict=False):
        now, state = pure.stateless_apply(state, batch, now)
        assert all(np.allclose(ops.convert_to_numpy(a), b, atol=1e-7) for a, b in zip(now, expected, strict=True))
    for a, b in zip(state, optimizer.variables, strict=True):
        assert np.allclose(ops.convert_to_numpy(a), b.numpy(), atol=1e-7), b.path
    assert all(np.array_equal(v.numpy(), np.float32(w)) for v, w in zip(free, problem.VALUES, strict=True))
    assert int(pure.iterations) == 0


def test_stateless_apply_keeps_the_dtypes():
    w = keratin.Variable([1.0])
    optimizer = optimizers.Adam()
    optimizer.build([w])
    given = [np.asarray(v.numpy(), "float16") for v in optimizer.variables]
    values, state = optimizer.stateless_apply(given, [np.array([1], "int64")], [np.array([1.0], "float16")])
    assert [ops.dtype(v) for v in (*values, *state)] == ["float32", "int32", *["float32"] * 3]


# ---- accumulation


@every
@pytest.mark.parametrize(
    "options", [{}, {"clipnorm": 0.5}, {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2}]
)
def test_accumulation_is_the_large_batch(name, arguments, options):
    groups = [problem.GRADIENTS[i : i + 5] for i in range(0, 20, 5)]
    large = [
        [np.mean(g, axis=0, dtype="float64").astype("float32") for g in zip(*group, strict=True)] for group in groups
    ]
    small = getattr(optimizers, name)(0.01, gradient_accumulation_steps=5, **arguments, **options)
    kind = getattr(optimizers, name)(0.01, **arguments, **options)
    parts = problem.run(small, problem.variables(), problem.GRADIENTS[:20])
    whole = problem.run(kind, problem.variables(), large)
    for i, expected in enumerate(whole):
        got = parts[5 * i + 4]
        assert all(np.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(got, expected, strict=True))
        before = whole[i - 1] if i else [np.float32(v) for v in problem.VALUES]
        for between in parts[5 * i : 5 * i + 4]:
            assert all(np.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(between, before, strict=True))
    assert int(small.iterations) == int(kind.iterations) == 4


def test_between_updates_nothing_changes_but_the_sums():
    values = problem.variables()
    optimizer = optimizers.Nadam(gradient_accumulation_steps=3, use_ema=True, weight_decay=0.1, name="n")
    problem.run(optimizer, values, problem.GRADIENTS[:3])
    sums = [v.path for v in optimizer.variables if "accumulator" in v.path]
    before = {v.path: v.numpy() for v in (*values, *optimizer.variables)}
    optimizer.apply(problem.GRADIENTS[3])
    changed = [v.path for v in (*values, *optimizer.variables) if not np.array_equal(v.numpy(), before[v.path])]
    assert changed == ["n/iteration", *sums] and len(sums) == len(values)


def test_sums_start_anew_after_an_update():
    w = keratin.Variable([1.0])
    optimizer = optimizers.SGD(1.0, gradient_accumulation_steps=2)
    for gradient, expected in ((2.0, 1.0), (4.0, -2.0), (100.0, -2.0), (-100.0, -2.0)):
        optimizer.apply([[gradient]], [w])
        assert float(w.numpy()[0]) == expected


# ---- averages


def test_average_of_weights_that_had_no_gradient_is_their_value():
    a, b = keratin.Variable([1.0]), keratin.Variable([5.0])
    optimizer = optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5)
    optimizer.build([a, b])
    optimizer.apply([[2.0]], [a])
    optimizer.apply([[2.0], [2.0]], [a, b])
    optimizer.finalize_variable_values([a, b])
    assert a.numpy().tolist() == [-0.5] and b.numpy().tolist() == [4.5]


def test_finalize_before_any_update_keeps_the_weights():
    w = keratin.Variable([3.0])
    for optimizer in (optimizers.SGD(use_ema=True), optimizers.SGD(use_ema=True, gradient_accumulation_steps=2)):
        optimizer.build([w])
        optimizer.finalize_variable_values([w])
        assert w.numpy().tolist() == [3.0]
    optimizer.apply([[1.0]])
    optimizer.finalize_variable_values([w])
    assert w.numpy().tolist() == [3.0]


def test_finalize_without_averages_keeps_the_weights():
    w = keratin.Variable([3.0])
    optimizer = optimizers.SGD(1.0)
    optimizer.apply([[1.0]], [w])
    optimizer.finalize_variable_values([w])
    assert w.numpy().tolist() == [2.0]


@pytest.mark.parametrize("options", [{}, {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2}])
def test_constraints_hold_after_updates_and_after_averages_took_over(options):
    w = keratin.Variable([1.0, 0.0])
    w.constraint = constraints.UnitNorm(axis=0)
    optimizer = optimizers.SGD(1.0, **options)
    for gradient in ([0.0, -3.0], [5.0, 1.0], [1.0, 1.0], [-2.0, 0.5]):
        optimizer.apply([gradient], [w])
        assert np.linalg.norm(w.numpy()) == pytest.approx(1.0, abs=1e-5)


def test_averages_are_of_constrained_weights():
    w = keratin.Variable([1.0])
    w.constraint = constraints.NonNeg()
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    for gradient in (-1.0, 10.0):  # 2, then 0
        optimizer.apply([[gradient]], [w])
    optimizer.finalize_variable_values([w])
    assert w.numpy().tolist() == [1.0]


# ---- decay


def test_names_of_what_keeps_out_of_decay_are_parts_of_paths():
    with keratin.name_scope("layer_norm"):
        inner = keratin.Variable([1.0], name="gamma")
    with keratin.name_scope("dense"):
        kernel, bias = keratin.Variable([1.0], name="kernel"), keratin.Variable([1.0], name="bias")
    optimizer = optimizers.SGD(0.5, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["layer_norm"])
    optimizer.exclude_from_weight_decay(var_names=["^bias$"])
    optimizer.apply([[0.0]] * 3, [inner, kernel, bias])
    assert [float(v.numpy()[0]) for v in (inner, kernel, bias)] == [1.0, 0.75, 1.0]
    with pytest.raises(keratin.errors.StateError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])


# ---- clipping


@pytest.mark.parametrize("option", ["clipnorm", "global_clipnorm"])
def test_clipping_at_the_limit_and_below_changes_nothing(option):
    for gradient in ([3.0, 4.0], [0.3, 0.4], [0.0, 0.0]):
        w = keratin.Variable([0.0, 0.0])
        optimizers.SGD(1.0, **{option: 5.0}).apply([gradient], [w])
        assert np.array_equal(w.numpy(), -np.float32(gradient))


@pytest.mark.parametrize("option", ["clipnorm", "global_clipnorm"])
def test_norms_of_half_precision_do_not_overflow(option):
    w = keratin.Variable([0.0, 0.0], dtype="float16")
    optimizers.SGD(1.0, **{option: 1.0}).apply([np.array([30000.0, 40000.0], "float16")], [w])
    assert np.allclose(w.numpy(), [-0.6, -0.8], atol=1e-3)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_not_finite_gradients_are_not_hidden_by_clipping():
    for bad in (np.inf, np.nan):
        for option in ("clipnorm", "global_clipnorm"):
            w = keratin.Variable([0.0, 0.0])
            optimizers.SGD(1.0, **{option: 1.0}).apply([[bad, 1.0]], [w])
            assert np.isnan(w.numpy()[0])


# ---- learning rates


@pytest.mark.parametrize("compiled", [False, True])
def test_rate_set_during_training(compiled):
    rates = [0.02, 0.02, 0.0, 0.1, 0.05]
    values = problem.variables()
    optimizer = optimizers.SGD(0.5, momentum=0.5)
    optimizer.build(values)
    step = lambda batch: optimizer.apply(batch, values)
    step = keratin.jit(step) if compiled else step
    expected, _ = reference.trajectory(
        reference.SGD, problem.VALUES, problem.EXACT[:5], rates.__getitem__, {"momentum": 0.5}
    )
    for rate, batch, right in zip(rates, problem.GRADIENTS, expected, strict=False):
        optimizer.learning_rate = rate
        step(batch)
        assert problem.worst([problem.arrays(values)], [right]) < 4e-5
    assert float(optimizer.learning_rate) == np.float32(0.05)
    assert not compiled or step.traces == 1


def test_rate_becomes_a_schedule():
    w = keratin.Variable(0.0)
    optimizer = optimizers.SGD(1.0)
    optimizer.apply([1.0], [w])
    before = optimizer.signature()
    optimizer.learning_rate = schedules.PiecewiseConstantDecay([1], [10.0, 100.0])
    assert optimizer.signature() != before and len(optimizer.variables) == 1
    optimizer.apply([1.0], [w])
    optimizer.apply([1.0], [w])
    assert float(w) == -111.0


def test_rate_of_a_function():
    w = keratin.Variable(0.0)
    rate = keratin.Variable(0.5)
    optimizer = optimizers.SGD(lambda: rate * 2)
    step = keratin.jit(lambda: optimizer.apply([1.0], [w]))
    step()
    rate.assign(0.25)
    step()
    assert float(w) == -1.5 and [v.name for v in optimizer.variables] == ["iteration"]


def test_negative_rate_climbs():
    w = keratin.Variable(0.0)
    optimizers.SGD(-0.5).apply([1.0], [w])
    assert float(w) == 0.5


def test_users_schedule_sees_the_batches():
    class Own(schedules.LearningRateSchedule):
        def __call__(self, step):
            return ops.where(step < 2, 1.0, 0.5) * ops.cast(step, "float32")

    w = keratin.Variable(0.0)
    optimizer = optimizers.SGD(Own())
    step = keratin.jit(lambda: optimizer.apply([1.0], [w]))
    for expected in (0.0, -1.0, -2.0, -3.5):
        step()
        assert float(w) == expected


# ---- gradients


def test_none_leaves_a_variable_alone_with_a_warning():
    a, b = keratin.Variable([1.0], name="a"), keratin.Variable([1.0], name="b")
    optimizer = optimizers.SGD(0.5, momentum=0.5, weight_decay=0.5)
    optimizer.build([a, b])
    with pytest.warns(UserWarning, match="no gradient for b"):
        optimizer.apply([[1.0], None])
    assert a.numpy().tolist() == [0.25] and b.numpy().tolist() == [1.0] and int(optimizer.iterations) == 1


def test_overwriting_variables_take_the_gradient_as_it_is():
    w, scale = keratin.Variable([1.0]), keratin.Variable([1.0])
    scale.overwrite_with_gradient = True
    for options in ({}, {"gradient_accumulation_steps": 2}):
        optimizer = optimizers.Adam(0.5, clipvalue=0.1, weight_decay=0.5, use_ema=True, **options)
        for gradient in (7.0, 5.0):
            optimizer.apply([[1.0], [gradient]], [w, scale])
        assert scale.numpy().tolist() == ([7.0] if options else [5.0])  # of several batches the greatest
        assert len(optimizer.variables) == 5 + (2 if options else 0)


def test_loss_scale():
    optimizer = optimizers.SGD(loss_scale_factor=4.0)
    assert float(optimizer.scale_loss(ops.array(2.0))) == 8.0
    assert float(optimizers.SGD().scale_loss(ops.array(2.0))) == 2.0
    w = keratin.Variable(0.0, dtype="float16")  # 2**-24 is the least number of float16
    optimizers.SGD(2.0**15, loss_scale_factor=1024.0).apply([np.float16(2**-15)], [w])
    assert float(w) == -(2.0**-10)


def test_apply_gradients_and_nothing_to_do():
    w = keratin.Variable([1.0])
    optimizer = optimizers.SGD(0.5)
    optimizer.apply([], [])
    assert not optimizer.built
    assert int(optimizer.apply_gradients(zip([[1.0]], [w], strict=True))) == 1
    assert int(optimizer.apply_gradients([])) == 1
    assert w.numpy().tolist() == [0.5]


def test_some_of_the_variables():
    a, b = keratin.Variable([1.0]), keratin.Variable([1.0])
    optimizer = optimizers.Adam(0.5)
    optimizer.build([a, b])
    optimizer.apply([[1.0]], [b])
    assert a.numpy().tolist() == [1.0] and b.numpy()[0] == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize("option", ["accumulation_and_average", "decay"])
def test_built_inside_a_compiled_function(option):
    values = problem.variables()
    optimizer = make(optimizers, "Nadam", {}, option, values)
    step = keratin.jit(lambda *batch: optimizer.apply(list(batch), values))
    for batch in problem.GRADIENTS[:6]:
        step(*batch)
    right = make(optimizers, "Nadam", {}, option, values)
    expected = problem.run(right, problem.variables(), problem.GRADIENTS[:6])[-1]
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(problem.arrays(values), expected, strict=True))
    assert int(right.iterations) == int(optimizer.iterations)


def test_constant_gradients_keep_centered_rmsprop_finite():
    """Their variance is 0, and rounded below it; with many values some are hit."""
    gradient = np.logspace(-1, 4, 500).astype("float32")
    w = keratin.Variable(np.zeros(500, "float32"))
    optimizer = optimizers.RMSprop(0.01, centered=True)
    optimizer.build([w])
    step = keratin.jit(lambda: optimizer.apply([gradient], [w]))
    for _ in range(200):
        step()
    assert np.isfinite(w.numpy()).all()


def test_restart_of_ftrl_from_empty_sums_without_a_gradient():
    w = keratin.Variable([1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizers.Ftrl(0.5, initial_accumulator_value=0.0).apply([[0.0]], [w])
    assert w.numpy().tolist() == [0.0]


def test_lamb_of_a_zero_variable_steps_like_adam():
    a, b = keratin.Variable([0.0, 0.0]), keratin.Variable([0.0, 0.0])
    optimizers.Lamb(0.1).apply([[1.0, -2.0]], [a])
    optimizers.Adam(0.1).apply([[1.0, -2.0]], [b])
    assert np.allclose(a.numpy(), b.numpy(), atol=1e-6)


def test_adafactor_relative_step_is_optional():
    for relative, expected in ((True, 0.5), (False, 1.0)):
        w = keratin.Variable([1.0])
        optimizer = optimizers.Adafactor(1.0, relative_step=relative)
        optimizer.build([w])
        optimizer.variables[0].assign(3)  # the fourth update: 1 / sqrt(4)
        optimizer.apply([[2.0]])
        assert 1 - w.numpy()[0] == pytest.approx(expected, rel=1e-5)
