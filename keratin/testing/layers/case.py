"""A row of the table of layers.

A row is `case(layers.X, args=..., input=(None, 5, 8), output=(None, 5, 4), weights=36)`. None is a size that is not
known while a model is drawn; data has `SIZES` there.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from keratin import layers

SIZES = (4, 6, 7, 8, 9)
"""What None stands for in data: on the first axis 4, on the second 6, and so on."""


@dataclasses.dataclass
class Case:
    """One row; see `case`."""

    layer: type[layers.Layer]
    args: dict[str, Any]
    input: Any
    output: Any
    weights: int | None
    names: str
    integers: int
    call: dict[str, Any]
    random: bool
    half: bool | None
    keras: bool
    open: Any
    gradient: bool

    @property
    def name(self) -> str:
        """What the test is called."""
        shown = ",".join(f"{k}={getattr(v, '__name__', v)}" for k, v in self.args.items())
        return f"{self.layer.__name__}({shown}){'masked' if self.call else ''}"

    def make(self, **kwargs: Any) -> layers.Layer:
        """The layer of the row; a layer among the arguments is made anew."""
        args = {k: v() if isinstance(v, functools.partial) else v for k, v in self.args.items()}
        return self.layer(**args, **kwargs)

    def data(self) -> Any:
        """Arrays for the inputs."""
        return over_shapes(self.input, self._array)

    def _array(self, shape: tuple[int | None, ...]) -> np.ndarray[Any, Any]:
        sizes = known(shape)
        generator = np.random.default_rng(abs(hash(sizes)) % 2**32)
        if self.integers:
            return generator.integers(0, self.integers, sizes).astype("int32")
        return generator.normal(size=sizes).astype("float32")

    def symbolic(self, shape: Any = None) -> Any:
        """Symbolic inputs."""
        dtype = "int32" if self.integers else "float32"
        return over_shapes(self.input if shape is None else shape, lambda s: layers.Input(batch_shape=s, dtype=dtype))

    def called(self) -> dict[str, Any]:
        """The other arguments of the call."""
        return {key: np.array(value) for key, value in self.call.items()}

    def drawn_call(self) -> dict[str, Any]:
        """The other arguments where a model is drawn."""
        arrays = self.called()
        return {k: layers.Input(batch_shape=(None, *a.shape[1:]), dtype=a.dtype.name) for k, a in arrays.items()}


def case(
    layer: type[layers.Layer],
    args: dict[str, Any] | None = None,
    input: Any = None,
    output: Any = None,
    weights: int | None = 0,
    *,
    names: str = "",
    integers: int = 0,
    call: dict[str, Any] | None = None,
    random: bool = False,
    half: bool | None = True,
    keras: bool = True,
    open: Any = None,
    gradient: bool = True,
) -> Case:
    """One row.

    Args:
        layer, args: the class and the arguments of its constructor; a layer among them as a `functools.partial`.
        input: the shape with None for unknown sizes, or a list of shapes for a list of inputs.
        output: the shape of the output, with None where it depends on an unknown size; None to leave it out.
        weights: the number of elements of all weights; None to leave it out.
        names: of the weights, in order.
        integers: if not 0, the input is integers below it.
        call: other arguments of the call, lists as arrays.
        random: whether training draws random numbers, so that it is not compared with Keras.
        half: whether the layer computes in half precision under a mixed policy; None to leave it out.
        keras: whether Keras is asked.
        open: (input, output) with more unknown sizes; only drawn.
        gradient: whether the output depends on the input or weights smoothly.
    """
    return Case(
        layer, args or {}, input, output, weights, names, integers, call or {}, random, half, keras, open, gradient
    )


def known(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """`shape` with sizes of data in place of None."""
    return tuple(SIZES[i] if size is None else size for i, size in enumerate(shape))


def over_shapes(shape: Any, function: Any) -> Any:
    """`function` of the shape, or of each in a list of shapes."""
    return [function(s) for s in shape] if isinstance(shape, list) else function(shape)
