"""What cannot work is refused, with a message that says where and what to do."""

import numpy as np
import pytest

import keratin
from keratin import optimizers
from keratin.errors import ArgumentError, ShapeError, StateError, UnknownArgumentError


def message(kind, call, *parts):
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert all(part in text for part in parts), text


def pair():
    with keratin.name_scope("dense"):
        return [keratin.Variable([[1.0, 2.0]], name="kernel"), keratin.Variable([1.0], name="bias")]


def test_unknown_arguments():
    message(UnknownArgumentError, lambda: optimizers.Adam(lr=0.1), "lr", "did you mean `learning_rate`?")
    message(TypeError, lambda: optimizers.Adam(beta1=0.1), "did you mean `beta_1`?")
    message(UnknownArgumentError, lambda: optimizers.SGD(zzz=0.1), "`SGD`", "zzz", "nesterov")
    message(UnknownArgumentError, lambda: optimizers.SGD(decay=0.1), "decay", "schedule")


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0), ["one kind of clipping", "clipnorm, clipvalue"]),
        (lambda: optimizers.SGD(global_clipnorm=1.0, clipvalue=1.0), ["one kind of clipping"]),
        (lambda: optimizers.SGD(clipnorm=0.0), ["`clipnorm`", "(0, inf]"]),
        (lambda: optimizers.SGD(clipvalue=-1.0), ["`clipvalue`", "-1.0"]),
        (lambda: optimizers.SGD(global_clipnorm="much"), ["`global_clipnorm`", "much"]),
        (lambda: optimizers.SGD(loss_scale_factor=0.0), ["`loss_scale_factor`"]),
        (lambda: optimizers.SGD(momentum=1.5), ["`momentum`", "[0, 1]", "1.5"]),
        (lambda: optimizers.SGD(momentum=-0.1), ["`momentum`"]),
        (lambda: optimizers.SGD(momentum=None), ["`momentum`", "None"]),
        (lambda: optimizers.SGD(momentum=float("nan")), ["`momentum`", "nan"]),
        (lambda: optimizers.Adam(beta_1=1.0), ["`beta_1`", "[0, 1)"]),
        (lambda: optimizers.Adam(0.9, 0.999, 2.0), ["`beta_2`"]),
        (lambda: optimizers.AdamW(weight_decay=None), ["weight decay", "use `Adam`"]),
        (lambda: optimizers.RMSprop(rho=2), ["`rho`"]),
        (lambda: optimizers.Lion(beta_1=0.0), ["`beta_1`", "(0, 1]"]),
        (lambda: optimizers.ScheduleFreeAdamW(beta_1=0.0), ["`beta_1`"]),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), ["`learning_rate_power`"]),
        (lambda: optimizers.Ftrl(l1_regularization_strength=-0.5), ["`l1_regularization_strength`"]),
        (lambda: optimizers.Adagrad(initial_accumulator_value=-1.0), ["`initial_accumulator_value`"]),
        (lambda: optimizers.SGD(use_ema=True, ema_momentum=1.5), ["`ema_momentum`"]),
        (lambda: optimizers.SGD(use_ema=True, ema_overwrite_frequency=0), ["`ema_overwrite_frequency`", "at least 1"]),
        (lambda: optimizers.SGD(use_ema=True, ema_overwrite_frequency=1.5), ["`ema_overwrite_frequency`"]),
        (lambda: optimizers.SGD(gradient_accumulation_steps=1), ["`gradient_accumulation_steps`", "at least 2"]),
        (lambda: optimizers.SGD(gradient_accumulation_steps=2.0), ["`gradient_accumulation_steps`", "2.0"]),
        (lambda: optimizers.SGD("fast"), ["`learning_rate`", "a number, a schedule", "fast"]),
        (lambda: optimizers.SGD(None), ["`learning_rate`", "None"]),
        (lambda: optimizers.SGD(True), ["`learning_rate`"]),
        (lambda: optimizers.SGD(np.ones(3)), ["`learning_rate`"]),
    ],
)
def test_values_out_of_range(make, parts):
    message(ArgumentError, make, *parts)


def test_number_of_gradients():
    variables = pair()
    optimizer = optimizers.SGD()
    message(ArgumentError, lambda: optimizer.apply([[1.0]], variables), "number of gradients", "2", "1")
    assert not optimizer.built
    optimizer.build(variables)
    message(ArgumentError, lambda: optimizer.apply([[1.0]]), "number of gradients")


