"""PyTorch's own forms of composed ops, where one call does it, with the values and slopes of the body.

A form gives NotImplemented for arguments that it is not made for; the body runs then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import autograd
from torch.nn import functional

from keratin import config, shapes
from keratin.backends.torch import bits
from keratin.backends.torch.windows import conv, pooled, transposed_conv

_FLOAT = frozenset((torch.float16, torch.bfloat16, torch.float32, torch.float64))
_WIDE = frozenset((torch.float32, torch.float64))
_SINGLE = frozenset((torch.float16, torch.bfloat16))


def _elementwise(function: Callable[..., Any]) -> Callable[..., Any]:
    """For floats alone."""

    def run(x: Any, *args: Any, **kwargs: Any) -> Any:
        return function(x, *args, **kwargs) if x.dtype in _FLOAT else NotImplemented

    return run


# ---- activations that are 0 at minus infinity, where PyTorch has NaN


class _Vanishing(autograd.Function):
    """`form(x)`, which gives the value and where its slope `slope(upstream, place)` is taken."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Any, form: Any, slope: Any) -> tuple[Any, Any]:
        return form(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.slope = inputs[2]
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(output[1])

    @staticmethod
    def backward(ctx: Any, upstream: Any, unused: Any) -> Any:
        return ctx.slope(upstream, *ctx.saved_tensors), None, None


_FAR = 10000.0
"""From here on all of these functions are 0, or the identity, in every dtype."""


def _from_below(function: Any) -> Callable[..., Any]:
    def form(x: Any) -> Any:
        bounded = torch.clamp_min(x, -_FAR)
        return function(bounded), bounded

    return form


def _vanishing(form: Any, slope: Any) -> Callable[..., Any]:
    def run(x: Any) -> Any:
        if x.dtype not in _FLOAT:
            return NotImplemented
        return (_Vanishing.apply(x, form, slope) if x.requires_grad else form(x))[0]

    return run


def _erf_form(x: Any) -> Any:
    bounded = torch.clamp(x, -_FAR, _FAR)  # oneDNN's form is NaN at infinity too
    return torch.where(x > _FAR, x, functional.gelu(bounded)), bounded


_aten = torch.ops.aten
_gelu_tanh = _vanishing(
    _from_below(lambda x: functional.gelu(x, approximate="tanh")),
    lambda g, x: _aten.gelu_backward(g, x, approximate="tanh"),
)
_gelu_erf = _vanishing(_erf_form, _aten.gelu_backward)


def _gelu(x: Any, approximate: bool = True) -> Any:
    return _gelu_tanh(x) if approximate else _gelu_erf(x)


# ---- probabilities


def _softmax(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any, axis: Any = -1) -> Any:
        if isinstance(axis, list | tuple) and len(axis) == 1:
            axis = axis[0]
        if x.dtype not in _FLOAT or not isinstance(axis, int) or x.ndim == 0:
            return NotImplemented
        return function(x, axis)

    return run


def _logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    if x.dtype not in _WIDE or x.requires_grad:  # the gradient of rows of minus infinities would be NaN
        return NotImplemented
    axes = shapes.axes(axis, x.ndim)
    return torch.logsumexp(x, axes, keepdims) if axes else NotImplemented


def _sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """The chosen class alone is looked up, and its logarithm taken."""
    if not isinstance(output, torch.Tensor) or output.dtype not in _WIDE or output.ndim == 0:
        return NotImplemented
    rank = output.ndim
    axis = shapes.axis(axis, rank)
    classes = output.shape[axis]
    expected = (*output.shape[:axis], 1, *output.shape[axis + 1 :])
    numbers = target.to(torch.int64)
    if numbers.ndim == rank - 1:
        numbers = numbers.unsqueeze(axis)
    if tuple(numbers.shape) != expected or classes == 0:
        return NotImplemented
    place = torch.clamp(numbers, 0, classes - 1)
    if from_logits:
        loss = -torch.log_softmax(output, axis).gather(axis, place)
        return torch.where(place == numbers, loss, math.nan).squeeze(axis)
    form = _ChosenLogarithm.apply if output.requires_grad else _ChosenLogarithm.forward
    return form(output, place, place == numbers, axis, config.epsilon())[0].squeeze(axis)


def _limited_slope(share: Any, epsilon: float) -> Any:
    """The slope of a value cut to [epsilon, 1 - epsilon]: 1, at a limit 1/2, and 0 outside."""
    half = torch.scalar_tensor(0.5, dtype=share.dtype, device=share.device)
    return torch.heaviside((share - epsilon) * ((1 - epsilon) - share), half)


class _ChosenLogarithm(autograd.Function):
    """`-log(x[place] / sum(x))`, kept `epsilon` away from 0 and 1, where the slope is halved; NaN where not `valid`."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Any, place: Any, valid: Any, axis: int, epsilon: float) -> tuple[Any, ...]:
        total = x.sum(axis, True)
        share = x.gather(axis, place) / total
        bounded = torch.clamp(share, epsilon, 1 - epsilon)
        slope = _limited_slope(share, epsilon) * valid / (bounded * total)
        return torch.where(valid, -torch.log(bounded), math.nan), share, slope

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*output[1:], inputs[1])
        ctx.axis, ctx.classes = inputs[3], inputs[0].shape

    @staticmethod
    def backward(ctx: Any, upstream: Any, *unused: Any) -> Any:
        share, slope, place = ctx.saved_tensors
        scaled = upstream * slope
        gradient = torch.scatter_add((scaled * share).expand(ctx.classes), ctx.axis, place, -scaled)
        return gradient, None, None, None, None


def _is_plain_loss(target: Any, output: Any) -> bool:
    if not (isinstance(target, torch.Tensor) and isinstance(output, torch.Tensor)):
        return False
    return output.dtype in _WIDE and target.shape == output.shape and not target.requires_grad and output.ndim > 0


def _weighted(weight: Any, x: Any) -> Any:
    return torch.where(weight == 0, 0, weight * x)


def _categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    if not _is_plain_loss(target, output):
        return NotImplemented
    axis = shapes.axis(axis, output.ndim)
    if from_logits:
        return -_weighted(target, torch.log_softmax(output, axis)).sum(axis)
    form = _Logarithms.apply if output.requires_grad else _Logarithms.forward
    return form(output, target, axis, config.epsilon())[0]


class _Logarithms(autograd.Function):
    """`-sum(target * log(x / sum(x)))`, each share kept `epsilon` away from 0 and 1, where the slope is halved."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Any, target: Any, axis: int, epsilon: float) -> tuple[Any, ...]:
        total = x.sum(axis, True)
        share = x / total
        bounded = torch.clamp(share, epsilon, 1 - epsilon)
        slope = _limited_slope(share, epsilon) * target / (bounded * total)
        return -_weighted(target, torch.log(bounded)).sum(axis), share, slope

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*output[1:])
        ctx.axis = inputs[2]

    @staticmethod
    def backward(ctx: Any, upstream: Any, *unused: Any) -> Any:
        share, slope = ctx.saved_tensors
        return upstream.unsqueeze(ctx.axis) * ((share * slope).sum(ctx.axis, True) - slope), None, None, None


