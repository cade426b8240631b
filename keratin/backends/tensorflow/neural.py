"""Convolutions and windows.

TensorFlow's kernels for the CPU know channels-last images only, no gradient of a dilated convolution in two dimensions,
and none of a grouped one; all of these are brought to what there is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from keratin import shapes
from keratin.backends.tensorflow.facts import EagerTensor, mapping, number, shape, sizes, unknown


def conv(
    x: Any,
    kernel: Any,
    strides: Any,
    padding: Any,
    dilation: Any,
    input_dilation: Any,
    groups: int,
    channels_first: bool,
) -> Any:
    if channels_first:
        result = conv(_channels_last(x), kernel, strides, padding, dilation, input_dilation, groups, False)
        return _channels_first(result)
    rank = len(strides)
    if rank == 1:  # an image of height 1
        if padding != "same":
            padding = [(0, 0), *padding]
        wide = ((1, *strides), padding, (1, *dilation), (1, *input_dilation))
        return tf.squeeze(conv(tf.expand_dims(x, 1), tf.expand_dims(kernel, 0), *wide, groups, False), [1])
    if rank == 3 and x.dtype in (tf.float16, tf.float64):  # no kernel for the gradients
        wide = (tf.cast(part, tf.float32) for part in (x, kernel))
        return tf.cast(conv(*wide, strides, padding, dilation, input_dilation, groups, False), x.dtype)
    if padding != "same" and any(step > 1 for step in input_dilation):
        if groups == 1 and rank == 2 and set(strides) == {1} and set(dilation) == {1}:
            return _transposed(x, kernel, padding, input_dilation)
        x = _spread(x, input_dilation)
    x, mode = _padded(x, kernel, strides, padding, dilation)
    if groups > 1:
        return _grouped(x, kernel, strides, mode, dilation, groups)
    return _convolution(x, kernel, strides, mode, dilation)


def _convolution(x: Any, kernel: Any, strides: Any, mode: str, dilation: Any) -> Any:
    if len(strides) == 3:
        return tf.nn.conv3d(x, kernel, (1, *strides, 1), mode, dilations=(1, *dilation, 1))

    def plain(x: Any, **unused: Any) -> Any:
        return tf.nn.conv2d(x, kernel, strides, mode)

    return _dilated(plain, x, kernel, strides, mode, dilation)


def _dilated(plain: Callable[..., Any], x: Any, kernel: Any, strides: Any, mode: str, dilation: Any) -> Any:
    """A dilated convolution as plain ones over every d-th row and column, or with zeros in the kernel."""
    if set(dilation) == {1}:
        return plain(x)
    if set(strides) == {1}:
        # The batch and the channels have known places; only the images' sizes change.
        return tf.nn.with_space_to_batch(
            x,
            list(dilation),
            mode,
            lambda parts, *unused: tf.nn.conv2d(parts, kernel, 1, "VALID"),
            filter_shape=list(kernel.shape[:2]),
            spatial_dims=[1, 2],
        )
    spread = _spread(tf.expand_dims(kernel, 0), (*dilation, 1))[0]
    return tf.nn.conv2d(x, spread, strides, mode)


def _grouped(x: Any, kernel: Any, strides: Any, mode: str, dilation: Any, groups: int) -> Any:
    plain = len(strides) == 2 and len(set(strides)) == 1 and 1 in (max(strides), max(dilation))
    if plain and kernel.shape[-2] == 1 and x.shape[-1] == groups:
        depthwise = tf.reshape(kernel, (*kernel.shape[:-2], groups, kernel.shape[-1] // groups))
        return tf.nn.depthwise_conv2d(x, depthwise, (1, *strides, 1), mode, dilations=list(dilation))
    parts = zip(tf.split(x, groups, -1), tf.split(kernel, groups, -1), strict=True)
    return tf.concat([_convolution(part, weights, strides, mode, dilation) for part, weights in parts], -1)


def _transposed(x: Any, kernel: Any, padding: Any, steps: Any) -> Any:
    """The gradient of a convolution with strides: nothing is multiplied by the zeros between the elements."""
    windows = kernel.shape[:2]
    batch, *lengths, _ = shape(x)
    out = [(n - 1) * s + 1 + a + b - k + 1 for n, s, (a, b), k in zip(lengths, steps, padding, windows, strict=True)]
    # The convolution that has x as result pads by k - 1 - a before; where that is less than 0, rows are cut instead.
    before = [k - 1 - a for k, (a, _) in zip(windows, padding, strict=True)]
    after = [(n - 1) * s + k - o - f for n, s, k, o, f in zip(lengths, steps, windows, out, before, strict=True)]
    if unknown(after) or min(*before, *after) < 0:
        return _convolution(_shifted(_spread(x, steps), padding), kernel, (1, 1), "VALID", (1, 1))
    turned = tf.transpose(tf.reverse(kernel, [0, 1]), (0, 1, 3, 2))
    pads = [[0, 0], *([f, a] for f, a in zip(before, after, strict=True)), [0, 0]]
    return tf.nn.conv2d_transpose(x, turned, sizes((batch, *out, kernel.shape[-1])), steps, pads)


def _spread(x: Any, steps: Sequence[int]) -> Any:
    """Zeros put between the elements."""
    for axis, step in enumerate(steps, start=1):
        if step > 1:
            before = shape(x)
            widths = [[0, 0]] * (len(before) + 1)
            widths[axis + 1] = [0, step - 1]
            x = tf.pad(tf.expand_dims(x, axis + 1), widths)
            x = tf.reshape(x, sizes((*before[:axis], before[axis] * step, *before[axis + 1 :])))
            x = x[(slice(None),) * axis + (slice(None, -(step - 1)),)]
    return x


def _padded(x: Any, kernel: Any, strides: Any, padding: Any, dilation: Any) -> tuple[Any, str]:
    if padding == "same":
        return x, "SAME"
    if all(tuple(pair) == (0, 0) for pair in padding):
        return x, "VALID"
    lengths = x.shape[1:-1]
    if None not in lengths and all(
        tuple(pair) == shapes.same_padding(*rest)
        for pair, *rest in zip(padding, lengths, kernel.shape, strides, dilation, strict=False)
    ):
        return x, "SAME"
    return _shifted(x, padding), "VALID"


def _shifted(x: Any, padding: Any) -> Any:
    """Zeros around; negative padding cuts."""
    if any(max(pair) > 0 for pair in padding):
        x = tf.pad(x, [[0, 0], *([max(a, 0), max(b, 0)] for a, b in padding), [0, 0]])
    if any(min(pair) < 0 for pair in padding):
        x = x[(slice(None), *(slice(max(-a, 0), min(b, 0) or None) for a, b in padding))]
    return x


def _channels_last(x: Any) -> Any:
    return tf.transpose(x, (0, *range(2, len(x.shape)), 1))


def _channels_first(x: Any) -> Any:
    return tf.transpose(x, (0, len(x.shape) - 1, *range(1, len(x.shape) - 1)))


# ---- windows


def reduce_window(x: Any, kind: str, window: Any, strides: Any, padding: Any) -> Any:
    axes = [i for i, (w, s) in enumerate(zip(window, strides, strict=True)) if (w, s) != (1, 1)]
    if padding != "same":
        axes = sorted({*axes, *(i for i, pair in enumerate(padding) if tuple(pair) != (0, 0))})
    if not axes:
        return tf.identity(x)
    if x.dtype.is_floating and len(axes) <= 3 and len(x.shape) - len(axes) >= 1:
        return _pooled(x, kind, axes, window, strides, padding)
    return _by_offsets(x, kind, window, strides, padding)


def _pooled(x: Any, kind: str, axes: list[int], window: Any, strides: Any, padding: Any) -> Any:
    """By the kernels for pooling: windows on two or three axes between a batch axis and a channel axis."""
    rank = len(x.shape)
    others = [i for i in range(rank) if i not in axes]
    order = [*others[:-1], *axes, others[-1]]
    before = shape(x)
    if order != list(range(rank)):
        x = tf.transpose(x, order)
    moved = shape(x)
    lead = shapes.size(moved[: len(others) - 1])
    count = max(2, len(axes))
    ones = [1] * (count - len(axes))
    x = tf.reshape(x, sizes((lead, *ones, *(before[i] for i in axes), before[others[-1]])))
    size, steps = [*ones, *(window[i] for i in axes)], [*ones, *(strides[i] for i in axes)]
    pads: Any = "same" if padding == "same" else [*((0, 0) for _ in ones), *(tuple(padding[i]) for i in axes)]
    result = _pool(x, kind, size, steps, pads)
    inner = shape(result)[1:-1][len(ones) :]
    result = tf.reshape(result, sizes((*moved[: len(others) - 1], *inner, before[others[-1]])))
    if order != list(range(rank)):
        result = tf.transpose(result, [order.index(i) for i in range(rank)])
    return result


def _pool(x: Any, kind: str, window: list[int], strides: list[int], padding: Any) -> Any:
    kinds = (tf.float16, tf.float64) if len(window) == 3 else ()
    given = x.dtype
    if given in kinds or (kind == "sum" and given in (tf.float16, tf.bfloat16)):
        x = tf.cast(x, tf.float32)
    if kind == "sum":  # padding counts as 0 in the average
        if padding == "same":
            pairs = [_same(n, w, s) for n, w, s in zip(shape(x)[1:-1], window, strides, strict=True)]
        else:
            pairs = padding
        x = tf.pad(x, [[0, 0], *map(list, pairs), [0, 0]])
        pool = tf.nn.avg_pool2d if len(window) == 2 else tf.nn.avg_pool3d
        result = pool(x, window, strides, "VALID") * tf.constant(math.prod(window), x.dtype)
    else:
        pool = tf.nn.max_pool2d if len(window) == 2 else tf.nn.max_pool3d
        if padding == "same":
            result = pool(x, window, strides, "SAME")
        else:
            if any(pair != (0, 0) for pair in padding):
                least = tf.constant(-math.inf, x.dtype)
                x = tf.pad(x, [[0, 0], *map(list, padding), [0, 0]], constant_values=least)
            result = pool(x, window, strides, "VALID")
        result = _mended(result, x, window, strides, "SAME" if padding == "same" else "VALID")
    return tf.cast(result, given)


def _mended(result: Any, x: Any, window: list[int], strides: list[int], mode: str) -> Any:
    """The greatest of a window where it is -inf or NaN: the kernel begins with the least number, and skips NaN."""
    lowest = tf.constant(x.dtype.min, x.dtype)
    result = tf.where(tf.equal(result, lowest), tf.constant(-math.inf, x.dtype), result)
    x = tf.stop_gradient(x)
    pool = tf.nn.avg_pool2d if len(window) == 2 else tf.nn.avg_pool3d

    def poison() -> Any:
        missing = tf.where(tf.math.is_nan(x), tf.constant(math.nan, x.dtype), tf.zeros((), x.dtype))
        return pool(missing, window, strides, mode)

    if mapping.active:
        return result + poison()
    found = tf.math.is_nan(tf.reduce_max(x))  # one pass where there is none
    if isinstance(found, EagerTensor):
        return result + poison() if bool(found) else result
    return result + tf.cond(found, poison, lambda: tf.zeros_like(result))


def _same(length: Any, window: int, stride: int) -> Any:
    if isinstance(length, int) or stride == 1:
        return shapes.same_padding(length, window, stride)
    total = tf.maximum(number((-(-length // stride) - 1) * stride + window - length), 0)
    return tf.stack([total // 2, total - total // 2])


def _by_offsets(x: Any, kind: str, window: Any, strides: Any, padding: Any) -> Any:
    """One strided slice for each place in the window."""
    if padding == "same":
        padding = [_same(n, w, s) for n, w, s in zip(shape(x), window, strides, strict=True)]
    least: Any = 0
    if kind == "max":
        least = x.dtype.min if x.dtype.is_integer else -math.inf
    x = tf.pad(x, [list(pair) for pair in padding], constant_values=tf.constant(least, x.dtype))
    counts = [(n - w) // s + 1 for n, w, s in zip(shape(x), window, strides, strict=True)]
    result: Any = None
    for offset in itertools.product(*map(range, window)):
        places = zip(offset, counts, strides, strict=True)
        part = x[tuple(slice(o, number(o + (n - 1) * s + 1), s) for o, n, s in places)]
        result = part if result is None else tf.maximum(result, part) if kind == "max" else result + part
    return result
