"""Exponentials, logarithms, trigonometry and the error function, element by element, in floating point."""

from __future__ import annotations

import math
from collections.abc import Callable

from keratin.backends import primitives as p
from keratin.ops.mechanism import Tensor, TensorLike, op


@op(promote="inexact")
def exp(x: TensorLike) -> Tensor:
    """e to the power `x`.

    Shape: any -> same.

    >>> exp(0).tolist()
    1.0
    """
    return p.exp(x)


@op(promote="inexact")
def exp2(x: TensorLike) -> Tensor:
    """2 to the power `x`.

    Shape: any -> same.

    >>> exp2(3).tolist()
    8.0
    """
    return p.power(2.0, x)


@op(promote="inexact")
def expm1(x: TensorLike) -> Tensor:
    """`exp(x) - 1`, exact near 0.

    Shape: any -> same.

    >>> expm1(0).tolist()
    0.0
    """
    return p.expm1(x)


@op(promote="inexact")
def log(x: TensorLike) -> Tensor:
    """The natural logarithm: -inf at 0, NaN below.

    Shape: any -> same.

    >>> log(1).tolist()
    0.0
    """
    return p.log(x)


@op(promote="inexact")
def log1p(x: TensorLike) -> Tensor:
    """`log(1 + x)`, exact near 0.

    Shape: any -> same.

    >>> log1p(0).tolist()
    0.0
    """
    return p.log1p(x)


@op(promote="inexact")
def log2(x: TensorLike) -> Tensor:
    """The logarithm to base 2.

    Shape: any -> same.

    >>> log2(8).tolist()
    3.0
    """
    return p.divide(p.log(x), math.log(2.0))


@op(promote="inexact")
def log10(x: TensorLike) -> Tensor:
    """The logarithm to base 10.

    Shape: any -> same.

    >>> log10(1).tolist()
    0.0
    """
    return p.divide(p.log(x), math.log(10.0))


@op(tensors=2, promote="float")
def logaddexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`log(exp(x1) + exp(x2))`, without overflow.

    Shape: two that broadcast -> broadcast.

    >>> logaddexp(1000.0, float("-inf")).tolist()
    1000.0
    """
    return _log_add(x1, x2, p.exp, p.log1p)


@op(tensors=2, promote="float")
def logaddexp2(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`log2(2 ** x1 + 2 ** x2)`, without overflow.

    Shape: two that broadcast -> broadcast.

    >>> logaddexp2(3.0, 3.0).tolist()
    4.0
    """
    return _log_add(x1, x2, lambda d: p.power(2.0, d), lambda r: p.divide(p.log1p(r), math.log(2.0)))


def _log_add(
    x1: Tensor, x2: Tensor, power: Callable[[Tensor], Tensor], log_one_plus: Callable[[Tensor], Tensor]
) -> Tensor:
    difference = p.subtract(x1, x2)
    undefined = p.isnan(difference)  # equal infinities, or NaN, which the maximum passes on
    rest = log_one_plus(power(p.negative(p.abs(p.where(undefined, 0, difference)))))
    return p.add(p.maximum(x1, x2), p.where(undefined, 0, rest))


@op(promote="inexact")
def sin(x: TensorLike) -> Tensor:
    """The sine.

    Shape: any -> same.  Units: x in radians.

    >>> sin(0).tolist()
    0.0
    """
    return p.sin(x)


@op(promote="inexact")
def cos(x: TensorLike) -> Tensor:
    """The cosine.

    Shape: any -> same.  Units: x in radians.

    >>> cos(0).tolist()
    1.0
    """
    return p.cos(x)


@op(promote="inexact")
def tan(x: TensorLike) -> Tensor:
    """The tangent.

    Shape: any -> same.  Units: x in radians.

    >>> tan(0).tolist()
    0.0
    """
    return p.tan(x)


@op(promote="inexact")
def arcsin(x: TensorLike) -> Tensor:
    """The angle in [-pi/2, pi/2] with this sine; NaN outside [-1, 1].

    Shape: any -> same.  Units: result in radians.

    >>> arcsin(0).tolist()
    0.0
    """
    return p.asin(x)


@op(promote="inexact")
def arccos(x: TensorLike) -> Tensor:
    """The angle in [0, pi] with this cosine; NaN outside [-1, 1].

    Shape: any -> same.  Units: result in radians.

    >>> arccos(1).tolist()
    0.0
    """
    return p.acos(x)


