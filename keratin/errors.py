"""Keratin's exceptions: each says what is wrong, where, what was expected, what came, and what to do.

    KeratinError
    ├── ArgumentError (ValueError)         an argument has a value that cannot be used
    │   └── UnknownArgumentError (TypeError)   an argument that does not exist
    ├── ShapeError (ValueError)            shapes that do not fit
    │   └── AxisError (IndexError)         an axis outside the rank
    ├── DtypeError (TypeError, ValueError) dtypes that do not fit
    ├── DataError (ValueError)             training data that cannot be used
    ├── StateError (RuntimeError, ValueError)  called in the wrong order, or in the wrong place
    ├── BackendError (RuntimeError)        a backend is missing, or lacks a feature
    ├── ConfigError (ValueError, TypeError)    a configuration that cannot be written or read
    └── FileFormatError (ValueError, OSError)  a file that is damaged, unsafe or of another kind

Every class also derives from the built-in exception that Keras raises in its place, so that
existing `except ValueError` clauses still work.
"""

from __future__ import annotations

from typing import Any


class KeratinError(Exception):
    """Base of all errors that Keratin raises on purpose.

    Args:
        what: one sentence that says what is wrong.
        where: the path of the layer, the name of the argument or the file.
        expected: what would have been right.
        received: what came instead; shown with `repr` unless it is a string.
        hint: what to do about it.

    Example:

    >>> raise KeratinError("The size is wrong.", where="dense", expected=3, received=4, hint="pass 3")
    Traceback (most recent call last):
    keratin.errors.KeratinError: The size is wrong.
      Where:    dense
      Expected: 3
      Received: 4
      Hint:     pass 3
    """

    def __init__(
        self, what: str = "", *, where: Any = None, expected: Any = None, received: Any = ..., hint: str | None = None
    ) -> None:
        self.what, self.where, self.expected, self.received, self.hint = what, where, expected, received, hint
        lines = [what]
        if where:
            lines.append(f"  Where:    {where}")
        if expected is not None:
            lines.append(f"  Expected: {_shown(expected)}")
        if received is not ...:
            lines.append(f"  Received: {_shown(received)}")
        if hint is not None:
            lines.append(f"  Hint:     {hint}")
        super().__init__("\n".join(lines))


class ArgumentError(KeratinError, ValueError):
    """An argument has a value that cannot be used."""


class UnknownArgumentError(ArgumentError, TypeError):
    """An argument that does not exist was passed."""


class ShapeError(KeratinError, ValueError):
    """Shapes do not fit together."""


class AxisError(ShapeError, IndexError):
    """An axis lies outside the rank of its tensor."""


class DtypeError(KeratinError, TypeError, ValueError):
    """Dtypes do not fit together."""


class DataError(KeratinError, ValueError):
    """Training data cannot be used as it is."""


class StateError(KeratinError, RuntimeError, ValueError):
    """Something was called in the wrong order or in the wrong place."""


class BackendError(KeratinError, RuntimeError):
    """A backend is missing, or lacks a feature."""


class ConfigError(KeratinError, ValueError, TypeError):
    """A configuration cannot be written or read."""


class FileFormatError(KeratinError, ValueError, OSError):
    """A file is damaged, unsafe, or of another kind."""


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 400 else f"{text[:400]}… ({len(text)} characters)"
