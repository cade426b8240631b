"""Dtypes that PyTorch stores but hardly computes with: uint16, uint32, uint64, and float8.

The unsigned ones are read as the signed dtype of their width, which costs nothing: sums, products and shifts to the
left are the same bits. Where order matters, the sign bit is turned: signed order is that of the unsigned numbers then.
Float8 is computed in float32.  https://docs.pytorch.org/docs/stable/tensors.html ("limited support")
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
_BITS = {torch.uint16: 16, torch.uint32: 32, torch.uint64: 64}
FLOAT8 = (torch.float8_e4m3fn, torch.float8_e5m2)
ODD = frozenset((*SIGNED, *FLOAT8))
"""Dtypes with only a few kernels."""


def read(x: Any, dtype: torch.dtype, ordered: bool) -> Any:
    """A tensor of that odd dtype, or an integer beside one, in a dtype that PyTorch computes with."""
    if isinstance(x, torch.Tensor):
        if x.dtype is not dtype:  # an index, or a condition
            return x
        if dtype in FLOAT8:
            return x.to(torch.float32)
        signed = x.view(SIGNED[dtype])
        return signed ^ _least(dtype) if ordered else signed
    if dtype in FLOAT8:
        return float(x)
    half = 1 << (_BITS[dtype] - 1)
    return int(x) - half if ordered else (int(x) + half) % (2 * half) - half


def written(x: Any, dtype: torch.dtype, ordered: bool) -> Any:
    """Back from `read`."""
    if dtype in FLOAT8:
        return x.to(dtype)
    return (x ^ _least(dtype) if ordered else x).view(dtype)


def _least(dtype: torch.dtype) -> int:
    return -(1 << (_BITS[dtype] - 1))


def mended(function: Callable[..., Any], ordered: bool = False, predicate: bool = False) -> Callable[..., Any]:
    """`function(x, *others)`, where `x` and the other tensors may have an odd dtype too.

    Args:
        ordered: whether it compares.
        predicate: whether its result has a dtype of its own, which stays.
    """

    @functools.wraps(function)
    def run(x: Any, *others: Any, **options: Any) -> Any:
        if x.dtype not in ODD:
            return function(x, *others, **options)
        dtype = x.dtype
        others = tuple(read(y, dtype, ordered) if isinstance(y, torch.Tensor) else y for y in others)
        result = function(read(x, dtype, ordered), *others, **options)
        return result if predicate else written(result, dtype, ordered)

    return run


def mended_pair(function: Callable[..., Any], ordered: bool = False, predicate: bool = False) -> Callable[..., Any]:
    """`function(x, y)`, of which one may be a Python scalar, likewise."""

    def run(x: Any, y: Any) -> Any:
        dtype = x.dtype if isinstance(x, torch.Tensor) else y.dtype
        if dtype not in ODD:
            return function(x, y)
        result = function(read(x, dtype, ordered), read(y, dtype, ordered))
        return result if predicate else written(result, dtype, ordered)

    return run


def mended_quotient(function: Callable[..., Any], remainder: bool) -> Callable[..., Any]:
    """`floor_divide` or `mod`, likewise: up to 32 bits in int64, and 64 bits by halves."""

    def run(x: Any, y: Any) -> Any:
        dtype = x.dtype if isinstance(x, torch.Tensor) else y.dtype
        if dtype not in ODD:
            return function(x, y)
        if dtype in FLOAT8:
            return function(read(x, dtype, False), read(y, dtype, False)).to(dtype)
        if dtype is not torch.uint64:
            x, y = (v.to(torch.int64) if isinstance(v, torch.Tensor) else v for v in (x, y))
            return function(x, y).to(dtype)
        return _divided(x, y, remainder)

    return run


def _divided(x: Any, y: Any, remainder: bool) -> Any:
    """Of 64 bits without sign.  Source: Warren 2012, "Hacker's Delight", 9-3: unsigned from signed division."""
    x, y = (v if isinstance(v, torch.Tensor) else torch.tensor(v, dtype=torch.uint64) for v in (x, y))
    a, b = torch.broadcast_tensors(x.view(torch.int64), y.view(torch.int64))
    zero, large = b == 0, b < 0
    divisor = torch.where(zero | large, 1, b)
    halves = torch.div((a >> 1) & (2**63 - 1), divisor, rounding_mode="floor") << 1
    rest = a - halves * divisor
    least = -(2**63)
    halves = halves + ((rest ^ least) >= (divisor ^ least)).to(torch.int64)
    quotient = torch.where(large, ((a ^ least) >= (b ^ least)).to(torch.int64), halves)
    result = a - quotient * b if remainder else quotient
    return torch.where(zero, 0, result).view(torch.uint64)


def shifted_right(x: Any, y: Any) -> Any:
    """`x >> y` where the sign bit is no sign."""
    dtype = x.dtype if isinstance(x, torch.Tensor) else y.dtype
    if dtype not in SIGNED:
        return x >> y
    bits = _BITS[dtype]
    if isinstance(y, torch.Tensor):
        x, y = torch.broadcast_tensors(torch.as_tensor(x, dtype=dtype), y)
        if dtype is torch.uint64:
            shift = y.view(torch.int64)
            kept = torch.where(shift == 0, -1, ~(torch.full_like(shift, -1) << (64 - shift)))
            return ((x.view(torch.int64) >> shift) & kept).view(dtype)
        return (x.to(torch.int64) >> y.to(torch.int64)).to(dtype)
    if y == 0:
        return x
    return ((x.view(SIGNED[dtype]) >> int(y)) & ((1 << (bits - int(y))) - 1)).view(dtype)
