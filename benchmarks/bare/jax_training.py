"""Training loops as bare JAX: an epoch is one `lax.scan` over rows gathered on the device, with donated state."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks import data
from benchmarks.contenders import Contender
from benchmarks.timing import Timed
from benchmarks.workloads import training

Parameters = dict[str, jax.Array]
Loss = Callable[[Parameters, jax.Array, jax.Array, jax.Array], jax.Array]  # parameters, x, y, key

# Convolutions of jaxlib 0.10 for the CPU run twice as quickly without YNNPACK.
WITHOUT_YNNPACK = {"xla_cpu_experimental_ynn_fusion_type": ""}


def tiny(contender: Contender) -> Timed:
    """8-16-1 with relu between, mean squared error."""

    def loss(parameters: Parameters, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
        return jnp.mean(jnp.square(_dense_stack(parameters, x, 2) - y))

    arrays = data.regression(training.TINY_ROWS)
    return _epochs(loss, _dense_parameters(8, 16, 1), arrays, training.TINY_BATCH, training.TINY_EPOCHS)


def mlp(contender: Contender) -> Timed:
    """784-512-512-10 with relu between, cross-entropy (the accuracy is left out)."""

    def loss(parameters: Parameters, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
        return _cross_entropy(_dense_stack(parameters, x, 3), y)

    arrays = data.classification(training.MLP_ROWS, (784,))
    return _epochs(loss, _dense_parameters(784, 512, 512, 10), arrays, training.MLP_BATCH, training.MLP_EPOCHS)


def cnn(contender: Contender) -> Timed:
    """Two convolutions with relu and pooling, dropout, cross-entropy; without YNNPACK on a CPU."""

    def loss(parameters: Parameters, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
        for layer in "01":
            x = _convolution(x, parameters["filter" + layer]) + parameters["offset" + layer]
            x = _max_pool(jax.nn.relu(x))
        x = x.reshape(len(x), -1)
        keep = jax.random.bernoulli(key, 0.5, x.shape)
        return _cross_entropy(_dense_stack(parameters, jnp.where(keep, 2.0 * x, 0.0), 1), y)

    generator = np.random.default_rng(0)
    filters = {"filter0": (3, 3, 1, 32), "filter1": (3, 3, 32, 64)}
    parameters = {name: jnp.asarray(_glorot(generator, shape)) for name, shape in filters.items()}
    parameters |= {"offset0": jnp.zeros(32), "offset1": jnp.zeros(64)} | _dense_parameters(1600, 10)
    arrays = data.classification(training.CNN_ROWS, (28, 28, 1))
    options = WITHOUT_YNNPACK if jax.default_backend() == "cpu" else None
    return _epochs(loss, parameters, arrays, training.CNN_BATCH, training.CNN_EPOCHS, options)


def _epochs(
    loss: Loss,
    parameters: Parameters,
    arrays: data.Arrays,
    batch_size: int,
    epochs: int,
    compiler_options: dict[str, Any] | None = None,
) -> Timed:
    """Epochs of Adam over shuffled batches; each epoch's mean loss is read, as `fit` does."""
    x, y = map(jnp.asarray, arrays)
    steps = len(x) // batch_size
    zeros = {name: jnp.zeros_like(value) for name, value in parameters.items()}
    state = (parameters, zeros, {name: value.copy() for name, value in zeros.items()}, jnp.zeros((), jnp.int32))
    key = jax.random.key(0)
    generator = np.random.default_rng(0)

    @partial(jax.jit, donate_argnums=0, compiler_options=compiler_options)
    def epoch(state: Any, x: jax.Array, y: jax.Array, order: jax.Array) -> tuple[Any, jax.Array]:
        def step(carry: tuple[Any, jax.Array], rows: jax.Array) -> tuple[tuple[Any, jax.Array], None]:
            (values, means, squares, count), total = carry
            value, gradients = jax.value_and_grad(loss)(values, x[rows], y[rows], jax.random.fold_in(key, count))
            return (_adam(values, gradients, means, squares, count + 1), total + value), None

        (state, total), _ = lax.scan(step, (state, jnp.zeros(())), order)
        return state, total / steps

    def action() -> None:
        nonlocal state
        for _ in range(epochs):
            order = generator.permutation(len(x))[: steps * batch_size].astype(np.int32).reshape(steps, batch_size)
            state, mean = epoch(state, x, y, order)
            float(mean)

    return Timed(action, count=steps * epochs)


