"""Keras as the second witness of a row of the table of layers: values, weights, layout of the config."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np

from keratin.testing.layers.case import Case
from keratin.testing.layers.checks import close, randomize


def check_against_keras(row: Case) -> None:
    layer = row.make(name="named")
    x = row.data()
    layer(x, **row.called())
    theirs = getattr(keras.layers, row.layer.__name__).from_config(json.loads(json.dumps(layer.get_config())))
    back = json.loads(json.dumps(theirs.get_config()))  # before `build`, where Keras changes some of it
    theirs(x, **row.called())
    same_config(type(layer).from_config(back).get_config(), layer.get_config())
    assert [v.name for v in theirs.weights] == [v.name for v in layer.weights]
    assert [tuple(v.shape) for v in theirs.weights] == [v.shape for v in layer.weights]
    randomize(layer)
    for training in (False, True):
        if training and row.random:
            continue
        theirs.set_weights(layer.get_weights())
        ours = layer(x, training=training, **row.called())
        expected = theirs(
            x, **({"training": True} if training and theirs._call_has_training_arg else {}), **row.called()
        )
        close(ours, expected)
        for a, b in zip(layer.get_weights(), theirs.get_weights(), strict=True):
            close(a, b)
        assert len(layer.losses) == len(theirs.losses)
        for a, b in zip(layer.losses, theirs.losses, strict=True):
            close(a, b)


def same_config(a: Any, b: Any) -> None:
    """Raises: AssertionError unless both say the same; numbers may differ by rounding to float32, which Keras does."""
    if isinstance(b, dict):
        assert a.keys() == b.keys()
        for key in b:
            same_config(a[key], b[key])
    elif isinstance(b, float):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    else:
        assert a == b
