"""What is checked of a row of the table of ops.

Each check gives the largest relative error that it saw, or raises AssertionError.
"""

from __future__ import annotations

import functools
import itertools
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from unittest import mock

import numpy as np

from keratin import dtypes, ops
from keratin.backends import select
from keratin.backends.spec import Spec
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ShapeError
from keratin.ops import mechanism, operation
from keratin.state import transforms
from keratin.testing.arrays import host, tensors
from keratin.testing.check import Check, close, holds, same
from keratin.testing.ops.case import Case


def checks(rows: Iterable[tuple[str, Case]]) -> list[Check]:
    """All checks of rows that have a name each."""
    return [
        Check("ops", row.op.__name__, name, kind, functools.partial(function, row), needs)
        for name, row in rows
        for kind, (condition, needs, function) in KINDS.items()
        if condition(row)
    ]


# ---- values


def check_value(row: Case) -> float:
    """The op gives what the reference gives."""
    found, right = row.call(*tensors(row.arrays())), row.reference(*row.arrays())
    return _all_close(found, right, row.rtol, row.atol)


def check_edges(row: Case) -> float:
    """At the edges too; beyond the range of float32 is infinite."""
    grid = np.array(list(itertools.product(row.edges, repeat=len(row.arrays()))), np.float32).T
    with np.errstate(over="ignore"):
        right = [
            np.asarray(r).astype(np.float32) if np.asarray(r).dtype.kind == "f" else r for r in row.reference(*grid)
        ]

    def place(index: tuple[int, ...]) -> str:
        return f"the value at {grid[:, index[-1]].tolist()}"

    return _all_close(row.call(*tensors(list(grid))), right, row.rtol, 1e-35, place)


def check_compiled(row: Case) -> float:
    """Compiled, the results are the same up to rounding."""
    given = tensors(row.arrays())
    compiled = select.current().jit(lambda *values: row.call(*values))(*given)
    return _same_results(compiled, row.call(*given), "compiled")


def check_vmapped(row: Case) -> float:
    """Mapped over two stacked inputs, the results are those of one after the other."""
    pairs = [row.arrays(), [_other(a) for a in row.arrays()]]
    stacked = [np.stack(two) for two in zip(*pairs, strict=True)]
    mapped = transforms.vmap(lambda *values: row.call(*values))(*tensors(stacked))
    return max(
        _same_results([m[place] for m in mapped], row.call(*tensors(arrays)), f"mapped, row {place},")
        for place, arrays in enumerate(pairs)
    )


def _other(array: np.ndarray) -> np.ndarray:
    """Other values that suit the op as well: matrices stay definite, sorted numbers sorted, indices in their range."""
    if array.dtype.kind == "b":
        return ~array
    return array // 2 if array.dtype.kind in "iu" else (array * 0.5).astype(array.dtype)


def check_unknown_batch(row: Case) -> float:
    """A program for any number of rows gives for another number what eager code gives."""
    arrays = row.arrays()
    varied = batched(row)
    specs = [
        Spec((None, *a.shape[1:]) if i in varied else a.shape, mechanism.canonical(a.dtype.name))
        for i, a in enumerate(arrays)
    ]
    program = select.current().unknown_batch(lambda *values: row.call(*values), specs)
    size = _sizes(arrays, varied)[-1]
    given = [np.resize(a, (size, *a.shape[1:])) if i in varied else a for i, a in enumerate(arrays)]
    return _same_results(program(*tensors(given)), row.call(*tensors(given)), f"for a batch of {size}")


def batched(row: Case) -> set[int]:
    """Numbers of the inputs whose first axis is a batch: it can have other sizes, together."""
    if row.batch is not None:
        return set(row.batch)
    arrays = row.arrays()
    firsts = [i for i, a in enumerate(arrays) if a.ndim]
    together = {i for i in firsts if arrays[i].shape[0] == arrays[firsts[0]].shape[0]} if firsts else set[int]()
    for candidate in (together, *({i} for i in firsts)):
        if candidate and all(_fits(row, arrays, candidate, size) for size in _sizes(arrays, candidate)):
            return candidate
    return set()


