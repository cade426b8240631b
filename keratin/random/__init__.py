"""Random numbers: the same seed gives the same numbers on every backend."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from keratin.random.core import categorical, dropout, normal, randint, shuffle, truncated_normal, uniform

if TYPE_CHECKING:
    from keratin.state.seed import SeedGenerator as SeedGenerator

__all__ = [
    "SeedGenerator",
    "categorical",
    "dropout",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]


def __getattr__(name: str) -> Any:
    # The generator's state is a variable, so its class lives above this folder; only its public name is here.
    if name == "SeedGenerator":
        return importlib.import_module("keratin.state.seed").SeedGenerator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
