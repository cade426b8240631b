"""Random draws, each a function of a key alone.

A key is two uint32; the word with number i is that of `Threefry(key, i)`, so draws do not depend on how the work is
split over devices.
"""

from __future__ import annotations

import importlib
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keratin import dtypes, shapes
from keratin.backends import primitives as p
from keratin.backends import select, symbolic
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, DtypeError, ShapeError
from keratin.ops.mechanism import Tensor, TensorLike, canonical, convert, dtype_of, op
from keratin.random import draws

__all__ = [
    "uniform",
    "normal",
    "truncated_normal",
    "randint",
    "categorical",
    "dropout",
    "shuffle",
]


def _from_state() -> Any:
    # By name: seeds are variables, so they live in a layer above this one.
    return importlib.import_module("keratin.state.seed").global_generator()


default_generator: Callable[[], Any] = _from_state
"""Gives the generator behind draws without a seed."""


def uniform(shape: Sequence[int], minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers spread evenly over [minval, maxval).

    Args:
        dtype: a float dtype; `floatx()` by default.
        seed: an integer (the same numbers every time), a `SeedGenerator`, or None for the global one.
    Shape: `shape`.  Raises: DtypeError, ArgumentError.

    >>> uniform((2, 3), seed=1).shape
    (2, 3)
    """
    dtype = _float(dtype)
    return draws.uniform(p, _bits(shape, dtype, seed), _operand(minval, dtype), _operand(maxval, dtype), dtype)


def normal(shape: Sequence[int], mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Normal numbers.

    Args: dtype, seed: as in `uniform`.
    Shape: `shape`.  Raises: DtypeError, ArgumentError.

    >>> normal((2, 3), seed=1).shape
    (2, 3)
    """
    dtype = _float(dtype)
    kind = draws.wide(dtype)
    return draws.normal(p, _bits(shape, kind, seed), _operand(mean, kind), _operand(stddev, kind), dtype)


def truncated_normal(
    shape: Sequence[int], mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normal numbers, of which those further than two standard deviations from the mean are never drawn.

    Args: stddev: before the cut; after it, it is 0.8796 times that.  dtype, seed: as in `uniform`.
    Shape: `shape`.  Raises: DtypeError, ArgumentError.

    >>> truncated_normal((2, 3), seed=1).shape
    (2, 3)
    """
    dtype = _float(dtype)
    kind = draws.wide(dtype)
    return draws.truncated_normal(p, _bits(shape, kind, seed), _operand(mean, kind), _operand(stddev, kind), dtype)


def randint(shape: Sequence[int], minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Integers from minval to maxval - 1, all as likely (to 2 ** -32).

    Args: dtype: an integer dtype.  seed: as in `uniform`.
    Shape: `shape`.  Raises: DtypeError; ArgumentError if there is no such integer, or more than 2 ** 32.

    >>> sorted(set(randint((100,), 3, 6, seed=1).tolist()))
    [3, 4, 5]
    """
    dtype = canonical(dtypes.standardize(dtype))
    if not dtypes.is_integer(dtype):
        raise DtypeError("`randint` draws integers.", expected="an integer dtype", received=dtype)
    low, high = (_integer(value, name) for value, name in ((minval, "minval"), (maxval, "maxval")))
    if not 0 < high - low <= 2**32:
        raise ArgumentError(
            "There are no integers to draw, or too many.", expected="0 < maxval - minval <= 2**32", received=(low, high)
        )
    offset = _part_of(_words(shape, 2, seed), high - low)
    if dtype in ("int64", "uint64", "uint32"):
        return p.add(p.cast(offset, dtype), dtypes.numpy_dtype(dtype).type(low))
    return p.cast(p.cast(offset, "int32") + (low - 2**32 if low >= 2**31 else low), dtype)  # sums modulo 2 ** 32


def _integer(value: Any, name: str) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise ArgumentError(f"`{name}` must be an integer.", where="randint", received=value) from None


def _part_of(words: Tensor, count: int) -> Tensor:
    """floor(r * count / 2 ** 64) for the 64 random bits r of two words: products of 16 by 16 bits, in uint32.

    By primitives: not every engine has operators for uint32.
    """
    high, low = _split(words)
    if count == 2**32:
        return high
    bottom = p.multiply(high, np.uint32(count))  # JAX takes a Python integer for an int32, which it does not fit
    carry = p.less(p.add(bottom, _high_product(low, count)), bottom)
    return p.add(_high_product(high, count), p.cast(carry, "uint32"))


def _high_product(x: Tensor, y: int) -> Tensor:
    """The upper 32 bits of a product of two integers of 32 bits."""
    x_low, x_high = p.bitwise_and(x, 0xFFFF), p.right_shift(x, 16)
    y_low, y_high = y & 0xFFFF, y >> 16
    middle = p.add(p.right_shift(p.multiply(x_low, y_low), 16), p.multiply(x_high, y_low))
    other = p.add(p.bitwise_and(middle, 0xFFFF), p.multiply(x_low, y_high))
    return p.add(p.add(p.multiply(x_high, y_high), p.right_shift(middle, 16)), p.right_shift(other, 16))


def _split(words: Tensor) -> tuple[Tensor, Tensor]:
    every = (slice(None),) * (len(p.shape(words)) - 1)
    first, second = (p.squeeze(p.slice_strided(words, (*every, slice(i, i + 1))), (len(every),)) for i in range(2))
    return first, second


@op(promote="float")
def categorical(logits: TensorLike, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Classes drawn with the probabilities `softmax(logits)`.

    Args: dtype: of the result.  seed: as in `uniform`.
    Shape: (batch, classes) -> (batch, num_samples).  Raises: ShapeError, ArgumentError.
    Source: Gumbel 1954, "Statistical theory of extreme values": the largest of logits plus Gumbel noise.

    >>> categorical([[0.0, 100.0]], 3, seed=1).tolist()
    [[1, 1, 1]]
    """
    *batch, classes = p.shape(logits) or (None,)
    if not batch:
        raise ShapeError(
            "`categorical` needs a batch of logits.", expected="(batch, classes)", received=p.shape(logits)
        )
    bits = _words((*batch, num_samples, classes), 1, seed)
    even = p.minimum((p.cast(bits, "float32") + 0.5) * 2.0**-32, 1 - 2.0**-24)
    noise = -p.log(-p.log1p(-even))
    scores = p.expand_dims(p.cast(logits, "float32"), len(batch)) + noise
    return p.cast(p.argmax(scores, len(batch) + 1, False), canonical(dtypes.standardize(dtype)))


@op(promote="float", native=False)
def dropout(
    inputs: TensorLike, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Any = None
) -> Tensor:
    """Each element is 0 with probability `rate`, and divided by `1 - rate` otherwise.

    Args:
        noise_shape: the shape of the choice, which broadcasts to the inputs; None stands for their size.
        seed: as in `uniform`.
    Shape: any -> same.  Raises: ArgumentError unless 0 <= rate <= 1; ShapeError.
    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".

    >>> sorted(set(dropout([1.0] * 100, 0.5, seed=1).tolist()))
    [0.0, 2.0]
    """
    if not 0 <= rate <= 1:
        raise ArgumentError("`rate` is a probability.", where="dropout", expected="0 <= rate <= 1", received=rate)
    sizes = p.shape(inputs)
    if rate == 0:
        return inputs
    if rate == 1:
        return p.full(sizes, 0, dtype_of(inputs))
    if noise_shape is None:
        shape = sizes
    elif len(noise_shape) == len(sizes):
        shape = tuple(size if given is None else given for given, size in zip(noise_shape, sizes, strict=True))
    else:
        raise ShapeError(
            "`noise_shape` has another rank than the inputs.", expected=tuple(sizes), received=tuple(noise_shape)
        )
    return _dropout(inputs, key_of(seed), rate, shapes.standardize(shape))


@op(tensors=2, name="keyed_dropout")
def _dropout(inputs: Tensor, key: Tensor, rate: float, shape: tuple[Any, ...]) -> Tensor:
    """`dropout` as a function of a key, with a choice of that shape: what a backend may have a form of its own for."""
    # 31 bits, compared as integers: no rounding, and no conversion to floats.
    kept = p.greater_equal(
        p.cast(p.right_shift(p.random_bits(key, shape), 1), "int32"), min(round(rate * 2**31), 2**31 - 1)
    )
    return p.where(kept, p.multiply(inputs, 1 / (1 - rate)), 0)


@op
def shuffle(x: TensorLike, axis: int = 0, seed: Any = None) -> Tensor:
    """The slices of `x` along `axis` in a random order.

    Args: seed: as in `uniform`.
    Shape: any -> same.  Raises: AxisError.

    >>> sorted(shuffle([1, 2, 3], seed=1).tolist())
    [1, 2, 3]
    """
    axis = shapes.axis(axis, len(p.shape(x)))
    first, second = _split(_words((p.shape(x)[axis],), 2, seed))
    order = p.argsort(first, 0)  # by the second word, ties by the first: equal keys of 64 bits do not occur
    order = p.take(order, p.argsort(p.take(second, order, 0), 0), 0)
    return p.take(x, order, axis)


# ---- keys and bits


def _words(shape: Sequence[Any], count: int, seed: Any) -> Tensor:
    sizes = shapes.standardize(tuple(shape) if isinstance(shape, Sequence) else shape)
    return p.random_bits(key_of(seed), sizes if count == 1 else (*sizes, count))


def _bits(shape: Sequence[Any], dtype: str, seed: Any) -> Tensor:
    return _words(shape, draws.words(dtype), seed)


def key_of(seed: Any) -> Tensor:
    """The key for one draw: two uint32.

    Args: seed: an integer, anything with a `next` method that gives a key, or None for the global generator.
    Raises: ArgumentError.

    >>> key_of(3).tolist()
    [3, 0]
    """
    if symbolic.local.active:
        return KerasTensor((2,), "uint32")
    if seed is None:
        return default_generator().next()
    if hasattr(seed, "next"):
        return seed.next()
    return select.current().from_host(host_key(seed), "uint32")


def host_key(seed: Any) -> np.ndarray[Any, Any]:
    """The key of an integer seed, on the host.  Raises: ArgumentError.

    >>> host_key(3).tolist()
    [3, 0]
    """
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or not 0 <= operator.index(seed) < 2**32:
        raise ArgumentError(
            "This cannot be used as a seed.",
            expected="an integer from 0 to 2**32 - 1, a SeedGenerator, or None",
            received=seed,
        )
    return np.array([operator.index(seed), 0], np.uint32)


def _float(dtype: Any) -> str:
    name = canonical(dtypes.standardize(dtype))
    if name not in draws._DIGITS:
        raise DtypeError("Only float dtypes can be drawn.", expected=", ".join(draws._DIGITS), received=name)
    return name


def _operand(value: Any, dtype: str) -> Any:
    """A Python number as a float, anything else as a tensor of that dtype."""
    if isinstance(value, bool | int | float):
        if not math.isfinite(value):
            raise ArgumentError("The bounds of a draw must be finite.", received=value)
        return float(value)
    return convert(value, dtype)
