"""Linear algebra, in a wider dtype where a narrow one has no kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.ops import gen_math_ops

from keratin import shapes
from keratin.backends.tensorflow.facts import shape, sizes

HALF = {tf.float16: tf.float32, tf.bfloat16: tf.float32}
_WHOLE = {
    **dict.fromkeys((tf.bool, tf.int8, tf.uint8, tf.int16, tf.uint16), tf.int32),
    **dict.fromkeys((tf.uint32, tf.uint64), tf.int64),
}
"""Integers of which products of matrices have no kernel; the lower bits are the same."""


def cast_tensor(value: Any, dtype: Any) -> Any:
    return tf.cast(value, dtype) if isinstance(value, tf.Tensor) else value


def matmul(x: Any, y: Any) -> Any:
    wide = _WHOLE.get(x.dtype)
    if wide is not None:
        return tf.cast(matmul(tf.cast(x, wide), tf.cast(y, wide)), x.dtype)
    if len(x.shape) == 2 and len(y.shape) == 2:
        return gen_math_ops.mat_mul(x, y)
    if len(x.shape) == 1 or len(y.shape) == 1:
        left = tf.expand_dims(x, 0) if len(x.shape) == 1 else x
        right = tf.expand_dims(y, 1) if len(y.shape) == 1 else y
        result = matmul(left, right)
        gone = ([-1] if len(y.shape) == 1 else []) + ([-2] if len(x.shape) == 1 else [])
        return tf.squeeze(result, gone)
    if len(y.shape) == 2:  # one product of matrices, in place of one for each of the leading positions
        *lead, inner = shape(x)
        rows = tf.matmul(tf.reshape(x, sizes((shapes.size(lead), inner))), y)
        return tf.reshape(rows, sizes((*lead, shape(y)[1])))
    return tf.matmul(x, y)


def dot_general(x: Any, y: Any, contract: Any, batch: Any) -> Any:
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    left: list[str] = [next(letters) for _ in x.shape]
    right: list[str] = [next(letters) for _ in y.shape]
    for a, b in (*zip(*contract, strict=True), *zip(*batch, strict=True)):
        right[b] = left[a]
    result = [left[a] for a in batch[0]]
    result += [c for i, c in enumerate(left) if i not in contract[0] and i not in batch[0]]
    result += [c for i, c in enumerate(right) if i not in contract[1] and i not in batch[1]]
    return _einsum(f"{''.join(left)},{''.join(right)}->{''.join(result)}", [x, y])


def einsum(subscripts: str, *operands: Any) -> Any:
    inputs, result = subscripts.split("->")
    parts = inputs.split(",")
    largest: dict[str, Any] = {}
    for letters, x in zip(parts, operands, strict=True):
        for letter, size in zip(letters, x.shape, strict=True):
            if largest.get(letter, 1) == 1:
                largest[letter] = size
    given = list(operands)
    for place, (letters, x) in enumerate(zip(parts, operands, strict=True)):
        axes = [
            i for i, (letter, size) in enumerate(zip(letters, x.shape, strict=True)) if size == 1 != largest[letter]
        ]
        if axes:  # those of size 1 broadcast; TensorFlow's einsum does so only behind dots
            given[place] = tf.squeeze(x, axes)
            parts[place] = "".join(letter for i, letter in enumerate(letters) if i not in axes)
    return _einsum(f"{','.join(parts)}->{result}", given)


def _einsum(equation: str, operands: list[Any]) -> Any:
    wide = _WHOLE.get(operands[0].dtype)
    if wide is not None:
        return tf.cast(_einsum(equation, [tf.cast(x, wide) for x in operands]), operands[0].dtype)
    if len(operands) <= 2:
        return tf.raw_ops.Einsum(inputs=operands, equation=equation)
    return tf.einsum(equation, *operands)


def _wide(function: Callable[..., Any]) -> Callable[..., Any]:
    """In float32 where a half dtype has no kernel."""

    def run(x: Any, *args: Any) -> Any:
        if x.dtype not in HALF:
            return function(x, *args)
        result = function(tf.cast(x, tf.float32), *(cast_tensor(a, tf.float32) for a in args))
        if isinstance(result, tuple):
            return tuple(tf.cast(r, x.dtype) for r in result)
        return tf.cast(result, x.dtype)

    return run


cholesky, inverse, det = _wide(tf.linalg.cholesky), _wide(tf.linalg.inv), _wide(tf.linalg.det)


@_wide
def qr(x: Any, mode: str) -> tuple[Any, Any]:
    q, r = tf.linalg.qr(x, full_matrices=mode == "complete")
    return q, r


@_wide
def svd(x: Any, full_matrices: bool) -> tuple[Any, Any, Any]:
    s, u, v = tf.linalg.svd(x, full_matrices=full_matrices)
    return u, s, tf.linalg.adjoint(v)


@_wide
def eigh(x: Any) -> tuple[Any, Any]:
    values, vectors = tf.linalg.eigh(x)
    return values, vectors


@_wide
def solve(a: Any, b: Any) -> Any:
    return tf.linalg.solve(*_same_batch(a, b))


@_wide
def solve_triangular(a: Any, b: Any, lower: bool) -> Any:
    return tf.linalg.triangular_solve(*_same_batch(a, b), lower=lower)


def _same_batch(a: Any, b: Any) -> tuple[Any, ...]:
    batch = shapes.broadcast(shape(a)[:-2], shape(b)[:-2])
    return tuple(tf.broadcast_to(x, sizes((*batch, *shape(x)[-2:]))) for x in (a, b))
