"""Every row of the table of ops: value, edges, dtype, symbolic shape, gradient, ties, compiled, mapped, any batch."""

from __future__ import annotations

import pytest

from keratin import ops
from keratin.ops import nn
from keratin.testing.check import Check
from keratin.testing.conformance import checks, parameters
from keratin.testing.ops import ROWS


def rows(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("check", parameters(checks("ops", kind)))


def one_row_each(kind: str) -> pytest.MarkDecorator:
    """The first row of each op at once, the others among the slow tests: each is a program to compile."""
    seen: set[str] = set()
    found = []
    for parameter in parameters(checks("ops", kind)):
        subject = parameter.values[0].subject
        marks = [*parameter.marks, *([pytest.mark.slow] if subject in seen else [])]
        found.append(pytest.param(*parameter.values, id=parameter.id, marks=marks))
        seen.add(subject)
    return pytest.mark.parametrize("check", found)


@rows("value")
def test_value(check: Check) -> None:
    check.run()


@rows("edges")
def test_edges(check: Check) -> None:
    check.run()


@rows("dtype")
def test_dtype(check: Check) -> None:
    check.run()


@rows("symbolic")
def test_symbolic(check: Check) -> None:
    check.run()


@rows("gradient")
def test_gradient(check: Check) -> None:
    check.run()


@rows("ties")
def test_ties(check: Check) -> None:
    check.run()


@rows("compiled")
def test_compiled(check: Check) -> None:
    check.run()


@one_row_each("vmapped")
def test_vmapped(check: Check) -> None:
    check.run()


@one_row_each("unknown_batch")
def test_unknown_batch(check: Check) -> None:
    check.run()


@rows("native")
def test_native_form_equals_the_body(check: Check) -> None:
    check.run()


WITHOUT_ROW = {
    # made of no tensor, or made into none: test_creation.py
    *"zeros ones full empty arange eye identity tri cast array convert_to_tensor convert_to_numpy is_tensor".split(),
    *"shape size ndim dtype".split(),
    # need values: test_indexing.py
    *"nonzero unique".split(),
}


def test_every_op_has_a_row() -> None:
    with_row = {row.op.__name__ for row in ROWS}
    assert {getattr(ops, name).__name__ for name in ops.__all__} - WITHOUT_ROW - with_row == set()
    assert {getattr(nn, name).__name__ for name in nn.__all__} - with_row == set()
