"""Convolutions of one, two and three spatial axes, plain, depthwise, separable and transposed.

Kernels are laid out as Keras's: `(*size, in, out)`, depthwise `(*size, in, multiplier)`, transposed `(*size, out, in)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keratin import config, shapes
from keratin.backends import primitives as p
from keratin.errors import ArgumentError, ShapeError
from keratin.ops.mechanism import Tensor, TensorLike, op

__all__ = ["conv", "depthwise_conv", "separable_conv", "conv_transpose"]


@op(tensors=2, promote="float")
def conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Tensor:
    """Slide `kernel` over `inputs` (a cross-correlation).

    Args:
        kernel: `(*size, channels / groups, filters)`: its channels tell how many groups there are.
        padding: "valid", or "same" for an output of size `ceil(size / stride)`, the odd position after.
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
        dilation_rate: distance between the kernel's elements.
    Shape: (batch, *spatial, channels) -> (batch, *spatial, filters), or channels first.
    Raises: ShapeError, ArgumentError.

    >>> conv([[[1.0], [2.0], [3.0]]], [[[1.0]], [[1.0]]]).tolist()
    [[[3.0], [5.0]]]
    """
    channels_first, rank = _layout(inputs, kernel, data_format, "conv")
    strides, dilation = _steps(strides, dilation_rate, rank)
    padding = _padding(padding, inputs, kernel, strides, dilation, channels_first)
    channels, size = _channels(inputs, channels_first), p.shape(kernel)[-2]
    groups = 1
    if isinstance(channels, int) and isinstance(size, int):
        if size == 0 or channels % size:
            raise ShapeError(
                "The channels of the input do not divide into groups of the kernel's.",
                where="conv",
                expected=f"a multiple of {size} channels for a kernel of shape {tuple(p.shape(kernel))}",
                received=f"{channels} channels in {tuple(p.shape(inputs))}",
                hint=_layout_hint(inputs, channels_first, size),
            )
        groups = channels // size
    return p.conv(inputs, kernel, strides, padding, dilation, (1,) * rank, groups, channels_first)


@op(tensors=3, promote="float")
def biased_conv(
    inputs: TensorLike,
    kernel: TensorLike,
    bias: TensorLike,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Tensor:
    """`conv` plus a number for each filter: what a layer computes, as one op for the backends that have it as one.

    Args: as in `conv`; bias: (filters,).
    Shape: as in `conv`.  Raises: ShapeError, ArgumentError.

    >>> biased_conv([[[1.0], [2.0], [3.0]]], [[[1.0]], [[1.0]]], [0.5]).tolist()
    [[[3.5], [5.5]]]
    """
    y = conv(inputs, kernel, strides, padding, data_format, dilation_rate)
    if config.standardize_data_format(data_format) == "channels_first":
        bias = p.reshape(bias, (*p.shape(bias), *(1,) * (len(p.shape(y)) - 2)))
    return p.add(y, bias)


@op(tensors=2, promote="float")
def depthwise_conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Tensor:
    """Slide a kernel of its own over each channel.

    Args:
        kernel: `(*size, channels, multiplier)`.
        padding, data_format, dilation_rate: as in `conv`.
    Shape: (batch, *spatial, channels) -> (batch, *spatial, channels * multiplier), or channels first.
    Raises: ShapeError, ArgumentError.

    >>> depthwise_conv([[[1.0, 10.0], [2.0, 20.0]]], [[[1.0], [1.0]], [[1.0], [1.0]]]).tolist()
    [[[3.0, 30.0]]]
    """
    channels_first, rank = _layout(inputs, kernel, data_format, "depthwise_conv")
    strides, dilation = _steps(strides, dilation_rate, rank)
    padding = _padding(padding, inputs, kernel, strides, dilation, channels_first)
    *window, size, multiplier = p.shape(kernel)
    channels = _channels(inputs, channels_first)
    if channels is not None and size is not None and channels != size:
        raise ShapeError(
            "The number of channels does not fit the kernel.",
            where="depthwise_conv",
            expected=f"{size} channels for a kernel of shape {tuple(p.shape(kernel))}",
            received=f"{channels} channels in {tuple(p.shape(inputs))}",
            hint=_layout_hint(inputs, channels_first, size),
        )
    flat = p.reshape(kernel, (*window, 1, shapes.size((size, multiplier))))
    groups = channels if size is None else size
    return p.conv(inputs, flat, strides, padding, dilation, (1,) * rank, groups, channels_first)


@op(tensors=3, promote="float")
def separable_conv(
    inputs: TensorLike,
    depthwise_kernel: TensorLike,
    pointwise_kernel: TensorLike,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Tensor:
    """A depthwise convolution, and a convolution of size 1 that mixes the channels.

    Args:
        depthwise_kernel: `(*size, channels, multiplier)`.
        pointwise_kernel: `(1, ..., channels * multiplier, filters)`.
        padding, data_format, dilation_rate: as in `conv`.
    Shape: (batch, *spatial, channels) -> (batch, *spatial, filters), or channels first.
    Raises: ShapeError, ArgumentError.  Source: Chollet 2016, arXiv:1610.02357.

    >>> separable_conv([[[1.0], [2.0]]], [[[1.0]], [[1.0]]], [[[5.0, 7.0]]]).tolist()
    [[[15.0, 21.0]]]
    """
    depthwise = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(depthwise, pointwise_kernel, 1, "valid", data_format)


@op(tensors=2, promote="float")
def conv_transpose(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    output_padding: int | Sequence[int] | None = None,
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Tensor:
    """The gradient of `conv` with respect to its input: each element of the input puts a multiple of the kernel.

    Args:
        kernel: `(*size, filters, channels)`.
        padding: "valid" for size `n * stride + max(extent - stride, 0)`, "same" for size `n * stride`.
        output_padding: positions added at the end to the size `(n - 1) * stride + extent` ("valid"), from which "same"
            takes `2 * (extent // 2)`.
        data_format, dilation_rate: as in `conv`.
    Shape: (batch, *spatial, channels) -> (batch, *spatial, filters), or channels first.
    Raises: ShapeError, ArgumentError.  Source: Zeiler et al. 2010, "Deconvolutional networks".

    >>> conv_transpose([[[1.0], [2.0]]], [[[1.0]], [[10.0]]], strides=2).tolist()
    [[[1.0], [10.0], [2.0], [20.0]]]
    """
    channels_first, rank = _layout(inputs, kernel, data_format, "conv_transpose")
    strides, dilation = _steps(strides, dilation_rate, rank)
    window = p.shape(kernel)[:-2]
    same = _is_same(padding)
    extra = (
        (None,) * rank if output_padding is None else shapes.tuple_of(output_padding, rank, "output_padding", least=0)
    )
    channels, size = _channels(inputs, channels_first), p.shape(kernel)[-1]
    if channels is not None and size is not None and channels != size:
        raise ShapeError(
            "The number of channels does not fit the kernel.",
            where="conv_transpose",
            expected=f"{size} channels for a kernel of shape {tuple(p.shape(kernel))}",
            received=f"{channels} channels in {tuple(p.shape(inputs))}",
            hint=_layout_hint(inputs, channels_first, size),
        )
    pairs = [
        (0, 0) if k is None else _transposed_padding((k - 1) * d + 1, s, same, e)
        for k, s, d, e in zip(window, strides, dilation, extra, strict=True)
    ]
    spatial = tuple(range(rank))
    mirrored = p.transpose(p.flip(kernel, spatial), (*spatial, rank + 1, rank))
    return p.conv(inputs, mirrored, (1,) * rank, pairs, dilation, strides, 1, channels_first)


def _transposed_padding(extent: int, stride: int, same: bool, extra: int | None) -> tuple[int, int]:
    """Zeros around the spread input, so that a plain convolution with the mirrored kernel gives the transposed one.

    `cut` positions of the full result, which has `(n - 1) * stride + extent`, are left out.
    """
    if extra is not None and extra >= stride:
        raise ArgumentError(
            "`output_padding` must be less than the stride.",
            where="conv_transpose",
            expected=f"less than {stride}",
            received=extra,
        )
    if extra is None:
        cut = extent - stride if same else min(extent - stride, 0)
    else:
        cut = 2 * (extent // 2) - extra if same else -extra
    before = max(cut, 0) // 2  # as "same" padding: the odd one after
    after = cut - before
    return extent - 1 - before, extent - 1 - after


def _layout(inputs: Tensor, kernel: Tensor, data_format: str | None, where: str) -> tuple[bool, int]:
    """Whether channels come first, and the number of spatial axes."""
    channels_first = config.standardize_data_format(data_format) == "channels_first"
    sizes, window = p.shape(inputs), p.shape(kernel)
    rank = len(sizes) - 2
    if rank not in (1, 2, 3) or len(window) != rank + 2:
        raise ShapeError(
            "The input and the kernel do not fit together.",
            where=where,
            expected="a batch axis, 1 to 3 spatial axes and a channel axis, and a kernel of the same rank",
            received=f"an input of shape {tuple(sizes)} and a kernel of shape {tuple(window)}",
        )
    return channels_first, rank


def _steps(strides: Any, dilation_rate: Any, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return shapes.tuple_of(strides, rank, "strides"), shapes.tuple_of(dilation_rate, rank, "dilation_rate")


def _is_same(padding: Any) -> bool:
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in ("valid", "same"):
        raise ArgumentError("`padding` cannot be used.", expected='"valid" or "same"', received=padding)
    return name == "same"


def _padding(
    padding: Any,
    inputs: Tensor,
    kernel: Tensor,
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    channels_first: bool,
) -> Any:
    """Padding as the primitive takes it.  Raises: ShapeError if the kernel does not fit into the input once."""
    if _is_same(padding):
        return "same"
    sizes = p.shape(inputs)
    for size, k, s, d in zip(
        sizes[2:] if channels_first else sizes[1:-1], p.shape(kernel), strides, dilation, strict=False
    ):
        if isinstance(size, int):
            shapes.window_output(size, k, s, dilation=d)
    return ((0, 0),) * len(strides)


def _channels(inputs: Tensor, channels_first: bool) -> Any:
    return p.shape(inputs)[1 if channels_first else -1]


def _layout_hint(inputs: Tensor, channels_first: bool, size: Any) -> str | None:
    other = p.shape(inputs)[-1 if channels_first else 1]
    if other != size:
        return None
    return f'the size fits the other layout: data_format="channels_{"last" if channels_first else "first"}"'
