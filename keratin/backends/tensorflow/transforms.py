"""Transforms of functions of tensors: compiled programs, gradients, loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.func_graph import FuncGraph

from keratin import dtypes, tree
from keratin.backends.spec import Spec
from keratin.backends.tensorflow.facts import EagerTensor, borrow_host, mapping, native_dtype, number, shape

# ---- programs

_REFUSED = (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError, tf.errors.InternalError)
"""What XLA raises for what it cannot compile."""


class _Entry:
    """A function traced for tensors of given shapes: the graph, and how its results are put together."""

    __slots__ = ("_captured", "_concrete", "_flat", "_kept", "_treedef", "checked")

    def __init__(self, function: Callable[..., Any], leaves: list[Any], treedef: Any, optimize: bool) -> None:
        self.checked = not optimize  # whether it has run: XLA refuses when it compiles, in the first call
        places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, EagerTensor)]
        fixed = [None if isinstance(leaf, EagerTensor) else leaf for leaf in leaves]
        found: list[Any] = []

        def flat(*tensors: Any) -> list[Any]:
            values = [leaf.value() if isinstance(leaf, tf.Variable) else leaf for leaf in fixed]
            for place, tensor in zip(places, tensors, strict=True):
                values[place] = tensor
            outputs, structure = tree.flatten_with_treedef(function(*tree.unflatten(treedef, values)))
            found[:] = [structure]
            return [tf.convert_to_tensor(value) for value in outputs]

        # The wrapper must live as long as the graph; variables are held by their cells.
        self._flat = tf.function(flat, autograph=False, jit_compile=optimize or None)
        specs = [tf.TensorSpec(leaves[i].shape, leaves[i].dtype) for i in places]
        self._concrete = self._flat.get_concrete_function(*specs)
        self._captured = list(self._concrete.captured_inputs)
        self._kept = fixed
        self._treedef = found[0]

    def __call__(self, tensors: list[Any]) -> Any:
        results = self._concrete._call_flat(tensors, self._captured)
        self.checked = True
        return tree.unflatten(self._treedef, results)


class _Program:
    """A compiled function: a graph for each set of shapes.

    Arguments that are variables are read inside the graph: they cost nothing per call, and nothing is copied.
    """

    def __init__(self, function: Callable[..., Any], optimize: bool | None) -> None:
        self.function, self.optimize = function, bool(optimize)
        self.entries: dict[Any, _Entry] = {}

    def __call__(self, *args: Any) -> Any:
        leaves, treedef = tree.flatten_with_treedef(args)
        if not tf.executing_eagerly():  # part of a larger graph
            values = [leaf.value() if isinstance(leaf, tf.Variable) else leaf for leaf in leaves]
            return self.function(*tree.unflatten(treedef, values))
        tensors, key = [], []
        for place, leaf in enumerate(leaves):
            if isinstance(leaf, EagerTensor):
                pass
            elif isinstance(leaf, tf.Variable):
                key.append(id(leaf))
                continue
            elif isinstance(leaf, np.ndarray):
                leaf = leaves[place] = borrow_host(leaf)
            elif leaf is None:
                key.append(None)
                continue
            else:
                leaf = leaves[place] = tf.convert_to_tensor(leaf)
            tensors.append(leaf)
            key += (leaf._shape_tuple(), leaf.dtype)
        found = (treedef, tuple(key))
        entry = self.entries.get(found)
        if entry is None:
            entry = self.entries[found] = _Entry(self.function, leaves, treedef, self.optimize)
        if entry.checked:
            return entry(tensors)
        try:
            return entry(tensors)
        except _REFUSED:
            entry = self.entries[found] = _Entry(self.function, leaves, treedef, False)
            return entry(tensors)


def jit(
    function: Callable[..., Any], donate_argnums: tuple[int, ...] = (), optimize: bool | None = None
) -> Callable[..., Any]:
    """`function` as a graph, compiled by XLA with `optimize` where XLA can; memory cannot be donated."""
    return _Program(function, optimize)


def native_step(function: Callable[[Any], Any], optimize: bool | None = None) -> Callable[[Any], Any]:
    """A step in TensorFlow's own style as a graph: variables are read and assigned where it says so."""
    return tf.function(function, autograph=False, jit_compile=optimize or None)


def loop(
    begin: Callable[[list[Any]], Any],
    fetch: Callable[[Any, list[Any]], list[Any]],
    step: Callable[[Any, Any, list[Any], list[Any]], Any],
    finish: Callable[[Any, list[Any]], tuple[list[Any], Any]],
    optimize: bool | None = None,
) -> Callable[..., Any]:
    """A program `run(state, constants, data, start, stop)`; state that lies in variables is assigned inside."""
    cells: list[Any] = []

    def whole(state: Any, constants: Any, data: Any, start: Any, stop: Any) -> Any:
        carry = fori_loop(start, stop, lambda i, c: step(i, c, constants, fetch(i, data)), begin(state))
        new, results = finish(carry, constants)
        return _stored(cells, new), results

    program = jit(whole, optimize=optimize)

    def run(state: list[Any], constants: list[Any], data: list[Any], start: int, stop: int) -> Any:
        cells[:] = state
        bounds = tf.constant(start, tf.int32), tf.constant(stop, tf.int32)
        new, results = program(state, constants, data, *bounds)
        rest = iter(new)
        return [cell if isinstance(cell, tf.Variable) else next(rest) for cell in state], results

    return run


