"""The ops have the names, parameters and defaults of Keras's."""

from __future__ import annotations

import inspect

import pytest

from keratin import ops
from keratin.ops.mechanism import OPS

keras_ops = pytest.importorskip("keras").ops
OWN = {"mish"}  # an activation of Keras, here an op too


def _outline(function):
    """Names, kinds and defaults of the parameters."""
    parameters = inspect.signature(function).parameters.values()
    return [(p.name, p.kind.name, p.default) for p in parameters if p.kind is not p.VAR_KEYWORD]


@pytest.mark.once
@pytest.mark.parametrize("name", sorted(set(ops.__all__) - OWN))
def test_parameters(name: str) -> None:
    assert _outline(getattr(ops, name)) == _outline(getattr(keras_ops, name))


@pytest.mark.parametrize("name", sorted(ops.__all__))
def test_docstring_has_an_example(name: str) -> None:
    text = getattr(ops, name).__doc__
    assert text and ">>>" in text


def test_names_are_unique() -> None:
    assert len(set(ops.__all__)) == len(ops.__all__)
    assert all(OPS[name].__name__ == name for name in OPS)
