"""Means, variances and norms taken out: batch, layer and root-mean-square normalization.

Half dtypes are computed in float32. Variances take two passes: E[x^2] - E[x]^2 cancels in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keratin import config, shapes
from keratin.backends import primitives as p
from keratin.errors import ArgumentError, ShapeError
from keratin.ops.mechanism import Tensor, TensorLike, dtype_of, op
from keratin.ops.precision import as_tensors, narrowed, widened

__all__ = ["moments", "normalize", "batch_normalization", "layer_normalization", "rms_normalization"]


@op(promote="float")
def moments(
    x: TensorLike, axes: int | Sequence[int] | None, keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """Mean and variance of `x` over `axes`.

    Args:
        synchronized: whether replicas share their statistics.  One program over all devices sees the whole batch, so
            they always do here.
    Shape: any -> two without `axes`, or with size 1 there.  Raises: AxisError.

    >>> [float(m) for m in moments([1.0, 3.0], axes=0)]
    [2.0, 1.0]
    """
    del synchronized
    where = tuple(sorted(shapes.axes(axes, len(p.shape(x)))))
    mean, variance = _mean_and_variance(widened(x), where)
    if not keepdims:
        mean, variance = p.squeeze(mean, where), p.squeeze(variance, where)
    if dtype_of(x) == "float16":  # the variance of numbers that fit may not fit
        variance = p.minimum(variance, 65504.0)
    return narrowed(mean, x), narrowed(variance, x)


def _mean_and_variance(x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    mean = _mean(x, axes)
    centered = x - mean
    return mean, _mean(centered * centered, axes)


def _mean(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The mean, with the axes kept."""
    count = shapes.size(p.shape(x)[a] for a in axes)
    total = p.sum(x, axes, True)
    return total if count is None else p.divide(total, count)


@op(promote="float")
def normalize(
    x: TensorLike, axis: int | Sequence[int] | None = -1, order: int = 2, epsilon: float | None = None
) -> Tensor:
    """`x` divided by its norm over `axis`.

    Args:
        order: the norm's order: `sum(|x| ** order) ** (1 / order)`.
        epsilon: the least norm that is divided by; `epsilon()` by default.
    Shape: any -> same.  Raises: AxisError, ArgumentError.

    >>> [round(v, 4) for v in normalize([3.0, 4.0]).tolist()]
    [0.6, 0.8]
    """
    if not isinstance(order, int) or order < 1:
        raise ArgumentError("`order` cannot be used.", where="normalize", expected="an integer >= 1", received=order)
    axes = tuple(sorted(shapes.axes(axis, len(p.shape(x)))))
    least = config.epsilon() if epsilon is None else epsilon
    wide = widened(x)
    if order == 2:
        return narrowed(wide * p.rsqrt(p.maximum(p.sum(wide * wide, axes, True), least * least)), x)
    if order == 1:
        return narrowed(wide / p.maximum(p.sum(p.abs(wide), axes, True), least), x)
    power = p.maximum(p.sum(p.power(p.abs(wide), float(order)), axes, True), least**order)
    return narrowed(wide / p.power(power, 1 / order), x)


def batch_normalization(
    x: TensorLike,
    mean: TensorLike,
    variance: TensorLike,
    axis: int,
    offset: TensorLike | None = None,
    scale: TensorLike | None = None,
    epsilon: float = 0.001,
) -> Tensor:
    """`(x - mean) / sqrt(variance + epsilon) * scale + offset`, each of them a vector along `axis`.

    Shape: (..., n, ...) with n on `axis`, and vectors (n,) -> the first.  Units: epsilon in the square of x's unit.
    Raises: AxisError, ShapeError.  Source: Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 2.

    >>> batch_normalization([[3.0, 5.0]], [1.0, 1.0], [4.0, 4.0], axis=-1, epsilon=0.0).tolist()
    [[1.0, 2.0]]
    """
    return _batch_normalization(x, mean, variance, offset, scale, axis=axis, epsilon=epsilon)


@op(tensors=5, promote="float", name="batch_normalization")
def _batch_normalization(
    x: Tensor, mean: Tensor, variance: Tensor, offset: Tensor | None, scale: Tensor | None, axis: int, epsilon: float
) -> Tensor:
    x, mean, variance, offset, scale = as_tensors(x, mean, variance, offset, scale)
    where = (shapes.axis(axis, len(p.shape(x))),)
    factor = p.rsqrt(widened(variance) + epsilon)
    if scale is not None:
        factor = factor * widened(scale)
    centered = widened(x) - _along(widened(mean), where, x, "mean")
    result = centered * _along(factor, where, x, "variance")
    if offset is not None:
        result = result + _along(widened(offset), where, x, "offset")
    return narrowed(result, x)


