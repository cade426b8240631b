"""Rows of products, decompositions and norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keratin import ops
from keratin.testing.arrays import f32
from keratin.testing.ops.case import FLOATS, Case, accumulator, always, case, floating, number, product

INF, NAN = math.inf, math.nan
BOOL, INT = always("bool"), always("int32")
DIAGONAL = "the length of a diagonal is the lesser of two sizes"


def _spd(n: int, *batch: int) -> np.ndarray:
    """Symmetric positive definite matrices."""
    root = f32(*batch, n, n)
    return (root @ np.swapaxes(root, -1, -2) + 2 * np.eye(n)).astype(np.float32)


def _einsum(*args: Any, subscripts: str) -> Any:
    return np.einsum(subscripts, *args)


def einsum(subscripts: str, *inputs: np.ndarray, **kwargs: Any) -> Case:
    """A row of `einsum`."""
    row = case(
        lambda *xs, subscripts: ops.einsum(subscripts, *xs),
        inputs,
        _einsum,
        dtype=product,
        subscripts=subscripts,
        **kwargs,
    )
    row.op.__name__ = "einsum"
    return row


def _positive_diagonal(function: Any) -> Any:
    """Q and R with the signs that make R's diagonal positive."""

    def run(x: Any, **kwargs: Any) -> Any:
        q, r = function(x, **kwargs)
        return [abs(q), abs(r)]

    run.__name__ = "qr"
    return run


def _singular_values(x: Any) -> Any:
    return ops.svd(x, compute_uv=False)


def _eigenvalues(x: Any) -> Any:
    return ops.eigh(x)[0]


_singular_values.__name__, _eigenvalues.__name__ = "svd", "eigh"

