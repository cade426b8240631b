"""What a layer's call knows of the calls around it: the outermost layer, the path down to here, and `training`."""

from __future__ import annotations

import threading
from typing import Any


class _CallContext(threading.local):
    def __init__(self) -> None:
        self.training: bool | None = None
        self.stack: list[Any] = []  # the layers whose call is running, outermost first


context = _CallContext()


def current_path() -> tuple[str, ...]:
    """Names of the layers whose call is running."""
    return tuple(layer.name for layer in context.stack)