@op(tensors=3, promote="float")
def normalized_batch(
    x: TensorLike, offset: TensorLike | None, scale: TensorLike | None, axis: int, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`batch_normalization` of `x` by its own mean and variance, and these two, which no gradient flows through.

    Shape: (..., n, ...) with n on `axis` -> same, (n,) and (n,).  Units: epsilon in the square of x's unit.
    Raises: AxisError, ShapeError.  Source: Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 1.

    >>> y, mean, variance = normalized_batch([[1.0], [3.0]], None, None, axis=-1, epsilon=0.0)
    >>> y.tolist(), mean.tolist(), variance.tolist()
    ([[-1.0], [1.0]], [2.0], [1.0])
    """
    rank = len(p.shape(x))
    channel = shapes.axis(axis, rank)
    mean, variance = moments(x, tuple(a for a in range(rank) if a != channel))
    y = batch_normalization(x, mean, variance, channel, offset, scale, epsilon)
    return y, p.stop_gradient(mean), p.stop_gradient(variance)


@op(tensors=3, promote="float")
def layer_normalization(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
) -> Tensor:
    """`x` with mean 0 and variance 1 over `axis`, times `gamma` plus `beta`.

    Args:
        gamma, beta: of the sizes of x on `axis`, or of its rank.
        epsilon: added to the variance; `epsilon()` by default.
    Shape: any -> same.  Units: epsilon in the square of x's unit.  Raises: AxisError, ShapeError.
    Source: Ba, Kiros & Hinton 2016, arXiv:1607.06450, section 3.

    >>> layer_normalization([[1.0, 3.0]], epsilon=0.0).tolist()
    [[-1.0, 1.0]]
    """
    x, gamma, beta = as_tensors(x, gamma, beta)
    axes = tuple(sorted(shapes.axes(axis, len(p.shape(x)))))
    wide = widened(x)
    mean = _mean(wide, axes)
    centered = wide - mean
    least = config.epsilon() if epsilon is None else epsilon
    result = centered * p.rsqrt(_mean(centered * centered, axes) + least)
    if gamma is not None:
        result = result * _along(widened(gamma), axes, x, "gamma")
    if beta is not None:
        result = result + _along(widened(beta), axes, x, "beta")
    return narrowed(result, x)


@op(tensors=2, promote="float")
def rms_normalization(
    x: TensorLike, scale: TensorLike | None = None, axis: int | Sequence[int] = -1, epsilon: float | None = None
) -> Tensor:
    """`x` divided by the root of the mean of its squares over `axis`, times `scale`.

    Args:
        scale: of the sizes of x on `axis`, or of its rank.
        epsilon: added to the mean of the squares; `epsilon()` by default.
    Shape: any -> same.  Units: epsilon in the square of x's unit.  Raises: AxisError, ShapeError.
    Source: Zhang & Sennrich 2019, arXiv:1910.07467, equation 4.

    >>> rms_normalization([[3.0, -3.0]], epsilon=0.0).tolist()
    [[1.0, -1.0]]
    """
    x, scale = as_tensors(x, scale)
    axes = tuple(sorted(shapes.axes(axis, len(p.shape(x)))))
    wide = widened(x)
    least = config.epsilon() if epsilon is None else epsilon
    result = wide * p.rsqrt(_mean(wide * wide, axes) + least)
    if scale is not None:
        result = result * _along(widened(scale), axes, x, "scale")
    return narrowed(result, x)


def _along(values: Tensor, axes: tuple[int, ...], x: Tensor, name: str) -> Tensor:
    """`values`, which have the sizes of `x` on `axes`, shaped to broadcast against `x`.  Full rank passes as it is."""
    given, sizes = p.shape(values), p.shape(x)
    if len(given) == len(sizes):
        return values
    expected = tuple(sizes[a] for a in axes)
    if len(given) == 0:
        return values
    if len(given) != len(axes) or shapes.merge(tuple(given), expected) is None:
        raise ShapeError(
            f"`{name}` does not fit the tensor.",
            expected=f"shape {expected}: the sizes of {tuple(sizes)} on {'axis' if len(axes) == 1 else 'axes'} "
            f"{', '.join(map(str, axes))}",
            received=tuple(given),
        )
    shape: list[Any] = [1] * len(sizes)
    for axis, size in zip(axes, given, strict=True):
        shape[axis] = size
    return p.reshape(values, tuple(shape))