LINALG = [
    case(ops.matmul, [f32(2, 3), f32(3, 4)], np.matmul, dtype=product),
    case(ops.matmul, [f32(5, 1, 2, 3), f32(4, 3, 2)], np.matmul, dtype=product),
    case(ops.matmul, [f32(3), f32(2, 3, 4)], np.matmul, dtype=product),
    case(ops.matmul, [f32(2, 3), f32(3, seed=1)], np.matmul, dtype=product),
    case(ops.matmul, [f32(3), f32(3, seed=1)], np.matmul, dtype=product),
    case(ops.matmul, [f32(2, 0), f32(0, 3)], np.matmul, dtype=product),
    case(ops.dot, [f32(2, 3), f32(4, 3, 2)], np.dot),
    case(ops.dot, [f32(3), f32(3, seed=1)], np.dot),
    case(ops.dot, [f32(2, 3), 2.0], np.dot, dtype=floating),
    case(ops.inner, [f32(2, 3), f32(4, 3)], np.inner),
    case(ops.vdot, [f32(2, 3), f32(3, 2)], np.vdot),
    case(ops.outer, [f32(2, 2), f32(3)], np.outer),
    case(ops.tensordot, [f32(2, 3, 4), f32(3, 4, 5)], np.tensordot),
    case(ops.tensordot, [f32(2, 3, 4), f32(4, 2)], np.tensordot, axes=[[0, -1], [1, 0]]),
    case(ops.tensordot, [f32(2), f32(3)], np.tensordot, axes=0),
    einsum("ij,jk->ik", f32(2, 3), f32(3, 4)),
    einsum("ij,jk", f32(2, 3), f32(3, 4)),
    einsum("ba,c", f32(2, 3), f32(4)),
    einsum(" i j , j -> i ", f32(2, 3), f32(3)),
    einsum("...ij,...jk->...ik", f32(5, 2, 3), f32(2, 1, 3, 4)),
    einsum("...i,i", f32(2, 4, 3), f32(3)),
    einsum("i...->...", f32(2, 4, 3)),
    einsum("ii->i", f32(3, 3)),
    einsum("ii", f32(3, 3)),
    einsum("abc,ad,be->cde", f32(2, 3, 4), f32(2, 5), f32(3, 2)),
    case(ops.cross, [f32(2, 3), f32(3)], np.cross, dtype=number, known=((0, -1), (1, -1))),
    case(
        ops.cross, [f32(3, 4), f32(4, 3)], np.cross, axisa=0, axisb=-1, axisc=0, dtype=number, known=((0, -2), (1, -1))
    ),
    case(ops.trace, [f32(3, 4)], np.trace, dtype=accumulator, needs_sizes=DIAGONAL),
    case(ops.trace, [f32(3, 2, 4)], np.trace, dtype=accumulator, needs_sizes=DIAGONAL, offset=1, axis1=0, axis2=-1),
    case(ops.diagonal, [f32(3, 4)], np.diagonal, needs_sizes=DIAGONAL, offset=-1),
    case(ops.diagonal, [f32(3, 2, 4)], np.diagonal, needs_sizes=DIAGONAL, offset=1, axis1=-1, axis2=0),
    case(ops.diagonal, [f32(3, 4)], np.diagonal, needs_sizes=DIAGONAL, offset=7),
    case(ops.diag, [f32(3)], np.diag, k=-2),
    case(ops.diag, [f32(3)], np.diag, k=1),
    case(ops.diag, [f32(3, 4)], np.diag, needs_sizes=DIAGONAL, k=1),
    case(ops.diagflat, [f32(2, 2)], np.diagflat),
    case(ops.norm, [f32(3, 4)], np.linalg.norm, dtype=floating, ties=[([[0.0, 0.0]], [[0.0, 0.0]])]),
    *(
        case(ops.norm, [f32(3, 4)], np.linalg.norm, dtype=floating, axis=-1, ord=order, keepdims=True)
        for order in (None, 1, 2, 3, INF, -INF)
    ),
    *(
        case(ops.norm, [f32(2, 3, 4)], np.linalg.norm, dtype=floating, axis=(-2, -1), ord=order)
        for order in ("fro", 1, -1, INF, -INF)
    ),
    *(case(ops.norm, [f32(3, 4)], np.linalg.norm, dtype=floating, ord=order, axis=(0, 1)) for order in (2, -2, "nuc")),
    case(ops.norm, [f32(3, 4)], np.linalg.norm, dtype=floating, ord=0, axis=0, gradient=False),
    case(ops.cholesky, [_spd(3, 2)], np.linalg.cholesky, dtype=floating, accepts=FLOATS, gradient=False),
    case(
        ops.cholesky,
        [_spd(3)],
        lambda x, upper: np.linalg.cholesky(x).T,
        dtype=floating,
        accepts=FLOATS,
        upper=True,
        gradient=False,
    ),
    case(ops.det, [f32(2, 3, 3)], np.linalg.det, dtype=floating),
    case(ops.inv, [_spd(3, 2)], np.linalg.inv, dtype=floating, accepts=FLOATS),
    case(
        _positive_diagonal(ops.qr),
        [f32(4, 3)],
        _positive_diagonal(np.linalg.qr),
        dtype=floating,
        symbolic=False,
        accepts=FLOATS,
    ),
    case(
        _singular_values,
        [f32(4, 3)],
        lambda x: np.linalg.svd(x, compute_uv=False),
        dtype=floating,
        accepts=FLOATS,
    ),
    case(
        _eigenvalues,
        [_spd(3, 2)],
        lambda x: np.linalg.eigh(x)[0],
        dtype=floating,
        accepts=FLOATS,
        gradient=False,
    ),
    case(ops.solve, [_spd(3), f32(3, 2)], np.linalg.solve, dtype=floating, accepts=FLOATS),
    case(ops.solve, [_spd(3), f32(3)], np.linalg.solve, dtype=floating, accepts=FLOATS),
    case(
        ops.solve_triangular,
        [_spd(3), f32(3, 2)],
        lambda a, b: np.linalg.solve(np.triu(a), b),
        dtype=floating,
        accepts=FLOATS,
    ),
    case(
        ops.solve_triangular,
        [_spd(3, 2), f32(2, 3, 1)],
        lambda a, b, lower: np.linalg.solve(np.tril(a), b),
        dtype=floating,
        accepts=FLOATS,
        lower=True,
    ),
]

ROWS = LINALG
