"""Every row of the table of layers."""

from __future__ import annotations

import pytest

from keratin import layers
from keratin.testing.layers import checks
from keratin.testing.layers.case import Case
from keratin.testing.layers.rows import CASES
from tests.layers import against_keras
from tests.marks import needs_gradients


def rows(condition=lambda row: True):
    chosen = [row for row in CASES if condition(row)]
    return pytest.mark.parametrize("row", chosen, ids=[row.name for row in chosen])


@rows()
def test_shapes(row: Case) -> None:
    checks.check_shapes(row)


@rows()
def test_weights(row: Case) -> None:
    checks.check_weights(row)


@rows()
def test_compiled(row: Case) -> None:
    checks.check_compiled(row)


@rows()
def test_config(row: Case) -> None:
    checks.check_config(row)


@rows(lambda row: row.keras)
def test_against_keras(row: Case) -> None:
    against_keras.check_against_keras(row)


@needs_gradients
@rows(lambda row: row.gradient)
def test_gradient(row: Case) -> None:
    checks.check_gradient(row)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@rows()
def test_half(row: Case, policy: str) -> None:
    checks.check_half(row, policy)


def test_every_layer_has_a_row() -> None:
    others = {"Layer", "InputLayer", "Lambda", "Wrapper"}  # with tests of their own
    classes = {cls for cls in vars(layers).values() if isinstance(cls, type) and issubclass(cls, layers.Layer)}
    assert {cls.__name__ for cls in classes} - others == {row.layer.__name__ for row in CASES}
