"""Nests of tensors: lists, tuples, dicts and what is registered, over `optree`.

Dicts are walked in the order of their sorted keys, so that two dicts with the same keys always pair up by name.
None counts as a leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import optree

from keratin.errors import ArgumentError

NAMESPACE = "keratin"


def is_nested(structure: Any) -> bool:
    """Whether `structure` is a container rather than a leaf.

    >>> is_nested([1]), is_nested(1)
    (True, False)
    """
    return not optree.tree_is_leaf(structure, none_is_leaf=True, namespace=NAMESPACE)


def flatten(structure: Any) -> list[Any]:
    """The leaves of `structure` in order.

    >>> flatten({"b": 1, "a": [2, 3]})
    [2, 3, 1]
    """
    return optree.tree_leaves(structure, none_is_leaf=True, namespace=NAMESPACE)


def flatten_with_treedef(structure: Any) -> tuple[list[Any], Any]:
    """The leaves and the structure that holds them (hashable); `unflatten` is the way back."""
    leaves, treedef = optree.tree_flatten(structure, none_is_leaf=True, namespace=NAMESPACE)
    return leaves, treedef


def unflatten(treedef: Any, leaves: Iterable[Any]) -> Any:
    """The nest of structure `treedef` with these leaves."""
    return optree.tree_unflatten(treedef, leaves)


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Pairs of path and leaf.

    >>> flatten_with_path({"a": [5]})
    [(('a', 0), 5)]
    """
    paths, leaves, _ = optree.tree_flatten_with_path(structure, none_is_leaf=True, namespace=NAMESPACE)
    return list(zip(paths, leaves, strict=True))


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """The nest of `func(leaf of each structure)`.

    Raises: ArgumentError if the structures differ.

    >>> map_structure(lambda a, b: a + b, {"x": 1}, {"x": 2})
    {'x': 3}
    """
    if not callable(func):
        raise ArgumentError("`func` must be callable.", received=func)
    if not structures:
        raise ArgumentError("`map_structure` needs at least one structure.")
    try:
        return optree.tree_map(func, *structures, none_is_leaf=none_is_leaf, namespace=NAMESPACE)
    except ValueError as error:
        for other in structures[1:]:
            if not _same(structures[0], other):
                raise ArgumentError(
                    "The structures differ.", expected=_outline(structures[0]), received=_outline(other)
                ) from error
        raise


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """Like `map_structure`, but what lies below the leaves of `shallow_structure` is passed whole.

    >>> map_structure_up_to([0, 0], len, [[1, 2], [3]])
    [2, 1]
    """
    treedef = optree.tree_structure(shallow_structure, none_is_leaf=True, namespace=NAMESPACE)
    return unflatten(treedef, map(func, *(treedef.flatten_up_to(s) for s in structures)))


def assert_same_structure(a: Any, b: Any) -> None:
    """Raises: ArgumentError if the nests differ.

    >>> assert_same_structure([1, {"a": 2}], [3, {"a": 4}])
    """
    if not _same(a, b):
        raise ArgumentError("The structures differ.", expected=_outline(a), received=_outline(b))


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any]) -> Any:
    """The leaves of `flat_sequence` in a nest like `structure`.

    Raises: ArgumentError if there are too few or too many.

    >>> pack_sequence_as({"a": 0, "b": 0}, [1, 2])
    {'a': 1, 'b': 2}
    """
    leaves, treedef = flatten_with_treedef(structure)
    flat = list(flat_sequence)
    if len(leaves) != len(flat):
        raise ArgumentError("The number of leaves differs.", expected=len(leaves), received=len(flat))
    return unflatten(treedef, flat)


def lists_to_tuples(structure: Any) -> Any:
    """The nest with tuples in place of lists.

    >>> lists_to_tuples([1, [2]])
    (1, (2,))
    """
    if isinstance(structure, list | tuple) and not hasattr(structure, "_fields"):
        return tuple(lists_to_tuples(item) for item in structure)
    if isinstance(structure, dict):
        return {key: lists_to_tuples(value) for key, value in structure.items()}
    return structure


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Apply `func` to every container and leaf; a result other than None takes its place.

    A result of `MAP_TO_NONE` puts None there.

    >>> traverse(lambda v: v * 10 if isinstance(v, int) else None, [1, [2]])
    [10, [20]]
    """
    if top_down:
        result = func(structure)
        if result is not None:
            return None if result is MAP_TO_NONE else result
    if is_nested(structure):
        children, treedef = optree.tree_flatten(
            structure, is_leaf=lambda node: node is not structure, none_is_leaf=True, namespace=NAMESPACE
        )
        structure = unflatten(treedef, [traverse(func, child, top_down) for child in children])
    if not top_down:
        result = func(structure)
        if result is not None:
            return None if result is MAP_TO_NONE else result
    return structure


class _MapToNone:
    """The mark that `traverse` turns into None."""


MAP_TO_NONE: Any = _MapToNone()


def _same(a: Any, b: Any) -> bool:
    def outline(structure: Any) -> Any:
        return optree.tree_structure(structure, none_is_leaf=True, namespace=NAMESPACE)

    return outline(a) == outline(b)


def _outline(structure: Any) -> str:
    return repr(map_structure(lambda leaf: _Leaf(), structure))


class _Leaf:
    def __repr__(self) -> str:
        return "*"
