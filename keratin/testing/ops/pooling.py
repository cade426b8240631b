"""Rows of pooling, with references that loop over windows."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from keratin.ops import nn
from keratin.testing.arrays import f32
from keratin.testing.ops.case import DTYPES, case, floating, same
from keratin.testing.ops.convolution import per_axis


def _loop(reduce: Any) -> Any:
    def pool(x: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: Any = None) -> Any:
        """Each window as a list of the real positions in it."""
        if data_format == "channels_first":
            return np.moveaxis(pool(np.moveaxis(x, 1, -1), pool_size, strides, padding), -1, 1)
        rank = x.ndim - 2
        window = per_axis(pool_size, rank)
        strides = window if strides is None else per_axis(strides, rank)
        sizes, before = [], []
        for n, w, s in zip(x.shape[1:-1], window, strides, strict=True):
            out = -(-n // s) if padding == "same" else (n - w) // s + 1
            sizes.append(out)
            before.append(max((out - 1) * s + w - n, 0) // 2 if padding == "same" else 0)
        result = np.zeros((x.shape[0], *sizes, x.shape[-1]), x.dtype)
        for place in np.ndindex(*sizes):
            spans = [
                range(max(i * s - b, 0), min(i * s - b + w, n))
                for i, s, b, w, n in zip(place, strides, before, window, x.shape[1:-1], strict=True)
            ]
            values = [x[(slice(None), *position)] for position in itertools.product(*spans)]
            result[(slice(None), *place)] = reduce(values, axis=0)
        return result

    return pool


loop_max, loop_mean = _loop(np.max), _loop(np.mean)

ROWS = [
    case(nn.max_pool, [f32(2, 6, 2)], loop_max, dtype=same, accepts=DTYPES[1:], pool_size=2),
    case(
        nn.max_pool,
        [f32(2, 5, 4, 2)],
        loop_max,
        dtype=same,
        accepts=DTYPES[1:],
        pool_size=3,
        strides=2,
        padding="same",
    ),
    case(
        nn.max_pool,
        [f32(1, 2, 5, 5)],
        loop_max,
        dtype=same,
        accepts=DTYPES[1:],
        pool_size=2,
        data_format="channels_first",
    ),
    case(nn.average_pool, [f32(2, 6, 2)], loop_mean, dtype=floating, pool_size=2),
    case(nn.average_pool, [f32(2, 5, 4, 2)], loop_mean, dtype=floating, pool_size=3, strides=2, padding="same"),
    case(
        nn.average_pool,
        [f32(1, 2, 5, 5)],
        loop_mean,
        dtype=floating,
        pool_size=2,
        data_format="channels_first",
        padding="same",
    ),
]
