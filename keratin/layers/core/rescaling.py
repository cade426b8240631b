"""Another unit for the input."""

from __future__ import annotations

from typing import Any

from keratin import config, ops
from keratin.layers.base import Layer
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike


class Rescaling(Layer):
    """`inputs * scale + offset`, in the compute dtype: `Rescaling(1 / 255)` takes bytes to [0, 1].

    Args:
        scale: a number, or one for each channel.
        offset: a number, or one for each channel.
    Shape: any -> same.

    >>> import numpy as np
    >>> Rescaling(0.5, offset=-1.0)(np.array([0, 4], "uint8")).tolist()
    [-1.0, 1.0]
    """

    supports_masking = True

    def __init__(self, scale: TensorLike, offset: TensorLike = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset

    def call(self, inputs: Tensor) -> Tensor:
        """The rescaled input."""
        scale, offset = (self._along_channels(value) for value in (self.scale, self.offset))
        return ops.add(ops.multiply(ops.cast(inputs, self.compute_dtype), scale), offset)

    def _along_channels(self, value: TensorLike) -> Any:
        if isinstance(value, int | float):
            return value
        array = mechanism.host_values(value)
        if array.ndim and config.image_data_format() == "channels_first":
            array = array.reshape(array.shape + (1,) * (3 - array.ndim))
        return ops.cast(array, self.compute_dtype)
