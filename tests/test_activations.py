"""Activations: names, the arguments of Keras, and data for files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keratin import activations, ops, registry
from keratin.backends import select
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, ConfigError
from keratin.ops import mechanism
from keratin.testing.arrays import f32, host

X = np.concatenate([f32(20, low=-8, high=8), [0, 1, 6, -1, 0.5]]).astype(np.float32)
FUNCTIONS = [name for name in activations.__all__ if name not in ("get", "serialize", "deserialize")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_like_keras(name: str) -> None:
    keras = pytest.importorskip("keras")
    arguments = {"threshold": (0.5, -1.0)}.get(name, ())
    x = X[:24].reshape(4, 6)
    right = np.asarray(getattr(keras.activations, name)(keras.ops.convert_to_tensor(x), *arguments))
    np.testing.assert_allclose(host(getattr(activations, name)(x, *arguments)), right, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("slope", [0.0, 0.25])
@pytest.mark.parametrize("most", [None, 6.0, 3.0])
@pytest.mark.parametrize("least", [0.0, 1.0])
def test_relu_with_all_of_its_arguments(slope: float, most: Any, least: float) -> None:
    right = np.where(least <= X, X, slope * (X - least))
    right = right if most is None else np.minimum(right, most)
    np.testing.assert_allclose(
        host(activations.relu(X, slope, most, least)),
        np.where(least == X, slope * 0 if least else right, right),
        rtol=1e-6,
    )
    assert np.isnan(float(activations.relu(np.nan, slope, most, least)))
    assert activations.relu(KerasTensor((None, 3)), slope, most, least).shape == (None, 3)


@pytest.mark.trains
@pytest.mark.parametrize("most", [None, 6.0, 3.0])
def test_the_slope_of_relu_at_its_corners(most: Any) -> None:
    function = select.current().value_and_grad(lambda v: (ops.sum(activations.relu(v[0], 0.0, most)), []))
    gradient = host(function([mechanism.convert(np.array([0.0, 1.0, 3.0, 6.0], np.float32))])[1][0])
    assert gradient.tolist() == [0, 1, *([1, 1] if most is None else [1, 0] if most == 6 else [0, 0])]


def test_relu_refuses_negative_arguments() -> None:
    for arguments in ({"negative_slope": -1}, {"max_value": -1}, {"threshold": -1}):
        with pytest.raises(ArgumentError, match=next(iter(arguments))):
            activations.relu(X, **arguments)


def test_gelu_is_exact_by_default_here_and_not_in_ops() -> None:
    assert float(activations.gelu(1.0)) == float(ops.gelu(1.0, approximate=False)) != float(ops.gelu(1.0))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_names_there_and_back(name: str) -> None:
    function = activations.get(name)
    assert function is getattr(activations, name)
    data = activations.serialize(function)
    assert activations.get(data) is function and activations.deserialize(data) is function
    assert data in ({"swish": "silu", "hard_swish": "hard_silu"}.get(name, name),)


def test_get() -> None:
    assert activations.get(None) is activations.linear
    assert activations.get(np.tanh) is np.tanh
    with pytest.raises(ConfigError, match=r"'leaky_relu'(.|\n)*Received: leaky_rely"):
        activations.get("leaky_rely")
    with pytest.raises(ConfigError, match="activation function"):
        activations.get(3)


def test_ones_own() -> None:
    @registry.register_keras_serializable("tests")
    def twice(x: Any) -> Any:
        return x * 2

    data = activations.serialize(twice)
    assert data["registered_name"] == "tests>twice" and activations.deserialize(data) is twice
    with pytest.raises(ConfigError, match="lambda"):
        activations.serialize(lambda x: x)
