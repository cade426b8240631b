"""Which backend computes: chosen once, at first use, from KERATIN_BACKEND, KERAS_BACKEND, the config file, or JAX."""

from __future__ import annotations

import importlib
import os
import threading
from types import ModuleType
from typing import Any

from keratin.config import settings
from keratin.errors import BackendError

BACKENDS = {"jax": "jax", "numpy": "numpy", "torch": "torch", "tensorflow": "tensorflow"}
"""Name of each backend and what to install for it with pip."""
AVAILABLE = tuple(BACKENDS)
_ENGINES = {"jax": "jax", "jaxlib": "jax", "torch": "torch", "tensorflow": "tensorflow"}
"""Which engine a package belongs to."""
WRAPPERS = {"TorchModuleWrapper": "torch", "JaxLayer": "jax", "FlaxLayer": "jax"}
"""Layers that wrap something of one engine, and that engine's backend."""

_chosen: ModuleType | None = None
_name: str | None = None  # fixed by the first use
_lock = threading.Lock()


def backend_name() -> str:
    """The name of the backend, without starting it.

    >>> backend_name() in BACKENDS
    True
    """
    if _name is not None:
        return _name
    given = os.environ.get("KERATIN_BACKEND") or os.environ.get("KERAS_BACKEND")
    return given or settings.backend or next(iter(BACKENDS))


def _fixed() -> str:
    """The backend's name, from now on the same: classes and tensors are made for it."""
    global _name
    if _name is None:
        _name = backend_name()
    return _name


def current() -> Any:
    """The backend's module; the first call imports it.

    Raises: BackendError for an unknown backend, or one that is not installed.
    """
    global _chosen
    if _chosen is None:
        with _lock:
            if _chosen is None:
                _chosen = _part(_fixed(), "engine")
    return _chosen


def is_chosen() -> bool:
    """Whether a backend was started."""
    return _chosen is not None


def set_backend(backend: str) -> None:
    """Choose the backend, before anything used one.

    Raises: BackendError if another one is in use already, or there is none of this name.
    """
    global _name
    if backend not in AVAILABLE:
        raise _unknown(backend)
    if _name is not None and backend != _name:
        raise BackendError(
            "The backend is in use and cannot be changed in this process.",
            expected=_name,
            received=backend,
            hint=f"set the environment variable KERATIN_BACKEND={backend} before the start",
        )
    _name = backend


def idiom(name: str) -> Any:
    """What makes a thing at home in the backend's ecosystem: "LayerBase", "TrackedBase" or "VariableBase".

    Raises: AttributeError if the backend has none.
    """
    return getattr(_part(_fixed(), "idioms"), name)


def wrapper(name: str) -> Any:
    """The wrapper layer of this name, such as "TorchModuleWrapper", where its backend is the one in use.

    Raises: BackendError on another backend.
    """
    owner = WRAPPERS[name]
    if _fixed() != owner:
        raise BackendError(
            f"`{name}` wraps what only the backend `{owner}` can run.",
            expected=owner,
            received=_name,
            hint=f"set the environment variable KERATIN_BACKEND={owner} before the start",
        )
    return getattr(_part(owner, "layers"), name)


def wrappers() -> list[str]:
    """The names of the wrapper layers of the backend in use."""
    return [name for name, owner in WRAPPERS.items() if owner == backend_name()]


def engine_of(kind: type) -> str | None:
    """The engine that a class of tensors comes from, as the backend's name; None if it is none of them."""
    return _ENGINES.get(kind.__module__.partition(".")[0])


def _part(name: str, part: str) -> ModuleType:
    if name not in AVAILABLE:
        raise _unknown(name)
    try:
        return importlib.import_module(f"keratin.backends.{name}.{part}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in (*_ENGINES, BACKENDS[name]):
            raise
        raise BackendError(
            f"The backend `{name}` is not installed.",
            received=str(error),
            hint=f"pip install {BACKENDS[name]}, or set KERATIN_BACKEND to another one",
        ) from error


def _unknown(name: str) -> BackendError:
    return BackendError("There is no such backend.", expected=" or ".join(AVAILABLE), received=name)