def _binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    if not _is_plain_loss(target, output):
        return NotImplemented
    form = _of_logits if from_logits else _of_probabilities
    if not output.requires_grad:
        return form(output, target)[0]
    return _WithSlope.apply(output, target, form)[0]


def _of_logits(x: Any, target: Any) -> tuple[Any, Any]:
    loss = _weighted(1 - target, torch.relu(x)) + _weighted(target, torch.relu(-x))
    return loss + torch.log1p(torch.exp(-torch.abs(x))), torch.sigmoid(x) - target


def _of_probabilities(x: Any, target: Any) -> tuple[Any, Any]:
    epsilon = config.epsilon()
    p = torch.clamp(x, epsilon, 1 - epsilon)
    loss = -(target * torch.log(p) + (1 - target) * torch.log1p(-p))
    return loss, _limited_slope(x, epsilon) * (p - target) / (p * (1 - p))


class _WithSlope(autograd.Function):
    """The first result of `form(x, target)`; the second one is its slope."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Any, target: Any, form: Any) -> tuple[Any, Any]:
        return form(x, target)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(output[1])

    @staticmethod
    def backward(ctx: Any, upstream: Any, unused: Any) -> Any:
        return upstream * ctx.saved_tensors[0], None, None


# ---- means and norms


def _mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    if x.dtype in _SINGLE:
        return torch.mean(x, shapes.axes(axis, x.ndim), keepdims, dtype=torch.float32).to(x.dtype)
    if x.dtype not in _WIDE:
        return NotImplemented
    axes = shapes.axes(axis, x.ndim)
    return torch.mean(x, axes, keepdims) if axes else NotImplemented


def _spread(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        axes = shapes.axes(axis, x.ndim)
        if x.dtype not in _WIDE or not axes or 0 in x.shape:
            return NotImplemented
        return function(x, axes, correction=0, keepdim=keepdims)

    return run


def _moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    where = shapes.axes(axes, x.ndim)
    if x.dtype not in _WIDE or not where or 0 in x.shape:
        return NotImplemented
    variance, mean = torch.var_mean(x, where, correction=0, keepdim=keepdims)
    return mean, variance


def _layer_normalization(x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: Any = None) -> Any:
    if x.dtype not in _FLOAT or 0 in x.shape:
        return NotImplemented
    axes = tuple(sorted(shapes.axes(axis, x.ndim)))
    if not axes or axes != tuple(range(axes[0], x.ndim)):
        return NotImplemented
    sizes = x.shape[axes[0] :]
    if any(v is not None and (not isinstance(v, torch.Tensor) or v.shape != sizes) for v in (gamma, beta)):
        return NotImplemented
    return torch.layer_norm(x, sizes, gamma, beta, config.epsilon() if epsilon is None else epsilon)


def _rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: Any = None) -> Any:
    if x.dtype not in _WIDE or 0 in x.shape or not (scale is None or isinstance(scale, torch.Tensor)):
        return NotImplemented
    axes = tuple(sorted(shapes.axes(axis, x.ndim)))
    sizes = tuple(x.shape[a] for a in axes)
    if not axes or (scale is not None and (axes[-1] != x.ndim - 1 or tuple(scale.shape) != sizes)):
        return NotImplemented
    if axes != tuple(range(axes[0], x.ndim)):
        return NotImplemented
    result = x * torch.rsqrt(torch.mean(x * x, axes, True) + (config.epsilon() if epsilon is None else epsilon))
    return result if scale is None else result * scale


def _batch_normalization(x: Any, mean: Any, variance: Any, offset: Any, scale: Any, axis: int, epsilon: float) -> Any:
    """With given moments that no gradient flows to."""
    vectors = [v for v in (mean, variance, offset, scale) if v is not None]
    axis = shapes.axis(axis, x.ndim)
    fits = all(isinstance(v, torch.Tensor) and v.shape == x.shape[axis : axis + 1] for v in vectors)
    if not fits or x.dtype not in _WIDE or 0 in x.shape or mean.requires_grad or variance.requires_grad:
        return NotImplemented
    if x.ndim == 1:
        return NotImplemented
    moved = x if axis == 1 else x.movedim(axis, 1)
    result = torch.batch_norm(moved, scale, offset, mean, variance, False, 0.0, epsilon, False)
    return result if axis == 1 else result.movedim(1, axis)


def _normalized_batch(x: Any, offset: Any, scale: Any, axis: int, epsilon: float) -> Any:
    axis = shapes.axis(axis, x.ndim)
    fits = all(isinstance(v, torch.Tensor) and v.shape == x.shape[axis : axis + 1]
               for v in (offset, scale) if v is not None)  # fmt: skip
    if not fits or x.dtype not in _WIDE or 0 in x.shape or x.ndim < 2:
        return NotImplemented
    moved = x if axis == 1 else x.movedim(axis, 1)
    flat = moved.unsqueeze(2) if x.ndim == 3 else moved  # rank 3 has no channels-last memory format
    y, mean, deviation = torch.native_batch_norm(flat, scale, offset, None, None, True, 0.0, epsilon)
    y = y.squeeze(2) if x.ndim == 3 else y
    variance = torch.clamp_min(torch.pow(deviation, -2) - epsilon, 0)  # it gives 1 / sqrt(variance + epsilon)
    return y if axis == 1 else y.movedim(1, axis), mean, variance


# ---- products and windows


def _dense(x: Any, kernel: Any, bias: Any = None) -> Any:
    if bias is None or x.dtype not in _FLOAT or kernel.ndim != 2 or bias.ndim != 1 or x.ndim == 1:
        return NotImplemented
    if x.ndim == 2:
        return torch.addmm(bias, x, kernel)
    *lead, size = x.shape
    if size != kernel.shape[0]:
        return NotImplemented
    return torch.addmm(bias, x.reshape(math.prod(lead), size), kernel).reshape([*lead, kernel.shape[1]])


def _biased_conv(
    inputs: Any,
    kernel: Any,
    bias: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    rank = inputs.ndim - 2
    tensors = all(isinstance(x, torch.Tensor) and x.dtype in _FLOAT for x in (inputs, kernel, bias))
    if not tensors or rank not in (1, 2, 3) or kernel.ndim != rank + 2 or bias.shape != kernel.shape[-1:]:
        return NotImplemented
    first = config.standardize_data_format(data_format) == "channels_first"
    strides, dilation = shapes.tuple_of(strides, rank, "strides"), shapes.tuple_of(dilation_rate, rank, "dilation_rate")
    channels, size = inputs.shape[1 if first else -1], kernel.shape[-2]
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in ("valid", "same") or 0 in kernel.shape or channels % size or kernel.shape[-1] % (channels // size):
        return NotImplemented
    if name == "valid":
        sizes = inputs.shape[2:] if first else inputs.shape[1:-1]
        if any(n <= (k - 1) * d for n, k, d in zip(sizes, kernel.shape, dilation, strict=False)):
            return NotImplemented
    pads: Any = "same" if name == "same" else ((0, 0),) * rank
    return conv(inputs, kernel, strides, pads, dilation, (1,) * rank, channels // size, first, bias)


def _conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """PyTorch has the operation itself; the body mirrors the kernel for a plain convolution."""
    rank = inputs.ndim - 2
    if inputs.dtype not in _FLOAT or rank not in (1, 2, 3) or kernel.ndim != rank + 2 or output_padding is not None:
        return NotImplemented
    first = config.standardize_data_format(data_format) == "channels_first"
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in ("valid", "same") or inputs.shape[1 if first else -1] != kernel.shape[-1]:
        return NotImplemented
    strides, dilation = shapes.tuple_of(strides, rank, "strides"), shapes.tuple_of(dilation_rate, rank, "dilation_rate")
    cuts = []
    for k, s, d in zip(kernel.shape, strides, dilation, strict=False):
        cut = (k - 1) * d + 1 - s
        cut = cut if name == "same" else min(cut, 0)
        before = max(cut, 0) // 2
        cuts.append((before, cut - before))
    weight = kernel.permute(rank + 1, rank, *range(rank))
    return transposed_conv(inputs, weight, strides, cuts, dilation, 1, first)


def _pool(kind: str) -> Callable[..., Any]:
    def run(
        inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
    ) -> Any:
        rank = inputs.ndim - 2
        if inputs.dtype not in _FLOAT or rank not in (1, 2, 3) or 0 in inputs.shape:
            return NotImplemented
        first = config.standardize_data_format(data_format) == "channels_first"
        window = shapes.tuple_of(pool_size, rank, "pool_size")
        steps = window if strides is None else shapes.tuple_of(strides, rank, "strides")
        sizes = inputs.shape[2:] if first else inputs.shape[1:-1]
        name = padding.lower() if isinstance(padding, str) else padding
        if name == "valid":
            if any(size < w for size, w in zip(sizes, window, strict=True)):
                return NotImplemented
            pads: Sequence[tuple[int, int]] = ((0, 0),) * rank
        elif name == "same":
            pads = tuple(map(shapes.same_padding, sizes, window, steps))
        else:
            return NotImplemented
        if kind == "mean" and any(before != after for before, after in pads):
            return NotImplemented
        return pooled(inputs, kind, window, steps, pads, first)

    return run


def _dropout(inputs: Any, key: Any, rate: float, shape: Sequence[Any]) -> Any:
    """The choice is made by PyTorch's generator, started from the key."""
    if inputs.dtype not in _FLOAT:
        return NotImplemented
    return inputs * bits.dropout_mask(key, shape, rate, inputs.dtype)


