"""The maximum or the mean of windows over one, two or three spatial axes."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.layers.base import Layer
from keratin.layers.checks import layout, one_of, sizes
from keratin.layers.input_spec import InputSpec
from keratin.ops.mechanism import Tensor


class BasePooling(Layer):
    """Base of the poolings; `rank`, the number of spatial axes, is set by each class."""

    rank: int

    def _set_window(self, pool_size: Any, strides: Any, padding: Any, data_format: Any) -> None:
        self.pool_size = sizes("pool_size", pool_size, self.rank, self)
        self.strides = self.pool_size if strides is None else sizes("strides", strides, self.rank, self)
        self.padding = one_of("padding", padding, ("valid", "same"), self)
        self.data_format = layout(data_format, self)
        self.input_spec = InputSpec(ndim=self.rank + 2)


class MaxPooling(BasePooling):
    """The maximum of each window."""

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self._set_window(pool_size, strides, padding, data_format)

    def call(self, inputs: Tensor) -> Tensor:
        """The maximum of each window."""
        return ops.max_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class AveragePooling(BasePooling):
    """The mean of each window."""

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self._set_window(pool_size, strides, padding, data_format)

    def call(self, inputs: Tensor) -> Tensor:
        """The mean of each window."""
        return ops.average_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class MaxPooling1D(MaxPooling):
    """The maximum of each window along one axis.

    Args: as in `MaxPooling2D`.
    Shape: (batch, steps, channels) -> (batch, new steps, channels), or channels first.
    Raises: ArgumentError, ShapeError.

    >>> MaxPooling1D(2).compute_output_shape((None, 7, 3))
    (None, 3, 3)
    """

    rank = 1


class MaxPooling2D(MaxPooling):
    """The maximum of each window of two axes.

    Args:
        pool_size: height and width of the window: an integer for both, or two.
        strides: steps of the window, `pool_size` by default.
        padding: "valid", or "same" for an output of size `ceil(size / stride)`.
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
        name: of the layer.
    Shape: (batch, height, width, channels) -> (batch, new height, new width, channels), or channels first.
    Raises: ArgumentError, ShapeError.

    >>> MaxPooling2D((2, 2)).compute_output_shape((None, 26, 26, 32))
    (None, 13, 13, 32)
    """

    rank = 2


class MaxPooling3D(MaxPooling):
    """The maximum of each window of three axes.

    Args: as in `MaxPooling2D`, with three sizes.
    Shape: (batch, depth, height, width, channels) -> the same with smaller spatial axes, or channels first.
    Raises: ArgumentError, ShapeError.

    >>> MaxPooling3D(2).compute_output_shape((None, 6, 6, 6, 1))
    (None, 3, 3, 3, 1)
    """

    rank = 3


class AveragePooling1D(AveragePooling):
    """The mean of each window along one axis; padding does not count.

    Args: as in `AveragePooling2D`.
    Shape: (batch, steps, channels) -> (batch, new steps, channels), or channels first.
    Raises: ArgumentError, ShapeError.

    >>> AveragePooling1D(3, strides=1, padding="same").compute_output_shape((None, 7, 3))
    (None, 7, 3)
    """

    rank = 1


class AveragePooling2D(AveragePooling):
    """The mean of each window of two axes; padding does not count.

    Args:
        pool_size: height and width of the window: an integer for both, or two.
        strides: steps of the window, `pool_size` by default.
        padding: "valid", or "same" for an output of size `ceil(size / stride)`.
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
        name: of the layer.
    Shape: (batch, height, width, channels) -> (batch, new height, new width, channels), or channels first.
    Raises: ArgumentError, ShapeError.

    >>> AveragePooling2D(2).compute_output_shape((None, 8, 6, 3))
    (None, 4, 3, 3)
    """

    rank = 2


class AveragePooling3D(AveragePooling):
    """The mean of each window of three axes; padding does not count.

    Args: as in `AveragePooling2D`, with three sizes.
    Shape: (batch, depth, height, width, channels) -> the same with smaller spatial axes, or channels first.
    Raises: ArgumentError, ShapeError.

    >>> AveragePooling3D(2).compute_output_shape((None, 6, 6, 6, 1))
    (None, 3, 3, 3, 1)
    """

    rank = 3
