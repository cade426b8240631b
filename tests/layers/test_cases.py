"""Every row of the table of layers."""

from __future__ import annotations

import numpy as np
import pytest

from keratin import layers
from keratin.backends import select
from keratin.testing.check import Check, unique
from keratin.testing.conformance import checks, parameters
from keratin.testing.layers import answers
from keratin.testing.layers.case import Case
from keratin.testing.layers.rows import ROWS
from tests.layers import against_keras


def rows(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("check", parameters(checks("layers", kind)))


@rows("value")
def test_value(check: Check) -> None:
    check.run()


@rows("shapes")
def test_shapes(check: Check) -> None:
    check.run()


@rows("weights")
def test_weights(check: Check) -> None:
    check.run()


@rows("compiled")
def test_compiled(check: Check) -> None:
    check.run()


@rows("unknown_batch")
def test_unknown_batch(check: Check) -> None:
    check.run()


@rows("config")
def test_config(check: Check) -> None:
    check.run()


AS_IN_KERAS = [row for row in ROWS if row.keras]


@pytest.mark.parametrize("row", AS_IN_KERAS, ids=[row.name for row in AS_IN_KERAS])
def test_against_keras(row: Case) -> None:
    against_keras.check_against_keras(row)


@rows("gradient")
def test_gradient(check: Check) -> None:
    check.run()


@rows("mixed_bfloat16")
def test_bfloat16(check: Check) -> None:
    check.run()


@rows("mixed_float16")
def test_float16(check: Check) -> None:
    check.run()


def test_answers_are_those_of_float64() -> None:
    if select.current().has_compiler:
        pytest.skip("the NumPy backend makes the answers")
    for name, row in zip(unique([row.name for row in ROWS]), ROWS, strict=True):
        for found, right in zip(answers.answer(row, "float64"), answers.kept()[name], strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-8, atol=1e-8)
    assert len(answers.kept()) == len(ROWS)


def test_every_layer_has_a_row() -> None:
    others = {"Layer", "InputLayer", "Lambda", "Wrapper"}  # with tests of their own
    classes = {cls for cls in vars(layers).values() if isinstance(cls, type) and issubclass(cls, layers.Layer)}
    assert {cls.__name__ for cls in classes} - others == {row.layer.__name__ for row in ROWS}
