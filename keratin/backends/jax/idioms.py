"""What makes layers and variables at home in JAX.  Importing this does not import JAX."""

from __future__ import annotations

from typing import Any

from keratin.backends.storage import PlainLayer as LayerBase
from keratin.backends.storage import TensorStorage

__all__ = ["LayerBase", "VariableBase"]


class VariableBase(TensorStorage):
    """A variable that functions of `jax.numpy` take for its value."""

    def __jax_array__(self) -> Any:
        return self.value  # type: ignore[attr-defined]
