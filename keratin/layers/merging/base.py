"""What layers with several inputs share."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.errors import ArgumentError, ShapeError
from keratin.layers.base import Layer


class Merge(Layer):
    """Base of the layers that make one tensor of a list of tensors."""

    supports_masking = True
    exactly: int | None = None
    """How many inputs there must be; None for any number from 1."""

    def _check_list(self, inputs: Any) -> None:
        """Raises: ArgumentError unless there is a list of the right number; ShapeError if batches differ."""
        if not isinstance(inputs, list | tuple) or not inputs or (self.exactly or len(inputs)) != len(inputs):
            raise ArgumentError(
                "The layer merges a list of tensors.", where=self.path,
                expected=f"a list of {self.exactly or 'at least one'}",
                received=f"{len(inputs)} tensors" if isinstance(inputs, list | tuple) else type(inputs),
            )  # fmt: skip
        batches = {x.shape[0] for x in inputs if len(x.shape)} - {None}
        if len(batches) > 1:
            raise ShapeError(
                "Tensors of different batch sizes cannot be merged.", where=self.path, expected="equal sizes on axis 0",
                received=[tuple(x.shape) for x in inputs],
            )  # fmt: skip

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """True where one of the inputs has data; None if one has no mask."""
        if not isinstance(previous_mask, list | tuple) or any(mask is None for mask in previous_mask):
            return None
        joined, *others = previous_mask
        for mask in others:
            joined = ops.logical_or(joined, mask)
        return joined
