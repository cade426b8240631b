"""Zeros around the spatial axes, and borders cut off them."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.errors import ShapeError
from keratin.layers.base import Layer
from keratin.layers.checks import layout, pairs, sizes
from keratin.layers.input_spec import InputSpec
from keratin.ops.mechanism import Tensor


class Borders(Layer):
    """Base of the layers that change the borders of the spatial axes, of which there are `rank`."""

    rank: int
    data_format: str = "channels_last"

    def _on_all_axes(self, spatial: Any, other: Any) -> tuple[Any, ...]:
        """`spatial` for the spatial axes, `other` for batch and channels."""
        return (other, other, *spatial) if self.data_format == "channels_first" else (other, *spatial, other)

    def _pad(self, inputs: Tensor, widths: Any) -> Tensor:
        return ops.pad(inputs, self._on_all_axes(widths, (0, 0)))

    def _crop(self, inputs: Tensor, widths: Any) -> Tensor:
        shape = tuple(inputs.shape)
        for size, cut in zip(shape, self._on_all_axes(widths, (0, 0)), strict=True):
            if isinstance(size, int) and any(cut) and sum(cut) >= size:
                raise ShapeError(
                    "Nothing is left after cropping.",
                    where=self.path,
                    expected=f"more than {sum(cut)} positions",
                    received=shape,
                )
        parts = tuple(slice(before, -after if after else None) for before, after in widths)
        return inputs[self._on_all_axes(parts, slice(None))]


class ZeroPadding1D(Borders):
    """Zeros before and after the steps.

    Args:
        padding: how many: an integer for both ends, or (before, after).
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
    Shape: (batch, steps, channels) -> (batch, steps + before + after, channels), or channels first.
    Raises: ArgumentError, ShapeError.

    >>> ZeroPadding1D((1, 2)).compute_output_shape((None, 5, 3))
    (None, 8, 3)
    """

    rank = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = sizes("padding", padding, 2, self, least=0)
        self.data_format = layout(data_format, self)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Tensor) -> Tensor:
        """The padded input."""
        return self._pad(inputs, (self.padding,))


class ZeroPadding2D(Borders):
    """Zeros around images.

    Args:
        padding: how many: an integer for all sides, one for each axis, or a pair (before, after) for each.
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
    Shape: (batch, height, width, channels) -> the same with larger height and width, or channels first.
    Raises: ArgumentError, ShapeError.

    >>> ZeroPadding2D(((1, 0), (2, 2))).compute_output_shape((None, 5, 5, 3))
    (None, 6, 9, 3)
    """

    rank = 2

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = pairs("padding", padding, self.rank, self)
        self.data_format = layout(data_format, self)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Tensor) -> Tensor:
        """The padded input."""
        return self._pad(inputs, self.padding)


class ZeroPadding3D(ZeroPadding2D):
    """Zeros around volumes.

    Args: as in `ZeroPadding2D`, with three axes.
    Shape: (batch, depth, height, width, channels) -> the same with larger spatial axes, or channels first.
    Raises: ArgumentError, ShapeError.

    >>> ZeroPadding3D((1, 2, 3)).compute_output_shape((None, 4, 4, 4, 1))
    (None, 6, 8, 10, 1)
    """

    rank = 3


class Cropping1D(Borders):
    """Steps cut off at both ends.

    Args: cropping: how many: an integer for both ends, or (before, after).
    Shape: (batch, steps, channels) -> (batch, steps - before - after, channels).
    Raises: ArgumentError; ShapeError if nothing is left.

    >>> Cropping1D((1, 2)).compute_output_shape((None, 8, 3))
    (None, 5, 3)
    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = sizes("cropping", cropping, 2, self, least=0)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Tensor) -> Tensor:
        """The cropped input."""
        return self._crop(inputs, (self.cropping,))


class BaseCropping(Borders):
    """Borders cut off two or three axes."""

    def _set_cropping(self, cropping: Any, data_format: str | None) -> None:
        self.cropping = pairs("cropping", cropping, self.rank, self)
        self.data_format = layout(data_format, self)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Tensor) -> Tensor:
        """The cropped input."""
        return self._crop(inputs, self.cropping)


class Cropping2D(BaseCropping):
    """Borders cut off images.

    Args:
        cropping: how many: an integer for all sides, one for each axis, or a pair (before, after) for each.
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
    Shape: (batch, height, width, channels) -> the same with smaller height and width, or channels first.
    Raises: ArgumentError; ShapeError if nothing is left.

    >>> Cropping2D(((1, 0), (2, 2))).compute_output_shape((None, 6, 9, 3))
    (None, 5, 5, 3)
    """

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_cropping(cropping, data_format)


class Cropping3D(BaseCropping):
    """Borders cut off volumes.

    Args: as in `Cropping2D`, with three axes.
    Shape: (batch, depth, height, width, channels) -> the same with smaller spatial axes, or channels first.
    Raises: ArgumentError; ShapeError if nothing is left.

    >>> Cropping3D(1).compute_output_shape((None, 6, 6, 6, 1))
    (None, 4, 4, 4, 1)
    """

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_cropping(cropping, data_format)
