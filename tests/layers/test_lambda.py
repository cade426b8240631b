"""`Lambda`: functions of every kind, their arguments, and what a file may say of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import keratin
from keratin import layers, ops, registry
from keratin.errors import ConfigError
from keratin.saving import register_keras_serializable
from keratin.testing.layers.checks import close, mask_of

X = np.arange(6, dtype="float32").reshape(2, 3)


@register_keras_serializable("test_lambda")
def scaled(x: Any, factor: float = 2.0) -> Any:
    return x * factor


def unregistered(x: Any) -> Any:
    return x + 1


def test_functions_of_every_kind() -> None:
    assert layers.Lambda(lambda x: x * 2)(X).tolist() == (X * 2).tolist()
    assert layers.Lambda(ops.square)(X).tolist() == (X**2).tolist()
    assert layers.Lambda(scaled, arguments={"factor": 3.0})(X).tolist() == (X * 3).tolist()
    pair = layers.Lambda(lambda xs: {"sum": xs[0] + xs[1], "first": xs[0]})([X, X])
    assert pair["sum"].tolist() == (X * 2).tolist()
    drawn = layers.Lambda(lambda x: ops.sum(x, axis=-1))(layers.Input((None, 3)))
    assert drawn.shape == (None, None) and drawn.dtype == "float32"


def test_training_and_mask_are_passed_where_they_are_wanted() -> None:
    layer = layers.Lambda(lambda x, training=None: x * (2 if training else 1))
    assert layer(X, training=True).tolist() == (X * 2).tolist() and layer(X).tolist() == X.tolist()
    masked = layers.Masking()(np.array([[[0.0], [3.0]]], "float32"))
    seen: list[Any] = []
    layers.Lambda(lambda x, mask=None: seen.append(np.asarray(mask).tolist()) or x)(masked)
    assert seen == [[[False, True]]]


def test_the_mask_of_the_output() -> None:
    masked = layers.Masking()(np.array([[[0.0], [3.0]]], "float32"))
    kept = layers.Lambda(lambda x: x, mask=lambda inputs, mask: mask)(masked)
    assert mask_of(kept).tolist() == [[False, True]]
    assert layers.Lambda(lambda x: x, mask=lambda inputs, mask: mask).supports_masking
    assert mask_of(layers.Lambda(lambda x: x * 1.0)(masked)) is None


def test_a_given_output_shape() -> None:
    strange = layers.Lambda(lambda x: _on_host(x), output_shape=(7,))
    assert strange.compute_output_shape((None, 3)) == (None, 7)
    assert strange(layers.Input((3,))).shape == (None, 7)
    by_function = layers.Lambda(lambda x: _on_host(x), output_shape=lambda shape: (shape[0], shape[1] * 2))
    assert by_function(layers.Input((3,))).shape == (None, 6)


def _on_host(x: Any) -> Any:
    return ops.array(np.asarray(x))


def test_a_registered_function_goes_into_files() -> None:
    layer = layers.Lambda(scaled, output_shape=(3,), arguments={"factor": 3.0}, name="triple")
    data = json.loads(json.dumps(registry.serialize(layer)))
    assert data["config"]["function"]["registered_name"] == "test_lambda>scaled"
    twin = registry.deserialize(data)
    assert twin(X).tolist() == (X * 3).tolist() and twin.get_config() == layer.get_config()
    assert "code" not in json.dumps(data)


def test_a_lambda_does_not_go_into_files() -> None:
    layer = layers.Lambda(lambda x: x, name="mine")
    with pytest.raises(ConfigError, match="lambda has no name") as caught:
        layer.get_config()
    assert "register_keras_serializable" in str(caught.value)


def test_an_unregistered_function_is_not_found() -> None:
    data = registry.serialize(layers.Lambda(unregistered))
    with pytest.raises(ConfigError, match="neither Keratin's nor registered"):
        registry.deserialize(data)
    twin = registry.deserialize(data, custom_objects={"unregistered": unregistered})
    assert twin(X).tolist() == (X + 1).tolist()


def test_keras_bytecode_is_refused() -> None:
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAA==", "defaults": None, "closure": None}}
    data = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": code}, "registered_name": None}
    with pytest.raises(ConfigError, match="bytecode"):
        registry.deserialize(data)


def test_in_a_model() -> None:
    model = keratin.Sequential([layers.Input((3,)), layers.Lambda(scaled), layers.Dense(2, kernel_initializer="ones")])
    close(model(X), (X * 2).sum(1, keepdims=True) * np.ones(2))
