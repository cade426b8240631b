"""The table of layers: what a row holds, and what is checked of each.

A row is `case(layers.X, args=..., input=(None, 5, 8), output=(None, 5, 4), weights=36)`. None is a size that is not
known while a model is drawn; data has `SIZES` there. Keras is the oracle for values and for the layout of configs.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import keras
import numpy as np

import keratin
from keratin import layers, ops, registry, tree
from keratin.backends import select
from keratin.backends.symbolic import KerasTensor
from keratin.state import masks

SIZES = (4, 6, 7, 8, 9)
"""What None stands for in data: on the first axis 4, on the second 6, and so on."""
RTOL, ATOL = 1e-5, 1e-5


@dataclasses.dataclass
class Case:
    """One row; see `case`."""

    layer: type[layers.Layer]
    args: dict[str, Any]
    input: Any
    output: Any
    weights: int
    names: str
    integers: int
    call: dict[str, Any]
    random: bool
    half: bool
    keras: bool
    open: Any
    gradient: bool

    @property
    def name(self) -> str:
        """What the test is called."""
        shown = ",".join(f"{k}={getattr(v, '__name__', v)}" for k, v in self.args.items())
        return f"{self.layer.__name__}({shown}){'masked' if self.call else ''}"

    def make(self, **kwargs: Any) -> layers.Layer:
        """The layer of the row; a layer among the arguments is made anew."""
        args = {k: v() if isinstance(v, functools.partial) else v for k, v in self.args.items()}
        return self.layer(**args, **kwargs)

    def data(self) -> Any:
        """Arrays for the inputs."""
        return _over_shapes(self.input, self._array)

    def _array(self, shape: tuple[int | None, ...]) -> np.ndarray[Any, Any]:
        sizes = known(shape)
        generator = np.random.default_rng(abs(hash(sizes)) % 2**32)
        if self.integers:
            return generator.integers(0, self.integers, sizes).astype("int32")
        return generator.normal(size=sizes).astype("float32")

    def symbolic(self, shape: Any = None) -> Any:
        """Symbolic inputs."""
        dtype = "int32" if self.integers else "float32"
        return _over_shapes(self.input if shape is None else shape, lambda s: layers.Input(batch_shape=s, dtype=dtype))

    def called(self) -> dict[str, Any]:
        """The other arguments of the call."""
        return {key: np.array(value) for key, value in self.call.items()}

    def drawn_call(self) -> dict[str, Any]:
        """The other arguments where a model is drawn."""
        arrays = self.called()
        return {k: layers.Input(batch_shape=(None, *a.shape[1:]), dtype=a.dtype.name) for k, a in arrays.items()}


def case(
    layer: type[layers.Layer],
    args: dict[str, Any] | None = None,
    input: Any = None,
    output: Any = None,
    weights: int = 0,
    *,
    names: str = "",
    integers: int = 0,
    call: dict[str, Any] | None = None,
    random: bool = False,
    half: bool = True,
    keras: bool = True,
    open: Any = None,
    gradient: bool = True,
) -> Case:
    """One row.

    Args:
        layer, args: the class and the arguments of its constructor; a layer among them as a `functools.partial`.
        input: the shape with None for unknown sizes, or a list of shapes for a list of inputs.
        output: the shape of the output, with None where it depends on an unknown size.
        weights: the number of elements of all weights.
        names: of the weights, in order.
        integers: if not 0, the input is integers below it.
        call: other arguments of the call, lists as arrays.
        random: whether training draws random numbers, so that it is not compared with Keras.
        half: whether the layer computes in half precision under a mixed policy.
        keras: whether Keras is asked.
        open: (input, output) with more unknown sizes; only drawn.
        gradient: whether the output depends on the input or weights smoothly.
    """
    return Case(
        layer, args or {}, input, output, weights, names, integers, call or {}, random, half, keras, open, gradient
    )


def known(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """`shape` with sizes of data in place of None."""
    return tuple(SIZES[i] if size is None else size for i, size in enumerate(shape))


def _over_shapes(shape: Any, function: Any) -> Any:
    return [function(s) for s in shape] if isinstance(shape, list) else function(shape)


# ---- checks


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


def mask_of(x: Any) -> Any:
    """The mask of a tensor as an array, or None."""
    mask = masks.get_mask(x)
    return None if mask is None else np.asarray(mask)
