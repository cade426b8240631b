"""Batch normalization against its definition in float64, over several steps, eager and compiled, frozen and thawed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import keratin
from keratin import layers, ops
from keratin.testing.layers.checks import close
from tests.marks import needs_gradients


class Reference:
    """The definition, in float64."""

    def __init__(self, size: int, momentum: float, epsilon: float) -> None:
        self.mean, self.variance = np.zeros(size), np.ones(size)
        self.momentum, self.epsilon = momentum, epsilon

    def train(self, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        flat = x.reshape(-1, x.shape[-1]).astype("float64")
        mean, variance = flat.mean(0), flat.var(0)
        self.mean = self.mean * self.momentum + mean * (1 - self.momentum)
        self.variance = self.variance * self.momentum + variance * (1 - self.momentum)
        return (x - mean) / np.sqrt(variance + self.epsilon)

    def infer(self, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return (x - self.mean) / np.sqrt(self.variance + self.epsilon)


def batches(shape: tuple[int, ...], steps: int = 8) -> np.ndarray[Any, Any]:
    generator = np.random.default_rng(3)
    return (generator.normal(size=(steps, *shape)) * [1.0, 3.0, 0.1] + [0.0, 100.0, -3.0]).astype("float32")


@pytest.mark.parametrize("shape", [(16, 3), (4, 5, 6, 3)])
@pytest.mark.parametrize("compiled", [False, True])
def test_several_steps(shape: tuple[int, ...], compiled: bool) -> None:
    layer, reference = layers.BatchNormalization(momentum=0.9, epsilon=1e-3), Reference(3, 0.9, 1e-3)
    train = keratin.jit(lambda x: layer(x, training=True)) if compiled else lambda x: layer(x, training=True)
    data = batches(shape)
    for x in data:
        close(train(x), reference.train(x), 1e-4)  # float32 of values around 100
    close(layer.moving_mean, reference.mean)
    close(layer.moving_variance, reference.variance)
    close(layer(data[0]), reference.infer(data[0]), 1e-4)


def test_a_compiled_loop_is_exact() -> None:
    data = batches((16, 3), 20)
    eager, looped = (layers.BatchNormalization(momentum=0.9) for _ in range(2))
    for layer in (eager, looped):
        layer.build((None, 3))
    train = keratin.jit(lambda x: eager(x, training=True))
    for x in data:
        train(x)
    keratin.scan(lambda carry, x: (carry, looped(x, training=True)[0, 0]), 0.0, data)
    for a, b in zip(looped.get_weights(), eager.get_weights(), strict=True):
        np.testing.assert_array_max_ulp(a, b, maxulp=2)


def test_a_frozen_layer_infers_and_stays() -> None:
    layer = layers.BatchNormalization()
    x = batches((16, 3))[0]
    layer(x, training=True)
    before = layer.get_weights()
    layer.trainable = False
    close(layer(x, training=True), layer(x, training=False))
    close(layer.get_weights(), before)
    assert layer.trainable_variables == [] and len(layer.non_trainable_variables) == 4
    layer.trainable = True
    layer(x, training=True)
    assert np.abs(layer.moving_mean.numpy() - before[2]).max() > 0


@pytest.mark.parametrize("affine", [True, False])
def test_freezing_reaches_a_compiled_function(affine: bool) -> None:
    layer = layers.BatchNormalization(center=affine, scale=affine)
    x = batches((16, 3))[0]
    layer.build(x.shape)
    train = keratin.jit(lambda x: layer(x, training=True))
    trained = train(x)
    layer.trainable = False
    before = layer.get_weights()
    close(train(x), layer(x, training=False))
    close(layer.get_weights(), before)
    layer.trainable = True
    close(train(x), trained)


def test_constant_batches_do_not_divide_by_zero() -> None:
    layer = layers.BatchNormalization()
    y = layer(np.full((4, 3), 7.0, "float32"), training=True)
    np.testing.assert_allclose(np.asarray(y), np.zeros((4, 3)), atol=1e-5)
    assert np.isfinite(np.asarray(layer(np.zeros((1, 3), "float32"), training=True))).all()


def test_large_means_do_not_cancel() -> None:
    x = (np.random.default_rng(0).normal(size=(256, 3)) + 3000.0).astype("float32")
    layer = layers.BatchNormalization(momentum=0.0)
    layer(x, training=True)
    np.testing.assert_allclose(layer.moving_variance.numpy(), x.astype("float64").var(0), rtol=1e-3)


def test_half_precision_keeps_its_statistics_in_float32() -> None:
    x = (np.random.default_rng(0).normal(size=(64, 3)) * 300).astype("float32")
    layer = layers.BatchNormalization(momentum=0.0, dtype="mixed_float16")
    y = layer(x, training=True)
    assert ops.dtype(y) == "float16" and layer.moving_variance.dtype == "float32"
    np.testing.assert_allclose(layer.moving_variance.numpy(), x.astype("float64").var(0), rtol=1e-2)  # over 65504
    assert np.isfinite(np.asarray(y, "float32")).all()


@needs_gradients
def test_the_gradient_goes_through_the_statistics() -> None:
    x = keratin.Variable(batches((6, 3))[0])
    layer = layers.BatchNormalization(epsilon=1e-3)
    layer(x)
    weights = np.random.default_rng(1).normal(size=(6, 3)).astype("float32")
    _, (gradient,) = keratin.value_and_grad(
        lambda: ops.sum(ops.multiply(layer(x.value, training=True), weights)), [x]
    )()
    reference = Reference(3, 0.99, 1e-3)
    values, step = x.numpy().astype("float64"), 1e-4
    for i, j in ((0, 0), (3, 1), (5, 2)):
        moved = [values.copy(), values.copy()]
        moved[0][i, j] += step
        moved[1][i, j] -= step
        up, down = ((reference.train(m) * weights).sum() for m in moved)
        np.testing.assert_allclose(np.asarray(gradient)[i, j], (up - down) / (2 * step), rtol=1e-2, atol=1e-2)
