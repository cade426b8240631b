"""What is checked of a row of the table of layers.

Each check gives the largest relative error that it saw, or raises AssertionError.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from keratin import ops, registry, tree
from keratin.backends import select
from keratin.backends.spec import Spec
from keratin.backends.symbolic import KerasTensor
from keratin.state import masks, transforms
from keratin.state.variable import Variable
from keratin.testing import check
from keratin.testing.arrays import results, tensors
from keratin.testing.check import Check, holds, same
from keratin.testing.layers.answers import answer, kept, randomize
from keratin.testing.layers.case import Case, known, over_shapes

RTOL = 1e-5
POLICIES = {"mixed_bfloat16": 0.06, "mixed_float16": 8e-3}
"""Policies of half precision, and how far a layer may be from float32 under them."""


def checks(rows: Iterable[tuple[str, Case]]) -> list[Check]:
    """All checks of rows that have a name each."""
    return [
        Check("layers", row.layer.__name__, name, kind, functools.partial(function, row), needs)
        for name, row in rows
        for kind, (condition, needs, function) in KINDS.items()
        if condition(row)
    ]


def check_value(name: str, row: Case) -> float:
    """Outputs and new weights are those of the NumPy backend in float64."""
    found, right = answer(row), kept()[name]
    same([len(part) for part in found], [len(part) for part in right], "The number of elements is wrong.")
    worst = 0.0
    for a, b in zip(found, right, strict=True):
        scale = max(1.0, float(np.abs(b).max(initial=0.0)))
        worst = max(worst, check.close(a, b, RTOL, RTOL * scale, "an element or the sum of them"))
    return worst


def check_shapes(row: Case) -> float:
    """The output has one shape and dtype: drawn, computed, in eager code, from a layer built by data."""
    layer = row.make()
    drawn = layer(row.symbolic(), **row.drawn_call())
    for one in tree.flatten(drawn):
        holds(type(one) is KerasTensor, f"The layer of symbolic inputs gives {type(one).__name__}, no symbolic tensor.")
    expected = _shapes(drawn) if row.output is None else row.output
    same(_shapes(drawn), expected, "The shape of the drawn output is wrong.")
    same(row.make().compute_output_shape(row.input), expected, "`compute_output_shape` is wrong.")
    outputs = layer(row.data(), **row.called())
    right = known_output(row)
    same(_shapes(outputs), right, "The shape of the output is wrong.")
    same(_shapes(row.make()(row.data(), **row.called())), right, "A layer built by data has another shape.")
    same(_dtypes(outputs), _dtypes(drawn), "The dtype of the output differs from the drawn one.")
    if row.output is not None:
        dtype = "float32" if not row.integers or row.weights else "int32"
        same(_dtypes(outputs), [dtype] * len(_dtypes(outputs)), "The dtype of the output is wrong.")
    for training in (True, False):
        shape = _shapes(layer(row.data(), training=training, **row.called()))
        same(shape, right, f"With training={training} the shape is another one.")
    if row.open:
        opened = _shapes(row.make()(row.symbolic(row.open[0])))
        same(opened, row.open[1], f"The shape of the drawn output for {row.open[0]} is wrong.")
    return 0.0


def known_output(row: Case) -> Any:
    """The shape of the output for the row's data: what is not known comes from a drawing with the data's sizes."""
    exact = row.make().compute_output_shape(over_shapes(row.input, known))
    sizes = tree.flatten(exact)
    holds(None not in sizes, f"With all sizes known, the output has unknown ones: {exact}.")
    if row.output is not None:
        fits = all(a is None or a == b for a, b in zip(tree.flatten(row.output), sizes, strict=True))
        holds(fits, f"With all sizes known, the shape is {exact} where {row.output} is right.")
    return exact


def _shapes(outputs: Any) -> Any:
    return tree.map_structure(lambda x: tuple(x.shape), outputs) if _is_nest(outputs) else tuple(outputs.shape)


def _dtypes(outputs: Any) -> list[str]:
    return [ops.dtype(x) for x in tree.flatten(outputs)]


def _is_nest(value: Any) -> bool:
    return isinstance(value, list | tuple | dict)


def check_weights(row: Case) -> float:
    """Drawn, the layer is built, with the weights that the row tells."""
    layer = row.make()
    layer(row.symbolic(), **row.drawn_call())
    holds(layer.built, "The layer is not built after a call.")
    if row.weights is not None:
        same(layer.count_params(), row.weights, "The number of elements of all weights is wrong.")
    if row.names:
        same([v.name for v in layer.weights], row.names.split(), "The names of the weights are wrong.")
        for v in layer.weights:
            holds(v.path == f"{layer.path}/{v.name}" or "/" in layer.path, f"The path of a weight is wrong: {v.path}")
    return 0.0


def check_compiled(row: Case) -> float:
    """Compiled, outputs and new weights are those of eager code."""
    layer = row.make()
    layer(row.data(), **row.called())
    randomize(layer)
    worst = 0.0
    for training in (False, True):
        if training and row.random:
            continue
        start = layer.get_weights()
        eager = layer(row.data(), training=training, **row.called())
        moved = layer.get_weights()
        layer.set_weights(start)
        compiled = transforms.jit(functools.partial(layer, training=training))(row.data(), **row.called())
        worst = max(worst, close(compiled, eager, 1e-6))
        for a, b in zip(layer.get_weights(), moved, strict=True):
            worst = max(worst, close(a, b, 1e-6))
    return worst


def check_unknown_batch(row: Case) -> float:
    """A program for any number of rows gives for another number what eager code gives."""
    layer = row.make()
    x = row.data()
    layer(x, **row.called())
    randomize(layer)
    arrays = tree.flatten(x)

    def function(*values: Any) -> list[Any]:
        return tree.flatten(results(layer(tree.pack_sequence_as(x, list(values)), training=False)))

    program = select.current().unknown_batch(function, [Spec((None, *a.shape[1:]), a.dtype.name) for a in arrays])
    given = tensors([np.resize(a, (7, *a.shape[1:])) for a in arrays])
    return close(list(program(*given)), function(*given))


def check_config(row: Case) -> float:
    """The configuration is JSON, and makes an equal layer, also through a file, into which the weights fit."""
    own = {row.layer.__name__: row.layer} if registry.public_module(row.layer) is None else {}
    layer = row.make(name="named")
    layer(row.symbolic(), **row.drawn_call())
    config = layer.get_config()
    twin = type(layer).from_config(json.loads(json.dumps(config)))
    same(twin.get_config(), config, "A layer made of the configuration has another one.")
    same(twin.name, "named", "A layer made of the configuration has another name.")
    data = json.loads(json.dumps(registry.serialize(layer)))
    read = registry.deserialize(data, custom_objects=own)
    same(type(read), type(layer), "The layer that is read is of another class.")
    same(read.get_config(), config, "The layer that is read has another configuration.")
    same([v.shape for v in read.weights], [v.shape for v in layer.weights], "The layer that is read has other weights.")
    if layer.weights:  # built from the file alone, so the weights fit in
        read.set_weights(layer.get_weights())
    return 0.0


def check_gradient(row: Case) -> float:
    """Input and weights have gradients of their shapes, finite, and not all 0."""
    layer = row.make()
    layer(row.data(), **row.called())
    randomize(layer)
    inputs = [] if row.integers else [Variable(x) for x in tree.flatten(row.data())]
    variables = [*inputs, *layer.trainable_variables]

    def loss() -> Any:
        x = row.data() if row.integers else tree.pack_sequence_as(row.data(), [v.value for v in inputs])
        outputs = tree.flatten(layer(x, training=True, **row.called()))
        return sum(ops.sum(ops.square(output)) for output in outputs)

    value, gradients = transforms.jit(transforms.value_and_grad(loss, variables))()
    holds(bool(np.isfinite(_host(value))), "The value is not finite.")
    same(len(gradients), len(variables), "The number of gradients is wrong.")
    for variable, gradient in zip(variables, gradients, strict=True):
        holds(gradient is not None, f"There is no gradient of {variable.path}.")
        same(tuple(gradient.shape), tuple(variable.shape), f"The shape of the gradient of {variable.path} is wrong.")
        holds(bool(np.isfinite(_host(gradient)).all()), f"The gradient of {variable.path} is not finite.")
    holds(not variables or any(np.abs(_host(g)).max() > 0 for g in gradients), "All gradients are 0.")
    return 0.0


def check_half(policy: str, row: Case) -> float:
    """Under a policy of half precision, weights stay float32 and results are near those of float32."""
    exact, layer = row.make(), row.make(dtype=policy)
    x = row.data()
    half = policy.removeprefix("mixed_")
    expected = exact(x, **row.called())
    outputs = layer(x, **row.called())
    for v in layer.weights:
        same(v.dtype, "float32", f"The dtype of {v.path} is wrong.")
    if row.half is not None:
        right = [half] * len(_dtypes(expected)) if row.half else _dtypes(expected)
        same(_dtypes(outputs), right, "The dtype of the output is wrong.")
    drawn = row.make(dtype=policy)(row.symbolic(), **row.drawn_call())
    same(_dtypes(drawn), _dtypes(outputs), "The dtype of the drawn output is another one.")
    randomize(exact)
    layer.set_weights(exact.get_weights())
    if not row.random:
        for training in (False, True):
            found, right = (one(x, training=training, **row.called()) for one in (layer, exact))
            close(found, right, POLICIES[policy])
    return 0.0  # an error of half precision is no measure of a backend


KINDS: dict[str, tuple[Callable[[Case], Any], str, Callable[[Case], float]]] = {
    "shapes": (lambda row: True, "", check_shapes),
    "weights": (lambda row: True, "", check_weights),
    "compiled": (lambda row: True, "compiler", check_compiled),
    "unknown_batch": (lambda row: not row.call, "unknown_batch", check_unknown_batch),
    "config": (lambda row: True, "", check_config),
    "gradient": (lambda row: row.gradient, "gradients", check_gradient),
    **{policy: (lambda row: True, "", functools.partial(check_half, policy)) for policy in POLICIES},
}
"""Name of each kind of check: which rows have it, what it needs of a backend, and the check."""


# ---- helpers


def close(actual: Any, expected: Any, tolerance: float = RTOL) -> float:
    """The largest error of all leaves, relative to the largest value.

    Raises: AssertionError if it is larger than the tolerance.
    """
    expected = tree.flatten(expected) if _is_nest(actual) else [expected]
    worst = 0.0
    for a, b in zip(tree.flatten(actual), expected, strict=True):
        a, b = _host(a), _host(b)
        scale = max(1.0, float(np.nanmax(np.abs(b), initial=0.0)))
        worst = max(worst, check.close(a, b, tolerance, tolerance * scale))
    return worst


def _host(value: Any) -> np.ndarray:
    array = select.current().to_host(value) if select.current().is_tensor(value) else np.asarray(value)
    return np.asarray(array, "float32")


def mask_of(x: Any) -> Any:
    """The mask of a tensor as an array, or None."""
    mask = masks.get_mask(x)
    return None if mask is None else select.current().to_host(mask)
