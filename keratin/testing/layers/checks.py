"""What is checked of a row of the table of layers."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np

import keratin
from keratin import layers, ops, registry, tree
from keratin.backends import select
from keratin.backends.symbolic import KerasTensor
from keratin.state import masks
from keratin.testing.layers.case import Case, _over_shapes, known

RTOL = 1e-5


def check_shapes(row: Case) -> None:
    layer = row.make()
    drawn = layer(row.symbolic(), **row.drawn_call())
    assert type(drawn) is KerasTensor and drawn.shape == row.output
    assert row.make().compute_output_shape(row.input) == row.output
    outputs = layer(row.data(), **row.called())
    fresh = row.make()(row.data(), **row.called())
    assert tuple(outputs.shape) == tuple(fresh.shape) == known_output(row)
    assert ops.dtype(outputs) == drawn.dtype == ("float32" if not row.integers or row.weights else "int32")
    for training in (True, False):
        assert tuple(layer(row.data(), training=training, **row.called()).shape) == known_output(row)
    if row.open:
        assert row.make()(row.symbolic(row.open[0])).shape == row.open[1]


def known_output(row: Case) -> tuple[int, ...]:
    """The shape of the output for the row's data: what is not known comes from a drawing with the data's sizes."""
    exact = row.make().compute_output_shape(_over_shapes(row.input, known))
    assert None not in exact
    assert all(a is None or a == b for a, b in zip(row.output, exact, strict=True))
    return exact


def check_weights(row: Case) -> None:
    layer = row.make()
    layer(row.symbolic(), **row.drawn_call())
    assert layer.built
    assert layer.count_params() == row.weights
    if row.names:
        assert [v.name for v in layer.weights] == row.names.split()
        assert all(v.path == f"{layer.path}/{v.name}" or "/" in layer.path for v in layer.weights)


def check_compiled(row: Case) -> None:
    layer = row.make()
    layer(row.data(), **row.called())
    randomize(layer)
    for training in (False, True):
        if training and row.random:
            continue
        start = layer.get_weights()
        eager = layer(row.data(), training=training, **row.called())
        moved = layer.get_weights()
        layer.set_weights(start)
        compiled = keratin.jit(functools.partial(layer, training=training))(row.data(), **row.called())
        close(compiled, eager, 1e-6)
        for a, b in zip(layer.get_weights(), moved, strict=True):
            close(a, b, 1e-6)


def check_config(row: Case) -> None:
    layer = row.make(name="named")
    layer(row.symbolic(), **row.drawn_call())
    config = layer.get_config()
    assert json.loads(json.dumps(config)) is not None
    twin = type(layer).from_config(json.loads(json.dumps(config)))
    assert twin.get_config() == config and twin.name == "named"
    data = json.loads(json.dumps(registry.serialize(layer)))
    read = registry.deserialize(data)
    assert type(read) is type(layer) and read.get_config() == config
    assert [v.shape for v in read.weights] == [v.shape for v in layer.weights]
    if layer.weights:  # built from the file alone, so the weights fit in
        read.set_weights(layer.get_weights())


def check_gradient(row: Case) -> None:
    layer = row.make()
    layer(row.data(), **row.called())
    randomize(layer)
    inputs = [] if row.integers else [keratin.Variable(x) for x in tree.flatten(row.data())]
    variables = [*inputs, *layer.trainable_variables]

    def loss() -> Any:
        x = row.data() if row.integers else tree.pack_sequence_as(row.data(), [v.value for v in inputs])
        return ops.sum(ops.square(layer(x, training=True, **row.called())))

    value, gradients = keratin.jit(keratin.value_and_grad(loss, variables))()
    assert np.isfinite(float(value)) and len(gradients) == len(variables)
    for variable, gradient in zip(variables, gradients, strict=True):
        assert tuple(gradient.shape) == variable.shape
        assert np.isfinite(np.asarray(gradient)).all()
    if variables:
        assert any(np.abs(np.asarray(g)).max() > 0 for g in gradients)


def check_half(row: Case, policy: str) -> None:
    exact, layer = row.make(), row.make(dtype=policy)
    x = row.data()
    half = policy.removeprefix("mixed_")
    expected = exact(x, **row.called())
    outputs = layer(x, **row.called())
    assert [v.dtype for v in layer.weights] == ["float32"] * len(layer.weights)
    assert ops.dtype(outputs) == (half if row.half else ops.dtype(expected))
    drawn = row.make(dtype=policy)(row.symbolic(), **row.drawn_call())
    assert drawn.dtype == ops.dtype(outputs)
    randomize(exact)
    layer.set_weights(exact.get_weights())
    if not row.random:
        tolerance = 0.06 if half == "bfloat16" else 8e-3
        for training in (False, True):
            close(layer(x, training=training, **row.called()), exact(x, training=training, **row.called()), tolerance)


# ---- helpers


def randomize(layer: layers.Layer) -> None:
    """Weights that tell every mistake: positive, because variances are among them, and all different."""
    generator = np.random.default_rng(7)
    layer.set_weights([generator.uniform(0.2, 1.0, v.shape).astype("float32") for v in layer.weights])


def close(actual: Any, expected: Any, tolerance: float = RTOL) -> None:
    """Raises: AssertionError unless all leaves are equal to within the tolerance, relative to the largest value."""
    nested = isinstance(actual, list | tuple | dict)
    for a, b in zip(tree.flatten(actual), tree.flatten(expected) if nested else [np.asarray(expected)], strict=True):
        a, b = (
            np.asarray(select.current().to_host(v) if not isinstance(v, np.ndarray) else v, "float32") for v in (a, b)
        )
        scale = max(1.0, float(np.nanmax(np.abs(b), initial=0.0)))
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


def mask_of(x: Any) -> Any:
    """The mask of a tensor as an array, or None."""
    mask = masks.get_mask(x)
    return None if mask is None else np.asarray(mask)
