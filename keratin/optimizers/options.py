"""Checks of optimizers' arguments."""

from __future__ import annotations

import difflib
import inspect
import numbers
from collections.abc import Mapping
from typing import Any

from keratin.errors import ArgumentError, UnknownArgumentError


def checked_rate(value: Any, where: str) -> float:
    """A learning rate as a number.  Raises: ArgumentError."""
    try:
        if isinstance(value, bool | str):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise ArgumentError(
            "`learning_rate` cannot be used.",
            where=where,
            expected="a number, a schedule, or a function without arguments",
            received=value,
        ) from None


def check_range(
    argument: str, value: Any, low: float, high: float, where: str, open_start: bool = False, open_end: bool = False
) -> None:
    """Check that a value is a number from `low` to `high`.  Raises: ArgumentError."""
    inside = isinstance(value, numbers.Real) and low <= float(value) <= high
    if not inside or (open_start and value == low) or (open_end and value == high):
        interval = f"{'(' if open_start else '['}{low}, {high}{')' if open_end else ']'}"
        raise ArgumentError(f"`{argument}` is out of range.", where=where, expected=f"in {interval}", received=value)


def check_count(argument: str, value: Any, least: int, where: str) -> None:
    """Check that a value is None or an integer of at least `least`.  Raises: ArgumentError."""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
        raise ArgumentError(f"`{argument}` must be an integer of at least {least}.", where=where, received=value)


def unknown_arguments(cls: type, arguments: Mapping[str, Any]) -> UnknownArgumentError:
    """The error for arguments that a class does not have, with the one that may be meant."""
    known = [name for name in inspect.signature(cls).parameters if name != "kwargs"]
    name = next(iter(arguments))
    near = {"lr": ["learning_rate"]}.get(name) or difflib.get_close_matches(name, known, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"it takes {', '.join(known)}"
    if name == "decay":
        hint = "pass a schedule such as `InverseTimeDecay` as `learning_rate`"
    return UnknownArgumentError(f"`{cls.__name__}` has no such argument.", received=", ".join(arguments), hint=hint)


def plain(attributes: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The plain ones among an object's attributes, in a form that can be compared and hashed."""
    result: list[tuple[str, Any]] = []
    for name, value in sorted(attributes.items()):
        if isinstance(value, list | tuple) and value and all(isinstance(item, _PLAIN) for item in value):
            result.append((name, tuple(value)))
        elif isinstance(value, _PLAIN):
            result.append((name, value))
    return result


class Same:
    """An object in a key that compares it by identity, and keeps it alive so that no other one gets its identity."""

    __slots__ = ("target",)

    def __init__(self, target: Any) -> None:
        self.target = target

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.target is other.target

    def __hash__(self) -> int:
        return id(self.target)


_PLAIN = bool | int | float | str | type(None)
