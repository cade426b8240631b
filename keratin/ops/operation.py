"""The graph that symbolic calls draw: operations, nodes, and which node made a tensor."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from keratin import dtypes, registry, tree
from keratin.backends import select, spec
from keratin.backends.symbolic import KerasTensor, symbolic_mode, tensors
from keratin.errors import KeratinError, StateError


class History(NamedTuple):
    """Where a symbolic tensor comes from."""

    operation: Operation
    node_index: int
    tensor_index: int


class Node:
    """One symbolic call of an operation: its arguments, with symbolic tensors in them, and what came out."""

    __slots__ = ("args", "inputs", "kwargs", "operation", "output_tensors", "outputs")

    def __init__(self, operation: Operation, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> None:
        self.operation, self.args, self.kwargs, self.outputs = operation, args, kwargs, outputs
        self.inputs: list[KerasTensor] = [x for x in _leaves((args, kwargs)) if type(x) is KerasTensor]
        self.output_tensors: list[KerasTensor] = _leaves(outputs)
        index = len(operation._inbound_nodes)
        operation._inbound_nodes.append(self)
        for i, tensor in enumerate(self.output_tensors):
            tensor._history = History(operation, index, i)
            tensor.node = self
        for tensor in self.inputs:
            if tensor._history is not None:
                tensor._history.operation._outbound_nodes.append(self)

    @property
    def parents(self) -> list[Node]:
        """The nodes that made the inputs."""
        return [x.node for x in self.inputs]

    @property
    def is_input(self) -> bool:
        """Whether the node has no inputs: it is where data enters."""
        return not self.inputs


def _leaves(nest: Any) -> list[Any]:
    """Leaves in sorted order of dict keys, without optree's fixed cost for the small nests that graphs have."""
    if type(nest) is KerasTensor:
        return [nest]
    if type(nest) in (tuple, list):
        return [leaf for item in nest for leaf in _leaves(item)]
    if nest is None or isinstance(nest, str | int | float):
        return [nest]
    if type(nest) is dict:
        return [leaf for key in sorted(nest, key=str) for leaf in _leaves(nest[key])]
    return tree.flatten(nest)


