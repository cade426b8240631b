"""Objects as data: names, scopes, and functions that are kept by name alone."""

import json
import zipfile

import numpy as np
import pytest

import keratin
from keratin import layers, saving
from keratin.errors import ConfigError, UnknownArgumentError


@saving.register_keras_serializable("test_config")
def double(x):
    return x * 2


@saving.register_keras_serializable("test_config", name="Other")
class Scaled(layers.Layer):
    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor


def unregistered(x):
    return x * 3


def test_objects_round_trip():
    data = saving.serialize_keras_object(Scaled(3.0, name="s"))
    assert data["registered_name"] == "test_config>Other" and data["class_name"] == "Scaled"
    again = saving.deserialize_keras_object(json.loads(json.dumps(data)))
    assert type(again) is Scaled and again.factor == 3.0 and again.name == "s"


def test_names():
    assert saving.get_registered_name(Scaled) == "test_config>Other"
    assert saving.get_registered_name(unregistered) == "unregistered"
    assert saving.get_registered_object("test_config>Other") is Scaled
    assert saving.get_registered_object("nothing") is None
    assert saving.get_custom_objects()["test_config>double"] is double


def test_scopes_nest_and_end():
    assert saving.CustomObjectScope is saving.custom_object_scope
    with saving.CustomObjectScope({"a": double}):
        with saving.CustomObjectScope(custom_objects={"b": unregistered}):
            assert saving.get_registered_object("a") is double
            assert saving.get_registered_object("b") is unregistered
        assert saving.get_registered_object("b") is None
    assert saving.get_registered_object("a") is None


def model_with(function):
    return keratin.Sequential([keratin.Input((2,)), layers.Lambda(function), layers.Dense(2, activation=function)])


def test_a_lambda_layer_keeps_the_registered_name_alone(tmp_path):
    path = tmp_path / "m.keras"
    model = model_with(double)
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))["config"]["layers"]
    expected = {
        "module": double.__module__,
        "class_name": "function",
        "config": "double",
        "registered_name": "test_config>double",
    }
    assert config[1]["config"]["function"] == config[2]["config"]["activation"] == expected
    x = np.ones((1, 2), "float32")
    np.testing.assert_array_equal(np.asarray(saving.load_model(path)(x)), np.asarray(model(x)))


def test_a_function_by_custom_objects(tmp_path):
    path = tmp_path / "m.keras"
    model, x = model_with(unregistered), np.ones((1, 2), "float32")
    model.save(path)
    with pytest.raises(
        ConfigError, match="(?s)function that is neither Keratin's nor registered.*custom_objects=.*unregistered"
    ):
        saving.load_model(path)
    loaded = saving.load_model(path, custom_objects={"unregistered": unregistered})
    np.testing.assert_array_equal(np.asarray(loaded(x)), np.asarray(model(x)))
    with saving.custom_object_scope({"unregistered": unregistered}):
        saving.load_model(path)


@pytest.mark.parametrize("safe_mode", [True, False])
def test_code_is_refused_wherever_it_is(safe_mode):
    data = [{"a": {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}}]
    with pytest.raises(ConfigError, match=r"(?s)bytecode.*never runs.*the configuration\[0\].a"):
        saving.deserialize_keras_object(data, safe_mode=safe_mode)


def test_an_argument_that_does_not_exist():
    with pytest.raises(UnknownArgumentError, match="safemode"):
        saving.deserialize_keras_object({}, safemode=False)
