"""The table of ops: what a row holds, and what is checked of each.

A row is `case(op, inputs=[...], against=reference)`. The reference gets the same inputs in float64 and says what is
right; gradients are those of the reference by finite differences, shapes are those that the op really gives.
"""

from __future__ import annotations

import dataclasses
import itertools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from keratin import dtypes
from keratin.backends import select
from keratin.backends.spec import Spec
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ShapeError
from keratin.ops import mechanism, operation

EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-30, 1e30, -1e30, np.inf, -np.inf, np.nan)
"""Values at which formulas break."""
DTYPES = ("bool", "uint8", "int8", "int16", "int32", "float16", "bfloat16", "float32")

DtypeRule = Callable[..., str]


def same(*names: str) -> str:
    """The common dtype."""
    return dtypes.result_type(*names)


def number(*names: str) -> str:
    """The common dtype, int32 for bool."""
    return "int32" if same(*names) == "bool" else same(*names)


def floating(*names: str) -> str:
    """The common float dtype."""
    return dtypes.to_float(*names)


def accumulator(*names: str) -> str:
    """The dtype of sums: at least 32 bits for integers."""
    return {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32"}.get(same(*names), same(*names))


def product(*names: str) -> str:
    """The dtype of matrix products."""
    return "int32" if same(*names) == "int8" else same(*names)


def always(name: str) -> DtypeRule:
    """One dtype, whatever comes in."""
    return lambda *names: name


@dataclasses.dataclass
class Case:
    """One row; see `case`."""

    op: Callable[..., Any]
    inputs: list[Any]
    against: Callable[..., Any]
    kwargs: dict[str, Any]
    dtype: DtypeRule | Sequence[DtypeRule] | None
    accepts: Sequence[str]
    fixed: Sequence[int]
    edges: Sequence[float]
    ties: Sequence[tuple[list[Any], list[Any]]]
    gradient: bool
    symbolic: bool
    known: Sequence[tuple[int, int]]
    loose: bool
    compiled: bool
    rtol: float
    atol: float

    @property
    def name(self) -> str:
        """The op's name and what is told of the arguments."""
        details = [f"{k}={v}" for k, v in self.kwargs.items()]
        return "-".join([getattr(self.op, "__name__", "op"), *details]).replace(" ", "")

    def call(self, *tensors: Any) -> list[Any]:
        """The results of the op, with these in place of the arrays of the inputs."""
        return results(self.op(*self.filled(tensors), **self.kwargs))

    def reference(self, *arrays: Any) -> list[Any]:
        """What is right, in float64."""
        wide = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's word on means of nothing
            return results(self.against(*self.filled(wide), **self.kwargs))

    def arrays(self) -> list[np.ndarray]:
        """The arrays among the inputs, in order."""
        return [
            leaf
            for item in self.inputs
            for leaf in (item if isinstance(item, list) else [item])
            if isinstance(leaf, np.ndarray)
        ]

    def filled(self, tensors: Sequence[Any]) -> list[Any]:
        """The inputs with other tensors in place of the arrays."""
        waiting = iter(tensors)

        def fill(item: Any) -> Any:
            if isinstance(item, list):
                return [fill(part) for part in item]
            return next(waiting) if isinstance(item, np.ndarray) else item

        return [fill(item) for item in self.inputs]


def case(
    op: Callable[..., Any],
    inputs: Sequence[Any],
    against: Callable[..., Any],
    *,
    dtype: DtypeRule | Sequence[DtypeRule] | None = same,
    accepts: Sequence[str] = DTYPES,
    fixed: Sequence[int] = (),
    edges: Any = (),
    ties: Sequence[tuple[list[Any], list[Any]]] = (),
    gradient: bool | None = None,
    symbolic: bool = True,
    known: Sequence[tuple[int, int]] = (),
    loose: bool = False,
    compiled: bool = True,
    rtol: float = 2e-5,
    atol: float = 1e-6,
    **kwargs: Any,
) -> Case:
    """A row of the table.

    Args:
        op: the op.
        inputs: its tensors as NumPy arrays (lists of them for ops that take lists), and Python scalars.
        against: the reference: the same arguments, in float64.
        dtype: the dtype of the result from those of the inputs, one rule for each result; None to leave it out.
        accepts: dtypes that the op takes.
        fixed: numbers of the inputs whose dtype stays (indices, say).
        edges: values (True for `EDGES`) that are put in, all combinations for several inputs.
        ties: pairs of inputs and gradients of the sum of the result, at corners.
        gradient: whether gradients are checked; by default wherever all inputs and results are floats.
        symbolic: whether the shape follows from shapes alone.
        known: axes (number of the input, negative axis) whose size must be known, else there is a ShapeError.
        loose: whether a size may stay unknown that another input would tell.
        compiled: whether the op can be compiled.
        kwargs: arguments of the op and of the reference.
    """
    arrays = [np.asarray(x) if isinstance(x, np.generic) else x for x in inputs]
    return Case(
        op, arrays, against, kwargs, dtype, accepts, fixed, EDGES if edges is True else edges, ties,
        _is_smooth(arrays, dtype) if gradient is None else gradient, symbolic, known, loose, compiled, rtol, atol,
    )  # fmt: skip


def _is_smooth(inputs: list[Any], dtype: Any) -> bool:
    leaves = [leaf for item in inputs for leaf in (item if isinstance(item, list) else [item])]
    if not any(isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f" and leaf.size for leaf in leaves):
        return False
    rules = dtype if isinstance(dtype, Sequence) else [dtype]
    return any(rule is None or rule("float32") == "float32" for rule in rules)


# ---- arrays for rows


def f32(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> np.ndarray:
    """Float32 numbers without ties, the same in every run."""
    return np.random.default_rng([seed, *shape]).uniform(low, high, shape).astype(np.float32)


def i32(*shape: int, low: int = -4, high: int = 5, seed: int = 0) -> np.ndarray:
    """Int32 numbers, the same in every run."""
    return np.random.default_rng([seed, *shape]).integers(low, high, shape).astype(np.int32)


def flags(*shape: int, seed: int = 0) -> np.ndarray:
    """Bool values, the same in every run."""
    return np.random.default_rng([seed, *shape]).random(shape) < 0.5


# ---- checks


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


def check_symbolic(row: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The symbolic result has the shape and dtype of the eager one, and is unknown just where that is not settled."""
    specs = [Spec(x.shape, mechanism.canonical(x.dtype.name)) for x in row.arrays()]
    eager = outline(row, specs)
    monkeypatch.setattr(operation, "_trace", _no_trace)
    drawn = row.call(*(KerasTensor(s.shape, s.dtype) for s in specs))
    assert [Spec(x.shape, x.dtype) for x in drawn] == eager
    assert all(x.node is not None for x in drawn)
    for number_of_input, spec in enumerate(specs):
        for axis in range(len(spec.shape)):
            _check_unknown(row, specs, eager, number_of_input, axis)


def _check_unknown(row: Case, specs: list[Spec], eager: list[Spec], number_of_input: int, axis: int) -> None:
    unknown = [KerasTensor(s.shape, s.dtype) for s in _resized(specs, number_of_input, axis, None)]
    if (number_of_input, axis - len(specs[number_of_input].shape)) in row.known:
        with pytest.raises(ShapeError):
            row.call(*unknown)
        return
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
                total = total + (result * mechanism.convert(weight.astype(np.float32))).sum()
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


# ---- helpers


def _no_trace(*args: Any) -> None:
    raise AssertionError("the body did not run on shapes; the backend had to trace it")


def tensors(arrays: Sequence[np.ndarray]) -> list[Any]:
    """Tensors of the backend."""
    return [mechanism.convert(a) for a in arrays]


def host(x: Any) -> np.ndarray:
    """NumPy's array of a tensor, half precision as float32."""
    array = np.asarray(select.current().to_host(x))
    return array.astype(np.float32) if mechanism.dtype_of(x) in dtypes.HALF else array


def results(value: Any) -> list[Any]:
    """One result or several, as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]
