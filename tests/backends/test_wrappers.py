"""Layers that wrap something of one engine: public where its backend is in use, and elsewhere an error that says so."""

import doctest
import importlib

import pytest

import keratin
from keratin import layers
from keratin.backends import select
from keratin.errors import BackendError

BACKEND = keratin.backend.backend()


@pytest.mark.parametrize("name", select.WRAPPERS)
def test_wrappers_are_public_on_their_backend_only(name: str) -> None:
    owner = select.WRAPPERS[name]
    data = {"module": "keras.layers", "class_name": name, "config": {}, "registered_name": None}
    assert (name in layers.__all__) is (owner == BACKEND)
    if owner == BACKEND:
        assert issubclass(getattr(layers, name), layers.Layer)
        assert layers.serialize(layers.Dense(1))["module"] == keratin.registry.public_module(getattr(layers, name))
        return
    with pytest.raises(BackendError, match=f"KERATIN_BACKEND={owner}"):
        getattr(layers, name)
    with pytest.raises(BackendError, match=f"KERATIN_BACKEND={owner}"):
        layers.deserialize(data)


def test_all_public_layers_exist() -> None:
    for name in layers.__all__:
        assert getattr(layers, name)
    with pytest.raises(AttributeError, match="Nothing"):
        layers.Nothing


@pytest.mark.skipif(not select.wrappers(), reason="the backend has no wrapper layers")
def test_examples() -> None:
    if BACKEND == "jax":
        pytest.importorskip("flax", reason="flax is not installed")
    module = importlib.import_module(f"keratin.backends.{BACKEND}.layers")
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.attempted > 0 and result.failed == 0
