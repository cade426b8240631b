"""How random bits become numbers.

Each definition takes the primitives to compute with, so that one body serves the device (`backends.primitives`) and the
host (`backends.numpy.engine`): both give the same numbers, but for the last rounding of a logarithm.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keratin import dtypes

_DIGITS = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}
_ERF_SQRT_2 = math.erf(math.sqrt(2.0))

# Giles 2012, "Approximating the erfinv function", table 5: both polynomials, highest power first.
_CENTRAL = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
    0.246640727, 1.50140941,
)  # fmt: skip
_TAIL = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
    1.00167406, 2.83297682,
)  # fmt: skip


def words(dtype: str) -> int:
    """How many words of 32 bits a number of that dtype takes; two are on an axis of their own, the last."""
    return 2 if dtype == "float64" else 1


def unit(p: Any, bits: Any, dtype: str) -> Any:
    """Multiples of 2 ** -d in [0, 1), d the digits of `dtype`: every one exact, every one as likely.

    >>> from keratin.backends.numpy import engine as host
    >>> unit(host, np.array([0, 2**32 - 1], np.uint32), "float32").tolist()
    [0.0, 0.9999999403953552]
    """
    digits = _DIGITS[dtype]
    if dtype == "float64":
        every = (slice(None),) * (len(p.shape(bits)) - 1)
        high, low = (p.squeeze(p.slice_strided(bits, (*every, slice(i, i + 1))), (len(every),)) for i in range(2))
        return (p.cast(p.right_shift(high, 5), dtype) * 2.0**26 + p.cast(p.right_shift(low, 6), dtype)) * 2.0**-53
    return p.multiply(p.cast(p.cast(p.right_shift(bits, 32 - digits), "int32"), dtype), 2.0**-digits)


def uniform(p: Any, bits: Any, low: Any, high: Any, dtype: str) -> Any:
    """Numbers in [low, high): `high` itself is left out, also where rounding would reach it."""
    value = p.add(p.multiply(unit(p, bits, dtype), high - low), low)
    if not (isinstance(low, float) and isinstance(high, float)):
        return p.minimum(value, p.nextafter(value * 0 + high, value * 0 + low))
    return p.minimum(value, _last(low, high, dtype))


def _last(low: float, high: float, dtype: str) -> float:
    """The greatest number of that dtype below `high`, or `low` if there is none from there on."""
    first, end = np.array([low, high], dtypes.numpy_dtype(dtype))
    return float(max(first, np.nextafter(end, np.array(-np.inf, end.dtype))))


def normal(p: Any, bits: Any, mean: Any, stddev: Any, dtype: str) -> Any:
    """Normal numbers, by the inverse of the distribution function."""
    return _scaled(p, _erfinv(p, _signed(p, bits, dtype)), mean, stddev, dtype)


def truncated_normal(p: Any, bits: Any, mean: Any, stddev: Any, dtype: str) -> Any:
    """Normal numbers within two standard deviations: the inverse over the middle 95 % of the probability."""
    return _scaled(p, _erfinv(p, _signed(p, bits, dtype) * _ERF_SQRT_2), mean, stddev, dtype)


def _signed(p: Any, bits: Any, dtype: str) -> Any:
    """The middles of equal parts of (-1, 1): symmetric, and never an end.  Half dtypes are drawn in float32."""
    kind = wide(dtype)
    return unit(p, bits, kind) * 2.0 - (1.0 - 2.0 ** -_DIGITS[kind])  # each step is exact


def _scaled(p: Any, root: Any, mean: Any, stddev: Any, dtype: str) -> Any:
    value = root * (stddev * math.sqrt(2.0))
    if not (isinstance(mean, float) and mean == 0):
        value = value + mean
    return value if dtype == wide(dtype) else p.cast(value, dtype)


def wide(dtype: str) -> str:
    """The dtype that normal numbers of `dtype` are computed in."""
    return "float64" if dtype == "float64" else "float32"


def _erfinv(p: Any, s: Any) -> Any:
    """The inverse error function, with the distance to the nearer end taken exactly.

    The engines' own take `log(1 - s * s)`, which loses digits near the ends (65 units in the last place on XLA).
    """
    if dtypes.standardize(s.dtype) == "float64":
        return p.erfinv(s)
    distance = p.abs(s)
    w = -p.log((1.0 - distance) * (distance + 1.0))
    central, tail = w - 2.5, p.sqrt(w) - 3.0
    return p.where(p.less(w, 5.0), _polynomial(_CENTRAL, central), _polynomial(_TAIL, tail)) * s


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    first, *rest = coefficients
    result = x * 0.0 + first
    for coefficient in rest:
        result = result * x + coefficient
    return result