def _sizes(arrays: list[np.ndarray], varied: set[int]) -> tuple[int, int]:
    size = arrays[min(varied)].shape[0]
    return size + 1, 2 * size + 1


def _fits(row: Case, arrays: list[np.ndarray], varied: set[int], size: int) -> bool:
    shapes = [(size, *a.shape[1:]) if i in varied else a.shape for i, a in enumerate(arrays)]
    try:
        row.call(*(KerasTensor(s, a.dtype) for s, a in zip(shapes, arrays, strict=True)))
    except Exception:  # whatever an op says of sizes that do not fit
        return False
    return True


def check_native(row: Case) -> float:
    """The backend's own form gives the values and gradients of the composed body."""
    inputs = [row.arrays()]
    if row.edges:
        inputs.append(list(np.array(list(itertools.product(row.edges, repeat=len(inputs[0]))), np.float32).T))
    inputs += [[np.asarray(x, np.float32) for x in given] for given, _ in row.ties]
    worst = 0.0
    for arrays in inputs:
        native = row.call(*tensors(arrays))
        with mock.patch.object(mechanism, "use_native", False):
            body = row.call(*tensors(arrays))
        worst = max(worst, _all_close(native, [host(b) for b in body], row.rtol, row.atol))
    if not row.gradient or not getattr(select.current(), "has_gradients", True):
        return worst
    for arrays in [inputs[0], *inputs[len(inputs) - len(row.ties) :]]:
        weights = [np.ones(np.shape(r), np.float32) for r in row.call(*tensors(arrays))]
        native = gradients(row, arrays, weights)
        with mock.patch.object(mechanism, "use_native", False):
            body = gradients(row, arrays, weights)
        worst = max(worst, _all_close(native, [host(b) for b in body], 1e-4, 1e-5, "the gradient"))
    return worst


def _all_close(found: list[Any], right: list[Any], rtol: float, atol: float, what: Any = "the value") -> float:
    same(len(found), len(right), "The number of results is wrong.")
    for a, b in zip(found, right, strict=True):
        same(tuple(a.shape), np.shape(b), "The shape is wrong.")
    return max((close(host(a), b, rtol, atol, what) for a, b in zip(found, right, strict=True)), default=0.0)


def _same_results(found: list[Any], eager: list[Any], how: str) -> float:
    same([mechanism.dtype_of(x) for x in found], [mechanism.dtype_of(x) for x in eager], f"The dtype {how} is wrong.")
    return _all_close(found, [host(x) for x in eager], 1e-5, 1e-6, f"the value {how}")


# ---- dtypes and shapes


def check_dtype(row: Case) -> float:
    """The dtype follows the promotion table, for each dtype of the inputs, of the backend and symbolic."""
    rules = row.dtype if isinstance(row.dtype, Sequence) else [row.dtype]
    for name in row.accepts:
        given, names = [], []
        for number_of_input, array in enumerate(row.arrays()):
            changed = number_of_input not in row.fixed
            given.append(Spec(array.shape, mechanism.canonical(name if changed else array.dtype.name)))
            names += [name] if changed else []
        names += [type(x) for x in row.inputs if type(x) in (int, float, bool)]
        expected = [rule(*names) for rule in rules if rule is not None]
        found = outline(row, given)
        expected = expected * len(found) if len(expected) == 1 else expected
        same([x.dtype for x in found], expected, f"The dtype of the result for {name} is wrong.")
        if row.symbolic:
            drawn = row.call(*(KerasTensor(s.shape, s.dtype) for s in given))
            same([x.dtype for x in drawn], expected, f"The dtype of the symbolic result for {name} is wrong.")
    return 0.0


