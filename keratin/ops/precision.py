"""Half precision computed in float32: for sums, softmax, norms and losses, where ten bits of mantissa are too few."""

from __future__ import annotations

from typing import Any

from keratin import dtypes
from keratin.backends import primitives as p
from keratin.ops.mechanism import Tensor, convert, dtype_of


def widened(x: Tensor) -> Tensor:
    """`x` in float32 if it has half precision, else `x` itself."""
    return p.cast(x, "float32") if dtype_of(x) in dtypes.HALF else x


def narrowed(result: Tensor, like: Tensor) -> Tensor:
    """`result` in the dtype of `like`."""
    dtype = dtype_of(like)
    return result if dtype_of(result) == dtype else p.cast(result, dtype)


def as_tensors(*values: Any) -> list[Any]:
    """`values` with the Python scalars among them as tensors of the dtype that the tensors have; None stays."""
    scalars = [v is None or isinstance(v, bool | int | float) for v in values]
    dtype = next(dtype_of(v) for v, scalar in zip(values, scalars, strict=True) if not scalar)
    return [convert(v, dtype) if scalar and v is not None else v for v, scalar in zip(values, scalars, strict=True)]
