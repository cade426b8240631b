"""A row of the table of ops.

A row is `case(op, inputs=[...], against=reference)`. The reference gets the same inputs in float64 and says what is
right; gradients are those of the reference by finite differences, shapes are those that the op really gives.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keratin import dtypes
from keratin.testing.arrays import results

EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-30, 1e30, -1e30, np.inf, -np.inf, np.nan)
"""Values at which formulas break."""
WHOLE = ("bool", "uint8", "int8", "int16", "int32")
FLOATS = ("float16", "bfloat16", "float32")
DTYPES = (*WHOLE, *FLOATS)

LEAST = "the definition needs a least number of rows"
PLACES_OF = "places in the sorted axis follow from its size"

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
    batch: Sequence[int] | None
    needs_sizes: str
    rtol: float
    atol: float

    @property
    def name(self) -> str:
        """The op's name and what is told of the arguments."""
        details = [f"{k}={v}" for k, v in self.kwargs.items()]
        return "".join("-".join([self.op.__name__, *details]).split())

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
    batch: Sequence[int] | None = None,
    needs_sizes: str = "",
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
        compiled: whether the op can be compiled, and mapped.
        batch: numbers of the inputs whose first axes are one batch; by default those that can vary together.
        needs_sizes: why no program for any batch size can be made, if none can.
        rtol, atol: how far values may be from the reference.
        kwargs: arguments of the op and of the reference.
    """
    arrays = [np.asarray(x) if isinstance(x, np.generic) else x for x in inputs]
    return Case(
        op, arrays, against, kwargs, dtype, accepts, fixed, EDGES if edges is True else edges, ties,
        _is_smooth(arrays, dtype) if gradient is None else gradient, symbolic, known, loose, compiled, batch,
        needs_sizes, rtol, atol,
    )  # fmt: skip


def _is_smooth(inputs: list[Any], dtype: Any) -> bool:
    leaves = [leaf for item in inputs for leaf in (item if isinstance(item, list) else [item])]
    if not any(isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f" and leaf.size for leaf in leaves):
        return False
    rules = dtype if isinstance(dtype, Sequence) else [dtype]
    return any(rule is None or rule("float32") == "float32" for rule in rules)
