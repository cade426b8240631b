"""The affine map of dense layers as one op, so that a backend can run it in one dispatch."""

from __future__ import annotations

from keratin.backends import primitives as p
from keratin.ops.mechanism import Tensor, TensorLike, op

__all__ = ["dense"]


@op(tensors=3, promote="same")
def dense(x: TensorLike, kernel: TensorLike, bias: TensorLike | None = None) -> Tensor:
    """`x @ kernel + bias`.

    Shape: (..., n), (n, units), (units,) -> (..., units).  Raises: ShapeError if the inner sizes differ.

    >>> dense([[1.0, 2.0]], [[1.0], [1.0]], [0.5]).tolist()
    [[3.5]]
    """
    y = p.matmul(x, kernel)
    return y if bias is None else p.add(y, bias)
