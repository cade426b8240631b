"""Models made again from their configuration, with fresh weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keratin import registry, tree
from keratin.errors import ArgumentError
from keratin.layers.base import Layer
from keratin.layers.core.input_layer import Input, InputLayer
from keratin.models.functional import Functional, run_graph
from keratin.models.sequential import Sequential


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Any:
    """A model of the same structure with weights of its own, freshly initialized.

    Args:
        model: what to clone; a subclassed model through its configuration.
        input_tensors: symbolic tensors to draw the clone from.
        clone_function: makes the clone of each layer; by default from its configuration.
        call_function: called as (layer, *args, **kwargs) to draw each node.
        recursive: whether models inside are cloned layer by layer with `clone_function` too.

    Raises: ArgumentError if the model cannot be cloned that way.

    >>> from keratin import layers
    >>> twin = clone_model(Sequential([layers.Input((3,)), layers.Dense(2)]))
    >>> twin.output_shape
    (None, 2)
    """
    if kwargs:
        raise ArgumentError("`clone_model` has no such argument.", received=", ".join(kwargs))

    def clone(layer: Any) -> Any:
        if recursive and isinstance(layer, Functional | Sequential):
            return clone_model(layer, clone_function=clone_function, call_function=call_function, recursive=True)
        return (clone_function or _clone_by_config)(layer)

    if isinstance(model, Sequential):
        layers = [clone(layer) for layer in model.layers]
        start = (
            []
            if not model.built
            else [Input(batch_shape=model.input_shape, dtype=model.inputs[0].dtype, name=model.input_names[0])]
        )
        if input_tensors is not None:
            given = tree.flatten(input_tensors)[0]
            start = [InputLayer(batch_shape=given.shape, dtype=given.dtype)]
        return Sequential([*start, *layers], name=model.name, trainable=model.trainable)
    if isinstance(model, Functional):
        return _clone_functional(model, input_tensors, clone, call_function)
    if clone_function is not None or input_tensors is not None:
        raise ArgumentError(
            "A subclassed model can only be cloned whole.",
            where=model.name,
            hint="leave `clone_function` and `input_tensors` out",
        )
    return _clone_by_config(model)


def _clone_by_config(layer: Layer) -> Any:
    return type(layer).from_config(layer.get_config())


def _clone_functional(
    model: Functional, input_tensors: Any, clone: Callable[[Any], Any], call_function: Any
) -> Functional:
    if input_tensors is None:
        flat = [
            Input(batch_shape=t.shape, dtype=t.dtype, name=n)
            for t, n in zip(model.inputs, model.input_names, strict=True)
        ]
    else:
        flat = tree.flatten(input_tensors)
    twins: dict[int, Any] = {}

    def call(operation: Any, args: Any, kwargs: Any) -> Any:
        if isinstance(operation, Layer):
            twin = twins.setdefault(id(operation), None) or clone(operation)
            twins[id(operation)] = twin
        else:
            twin = operation
        return call_function(twin, *args, **kwargs) if call_function is not None else twin(*args, **kwargs)

    values = run_graph(model._nodes, {id(old): new for old, new in zip(model.inputs, flat, strict=True)}, call)
    outputs = tree.pack_sequence_as(model.output, [values[id(t)] for t in model.outputs])
    twin = Functional(tree.pack_sequence_as(model.input, flat), outputs, name=model.name)
    twin.trainable = model.trainable
    return twin


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """The model whose `to_json` gave this text, with fresh weights."""
    import json

    return registry.deserialize(json.loads(json_string), custom_objects)