def _adam(values: Parameters, gradients: Parameters, means: Parameters, squares: Parameters, count: jax.Array) -> Any:
    """One update.  Source: Kingma & Ba 2015, arXiv:1412.6980, the order of computation at the end of section 2."""
    time = count.astype(jnp.float32)
    rate = 1e-3 * jnp.sqrt(1 - 0.999**time) / (1 - 0.9**time)
    means = {name: m + 0.1 * (gradients[name] - m) for name, m in means.items()}
    squares = {name: s + 0.001 * (jnp.square(gradients[name]) - s) for name, s in squares.items()}
    values = {name: v - rate * means[name] / (jnp.sqrt(squares[name]) + 1e-7) for name, v in values.items()}
    return values, means, squares, count


def _dense_parameters(*sizes: int) -> Parameters:
    generator = np.random.default_rng(0)
    parameters: Parameters = {}
    for index, shape in enumerate(pairwise(sizes)):
        parameters[f"kernel{index}"] = jnp.asarray(_glorot(generator, shape))
        parameters[f"bias{index}"] = jnp.zeros(shape[1])
    return parameters


def _glorot(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    fan_in, fan_out = np.prod(shape[:-1]), np.prod(shape[:-2]) * shape[-1]
    limit = np.sqrt(6 / (fan_in + fan_out))
    return generator.uniform(-limit, limit, shape).astype(np.float32)


def _dense_stack(parameters: Parameters, x: jax.Array, depth: int) -> jax.Array:
    for index in range(depth):
        x = x @ parameters[f"kernel{index}"] + parameters[f"bias{index}"]
        x = jax.nn.relu(x) if index < depth - 1 else x
    return x


def _cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1))


@jax.custom_vjp
def _convolution(x: jax.Array, filters: jax.Array) -> jax.Array:
    """A 'valid' convolution whose gradients are convolutions of the same layout, with the transposes spelled out.

    XLA for the CPU brings convolutions into the layout of its quick kernel in the entry computation only. In a loop,
    JAX's own gradients keep theirs and run a naive kernel: 600 ms for a step that takes 20 here.
    Source: https://github.com/jax-ml/jax/issues/12868
    """
    return _channels_last(x, filters, "VALID")


def _convolution_forward(x: jax.Array, filters: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _channels_last(x, filters, "VALID"), (x, filters)


def _convolution_backward(saved: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, filters = saved  # (batch, height, width, inputs), (rows, columns, inputs, outputs)
    border = [(size - 1, size - 1) for size in filters.shape[:2]]
    x_gradient = _channels_last(gradient, jnp.flip(filters, (0, 1)).swapaxes(2, 3), border)
    swapped = _channels_last(x.transpose(3, 1, 2, 0), gradient.transpose(1, 2, 0, 3), "VALID")
    return x_gradient, swapped.transpose(1, 2, 0, 3)  # from (inputs, rows, columns, outputs)


_convolution.defvjp(_convolution_forward, _convolution_backward)


def _channels_last(x: jax.Array, filters: jax.Array, padding: Any) -> jax.Array:
    return lax.conv_general_dilated(x, filters, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _max_pool(x: jax.Array) -> jax.Array:
    """2x2, not overlapping: a reshape and a reduction, whose gradient is far quicker than `reduce_window`'s."""
    batch, height, width, channels = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    return x.reshape(batch, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
