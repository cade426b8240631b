"""Convolutions and pooling on PyTorch, which wants channels first by shape, and channels last in memory for speed.

A transposed view of a channels-last tensor is just that, so nothing is moved.  One spatial axis is run as two, since
only tensors of rank 4 and 5 have that memory format.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from keratin import shapes
from keratin.backends.torch.unsigned import FLOAT8, ODD, read, written

_CONV = {2: torch.conv2d, 3: torch.conv3d}
_TRANSPOSED = {2: torch.conv_transpose2d, 3: torch.conv_transpose3d}
_FLOAT = frozenset((torch.float16, torch.bfloat16, torch.float32, torch.float64))


def conv(
    x: Any,
    kernel: Any,
    strides: Sequence[int],
    padding: Any,
    dilation: Sequence[int],
    input_dilation: Sequence[int],
    groups: int,
    channels_first: bool,
    bias: Any = None,
) -> Any:
    """Args: bias: of the filters; for floats without dilation of the input."""
    if x.dtype not in _FLOAT:
        wide = torch.float32 if x.dtype in FLOAT8 else torch.float64  # integers up to 2 ** 53 are exact
        result = conv(
            x.to(wide), kernel.to(wide), strides, padding, dilation, input_dilation, groups, channels_first
        )  # fmt: skip
        return result.to(x.dtype)
    rank = len(strides)
    sizes = x.shape[2:] if channels_first else x.shape[1:-1]
    if padding == "same":
        padding = tuple(map(shapes.same_padding, sizes, kernel.shape, strides, dilation))
    if any(step != 1 for step in input_dilation):
        if any(step != 1 for step in strides):
            return _spread_first(x, kernel, strides, padding, dilation, input_dilation, groups, channels_first)
        extents = [(k - 1) * d for k, d in zip(kernel.shape, dilation, strict=False)]
        cuts = [(extent - before, extent - after) for extent, (before, after) in zip(extents, padding, strict=True)]
        mirrored = torch.flip(kernel, tuple(range(rank)))
        split = mirrored.reshape(*kernel.shape[:-1], groups, kernel.shape[-1] // groups)
        weight = split.permute(rank + 1, rank, rank + 2, *range(rank)).flatten(0, 1)
        return transposed_conv(x, weight, input_dilation, cuts, dilation, groups, channels_first)
    weight = kernel.permute(rank + 1, rank, *range(rank))
    x, around = _padded(channels_before(x, channels_first), padding, 0)
    if rank == 1:
        result = torch.conv2d(
            x.unsqueeze(2), weight.unsqueeze(2), bias, (1, *strides), (0, *around), (1, *dilation), groups
        ).squeeze(2)  # fmt: skip
    else:
        result = _CONV[rank](x, weight, bias, tuple(strides), around, tuple(dilation), groups)
    return channels_after(result, channels_first)


def channels_before(x: Any, channels_first: bool) -> Any:
    """A view with the channels on axis 1."""
    return x if channels_first else x.permute(0, x.ndim - 1, *range(1, x.ndim - 1))


def channels_after(x: Any, channels_first: bool) -> Any:
    """Back from `channels_before`."""
    return x if channels_first else x.permute(0, *range(2, x.ndim), 1)


def _padded(x: Any, padding: Sequence[tuple[int, int]], value: Any) -> tuple[Any, tuple[int, ...]]:
    """`x` (channels first), and the padding on both sides that is left for the kernel itself to add."""
    around = tuple(max(min(before, after), 0) for before, after in padding)
    flat: list[int] = []
    for (before, after), common in zip(reversed(list(padding)), reversed(around), strict=True):
        flat += [before - common, after - common]  # what is negative cuts
    return (torch.constant_pad_nd(x, flat, value) if any(flat) else x), around


def _spread_first(
    x: Any, kernel: Any, strides: Any, padding: Any, dilation: Any, input_dilation: Any, groups: int, first: bool
) -> Any:
    """With steps of the input and of the window: zeros are put between the elements."""
    axes = range(2, x.ndim) if first else range(1, x.ndim - 1)
    for axis, step in zip(axes, input_dilation, strict=True):
        if step != 1:
            zeros = x.new_zeros((*x.shape[: axis + 1], step - 1, *x.shape[axis + 1 :]))
            spread = torch.cat([x.unsqueeze(axis + 1), zeros], axis + 1).flatten(axis, axis + 1)
            x = spread.narrow(axis, 0, spread.shape[axis] - step + 1)
    return conv(x, kernel, strides, padding, dilation, (1,) * len(strides), groups, first)


def transposed_conv(
    x: Any,
    weight: Any,
    strides: Sequence[int],
    cuts: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    groups: int,
    channels_first: bool,
) -> Any:
    """Each element puts a multiple of the kernel (in, out / groups, *window); `cuts` is left out at both ends.

    A negative cut adds zeros: the full result is 0 beyond its ends.
    """
    x = channels_before(x, channels_first)
    rank = len(strides)
    inside, extra, rest = [], [], []
    for (before, after), step, spacing in zip(cuts, strides, dilation, strict=True):
        common = max(before, 0)
        more = common - after
        if not 0 <= more < max(step, spacing):
            common = max(min(before, after), 0)
            more = 0
        inside.append(common)
        extra.append(more)
        rest.append((common - before, common - more - after))
    if rank == 1:
        result = torch.conv_transpose2d(
            x.unsqueeze(2), weight.unsqueeze(2), None, (1, *strides), (0, *inside), (0, *extra), groups, (1, *dilation)
        ).squeeze(2)  # fmt: skip
    else:
        result = _TRANSPOSED[rank](x, weight, None, tuple(strides), inside, extra, groups, tuple(dilation))
    flat = [n for pair in reversed(rest) for n in pair]
    return channels_after(torch.constant_pad_nd(result, flat, 0) if any(flat) else result, channels_first)


# ---- pooling


def reduce_window(x: Any, kind: str, window: Sequence[int], strides: Sequence[int], padding: Any) -> Any:
    if padding == "same":
        padding = tuple(map(shapes.same_padding, x.shape, window, strides))
    if x.dtype in ODD:
        ordered = kind == "max"
        return written(reduce_window(read(x, x.dtype, ordered), kind, window, strides, padding), x.dtype, ordered)
    first = _layout(x, window, strides, padding)
    if first is None or x.dtype not in _FLOAT:
        return _unfolded(x, kind, window, strides, padding)
    spatial = slice(2, None) if first else slice(1, -1)
    return pooled(x, kind, window[spatial], strides[spatial], padding[spatial], first)


def _layout(x: Any, window: Any, strides: Any, padding: Any) -> bool | None:
    """Whether channels come first, if the windows leave the batch and the channels alone; else None."""
    alone = [w == s == 1 and tuple(p) == (0, 0) for w, s, p in zip(window, strides, padding, strict=True)]
    if x.ndim not in (3, 4, 5) or not alone[0]:
        return None
    return False if alone[-1] else True if alone[1] else None


def pooled(
    x: Any, kind: str, window: Sequence[int], strides: Sequence[int], padding: Sequence[tuple[int, int]], first: bool
) -> Any:
    """By PyTorch's own pooling.  Args: kind: "max", "sum" or "mean" (of what is no padding)."""
    x = channels_before(x, first)
    even = all(before == after and 2 * before <= w for w, (before, after) in zip(window, padding, strict=True))
    if even:
        around = tuple(before for before, _ in padding)
    else:
        flat = [n for pair in reversed(list(padding)) for n in pair]
        x, around = torch.constant_pad_nd(x, flat, -math.inf if kind == "max" else 0), (0,) * len(window)
    if len(window) == 1:
        return channels_after(
            _pooled(x.unsqueeze(2), kind, (1, *window), (1, *strides), (0, *around)).squeeze(2), first
        )  # fmt: skip
    return channels_after(_pooled(x, kind, tuple(window), tuple(strides), around), first)


