"""Activations, softmax and cross-entropies, norms: every row, and what rows cannot say."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import pytest

from keratin import ops
from keratin.backends import select
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, AxisError, ShapeError
from keratin.ops import mechanism, nn
from keratin.testing.arrays import f32, host, i32, results

# ---- softmax


def test_softmax_without_overflow_and_with_minus_infinity() -> None:
    x = np.array([[1e4, 1e4 - 1, -np.inf], [-1e4, -1e4, -np.inf]], np.float32)
    right = np.array([[1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1)), 0], [0.5, 0.5, 0]])
    np.testing.assert_allclose(host(nn.softmax(x)), right, rtol=1e-6)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(host(nn.log_softmax(x)), np.log(right), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_softmax_of_half_precision_is_rounded_once(dtype: str) -> None:
    x = mechanism.convert(np.linspace(-3, 3, 500).astype(np.float32), dtype)
    wide = host(nn.softmax(ops.cast(x, "float32")))
    np.testing.assert_array_equal(host(nn.softmax(x)), host(ops.cast(mechanism.convert(wide), dtype)))


@pytest.mark.parametrize("function", [nn.softmax, nn.log_softmax])
def test_softmax_of_nothing(function: Any) -> None:
    assert function(np.zeros((2, 0), np.float32)).shape == (2, 0)
    assert function(np.zeros((0, 2), np.float32)).shape == (0, 2)


def test_softmax_axis_is_checked() -> None:
    with pytest.raises(AxisError, match="Received: 2"):
        nn.softmax(np.zeros((2, 3)), axis=2)


def test_sparsemax_gives_distributions_with_zeros() -> None:
    found = host(nn.sparsemax(f32(50, 6), axis=0))
    np.testing.assert_allclose(found.sum(0), 1, rtol=1e-5)
    assert (found == 0).mean() > 0.5


# ---- labels


def test_one_hot_counts_beyond_the_dtype_of_the_labels() -> None:
    labels = mechanism.convert(np.array([0, 255]), "uint8")
    np.testing.assert_array_equal(host(nn.one_hot(labels, 300)).argmax(-1), [0, 255])
    assert host(nn.one_hot(labels, 300)).sum() == 2


def test_one_hot_dtype_and_sparse() -> None:
    assert mechanism.dtype_of(nn.one_hot([1], 3, dtype="bool")) == "bool"
    with pytest.raises(ArgumentError, match="sparse"):
        nn.one_hot([1], 3, sparse=True)
    with pytest.raises(ArgumentError, match="num_classes"):
        nn.multi_hot([1])


def test_multi_hot_puts_the_classes_where_it_is_told() -> None:
    labels = np.array([[0, 2], [1, 1]], np.int32)
    right = np.array([[1, 0, 1], [0, 1, 0]], np.float32)
    np.testing.assert_array_equal(host(nn.multi_hot(labels, 3, axis=1)), right)
    np.testing.assert_array_equal(host(nn.multi_hot(labels, 3, axis=0)), right.T)


# ---- cross-entropies


@pytest.mark.parametrize("logit", [-100.0, -30.0, 0.0, 30.0, 100.0])
@pytest.mark.parametrize("label", [0.0, 0.25, 1.0])
def test_binary_crossentropy_of_large_logits(logit: float, label: float) -> None:
    right = label * np.logaddexp(-logit, 0) + (1 - label) * np.logaddexp(logit, 0)
    found = float(nn.binary_crossentropy(label, logit, from_logits=True))
    np.testing.assert_allclose(found, right, rtol=1e-6, atol=1e-37)  # smaller numbers are not normal in float32


@pytest.mark.parametrize("scale", [1.0, 100.0, 1e4])
def test_categorical_crossentropies_of_large_logits(scale: float) -> None:
    logits = f32(20, 5, low=-1, high=1) * np.float32(scale)
    labels = i32(20, low=0, high=5)
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    right = np.log(np.exp(shifted).sum(1)) - shifted[np.arange(20), labels]
    found = nn.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    np.testing.assert_allclose(host(found), right, rtol=1e-5, atol=1e-6)
    found = nn.categorical_crossentropy(np.eye(5, dtype=np.float32)[labels], logits, from_logits=True)
    np.testing.assert_allclose(host(found), right, rtol=1e-5, atol=1e-6)


def test_a_class_that_cannot_be_is_no_nan_where_the_label_excludes_it() -> None:
    logits = np.array([[0.0, 0.0, -np.inf]], np.float32)
    target = np.array([[1.0, 0.0, 0.0]], np.float32)
    np.testing.assert_allclose(
        host(nn.categorical_crossentropy(target, logits, from_logits=True)), math.log(2), rtol=1e-6
    )
    np.testing.assert_allclose(
        host(nn.sparse_categorical_crossentropy([0], logits, from_logits=True)), math.log(2), rtol=1e-6
    )
    assert float(nn.binary_crossentropy(1.0, math.inf, from_logits=True)) == 0
    assert float(nn.binary_crossentropy(0.0, math.inf, from_logits=True)) == math.inf


@pytest.mark.parametrize("label", [-1, 3])
def test_labels_outside_of_the_classes_give_nan(label: int) -> None:
    found = host(nn.sparse_categorical_crossentropy([label, 1], f32(2, 3), from_logits=True))
    assert np.isnan(found[0]) and np.isfinite(found[1])


@pytest.mark.trains
def test_gradient_of_binary_crossentropy_at_zero() -> None:
    loss = select.current().value_and_grad(lambda x: (nn.binary_crossentropy(0.75, x[0], from_logits=True), []))
    np.testing.assert_allclose(float(loss([mechanism.convert(0.0)])[1][0]), -0.25, rtol=1e-6)


def test_shapes_of_labels_are_checked() -> None:
    with pytest.raises(ShapeError, match=r"labels of shape \(2,\)"):
        nn.sparse_categorical_crossentropy(np.zeros((2, 3), np.int32), np.zeros((2, 3)))
    with pytest.raises(ShapeError, match=r"Expected: \(2, 3\)\n.*Received: \(2, 4\)"):
        nn.categorical_crossentropy(np.zeros((2, 4)), np.zeros((2, 3)))
    with pytest.raises(ShapeError, match="binary_crossentropy"):
        nn.binary_crossentropy(KerasTensor((None, 2)), KerasTensor((None, 3)))


# ---- norms


def test_variance_of_numbers_far_from_zero() -> None:
    x = np.array([10000.0, 10001.0, 10002.0], np.float32)
    np.testing.assert_allclose(float(nn.moments(x, 0)[1]), 2 / 3, rtol=1e-6)
    np.testing.assert_allclose(host(nn.layer_normalization(x)), [-1.2247448, 0, 1.2247448], rtol=1e-5, atol=1e-6)


def test_moments_of_float16_stay_finite() -> None:
    x = mechanism.convert(np.array([-60000.0, 60000.0]), "float16")
    assert [float(m) for m in nn.moments(x, 0)] == [0.0, 65504.0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_norms_of_half_precision_do_not_overflow(dtype: str) -> None:
    x = mechanism.convert(np.array([[300.0, -300.0, 300.0, -300.0]]), dtype)
    for found in (nn.layer_normalization(x), nn.rms_normalization(x), nn.normalize(x) * 2):
        np.testing.assert_allclose(host(found), [[1, -1, 1, -1]], rtol=1e-2)
        assert mechanism.dtype_of(found) == dtype


def test_normalize_leaves_zeros() -> None:
    for order in (1, 2, 3):
        np.testing.assert_array_equal(host(nn.normalize(np.zeros((2, 3), np.float32), order=order)), np.zeros((2, 3)))


def test_vectors_that_do_not_fit_are_told() -> None:
    x = np.zeros((2, 3, 4), np.float32)
    with pytest.raises(ShapeError, match=r"`gamma` does not fit"):
        nn.layer_normalization(x, np.ones(3))
    with pytest.raises(ShapeError, match=r"`mean` does not fit(.|\n)*Expected: shape \(3,\)"):
        nn.batch_normalization(x, np.ones(4), np.ones(4), axis=1)
    with pytest.raises(ShapeError, match="halves"):
        nn.glu(np.zeros((2, 3)))
    with pytest.raises(ArgumentError, match="order"):
        nn.normalize(x, order=0)


def test_batch_normalization_in_a_graph_keeps_all_tensors() -> None:
    x, v = KerasTensor((None, 3)), KerasTensor((3,))
    found = nn.batch_normalization(x, v, v, -1, offset=v, scale=v)
    assert found.shape == (None, 3) and len(found.node.inputs) == 5


# ---- Keras as the second witness

KERAS = [
    ("softmax", [f32(3, 4)], {"axis": 0}),
    ("log_softmax", [f32(3, 4)], {}),
    ("gelu", [f32(3, 4)], {}),
    ("celu", [f32(3, 4)], {"alpha": 0.5}),
    ("squareplus", [f32(3, 4)], {"b": 2}),
    ("one_hot", [i32(3)], {"num_classes": 4, "axis": 0}),
    ("multi_hot", [i32(2, 3, low=0)], {"num_classes": 5}),
    ("categorical_crossentropy", [f32(2, 3, low=0), f32(2, 3, low=0.1, seed=1)], {}),
    ("sparse_categorical_crossentropy", [i32(2, low=0, high=3), f32(2, 3)], {"from_logits": True}),
    ("binary_crossentropy", [f32(2, 3, low=0, high=1), f32(2, 3, low=0, high=1, seed=1)], {}),
    ("normalize", [f32(3, 4)], {"order": 3, "axis": 0}),
    ("layer_normalization", [f32(3, 4), f32(4), f32(4, seed=1)], {"epsilon": 1e-3}),
    ("rms_normalization", [f32(3, 4), f32(4)], {}),
    ("moments", [f32(3, 4)], {"axes": [0], "keepdims": True}),
]


@pytest.mark.parametrize(("name", "inputs", "kwargs"), KERAS, ids=[k[0] for k in KERAS])
def test_like_keras(name: str, inputs: list[np.ndarray], kwargs: dict[str, Any]) -> None:
    keras = pytest.importorskip("keras")
    assert os.environ["KERAS_BACKEND"] == "jax"
    right = results(getattr(keras.ops, name)(*inputs, **kwargs))
    for found, expected in zip(results(getattr(nn, name)(*inputs, **kwargs)), right, strict=True):
        np.testing.assert_allclose(host(found), np.asarray(expected), rtol=1e-5, atol=1e-6)
