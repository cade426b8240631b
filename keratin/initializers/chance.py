"""Initializers that draw: the same seed gives the same values on every backend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keratin import dtypes, registry, shapes
from keratin.backends import select
from keratin.errors import ArgumentError, DtypeError, ShapeError
from keratin.initializers.base import Initializer
from keratin.random import host
from keratin.random.core import host_key
from keratin.state.seed import make_seed

_TRUNCATED_STDDEV = 0.87962566103423978  # of a normal distribution cut at two standard deviations


class RandomInitializer(Initializer):
    """Base of initializers with a seed.

    Args: seed: an integer, for the same values in every call; None draws one now from Python's `random`; a
        `SeedGenerator` gives other values in every call.
    """

    def __init__(self, seed: Any = None) -> None:
        self._given_seed = seed
        self.seed: Any = make_seed() if seed is None else seed
        if not hasattr(self.seed, "next"):
            host_key(self.seed)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; the seed is the one that was given, so None stays None."""
        return {"seed": registry.to_config(self._given_seed)}

    def _key(self) -> np.ndarray[Any, Any]:
        return select.current().to_host(self.seed.next()) if hasattr(self.seed, "next") else host_key(self.seed)


class RandomUniform(RandomInitializer):
    """Spread evenly over [minval, maxval).

    >>> bool(abs(RandomUniform(seed=1)((100,))).max() <= 0.05)
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        self.minval, self.maxval = minval, maxval
        super().__init__(seed)

    def host(self, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
        """The values as a NumPy array.  Raises: DtypeError for integers."""
        return host.uniform(self._key(), shape, self.minval, self.maxval, _float(dtype, self))


class RandomNormal(RandomInitializer):
    """Normal numbers.

    >>> RandomNormal(seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def host(self, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
        """The values as a NumPy array.  Raises: DtypeError for integers."""
        return host.normal(self._key(), shape, self.mean, self.stddev, _float(dtype, self))


class TruncatedNormal(RandomInitializer):
    """Normal numbers, of which those further than two standard deviations from the mean are never drawn.

    >>> bool(abs(TruncatedNormal(seed=1)((100,))).max() <= 0.1)
    True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def host(self, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
        """The values as a NumPy array.  Raises: DtypeError for integers."""
        return host.truncated_normal(self._key(), shape, self.mean, self.stddev, _float(dtype, self))


class VarianceScaling(RandomInitializer):
    """Mean 0 and variance `scale / n`, n the number of inputs, of outputs, or their mean.

    Args:
        scale: above 0.
        mode: "fan_in", "fan_out" or "fan_avg": which number n is.
        distribution: "truncated_normal", "untruncated_normal" or "uniform".
        input_axes, output_axes: the axes of the weight whose sizes multiply to the number of inputs and of outputs; by
            default those of `fans`.
    Raises: ArgumentError.

    >>> float(VarianceScaling(scale=3.0, distribution="uniform", seed=1)((1, 100)).max()) <= 3.0
    True
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        if not scale > 0:
            raise ArgumentError(
                "`scale` cannot be used.", where=type(self).__name__, expected="a number above 0", received=scale
            )
        self.scale = scale
        self.mode = _one_of("mode", mode, ("fan_in", "fan_out", "fan_avg"))
        name = "truncated_normal" if str(distribution).lower() == "normal" else distribution
        self.distribution = _one_of("distribution", name, ("uniform", "truncated_normal", "untruncated_normal"))
        self.input_axes, self.output_axes = input_axes, output_axes
        super().__init__(seed)

    def host(self, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
        """The values as a NumPy array.  Raises: DtypeError for integers."""
        inputs, outputs = fans(shape, self.input_axes, self.output_axes)
        count = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[self.mode]
        variance, kind = self.scale / max(count, 1.0), _float(dtype, self)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return host.uniform(self._key(), shape, -limit, limit, kind)
        if self.distribution == "untruncated_normal":
            return host.normal(self._key(), shape, 0.0, math.sqrt(variance), kind)
        return host.truncated_normal(self._key(), shape, 0.0, math.sqrt(variance) / _TRUNCATED_STDDEV, kind)


class _Scaled(VarianceScaling):
    """A `VarianceScaling` with its first three arguments settled."""

    settings: tuple[float, str, str]

    def __init__(
        self, seed: Any = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
    ) -> None:
        super().__init__(*self.settings, seed=seed, input_axes=input_axes, output_axes=output_axes)


class GlorotUniform(_Scaled):
    """Even, with variance 2 / (inputs + outputs).

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks".

    >>> GlorotUniform(seed=1)((2, 3)).shape
    (2, 3)
    """

    settings = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal, with variance 2 / (inputs + outputs).

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks".

    >>> GlorotNormal(seed=1)((2, 3)).shape
    (2, 3)
    """

    settings = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Even, with variance 2 / inputs.  Source: He, Zhang, Ren & Sun 2015, arXiv:1502.01852.

    >>> HeUniform(seed=1)((2, 3)).shape
    (2, 3)
    """

    settings = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal, with variance 2 / inputs.  Source: He, Zhang, Ren & Sun 2015, arXiv:1502.01852.

    >>> HeNormal(seed=1)((2, 3)).shape
    (2, 3)
    """

    settings = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Even, with variance 1 / inputs.  Source: LeCun, Bottou, Orr & Müller 1998, "Efficient backprop".

    >>> LecunUniform(seed=1)((2, 3)).shape
    (2, 3)
    """

    settings = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal, with variance 1 / inputs.  Source: LeCun, Bottou, Orr & Müller 1998, "Efficient backprop".

    >>> LecunNormal(seed=1)((2, 3)).shape
    (2, 3)
    """

    settings = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """Orthonormal columns times `gain`, or rows where there are fewer of them; leading axes count as one.

    Raises: ShapeError for less than two axes.
    Source: Saxe, McClelland & Ganguli 2013, arXiv:1312.6120; Mezzadri 2006, arXiv:math-ph/0609050 for the signs.

    >>> matrix = Orthogonal(seed=1)((2, 2))
    >>> np.allclose(matrix @ matrix.T, np.eye(2), atol=1e-6)
    True
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain = gain
        super().__init__(seed)

    def host(self, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
        """The values as a NumPy array.  Raises: DtypeError for integers."""
        if len(shape) < 2:
            raise ShapeError(
                "A vector has no orthogonal directions.",
                where="Orthogonal",
                expected="two axes or more",
                received=shape,
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        kind = dtypes.numpy_dtype(_float(dtype, self))
        draws = host.normal(self._key(), (max(rows, columns), min(rows, columns))).astype(np.float64)
        q, r = np.linalg.qr(draws)
        q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)  # makes the distribution uniform
        return (self.gain * (q.T if rows < columns else q)).reshape(shape).astype(kind)


def fans(
    shape: Sequence[int], input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """How many inputs and outputs a unit has that a weight of this shape connects.

    By default the last axis counts the outputs, the one before the inputs, and earlier axes are positions of a window.
    A depthwise kernel has the inputs `input_axes=range(rank - 2)`, and a transposed one has both exchanged.

    >>> fans((4, 6)), fans((3, 3, 4, 6)), fans((3, 3, 4, 6), input_axes=(0, 1))
    ((4, 6), (36, 54), (9, 54))
    """
    if len(shape) < 2:
        inputs = outputs = math.prod(shape)
    else:
        window = math.prod(shape[:-2])
        inputs, outputs = shape[-2] * window, shape[-1] * window
    if input_axes is not None:
        inputs = math.prod(shape[a] for a in shapes.axes(input_axes, len(shape)))
    if output_axes is not None:
        outputs = math.prod(shape[a] for a in shapes.axes(output_axes, len(shape)))
    return inputs, outputs


def _float(dtype: str, owner: Any) -> str:
    if dtype not in ("float64", "float32", "float16", "bfloat16"):
        raise DtypeError(
            "Only float dtypes can be drawn.", where=type(owner).__name__, expected="a float dtype", received=dtype
        )
    return dtype


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    chosen = str(value).lower()
    if chosen not in allowed:
        raise ArgumentError(
            f"`{name}` cannot be used.", where="VarianceScaling", expected=" or ".join(allowed), received=value
        )
    return chosen
