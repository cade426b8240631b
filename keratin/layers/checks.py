"""Checks of constructors' arguments that several layers share; each error names the layer and the argument."""

from __future__ import annotations

import operator
from typing import Any

from keratin import config, shapes
from keratin.errors import ArgumentError, ShapeError


def positive(name: str, value: Any, layer: Any) -> int:
    """`value` as an integer of at least 1.  Raises: ArgumentError otherwise."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if isinstance(value, bool) or number < 1:
        raise ArgumentError(
            f"`{name}` must be a positive integer.", where=layer.name, expected="an integer >= 1", received=value
        )
    return number


def fraction(name: str, value: Any, layer: Any) -> float:
    """`value` as a number from 0 to 1.  Raises: ArgumentError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ArgumentError(
            f"`{name}` must be a number from 0 to 1.", where=layer.name, expected="0 <= rate <= 1", received=value
        )
    return value


def one_of(name: str, value: Any, allowed: tuple[str, ...], layer: Any) -> str:
    """`value` in lower case, if it is among `allowed`.  Raises: ArgumentError otherwise."""
    text = value.lower() if isinstance(value, str) else value
    if text not in allowed:
        raise ArgumentError(
            f"`{name}` cannot be used.", where=layer.name, expected=f"one of {', '.join(allowed)}", received=value
        )
    return text


def known_size(shape: shapes.Shape, axis: int, layer: Any) -> int:
    """The size on `axis`.  Raises: ShapeError if it is unknown, naming the layer."""
    position = shapes.axis(axis, len(shape))
    size = shape[position]
    if size is None:
        raise ShapeError(
            f"Axis {axis} of the input has no fixed size.",
            where=layer.path,
            expected=f"an int on axis {axis}",
            received=shape,
            hint="pass Input(shape=...) with that size, or call build() with a full shape",
        )
    return size


def sizes(name: str, value: Any, rank: int, layer: Any, *, least: int = 1) -> tuple[int, ...]:
    """`value` (an integer, or `rank` of them) as a tuple.  Raises: ArgumentError naming the layer."""
    try:
        return shapes.tuple_of(value, rank, name, least=least)
    except ArgumentError as error:
        raise _of(error, layer) from None


def pairs(name: str, value: Any, rank: int, layer: Any) -> tuple[tuple[int, int], ...]:
    """Sizes before and after on each of `rank` axes, given as one number, one per axis, or a pair per axis.

    Raises: ArgumentError naming the layer.
    """
    try:
        single = operator.index(value)
    except TypeError:
        entries = tuple(value) if isinstance(value, list | tuple) else ()
    else:
        entries = (single,) * rank
    if len(entries) != rank:
        expected = f"an integer, {rank} of them, or {rank} pairs (before, after)"
        raise ArgumentError(f"`{name}` cannot be used.", where=layer.name, expected=expected, received=value)
    first_second = (sizes(name, entry, 2, layer, least=0) for entry in entries)
    return tuple((before, after) for before, after in first_second)


def layout(data_format: str | None, layer: Any) -> str:
    """ "channels_last" or "channels_first"; the configuration's for None.  Raises: ArgumentError naming the layer."""
    try:
        return config.standardize_data_format(data_format)
    except ArgumentError as error:
        raise _of(error, layer) from None


def one_axis_or_several(value: Any, layer: Any) -> int | list[int]:
    """`axis` as an integer or a list of them.  Raises: ArgumentError naming the layer."""
    try:
        return [operator.index(v) for v in value] if isinstance(value, list | tuple) else operator.index(value)
    except TypeError:
        raise ArgumentError(
            "`axis` cannot be used.", where=layer.name, expected="an integer or several", received=value
        ) from None


def not_negative(name: str, value: Any, layer: Any) -> float:
    """`value` as a number of at least 0.  Raises: ArgumentError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ArgumentError(f"`{name}` must be a number >= 0.", where=layer.name, expected=">= 0", received=value)
    return value


def not_yet(layer: Any, **arguments: Any) -> None:
    """Raises: ArgumentError if one of these arguments, which do nothing yet, is not None."""
    for name, value in arguments.items():
        if value is not None:
            raise ArgumentError(
                f"`{name}` is not supported yet.", where=layer.name, expected=None, received=value, hint="leave it out"
            )


def _of(error: ArgumentError, layer: Any) -> ArgumentError:
    return ArgumentError(
        error.what, where=layer.name, expected=error.expected, received=error.received, hint=error.hint
    )
