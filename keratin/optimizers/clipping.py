"""Three ways to bound gradients."""

from __future__ import annotations

from collections.abc import Sequence

from keratin import ops
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor


def by_value(gradients: Sequence[Tensor], limit: float) -> list[Tensor]:
    """Bring every entry into [-limit, limit].

    >>> by_value([ops.array([3.0, -0.5])], 1.0)[0].tolist()
    [1.0, -0.5]
    """
    return [ops.clip(g, -limit, limit) for g in gradients]


def by_norm(gradients: Sequence[Tensor], limit: float) -> list[Tensor]:
    """Scale every gradient whose norm is greater than `limit` down to it.

    Source: Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063, algorithm 1.

    >>> by_norm([ops.array([3.0, 4.0]), ops.array([0.0])], 2.5)[0].tolist()
    [1.5, 2.0]
    """
    return [g * _shrink(ops.sum(ops.square(g)), limit) for g in gradients]


def by_global_norm(gradients: Sequence[Tensor], limit: float) -> list[Tensor]:
    """Scale all gradients by one factor, if their norm together is greater than `limit`.

    >>> [g.tolist() for g in by_global_norm([ops.array([3.0]), ops.array([4.0])], 2.5)]
    [[1.5], [2.0]]
    """
    squared = [ops.sum(ops.square(g)) for g in gradients]
    total = squared[0]
    for more in squared[1:]:
        total = ops.add(total, more)
    factor = _shrink(total, limit)
    return [g * ops.cast(factor, mechanism.dtype_of(g)) for g in gradients]


def _shrink(squared_norm: Tensor, limit: float) -> Tensor:
    """The factor that brings a norm down to `limit`: 1 where it is not above, for a norm of 0 too."""
    return limit / ops.maximum(ops.sqrt(squared_norm), limit)
