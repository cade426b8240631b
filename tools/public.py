"""Which names of a package are public, found by walking it as a user would."""

from __future__ import annotations

import importlib
import inspect
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Name:
    """A public name and what it stands for."""

    path: str
    value: Any
    canonical: str
    """The one of the value's public names under which it is described; the others are aliases."""


def public_names(package: str) -> list[Name]:
    """Every public name that is reached from `package`, sorted.

    A module's public names are those of its `__all__`; where it has none, the functions and classes of its package
    without a leading underscore.  A sub-module is public where its parent's `__all__` names it.
    """
    found: dict[str, Any] = {}
    _walk(package, importlib.import_module(package), package, found, set())
    names = defaultdict(list)
    for path, value in found.items():
        names[id(value)].append(path)
    canonical = {key: _canonical(paths, found[paths[0]]) for key, paths in names.items()}
    return [Name(path, found[path], canonical[id(found[path])]) for path in sorted(found)]


def members(cls: type, package: str) -> Iterator[tuple[str, Any]]:
    """The public methods and properties that a class defines itself, or inherits from a private class of `package`."""
    seen = set()
    for base in cls.__mro__:
        if base is not cls and not (base.__name__.startswith("_") and base.__module__.startswith(package)):
            continue
        for name, member in vars(base).items():
            if name.startswith("_") or name in seen or inspect.isclass(member):
                continue
            if callable(unwrap(member)) or isinstance(member, property):
                seen.add(name)
                yield name, member


def unwrap(member: Any) -> Any:
    """The function behind a static method, class method or property."""
    if isinstance(member, staticmethod | classmethod):
        return member.__func__
    if isinstance(member, property):
        return member.fget
    return member


def _walk(path: str, module: ModuleType, package: str, found: dict[str, Any], entered: set[str]) -> None:
    entered.add(path)
    listed = getattr(module, "__all__", None)
    for name in sorted(listed if listed is not None else dir(module)):
        if name.startswith("_"):
            continue
        value = getattr(module, name)
        child = f"{path}.{name}"
        if inspect.ismodule(value):
            inside = value.__name__ == package or value.__name__.startswith(f"{package}.")
            if listed is not None and inside and child.count(".") < 5:
                _walk(child, value, package, found, entered)
        elif listed is not None or _belongs(value, package):
            found[child] = value


def _belongs(value: Any, package: str) -> bool:
    return (inspect.isclass(value) or inspect.isroutine(value)) and (value.__module__ or "").startswith(package)


def _canonical(paths: list[str], value: Any) -> str:
    """The path that is nearest to where the value is defined; the shorter, then the first one, of equally near ones."""
    home = (getattr(value, "__module__", None) or "").split(".")

    def distance(path: str) -> tuple[int, int, str]:
        parts = path.split(".")[:-1]
        shared = next(
            (i for i, (a, b) in enumerate(zip(parts, home, strict=False)) if a != b), min(len(parts), len(home))
        )
        return -shared, len(parts), path

    return min(paths, key=distance)
