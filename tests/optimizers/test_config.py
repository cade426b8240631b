"""Configurations: every argument comes back, and Keras reads and writes the same ones."""

import copy
import dataclasses
import inspect
import json
import pickle

import keras
import numpy as np
import pytest

import keratin
from keratin import optimizers
from keratin.errors import ConfigError
from keratin.optimizers import schedules

OTHERS = {
    "learning_rate": 0.3,
    "weight_decay": 0.25,
    "clipnorm": 2.0,
    "clipvalue": 2.5,
    "global_clipnorm": 3.0,
    "use_ema": True,
    "ema_momentum": 0.75,
    "ema_overwrite_frequency": 5,
    "loss_scale_factor": 16.0,
    "gradient_accumulation_steps": 4,
    "name": "another",
    "momentum": 0.125,
    "nesterov": None,
    "beta_1": 0.375,
    "beta_2": 0.625,
    "epsilon": 0.01,
    "amsgrad": True,
    "rho": 0.5,
    "centered": True,
    "initial_accumulator_value": 0.5,
    "learning_rate_power": -0.25,
    "l1_regularization_strength": 0.1,
    "l2_regularization_strength": 0.2,
    "l2_shrinkage_regularization_strength": 0.3,
    "beta": 0.4,
    "beta_2_decay": -0.5,
    "epsilon_1": 1e-20,
    "epsilon_2": 1e-2,
    "clip_threshold": 2.0,
    "relative_step": False,
    "adam_beta_1": 0.5,
    "adam_beta_2": 0.75,
    "adam_weight_decay": 0.5,
    "exclude_layers": ["head"],
    "exclude_embeddings": False,
    "muon_a": 3.0,
    "muon_b": -4.0,
    "muon_c": 2.0,
    "adam_lr_ratio": 0.5,
    "ns_steps": 3,
    "rms_rate": None,
    "warmup_steps": 7,
}
CLASSES = sorted(n for n in optimizers.__all__ if inspect.isclass(getattr(optimizers, n)) and n != "Optimizer")
PLAIN = [n for n in CLASSES if "learning_rate" in inspect.signature(getattr(optimizers, n)).parameters]
every = pytest.mark.parametrize("name", PLAIN)


def plain(data):
    return json.loads(json.dumps(data))


@every
def test_every_argument_comes_back(name):
    kind = getattr(optimizers, name)
    for changed, parameter in inspect.signature(kind).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        value = not parameter.default if isinstance(parameter.default, bool) else OTHERS[changed]
        optimizer = kind(**{changed: value})
        config = plain(optimizer.get_config())
        assert config[changed] == value, changed
        assert set(config) == set(inspect.signature(kind).parameters) - {"kwargs"}
        again = kind.from_config(dict(config))
        assert type(again) is kind and again.get_config() == config
        assert optimizers.deserialize(plain(optimizers.serialize(optimizer))).get_config() == config


@every
def test_parameters_are_those_of_keras(name):
    ours, theirs = (inspect.signature(getattr(space, name)) for space in (optimizers, keras.optimizers))
    assert [(p.name, p.default, p.kind) for p in ours.parameters.values()] == [
        (p.name, p.default, p.kind) for p in theirs.parameters.values()
    ]


def test_no_class_of_keras_is_missing():
    public = {n for n in dir(keras.optimizers) if not n.startswith("_")}
    assert public - set(optimizers.__all__) == {"legacy"}


def test_methods_are_those_of_keras():
    ours, theirs = optimizers.Optimizer, keras.optimizers.Optimizer
    for name in dir(theirs):
        if not name.startswith("_") and callable(getattr(theirs, name)):
            parameters = [p.name for p in inspect.signature(getattr(theirs, name)).parameters.values()]
            mine = [p.name for p in inspect.signature(getattr(ours, name)).parameters.values()]
            renamed = [{"value": "value"}.get(p, p) for p in parameters]
            assert mine == renamed, name


@every
def test_keras_reads_what_is_written_here_and_the_other_way_round(name):
    ours = getattr(optimizers, name)(schedules.ExponentialDecay(0.1, 10, 0.5), clipnorm=2.0, name="mine")
    # not `keras.optimizers.deserialize`, which does not know Lamb
    theirs = keras.saving.deserialize_keras_object(plain(optimizers.serialize(ours)))
    assert type(theirs).__name__ == name and theirs.clipnorm == 2.0 and theirs.name == "mine"
    back = optimizers.deserialize(plain(keras.optimizers.serialize(theirs)))
    assert back.get_config() == ours.get_config()
    assert set(theirs.get_config()) == set(ours.get_config())


