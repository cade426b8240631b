"""Half precision computed in float32: for sums, softmax, norms and losses, where ten bits of mantissa are too few."""

from __future__ import annotations

from keratin import dtypes
from keratin.backends import primitives as p
from keratin.ops.mechanism import Tensor, dtype_of


def widened(x: Tensor) -> Tensor:
    """`x` in float32 if it has half precision, else `x` itself."""
    return p.cast(x, "float32") if dtype_of(x) in dtypes.HALF else x


def narrowed(result: Tensor, like: Tensor) -> Tensor:
    """`result` in the dtype of `like`."""
    dtype = dtype_of(like)
    return result if dtype_of(result) == dtype else p.cast(result, dtype)
