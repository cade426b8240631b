"""Nonlinearities that work element by element, and gates.

All keep NaN, take their limits at the infinities, and say which slope they have at a corner.
"""

from __future__ import annotations

import math

from keratin import shapes
from keratin.backends import primitives as p
from keratin.errors import ShapeError
from keratin.ops.mechanism import Tensor, TensorLike, op

__all__ = [
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "sigmoid",
    "hard_sigmoid",
    "silu",
    "swish",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "mish",
    "softplus",
    "softsign",
    "log_sigmoid",
    "squareplus",
    "sparse_plus",
    "sparse_sigmoid",
    "tanh_shrink",
    "soft_shrink",
    "hard_shrink",
    "threshold",
    "glu",
]


@op(promote="same")
def relu(x: TensorLike) -> Tensor:
    """The positive part of `x`; the slope at 0 is 0.

    Shape: any -> same.  Source: Nair & Hinton 2010, "Rectified linear units improve restricted Boltzmann machines".

    >>> relu([-1.0, 0.0, 2.0]).tolist()
    [0.0, 0.0, 2.0]
    """
    return p.where(p.less_equal(x, 0), 0, x)


@op(promote="same")
def relu6(x: TensorLike) -> Tensor:
    """`x` cut to [0, 6]; the slope at 0 and at 6 is 0.

    Shape: any -> same.  Source: Howard et al. 2017, arXiv:1704.04861.

    >>> relu6([-1.0, 3.0, 9.0]).tolist()
    [0.0, 3.0, 6.0]
    """
    return p.where(p.less_equal(x, 0), 0, p.where(p.greater_equal(x, 6), 6, x))


@op(promote="float")
def leaky_relu(x: TensorLike, negative_slope: float = 0.2) -> Tensor:
    """`x` where it is positive, `negative_slope * x` elsewhere (at 0 too, for the gradient).

    Shape: any -> same.  Source: Maas, Hannun & Ng 2013, "Rectifier nonlinearities improve acoustic models".

    >>> leaky_relu([-1.0, 2.0], 0.5).tolist()
    [-0.5, 2.0]
    """
    return p.where(p.greater(x, 0), x, p.multiply(x, negative_slope))


@op(promote="float")
def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """`x` where it is positive, `alpha * (exp(x) - 1)` elsewhere.

    Shape: any -> same.  Source: Clevert, Unterthiner & Hochreiter 2015, arXiv:1511.07289.

    >>> elu([-float("inf"), 0.0, 2.0]).tolist()
    [-1.0, 0.0, 2.0]
    """
    return _exponential_below(x, alpha, 1.0)


@op(promote="float")
def selu(x: TensorLike) -> Tensor:
    """`elu` scaled so that layers keep mean 0 and variance 1.

    Shape: any -> same.  Source: Klambauer et al. 2017, arXiv:1706.02515, equation 2.

    >>> round(float(selu(1.0)), 4)
    1.0507
    """
    return p.multiply(_exponential_below(x, 1.6732632423543772, 1.0), 1.0507009873554805)


@op(promote="float")
def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """`elu` with a continuous slope: `alpha * (exp(x / alpha) - 1)` below 0.

    Shape: any -> same.  Source: Barron 2017, arXiv:1704.07483.

    >>> celu([-float("inf"), 2.0], alpha=3.0).tolist()
    [-3.0, 2.0]
    """
    return _exponential_below(x, alpha, alpha)


def _exponential_below(x: Tensor, height: float, width: float) -> Tensor:
    positive = p.greater(x, 0)
    # The inner `where` keeps exp from overflowing in the branch that is not taken: its gradient would be 0 * inf.
    return p.where(positive, x, p.multiply(p.expm1(p.divide(p.where(positive, 0, x), width)), height))


@op(promote="float")
def gelu(x: TensorLike, approximate: bool = True) -> Tensor:
    """`x` times the standard normal distribution function of `x`.

    Args: approximate: with a tanh in place of the error function.
    Shape: any -> same.  Source: Hendrycks & Gimpel 2016, arXiv:1606.08415, section 2.

    >>> round(float(gelu(1.0)), 4), round(float(gelu(1.0, approximate=False)), 4)
    (0.8412, 0.8413)
    """
    if approximate:  # (1 + tanh(u)) / 2 = sigmoid(2 u), which keeps its digits far below 0
        return _gated(
            x, p.sigmoid(p.multiply(x + p.multiply(p.multiply(p.multiply(x, x), x), 0.044715), math.sqrt(8 / math.pi)))
        )
    return _gated(x, p.multiply(p.erf(p.multiply(x, math.sqrt(0.5))) + 1, 0.5))


