"""Larger spatial axes by repeated positions."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.errors import ArgumentError
from keratin.layers.base import Layer
from keratin.layers.checks import layout, one_of, positive, sizes
from keratin.layers.input_spec import InputSpec
from keratin.ops.mechanism import Tensor

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class UpSampling1D(Layer):
    """Each step `size` times in a row.

    Args: size: how often.
    Shape: (batch, steps, channels) -> (batch, steps * size, channels).  Raises: ArgumentError, ShapeError.

    >>> UpSampling1D(3).compute_output_shape((None, 4, 2))
    (None, 12, 2)
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = positive("size", size, self)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Tensor) -> Tensor:
        """The repeated input."""
        return ops.repeat(inputs, self.size, axis=1)


class UpSampling2D(Layer):
    """Images made larger by whole factors.

    Args:
        size: the factors of height and width: an integer for both, or two.
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
        interpolation: "nearest" repeats rows and columns; no other one is supported yet.
    Shape: (batch, height, width, channels) -> the same with larger height and width, or channels first.
    Raises: ArgumentError, ShapeError.

    >>> UpSampling2D((2, 3)).compute_output_shape((None, 4, 4, 1))
    (None, 8, 12, 1)
    """

    def __init__(
        self, size: Any = 2, data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.size = sizes("size", size, 2, self)
        self.data_format = layout(data_format, self)
        self.interpolation = one_of("interpolation", interpolation, _INTERPOLATIONS, self)
        if self.interpolation != "nearest":
            raise ArgumentError(
                "This interpolation is not supported yet.", where=self.name, expected="nearest", received=interpolation
            )
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Tensor) -> Tensor:
        """The larger input."""
        return _repeated(inputs, self.size, self.data_format)


class UpSampling3D(Layer):
    """Volumes made larger by repeated positions.

    Args:
        size: the factors of the three axes: an integer for all, or three.
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
    Shape: (batch, depth, height, width, channels) -> the same with larger spatial axes, or channels first.
    Raises: ArgumentError, ShapeError.

    >>> UpSampling3D(2).compute_output_shape((None, 2, 3, 4, 1))
    (None, 4, 6, 8, 1)
    """

    def __init__(self, size: Any = 2, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = sizes("size", size, 3, self)
        self.data_format = layout(data_format, self)
        self.input_spec = InputSpec(ndim=5)

    def call(self, inputs: Tensor) -> Tensor:
        """The larger input."""
        return _repeated(inputs, self.size, self.data_format)


def _repeated(x: Tensor, factors: tuple[int, ...], data_format: str) -> Tensor:
    first = 2 if data_format == "channels_first" else 1
    for axis, factor in enumerate(factors, first):
        x = ops.repeat(x, factor, axis=axis)
    return x
