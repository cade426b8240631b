"""What is checked of a row of the table of ops."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import numpy as np

from keratin import dtypes, ops
from keratin.backends import select
from keratin.backends.spec import Spec
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ShapeError
from keratin.ops import mechanism, operation
from keratin.testing.arrays import host, tensors
from keratin.testing.ops.case import Case


def check_value(row: Case) -> None:
    """The op gives what the reference gives."""
    found, right = row.call(*tensors(row.arrays())), row.reference(*row.arrays())
    assert len(found) == len(right)
    for a, b in zip(found, right, strict=True):
        assert tuple(a.shape) == np.shape(b)
        np.testing.assert_allclose(host(a), b, rtol=row.rtol, atol=row.atol)


def check_edges(row: Case) -> None:
    """At the edges too; beyond the range of float32 is infinite."""
    count = len(row.arrays())
    grid = np.array(list(itertools.product(row.edges, repeat=count)), np.float32).T
    with np.errstate(over="ignore"):
        right = [
            np.asarray(r).astype(np.float32) if np.asarray(r).dtype.kind == "f" else r for r in row.reference(*grid)
        ]
    for a, b in zip(row.call(*tensors(list(grid))), right, strict=True):
        for place in range(grid.shape[1]):
            np.testing.assert_allclose(
                host(a)[place], b[place], rtol=row.rtol, atol=1e-35, err_msg=f"at {grid[:, place].tolist()}"
            )


def check_dtype(row: Case) -> None:
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
        assert [x.dtype for x in found] == expected, f"of {name}"
        if row.symbolic:
            drawn = row.call(*(KerasTensor(s.shape, s.dtype) for s in given))
            assert [x.dtype for x in drawn] == expected, f"symbolic of {name}"


def check_symbolic(row: Case) -> None:
    """The symbolic result has the shape and dtype of the eager one, and is unknown just where that is not settled."""
    specs = [Spec(x.shape, mechanism.canonical(x.dtype.name)) for x in row.arrays()]
    eager = outline(row, specs)
    with mock.patch.object(operation, "_trace", _no_trace):
        drawn = row.call(*(KerasTensor(s.shape, s.dtype) for s in specs))
        assert [Spec(x.shape, x.dtype) for x in drawn] == eager
        assert all(x.node is not None for x in drawn)
        for number_of_input, spec in enumerate(specs):
            for axis in range(len(spec.shape)):
                _check_unknown(row, specs, eager, number_of_input, axis)


def _check_unknown(row: Case, specs: list[Spec], eager: list[Spec], number_of_input: int, axis: int) -> None:
    unknown = [KerasTensor(s.shape, s.dtype) for s in _resized(specs, number_of_input, axis, None)]
    if (number_of_input, axis - len(specs[number_of_input].shape)) in row.known:
        try:
            row.call(*unknown)
        except ShapeError:
            return
        raise AssertionError(f"axis {axis} of input {number_of_input} unknown: there is no ShapeError")
    drawn = row.call(*unknown)
    others = _with_other_sizes(row, specs, number_of_input, axis)
    for place, (symbol, result) in enumerate(zip(drawn, eager, strict=True)):
        message = f"axis {axis} of input {number_of_input} unknown: {symbol.shape} against {result.shape}"
        assert symbol.dtype == result.dtype, message
        assert len(symbol.shape) == len(result.shape), message
        for a, (found, right) in enumerate(zip(symbol.shape, result.shape, strict=True)):
            assert found in (None, right), message
            if found is None and not row.loose:
                assert any(other[place].shape[a] != right for other in others), f"{message}: it cannot be another size"


def _resized(specs: list[Spec], number_of_input: int, axis: int, size: int | None) -> list[Spec]:
    shape = specs[number_of_input].shape
    changed = Spec((*shape[:axis], size, *shape[axis + 1 :]), specs[number_of_input].dtype)
    return [changed if i == number_of_input else s for i, s in enumerate(specs)]


def _with_other_sizes(row: Case, specs: list[Spec], number_of_input: int, axis: int) -> list[list[Spec]]:
    """What comes out with other sizes of one axis, where they fit."""
    found = []
    for size in (0, 1, 2, 2 * (specs[number_of_input].shape[axis] or 0), 7):
        try:
            found.append(outline(row, _resized(specs, number_of_input, axis, size)))
        except (ValueError, TypeError, IndexError, np.linalg.LinAlgError):
            continue
    return found


def outline(row: Case, specs: Sequence[Spec]) -> list[Spec]:
    """Shapes and dtypes that the backend gives for inputs of these."""
    if row.compiled and select.current().name != "numpy":
        return [Spec(tuple(s.shape), s.dtype) for s in select.current().abstract_eval(row.call, specs)]
    with np.errstate(invalid="ignore"):  # NaN as an integer
        given = [
            mechanism.convert(np.resize(a, s.shape).astype(dtypes.numpy_dtype(s.dtype)))
            for a, s in zip(row.arrays(), specs, strict=True)
        ]
    return [Spec(tuple(x.shape), mechanism.dtype_of(x)) for x in row.call(*given)]


def check_gradient(row: Case) -> None:
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

    found = gradients(row, arrays, weights)
    start = [arrays[i].astype(np.float64) for i in smooth]
    for place, gradient in enumerate(found):
        expected = _differences(projected, start, place)
        np.testing.assert_allclose(host(gradient), expected, rtol=2e-3, atol=2e-4, err_msg=f"gradient {place}")


def _differences(
    function: Callable[[list[np.ndarray]], float], start: list[np.ndarray], place: int, step: float = 1e-5
) -> np.ndarray:
    result = np.zeros_like(start[place])
    for index in np.ndindex(*result.shape):
        ends = []
        for sign in (1, -1):
            moved = [a.copy() for a in start]
            moved[place][index] += sign * step
            ends.append(function(moved))
        result[index] = (ends[0] - ends[1]) / (2 * step)
    return result


def check_ties(row: Case) -> None:
    """The gradients of the sum of the result are the agreed ones where slopes jump, and finite at infinities."""
    for inputs, expected in row.ties:
        arrays = [np.asarray(x, np.float32) for x in inputs]
        weights = [np.ones(r.shape) for r in row.call(*tensors(arrays))]
        for gradient, right in zip(gradients(row, arrays, weights), expected, strict=True):
            np.testing.assert_allclose(host(gradient), right, rtol=1e-5, atol=1e-6, err_msg=f"at {inputs}")


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


def check_compiled(row: Case) -> None:
    """Compiled, the results are the same up to rounding."""
    given = tensors(row.arrays())
    compiled = select.current().jit(lambda *values: row.call(*values))(*given)
    for a, b in zip(compiled, row.call(*given), strict=True):
        assert mechanism.dtype_of(a) == mechanism.dtype_of(b)
        np.testing.assert_allclose(host(a), host(b), rtol=1e-5, atol=1e-6)


def _no_trace(*args: Any) -> None:
    raise AssertionError("the body did not run on shapes; the backend had to trace it")
