"""Errors that name the layer in which they arose, and arguments that do not exist."""

from __future__ import annotations

import contextlib
import difflib
import inspect
from typing import Any

from keratin.errors import KeratinError, UnknownArgumentError
from keratin.layers.nests import shape_of


def unknown_arguments(cls: type, kwargs: dict[str, Any]) -> UnknownArgumentError:
    """The error for arguments that a constructor does not have, with the nearest name."""
    known = [
        name
        for base in cls.__mro__
        if "__init__" in base.__dict__
        for name in inspect.signature(base.__init__).parameters
        if name not in ("self", "args", "kwargs")
    ]  # type: ignore[misc]
    name = next(iter(kwargs))
    near = difflib.get_close_matches(name, known, 1)
    return UnknownArgumentError(
        f"`{cls.__name__}` has no argument of this name.",
        expected=f"one of {', '.join(dict.fromkeys(known))}",
        received=", ".join(f"{k}={v!r}" for k, v in kwargs.items()),
        hint=f"did you mean `{near[0]}`?" if near else None,
    )


def locate(error: KeratinError, layer: Any) -> None:
    """Say in which layer an error arose, if nothing below did."""
    if not error.where:
        error.__init__(  # type: ignore[misc]
            error.what, where=layer.path, expected=error.expected, received=error.received, hint=error.hint
        )


def note(error: Exception, layer: Any, args: tuple[Any, ...]) -> None:
    """Add the layer and the shapes of its inputs to an error that is not ours."""
    if getattr(error, "_keratin_noted", False):
        return
    with contextlib.suppress(Exception):
        error._keratin_noted = True  # type: ignore[attr-defined]
        error.add_note(
            f"This happened in the layer `{layer.path}` ({type(layer).__name__}), "
            f"called with shapes {shape_of(list(args))}."
        )
