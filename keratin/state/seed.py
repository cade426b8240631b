"""Seeds: the state of a random stream is a variable, so it is saved, carried through loops, and restored."""

from __future__ import annotations

import random as python_random
from typing import Any

import numpy as np

from keratin import registry
from keratin.backends import primitives as p
from keratin.backends import select
from keratin.errors import ArgumentError
from keratin.ops.mechanism import Tensor
from keratin.state.scope import local
from keratin.state.variable import Variable


class SeedGenerator(registry.Configurable):
    """A stream of random keys.

    Args:
        seed: an integer >= 0; None draws one from Python's `random`, now.
        name: for messages and files.

    Raises: ArgumentError for another seed.

    >>> generator = SeedGenerator(3)
    >>> [generator.next().tolist() for _ in range(2)]
    [[3, 0], [3, 1]]
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        if kwargs:
            raise ArgumentError("`SeedGenerator` has no such argument.", received=", ".join(kwargs))
        if seed is not None and (
            not isinstance(seed, int | np.integer) or isinstance(seed, bool) or not 0 <= seed < 2**32
        ):
            raise ArgumentError("A seed must be an integer from 0 to 2**32 - 1.", where=name, received=seed)
        self.name = name or registry.unique_name("seed_generator")
        self.seed = make_seed() if seed is None else int(seed)
        start = np.array([self.seed, 0], np.uint32)
        self.state = Variable(
            _Host(start), shape=(2,), dtype="uint32", trainable=False, autocast=False, name=f"{self.name}_state",
            aggregation="only_first_replica",
        )  # fmt: skip

    def next(self, ordered: bool = True) -> Tensor:
        """The next key, two uint32; the state advances."""
        key = self.state.value
        if self.state.writes_in_place and local.scope is None:
            key = p.copy(key)
        with select.current().eager():
            one = select.current().from_host(np.array([0, 1], np.uint32))
        self.state.assign(p.add(key, one))
        return key

    def get_config(self) -> dict[str, Any]:
        """The seed that was given."""
        return {"seed": self.seed, "name": self.name}


class _Host:
    """An initializer that gives one array."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array

    def host(self, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
        return self.array

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Tensor:
        return select.current().from_host(self.array)


def make_seed() -> int:
    """An integer from Python's `random`, which `set_random_seed` makes repeatable."""
    return python_random.randint(1, 10**9)


_global: SeedGenerator | None = None


def global_generator() -> SeedGenerator:
    """The generator behind random ops that were given no seed."""
    global _global
    if _global is None:
        _global = SeedGenerator(name="global_seed_generator")
    return _global


def set_global_seed(seed: int | None) -> None:
    """Start the global generator again from a seed."""
    global _global
    _global = SeedGenerator(seed, name="global_seed_generator")
