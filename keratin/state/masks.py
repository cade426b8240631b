"""Masks: which positions of a tensor hold data, following the tensor from layer to layer.

They live in a table beside the tensors, by identity and without keeping them alive, because tracers and arrays take no
attributes. A `_keras_mask` attribute, where one is set, counts too.
"""

from __future__ import annotations

import weakref
from typing import Any

from keratin.backends.symbolic import KerasTensor

_table: dict[int, tuple[Any, Any]] = {}


def set_mask(x: Any, mask: Any) -> None:
    """Attach `mask` (True where there is data; the leading axes of x) to a tensor; None detaches."""
    if type(x) is KerasTensor:
        x._keras_mask = mask
        return
    key = id(x)
    if mask is None:
        _table.pop(key, None)
        return
    try:
        reference = weakref.ref(x, lambda _: _table.pop(key, None))
    except TypeError:  # NumPy scalars, which have no positions to mask
        return
    _table[key] = (reference, mask)


def get_mask(x: Any) -> Any:
    """The mask of a tensor, or None."""
    if _table:
        entry = _table.get(id(x))
        if entry is not None and entry[0]() is x:
            return entry[1]
    return getattr(x, "_keras_mask", None)


def any_masks() -> bool:
    """Whether some tensor of this process has a mask."""
    return bool(_table)
