"""The maximum or the mean of all positions, channel by channel."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.layers.base import Layer
from keratin.layers.checks import layout
from keratin.layers.input_spec import InputSpec
from keratin.ops.mechanism import Tensor


class BaseGlobalPooling(Layer):
    """Reduce the spatial axes, of which there are `rank`."""

    rank: int

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = layout(data_format, self)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)
        first = 2 if self.data_format == "channels_first" else 1
        self._spatial = tuple(range(first, first + self.rank))


class GlobalMaxPooling(BaseGlobalPooling):
    """The maximum of all positions."""

    def call(self, inputs: Tensor) -> Tensor:
        """The maximum of all positions."""
        return ops.max(inputs, axis=self._spatial, keepdims=self.keepdims)


class GlobalAveragePooling(BaseGlobalPooling):
    """The mean of all positions."""

    def call(self, inputs: Tensor) -> Tensor:
        """The mean of all positions."""
        return ops.mean(inputs, axis=self._spatial, keepdims=self.keepdims)


class GlobalMaxPooling1D(GlobalMaxPooling):
    """The maximum over all steps.

    Args: as in `GlobalMaxPooling2D`.
    Shape: (batch, steps, channels) -> (batch, channels).

    >>> GlobalMaxPooling1D().compute_output_shape((None, 7, 3))
    (None, 3)
    """

    rank = 1


class GlobalMaxPooling2D(GlobalMaxPooling):
    """The maximum over all positions of each channel.

    Args:
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
        keepdims: whether the spatial axes stay, with size 1.
    Shape: (batch, height, width, channels) -> (batch, channels), or channels first.

    >>> GlobalMaxPooling2D(keepdims=True).compute_output_shape((None, 8, 8, 3))
    (None, 1, 1, 3)
    """

    rank = 2


class GlobalMaxPooling3D(GlobalMaxPooling):
    """The maximum over all positions of each channel.

    Args: as in `GlobalMaxPooling2D`.
    Shape: (batch, depth, height, width, channels) -> (batch, channels), or channels first.

    >>> GlobalMaxPooling3D().compute_output_shape((None, 4, 4, 4, 3))
    (None, 3)
    """

    rank = 3


class GlobalAveragePooling1D(GlobalAveragePooling):
    """The mean over all steps, or over those that a mask leaves.

    Args: as in `GlobalAveragePooling2D`.
    Shape: (batch, steps, channels) -> (batch, channels); a mask (batch, steps).

    >>> GlobalAveragePooling1D().compute_output_shape((None, 7, 3))
    (None, 3)
    """

    rank = 1
    supports_masking = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """The mean; where a mask leaves no step at all, 0."""
        if mask is None:
            return super().call(inputs)
        (steps,) = self._spatial
        kept = ops.expand_dims(ops.cast(mask, "bool"), 3 - steps)
        total = ops.sum(ops.where(kept, inputs, 0), axis=steps, keepdims=self.keepdims)
        count = ops.sum(ops.cast(kept, inputs.dtype), axis=steps, keepdims=self.keepdims)
        return ops.divide(total, ops.maximum(count, 1))

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """None: there are no steps left to mask."""
        return None


class GlobalAveragePooling2D(GlobalAveragePooling):
    """The mean over all positions of each channel.

    Args:
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
        keepdims: whether the spatial axes stay, with size 1.
    Shape: (batch, height, width, channels) -> (batch, channels), or channels first.
    Source: Lin, Chen & Yan 2013, arXiv:1312.4400, section 3.2.

    >>> GlobalAveragePooling2D().compute_output_shape((None, 8, 8, 3))
    (None, 3)
    """

    rank = 2


class GlobalAveragePooling3D(GlobalAveragePooling):
    """The mean over all positions of each channel.

    Args: as in `GlobalAveragePooling2D`.
    Shape: (batch, depth, height, width, channels) -> (batch, channels), or channels first.

    >>> GlobalAveragePooling3D().compute_output_shape((None, 4, 4, 4, 3))
    (None, 3)
    """

    rank = 3
