"""A model as a table: layers, output shapes, numbers of parameters."""

from __future__ import annotations

import math
import shutil
from typing import Any

from keratin import dtypes, tree
from keratin.errors import ArgumentError
from keratin.layers.base import Layer
from keratin.ops.keras_names import class_name_of
from keratin.ops.operation import FunctionOperation


def summary(
    model: Any,
    line_length: int | None = None,
    positions: list[float] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: tuple[str, str] | None = None,
) -> str:
    """The table as text.  Args: as `Model.summary`'s.  Raises: ArgumentError for an unknown layer in `layer_range`."""
    linear = _is_linear(model)
    header = ["Layer (type)", "Output Shape", "Param #"]
    if not linear:
        header.append("Connected to")
    if show_trainable:
        header.append("Trainable")
    rows: list[list[str]] = []
    for layer in _in_range(_layers_of(model), layer_range):
        _add_rows(rows, layer, model, linear, expand_nested, show_trainable, depth=0)
    width = line_length or min(100 if linear else 120, max(60, shutil.get_terminal_size((88, 24)).columns))
    fractions = positions or ([0.45, 0.8, 1.0] if linear else [0.32, 0.58, 0.7, 1.0])
    lines = [f'Model: "{model.name}"', *_table(header, rows, width, _columns(len(header), fractions))]
    return "\n".join([*lines, *_totals(model)])


def _layers_of(model: Any) -> list[Any]:
    return list(getattr(model, "operations", None) or model.layers)


def _is_linear(model: Any) -> bool:
    operations = getattr(model, "operations", None)
    if operations is None:
        return True
    inside = {id(node) for node in model._nodes}
    for operation in operations:
        nodes = [n for n in operation._inbound_nodes if id(n) in inside]
        readers = operation._outbound_nodes
        if (
            len(nodes) > 1
            or any(len(n.inputs) > 1 for n in nodes)
            or (len(readers) > 1 and _readers_in(model, operation) > 1)
        ):
            return False
    return len(model.inputs) <= 1


def _readers_in(model: Any, operation: Any) -> int:
    made = {id(t) for n in operation._inbound_nodes for t in n.output_tensors}
    return sum(any(id(t) in made for t in node.inputs) for node in model._nodes)


def _in_range(layers: list[Any], layer_range: tuple[str, str] | None) -> list[Any]:
    if layer_range is None:
        return layers
    names = [layer.name for layer in layers]
    for name in layer_range:
        if name not in names:
            raise ArgumentError("`layer_range` names a layer that does not exist.", expected=names, received=name)
    first, last = (names.index(name) for name in layer_range)
    return layers[first : last + 1]


def _add_rows(
    rows: list[list[str]], layer: Any, model: Any, linear: bool, expand: bool, show_trainable: bool, depth: int
) -> None:
    indent = "   " * depth + ("└ " if depth else "")
    count = (
        f"{layer.count_params():,}"
        if isinstance(layer, Layer) and layer.built
        else "0 (unbuilt)"
        if isinstance(layer, Layer)
        else "0"
    )
    row = [f"{indent}{layer.name} ({_kind(layer)})", _output_shape(layer), count]
    if not linear:
        row.append(_connections(layer, model))
    if show_trainable:
        row.append(("Y" if layer.trainable else "N") if isinstance(layer, Layer) and layer.weights else "-")
    rows.append(row)
    if expand and getattr(layer, "layers", None):
        for inner in _layers_of(layer):
            _add_rows(rows, inner, layer, linear, expand, show_trainable, depth + 1)


def _kind(layer: Any) -> str:
    return class_name_of(layer.function) if isinstance(layer, FunctionOperation) else type(layer).__name__


def _output_shape(layer: Any) -> str:
    if layer._inbound_nodes:
        shapes = [tree.map_structure(lambda t: t.shape, node.outputs) for node in layer._inbound_nodes[:1]]
        return str(shapes[0])
    known = layer.last_output_shape
    return str(known) if known is not None else "not called yet"


def _connections(layer: Any, model: Any) -> str:
    inside = {id(node) for node in getattr(model, "_nodes", ())}
    links = [
        f"{t._history.operation.name}[{t._history.node_index}][{t._history.tensor_index}]"
        for node in layer._inbound_nodes if id(node) in inside for t in node.inputs
    ]  # fmt: skip
    return ", ".join(links) or "-"


def _columns(count: int, fractions: list[float]) -> list[float]:
    if len(fractions) >= count:
        return fractions[:count]
    room = 1 - 0.1 * (count - len(fractions))
    scaled = [f * room for f in fractions]
    return [*scaled, *(room + 0.1 * (i + 1) for i in range(count - len(fractions)))]


def _table(header: list[str], rows: list[list[str]], width: int, fractions: list[float]) -> list[str]:
    ends = [round(f * (width - 1)) for f in fractions]
    sizes = [end - start - 3 for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    def border(left: str, middle: str, right: str, line: str) -> str:
        return left + middle.join(line * (size + 2) for size in sizes) + right

    def cells(row: list[str]) -> list[str]:
        wrapped = [_wrap(text, size) for text, size in zip(row, sizes, strict=True)]
        height = max(map(len, wrapped))
        padded = [lines + [""] * (height - len(lines)) for lines in wrapped]
        return [
            "│ "
            + " │ ".join(
                f"{part:<{size}}" if i != 2 else f"{part:>{size}}"
                for i, (part, size) in enumerate(zip(line, sizes, strict=True))
            )
            + " │"
            for line in zip(*padded, strict=True)
        ]

    lines = [border("┌", "┬", "┐", "─"), *cells(header), border("├", "┼", "┤", "─")]
    for row in rows:
        lines += cells(row)
    return [*lines, border("└", "┴", "┘", "─")]


def _wrap(text: str, size: int) -> list[str]:
    size = max(size, 4)
    return [text[i : i + size] for i in range(0, len(text), size)] or [""]


def _totals(model: Any) -> list[str]:
    if not model.weights and not model.built:
        return [
            " The model is not built: its layers have no parameters yet. Call it on data, or call `build(input_shape)`."
        ]
    trainable, frozen = model.trainable_weights, model.non_trainable_weights
    optimizer = model.optimizer.variables if getattr(model, "optimizer", None) is not None else []
    total = [*trainable, *frozen, *optimizer]
    lines = [
        f" Total params: {_count(total):,} ({_size(total)})",
        f" Trainable params: {_count(trainable):,} ({_size(trainable)})",
        f" Non-trainable params: {_count(frozen):,} ({_size(frozen)})",
    ]
    return [*lines, f" Optimizer params: {_count(optimizer):,} ({_size(optimizer)})"] if optimizer else lines


def _count(variables: list[Any]) -> int:
    return sum(math.prod(v.shape) for v in variables)


def _size(variables: list[Any]) -> str:
    size = float(sum(math.prod(v.shape) * dtypes.size_in_bytes(v.dtype) for v in variables))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.2f} {unit}"
        size /= 1024
    return ""
