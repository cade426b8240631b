"""Every loss function against its definition in float64, against Keras, and its gradient against differences."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest

from keratin import Variable, losses
from keratin.losses import CategoricalFocalCrossentropy
from keratin.state.transforms import value_and_grad
from keratin.testing.losses import reference

RANDOM = np.random.default_rng(0)


def one_hot(labels, classes):
    return np.eye(classes)[labels]


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


numbers = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(4, 3))
positive = RANDOM.uniform(0.1, 4, (4, 3)), RANDOM.uniform(0.1, 4, (4, 3))
far = 10 * numbers[0], -10 * numbers[1]
images = RANDOM.normal(size=(2, 3, 4)), RANDOM.normal(size=(2, 3, 4))
binary = RANDOM.integers(0, 2, (4, 3)).astype(float), RANDOM.uniform(0.02, 0.98, (4, 3))
binary_logits = binary[0], 5 * RANDOM.normal(size=(4, 3))
labels = RANDOM.integers(0, 3, 5)
classes = one_hot(labels, 3), softmax(RANDOM.normal(size=(5, 3)))
class_logits = classes[0], 5 * RANDOM.normal(size=(5, 3))
soft = softmax(RANDOM.normal(size=(5, 3))), classes[1]
pixels = one_hot(RANDOM.integers(0, 4, (2, 3)), 4), softmax(RANDOM.normal(size=(2, 3, 4)))
pixel_labels = pixels[0].argmax(-1)
signs = np.where(binary[0] > 0, 1.0, -1.0), numbers[1]

CASES = [
    ("mean_squared_error", numbers, {}),
    ("mean_squared_error", images, {}),
    ("mean_absolute_error", numbers, {}),
    ("mean_absolute_percentage_error", numbers, {}),
    ("mean_squared_logarithmic_error", positive, {}),
    ("huber", numbers, {}),
    ("huber", far, {"delta": 2.5}),
    ("log_cosh", numbers, {}),
    ("log_cosh", far, {}),
    ("cosine_similarity", numbers, {}),
    ("cosine_similarity", images, {"axis": 1}),
    ("poisson", positive, {}),
    ("binary_crossentropy", binary, {}),
    ("binary_crossentropy", binary, {"label_smoothing": 0.2}),
    ("binary_crossentropy", binary_logits, {"from_logits": True}),
    ("binary_crossentropy", (binary[0][None], binary[1][None]), {"axis": 1}),
    ("binary_focal_crossentropy", binary, {}),
    ("binary_focal_crossentropy", binary, {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5}),
    ("binary_focal_crossentropy", binary_logits, {"from_logits": True, "gamma": 3.0}),
    ("binary_focal_crossentropy", binary, {"label_smoothing": 0.1}),
    ("categorical_crossentropy", classes, {}),
    ("categorical_crossentropy", soft, {}),
    ("categorical_crossentropy", (classes[0], 3 * classes[1]), {}),
    ("categorical_crossentropy", class_logits, {"from_logits": True}),
    ("categorical_crossentropy", class_logits, {"from_logits": True, "label_smoothing": 0.3}),
    ("categorical_crossentropy", (pixels[0].swapaxes(1, 2), pixels[1].swapaxes(1, 2)), {"axis": 1}),
    ("categorical_focal_crossentropy", classes, {}),
    ("categorical_focal_crossentropy", class_logits, {"from_logits": True, "gamma": 1.5}),
    ("categorical_focal_crossentropy", classes, {"alpha": [0.1, 0.5, 0.4], "gamma": 3.0, "label_smoothing": 0.1}),
    ("sparse_categorical_crossentropy", (labels, classes[1]), {}),
    ("sparse_categorical_crossentropy", (labels[:, None], classes[1]), {}),
    ("sparse_categorical_crossentropy", (labels, class_logits[1]), {"from_logits": True}),
    ("sparse_categorical_crossentropy", (labels, class_logits[1]), {"from_logits": True, "ignore_class": 1}),
    ("sparse_categorical_crossentropy", (pixel_labels, pixels[1]), {"ignore_class": 0}),
    ("sparse_categorical_crossentropy", (pixel_labels, pixels[1].swapaxes(1, 2)), {"axis": 1}),
    ("kl_divergence", soft, {}),
    ("categorical_generalized_cross_entropy", (labels, classes[1]), {"q": 0.7}),
    ("hinge", signs, {}),
    ("hinge", (binary[0], numbers[1]), {}),
    ("squared_hinge", signs, {}),
    ("categorical_hinge", class_logits, {}),
    ("dice", binary, {}),
    ("dice", binary, {"axis": 1}),
    ("tversky", binary, {"alpha": 0.3, "beta": 0.9}),
    ("tversky", (binary[0][None], binary[1][None]), {"alpha": 0.2, "beta": 0.8, "axis": (1, 2)}),
    ("circle", (np.array([0, 1, 0, 2]), numbers[0] / np.linalg.norm(numbers[0], axis=1, keepdims=True)), {}),
    ("circle", (np.array([0, 1, 0, 0]), softmax(numbers[0])), {"gamma": 20, "margin": 0.2, "remove_diagonal": False}),
]
IDS = [f"{name}-{number}" for number, (name, _, _) in enumerate(CASES)]


def float32(data):
    target, prediction = data
    return target if target.dtype.kind == "i" else target.astype("float32"), prediction.astype("float32")


@pytest.mark.parametrize(("name", "data", "arguments"), CASES, ids=IDS)
def test_value(name, data, arguments):
    target, prediction = float32(data)
    expected = getattr(reference, name)(target.astype("float64"), prediction.astype("float64"), **arguments)
    result = getattr(losses, name)(target, prediction, **arguments)
    assert str(result.dtype) == "float32"
    np.testing.assert_allclose(np.asarray(result), expected, rtol=3e-6, atol=3e-7)


@pytest.mark.once
@pytest.mark.parametrize(("name", "data", "arguments"), CASES, ids=IDS)
def test_keras_agrees(name, data, arguments):
    target, prediction = float32(data)
    if name == "tversky":  # Keras 3.15.1 has these interchanged (keras#23333)
        arguments = {**arguments, "alpha": arguments["beta"], "beta": arguments["alpha"]}
        expected = keras.losses.tversky(target, prediction, **arguments)
        arguments = {**arguments, "alpha": arguments["beta"], "beta": arguments["alpha"]}
    elif name == "sparse_categorical_crossentropy" and "axis" in arguments:
        pytest.skip("Keras on JAX raises for another axis than the last")
    else:
        expected = getattr(keras.losses, name)(target, prediction, **arguments)
    result = getattr(losses, name)(target, prediction, **arguments)
    assert tuple(result.shape) == tuple(expected.shape)
    np.testing.assert_allclose(np.asarray(result), np.asarray(expected), rtol=2e-4, atol=2e-5)


@pytest.mark.trains
@pytest.mark.parametrize(("name", "data", "arguments"), CASES, ids=IDS)
def test_gradient(name, data, arguments):
    if name == "circle":
        pytest.skip("its weights count as constants, so differences are no reference; see test_circle_gradient")
    target, prediction = float32(data)
    variable = Variable(prediction)
    function, definition = getattr(losses, name), getattr(reference, name)
    _, (gradient,) = value_and_grad(lambda: function(target, variable.value, **arguments).sum(), [variable])()
    wide, step = prediction.astype("float64"), 1e-5
    expected = np.empty(wide.shape)
    for place in np.ndindex(*wide.shape):
        values = []
        for sign in (1, -1):
            moved = wide.copy()
            moved[place] += sign * step
            values.append(definition(np.asarray(target, "float64"), moved, **arguments).sum())
        expected[place] = (values[0] - values[1]) / (2 * step)
    np.testing.assert_allclose(np.asarray(gradient), expected, rtol=2e-3, atol=2e-4)


@pytest.mark.trains
def test_circle_gradient():
    """Against the sum written out, with the weights of pairs as constants."""
    import jax

    target = np.array([0, 1, 0, 1, 2])
    data = RANDOM.normal(size=(5, 4))
    prediction = (data / np.linalg.norm(data, axis=1, keepdims=True)).astype("float32")
    variable = Variable(prediction)
    _, (gradient,) = value_and_grad(lambda: losses.circle(target, variable.value, gamma=8).sum(), [variable])()
    detached = jax.grad(lambda p: _circle_with_constant_weights(target, p, prediction))(prediction)
    np.testing.assert_allclose(np.asarray(gradient), np.asarray(detached), rtol=1e-4, atol=1e-4)


def _circle_with_constant_weights(labels_, p, fixed, gamma=8.0, margin=0.4):
    import jax.numpy as jnp

    total = 0.0
    for i in range(len(labels_)):
        same = [j for j in range(len(labels_)) if labels_[j] == labels_[i] and j != i]
        other = [j for j in range(len(labels_)) if labels_[j] != labels_[i]]
        if not same or not other:
            continue
        pull = sum(
            jnp.exp(-gamma * max(1 + margin - float(fixed[i] @ fixed[j]), 0) * (p[i] @ p[j] - (1 - margin)))
            for j in same
        )
        push = sum(jnp.exp(gamma * max(float(fixed[i] @ fixed[j]) + margin, 0) * (p[i] @ p[j] - margin)) for j in other)
        total = total + jnp.log1p(pull * push)
    return total


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
        lambda: function(target, variable.value, from_logits=True, **arguments).sum(), [variable]
    )()
    assert np.isfinite(float(value))
    assert np.isfinite(np.asarray(gradient)).all()


@pytest.mark.trains
@pytest.mark.parametrize("name", sorted({name for name, _, _ in CASES} - {"circle"}))
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
        lambda: getattr(losses, name)(target, variable.value, **arguments).sum(), [variable]
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


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(("name", "data", "arguments"), CASES, ids=IDS)
def test_half_precision_computes_in_float32(name, data, arguments, dtype):
    from keratin import ops

    target, prediction = float32(data)
    half = ops.cast(prediction, dtype)
    exact = np.asarray(ops.cast(half, "float32"), "float64")
    expected = getattr(reference, name)(target.astype("float64"), exact, **arguments)
    result = getattr(losses, name)(target, half, **arguments)
    assert dtype in str(result.dtype)
    precision = 2.0 ** -(10 if dtype == "float16" else 7)
    np.testing.assert_allclose(np.asarray(ops.cast(result, "float32")), expected, rtol=precision, atol=precision * 1e-2)


def test_integers_and_lists_are_read_as_numbers():
    assert float(losses.mean_squared_error([1, 2], [1, 4])) == 2.0
    assert float(losses.MeanSquaredError()([[1, 2]], [[1, 4]])) == 2.0
    assert float(losses.binary_crossentropy([True], [0.5])) == pytest.approx(np.log(2))


@pytest.mark.once
def test_signatures_are_those_of_keras():
    for name in {name for name, _, _ in CASES}:
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
