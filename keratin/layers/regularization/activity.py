"""A loss on the values that pass."""

from __future__ import annotations

from typing import Any

from keratin import regularizers
from keratin.layers.base import Layer
from keratin.ops.mechanism import Tensor


class ActivityRegularization(Layer):
    """Leave the input as it is, and add `l1 * sum(|x|) + l2 * sum(x**2)` per sample to the losses.

    Args: l1, l2: the factors.
    Shape: any -> same.

    >>> layer = ActivityRegularization(l1=0.5)
    >>> _ = layer([[1.0, -3.0]])
    >>> [float(loss) for loss in layer.losses]
    [2.0]
    """

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def call(self, inputs: Tensor) -> Tensor:
        """The input."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The factors, which stand for the regularizer."""
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return {**config, "l1": self.l1, "l2": self.l2}
