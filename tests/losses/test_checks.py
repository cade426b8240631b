"""Wrong targets are named with their row before training."""

from __future__ import annotations

import numpy as np
import pytest

from keratin import losses
from keratin.errors import DataError, ShapeError
from keratin.losses import checks
from keratin.losses.checks import check_targets

LABELS = np.array([0, 1, 2, 1])


@pytest.mark.parametrize(
    "loss", ["categorical_crossentropy", losses.CategoricalFocalCrossentropy(), losses.CategoricalHinge()]
)
@pytest.mark.parametrize("targets", [LABELS, LABELS[:, None]])
def test_class_numbers_for_one_hot(loss, targets):
    with pytest.raises(ShapeError, match="(?s)one number per sample.*sparse_categorical_crossentropy.*to_categorical"):
        check_targets(loss, targets, (None, 3))


@pytest.mark.parametrize(
    "loss", ["sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy(from_logits=True)]
)
def test_one_hot_for_class_numbers(loss):
    with pytest.raises(ShapeError, match="(?s)a number for each class.*argmax"):
        check_targets(loss, np.eye(3), (None, 3))


@pytest.mark.parametrize(
    ("targets", "row", "value"),
    [
        ([0, 2, 3], 2, 3),
        ([0, -1, 5], 1, -1),
        ([[1.0], [9.0]], 1, 9.0),
        ([0, np.iinfo("int64").max], 1, np.iinfo("int64").max),
    ],
)
def test_a_label_outside_of_the_classes(targets, row, value):
    with pytest.raises(
        DataError, match=f"(?s)y_train, row {row}.*0 to 2, as the output has 3 classes.*Received: {value}"
    ):
        check_targets("sparse_categorical_crossentropy", np.array(targets), (None, 3), "y_train")


def test_ignored_labels_are_allowed():
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    assert check_targets(loss, np.array([0, -1, 2]), (None, 3)) == []
    wrapped = losses.LossFunctionWrapper(losses.sparse_categorical_crossentropy, ignore_class=255)
    assert check_targets(wrapped, np.array([0, 255, 2], "uint8"), (None, 3)) == []
    with pytest.raises(DataError, match="row 1"):
        check_targets(wrapped, np.array([0, 254, 2], "uint8"), (None, 3))


def test_labels_that_are_no_whole_numbers():
    with pytest.raises(DataError, match="whole"):
        check_targets("sparse_categorical_crossentropy", np.array([0.5, 1.0]), (None, 3))


def test_pixels_and_axes():
    loss = losses.SparseCategoricalCrossentropy(axis=1)
    assert check_targets(loss, np.zeros((2, 4, 5), int), (None, 3, 4, 5)) == []
    with pytest.raises(ShapeError, match="do not fit"):
        check_targets(loss, np.zeros((2, 4), int), (None, 3, 4, 5))
    with pytest.raises(DataError, match="(?s)row 1.*Received: 3"):
        check_targets(loss, np.array([[[0, 1]], [[2, 3]]]), (None, 3, 1, 2))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("loss", ["mse", lambda y_true, y_pred: y_pred])
def test_not_finite_is_a_warning(bad, loss):
    targets = np.zeros((5, 2), "float32")
    targets[3, 1] = bad
    (warning,) = check_targets(loss, targets, (None, 2), "y", first_row=100)
    assert "row 103" in warning
    assert str(bad) in warning


@pytest.mark.parametrize(
    ("targets", "hint"),
    [([0.0, 3.0], "sparse_categorical_crossentropy"), ([1.0, -1.0], "hinge"), ([0.0, 1.5], "0 to 1")],
)
def test_binary_targets_outside_of_0_and_1(targets, hint):
    with pytest.raises(DataError, match=f"(?s)row 1.*{hint}"):
        check_targets("binary_crossentropy", np.array(targets), (None, 1))


def test_targets_of_hinge():
    assert check_targets("hinge", np.array([-1, 1]), (None, 1)) == []
    assert check_targets("hinge", np.array([False, True]), (None, 1)) == []
    with pytest.raises(DataError, match="row 1"):
        check_targets("hinge", np.array([-1, 2]), (None, 1))
    assert len(check_targets("hinge", np.array([-1, 0, 1]), (None, 1))) == 1


def test_predictions_that_are_no_probabilities():
    logits = np.array([[0.2, 0.8], [-3.0, 4.0]], "float32")
    with pytest.raises(DataError, match="(?s)row 1.*from_logits=True"):
        check_targets("sparse_categorical_crossentropy", LABELS[:2], (None, 2), y_pred=logits)
    with pytest.raises(DataError, match="sigmoid"):
        check_targets(losses.BinaryCrossentropy(), np.zeros((2, 2)), (None, 2), y_pred=logits)
    assert check_targets(losses.BinaryCrossentropy(from_logits=True), np.zeros((2, 2)), (None, 2), y_pred=logits) == []
    assert check_targets("mse", np.zeros((2, 2)), (None, 2), y_pred=logits) == []


@pytest.mark.parametrize(
    ("loss", "shape"), [("mse", (None, 3)), ("mae", (None, 1, 4)), ("bce", (None, 2)), ("hinge", (None, 7))]
)
def test_shapes_that_would_broadcast(loss, shape):
    with pytest.raises(ShapeError, match="(?s)differ in shape.*the_target"):
        check_targets(loss, np.ones((4,)), shape, "the_target")


@pytest.mark.parametrize(
    ("loss", "targets", "shape"),
    [
        ("mse", np.ones(4), (None, 1)),
        ("mse", np.ones((4, 1)), (None, 1)),
        ("mse", np.ones((4, 5)), (None, 5, 1)),
        ("mse", np.ones(4), (None,)),
        ("mse", np.ones((4, 7)), (None, None)),
        ("bce", np.array([True, False]), (None, 1)),
        ("categorical_crossentropy", np.eye(3), (None, 3)),
        ("categorical_crossentropy", np.full((2, 3), 1 / 3, "float16"), (None, 3)),
        ("categorical_hinge", np.eye(3), (None, 3)),
        ("sparse_categorical_crossentropy", LABELS, (None, None)),
        ("sparse_categorical_crossentropy", np.zeros((2, 7, 1)), (None, 7, 3)),
        ("sparse_categorical_crossentropy", np.array([True, False]), (None, 2)),
        ("sparse_categorical_crossentropy", np.zeros((0,), int), (None, 2)),
        ("dice", np.ones((2, 3)), (None, 3)),
        (lambda y_true, y_pred: y_pred, np.array([7, -7]), (None, 3)),
    ],
)
def test_targets_that_fit(loss, targets, shape):
    assert check_targets(loss, targets, shape) == []


@pytest.mark.parametrize(
    ("loss", "targets", "shape", "text"),
    [
        (
            "categorical_crossentropy",
            np.array([[1.0, 0.0], [1.0, 1.0]]),
            (None, 2),
            "sum to 2 .*row 1.*binary_crossentropy",
        ),
        ("categorical_crossentropy", np.ones((2, 1)), (None, 1), "one class"),
        ("mape", np.array([[1.0], [0.0]]), (None, 1), "row 1"),
        ("poisson", np.array([[-1.0], [0.0]]), (None, 1), "negative"),
    ],
)
def test_warnings(loss, targets, shape, text):
    import re

    (warning,) = check_targets(loss, targets, shape)
    assert re.search(text, warning)


def test_strings():
    with pytest.raises(DataError, match="StringLookup"):
        check_targets("sparse_categorical_crossentropy", np.array(["cat", "dog"]), (None, 2))


def test_large_arrays_are_read_in_parts(monkeypatch):
    monkeypatch.setattr(checks, "CHUNK", 8)
    targets = np.zeros((100, 3), int)
    targets[77, 2] = 4
    with pytest.raises(DataError, match="row 77"):
        check_targets("sparse_categorical_crossentropy", targets, (None, 3, 4))


@pytest.mark.parametrize("name", ["mse", "Huber", "hinge", "KLDivergence", "bce", "categorical_crossentropy"])
def test_what_passes_computes_and_what_does_not_raises_there_too(name):
    """The check and the loss itself agree on shapes."""
    shapes = [(4,), (4, 1), (4, 3), (1, 3), (4, 3, 1), (3,)]
    loss = losses.get(name)
    loss = loss if isinstance(loss, losses.Loss) else losses.LossFunctionWrapper(loss)
    for target in shapes:
        for prediction in ((4, 1), (4, 3), (4, 3, 1)):
            outcomes = []
            targets = np.full(target, 1 / prediction[-1] if "at" in name or "KL" in name else 1.0, "float32")
            for run in (
                lambda y=targets, p=prediction: check_targets(loss, y, (None, *p[1:])) and None,
                lambda y=targets, p=prediction: loss(y, np.full(p, 0.5, "float32")),
            ):
                try:
                    run()
                    outcomes.append(True)
                except ShapeError:
                    outcomes.append(False)
            if target[0] == prediction[0]:  # the check does not know the batch size
                assert outcomes[0] == outcomes[1], (target, prediction)
