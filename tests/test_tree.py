"""Nests of tensors."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import pytest

from keratin import tree
from keratin.errors import ArgumentError

Pair = collections.namedtuple("Pair", "first second")
NEST: Any = {"b": [1, (2, None)], "a": Pair(3, {"c": 4})}


def test_flatten_follows_sorted_keys() -> None:
    assert tree.flatten(NEST) == [3, 4, 1, 2, None]
    assert tree.flatten(collections.OrderedDict(b=1, a=2)) in ([1, 2], [2, 1])
    assert tree.flatten(7) == [7]
    assert tree.flatten([]) == []


def test_there_and_back() -> None:
    leaves, treedef = tree.flatten_with_treedef(NEST)
    back = tree.unflatten(treedef, leaves)
    assert back == NEST
    assert type(back["a"]) is Pair
    assert hash(treedef) == hash(tree.flatten_with_treedef(back)[1])


def test_what_is_a_leaf() -> None:
    assert tree.is_nested([]) and tree.is_nested({}) and tree.is_nested(())
    assert not any(map(tree.is_nested, (None, 1, "ab", np.zeros(2), {1, 2})))


def test_paths() -> None:
    assert tree.flatten_with_path({"a": [5], "b": None}) == [(("a", 0), 5), (("b",), None)]


def test_map_structure() -> None:
    assert tree.map_structure(lambda x: (x or 0) + 1, NEST) == {"b": [2, (3, 1)], "a": Pair(4, {"c": 5})}
    assert tree.map_structure(lambda a, b: a + b, {"x": 1, "y": [2]}, {"y": [20], "x": 10}) == {"x": 11, "y": [22]}
    assert tree.map_structure(lambda x: x, [None, 1]) == [None, 1]


@pytest.mark.parametrize(("a", "b"), [([1], [1, 2]), ({"a": 1}, {"b": 1}), ([1], (1,)), ([1], 1), ({"a": 1}, [1])])
def test_structures_that_differ(a: Any, b: Any) -> None:
    with pytest.raises(ArgumentError, match=r"structures differ[\s\S]*Expected[\s\S]*Received"):
        tree.assert_same_structure(a, b)
    with pytest.raises(ValueError):
        tree.map_structure(lambda x, y: x, a, b)


def test_same_structure() -> None:
    tree.assert_same_structure({"a": [1, 2]}, {"a": [3, None]})


def test_map_structure_needs_a_function_and_a_nest() -> None:
    with pytest.raises(ArgumentError, match="callable"):
        tree.map_structure(1, [1])  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="at least one"):
        tree.map_structure(len)


def test_errors_of_the_function_pass() -> None:
    def fails(x: Any) -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        tree.map_structure(fails, [1])


def test_map_structure_up_to() -> None:
    assert tree.map_structure_up_to({"x": 0, "y": 0}, sum, {"x": [1, 2], "y": (3,)}) == {"x": 3, "y": 3}


def test_pack_sequence_as() -> None:
    assert tree.pack_sequence_as(NEST, [1, 2, 3, 4, 5]) == {"b": [3, (4, 5)], "a": Pair(1, {"c": 2})}
    with pytest.raises(ArgumentError, match=r"number of leaves[\s\S]*Expected: 2[\s\S]*Received: 1"):
        tree.pack_sequence_as([0, 0], [1])


def test_lists_to_tuples() -> None:
    assert tree.lists_to_tuples([1, {"a": [2]}]) == (1, {"a": (2,)})
    assert type(tree.lists_to_tuples(Pair([1], 2))) is Pair


def test_traverse() -> None:
    assert tree.traverse(lambda v: v * 10 if isinstance(v, int) else None, [1, {"a": 2}]) == [10, {"a": 20}]
    assert tree.traverse(lambda v: sum(v) if isinstance(v, list) else None, [1, 2]) == 3
    bottom_up = tree.traverse(lambda v: tuple(v) if isinstance(v, list) else None, [[1], [2]], top_down=False)
    assert bottom_up == ((1,), (2,))
    assert tree.traverse(lambda v: tree.MAP_TO_NONE if v == 1 else None, [1, 2]) == [None, 2]
