"""Nests of tensors and of shapes, as layers meet them in their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from keratin import dtypes, tree
from keratin.backends.symbolic import KerasTensor
from keratin.ops import mechanism
from keratin.state import masks


def has_symbolic(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether an argument is symbolic, or holds a symbolic tensor."""
    for value in args:
        if type(value) is KerasTensor or (
            isinstance(value, list | tuple | dict) and any(type(x) is KerasTensor for x in tree.flatten(value))
        ):
            return True
    for value in kwargs.values():
        if type(value) is KerasTensor or (
            isinstance(value, list | tuple | dict) and any(type(x) is KerasTensor for x in tree.flatten(value))
        ):
            return True
    return False


def all_numbers(value: Any) -> bool:
    """Whether a nest of lists holds Python numbers only."""
    if isinstance(value, list | tuple):
        return bool(value) and all(all_numbers(v) for v in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def constants_as_arrays(value: Any) -> Any:
    """Constants in a graph are NumPy arrays or tensors: lists of numbers become arrays here."""
    return (
        np.asarray(value, dtypes.numpy_dtype(mechanism.canonical("float32")))
        if all_numbers(value) and isinstance(value, list | tuple)
        else value
    )


def shape_of(value: Any) -> Any:
    """The shape of a tensor, or the nest of shapes of a nest."""
    if value is None:
        return None
    if hasattr(value, "shape"):
        return tuple(value.shape)
    return tree.map_structure(lambda x: tuple(x.shape) if hasattr(x, "shape") else None, value)


def any_batch(shape: Any) -> Any:
    """The nest of shapes with unknown sizes of batches."""
    if isinstance(shape, dict):
        return {key: any_batch(value) for key, value in shape.items()}
    if shape is None or all(d is None or isinstance(d, int) for d in shape):
        return (None, *shape[1:]) if shape else shape
    return [any_batch(item) for item in shape]


def as_shape(value: Any) -> Any:
    """A shape, or nest of shapes, read from JSON, with tuples in place of the innermost lists."""
    if isinstance(value, list | tuple):
        if all(d is None or isinstance(d, int) for d in value):
            return tuple(value)
        return [as_shape(item) for item in value]
    if isinstance(value, dict):
        return {key: as_shape(item) for key, item in value.items()}
    return value


def symbolic_input(shape: Any, dtype: str) -> Any:
    """Symbolic tensors of a nest of shapes."""
    if isinstance(shape, dict):
        return {key: symbolic_input(value, dtype) for key, value in shape.items()}
    if isinstance(shape, KerasTensor) or shape is None:
        return shape
    if all(d is None or isinstance(d, int) for d in shape):
        return KerasTensor(shape, dtype)
    return [symbolic_input(item, dtype) for item in shape]


def mask_nest(value: Any) -> Any:
    """The masks of a nest of tensors, None if there is none."""
    if value is None or not isinstance(value, list | tuple | dict):
        return masks.get_mask(value)
    found = tree.map_structure(masks.get_mask, value)
    return found if any(m is not None for m in tree.flatten(found)) else None
