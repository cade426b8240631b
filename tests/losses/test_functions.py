"""Every loss function against its definition in float64, against Keras, and its gradient against differences."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest

from keratin import Variable, losses, ops
from keratin.losses import CategoricalFocalCrossentropy
from keratin.state.transforms import value_and_grad
from keratin.testing.arrays import host
from keratin.testing.check import Check, unique
from keratin.testing.conformance import checks, parameters
from keratin.testing.losses import reference
from keratin.testing.losses.case import Case
from keratin.testing.losses.rows import ROWS, pixels

ALL = pytest.mark.parametrize("row", ROWS, ids=unique([row.name for row in ROWS]))


def rows(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("check", parameters(checks("losses", kind)))


@rows("value")
def test_value(check: Check) -> None:
    check.run()


@rows("symbolic")
def test_symbolic(check: Check) -> None:
    check.run()


@rows("gradient")
def test_gradient(check: Check) -> None:
    check.run()


@rows("compiled")
def test_compiled(check: Check) -> None:
    check.run()


@rows("unknown_batch")
def test_unknown_batch(check: Check) -> None:
    check.run()


@rows("float16")
def test_float16_computes_in_float32(check: Check) -> None:
    check.run()


@rows("bfloat16")
def test_bfloat16_computes_in_float32(check: Check) -> None:
    check.run()


@pytest.mark.once
@ALL
def test_keras_agrees(row: Case) -> None:
    name, target, prediction, arguments = row.function, row.target, row.prediction, row.arguments
    if name == "tversky":  # Keras 3.15.1 has these interchanged (keras#23333)
        turned = {**arguments, "alpha": arguments["beta"], "beta": arguments["alpha"]}
        expected = keras.losses.tversky(target, prediction, **turned)
    elif name == "sparse_categorical_crossentropy" and "axis" in arguments:
        pytest.skip("Keras on JAX raises for another axis than the last")
    else:
        expected = getattr(keras.losses, name)(target, prediction, **arguments)
    result = row.call(target, prediction)
    assert tuple(result.shape) == tuple(expected.shape)
    np.testing.assert_allclose(host(result), np.asarray(expected), rtol=2e-4, atol=2e-5)


# ---- large, small and exact


@pytest.mark.parametrize("logit", [-100.0, -30.0, 0.0, 30.0, 100.0])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_binary_logits_are_stable(logit, label):
    for name in ("binary_crossentropy", "binary_focal_crossentropy"):
        result = float(getattr(losses, name)([label], [logit], from_logits=True))
        expected = float(getattr(reference, name)(np.array([label]), np.array([logit]), from_logits=True))
        assert result == pytest.approx(expected, rel=1e-6, abs=1e-30)


@pytest.mark.parametrize("scale", [1.0, 30.0, 100.0])
def test_class_logits_are_stable(scale):
    logits = scale * np.array([[1.0, -1.0, 0.5], [-1.0, 1.0, 1.0]])
    for target in (np.eye(3)[[1, 0]], np.eye(3)[[0, 2]]):
        expected = reference.categorical_crossentropy(target, logits, from_logits=True)
        dense = losses.categorical_crossentropy(target, logits.astype("float32"), from_logits=True)
        sparse = losses.sparse_categorical_crossentropy(target.argmax(-1), logits.astype("float32"), from_logits=True)
        for result in (dense, sparse):
            np.testing.assert_allclose(np.asarray(result), expected, rtol=2e-7, atol=1e-7)


@pytest.mark.trains
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("binary_crossentropy", {}),
        ("binary_focal_crossentropy", {"gamma": 0.5}),
        ("binary_focal_crossentropy", {"gamma": 0.0}),
        ("categorical_crossentropy", {}),
        ("categorical_focal_crossentropy", {"gamma": 0.5}),
    ],
)
def test_gradients_of_extreme_logits_are_finite(name, arguments):
    variable = Variable(np.array([[100.0, -100.0], [-1000.0, 1000.0], [0.0, 0.0]], "float32"))
    target = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], "float32")
    function = getattr(losses, name)
    value, (gradient,) = value_and_grad(
        lambda: ops.sum(function(target, variable.value, from_logits=True, **arguments)), [variable]
    )()
    assert np.isfinite(float(value))
    assert np.isfinite(np.asarray(gradient)).all()


@pytest.mark.trains
@pytest.mark.parametrize("name", sorted({row.function for row in ROWS} - {"circle"}))
def test_gradients_at_corners_are_finite(name):
    """Where targets and predictions are equal, or zero, or at the ends of a range."""
    rows = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], "float32")
    if name in ("categorical_crossentropy", "categorical_focal_crossentropy", "sparse_categorical_crossentropy"):
        rows = rows[[0, 1, 3]]  # a row of zeros is no distribution
    variable = Variable(rows)
    is_sparse = "sparse" in name or "generalized" in name
    target = np.arange(len(rows)) % 2 if is_sparse else rows[::-1].copy()
    arguments = {"q": 0.5} if "generalized" in name else {}
    value, (gradient,) = value_and_grad(
        lambda: ops.sum(getattr(losses, name)(target, variable.value, **arguments)), [variable]
    )()
    assert np.isfinite(float(value)), name
    assert np.isfinite(np.asarray(gradient)).all(), name


def test_log_cosh_keeps_small_errors():
    error = np.array([1e-4, 1e-3, 0.3, 0.999, 1.001, 50.0])
    result = np.array([float(losses.log_cosh([0.0], [e])) for e in error])
    expected = [
        e * e / 2 - e**4 / 12 if e < 1e-2 else np.log(np.cosh(e)) for e in error.astype("float32").astype("float64")
    ]
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_impossible_classes_have_no_loss_where_they_are_not_the_target():
    logits = np.array([[0.0, -np.inf], [0.0, -np.inf]], "float32")
    assert losses.categorical_crossentropy([[1.0, 0.0]] * 2, logits, from_logits=True).tolist() == [0.0, 0.0]
    assert losses.sparse_categorical_crossentropy([0, 1], logits, from_logits=True).tolist() == [0.0, np.inf]


def test_labels_outside_of_the_classes_give_nan():
    result = losses.sparse_categorical_crossentropy([0, 3, -1], np.full((3, 3), 1 / 3, "float32"))
    assert np.isnan(np.asarray(result)).tolist() == [False, True, True]
    result = losses.categorical_generalized_cross_entropy([0, 3, -1], np.full((3, 3), 1 / 3, "float32"), 0.5)
    assert np.isnan(np.asarray(result)).tolist() == [False, True, True]


def test_large_class_numbers_are_not_rounded_as_floats_would_be():
    """16777217 is 16777216 in float32."""
    loss = losses.SparseCategoricalCrossentropy(ignore_class=16_777_217)
    assert not np.isnan(float(loss(np.array([16_777_217, 1]), np.full((2, 2), 0.5, "float32"))))
    assert np.isnan(float(loss(np.array([16_777_216, 1]), np.full((2, 2), 0.5, "float32"))))


# ---- dtypes


def test_integers_and_lists_are_read_as_numbers():
    assert float(losses.mean_squared_error([1, 2], [1, 4])) == 2.0
    assert float(losses.MeanSquaredError()([[1, 2]], [[1, 4]])) == 2.0
    assert float(losses.binary_crossentropy([True], [0.5])) == pytest.approx(np.log(2))


@pytest.mark.once
def test_signatures_are_those_of_keras():
    for name in {row.function for row in ROWS}:
        ours, theirs = (inspect.signature(getattr(space, name)) for space in (losses, keras.losses))
        assert {k: p.default for k, p in ours.parameters.items()} == {
            k: p.default for k, p in theirs.parameters.items()
        }, name


def test_alpha_of_each_class_lies_along_the_axis():
    target, prediction = pixels
    loss = CategoricalFocalCrossentropy(alpha=[0.1, 0.2, 0.3, 0.4], axis=1, reduction="none")
    last = CategoricalFocalCrossentropy(alpha=[0.1, 0.2, 0.3, 0.4], reduction="none")
    np.testing.assert_allclose(
        np.asarray(loss(target.swapaxes(1, 2), prediction.swapaxes(1, 2))),
        np.asarray(last(target, prediction)),
        rtol=1e-6,
    )