@op(promote="float")
def sigmoid(x: TensorLike) -> Tensor:
    """`1 / (1 + exp(-x))`.

    Shape: any -> same.

    >>> sigmoid([-float("inf"), 0.0, 100.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return p.sigmoid(x)


@op(promote="float")
def hard_sigmoid(x: TensorLike) -> Tensor:
    """`x / 6 + 1 / 2` cut to [0, 1]; the slope is 0 at both corners.

    Shape: any -> same.  Source: Howard et al. 2019, arXiv:1905.02244, section 5.2.

    >>> hard_sigmoid([-3.0, 0.0, 3.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return p.where(p.less_equal(x, -3), 0, p.where(p.greater_equal(x, 3), 1, p.add(x / 6, 0.5)))


@op(promote="float")
def silu(x: TensorLike) -> Tensor:
    """`x * sigmoid(x)`, also called swish.

    Shape: any -> same.  Source: Elfwing, Uchibe & Doya 2017, arXiv:1702.03118.

    >>> silu([-float("inf"), 0.0]).tolist()
    [0.0, 0.0]
    """
    return _gated(x, p.sigmoid(x))


swish = silu


@op(promote="float")
def hard_silu(x: TensorLike) -> Tensor:
    """`x * hard_sigmoid(x)`, also called hard swish.

    Shape: any -> same.  Source: Howard et al. 2019, arXiv:1905.02244, section 5.2.

    >>> hard_silu([0.0, 1.5, 3.0]).tolist()
    [0.0, 1.125, 3.0]
    """
    return _gated(x, hard_sigmoid(x))


hard_swish = hard_silu


def _gated(x: Tensor, gate: Tensor) -> Tensor:
    """`x * gate` for a gate that vanishes faster than `x` grows: 0 at minus infinity, not NaN."""
    return p.where(p.equal(x, -math.inf), 0, x) * gate


@op(promote="float")
def hard_tanh(x: TensorLike) -> Tensor:
    """`x` cut to [-1, 1]; the slope is 1 at both corners.

    Shape: any -> same.

    >>> hard_tanh([-3.0, 0.5, 3.0]).tolist()
    [-1.0, 0.5, 1.0]
    """
    return p.where(p.greater(x, 1), 1, p.where(p.less(x, -1), -1, x))


@op(promote="float")
def mish(x: TensorLike) -> Tensor:
    """`x * tanh(softplus(x))`.

    Shape: any -> same.  Source: Misra 2019, arXiv:1908.08681.

    >>> round(float(mish(1.0)), 4)
    0.8651
    """
    return _gated(x, p.tanh(softplus(x)))


@op(promote="float")
def softplus(x: TensorLike) -> Tensor:
    """`log(1 + exp(x))`, without overflow.

    Shape: any -> same.  Source: Dugas et al. 2001, "Incorporating second-order functional knowledge".

    >>> round(float(softplus(0.0)), 4), float(softplus(200.0))
    (0.6931, 200.0)
    """
    return positive_part(x) + p.log1p(p.exp(-magnitude(x)))


def positive_part(x: Tensor) -> Tensor:
    """`max(x, 0)`, whose slope at 0 fits that of `magnitude`: engines do not agree on those of `maximum` and `abs`."""
    return p.where(p.greater(x, 0), x, 0)


def magnitude(x: Tensor) -> Tensor:
    """`|x|` with slope -1 at 0, so that smooth functions that are made of both have their slope there."""
    return p.where(p.greater(x, 0), x, -x)


@op(promote="float")
def softsign(x: TensorLike) -> Tensor:
    """`x / (1 + |x|)`.

    Shape: any -> same.

    >>> softsign([-float("inf"), 0.0, 1.0]).tolist()
    [-1.0, 0.0, 0.5]
    """
    infinite = p.isinf(x)
    finite = p.where(infinite, 0, x)
    return p.where(infinite, p.sign(x), finite / (p.abs(finite) + 1))


@op(promote="float")
def log_sigmoid(x: TensorLike) -> Tensor:
    """The logarithm of `sigmoid(x)`, without underflow.

    Shape: any -> same.

    >>> float(log_sigmoid(-200.0))
    -200.0
    """
    return -softplus(-x)


@op(promote="float")
def squareplus(x: TensorLike, b: float = 4) -> Tensor:
    """`(x + sqrt(x ** 2 + b)) / 2`: a smooth relu without exponentials.

    Args: b: how smooth; 0 gives relu.
    Shape: any -> same.  Units: b in the square of x's unit.  Source: Barron 2021, arXiv:2112.11687.

    >>> squareplus([0.0, -1e30]).tolist()
    [1.0, 0.0]
    """
    if b == 0:
        return relu(x)
    # The same value as in the definition, without its difference of nearly equal numbers below 0.
    return positive_part(x) + p.divide(0.5 * b, p.sqrt(p.add(p.multiply(x, x), b)) + magnitude(x))


@op(promote="float")
def sparse_plus(x: TensorLike) -> Tensor:
    """0 up to -1, `(x + 1) ** 2 / 4` up to 1, and `x` above.

    Shape: any -> same.

    >>> sparse_plus([-2.0, 0.0, 2.0]).tolist()
    [0.0, 0.25, 2.0]
    """
    inner = p.where(p.less(p.abs(x), 1), x, 0)
    return p.where(p.less_equal(x, -1), 0, p.where(p.less(x, 1), p.multiply((inner + 1) * (inner + 1), 0.25), x))


@op(promote="float")
def sparse_sigmoid(x: TensorLike) -> Tensor:
    """`(x + 1) / 2` cut to [0, 1]; the slope is 0 at both corners.

    Shape: any -> same.

    >>> sparse_sigmoid([-2.0, 0.0, 2.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return p.where(p.less_equal(x, -1), 0, p.where(p.greater_equal(x, 1), 1, p.add(p.multiply(x, 0.5), 0.5)))


@op(promote="float")
def tanh_shrink(x: TensorLike) -> Tensor:
    """`x - tanh(x)`.

    Shape: any -> same.

    >>> round(float(tanh_shrink(2.0)), 4)
    1.036
    """
    return x - p.tanh(x)


@op(promote="float")
def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """`x` moved towards 0 by `threshold`, and 0 where it is nearer than that.

    Shape: any -> same.  Units: threshold in x's unit.

    >>> soft_shrink([-2.0, 0.25, 2.0]).tolist()
    [-1.5, 0.0, 1.5]
    """
    return p.where(p.less_equal(p.abs(x), threshold), 0, x - p.multiply(p.sign(x), threshold))


@op(promote="float")
def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """`x`, and 0 where it is within `threshold` of 0.

    Shape: any -> same.  Units: threshold in x's unit.

    >>> hard_shrink([-2.0, 0.5, 2.0]).tolist()
    [-2.0, 0.0, 2.0]
    """
    return p.where(p.less_equal(p.abs(x), threshold), 0, x)


@op(promote="float")
def threshold(x: TensorLike, threshold: float, default_value: float) -> Tensor:
    """`x` where it is above `threshold`, `default_value` elsewhere.

    Shape: any -> same.  Units: threshold and default_value in x's unit.

    >>> threshold([-2.0, 0.5, 2.0], 1.0, -9.0).tolist()
    [-9.0, -9.0, 2.0]
    """
    return p.where(p.less_equal(x, threshold), default_value, x)


@op(promote="float")
def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """The first half of `x` along `axis` times the sigmoid of the second half.

    Shape: 2 n on `axis` -> n.  Raises: ShapeError if the size of the axis is odd.
    Source: Dauphin et al. 2016, arXiv:1612.08083.

    >>> glu([[4.0, 0.0]]).tolist()
    [[2.0]]
    """
    sizes = p.shape(x)
    axis = shapes.axis(axis, len(sizes))
    size = sizes[axis]
    if isinstance(size, int) and size % 2:
        raise ShapeError("`glu` halves an axis of odd size.", expected=f"an even size on axis {axis}", received=sizes)
    half = None if size is None else size // 2
    before, after = (slice(None),) * axis, (slice(None),) * (len(sizes) - axis - 1)
    return p.slice_strided(x, (*before, slice(0, half), *after)) * p.sigmoid(
        p.slice_strided(x, (*before, slice(half, None), *after))
    )
