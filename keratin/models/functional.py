"""Models drawn as a graph: any nest of symbolic inputs and outputs, run node by node."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from keratin import dtypes, registry, shapes, tree
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, ShapeError, StateError
from keratin.layers.base import Layer
from keratin.layers.core.input_layer import Input, InputLayer
from keratin.models.model import Model
from keratin.ops import mechanism, shaping
from keratin.ops.operation import Node, Operation
from keratin.state import masks


class Functional(Model):
    """A model between symbolic inputs and outputs; `Model(inputs, outputs)` makes one.

    Args:
        inputs: a symbolic tensor, or a list, tuple or dict of them (nested too).
        outputs: likewise; every one must depend on the inputs alone.
        name: of the model.

    Shape: those of the symbolic tensors.  Raises: ArgumentError for what is no symbolic tensor; StateError if an
    output depends on an input that was not given.

    >>> from keratin import layers
    >>> x = layers.Input((3,))
    >>> Model(x, layers.Dense(2)(x)).output_shape
    (None, 2)
    """

    files_list_layers_first = True
    untracked: frozenset[str] = frozenset(
        {"_steps", "_inputs_flat", "_outputs_flat", "_inputs_struct", "_outputs_struct", "operations"}
    )

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        trainable = kwargs.pop("trainable", None)
        super().__init__(name=name, **kwargs)
        for what, nest in (("inputs", inputs), ("outputs", outputs)):
            for leaf in tree.flatten(nest):
                if type(leaf) is not KerasTensor or leaf._history is None:
                    raise ArgumentError(
                        f"The {what} of a functional model must be symbolic tensors that come from `Input`.",
                        where=self.name, received=leaf,
                    )  # fmt: skip
        if any(not isinstance(t._history.operation, InputLayer) for t in tree.flatten(inputs)):
            inputs, outputs = _from_inner_tensors(inputs, outputs, self.name)
        self._inputs_struct, self._outputs_struct = inputs, outputs
        self._inputs_flat: list[KerasTensor] = tree.flatten(inputs)
        self._outputs_flat: list[KerasTensor] = tree.flatten(outputs)
        if len({id(t) for t in self._inputs_flat}) != len(self._inputs_flat):
            raise ArgumentError(
                "An input is named twice.", where=self.name, received=[t.name for t in self._inputs_flat]
            )
        nodes, self.operations = trace_graph(self._inputs_flat, self._outputs_flat, self.name)
        _check_names(self.operations, self.name)
        self._nodes = nodes
        self._steps = _plan_steps(nodes, self._inputs_flat)
        self._graph_layers = [op for op in self.operations if isinstance(op, Layer)]
        self.built = True
        self._settled_path = self.name
        if trainable is not None and not trainable:
            self.trainable = trainable

    # ---- structure

    @property
    def layers(self) -> list[Layer]:
        """The layers in the order of the graph, inputs first."""
        return list(self._graph_layers)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs, flat."""
        return list(self._inputs_flat)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs, flat."""
        return list(self._outputs_flat)

    @property
    def input(self) -> Any:
        """The symbolic inputs, in the structure they were given in."""
        return self._inputs_struct

    @property
    def output(self) -> Any:
        """The symbolic outputs, in the structure they were given in."""
        return self._outputs_struct

    @property
    def input_shape(self) -> Any:
        """Shape, or nest of shapes, of the inputs."""
        return tree.map_structure(lambda t: t.shape, self._inputs_struct)

    @property
    def output_shape(self) -> Any:
        """Shape, or nest of shapes, of the outputs."""
        return tree.map_structure(lambda t: t.shape, self._outputs_struct)

    @property
    def input_names(self) -> list[str]:
        """The names by which data in dicts is matched."""
        return [t._history.operation.name for t in self._inputs_flat]

    @property
    def output_names(self) -> list[str]:
        """The names by which losses and metrics in dicts are matched."""
        names = [t._history.operation.name for t in self._outputs_flat]
        if isinstance(self._outputs_struct, dict) and not any(tree.is_nested(v) for v in self._outputs_struct.values()):
            return sorted(self._outputs_struct, key=str)
        return [name if names.count(name) == 1 else f"{name}_{i}" for i, name in enumerate(names)]

    # ---- running

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Run the graph."""
        values = dict(zip(map(id, self._inputs_flat), self._standardized(inputs, mask), strict=True))
        for operation, single, args, kwargs, outputs in self._steps:
            if single is not None:
                result = operation(values[single])
            else:
                result = operation(*_filled(args, values), **_filled(kwargs, values))
            if len(outputs) == 1 and not isinstance(result, list | tuple | dict):
                values[outputs[0]] = result
            else:
                values.update(zip(outputs, tree.flatten(result), strict=True))
        if len(self._outputs_flat) == 1 and self._outputs_struct is self._outputs_flat[0]:
            return values[id(self._outputs_flat[0])]
        return tree.pack_sequence_as(self._outputs_struct, [values[id(t)] for t in self._outputs_flat])

    def _standardized(self, inputs: Any, mask: Any) -> list[Any]:
        flat = self._matched(inputs)
        flat_masks = [None] * len(flat) if mask is None else tree.flatten(mask)
        result = []
        for value, symbol, own_mask in zip(flat, self._inputs_flat, flat_masks, strict=True):
            if value is None and symbol._history.operation.optional:
                result.append(None)
                continue
            tensor = _fitted(value, symbol, self.path)
            if own_mask is not None:
                masks.set_mask(tensor, own_mask)
            result.append(tensor)
        return result

    def _matched(self, inputs: Any) -> list[Any]:
        """The inputs in the order of the graph: dicts by name, lists by position.  Never by a sorted order of names."""
        struct = self._inputs_struct
        if isinstance(inputs, dict):
            names = list(struct) if isinstance(struct, dict) else self.input_names
            missing = [n for n in names if n not in inputs and not self._is_optional(n)]
            extra = [n for n in inputs if n not in names]
            if missing or extra:
                raise ArgumentError(
                    "The keys of the inputs do not fit the model.",
                    where=self.path,
                    expected=f"keys {sorted(map(str, names))}",
                    received=f"keys {sorted(map(str, inputs))}"
                    + (f"; missing {missing}" if missing else "")
                    + (f"; unknown {extra}" if extra else ""),
                    hint="name the inputs as the model does: Input(..., name=...)",
                )
            if isinstance(struct, dict):
                return self._flat_like({n: inputs.get(n) for n in names})
            return [inputs.get(n) for n in names]
        return self._flat_like(inputs)

    def _flat_like(self, inputs: Any) -> list[Any]:
        if len(self._inputs_flat) == 1 and not isinstance(inputs, list | tuple | dict):
            return [inputs]
        flat = tree.flatten(inputs)
        if len(flat) != len(self._inputs_flat):
            raise ArgumentError(
                "The model got another number of inputs.",
                where=self.path,
                expected=f"{len(self._inputs_flat)}: {self.input_names}",
                received=len(flat),
            )
        return flat

    def _is_optional(self, name: str) -> bool:
        return any(t._history.operation.name == name and t._history.operation.optional for t in self._inputs_flat)

    def _converted(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return args, dict(kwargs)  # `_standardized` does it, with the dtypes of the inputs

    # ---- configuration

    def get_config(self) -> dict[str, Any]:
        """The graph as data, in Keras's layout."""
        if type(self) is not Functional and type(self).__init__ is not Functional.__init__ and not self._is_plain():
            return Model.get_config(self)
        from keratin.models.graph_config import describe

        return describe(self)

    def _is_plain(self) -> bool:
        import inspect

        return list(inspect.signature(type(self).__init__).parameters)[1:3] == ["inputs", "outputs"]

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The model that `get_config` described."""
        if "input_layers" not in config:
            return super().from_config(config)
        from keratin.models.graph_config import rebuild

        with registry.custom_object_scope(custom_objects or {}):
            return rebuild(config, cls)

    def get_build_config(self) -> dict[str, Any] | None:
        """None: the graph is all there is to know."""
        return None


def _fitted(value: Any, symbol: KerasTensor, where: str) -> Any:
    """A value as a tensor of the input's dtype and rank; a last axis of size 1 is added or dropped as needed."""
    name = symbol._history.operation.name
    if value is None:
        raise ArgumentError("An input is missing.", where=f"{where}, input `{name}`", received=None)
    if dtypes.standardize(symbol.dtype) == "string":
        return value
    mask = masks.get_mask(value)
    tensor = mechanism.convert(value, None if type(value) is KerasTensor else mechanism.canonical(symbol.dtype))
    shape, expected = tuple(tensor.shape), symbol.shape
    if len(shape) == len(expected) + 1 and shape[-1] == 1:
        tensor = shaping.squeeze(tensor, -1)
    elif len(shape) == len(expected) - 1 and expected[-1] == 1:
        tensor = shaping.expand_dims(tensor, -1)
    if shapes.merge(tuple(tensor.shape), expected) is None:
        raise ShapeError(
            "An input has another shape than the model was made for.",
            where=f"{where}, input `{name}`",
            expected=expected,
            received=shape,
        )
    if mask is not None and tensor is not value:
        masks.set_mask(tensor, mask)
    return tensor


# ---- the graph


def trace_graph(
    inputs: list[KerasTensor], outputs: list[KerasTensor], where: str
) -> tuple[list[Node], list[Operation]]:
    """The nodes between inputs and outputs in an order in which they can run, and the operations in Keras's order.

    Keras lists operations by their distance from the outputs, farthest first, then by the first visit of a depth-first
    walk from the outputs. Weights in files are named by that order.
    """
    order: list[Node] = []
    first_visit: dict[Operation, int] = {}
    state: dict[int, int] = {}
    given = {id(t) for t in inputs}
    for output in outputs:
        waiting: list[tuple[Node, bool]] = [(output.node, False)]
        while waiting:
            node, done = waiting.pop()
            if done:
                order.append(node)
                state[id(node)] = 2
                continue
            if id(node) in state:
                continue
            state[id(node)] = 1
            first_visit.setdefault(node.operation, len(first_visit))
            waiting.append((node, True))
            if any(id(t) in given for t in node.output_tensors):
                continue
            if node.is_input:
                raise StateError(
                    "An output depends on an input that the model was not given.",
                    where=where,
                    expected=f"inputs {[t._history.operation.name for t in inputs]}",
                    received=f"a path from `{node.operation.name}`",
                    hint="add that input to `inputs`",
                )
            waiting.extend((t.node, False) for t in reversed(node.inputs))
    depth: dict[int, int] = {}
    op_depth: dict[Operation, int] = {}
    for node in reversed(order):
        level = max(depth.get(id(node), 0), op_depth.get(node.operation, 0))
        op_depth[node.operation] = depth[id(node)] = level
        if any(id(t) in given for t in node.output_tensors):
            continue
        for parent in node.parents:
            depth[id(parent)] = max(level + 1, depth.get(id(parent), 0))
    for tensor in inputs:
        operation = tensor._history.operation
        if operation not in op_depth:
            op_depth[operation], first_visit[operation] = 0, -1
    operations = sorted(op_depth, key=lambda op: (-op_depth[op], first_visit[op]))
    return order, operations


def _plan_steps(nodes: Iterable[Node], inputs: list[KerasTensor]) -> list[tuple[Any, ...]]:
    given = {id(t) for t in inputs}
    steps = []
    for node in nodes:
        if any(id(t) in given for t in node.output_tensors):
            continue
        single = (
            id(node.args[0]) if len(node.args) == 1 and not node.kwargs and type(node.args[0]) is KerasTensor else None
        )
        steps.append((node.operation, single, node.args, node.kwargs, [id(t) for t in node.output_tensors]))
    return steps


def _filled(nest: Any, values: dict[int, Any]) -> Any:
    if type(nest) is KerasTensor:
        return values[id(nest)]
    if isinstance(nest, tuple | list):
        return type(nest)([_filled(item, values) for item in nest])
    if isinstance(nest, dict):
        return {key: _filled(item, values) for key, item in nest.items()}
    return nest


def run_graph(nodes: Iterable[Node], values: dict[int, Any], call: Any = None) -> dict[int, Any]:
    """Call the operations of `nodes` anew; `values` maps ids of symbolic tensors to what stands for them."""
    for node in nodes:
        if all(id(t) in values for t in node.output_tensors):
            continue
        args, kwargs = _filled(node.args, values), _filled(node.kwargs, values)
        result = (call or (lambda op, a, k: op(*a, **k)))(node.operation, args, kwargs)
        values.update(zip([id(t) for t in node.output_tensors], tree.flatten(result), strict=True))
    return values


def _from_inner_tensors(inputs: Any, outputs: Any, where: str) -> tuple[Any, Any]:
    """A graph that starts at tensors inside another one, drawn again from fresh inputs through the same layers."""
    flat_in, flat_out = tree.flatten(inputs), tree.flatten(outputs)
    nodes, _ = trace_graph(flat_in, flat_out, where)
    fresh = [
        t if isinstance(t._history.operation, InputLayer) else Input(batch_shape=t.shape, dtype=t.dtype)
        for t in flat_in
    ]
    values = run_graph(nodes, {id(old): new for old, new in zip(flat_in, fresh, strict=True)})
    return tree.pack_sequence_as(inputs, fresh), tree.pack_sequence_as(outputs, [values[id(t)] for t in flat_out])


def _check_names(operations: list[Operation], where: str) -> None:
    names = [op.name for op in operations]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise ArgumentError(
            "Two layers of a model have the same name.", where=where, expected="unique names", received=twice
        )
