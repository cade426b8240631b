"""NumPy knows layers and variables as they are."""

from __future__ import annotations

from keratin.backends.storage import PlainLayer as LayerBase
from keratin.backends.storage import PlainTracked as TrackedBase
from keratin.backends.storage import TensorStorage as VariableBase

__all__ = ["LayerBase", "TrackedBase", "VariableBase"]
