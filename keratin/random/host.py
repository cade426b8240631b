"""The same numbers on the host: for initial values, which then cost no program and do not depend on the backend.

Bits come from the same counters as `random_bits`, a block of them at a time, so that the work stays in the cache.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np

from keratin import dtypes
from keratin.backends.numpy import engine as primitives
from keratin.random import draws

Key: TypeAlias = Any
"""Two uint32."""

_BLOCK = 1 << 15
_MANY_BLOCKS = 8
"""From so many on, threads share the work."""


def uniform(
    key: Key, shape: Sequence[int], low: float = 0.0, high: float = 1.0, dtype: str = "float32"
) -> np.ndarray[Any, Any]:
    """Numbers in [low, high), those of `random.uniform` on a device.

    >>> uniform((1, 0), (2,)).shape
    (2,)
    """
    return _fill(key, shape, dtype, dtype, lambda bits: draws.uniform(primitives, bits, float(low), float(high), dtype))


def normal(
    key: Key, shape: Sequence[int], mean: float = 0.0, stddev: float = 1.0, dtype: str = "float32"
) -> np.ndarray[Any, Any]:
    """Normal numbers, those of `random.normal` on a device.

    >>> normal((1, 0), (2,)).dtype.name
    'float32'
    """
    return _fill(
        key,
        shape,
        dtype,
        draws.wide(dtype),
        lambda bits: draws.normal(primitives, bits, float(mean), float(stddev), dtype),
    )


def truncated_normal(
    key: Key, shape: Sequence[int], mean: float = 0.0, stddev: float = 1.0, dtype: str = "float32"
) -> np.ndarray[Any, Any]:
    """Normal numbers within two standard deviations, those of `random.truncated_normal` on a device.

    >>> bool(abs(truncated_normal((1, 0), (100,))).max() <= 2)
    True
    """
    return _fill(
        key,
        shape,
        dtype,
        draws.wide(dtype),
        lambda bits: draws.truncated_normal(primitives, bits, float(mean), float(stddev), dtype),
    )


def _fill(key: Key, shape: Sequence[int], dtype: str, drawn: str, draw: Callable[[Any], Any]) -> np.ndarray[Any, Any]:
    result = np.empty(tuple(shape), dtypes.numpy_dtype(dtype))
    flat, words, key = result.reshape(-1), draws.words(drawn), np.asarray(key)

    def fill(start: int) -> None:
        stop = min(start + _BLOCK, flat.size)
        counter = np.arange(start * words, stop * words, dtype=np.uint64)
        first, second = primitives.threefry(
            key, (counter >> np.uint64(32)).astype(np.uint32), counter.astype(np.uint32)
        )
        bits = first ^ second
        flat[start:stop] = draw(bits if words == 1 else bits.reshape(-1, words))

    starts = range(0, flat.size, _BLOCK)
    if len(starts) < _MANY_BLOCKS:
        for start in starts:
            fill(start)
    else:  # NumPy lets other threads run while it computes
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as workers:
            list(workers.map(fill, starts))
    return result
