"""Noise that is added or multiplied in training."""

from __future__ import annotations

import math
from typing import Any

from keratin import ops, random
from keratin.errors import ArgumentError
from keratin.layers.base import Layer
from keratin.layers.checks import fraction, not_negative
from keratin.layers.regularization.dropout import Dropout
from keratin.ops.mechanism import Tensor
from keratin.state.seed import SeedGenerator


class GaussianNoise(Layer):
    """In training, add normal noise.

    Args:
        stddev: standard deviation of the noise.
        seed: an integer makes the noise repeatable.
    Shape: any -> same.  Units: stddev in the input's.  Raises: ArgumentError.

    >>> GaussianNoise(0.1)([[1.0, 2.0]]).tolist()
    [[1.0, 2.0]]
    """

    supports_masking = True
    seed_generator: SeedGenerator

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stddev = not_negative("stddev", stddev, self)
        self.seed = seed
        if stddev > 0:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """The input, with noise in training."""
        if not training or self.stddev == 0:
            return inputs
        noise = random.normal(ops.shape(inputs), 0.0, self.stddev, self.compute_dtype, self.seed_generator)
        return ops.add(inputs, noise)


class GaussianDropout(Layer):
    """In training, multiply by normal noise of mean 1 and standard deviation `sqrt(rate / (1 - rate))`.

    Args:
        rate: from 0, less than 1; the noise has the variance that `Dropout` of that rate has.
        seed: an integer makes the noise repeatable.
    Shape: any -> same.  Raises: ArgumentError.
    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting", section 10.

    >>> GaussianDropout(0.5)([[1.0, 2.0]]).tolist()
    [[1.0, 2.0]]
    """

    supports_masking = True
    seed_generator: SeedGenerator

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = fraction("rate", rate, self)
        if rate == 1:
            raise ArgumentError(
                "`rate` must be less than 1.", where=self.name, received=rate, hint="the noise has no variance at 1"
            )
        self.seed = seed
        if rate > 0:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """The input, with noise in training."""
        if not training or self.rate == 0:
            return inputs
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return ops.multiply(
            inputs, random.normal(ops.shape(inputs), 1.0, stddev, self.compute_dtype, self.seed_generator)
        )


class AlphaDropout(Dropout):
    """In training, set elements to the least value of `selu` with probability `rate`, and keep mean and variance.

    Args: rate, noise_shape, seed: as in `Dropout`; the rate must be less than 1.
    Shape: any -> same.  Raises: ArgumentError.  Source: Klambauer et al. 2017, arXiv:1706.02515.

    >>> AlphaDropout(0.5)([[1.0, 2.0]]).tolist()
    [[1.0, 2.0]]
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)
        if rate == 1:
            raise ArgumentError(
                "`rate` must be less than 1.", where=self.name, received=rate, hint="nothing would be left"
            )

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """The input, with elements replaced in training."""
        if not training or self.rate == 0:
            return inputs
        least = -1.6732632423543772 * 1.0507009873554805  # the limit of selu at minus infinity
        sizes = ops.shape(inputs)
        if self.noise_shape is not None:
            sizes = tuple(size if given is None else given for given, size in zip(self.noise_shape, sizes, strict=True))
        kept = ops.greater_equal(random.uniform(sizes, seed=self.seed_generator), self.rate)
        factor = ((1 - self.rate) * (1 + self.rate * least**2)) ** -0.5
        scaled = ops.multiply(ops.where(kept, inputs, least), factor)
        return ops.subtract(scaled, factor * least * self.rate)
