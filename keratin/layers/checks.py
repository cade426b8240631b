"""Checks of constructors' arguments that several layers share; each error names the layer and the argument."""

from __future__ import annotations

import operator
from typing import Any

from keratin import shapes
from keratin.errors import ArgumentError, ShapeError


def positive(name: str, value: Any, layer: Any) -> int:
    """`value` as an integer of at least 1.  Raises: ArgumentError otherwise."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if isinstance(value, bool) or number < 1:
        raise ArgumentError(f"`{name}` must be a positive integer.", where=layer.name, expected="an integer >= 1", received=value)
    return number


def fraction(name: str, value: Any, layer: Any) -> float:
    """`value` as a number from 0 to 1.  Raises: ArgumentError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ArgumentError(f"`{name}` must be a number from 0 to 1.", where=layer.name, expected="0 <= rate <= 1", received=value)
    return value


def one_of(name: str, value: Any, allowed: tuple[str, ...], layer: Any) -> str:
    """`value` in lower case, if it is among `allowed`.  Raises: ArgumentError otherwise."""
    text = value.lower() if isinstance(value, str) else value
    if text not in allowed:
        raise ArgumentError(f"`{name}` cannot be used.", where=layer.name, expected=f"one of {', '.join(allowed)}", received=value)
    return text


def known_size(shape: shapes.Shape, axis: int, layer: Any) -> int:
    """The size on `axis`.  Raises: ShapeError if it is unknown, naming the layer."""
    position = shapes.axis(axis, len(shape))
    size = shape[position]
    if size is None:
        raise ShapeError(
            f"Axis {axis} of the input has no fixed size.", where=layer.path, expected=f"an int on axis {axis}", received=shape,
            hint="pass Input(shape=...) with that size, or call build() with a full shape",
        )  # fmt: skip
    return size