FORMS: dict[str, Callable[..., Any]] = {
    "relu": _elementwise(torch.relu),
    "relu6": _elementwise(functional.relu6),
    "leaky_relu": _elementwise(lambda x, negative_slope=0.2: functional.leaky_relu(x, negative_slope)),
    "elu": _elementwise(lambda x, alpha=1.0: functional.elu(x, alpha)),
    "selu": _elementwise(torch.selu),
    "celu": _elementwise(lambda x, alpha=1.0: functional.celu(x, alpha) if alpha else NotImplemented),
    "gelu": _gelu,
    "silu": _vanishing(_from_below(functional.silu), _aten.silu_backward),
    "mish": _vanishing(_from_below(functional.mish), _aten.mish_backward),
    "hard_silu": _vanishing(_from_below(functional.hardswish), _aten.hardswish_backward),
    "hard_sigmoid": _elementwise(functional.hardsigmoid),
    "hard_tanh": _elementwise(lambda x: torch.clamp(x, -1.0, 1.0)),
    "softplus": _elementwise(lambda x: functional.softplus(x, threshold=40.0)),
    "log_sigmoid": _elementwise(functional.logsigmoid),
    "hard_shrink": _elementwise(lambda x, threshold=0.5: torch.hardshrink(x, threshold)),
    "threshold": _elementwise(lambda x, threshold, default_value: torch.threshold(x, threshold, default_value)),
    "glu": _elementwise(lambda x, axis=-1: functional.glu(x, axis) if x.ndim else NotImplemented),
    "softmax": _softmax(torch.softmax),
    "log_softmax": _softmax(torch.log_softmax),
    "logsumexp": _logsumexp,
    "binary_crossentropy": _binary_crossentropy,
    "categorical_crossentropy": _categorical_crossentropy,
    "sparse_categorical_crossentropy": _sparse_categorical_crossentropy,
    "mean": _mean,
    "var": _spread(torch.var),
    "std": _spread(torch.std),
    "moments": _moments,
    "layer_normalization": _layer_normalization,
    "rms_normalization": _rms_normalization,
    "batch_normalization": _batch_normalization,
    "normalized_batch": _normalized_batch,
    "dense": _dense,
    "biased_conv": _biased_conv,
    "conv_transpose": _conv_transpose,
    "max_pool": _pool("max"),
    "average_pool": _pool("mean"),
    "keyed_dropout": _dropout,
}