def _stored(cells: list[Any], values: list[Any]) -> list[Any]:
    """Values assigned to their variables; returns those that have none."""
    rest = []
    for cell, value in zip(cells, values, strict=True):
        if isinstance(cell, tf.Variable):
            cell.assign(value, read_value=False)
        else:
            rest.append(value)
    return rest


# ---- gradients


def value_and_grad(function: Callable[[list[Any]], tuple[Any, Any]]) -> Callable[[list[Any]], Any]:
    def run(values: list[Any]) -> tuple[tuple[Any, Any], list[Any]]:
        values = [tf.identity(value) for value in values]  # so that the same tensor elsewhere stays a constant
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([value for value in values if value.dtype.is_floating or value.dtype.is_complex])
            result, auxiliary = function(values)
        gradients = tape.gradient(result, values) if values else []
        return (result, auxiliary), [_dense(g, v) for g, v in zip(gradients, values, strict=True)]

    return run


def _dense(gradient: Any, value: Any) -> Any:
    return tf.zeros_like(value) if gradient is None else tf.convert_to_tensor(gradient)


def remat(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        leaves, treedef = tree.flatten_with_treedef(args)
        found: list[Any] = []

        def flat(*values: Any) -> list[Any]:
            outputs, structure = tree.flatten_with_treedef(function(*tree.unflatten(treedef, values)))
            found[:] = [structure]
            return outputs

        results = tf.recompute_grad(flat)(*leaves)
        return tree.unflatten(found[0], results)

    return run


def custom_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    @tf.custom_gradient
    def differentiable(*args: Any) -> Any:
        result, gradient = function(*args)

        def backward(*upstream: Any) -> Any:
            grads = gradient(list(upstream) if isinstance(result, list | tuple) else upstream[0])
            return list(grads) if isinstance(grads, list | tuple) else [grads]

        return result, backward

    return lambda *args: differentiable(*map(tf.convert_to_tensor, args))


# ---- batches


def vmap(function: Callable[..., Any], in_axes: Any, out_axes: Any) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        axes = list(in_axes) if isinstance(in_axes, tuple | list) else [in_axes] * len(args)
        args = tuple(map(tf.convert_to_tensor, args))
        mapped = [_moved(x, axis, 0) for x, axis in zip(args, axes, strict=True) if axis is not None]
        structure: list[Any] = []

        def row(*slices: Any) -> list[Any]:
            remaining = iter(slices)
            given = [x if axis is None else next(remaining) for x, axis in zip(args, axes, strict=True)]
            before, mapping.active = mapping.active, True
            try:
                outputs, treedef = tree.flatten_with_treedef(function(*given))
            finally:
                mapping.active = before
            structure[:] = [treedef]
            return [tf.convert_to_tensor(value) for value in outputs]

        varying = _varying(row, [tf.TensorSpec(x.shape[1:], x.dtype) for x in mapped])
        targets = list(out_axes) if isinstance(out_axes, tuple | list) else [out_axes] * len(varying)
        for place, (target, varies) in enumerate(zip(targets, varying, strict=True)):
            if target is None and varies:
                raise ValueError(f"Result {place} has `out_axes` None, but it differs from row to row.")
        results = tf.vectorized_map(lambda slices: row(*slices), mapped) if mapped else row()
        given = [
            (value[0] if mapped else value) if target is None else _moved(value, 0, target)
            for value, target in zip(results, targets, strict=True)
        ]
        return tree.unflatten(structure[0], given)

    return run


def _moved(x: Any, source: int, target: int) -> Any:
    rank = len(x.shape)
    source, target = source % rank, target % rank
    if source == target:
        return x
    order = [i for i in range(rank) if i != source]
    order.insert(target, source)
    return tf.transpose(x, order)


def _varying(function: Callable[..., list[Any]], specs: list[Any]) -> list[bool]:
    """Which results depend on the arguments, seen in a graph."""
    graph = FuncGraph("rows")
    with graph.as_default():
        arguments = [tf.compat.v1.placeholder(s.dtype, s.shape) for s in specs]
        results = function(*arguments)
    reached = {id(x.op) for x in arguments}
    for operation in graph.get_operations():  # in an order in which inputs come first
        if any(id(x.op) in reached for x in operation.inputs):
            reached.add(id(operation))
    return [id(x.op) in reached for x in results]


# ---- loops


def scan(
    function: Callable[[Any, Any], tuple[Any, Any]], carry: Any, xs: Any, length: int | None, reverse: bool, unroll: int
) -> tuple[Any, Any]:
    count = length if length is not None else number(shape(xs[0])[0])
    specs = [tf.TensorSpec(x.shape[1:], x.dtype) for x in xs]
    places = list(range(len(xs)))
    start, carry_def = tree.flatten_with_treedef(carry)
    start = [tf.convert_to_tensor(value) for value in start]
    y_def: list[Any] = []

    def row(state: list[Any], slices: list[Any]) -> tuple[list[Any], list[Any]]:
        new, y = function(tree.unflatten(carry_def, state), slices)
        outputs, y_def_found = tree.flatten_with_treedef(y)
        y_def[:] = [y_def_found]
        return [tf.convert_to_tensor(v) for v in tree.flatten(new)], [tf.convert_to_tensor(v) for v in outputs]

    outline = _specs(
        lambda *values: row(list(values[: len(start)]), list(values[len(start) :]))[1],
        [*(tf.TensorSpec(v.shape, v.dtype) for v in start), *specs],
    )
    arrays = [tf.TensorArray(s.dtype, count, element_shape=s.shape) for s in outline]

    def body(i: Any, state: list[Any], written: list[Any]) -> Any:
        at = count - 1 - i if reverse else i
        new, outputs = row(state, [tf.gather(xs[place], at) for place in places])
        new = [tf.ensure_shape(value, old.shape) for value, old in zip(new, start, strict=True)]
        return i + 1, new, [a.write(at, value) for a, value in zip(written, outputs, strict=True)]

    _, final, written = tf.while_loop(
        lambda i, *rest: i < count, body, (tf.constant(0), start, arrays), maximum_iterations=count
    )
    return tree.unflatten(carry_def, final), tree.unflatten(y_def[0], [a.stack() for a in written])


def while_loop(condition: Callable[[Any], Any], body: Callable[[Any], Any], carry: Any, most: Any = None) -> Any:
    start, treedef = tree.flatten_with_treedef(carry)
    start = [tf.convert_to_tensor(value) for value in start]
    if not start:
        return carry

    def step(*values: Any) -> list[Any]:
        new = tree.flatten(body(tree.unflatten(treedef, values)))
        return [tf.ensure_shape(tf.convert_to_tensor(value), old.shape) for value, old in zip(new, start, strict=True)]

    final = tf.while_loop(
        lambda *values: tf.reshape(condition(tree.unflatten(treedef, values)), ()),
        step,
        start,
        maximum_iterations=most,
    )
    return tree.unflatten(treedef, final)


def fori_loop(start: Any, stop: Any, body: Callable[[Any, Any], Any], carry: Any) -> Any:
    known = isinstance(start, int) and isinstance(stop, int)
    first, last = tf.cast(start, tf.int32), tf.cast(stop, tf.int32)
    _, final = while_loop(
        lambda state: state[0] < last,
        lambda state: (state[0] + 1, body(state[0], state[1])),
        (first, carry),
        max(stop - start, 0) if known else None,
    )
    return final


def cond(predicate: Any, on_true: Callable[..., Any], on_false: Callable[..., Any], operands: Sequence[Any]) -> Any:
    predicate = tf.reshape(tf.cast(predicate, tf.bool), ())
    if isinstance(predicate, EagerTensor):
        return (on_true if bool(predicate) else on_false)(*operands)
    structure: list[Any] = []

    def branch(function: Callable[..., Any]) -> Callable[[], list[Any]]:
        def run() -> list[Any]:
            outputs, treedef = tree.flatten_with_treedef(function(*operands))
            structure[:] = [treedef]
            return [tf.identity(value) for value in outputs]

        return run

    results = tf.cond(predicate, branch(on_true), branch(on_false))
    return tree.unflatten(structure[0], results if isinstance(results, list | tuple) else [results])


# ---- shapes alone, and the host


def _specs(function: Callable[..., list[Any]], specs: Sequence[Any]) -> list[Any]:
    graph = FuncGraph("outline")
    with graph.as_default():
        results = function(*(tf.compat.v1.placeholder(s.dtype, s.shape) for s in specs))
        return [tf.TensorSpec(r.shape, r.dtype) for r in map(tf.convert_to_tensor, results)]


def abstract_eval(function: Callable[..., Any], specs: Sequence[Any]) -> list[Spec]:
    """Shapes and dtypes of `function(*tensors) -> list of tensors`, in a graph that never runs."""
    given = [tf.TensorSpec(tuple(s.shape), native_dtype(dtypes.standardize(s.dtype))) for s in specs]
    return [Spec(tuple(s.shape), s.dtype.name) for s in _specs(function, given)]


def unknown_batch(function: Callable[..., Any], specs: Sequence[Any]) -> Callable[..., Any]:
    """`function(*tensors) -> list of tensors` as one graph for every size where `specs` have None."""
    given = [tf.TensorSpec(tuple(s.shape), native_dtype(s.dtype)) for s in specs]
    return tf.function(function, autograph=False, input_signature=given)


def host_callback(function: Callable[..., Any], specs: Sequence[Spec], *args: Any) -> Any:
    """Run a NumPy function on the host, in order, from inside a graph."""
    results = tf.numpy_function(lambda *arrays: list(function(*arrays)), args, [native_dtype(s.dtype) for s in specs])
    return [tf.ensure_shape(r, s.shape) for r, s in zip(results, specs, strict=True)]