def test_gradient_of_another_shape_names_the_variable():
    variables = pair()
    gradients = [np.ones((1, 2)), np.ones(2)]
    call = lambda: optimizers.SGD().apply(gradients, variables)
    message(ShapeError, call, "dense/bias", "(1,)", "(2,)", "order of the variables")
    optimizer = optimizers.Adam()
    message(ShapeError, lambda: optimizer.apply(gradients[::-1], variables), "dense/kernel")
    assert int(optimizer.iterations) == 0 and variables[0].numpy().tolist() == [[1.0, 2.0]]
    message(ShapeError, lambda: keratin.jit(call)(), "dense/bias")


def test_gradient_that_would_broadcast():
    message(ShapeError, lambda: optimizers.SGD().apply([[3.0]], [keratin.Variable([1.0, 2.0])]), "(2,)", "(1,)")


def test_all_gradients_none():
    message(ArgumentError, lambda: optimizers.SGD().apply([None, None], pair()), "no gradient for any", "only None")


def test_variables_it_was_not_built_for():
    optimizer = optimizers.SGD()
    optimizer.build(pair())
    stranger = keratin.Variable([1.0], name="stranger")
    message(StateError, lambda: optimizer.apply([[1.0]], [stranger]), "not built", "stranger", "new optimizer")


def test_no_variables_yet():
    message(StateError, lambda: optimizers.SGD().apply([[1.0]]), "no variables yet", "trainable_variables")
    message(StateError, lambda: optimizers.SGD().stateless_apply([], [[1.0]], [[1.0]]), "built")


def test_build_of_something_else():
    message(ArgumentError, lambda: optimizers.SGD().build([np.ones(3)]), "built for variables", "Variable")


def test_numbers_of_values():
    variables = pair()
    optimizer = optimizers.SGD()
    optimizer.build(variables)
    ones = [np.ones(v.shape, "float32") for v in variables]
    message(ArgumentError, lambda: optimizer.stateless_apply([0], ones, ones), "number of values", "2", "1")
    message(ArgumentError, lambda: optimizer.stateless_apply([0, 0.1], ones, ones[:1]), "number of values")
    message(ArgumentError, lambda: optimizer.set_weights([0]), "number of values")
    message(ArgumentError, lambda: optimizers.Adam().set_weights([0, 0.1, *ones]), "not built")


def test_set_weights():
    variables = pair()
    optimizer = optimizers.Adam()
    optimizer.build(variables)
    optimizer.set_weights([3, 0.5, *(i * np.ones(v.shape) for i, v in enumerate(optimizer.variables[2:]))])
    assert int(optimizer.iterations) == 3 and float(optimizer.learning_rate) == 0.5
    assert [float(v.numpy().flat[0]) for v in optimizer.variables[2:]] == [0.0, 1.0, 2.0, 3.0]


def test_rate_of_a_schedule_cannot_be_set_to_a_number():
    optimizer = optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 5, 0.5))
    message(ArgumentError, lambda: setattr(optimizer, "learning_rate", 0.1), "follows a schedule", "0.1")
    with pytest.raises(ShapeError):
        optimizers.SGD().learning_rate = np.ones(3)


def test_initializers_and_names_of_added_variables():
    optimizer = optimizers.SGD()
    call = lambda: optimizer.add_optimizer_variables(pair(), ["a", "b"], ["zeros"])
    message(ArgumentError, call, "one initializer per name")


def test_a_rule_that_is_not_defined():
    class Nothing(optimizers.Optimizer):
        pass

    message(StateError, lambda: Nothing(0.1).apply([[1.0]], [keratin.Variable([1.0])]), "`Nothing`", "define `update`")


def test_numbers_of_variables_in_a_file():
    variables = pair()
    optimizer = optimizers.SGD(momentum=0.5)
    optimizer.build(variables)
    store = {}
    optimizer.save_own_variables(store)
    assert list(store) == ["0", "1", "2", "3"]
    fewer = optimizers.SGD()
    fewer.build(variables)
    message(StateError, lambda: fewer.load_own_variables(store), "another number of variables", "2", "4")
    twin = optimizers.SGD(0.3, momentum=0.5)
    twin.build(variables)
    twin.load_own_variables({k: v.numpy() for k, v in store.items()})
    assert float(twin.learning_rate) == pytest.approx(0.01)