def _pooled(x: Any, kind: str, window: Any, strides: Any, around: Any) -> Any:
    flat = len(window) == 2
    if kind == "max":
        return (torch.max_pool2d if flat else torch.max_pool3d)(x, window, strides, around)
    if not flat and x.device.type == "cpu" and x.dtype in (torch.float16, torch.bfloat16):  # which it has not
        return _pooled(x.to(torch.float32), kind, window, strides, around).to(x.dtype)
    pool = torch.nn.functional.avg_pool2d if flat else torch.nn.functional.avg_pool3d
    if kind == "mean":
        return pool(x, window, strides, around, False, False)
    return pool(x, window, strides, around, False, True, divisor_override=1)


def _unfolded(x: Any, kind: str, window: Any, strides: Any, padding: Any) -> Any:
    """Over any axes, and of integers."""
    least: Any = 0
    if kind == "max":
        least = -math.inf if x.is_floating_point() else torch.iinfo(x.dtype).min
    flat = [n for pair in reversed(list(padding)) for n in pair]
    rank = x.ndim
    if any(flat):
        x = torch.constant_pad_nd(x, flat, least)
    for axis, (w, s) in enumerate(zip(window, strides, strict=True)):
        if w != 1 or s != 1:
            x = x.unfold(axis, w, s)
    inner = tuple(range(rank, x.ndim))
    if not inner:
        return x
    return torch.amax(x, inner) if kind == "max" else torch.sum(x, inner, dtype=x.dtype)
