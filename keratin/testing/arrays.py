"""Arrays for rows, the same in every run, and the way to tensors and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keratin import dtypes
from keratin.backends import select
from keratin.ops import mechanism


def f32(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> np.ndarray:
    """Float32 numbers without ties, the same in every run."""
    return np.random.default_rng([seed, *shape]).uniform(low, high, shape).astype(np.float32)


def i32(*shape: int, low: int = -4, high: int = 5, seed: int = 0) -> np.ndarray:
    """Int32 numbers, the same in every run."""
    return np.random.default_rng([seed, *shape]).integers(low, high, shape).astype(np.int32)


def flags(*shape: int, seed: int = 0) -> np.ndarray:
    """Bool values, the same in every run."""
    return np.random.default_rng([seed, *shape]).random(shape) < 0.5


def tensors(arrays: Sequence[np.ndarray]) -> list[Any]:
    """Tensors of the backend."""
    return [mechanism.convert(a) for a in arrays]


def host(x: Any) -> np.ndarray:
    """NumPy's array of a tensor, half precision as float32."""
    array = np.asarray(select.current().to_host(x))
    return array.astype(np.float32) if mechanism.dtype_of(x) in dtypes.HALF else array


def results(value: Any) -> list[Any]:
    """One result or several, as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]
