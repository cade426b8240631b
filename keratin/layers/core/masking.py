"""Steps marked as empty."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.layers.base import Layer
from keratin.ops.mechanism import Tensor


class Masking(Layer):
    """Mask the steps whose features all equal `mask_value`, and set them to 0.

    Args: mask_value: the number that marks them.
    Shape: (batch, steps, features) -> same, with a mask (batch, steps).

    >>> Masking(-1.0)([[[-1.0, -1.0], [2.0, -1.0]]]).tolist()
    [[[0.0, 0.0], [2.0, -1.0]]]
    """

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def call(self, inputs: Tensor) -> Tensor:
        """The input, with 0 in empty steps."""
        return ops.where(ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True), inputs, 0)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """True where a feature differs from `mask_value`."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)
