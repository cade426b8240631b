"""A backend's native forms against the bodies that they replace, beyond the rows of the table."""

from __future__ import annotations

import math
from typing import Any
from unittest import mock

import numpy as np
import pytest

from keratin import ops, random
from keratin.backends import select
from keratin.ops import mechanism
from keratin.ops.convolution import biased_conv
from keratin.ops.dense import dense
from keratin.ops.normalization import normalized_batch
from keratin.testing.arrays import host, tensors

INF, NAN = math.inf, math.nan
EDGES = np.array([0.0, -0.0, 1.0, -3.0, 3.0, 6.0, 60.0, -60.0, 1e30, -1e30, INF, -INF, NAN], np.float32)
RNG = np.random.default_rng(0)


def draw(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    return RNG.uniform(low, high, shape).astype(np.float32)


PROBABILITIES = np.array([[0.2, 0.5, 0.3], [0.0, 1.0, 0.0], [1e-7, 1 - 1e-7, 0.0], [0.4, 0.4, 1.2]], np.float32)
LOGITS = np.array([[0.2, -0.5, 0.3], [-INF, 0.0, 1.0], [1e30, -1e30, 0.0], [200.0, -200.0, 0.0]], np.float32)
HARD = np.eye(3, dtype=np.float32)[[0, 1, 1, 2]]
SOFT = np.array([[0.2, 0.5, 0.3], [0.0, 0.9, 0.1], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], np.float32)
IMAGES = draw(2, 9, 8, 4)

ACTIVATIONS = """relu relu6 leaky_relu elu selu celu gelu silu mish hard_silu hard_sigmoid hard_tanh softplus
    log_sigmoid hard_shrink softsign squareplus""".split()

CASES: dict[str, tuple[Any, list[np.ndarray]]] = {
    **{f"{name}-edges": (getattr(ops, name), [EDGES]) for name in ACTIVATIONS},
    **{f"{name}-many": (getattr(ops, name), [draw(7, 33, low=-8, high=8)]) for name in ACTIVATIONS},
    "gelu-erf-edges": (lambda x: ops.gelu(x, approximate=False), [EDGES]),
    "threshold": (lambda x: ops.threshold(x, 1.0, -2.0), [EDGES]),
    "glu": (lambda x: ops.glu(x, 0), [draw(4, 3)]),
    "softmax": (ops.softmax, [LOGITS]),
    "softmax-first": (lambda x: ops.softmax(x, 0), [draw(3, 4)]),
    "softmax-several": (lambda x: ops.softmax(x, (0, -1)), [draw(3, 4, 2)]),
    "log_softmax": (lambda x: ops.log_softmax(x, (1,)), [draw(3, 4)]),
    "logsumexp": (ops.logsumexp, [LOGITS]),
    "logsumexp-nothing-but-minus-infinity": (lambda x: ops.logsumexp(x, 1), [np.full((2, 3), -INF, np.float32)]),
    "mean": (lambda x: ops.mean(x, (0, -1)), [draw(3, 4, 2)]),
    "var": (lambda x: ops.var(x, 1, keepdims=True), [draw(3, 4)]),
    "std-of-equals": (lambda x: ops.std(x, 1), [np.full((2, 3), 2.0, np.float32)]),
    "moments": (lambda x: ops.moments(x, (0, 2)), [draw(3, 4, 2)]),
    "layer_normalization": (ops.layer_normalization, [draw(3, 4), draw(4), draw(4)]),
    "layer_normalization-several": (
        lambda x, g: ops.layer_normalization(x, g, None, (1, 2)), [draw(3, 4, 2), draw(4, 2)]
    ),
    "layer_normalization-inner": (lambda x, g: ops.layer_normalization(x, g, None, 1), [draw(3, 4, 2), draw(4)]),
    "rms_normalization": (ops.rms_normalization, [draw(3, 4), draw(4)]),
    "rms_normalization-first": (lambda x, s: ops.rms_normalization(x, s, 0), [draw(3, 4), draw(3)]),
    "batch_normalization": (
        lambda x, o, s: ops.batch_normalization(x, [0.0] * 4, [1.0] * 4, -1, o, s), [IMAGES, draw(4), draw(4)]
    ),
    "batch_normalization-moments": (
        lambda x, m, v: ops.batch_normalization(x, m, v, -1), [draw(3, 4), draw(4), draw(4, low=1.0)]
    ),
    "normalized_batch": (lambda x, o, s: normalized_batch(x, o, s, -1, 1e-3), [IMAGES, draw(4), draw(4)]),
    "normalized_batch-sequences": (lambda x, o: normalized_batch(x, o, None, 2, 1e-3), [draw(3, 5, 4), draw(4)]),
    "normalized_batch-rows": (lambda x: normalized_batch(x, None, None, 1, 1e-3), [draw(5, 4)]),
    "dense": (dense, [draw(5, 3), draw(3, 2), draw(2)]),
    "dense-sequences": (dense, [draw(5, 4, 3), draw(3, 2), draw(2)]),
    "biased_conv": (biased_conv, [IMAGES, draw(3, 2, 4, 6), draw(6)]),
    "biased_conv-groups": (
        lambda x, k, b: biased_conv(x, k, b, 2, "same", "channels_first"), [draw(2, 4, 7, 6), draw(2, 2, 2, 6), draw(6)]
    ),
    "biased_conv-line": (lambda x, k, b: biased_conv(x, k, b, 1, "same"), [draw(2, 9, 4), draw(4, 4, 6), draw(6)]),
    "conv_transpose-valid": (lambda x, k: ops.conv_transpose(x, k, 2), [draw(2, 5, 4, 3), draw(3, 2, 6, 3)]),
    "conv_transpose-same": (lambda x, k: ops.conv_transpose(x, k, 3, "same"), [draw(2, 5, 4, 3), draw(2, 4, 6, 3)]),
    "conv_transpose-small": (lambda x, k: ops.conv_transpose(x, k, 3), [draw(2, 5, 3), draw(2, 4, 3)]),
    "conv_transpose-first": (
        lambda x, k: ops.conv_transpose(x, k, 2, "same", data_format="channels_first"),
        [draw(2, 3, 5, 4), draw(3, 3, 2, 3)],
    ),
    "max_pool": (lambda x: ops.max_pool(x, 2), [IMAGES]),
    "max_pool-same": (lambda x: ops.max_pool(x, 3, 2, "same"), [IMAGES]),
    "max_pool-line": (lambda x: ops.max_pool(x, 3, 1, "same"), [draw(2, 9, 4)]),
    "max_pool-volume": (lambda x: ops.max_pool(x, (2, 1, 3), 2, "valid", "channels_first"), [draw(2, 3, 5, 4, 6)]),
    "average_pool": (lambda x: ops.average_pool(x, 2), [IMAGES]),
    "average_pool-same": (lambda x: ops.average_pool(x, 3, 1, "same"), [IMAGES]),
    "average_pool-uneven": (lambda x: ops.average_pool(x, 2, 2, "same"), [IMAGES]),
    "binary_crossentropy": (lambda x: ops.binary_crossentropy(SOFT, x), [PROBABILITIES]),
    "binary_crossentropy-logits": (lambda x: ops.binary_crossentropy(SOFT, x, True), [LOGITS]),
    "categorical_crossentropy": (lambda x: ops.categorical_crossentropy(HARD, x), [PROBABILITIES]),
    "categorical_crossentropy-soft": (lambda x: ops.categorical_crossentropy(SOFT, x, axis=0), [PROBABILITIES]),
    "categorical_crossentropy-logits": (lambda x: ops.categorical_crossentropy(SOFT, x, True), [LOGITS]),
    "sparse_categorical_crossentropy": (
        lambda x: ops.sparse_categorical_crossentropy(np.array([0, 1, 1, 7]), x), [PROBABILITIES]
    ),
    "sparse_categorical_crossentropy-limits": (
        lambda x: ops.sparse_categorical_crossentropy(np.array([1, 0, 2, -1]), x), [PROBABILITIES]
    ),
    "sparse_categorical_crossentropy-logits": (
        lambda x: ops.sparse_categorical_crossentropy(np.array([0, 1, 0, 3]), x, True), [LOGITS]
    ),
    "sparse_categorical_crossentropy-first": (
        lambda x: ops.sparse_categorical_crossentropy(np.array([0, 1, 3]), x, True, 0), [draw(4, 3)]
    ),
}  # fmt: skip
each = pytest.mark.parametrize("name", CASES)


@pytest.fixture(autouse=True)
def only_what_the_backend_has(request: pytest.FixtureRequest) -> None:
    name = getattr(request.node, "callspec", None) and request.node.callspec.params.get("name")
    if name and name.split("-")[0] not in select.current().native:
        pytest.skip("the backend runs the body")


@each
def test_value(name: str) -> None:
    function, arrays = CASES[name]
    for a, b in zip(*both(lambda: results(function(*tensors(arrays)))), strict=True):
        assert mechanism.dtype_of(a) == mechanism.dtype_of(b)
        np.testing.assert_allclose(host(a), host(b), rtol=2e-5, atol=2e-6)


@each
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(name: str, dtype: str) -> None:
    """At most a few units in the last place apart."""
    function, arrays = CASES[name]
    given = [ops.cast(x, dtype) for x in tensors(arrays)]
    precision = 2e-3 if dtype == "float16" else 1.6e-2
    for a, b in zip(*both(lambda: results(function(*given))), strict=True):
        assert mechanism.dtype_of(a) == mechanism.dtype_of(b)
        np.testing.assert_allclose(host(a), host(b), rtol=precision, atol=precision)


@pytest.mark.trains
@each
def test_gradient(name: str) -> None:
    function, arrays = CASES[name]

    def loss(values: list[Any]) -> tuple[Any, list[Any]]:
        total: Any = 0.0
        for number, result in enumerate(results(function(*values))):
            if number == 0:  # the moments beside it may have no slope
                finite = ops.where(ops.isfinite(result), result, ops.zeros_like(result))
                weights = np.random.default_rng(1).uniform(0.5, 1.5, tuple(finite.shape)).astype(np.float32)
                total = total + ops.sum(ops.multiply(finite, weights))
        return total, []

    first, second = both(lambda: select.current().value_and_grad(loss)(tensors(arrays))[1])
    for a, b in zip(first, second, strict=True):
        a, b = host(a), host(b)
        meaningful = np.isfinite(b)  # where the body has NaN for a slope, any will do
        np.testing.assert_allclose(a[meaningful], b[meaningful], rtol=1e-4, atol=1e-5)


def test_a_key_decides_on_dropout() -> None:
    x = np.ones((50, 200), np.float32)
    first, again, other = (host(random.dropout(x, 0.3, seed=seed)) for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()
    np.testing.assert_allclose(np.unique(first), [0.0, 1 / 0.7], rtol=1e-6)
    for kept in (first != 0, other != 0):
        assert abs(kept.mean() - 0.7) < 0.02
    together = ((first != 0) & (other != 0)).mean()
    assert abs(together - 0.49) < 0.02  # independent


@pytest.mark.trains
def test_the_slope_of_dropout_is_its_choice() -> None:
    x = draw(4, 5)

    def loss(values: list[Any]) -> tuple[Any, list[Any]]:
        kept = random.dropout(values[0], 0.5, seed=3)
        return ops.sum(kept), [kept]

    (_, (kept,)), (slope,) = select.current().value_and_grad(loss)(tensors([x]))
    np.testing.assert_allclose(host(slope) * x, host(kept), rtol=1e-6)


def both(function: Any) -> tuple[Any, Any]:
    """What comes out with native forms and without."""
    with mock.patch.object(mechanism, "use_native", False):
        body = function()
    return function(), body


def results(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