def check_symbolic(row: Case) -> float:
    """The symbolic result has the shape and dtype of the eager one, and is unknown just where that is not settled."""
    specs = [Spec(x.shape, mechanism.canonical(x.dtype.name)) for x in row.arrays()]
    eager = outline(row, specs)
    with mock.patch.object(operation, "_trace", _no_trace):
        drawn = row.call(*(KerasTensor(s.shape, s.dtype) for s in specs))
        same([Spec(x.shape, x.dtype) for x in drawn], eager, "The symbolic result differs from the eager one.")
        holds(all(x.node is not None for x in drawn), "A symbolic result has no node in the graph.")
        for number_of_input, spec in enumerate(specs):
            for axis in range(len(spec.shape)):
                _check_unknown(row, specs, eager, number_of_input, axis)
    return 0.0


def _no_trace(*args: Any) -> None:
    raise AssertionError("The body did not run on shapes; the backend had to trace it.")


def _check_unknown(row: Case, specs: list[Spec], eager: list[Spec], number_of_input: int, axis: int) -> None:
    unknown = [KerasTensor(s.shape, s.dtype) for s in _resized(specs, number_of_input, axis, None)]
    message = f"With axis {axis} of input {number_of_input} unknown"
    if (number_of_input, axis - len(specs[number_of_input].shape)) in row.known:
        try:
            row.call(*unknown)
        except ShapeError:
            return
        raise AssertionError(f"{message}, there is no ShapeError.")
    drawn = row.call(*unknown)
    others = _with_other_sizes(row, specs, number_of_input, axis)
    for place, (symbol, result) in enumerate(zip(drawn, eager, strict=True)):
        told = f"{message}, the shape is {symbol.shape} where {result.shape} is right"
        same(symbol.dtype, result.dtype, f"{message}, the dtype changes.")
        same(len(symbol.shape), len(result.shape), f"{told}.")
        for a, (found, right) in enumerate(zip(symbol.shape, result.shape, strict=True)):
            holds(found in (None, right), f"{told}.")
            if found is None and not row.loose:
                holds(any(other[place].shape[a] != right for other in others), f"{told}: it cannot be another size.")


def _resized(specs: list[Spec], number_of_input: int, axis: int, size: int | None) -> list[Spec]:
    shape = specs[number_of_input].shape
    changed = Spec((*shape[:axis], size, *shape[axis + 1 :]), specs[number_of_input].dtype)
    return [changed if i == number_of_input else s for i, s in enumerate(specs)]


def _with_other_sizes(row: Case, specs: list[Spec], number_of_input: int, axis: int) -> list[list[Spec]]:
    """What comes out with other sizes of one axis, where they fit."""
    found: list[list[Spec]] = []
    logging.disable()  # engines may log sizes that do not fit as errors
    try:
        for size in (0, 1, 2, 2 * (specs[number_of_input].shape[axis] or 0), 7):
            try:
                found.append(outline(row, _resized(specs, number_of_input, axis, size)))
            except Exception:  # each engine has its own words for them
                continue
    finally:
        logging.disable(logging.NOTSET)
    return found


def outline(row: Case, specs: Sequence[Spec]) -> list[Spec]:
    """Shapes and dtypes that the backend gives for inputs of these."""
    if row.compiled and getattr(select.current(), "has_compiler", True):
        return [Spec(tuple(s.shape), s.dtype) for s in select.current().abstract_eval(row.call, specs)]
    with np.errstate(invalid="ignore"):  # NaN as an integer
        given = [
            mechanism.convert(np.resize(a, tuple(size or 0 for size in s.shape)).astype(dtypes.numpy_dtype(s.dtype)))
            for a, s in zip(row.arrays(), specs, strict=True)
        ]
    return [Spec(tuple(x.shape), mechanism.dtype_of(x)) for x in row.call(*given)]


# ---- gradients


