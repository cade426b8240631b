"""Functional graphs as data, in Keras's layout, and back."""

from __future__ import annotations

from typing import Any

from keratin import registry, tree
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ConfigError
from keratin.layers.base import Layer
from keratin.ops import mechanism
from keratin.ops.keras_names import class_name_of, module_of, op_of
from keratin.ops.operation import FunctionOperation, Operation


def describe(model: Any) -> dict[str, Any]:
    """The configuration of a functional model."""
    inside = {id(node) for node in model._nodes}
    index_of = _node_indices(model, inside)
    layers = []
    for operation in model.operations:
        data = _describe_operation(operation)
        data["name"] = operation.name
        data["inbound_nodes"] = [
            {"args": _linked(list(node.args), index_of), "kwargs": _linked(node.kwargs, index_of)}
            for node in operation._inbound_nodes
            if id(node) in inside and not node.is_input
        ]
        layers.append(data)
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": layers,
        "input_layers": _history_nest(model._inputs_struct, index_of),
        "output_layers": _history_nest(model._outputs_struct, index_of),
    }


def _node_indices(model: Any, inside: set[int]) -> dict[int, int]:
    """Node indices count only the nodes of this model."""
    indices: dict[int, int] = {}
    for operation in model.operations:
        mine = [node for node in operation._inbound_nodes if id(node) in inside]
        indices.update({id(node): i for i, node in enumerate(mine)})
    return indices


def _describe_operation(operation: Operation) -> dict[str, Any]:
    if isinstance(operation, FunctionOperation):
        name = class_name_of(operation.function)
        return {
            "module": module_of(operation.function),
            "class_name": name,
            "config": operation.get_config(),
            "registered_name": name,
        }
    return registry.serialize(operation)


def _linked(nest: Any, index_of: dict[int, int]) -> Any:
    if type(nest) is KerasTensor:
        history = nest._history
        link = [history.operation.name, index_of[id(nest.node)], history.tensor_index]
        return {
            "class_name": "__keras_tensor__",
            "config": {"shape": list(nest.shape), "dtype": nest.dtype, "keras_history": link},
        }
    if isinstance(nest, list | tuple):
        return [_linked(item, index_of) for item in nest]
    if isinstance(nest, dict):
        return {key: _linked(item, index_of) for key, item in nest.items()}
    if mechanism.select.current().is_tensor(nest):
        nest = mechanism.select.current().to_host(nest)
    return registry.serialize(nest)


def _history_nest(struct: Any, index_of: dict[int, int]) -> Any:
    def link(tensor: KerasTensor) -> list[Any]:
        return [tensor._history.operation.name, index_of.get(id(tensor.node), 0), tensor._history.tensor_index]

    if type(struct) is KerasTensor:
        return link(struct)
    if isinstance(struct, list | tuple):
        return [_history_nest(item, index_of) for item in struct]
    return {key: _history_nest(item, index_of) for key, item in struct.items()}


def rebuild(config: dict[str, Any], cls: Any) -> Any:
    """The model that a configuration describes."""
    operations: dict[str, Operation] = {}
    made: dict[tuple[str, int], list[KerasTensor]] = {}
    waiting: list[tuple[str, int, dict[str, Any]]] = []
    for data in config["layers"]:
        name = data.get("name", data["config"].get("name"))
        operations[name] = operation = _make_operation(data)
        if not data["inbound_nodes"] and operation._inbound_nodes:
            made[name, 0] = operation._inbound_nodes[0].output_tensors
        waiting.extend((name, i, node) for i, node in enumerate(data["inbound_nodes"]))
    while waiting:
        later = []
        for name, i, node in waiting:
            if all(link in made for link in _links(node)):
                arguments = _unlinked(node, made)
                outputs = operations[name](*arguments["args"], **arguments["kwargs"])
                made[name, i] = tree.flatten(outputs)
            else:
                later.append((name, i, node))
        if len(later) == len(waiting):
            raise ConfigError(
                "The graph of the model is not connected.", where=config.get("name"), received=[w[0] for w in later]
            )
        waiting = later
    inputs = _tensors(config["input_layers"], made)
    outputs = _tensors(config["output_layers"], made)
    model = cls(inputs=inputs, outputs=outputs, name=config.get("name"))
    if not config.get("trainable", True):
        model.trainable = False
    return model


def _make_operation(data: dict[str, Any]) -> Operation:
    function = op_of(data.get("module"), data["class_name"])
    if function is not None:
        settings = dict(data["config"])
        name = settings.pop("name", None)
        return FunctionOperation(function, registry.deserialize(settings), name)
    layer = registry.deserialize({k: v for k, v in data.items() if k not in ("name", "inbound_nodes")})
    if not isinstance(layer, Layer):
        raise ConfigError("A functional model can hold layers and ops only.", received=data["class_name"])
    return layer


def _links(nest: Any) -> list[tuple[str, int]]:
    if isinstance(nest, dict):
        if nest.get("class_name") == "__keras_tensor__":
            history = nest["config"]["keras_history"]
            return [(history[0], history[1])]
        return [link for item in nest.values() for link in _links(item)]
    return [link for item in nest for link in _links(item)] if isinstance(nest, list) else []


def _unlinked(nest: Any, made: dict[tuple[str, int], list[KerasTensor]]) -> Any:
    if isinstance(nest, dict):
        if nest.get("class_name") == "__keras_tensor__":
            name, node, tensor = nest["config"]["keras_history"]
            return made[name, node][tensor]
        if "class_name" in nest and "config" in nest:
            return registry.deserialize(nest)
        return {key: _unlinked(item, made) for key, item in nest.items()}
    return [_unlinked(item, made) for item in nest] if isinstance(nest, list) else nest


def _tensors(nest: Any, made: dict[tuple[str, int], list[KerasTensor]]) -> Any:
    if isinstance(nest, dict):
        return {key: _tensors(item, made) for key, item in nest.items()}
    if len(nest) == 3 and isinstance(nest[0], str) and isinstance(nest[1], int):
        return made[nest[0], nest[1]][nest[2]]
    result = [_tensors(item, made) for item in nest]
    return result
