"""Rows of convolutions, with references that loop over positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from keratin.ops import nn
from keratin.testing.arrays import f32
from keratin.testing.ops.case import case, floating


def per_axis(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _same(size: int, extent: int, stride: int) -> tuple[int, int]:
    """Output size and padding before: TensorFlow's rule."""
    out = -(-size // stride)
    return out, max((out - 1) * stride + extent - size, 0) // 2


def loop_conv(
    x: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None, dilation_rate: Any = 1
) -> Any:
    """Each output from each position of the kernel that lies on the input."""
    if data_format == "channels_first":
        moved = loop_conv(np.moveaxis(x, 1, -1), kernel, strides, padding, None, dilation_rate)
        return np.moveaxis(moved, -1, 1)
    *window, size, filters = kernel.shape
    rank = len(window)
    strides, dilation = per_axis(strides, rank), per_axis(dilation_rate, rank)
    groups = x.shape[-1] // size
    plan = []
    for n, k, s, d in zip(x.shape[1:-1], window, strides, dilation, strict=True):
        extent = (k - 1) * d + 1
        plan.append(_same(n, extent, s) if padding == "same" else ((n - extent) // s + 1, 0))
    result = np.zeros((x.shape[0], *(out for out, _ in plan), filters))
    for place in np.ndindex(*(out for out, _ in plan)):
        for tap in np.ndindex(*window):
            source = tuple(
                i * s + t * d - before
                for i, s, t, d, (_, before) in zip(place, strides, tap, dilation, plan, strict=True)
            )
            if all(0 <= i < n for i, n in zip(source, x.shape[1:-1], strict=True)):
                for g in range(groups):
                    part = slice(g * filters // groups, (g + 1) * filters // groups)
                    result[(slice(None), *place, part)] += (
                        x[(slice(None), *source, slice(g * size, (g + 1) * size))] @ kernel[(*tap, slice(None), part)]
                    )
    return result


def loop_depthwise(x: Any, kernel: Any, *args: Any, **kwargs: Any) -> Any:
    return loop_conv(x, kernel.reshape(*kernel.shape[:-2], 1, -1), *args, **kwargs)


def loop_separable(x: Any, depthwise: Any, pointwise: Any, *args: Any, data_format: Any = None, **kwargs: Any) -> Any:
    return loop_conv(
        loop_depthwise(x, depthwise, *args, data_format=data_format, **kwargs), pointwise, data_format=data_format
    )


def loop_transpose(
    x: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    """Each input puts its multiple of the kernel; what falls outside of the result is dropped."""
    if data_format == "channels_first":
        moved = loop_transpose(np.moveaxis(x, 1, -1), kernel, strides, padding, output_padding, None, dilation_rate)
        return np.moveaxis(moved, -1, 1)
    *window, filters, _ = kernel.shape
    rank = len(window)
    strides, dilation = per_axis(strides, rank), per_axis(dilation_rate, rank)
    sizes, before = [], []
    for n, k, s, d in zip(x.shape[1:-1], window, strides, dilation, strict=True):
        extent = (k - 1) * d + 1
        if output_padding is None:
            size = n * s + (0 if padding == "same" else max(extent - s, 0))
        else:
            size = (n - 1) * s + extent - (2 * (extent // 2) if padding == "same" else 0) + output_padding
        sizes.append(size)
        before.append(max((n - 1) * s + extent - size, 0) // 2 if padding == "same" else 0)
    result = np.zeros((x.shape[0], *sizes, filters))
    for place in np.ndindex(*x.shape[1:-1]):
        for tap in np.ndindex(*window):
            target = tuple(
                i * s + t * d - b for i, s, t, d, b in zip(place, strides, tap, dilation, before, strict=True)
            )
            if all(0 <= i < n for i, n in zip(target, sizes, strict=True)):
                result[(slice(None), *target)] += x[(slice(None), *place)] @ kernel[tap].T
    return result


ROWS = [
    case(nn.conv, [f32(2, 5, 2), f32(3, 2, 4, seed=1)], loop_conv, dtype=floating, loose=True, batch=(0,)),
    case(
        nn.conv,
        [f32(2, 5, 4, 2), f32(2, 3, 1, 4, seed=1)],
        loop_conv,
        dtype=floating,
        loose=True,
        batch=(0,),
        strides=2,
        padding="same",
    ),
    case(
        nn.conv,
        [f32(1, 2, 4, 4), f32(2, 2, 2, 2, seed=1)],
        loop_conv,
        dtype=floating,
        loose=True,
        batch=(0,),
        data_format="channels_first",
        dilation_rate=2,
    ),
    case(
        nn.depthwise_conv,
        [f32(1, 4, 4, 2), f32(2, 2, 2, 2, seed=1)],
        loop_depthwise,
        dtype=floating,
        loose=True,
        batch=(0,),
        strides=2,
        padding="same",
    ),
    case(
        nn.separable_conv,
        [f32(1, 4, 2), f32(2, 2, 2, seed=1), f32(1, 4, 3, seed=2)],
        loop_separable,
        dtype=floating,
        loose=True,
        batch=(0,),
    ),
    case(
        nn.conv_transpose,
        [f32(2, 3, 2), f32(3, 4, 2, seed=1)],
        loop_transpose,
        dtype=floating,
        loose=True,
        batch=(0,),
        strides=2,
        padding="same",
    ),
    case(
        nn.conv_transpose,
        [f32(1, 2, 3, 3), f32(2, 2, 1, 2, seed=1)],
        loop_transpose,
        dtype=floating,
        loose=True,
        batch=(0,),
        strides=3,
        output_padding=1,
        data_format="channels_first",
    ),
]