def check_gradient(row: Case) -> float:
    """The gradients are those of the reference by central differences in float64."""
    arrays = row.arrays()
    smooth = [i for i, a in enumerate(arrays) if a.dtype.kind == "f"]
    right = row.reference(*arrays)
    weights = [
        np.random.default_rng(i).uniform(0.5, 1.5, np.shape(r)) * np.isfinite(r)
        if np.asarray(r).dtype.kind == "f"
        else None
        for i, r in enumerate(right)
    ]

    def projected(values: list[np.ndarray]) -> float:
        given = list(arrays)
        for i, value in zip(smooth, values, strict=True):
            given[i] = value
        pairs = zip(weights, row.reference(*given), strict=True)
        return float(sum(np.sum(w * np.where(w == 0, 0, r)) for w, r in pairs if w is not None))

    start = [arrays[i].astype(np.float64) for i in smooth]
    return max(
        close(host(found), differences(projected, start, i), 2e-3, 2e-4, f"gradient {i}")
        for i, found in enumerate(gradients(row, arrays, weights))
    )


def differences(
    function: Callable[[list[np.ndarray]], float], start: list[np.ndarray], place: int, step: float = 1e-5
) -> np.ndarray:
    """The gradient of a function of arrays with respect to one of them, by central differences."""
    result = np.zeros_like(start[place])
    for index in np.ndindex(*result.shape):
        ends = []
        for sign in (1, -1):
            moved = [a.copy() for a in start]
            moved[place][index] += sign * step
            ends.append(function(moved))
        result[index] = (ends[0] - ends[1]) / (2 * step)
    return result


def check_ties(row: Case) -> float:
    """The gradients of the sum of the result are the agreed ones where slopes jump, and finite at infinities."""
    worst = 0.0
    for inputs, expected in row.ties:
        arrays = [np.asarray(x, np.float32) for x in inputs]
        weights = [np.ones(tuple(r.shape)) for r in row.call(*tensors(arrays))]
        found = gradients(row, arrays, weights)
        right = [np.asarray(e) for e in expected]
        worst = max(worst, _all_close(found, right, 1e-5, 1e-6, f"the gradient at {inputs}"))
    return worst


def gradients(row: Case, arrays: list[np.ndarray], weights: list[Any]) -> list[Any]:
    """The gradients of the weighted sum of the results with respect to the float arrays."""
    smooth = [i for i, a in enumerate(arrays) if a.dtype.kind == "f"]

    def projected(values: list[Any]) -> tuple[Any, list[Any]]:
        given = tensors(arrays)
        for i, value in zip(smooth, values, strict=True):
            given[i] = value
        total: Any = 0.0
        for weight, result in zip(weights, row.call(*given), strict=True):
            if weight is not None:
                total = total + ops.sum(result * mechanism.convert(weight.astype(np.float32)))
        return total, []

    backend = select.current()
    function = backend.value_and_grad(projected)
    if row.compiled:  # one compile, where eager differentiation has many
        function = backend.jit(function)
    return function(tensors([arrays[i] for i in smooth]))[1]


# ---- all of them


def _has_native(row: Case) -> bool:
    return row.op.__name__ in select.current().native


KINDS: dict[str, tuple[Callable[[Case], Any], str, Callable[[Case], float]]] = {
    "value": (lambda row: True, "", check_value),
    "edges": (lambda row: row.edges, "", check_edges),
    "dtype": (lambda row: row.dtype is not None, "", check_dtype),
    "symbolic": (lambda row: row.symbolic, "", check_symbolic),
    "gradient": (lambda row: row.gradient, "gradients", check_gradient),
    "ties": (lambda row: row.ties, "gradients", check_ties),
    "compiled": (lambda row: row.compiled, "compiler", check_compiled),
    "vmapped": (lambda row: row.compiled, "", check_vmapped),
    "unknown_batch": (
        lambda row: row.compiled and row.symbolic and not row.needs_sizes and batched(row),
        "unknown_batch",
        check_unknown_batch,
    ),
    "native": (_has_native, "", check_native),
}
"""Name of each kind of check: which rows have it, what it needs of a backend, and the check."""