@every
def test_default_names_are_those_of_keras(name):
    keratin.registry.reset_names()
    keras.backend.clear_session()
    for _ in range(2):
        assert getattr(optimizers, name)().name == getattr(keras.optimizers, name)().name


def test_the_rate_of_now_is_written():
    optimizer = optimizers.SGD(0.1)
    optimizer.learning_rate = 0.3
    assert optimizer.get_config()["learning_rate"] == 0.3
    floatx = keratin.config.floatx()
    keratin.config.set_floatx("float16")  # rates are never in half precision
    try:
        assert optimizers.SGD(0.001).get_config()["learning_rate"] == 0.001
    finally:
        keratin.config.set_floatx(floatx)


def test_numbers_of_all_kinds_are_rates():
    for rate in (1, 1.0, np.float32(1), np.array(1.0), keratin.ops.array(1.0), keratin.Variable(1.0)):
        assert optimizers.SGD(rate).get_config()["learning_rate"] == 1.0


@keratin.saving.register_keras_serializable("tests")
def own_rate():
    return 0.25


def test_a_function_as_rate_comes_back_by_its_name():
    again = optimizers.deserialize(plain(optimizers.serialize(optimizers.SGD(own_rate))))
    assert again.learning_rate == 0.25


def test_users_class_in_custom_objects():
    class Mine(optimizers.Optimizer):
        def __init__(self, learning_rate=0.1, alpha=2.0, **kwargs):
            super().__init__(learning_rate, **kwargs)
            self.alpha = alpha

    data = plain(optimizers.serialize(Mine(alpha=3.0, clipnorm=1.0)))
    again = optimizers.deserialize(data, custom_objects={"Mine": Mine})
    assert again.alpha == 3.0 and again.clipnorm == 1.0
    with pytest.raises(ConfigError, match="Mine"):
        optimizers.deserialize(data)
    rate = {**optimizers.SGD(schedules.CosineDecay(0.1, 5)).get_config()}
    assert isinstance(optimizers.SGD.from_config(plain(rate), custom_objects={}).learning_rate, object)


def test_get():
    for identifier in ("Adam", "adam", optimizers.Adam, {"class_name": "Adam", "config": {"beta_1": 0.5}},
                       {"class_name": "adam", "config": {}}):  # fmt: skip
        assert type(optimizers.get(identifier)) is optimizers.Adam
    optimizer = optimizers.SGD()
    assert optimizers.get(optimizer) is optimizer and optimizers.get(None) is None
    assert optimizers.get({"class_name": "Adam", "config": {"beta_1": 0.5}}).beta_1 == 0.5
    for name in CLASSES:
        if name in PLAIN:
            assert type(optimizers.get(name)).__name__ == type(optimizers.get(name.lower())).__name__ == name
    with pytest.raises(ConfigError, match="adam"):
        optimizers.get("adm")
    with pytest.raises(ConfigError):
        optimizers.get(3)


def test_configurations_of_older_versions():
    assert optimizers.SGD.from_config({"learning_rate": 0.1, "decay": 0.0, "momentum": 0.0}).momentum == 0.0


def test_copies_go_on_alone():
    w = keratin.Variable([1.0])
    optimizer = optimizers.Adam(0.5)
    optimizer.apply([[1.0]], [w])
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert int(twin.iterations) == 1
        assert all(
            np.array_equal(a.numpy(), b.numpy()) for a, b in zip(twin.variables, optimizer.variables, strict=True)
        )
        twin.apply([[1.0]])
        assert int(twin.iterations) == 2 and int(optimizer.iterations) == 1
    assert w.numpy()[0] == pytest.approx(0.5, abs=1e-5)


def test_signature_notices_what_a_program_depends_on():
    optimizer = optimizers.Muon()
    before = optimizer.signature()
    assert before == optimizer.signature() and hash(before)
    for attribute, value in (("clipnorm", 1.0), ("momentum", 0.5), ("exclude_layers", ["head"])):
        setattr(optimizer, attribute, value)
        assert optimizer.signature() != before
        before = optimizer.signature()
    optimizer.learning_rate = 0.5
    assert optimizer.signature() == before

    @dataclasses.dataclass
    class Unhashable(schedules.LearningRateSchedule):
        rate: float = 0.5

    optimizer.learning_rate = Unhashable()
    before = optimizer.signature()
    assert hash(before) == hash(optimizer.signature()) and before == optimizer.signature()
    optimizer.learning_rate = Unhashable()
    assert optimizer.signature() != before
