"""Dropout of elements, and of whole channels."""

from __future__ import annotations

import operator
from typing import Any

from keratin import ops, random
from keratin.errors import ArgumentError
from keratin.layers.base import Layer
from keratin.layers.checks import fraction, layout
from keratin.layers.input_spec import InputSpec
from keratin.ops.mechanism import Tensor
from keratin.state.seed import SeedGenerator


class Dropout(Layer):
    """In training, set elements to 0 with probability `rate` and divide the others by `1 - rate`.

    Args:
        rate: from 0 to 1.
        noise_shape: the shape of the choice, which broadcasts to the input; None stands for the input's size.
        seed: an integer makes the choices repeatable.

    Shape: any -> same.  Raises: ArgumentError.
    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".

    >>> sorted(set(Dropout(0.5, seed=1)([[1.0] * 100], training=True)[0].tolist()))
    [0.0, 2.0]
    """

    supports_masking = True
    seed_generator: SeedGenerator

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = fraction("rate", rate, self)
        self.noise_shape = _checked(noise_shape, self)
        self.seed = seed
        if rate > 0:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """The input, with elements dropped in training."""
        if not training or self.rate == 0:
            return inputs
        return random.dropout(inputs, self.rate, self._noise_shape(inputs), self.seed_generator)

    def _noise_shape(self, inputs: Tensor) -> Any:
        return self.noise_shape


class BaseSpatialDropout(Dropout):
    """Drop whole channels; `rank` spatial axes share one choice."""

    rank: int
    data_format: str = "channels_last"

    def _noise_shape(self, inputs: Tensor) -> Any:
        sizes = ops.shape(inputs)
        if self.data_format == "channels_first":
            return (sizes[0], sizes[1], *(1,) * self.rank)
        return (sizes[0], *(1,) * self.rank, sizes[-1])


class SpatialDropout1D(BaseSpatialDropout):
    """In training, set whole channels to 0 with probability `rate` and divide the others by `1 - rate`.

    Args: rate, seed: as in `Dropout`.  name, dtype: as in `Layer`.
    Shape: (batch, steps, channels) -> same.  Raises: ArgumentError, ShapeError.
    Source: Tompson et al. 2014, arXiv:1411.4280.

    >>> SpatialDropout1D(0.5).compute_output_shape((None, 7, 3))
    (None, 7, 3)
    """

    rank = 1

    def __init__(self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.input_spec = InputSpec(ndim=3)


class SpatialDropout2D(BaseSpatialDropout):
    """In training, set whole channels to 0 with probability `rate` and divide the others by `1 - rate`.

    Args:
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
        rate, seed: as in `Dropout`.
        name, dtype: as in `Layer`.
    Shape: (batch, height, width, channels) -> same, or channels first.  Raises: ArgumentError, ShapeError.
    Source: Tompson et al. 2014, arXiv:1411.4280.

    >>> SpatialDropout2D(0.5).compute_output_shape((None, 8, 8, 3))
    (None, 8, 8, 3)
    """

    rank = 2

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.data_format = layout(data_format, self)
        self.input_spec = InputSpec(ndim=self.rank + 2)


class SpatialDropout3D(SpatialDropout2D):
    """In training, set whole channels to 0 with probability `rate` and divide the others by `1 - rate`.

    Args: as in `SpatialDropout2D`.
    Shape: (batch, depth, height, width, channels) -> same, or channels first.  Raises: ArgumentError, ShapeError.
    Source: Tompson et al. 2014, arXiv:1411.4280.

    >>> SpatialDropout3D(0.5).compute_output_shape((None, 4, 4, 4, 3))
    (None, 4, 4, 4, 3)
    """

    rank = 3


def _checked(noise_shape: Any, layer: Layer) -> tuple[int | None, ...] | None:
    if noise_shape is None:
        return None
    try:
        sizes = (
            None
            if isinstance(noise_shape, str)
            else tuple(None if d is None else operator.index(d) for d in noise_shape)
        )
    except TypeError:
        sizes = None
    if sizes is None or any(d is not None and d < 1 for d in sizes):
        raise ArgumentError(
            "`noise_shape` cannot be used.",
            where=layer.name,
            expected="sizes >= 1, or None for the input's",
            received=noise_shape,
        )
    return sizes
