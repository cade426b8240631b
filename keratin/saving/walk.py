"""Which objects of a model keep state, and under which paths files know them.

The paths are Keras's: the list `layers` first in Sequential and functional models, then attributes by name, those with
a leading underscore last; items of lists, tuples and dicts by class name and number. Each object has one path, the
first by which it is reached; the other ways to it are its aliases.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from keratin.errors import StateError
from keratin.layers.base import Layer
from keratin.losses.loss import Loss
from keratin.ops.operation import Operation
from keratin.registry import snake_case
from keratin.state import tracking
from keratin.state.seed import SeedGenerator

# Attributes of Keratin's own classes that only repeat what `layers` lists.
_REPEATING = frozenset({"_stack", "_functional", "_graph_layers", "_own_weights"})
_MAX_ALIASES = 1000


class Walk:
    """The objects in a model by path, in Keras's order.

    >>> from keratin import layers, models
    >>> [path for path, _ in Walk(models.Sequential([layers.Dense(1), layers.Dense(2)])).objects]
    ['', 'layers/dense', 'layers/dense_1']
    """

    def __init__(self, root: Any) -> None:
        self.objects: list[tuple[str, Any]] = []
        self.seeds: list[tuple[str, SeedGenerator]] = []
        self._paths: dict[int, str] = {}
        self._ways: dict[int, list[tuple[Any, str]]] = {}
        self._root = root
        self._visit(root, "")

    def path(self, obj: Any) -> str | None:
        """The path of an object, None if the model does not hold it."""
        return self._paths.get(id(obj))

    def aliases(self, obj: Any) -> Iterator[str]:
        """All paths that lead to an object, at most a thousand; the one that files use may not be the first."""
        for count, path in enumerate(self._routes(obj, frozenset())):
            if count == _MAX_ALIASES:
                return
            yield path

    def _routes(self, obj: Any, passed: frozenset[int]) -> Iterator[str]:
        ways = self._ways.get(id(obj))
        if ways is None:
            yield ""
            return
        for parent, name in ways:
            if id(parent) not in passed:
                for path in self._routes(parent, passed | {id(obj)}):
                    yield f"{path}/{name}" if path else name

    def _visit(self, obj: Any, path: str) -> None:
        self._paths[id(obj)] = path
        if isinstance(obj, SeedGenerator):
            self.seeds.append((path, obj))
            return
        self.objects.append((path, obj))
        for name, child in _held(obj):
            if child is not self._root:
                self._ways.setdefault(id(child), []).append((obj, name))
            if id(child) not in self._paths:
                self._visit(child, f"{path}/{name}" if path else name)


def is_saveable(obj: Any) -> bool:
    """Whether files know the object by a path: layers, models, optimizers, metrics, losses and operations."""
    return isinstance(obj, tracking.Tracked | Operation | Loss)


def _held(obj: Any) -> Iterator[tuple[str, Any]]:
    """The saveable objects and seed generators that `obj` holds, with their paths below it."""
    for name, value in _attributes(obj):
        if is_saveable(value) or isinstance(value, SeedGenerator):
            yield name, value
        elif isinstance(value, list | tuple | dict):
            yield from _contained(value, name, set())


def _contained(container: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if id(container) in seen:
        return
    seen.add(id(container))
    used: dict[str, int] = {}
    for item in list(container.values()) if isinstance(container, dict) else container:
        if is_saveable(item):
            yield f"{path}/{_numbered(snake_case(type(item).__name__), used)}", item
        elif isinstance(item, list | tuple | dict):
            yield from _contained(item, f"{path}/{_numbered('container', used)}", seen)
        elif isinstance(item, SeedGenerator):
            yield f"{path}/{_numbered('~seed', used)}", item


def _numbered(name: str, used: dict[str, int]) -> str:
    used[name] = used.get(name, -1) + 1
    return f"{name}_{used[name]}" if used[name] else name


def _attributes(obj: Any) -> Iterator[tuple[str, Any]]:
    """Attributes and properties, as Keras sorts them."""
    values = {name: value for name, value in tracking.attributes(obj) if name not in _REPEATING}
    layers_first = isinstance(obj, Layer) and obj.files_list_layers_first
    if layers_first:
        values.pop("layers", None)
        yield "layers", getattr(obj, "layers")  # noqa: B009 - models have it, layers do not
    for name in _properties(type(obj)):
        if name not in values and not (layers_first and name == "layers"):
            with contextlib.suppress(Exception):  # a property may need what is not there yet
                values[name] = getattr(obj, name)
    for name in sorted(values, key=lambda n: f"~{n}" if n.startswith("_") else n):
        if not name.startswith("__"):
            yield name, values[name]


_known_properties: dict[type, tuple[str, ...]] = {}


def _properties(cls: type) -> tuple[str, ...]:
    """Names of the properties and class attributes that a class adds to Keratin's base classes."""
    if cls not in _known_properties:
        names: list[str] = []
        for base in cls.__mro__:
            if base in Layer.__mro__ or base.__module__.startswith(
                ("keratin.models.", "keratin.training.", "builtins")
            ):
                continue
            if issubclass(base, Layer) or not base.__module__.startswith("keratin."):
                for name, value in vars(base).items():
                    if isinstance(value, property | list | tuple | dict) or is_saveable(value):
                        names.append(name)
        if issubclass(cls, Layer) and isinstance(getattr(cls, "layers", None), property):
            names.append("layers")
        _known_properties[cls] = tuple(n for n in dict.fromkeys(names) if not hasattr(Layer, n))
    return _known_properties[cls]


def check_complete(root: Any, walk: Walk) -> None:
    """See that every weight of a model has a path in files.

    Raises: StateError naming the weights that are held in a way that files cannot name.
    """
    if not isinstance(root, Layer):
        return
    named = {id(v) for _, obj in walk.objects if isinstance(obj, Layer) for v in obj.own_variables}
    lost = [v.path for v in root.weights if id(v) not in named]
    if lost:
        raise StateError(
            "Some weights cannot be saved, for the layers that hold them have no place of their own in the model.",
            where=root.name,
            received=", ".join(lost),
            hint="keep layers in attributes, lists, tuples or dicts; sets have no order by which files could name them",
        )
