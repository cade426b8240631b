"""Settings of the process: default float dtype, epsilon, image layout, and the choice of the backend.

The file `keratin.json` in `~/.keratin` (or in the folder KERATIN_HOME) holds defaults; environment variables
win over it. Keras's own file is not read: Keras writes it unasked with its default backend, so it says nothing about a
choice.
"""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

from keratin.errors import ArgumentError

FLOATS = ("bfloat16", "float16", "float32", "float64")
LAYOUTS = ("channels_last", "channels_first")


def _read_file() -> dict[str, Any]:
    path = pathlib.Path(os.environ.get("KERATIN_HOME") or pathlib.Path.home() / ".keratin") / "keratin.json"
    if not path.is_file():
        return {}
    try:
        stored = json.loads(path.read_text())
    except ValueError as error:
        raise ArgumentError("The configuration file is not valid JSON.", where=path, received=str(error)) from None
    if not isinstance(stored, dict):
        raise ArgumentError("The configuration file must hold one JSON object.", where=path, received=stored)
    return stored


class _Settings:
    """The values now in force; read from the file once, at import."""

    def __init__(self) -> None:
        stored = _read_file()
        self.floatx = _one_of("floatx", stored.get("floatx", "float32"), FLOATS)
        self.epsilon = float(stored.get("epsilon", 1e-7))
        self.image_data_format = _one_of("image_data_format", stored.get("image_data_format", "channels_last"), LAYOUTS)
        self.backend: str | None = stored.get("backend")  # `backends.select` asks the environment first
        self.nnx_enabled = False
        self.traceback_filtering = True
        self.interactive_logging = True
        self.max_epochs: int | None = None
        self.max_steps_per_epoch: int | None = None
        self.flash_attention: bool | None = None


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> Any:
    if value not in allowed:
        raise ArgumentError(f"`{name}` cannot be used.", expected=f"one of {', '.join(allowed)}", received=value)
    return value


settings = _Settings()


def floatx() -> str:
    """The default float dtype.

    >>> floatx()
    'float32'
    """
    return settings.floatx


def set_floatx(value: str) -> None:
    """Set the default float dtype.  Raises: ArgumentError for other dtypes than the four float ones.

    >>> set_floatx("float32")
    """
    settings.floatx = _one_of("floatx", value, FLOATS)


def epsilon() -> float:
    """The small constant that keeps logarithms and quotients finite.

    >>> epsilon()
    1e-07
    """
    return settings.epsilon


def set_epsilon(value: float) -> None:
    """Set the small constant that keeps logarithms and quotients finite.

    >>> set_epsilon(1e-7)
    """
    settings.epsilon = float(value)


def image_data_format() -> str:
    """The default layout of images, "channels_last" or "channels_first".

    >>> image_data_format()
    'channels_last'
    """
    return settings.image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set the default layout of images.  Raises: ArgumentError for an unknown layout.

    >>> set_image_data_format("channels_last")
    """
    settings.image_data_format = _one_of("data_format", data_format, LAYOUTS)


def standardize_data_format(data_format: str | None) -> str:
    """The layout meant by `data_format`, where None means the default.

    >>> standardize_data_format(None)
    'channels_last'
    """
    if data_format is None:
        return settings.image_data_format
    return _one_of("data_format", str(data_format).lower(), LAYOUTS)


def enable_interactive_logging() -> None:
    """Write progress and messages to standard output, as is the default.

    >>> enable_interactive_logging()
    """
    settings.interactive_logging = True


def disable_interactive_logging() -> None:
    """Send progress and messages to the logger "keratin" of Python's `logging` instead of standard output.

    >>> disable_interactive_logging(); is_interactive_logging_enabled()
    False
    >>> enable_interactive_logging()
    """
    settings.interactive_logging = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress and messages go to standard output.

    >>> is_interactive_logging_enabled()
    True
    """
    return settings.interactive_logging
