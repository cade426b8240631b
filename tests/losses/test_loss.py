"""Losses as objects: reductions, weights, masks, dtypes, shapes that do not fit."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from keratin import losses, ops
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, ConfigError, KeratinError, ShapeError
from keratin.losses import Loss, LossFunctionWrapper, MeanAbsoluteError, MeanSquaredError
from keratin.losses.loss import reduce_weighted_values
from keratin.ops.operation import infer
from keratin.state.masks import set_mask
from keratin.state.transforms import jit

RANDOM = np.random.default_rng(1)
Y, P = RANDOM.normal(size=(2, 4, 3)).astype("float32")
STEPS = RANDOM.normal(size=(2, 4, 5, 3)).astype("float32")
WEIGHTS = np.array([1.0, 0.0, 2.5, 4.0], "float32")


# ---- reductions


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("sum_over_batch_size", lambda v, w: (v * w).sum() / v.size),
        ("mean", lambda v, w: (v * w).sum() / v.size),
        ("mean_with_sample_weight", lambda v, w: (v * w).sum() / np.broadcast_to(w, v.shape).sum()),
        ("sum", lambda v, w: (v * w).sum()),
        ("none", lambda v, w: v * w),
        (None, lambda v, w: v * w),
    ],
)
def test_reductions(reduction, expected):
    values = ((Y.astype("float64") - P) ** 2).mean(-1)
    loss = MeanSquaredError(reduction=reduction)
    np.testing.assert_allclose(np.asarray(loss(Y, P)), expected(values, np.ones(4)), rtol=1e-6)
    np.testing.assert_allclose(np.asarray(loss(Y, P, WEIGHTS)), expected(values, WEIGHTS), rtol=1e-6)
    steps = ((STEPS[0].astype("float64") - STEPS[1]) ** 2).mean(-1)
    np.testing.assert_allclose(np.asarray(loss(*STEPS, WEIGHTS)), expected(steps, WEIGHTS[:, None]), rtol=1e-6)


@pytest.mark.once
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"])
def test_keras_reduces_alike(reduction):
    ours = MeanSquaredError(reduction=reduction)(Y, P, WEIGHTS)
    theirs = keras.losses.MeanSquaredError(reduction=reduction)(Y, P, WEIGHTS)
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5)


def test_an_empty_batch_costs_nothing():
    assert float(MeanSquaredError()(Y[:0], P[:0])) == 0
    assert float(MeanSquaredError()(Y[:0], P[:0], WEIGHTS[:0])) == 0
    assert float(MeanSquaredError(reduction="mean_with_sample_weight")(Y, P, 0 * WEIGHTS)) == 0


def test_unknown_reduction():
    with pytest.raises(ArgumentError, match="sum_over_batch_size"):
        MeanSquaredError(reduction="average")


# ---- weights belong to the leading axes


@pytest.mark.parametrize("shape", [(), (4,), (4, 1), (4, 5), (1, 5), (4, 5, 1)])
def test_weights_that_fit(shape):
    weights = RANDOM.uniform(size=shape).astype("float32")
    values = np.abs(STEPS[0].astype("float64") - STEPS[1]).mean(-1)
    aligned = weights.reshape(weights.shape[:2] + (1,) * (2 - weights.ndim)) if weights.ndim else weights
    result = MeanAbsoluteError()(*STEPS, weights)
    np.testing.assert_allclose(float(result), (values * aligned).mean(), rtol=1e-6)


@pytest.mark.parametrize("shape", [(5,), (3,), (4, 3), (4, 5, 3), (5, 4)])
def test_weights_that_do_not_fit(shape):
    with pytest.raises(ShapeError, match="sample_weight"):
        MeanAbsoluteError()(*STEPS, np.ones(shape, "float32"))


def test_a_weight_per_sample_is_not_read_as_one_per_step():
    """With as many samples as steps, broadcasting would weigh steps, without any error."""
    y, p = RANDOM.normal(size=(2, 3, 3, 2)).astype("float32")
    expected = (np.abs(y - p).mean(-1) * np.array([[1.0], [0.0], [0.0]])).mean()
    assert float(MeanAbsoluteError()(y, p, [1.0, 0.0, 0.0])) == pytest.approx(expected, rel=1e-6)


def test_vectors_have_a_weight_per_number():
    """The mean over the last axis of a vector is one number; its samples are weighed before that."""
    y, p = Y[:, 0], P[:, 0]
    expected = (WEIGHTS * (y.astype("float64") - p) ** 2).mean()
    assert float(MeanSquaredError()(y, p, WEIGHTS)) == pytest.approx(expected, rel=1e-6)
    assert float(losses.get("mse")(y, p)) == pytest.approx(((y - p) ** 2).mean(), rel=1e-6)
    assert float(LossFunctionWrapper(losses.huber)(y, p, WEIGHTS)) > 0


def test_weights_of_a_loss_with_one_value():
    scalar = LossFunctionWrapper(lambda y_true, y_pred: ops.mean(ops.square(y_true - y_pred)), name="scalar")
    assert float(scalar(Y, P)) == pytest.approx(((Y - P) ** 2).mean(), rel=1e-6)
    with pytest.raises(ShapeError, match="one value per sample"):
        scalar(Y, P, WEIGHTS)


# ---- masks


def test_a_mask_leaves_positions_out():
    mask = np.array([[1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]], bool)
    values = np.abs(STEPS[0].astype("float64") - STEPS[1]).mean(-1)
    assert float(MeanAbsoluteError()(*STEPS, mask=mask)) == pytest.approx(values[mask].mean(), rel=1e-6)
    assert float(MeanAbsoluteError(reduction="sum")(*STEPS, mask=mask)) == pytest.approx(values[mask].sum(), rel=1e-6)
    both = (values * WEIGHTS[:, None])[mask].sum()
    assert float(MeanAbsoluteError()(*STEPS, WEIGHTS, mask=mask)) == pytest.approx(both / mask.sum(), rel=1e-6)
    expected = both / (WEIGHTS[:, None] * mask).sum()
    result = MeanAbsoluteError(reduction="mean_with_sample_weight")(*STEPS, WEIGHTS, mask=mask)
    assert float(result) == pytest.approx(expected, rel=1e-6)


def test_a_mask_of_samples_and_one_of_the_predictions():
    prediction = ops.convert_to_tensor(STEPS[1])
    mask = np.array([True, False, True, False])
    set_mask(prediction, ops.convert_to_tensor(mask))
    values = np.abs(STEPS[0].astype("float64") - STEPS[1]).mean(-1)
    assert float(MeanAbsoluteError()(STEPS[0], prediction)) == pytest.approx(values[mask].mean(), rel=1e-6)


def test_nothing_left_by_a_mask_costs_nothing():
    assert float(MeanAbsoluteError()(*STEPS, mask=np.zeros((4, 5), bool))) == 0


def test_padding_does_not_change_the_loss():
    """The mean is over positions that count, so longer padding leaves it alone."""
    longer = np.concatenate([STEPS, np.full((2, 4, 3, 3), 9, "float32")], axis=2)
    mask = np.ones((4, 8), bool)
    mask[:, 5:] = False
    assert float(MeanAbsoluteError()(*longer, mask=mask)) == pytest.approx(float(MeanAbsoluteError()(*STEPS)), rel=1e-6)


def test_ignored_classes_do_not_count_in_the_mean():
    labels, probabilities = np.array([0, -1, 1]), np.array([[0.6, 0.4], [0.1, 0.9], [0.3, 0.7]], "float32")
    expected = -(np.log(0.6) + np.log(0.7)) / 2
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    assert float(loss(labels, probabilities)) == pytest.approx(expected, rel=1e-6)
    mask = np.array([True, True, False])
    assert float(loss(labels, probabilities, mask=mask)) == pytest.approx(-np.log(0.6), rel=1e-6)
    wrapped = LossFunctionWrapper(losses.sparse_categorical_crossentropy, ignore_class=-1)
    assert float(wrapped(labels[:, None], probabilities)) == pytest.approx(expected, rel=1e-6)
    assert float(jit(loss)(labels, probabilities)) == pytest.approx(expected, rel=1e-6)


def test_a_function_of_a_user_with_one_value_looks_after_masks_itself():
    prediction = ops.convert_to_tensor(STEPS[1])
    set_mask(prediction, ops.convert_to_tensor(np.ones((4, 5), bool)))
    expected = np.abs(STEPS[0] - STEPS[1]).mean()
    scalar = LossFunctionWrapper(lambda y_true, y_pred: ops.mean(ops.abs(y_true - y_pred)))
    assert float(scalar(STEPS[0], prediction)) == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ShapeError, match="mask"):
        scalar(*STEPS, mask=np.ones((4, 5), bool))
    with pytest.raises(ShapeError, match="mask"):
        losses.Dice()(STEPS[0], prediction)


def test_a_loss_without_targets():
    loss = LossFunctionWrapper(lambda y_true, y_pred: ops.mean(y_pred, axis=-1))
    assert float(loss(None, np.ones((2, 3), "float32"))) == 1


# ---- shapes that only broadcasting would make fit


@pytest.mark.parametrize(
    ("target", "prediction"),
    [
        ((4,), (4, 3)),
        ((4, 1), (4, 3)),
        ((4, 3), (4, 1)),
        ((1, 3), (4, 3)),
        ((3,), (4, 3)),
        ((4, 3), (3,)),
        ((4, 3, 1), (4, 1, 3)),
        ((), (4, 3)),
    ],
)
def test_shapes_that_would_broadcast_are_errors(target, prediction):
    names = "MeanSquaredError Huber LogCosh BinaryCrossentropy CategoricalCrossentropy Hinge Dice KLDivergence Poisson"
    for name in names.split():
        with pytest.raises(ShapeError, match="differ in shape"):
            getattr(losses, name)()(np.ones(target, "float32"), np.ones(prediction, "float32"))


@pytest.mark.parametrize(
    ("target", "prediction"),
    [((4,), (4, 1)), ((4, 1), (4,)), ((4, 5), (4, 5, 1)), ((4, 5, 1), (4, 5)), ((4, 1), (4, 1))],
)
def test_a_trailing_axis_of_one_is_matched(target, prediction):
    y, p = RANDOM.normal(size=target).astype("float32"), RANDOM.normal(size=prediction).astype("float32")
    expected = ((y.ravel() - p.ravel()) ** 2).mean()
    assert float(MeanSquaredError()(y, p)) == pytest.approx(expected, rel=1e-6)
    shape = tuple(losses.mean_squared_error(y, p).shape)
    assert shape == tuple(keras.losses.mean_squared_error(y, p).shape)


def test_class_numbers_for_a_loss_of_one_hot_targets():
    with pytest.raises(ShapeError, match="sparse_categorical_crossentropy"):
        losses.CategoricalCrossentropy()(np.array([0, 1]), np.full((2, 3), 1 / 3, "float32"))
    with pytest.raises(ShapeError, match="categorical_crossentropy"):
        losses.SparseCategoricalCrossentropy()(np.eye(3), np.full((3, 3), 1 / 3, "float32"))


# ---- dtypes


def test_half_precision_is_computed_and_returned_in_float32():
    half = ops.cast(np.full((1000, 1), 0.1, "float32"), "bfloat16")
    result = MeanSquaredError()(np.zeros((1000, 1)), half)
    assert ops.dtype(result) == "float32"
    assert float(result) == pytest.approx(float(ops.cast(half, "float32")[0, 0]) ** 2, rel=1e-5)


def test_dtype_asked_for():
    assert ops.dtype(MeanSquaredError(dtype="float16")(Y, P)) == "float16"
    assert ops.dtype(MeanSquaredError(dtype="mixed_float16")(Y, P)) == "float16"


def test_integer_targets_are_floats_in_a_function_of_the_user():
    loss = LossFunctionWrapper(lambda y_true, y_pred: ops.abs((1 - y_true) - y_pred)[:, 0])
    assert float(loss(np.array([[True], [False]]), np.array([[0.0], [1.0]], "float32"))) == 0


# ---- nests, symbols, programs


def test_a_loss_of_nests():
    class Two(Loss):
        def call(self, y_true, y_pred):
            return ops.sum(ops.abs(y_true["a"] - y_pred["a"]), -1) + ops.sum(ops.abs(y_true["b"] - y_pred["b"]), -1)

    nest = {"a": Y, "b": 2 * Y}
    assert float(Two()(nest, {"a": P, "b": 2 * P})) == pytest.approx(3 * np.abs(Y - P).sum(-1).mean(), rel=1e-6)


def test_a_loss_without_call():
    with pytest.raises(KeratinError, match="defines no `call`"):
        Loss()(Y, P)


@pytest.mark.parametrize(
    "name", ["MeanSquaredError", "Huber", "CategoricalCrossentropy", "BinaryFocalCrossentropy", "Hinge"]
)
def test_symbolic_is_eager(name):
    loss = getattr(losses, name)(reduction="none")
    symbolic = infer(loss, (KerasTensor((None, 3)), KerasTensor((None, 3))), {})
    eager = loss(np.abs(Y), np.abs(P))
    assert symbolic.shape == (None,)
    assert symbolic.dtype == ops.dtype(eager)
    assert infer(getattr(losses, name)(), (KerasTensor((None, 3)), KerasTensor((None, 3))), {}).shape == ()


def test_compiled_is_eager():
    for name in losses.__all__:
        kind = getattr(losses, name)
        if not isinstance(kind, type) or name in ("Loss", "LossFunctionWrapper", "CTC"):
            continue
        loss = kind(label_smoothing=0.1) if "label_smoothing" in kind.__init__.__code__.co_varnames else kind()
        target = np.array([0, 2, 1, 1]) if loss.integer_targets else np.eye(3, dtype="float32")[[0, 2, 1, 1]]
        prediction = np.abs(P) / np.abs(P).sum(-1, keepdims=True)
        weights = None if name in ("Dice", "Tversky") else WEIGHTS
        result = float(jit(loss)(target, prediction, weights))
        assert result == pytest.approx(float(loss(target, prediction, weights)), rel=1e-5), name


# ---- the function alone


def test_reduce_weighted_values_takes_lists():
    assert float(reduce_weighted_values([1, 2, 6], [1, 1, 0.5])) == 2.0
    assert float(reduce_weighted_values(3.0)) == 3.0


def test_unknown_loss():
    with pytest.raises(ConfigError, match="mean_squared_error"):
        losses.get("mean_squared_eror")
