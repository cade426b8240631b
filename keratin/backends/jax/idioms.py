"""What makes layers and variables at home in JAX.  Importing this does not import JAX."""

from __future__ import annotations

import sys
from typing import Any

from keratin.backends.storage import PlainLayer as LayerBase
from keratin.backends.storage import PlainTracked as TrackedBase
from keratin.backends.storage import TensorStorage

__all__ = ["LayerBase", "TrackedBase", "VariableBase", "register_variables"]


class VariableBase(TensorStorage):
    """A variable that JAX takes for its value: in functions of `jax.numpy`, and as a pytree in its transforms.

    As a pytree it goes in as one array and comes out as an array, not as a variable: transforms are pure.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "jax" in sys.modules:
            register_variables(cls)

    def __jax_array__(self) -> Any:
        return self.value  # type: ignore[attr-defined]


_registered: set[type] = set()


def register_variables(cls: type = VariableBase) -> None:
    """Tell JAX of a class of variables and of those derived from it."""
    import jax

    if cls is not VariableBase and cls not in _registered:
        _registered.add(cls)
        jax.tree_util.register_pytree_node(cls, lambda v: ((v.value,), None), lambda _, values: values[0])
    for derived in cls.__subclasses__():
        register_variables(derived)
