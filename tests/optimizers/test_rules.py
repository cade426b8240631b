"""Every rule for 50 steps: against its paper in float64, against Keras, and eager against compiled."""

import keras
import numpy as np
import pytest

from keratin.testing.check import Check, unique
from keratin.testing.conformance import checks, parameters
from keratin.testing.optimizers import problem
from keratin.testing.optimizers.rows import RATES, ROWS

rules = pytest.mark.parametrize("row", ROWS, ids=unique([row.name for row in ROWS]))


def rows(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("check", parameters(checks("optimizers", kind)))


@rows("trajectory")
def test_follows_the_paper(check: Check) -> None:
    check.run()


@rows("compiled")
def test_eager_is_compiled(check: Check) -> None:
    check.run()


@rows("zeros")
def test_zero_gradients_from_the_start_stay_finite(check: Check) -> None:
    check.run()


@rows("bfloat16")
def test_bfloat16_computes_in_float32(check: Check) -> None:
    check.run()


@rows("float16")
def test_float16_computes_in_float32(check: Check) -> None:
    check.run()


@rules
def test_keras_agrees(row):
    history = problem.run(row.make(), problem.variables())
    theirs = getattr(keras.optimizers, row.optimizer)(RATES.get(row.optimizer, 0.01), **row.arguments)
    with keras.name_scope("block"):
        variables = [
            keras.Variable(v.astype("float32"), name=n) for n, v in zip(problem.SHAPES, problem.VALUES, strict=True)
        ]
    for batch in problem.GRADIENTS:
        theirs.apply(batch, variables)
    for a, v in zip(history[-1], variables, strict=True):
        # Keras takes 1 - beta**t in float32, which is 1e-5 off for a beta of 0.999: its own distance from the paper.
        assert np.allclose(a, np.asarray(v), rtol=1e-6, atol=2e-6)


@rules
def test_variables_are_those_of_keras(row):
    """The same number, shapes and order, so that files written by one are read by the other."""
    ours, theirs = row.make(0.01), getattr(keras.optimizers, row.optimizer)(0.01, **row.arguments)
    ours.build(problem.variables())
    theirs.build(
        [keras.Variable(v.astype("float32"), name=n) for n, v in zip(problem.SHAPES, problem.VALUES, strict=True)]
    )
    assert [v.shape for v in ours.variables] == [tuple(v.shape) for v in theirs.variables]
    for batch in problem.GRADIENTS[:3]:
        ours.apply(batch)
        theirs.apply(batch)
    for a, b in zip(ours.variables, theirs.variables, strict=True):
        # Ftrl's linear part is a sum of differences of powers over the rate, about 100 here, with last bits of 8e-6.
        assert np.allclose(a.numpy(), np.asarray(b), rtol=2e-5, atol=3e-5), (a.path, b.path)
