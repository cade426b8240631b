"""TensorFlow's own forms of composed ops, where one kernel does it, with the values and slopes of the body.

A form gives NotImplemented for arguments that it is not made for; the body runs then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.ops import gen_nn_ops

from keratin import config
from keratin.backends.tensorflow.facts import sizes
from keratin.backends.tensorflow.neural import conv, reduce_window

_WIDE = frozenset((tf.float32, tf.float64))


def _elementwise(function: Callable[..., Any]) -> Callable[..., Any]:
    """For floats that TensorFlow computes in their own precision."""

    def run(x: Any, *args: Any, **kwargs: Any) -> Any:
        return function(x, *args, **kwargs) if x.dtype.is_floating else NotImplemented

    return run


def _softmax(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any, axis: Any = -1) -> Any:
        if isinstance(axis, list | tuple) and len(axis) == 1:
            axis = axis[0]
        rank = len(x.shape)
        last = isinstance(axis, int) and rank and axis in (-1, rank - 1)
        if not last or x.dtype not in _WIDE or 0 in tuple(x.shape):
            return NotImplemented
        return function(x)

    return run


def _dense(x: Any, kernel: Any, bias: Any = None) -> Any:
    if len(x.shape) != 2 or len(kernel.shape) != 2 or not x.dtype.is_floating:
        return NotImplemented
    y = tf.raw_ops.MatMul(a=x, b=kernel)
    if bias is None:
        return y
    return gen_nn_ops.bias_add(y, bias) if len(bias.shape) == 1 else NotImplemented


def _biased_conv(
    inputs: Any,
    kernel: Any,
    bias: Any,
    strides: Any = 1,
    padding: Any = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """The bias added by its own kernel, whose gradient is one sum over rows."""
    given, window = tuple(inputs.shape), tuple(kernel.shape)
    rank = len(given) - 2
    if rank not in (1, 2, 3) or len(window) != rank + 2 or not inputs.dtype.is_floating or len(bias.shape) != 1:
        return NotImplemented
    first = config.standardize_data_format(data_format) == "channels_first"
    steps, dilation = ((part,) * rank if isinstance(part, int) else tuple(part) for part in (strides, dilation_rate))
    if first or padding not in ("valid", "same") or len(steps) != rank or len(dilation) != rank or None in given[1:]:
        return NotImplemented
    channels, size = given[-1], window[-2]
    if 0 in window or channels % size or window[-1] % (channels // size) or bias.shape[0] != window[-1]:
        return NotImplemented
    if min(*steps, *dilation) < 1 or (max(steps) > 1 and max(dilation) > 1):
        return NotImplemented
    if padding == "valid" and any(n <= (k - 1) * d for n, k, d in zip(given[1:-1], window[:-2], dilation, strict=True)):
        return NotImplemented
    pads: Any = "same" if padding == "same" else [(0, 0)] * rank
    y = conv(inputs, kernel, steps, pads, dilation, (1,) * rank, channels // size, False)
    return gen_nn_ops.bias_add(y, bias)


def _normalized_batch(x: Any, offset: Any, scale: Any, axis: int, epsilon: float) -> Any:
    """The fused kernel, which takes rows of channels as images of one column."""
    rank = len(x.shape)
    if x.dtype != tf.float32 or rank < 2 or axis not in (-1, rank - 1) or None in tuple(x.shape) or epsilon < 1.001e-5:
        return NotImplemented
    channels = x.shape[-1]
    count = (x.shape.num_elements() or 0) // max(channels, 1)
    if count < 2 or any(part is not None and tuple(part.shape) != (channels,) for part in (offset, scale)):
        return NotImplemented
    images = x if rank == 4 else tf.reshape(x, (count, 1, 1, channels))
    scale = tf.ones((channels,), x.dtype) if scale is None else scale
    offset = tf.zeros((channels,), x.dtype) if offset is None else offset
    y, mean, variance = tf.compat.v1.nn.fused_batch_norm(images, scale, offset, epsilon=epsilon)
    variance = variance * tf.constant((count - 1) / count, x.dtype)  # the kernel gives that of the population
    y = y if rank == 4 else tf.reshape(y, x.shape)
    return y, tf.stop_gradient(mean), tf.stop_gradient(variance)


def _dropout(inputs: Any, key: Any, rate: float, shape: Sequence[Any]) -> Any:
    """The choice is made by TensorFlow's generator, from the key."""
    if not inputs.dtype.is_floating:
        return NotImplemented
    drawn = tf.random.stateless_uniform(sizes(shape), tf.bitcast(key, tf.int32), dtype=tf.float32)
    return tf.where(drawn >= rate, inputs * tf.constant(1 / (1 - rate), inputs.dtype), tf.zeros((), inputs.dtype))


def _max_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """The kernel: the body's maximum over blocks has a slow gradient here."""
    given = tuple(inputs.shape)
    rank = len(given) - 2
    first = config.standardize_data_format(data_format) == "channels_first"
    window, steps = (
        (part,) * rank if isinstance(part, int) else tuple(part)
        for part in (pool_size, pool_size if strides is None else strides)
    )
    spatial = given[2:] if first else given[1:-1]
    if (
        padding not in ("valid", "same")
        or rank not in (1, 2, 3)
        or len(window) != rank
        or len(steps) != rank
        or not inputs.dtype.is_floating
        or any(size is None or size < least for size, least in zip(spatial, window, strict=True))
        or min(*window, *steps) < 1
    ):
        return NotImplemented
    lead, end = ((1, 1), ()) if first else ((1,), (1,))
    pads: Any = "same" if padding == "same" else [(0, 0)] * (rank + 2)
    return reduce_window(inputs, "max", (*lead, *window, *end), (*lead, *steps, *end), pads)


native: dict[str, Callable[..., Any]] = {
    "relu": _elementwise(gen_nn_ops.relu),
    "relu6": _elementwise(gen_nn_ops.relu6),
    "leaky_relu": _elementwise(lambda x, negative_slope=0.2: tf.nn.leaky_relu(x, negative_slope)),
    "elu": _elementwise(lambda x, alpha=1.0: gen_nn_ops.elu(x) if alpha == 1.0 else NotImplemented),
    "softplus": _elementwise(gen_nn_ops.softplus),
    "softmax": _softmax(gen_nn_ops.softmax),
    "log_softmax": _softmax(gen_nn_ops.log_softmax),
    "normalized_batch": _normalized_batch,
    "dense": _dense,
    "biased_conv": _biased_conv,
    "max_pool": _max_pool,
    "keyed_dropout": _dropout,
}
