"""Regularizers against their formulas, and as data for files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keratin import regularizers
from keratin.backends import select
from keratin.errors import ArgumentError, ConfigError, ShapeError, StateError
from keratin.ops import mechanism
from keratin.testing.arrays import f32, host

W = f32(3, 4)


def mean_cosine(w: np.ndarray) -> float:
    unit = w / np.linalg.norm(w, axis=1, keepdims=True)
    pairs = [abs(unit[i] @ unit[j]) for i in range(len(w)) for j in range(i)]
    return float(np.mean(pairs))


@pytest.mark.parametrize(
    ("regularizer", "right", "config"),
    [
        (regularizers.L1(0.3), 0.3 * np.abs(W).sum(), {"l1": 0.3}),
        (regularizers.L2(0.3), 0.3 * (W**2).sum(), {"l2": 0.3}),
        (regularizers.L1L2(0.3, 0.2), 0.3 * np.abs(W).sum() + 0.2 * (W**2).sum(), {"l1": 0.3, "l2": 0.2}),
        (regularizers.L1L2(), 0.0, {"l1": 0.0, "l2": 0.0}),
        (regularizers.OrthogonalRegularizer(0.3), 0.3 * mean_cosine(W), {"factor": 0.3, "mode": "rows"}),
        (
            regularizers.OrthogonalRegularizer(0.3, "columns"),
            0.3 * mean_cosine(W.T),
            {"factor": 0.3, "mode": "columns"},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_and_data(regularizer: Any, right: float, config: dict[str, Any]) -> None:
    found = regularizer(mechanism.convert(W))
    assert found.shape == ()
    np.testing.assert_allclose(float(found), right, rtol=1e-5)
    assert regularizer.get_config() == config
    copy = regularizers.deserialize(regularizers.serialize(regularizer))
    assert type(copy) is type(regularizer) and copy.get_config() == config


def test_orthogonal_rows_cost_nothing() -> None:
    assert float(regularizers.OrthogonalRegularizer()(np.eye(3, dtype=np.float32) * 2)) == 0
    assert float(regularizers.OrthogonalRegularizer()(np.ones((1, 3), np.float32))) == 0


@pytest.mark.trains
def test_gradient() -> None:
    function = select.current().value_and_grad(lambda v: (regularizers.L1L2(0.5, 0.25)(v[0]), []))
    gradient = host(function([mechanism.convert(np.array([-2.0, 0.0, 4.0], np.float32))])[1][0])
    np.testing.assert_allclose(gradient, [-1.5, 0.0, 2.5])


def test_like_keras() -> None:
    keras = pytest.importorskip("keras")
    w = keras.ops.convert_to_tensor(W)
    for mode in ("rows", "columns"):
        right = keras.regularizers.OrthogonalRegularizer(0.1, mode)(w)
        np.testing.assert_allclose(float(regularizers.OrthogonalRegularizer(0.1, mode)(W)), float(right), rtol=1e-5)
    for name in ("L1", "L2", "L1L2", "OrthogonalRegularizer"):
        copy = keras.regularizers.deserialize(regularizers.serialize(getattr(regularizers, name)()))
        assert type(copy).__name__ == name


def test_names() -> None:
    for name in ("l1", "L1", "l2", "l1_l2", "L1L2", "OrthogonalRegularizer", "orthogonal_regularizer"):
        assert isinstance(regularizers.get(name), regularizers.Regularizer)
    assert regularizers.get(None) is None
    assert type(regularizers.get({"class_name": "L2", "config": {"l2": 0.5}})) is regularizers.L2
    with pytest.raises(ConfigError, match="orthogonal_regularizer"):
        regularizers.get("orthogonal_regularize")


def test_what_is_refused() -> None:
    for value in (-1, float("nan"), float("inf"), "a", None, True):
        with pytest.raises(ArgumentError, match="`l1`"):
            regularizers.L1(value)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match='"rows" or "columns"'):
        regularizers.OrthogonalRegularizer(mode="diagonal")
    with pytest.raises(ShapeError, match="two axes"):
        regularizers.OrthogonalRegularizer()(np.ones(3))
    with pytest.raises(StateError, match="Regularizer"):
        regularizers.Regularizer()(W)
