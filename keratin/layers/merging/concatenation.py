"""Tensors one after the other."""

from __future__ import annotations

from typing import Any

from keratin import ops, shapes
from keratin.layers.merging.base import Merge
from keratin.ops.mechanism import Tensor


class Concatenate(Merge):
    """Tensors one after the other along an axis.

    Args: axis: which one.
    Shape: a list of tensors that agree on the other axes -> their sum of sizes on `axis`.
    Raises: ArgumentError, AxisError, ShapeError.

    >>> Concatenate()([ops.array([[1.0, 2.0]]), ops.array([[3.0]])]).tolist()
    [[1.0, 2.0, 3.0]]
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Tensor:
        """The inputs as one tensor."""
        if self.axis != 0:
            self._check_list(inputs)
        return ops.concatenate(inputs, axis=self.axis)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The masks one after the other; along an axis that they do not have, True where one of the inputs has data."""
        if not isinstance(previous_mask, list | tuple) or all(mask is None for mask in previous_mask):
            return None
        rank = max(len(mask.shape) for mask in previous_mask if mask is not None)
        axis = shapes.axis(self.axis, len(inputs[0].shape))
        if axis >= rank:
            return super().compute_mask(inputs, previous_mask)
        masks = [
            ops.ones(ops.shape(x)[:rank], dtype="bool") if mask is None else mask
            for x, mask in zip(inputs, previous_mask, strict=True)
        ]
        return ops.concatenate(masks, axis=axis)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Tensor:
    """Tensors one after the other: `Concatenate(axis, **kwargs)(inputs)`.

    >>> concatenate([ops.array([[1.0]]), ops.array([[2.0]])]).tolist()
    [[1.0, 2.0]]
    """
    return Concatenate(axis=axis, **kwargs)(inputs)
