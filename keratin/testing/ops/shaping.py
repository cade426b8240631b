"""Rows of ops that change shapes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keratin import ops
from keratin.testing.arrays import f32
from keratin.testing.ops.case import FLOATS, always, case

INF, NAN = math.inf, math.nan
BOOL, INT = always("bool"), always("int32")


def _unstack(x: Any, num: Any = None, axis: int = 0) -> Any:
    return [np.take(x, i, axis) for i in range(x.shape[axis])]


def _reshape(x: Any, newshape: Any) -> Any:
    return np.reshape(x, newshape)


def _squeeze(x: Any, axis: Any = None) -> Any:
    return np.squeeze(x, axis)


SHAPING = [
    case(ops.reshape, [f32(2, 3, 4)], _reshape, newshape=(6, -1)),
    case(ops.reshape, [f32(2, 3, 4)], _reshape, newshape=-1),
    case(ops.reshape, [f32(0, 3)], _reshape, newshape=(3, 0)),
    case(ops.reshape, [f32()], _reshape, newshape=(1, 1)),
    case(ops.ravel, [f32(2, 3)], np.ravel),
    case(ops.transpose, [f32(2, 3, 4)], np.transpose),
    case(ops.transpose, [f32(2, 3, 4)], np.transpose, axes=(1, -1, 0)),
    case(ops.swapaxes, [f32(2, 3, 4)], np.swapaxes, axis1=0, axis2=-1),
    case(ops.moveaxis, [f32(2, 3, 4)], np.moveaxis, source=0, destination=-1),
    case(ops.moveaxis, [f32(2, 3, 4, 5)], np.moveaxis, source=(0, 2), destination=(-1, 0)),
    case(ops.expand_dims, [f32(2, 3)], np.expand_dims, axis=-1),
    case(ops.expand_dims, [f32(2, 3)], np.expand_dims, axis=(0, -1, 2)),
    case(ops.squeeze, [f32(2, 1, 3, 1)], _squeeze, axis=-1),
    case(ops.squeeze, [f32(2, 1, 3, 1)], _squeeze, axis=(1, 3)),
    case(ops.squeeze, [f32(2, 1, 3)], _squeeze, symbolic=False),
    case(ops.broadcast_to, [f32(3, 1)], np.broadcast_to, shape=(2, 3, 4)),
    case(ops.concatenate, [[f32(2, 3), f32(4, 3, seed=1)]], np.concatenate),
    case(ops.concatenate, [[f32(2, 3), f32(2, 0), f32(2, 1)]], np.concatenate, axis=-1),
    case(ops.append, [f32(2, 3), f32(2, 3, seed=1)], np.append, axis=1),
    case(ops.append, [f32(2, 3), f32(4, seed=1)], np.append),
    case(ops.stack, [[f32(2, 3), f32(2, 3, seed=1)]], np.stack, axis=-1),
    case(ops.stack, [[f32(), f32(seed=1)]], np.stack),
    case(ops.hstack, [[f32(2, 3), f32(2, 1)]], np.hstack),
    case(ops.hstack, [[f32(2), f32(3)]], np.hstack),
    case(ops.vstack, [[f32(3), f32(2, 3)]], np.vstack),
    case(ops.split, [f32(4, 6)], np.split, indices_or_sections=3, axis=-1),
    case(ops.split, [f32(6, 2)], np.split, indices_or_sections=[1, 4]),
    case(ops.array_split, [f32(7, 2)], np.array_split, indices_or_sections=3, symbolic=False),
    case(ops.unstack, [f32(2, 3)], _unstack, axis=-1, num=3),
    case(ops.tile, [f32(2, 3)], lambda x, repeats: np.tile(x, repeats), repeats=(2, 1, 3)),
    case(ops.tile, [f32(2, 3)], lambda x, repeats: np.tile(x, repeats), repeats=2),
    case(ops.repeat, [f32(2, 3)], np.repeat, repeats=2, axis=1),
    case(ops.repeat, [f32(2, 3)], np.repeat, repeats=2),
    case(ops.repeat, [f32(2, 3)], np.repeat, repeats=[1, 0, 2], axis=-1, symbolic=False),
    case(ops.pad, [f32(2, 3)], np.pad, pad_width=((1, 0), (2, 1))),
    case(ops.pad, [f32(2, 3)], np.pad, pad_width=1, constant_values=3.5, accepts=FLOATS),
    case(ops.pad, [f32(2, 3)], np.pad, pad_width=((0, 1), (4, 5)), mode="reflect"),
    case(ops.pad, [f32(2, 1)], np.pad, pad_width=2, mode="reflect"),
    case(ops.pad, [f32(2, 3)], np.pad, pad_width=((3, 1), (4, 7)), mode="symmetric"),
    case(ops.pad, [f32(2, 3)], np.pad, pad_width=(2, 1), mode="edge"),
    case(ops.flip, [f32(2, 3)], np.flip),
    case(ops.flip, [f32(2, 3, 2)], np.flip, axis=(0, -1)),
    case(ops.roll, [f32(2, 3)], np.roll, shift=2),
    case(ops.roll, [f32(2, 3)], np.roll, shift=(1, -5), axis=(0, -1)),
    case(ops.roll, [f32(0, 3)], np.roll, shift=1, axis=0),
]

ROWS = SHAPING
