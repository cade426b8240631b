"""What all initializers share: values are defined on the host, and become tensors from there."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from keratin import dtypes, registry, shapes
from keratin.backends import select
from keratin.errors import ShapeError, StateError
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor


class Initializer(registry.Configurable):
    """Makes the first value of a weight of its shape and dtype.

    A subclass defines `host(shape, dtype)`, which gives a NumPy array, or as in Keras `__call__(shape, dtype=None)`,
    which gives a tensor.

    >>> class Halves(Initializer):
    ...     def host(self, shape, dtype):
    ...         return np.full(shape, 0.5, dtype)
    >>> Halves()((2,)).tolist()
    [0.5, 0.5]
    """

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """A tensor of that shape; `floatx()` where there is no dtype."""
        name = mechanism.canonical(dtypes.standardize(dtype))
        return select.current().from_host(self.host(fixed(shape, type(self).__name__), name), name)

    def host(self, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
        """The values as a NumPy array."""
        if type(self).__call__ is Initializer.__call__:
            raise StateError(
                "An initializer defines no values.", where=type(self).__name__, hint="define `host(self, shape, dtype)`"
            )
        return select.current().to_host(self(shape, dtype=dtype))

    def clone(self) -> Self:
        """An initializer of the same configuration; without a seed, it gives other values."""
        return self.from_config(self.get_config())


def fixed(shape: Any, where: str) -> tuple[int, ...]:
    """`shape` with all sizes known.  Raises: ShapeError."""
    sizes = shapes.standardize(shape)
    if not all(isinstance(size, int) for size in sizes):
        raise ShapeError(
            "A weight needs a shape without unknown sizes.", where=where, expected="integers", received=sizes
        )
    return sizes  # type: ignore[return-value]
