"""What is checked of a row of the table of losses.

Each check gives the largest relative error that it saw, or raises AssertionError.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

import numpy as np

from keratin import ops
from keratin.backends import select
from keratin.backends.spec import Spec
from keratin.backends.symbolic import KerasTensor
from keratin.state import transforms
from keratin.state.variable import Variable
from keratin.testing.arrays import host, tensors
from keratin.testing.check import Check, close, same
from keratin.testing.losses.case import Case
from keratin.testing.ops.checks import differences

PRECISION = {"float16": 2.0**-10, "bfloat16": 2.0**-7}


def checks(rows: Iterable[tuple[str, Case]]) -> list[Check]:
    """All checks of rows that have a name each."""
    return [
        Check("losses", row.function, name, kind, functools.partial(function, row), needs)
        for name, row in rows
        for kind, (needs, function) in KINDS.items()
    ]


def check_value(row: Case) -> float:
    """The loss of each sample is that of the definition."""
    found = row.call(row.target, row.prediction)
    same(ops.dtype(found), "float32", "The dtype is wrong.")
    return close(host(found), row.reference(row.prediction), 3e-6, 3e-7)


def check_symbolic(row: Case) -> float:
    """The symbolic loss has the shape and dtype of the real one."""
    found = row.call(row.target, row.prediction)
    target = KerasTensor(row.target.shape, row.target.dtype.name)
    drawn = row.call(target, KerasTensor(row.prediction.shape, row.prediction.dtype.name))
    same((tuple(drawn.shape), drawn.dtype), (tuple(found.shape), ops.dtype(found)), "The symbolic loss is another one.")
    return 0.0


def check_gradient(row: Case) -> float:
    """The gradient is that of the definition by central differences in float64."""
    variable = Variable(row.prediction)
    _, (gradient,) = transforms.value_and_grad(lambda: ops.sum(row.call(row.target, variable.value)), [variable])()
    wide = row.prediction.astype(np.float64)
    expected = differences(lambda values: float(row.sloped(values[0]).sum()), [wide], 0)
    return close(host(gradient), expected, 2e-3, 2e-4, "the gradient")


def check_compiled(row: Case) -> float:
    """Compiled, the loss is the same up to rounding."""
    given = tensors([row.target, row.prediction])
    return close(host(transforms.jit(row.call)(*given)), host(row.call(*given)), 1e-5, 1e-6)


def check_unknown_batch(row: Case) -> float:
    """A program for any number of samples gives for another number what eager code gives."""
    arrays = [row.target, row.prediction]
    specs = [Spec((None, *a.shape[1:]), ops.dtype(t)) for a, t in zip(arrays, tensors(arrays), strict=True)]
    program = select.current().unknown_batch(lambda *values: [row.call(*values)], specs)
    given = tensors([np.resize(a, (7, *a.shape[1:])) for a in arrays])
    return close(host(program(*given)[0]), host(row.call(*given)), 1e-5, 1e-6)


def check_half(dtype: str, row: Case) -> float:
    """Half precision is computed in float32 and rounded once."""
    half = ops.cast(row.prediction, dtype)
    found = row.call(row.target, half)
    same(ops.dtype(found), dtype, "The dtype is wrong.")
    precision = PRECISION[dtype]
    close(host(found), row.reference(host(half)), precision, precision * 1e-2)
    return 0.0  # an error of half precision is no measure of a backend


KINDS: dict[str, tuple[str, Callable[[Case], float]]] = {
    "value": ("", check_value),
    "symbolic": ("", check_symbolic),
    "gradient": ("gradients", check_gradient),
    "compiled": ("compiler", check_compiled),
    "unknown_batch": ("unknown_batch", check_unknown_batch),
    **{dtype: ("", functools.partial(check_half, dtype)) for dtype in PRECISION},
}
"""Name of each kind of check: what it needs of a backend, and the check."""
