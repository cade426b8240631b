"""Every row of the table: value, edges, dtype, symbolic shape, gradient, ties, compiled."""

from __future__ import annotations

import pytest

from keratin import ops
from keratin.backends import select
from keratin.ops import nn
from keratin.testing.ops import CASES, checks
from keratin.testing.ops.case import Case


def rows(condition=lambda row: True):
    chosen = [row for row in CASES if condition(row)]
    return pytest.mark.parametrize("row", chosen, ids=[row.name for row in chosen])


@rows()
def test_value(row: Case) -> None:
    checks.check_value(row)


@rows(lambda row: row.edges)
def test_edges(row: Case) -> None:
    checks.check_edges(row)


@rows(lambda row: row.dtype is not None)
def test_dtype(row: Case) -> None:
    checks.check_dtype(row)


@rows(lambda row: row.symbolic)
def test_symbolic(row: Case) -> None:
    checks.check_symbolic(row)


@pytest.mark.trains
@rows(lambda row: row.gradient)
def test_gradient(row: Case) -> None:
    checks.check_gradient(row)


@pytest.mark.trains
@rows(lambda row: row.ties)
def test_ties(row: Case) -> None:
    checks.check_ties(row)


@rows(lambda row: row.compiled)
def test_compiled(row: Case) -> None:
    if select.current().name == "numpy":
        pytest.skip("the numpy backend compiles nothing")
    checks.check_compiled(row)


WITHOUT_ROW = {
    # made of no tensor, or made into none: test_creation.py
    *"zeros ones full empty arange eye identity tri cast array convert_to_tensor convert_to_numpy is_tensor".split(),
    *"shape size ndim dtype".split(),
    # need values: test_indexing.py
    *"nonzero unique".split(),
    # rows under a function of their own
    *"einsum qr svd eigh".split(),
}


def test_every_op_has_a_row() -> None:
    with_row = {row.op.__name__ for row in CASES}
    assert set(ops.__all__) - set(nn.__all__) - WITHOUT_ROW - with_row == set()