class Operation(registry.Configurable):
    """Base of everything that a graph can hold: layers, and ops called on symbolic tensors.

    Args: name: unique within a model; by default the class name in snake case with a number.

    A subclass defines `call`. Called with symbolic tensors, an operation records a node and returns symbolic tensors.
    """

    name: str

    def __init__(self, name: str | None = None) -> None:
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise KeratinError("A name must be a string without `/`.", where=type(self).__name__, received=name)
        self.name = name or registry.unique_name(registry.snake_case(type(self).__name__))
        self._inbound_nodes: list[Node] = []
        self._outbound_nodes: list[Node] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute, or draw a node if an argument is symbolic."""
        if any(type(x) is KerasTensor for x in _leaves((args, kwargs))):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the operation computes.  Subclasses define it."""
        raise StateError(
            f"`{type(self).__name__}` defines no `call`.", where=self.name, hint="define `call(self, inputs)`"
        )

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic outputs of this call, with a node in the graph."""
        outputs = fresh(self.compute_output_spec(*args, **kwargs))
        Node(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Shapes and dtypes of the outputs, as symbolic tensors.  Nothing is computed."""
        return infer(self.call, args, kwargs)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments that make an equal operation."""
        return {"name": self.name}

    @property
    def input(self) -> Any:
        """The symbolic input of the only symbolic call.  Raises: StateError if there was none or several."""
        arguments = self._only_node("input").args
        return arguments[0] if len(arguments) == 1 else list(arguments)

    @property
    def output(self) -> Any:
        """The symbolic output of the only symbolic call.  Raises: StateError if there was none or several."""
        return self._only_node("output").outputs

    def _only_node(self, what: str) -> Node:
        if len(self._inbound_nodes) != 1:
            count = len(self._inbound_nodes)
            raise StateError(
                f"The {what} is not defined: the operation was called symbolically {count} times.",
                where=self.name,
                expected="exactly one symbolic call",
                received=f"{count} calls",
            )
        return self._inbound_nodes[0]


class FunctionOperation(Operation):
    """An op in a graph: the function, and the arguments that are no tensors."""

    def __init__(self, function: Callable[..., Any], config: dict[str, Any], name: str | None = None) -> None:
        super().__init__(name or registry.unique_name(function.__name__))
        self.function, self.config = function, config

    def call(self, *args: Any) -> Any:
        return self.function(*args, **self.config)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **registry.to_config(self.config)}


def fresh(outputs: Any) -> Any:
    """New symbolic tensors of the same shapes and dtypes, without history."""
    if type(outputs) is KerasTensor:
        return KerasTensor(outputs.shape, outputs.dtype)
    return tree.map_structure(lambda x: KerasTensor(x.shape, x.dtype) if type(x) is KerasTensor else x, outputs)


def infer(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    isolated: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> Any:
    """The outputs of `function` on symbolic tensors: by its body on shapes, else by the backend's abstract evaluation.

    Errors of Keratin are the user's to see. Any other error means that the body used something that does not know
    symbolic tensors, such as the backend's own functions: then the backend traces it, twice where a size is unknown,
    within `isolated()`, which drops what the trace assigns.
    """
    from keratin.ops.mechanism import convert

    try:
        with symbolic_mode():
            outputs = function(*args, **kwargs)
        return tree.map_structure(
            lambda x: x if x is None or type(x) is KerasTensor else _as_symbolic(convert(x)), outputs
        )
    except KeratinError as error:
        if not isinstance(error, StateError):
            raise
        first: Exception = error
    except Exception as error:
        first = error
    try:
        return _trace(function, args, kwargs, isolated)
    except Exception as error:
        raise error if not isinstance(error, KeratinError) else first from None


def _as_symbolic(x: Any) -> KerasTensor:
    return x if type(x) is KerasTensor else KerasTensor(tuple(x.shape), x.dtype)


def _trace(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    isolated: Callable[[], AbstractContextManager[Any]],
) -> Any:
    leaves, treedef = tree.flatten_with_treedef((args, kwargs))
    places = [i for i, leaf in enumerate(leaves) if type(leaf) is KerasTensor]
    structure: Any = None

    def run(*values: Any) -> list[Any]:
        nonlocal structure
        filled = list(leaves)
        for place, value in zip(places, values, strict=True):
            filled[place] = value
        new_args, new_kwargs = tree.unflatten(treedef, filled)
        with symbolic_mode(False), isolated():
            flat, structure = tree.flatten_with_treedef(function(*new_args, **new_kwargs))
        return flat

    results = []
    for size in (3, 5):
        specs = [
            spec.Spec(tuple(size if d is None else d for d in leaves[place].shape), leaves[place].dtype)
            for place in places
        ]
        results.append(_outline(run, specs))
        if all(None not in leaves[place].shape for place in places):
            results.append(results[0])
            break
    merged = [
        spec.Spec(tuple(p if p == q else None for p, q in zip(a.shape, b.shape, strict=True)), a.dtype)
        for a, b in zip(*results, strict=True)
    ]
    return tree.unflatten(structure, [tensors(s) for s in merged])


def _outline(function: Callable[..., list[Any]], specs: list[spec.Spec]) -> list[spec.Spec]:
    """Shapes and dtypes of what `function` returns; code that needs values runs on zeros."""
    backend = select.current()
    try:
        return backend.abstract_eval(function, specs)
    except spec.NotCompilable:
        zeros = [backend.from_host(_zeros(s.shape, s.dtype)) for s in specs]
        return [spec.Spec(tuple(x.shape), dtypes.standardize(x.dtype)) for x in function(*zeros)]


def _zeros(shape: Any, dtype: Any) -> np.ndarray[Any, Any]:
    return np.zeros(shape, dtypes.numpy_dtype(dtypes.standardize(dtype)))


def source_inputs(tensor: KerasTensor) -> list[KerasTensor]:
    """The inputs that a symbolic tensor depends on."""
    found: dict[int, KerasTensor] = {}
    seen: set[int] = set()
    waiting = [tensor]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        node: Node = current.node
        if node.is_input:
            found[id(current)] = current
        waiting.extend(reversed(node.inputs))
    return list(found.values())
