"""Initializers without chance."""

from __future__ import annotations

from typing import Any

import numpy as np

from keratin import dtypes
from keratin.errors import ShapeError
from keratin.initializers.base import Initializer
from keratin.ops import mechanism


class Zeros(Initializer):
    """All 0.

    >>> Zeros()((2,)).tolist()
    [0.0, 0.0]
    """

    def host(self, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
        """The values as a NumPy array."""
        return np.zeros(shape, dtypes.numpy_dtype(dtype))


class Ones(Initializer):
    """All 1.

    >>> Ones()((2,)).tolist()
    [1.0, 1.0]
    """

    def host(self, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
        """The values as a NumPy array."""
        return np.ones(shape, dtypes.numpy_dtype(dtype))


class Constant(Initializer):
    """All `value`, or an array that broadcasts to the shape.

    >>> Constant(3.0)((2,)).tolist()
    [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def host(self, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
        """The values as a NumPy array.  Raises: ShapeError if the value does not broadcast to the shape."""
        value = mechanism.host_values(self.value).astype(dtypes.numpy_dtype(dtype))
        try:
            return np.array(np.broadcast_to(value, shape))
        except ValueError:
            raise ShapeError(
                "The value does not broadcast to the weight.", where="Constant", expected=shape, received=value.shape
            ) from None


class Identity(Initializer):
    """The identity matrix times `gain`, cut or filled with 0 where the matrix is not square.

    Raises: ShapeError for other than two axes.

    >>> Identity(2.0)((1, 2)).tolist()
    [[2.0, 0.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def host(self, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
        """The values as a NumPy array."""
        if len(shape) != 2:
            raise ShapeError(
                "Only matrices can be the identity.", where="Identity", expected="two axes", received=shape
            )
        return (np.eye(*shape) * self.gain).astype(dtypes.numpy_dtype(dtype))