@op(promote="inexact")
def arctan(x: TensorLike) -> Tensor:
    """The angle in [-pi/2, pi/2] with this tangent.

    Shape: any -> same.  Units: result in radians.

    >>> arctan(0).tolist()
    0.0
    """
    return p.atan(x)


@op(tensors=2, promote="float")
def arctan2(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The angle of the point (x2, x1), in [-pi, pi].

    Shape: two that broadcast -> broadcast.  Units: result in radians.

    >>> arctan2(0.0, 1.0).tolist()
    0.0
    """
    return p.atan2(x1, x2)


@op(promote="inexact")
def sinh(x: TensorLike) -> Tensor:
    """The hyperbolic sine.

    Shape: any -> same.

    >>> sinh(0).tolist()
    0.0
    """
    return p.sinh(x)


@op(promote="inexact")
def cosh(x: TensorLike) -> Tensor:
    """The hyperbolic cosine.

    Shape: any -> same.

    >>> cosh(0).tolist()
    1.0
    """
    return p.cosh(x)


@op(promote="inexact")
def tanh(x: TensorLike) -> Tensor:
    """The hyperbolic tangent.

    Shape: any -> same.

    >>> tanh(0).tolist()
    0.0
    """
    return p.tanh(x)


@op(promote="inexact")
def arcsinh(x: TensorLike) -> Tensor:
    """The inverse of `sinh`.

    Shape: any -> same.

    >>> arcsinh(0).tolist()
    0.0
    """
    return p.asinh(x)


@op(promote="inexact")
def arccosh(x: TensorLike) -> Tensor:
    """The inverse of `cosh`; NaN below 1.

    Shape: any -> same.

    >>> arccosh(1).tolist()
    0.0
    """
    return p.acosh(x)


@op(promote="inexact")
def arctanh(x: TensorLike) -> Tensor:
    """The inverse of `tanh`; NaN outside [-1, 1].

    Shape: any -> same.

    >>> arctanh(0).tolist()
    0.0
    """
    return p.atanh(x)


@op(promote="float")
def deg2rad(x: TensorLike) -> Tensor:
    """Degrees to radians.

    Shape: any -> same.  Units: x in degrees, result in radians.

    >>> round(float(deg2rad(180)), 3)
    3.142
    """
    return p.multiply(x, math.pi / 180)


@op(promote="float")
def rad2deg(x: TensorLike) -> Tensor:
    """Radians to degrees.

    Shape: any -> same.  Units: x in radians, result in degrees.

    >>> rad2deg(0).tolist()
    0.0
    """
    return p.multiply(x, 180 / math.pi)


@op(tensors=2, promote="float")
def hypot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`sqrt(x1**2 + x2**2)`, without overflow; slope 0 at the origin.

    Shape: two that broadcast -> broadcast.

    >>> hypot(3.0, 4.0).tolist()
    5.0
    """
    x1, x2 = p.abs(x1), p.abs(x2)
    large, small = p.maximum(x1, x2), p.minimum(x1, x2)
    infinite = p.logical_or(p.isinf(x1), p.isinf(x2))
    degenerate = p.logical_or(p.equal(large, 0), infinite)
    ratio = p.divide(p.where(degenerate, 0, small), p.where(degenerate, 1, large))
    length = p.multiply(p.where(degenerate, 0, large), p.sqrt(p.add(p.multiply(ratio, ratio), 1)))
    return p.where(infinite, math.inf, length)


@op(promote="float")
def erf(x: TensorLike) -> Tensor:
    """The error function, `2 / sqrt(pi)` times the integral of `exp(-t**2)` from 0 to `x`.

    Shape: any -> same.

    >>> erf(0).tolist()
    0.0
    """
    return p.erf(x)


@op(promote="float")
def erfinv(x: TensorLike) -> Tensor:
    """The inverse of `erf`; infinite at -1 and 1, NaN outside.

    Shape: any -> same.

    >>> erfinv(0).tolist()
    0.0
    """
    return p.erfinv(x)


@op(promote="float")
def sinc(x: TensorLike) -> Tensor:
    """`sin(pi x) / (pi x)`, 1 at 0.

    Shape: any -> same.

    >>> sinc(0).tolist()
    1.0
    """
    zero = p.equal(x, 0)
    angle = p.multiply(p.where(zero, 1, x), math.pi)
    return p.where(zero, 1, p.divide(p.sin(angle), angle))
