"""The symbolic backend: primitives on shape and dtype alone, through the rules of `spec`.

Its tensor is `KerasTensor`, which is also what `Input` returns and what a functional model is drawn with.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from keratin import dtypes, shapes
from keratin.backends import spec
from keratin.errors import StateError

name = "symbolic"


class _Local(threading.local):
    active = False  # inside a run on shapes alone


local = _Local()


@contextmanager
def symbolic_mode(active: bool = True) -> Generator[None]:
    """While inside, nothing is computed: variables give their shapes, and creation gives symbolic tensors."""
    previous = local.active
    local.active = active
    try:
        yield
    finally:
        local.active = previous


class KerasTensor:
    """A tensor without values: its shape, in which None is a size not known yet, and its dtype.

    Args:
        shape: the shape.
        dtype: the dtype's name.
        sparse, ragged: kept for Keras's signature; only dense tensors exist so far.
        record_history: kept for Keras's signature.
        name: a name for messages.

    >>> KerasTensor((None, 3)).ndim
    2
    """

    __slots__ = (
        "__weakref__",
        "_history",
        "_keras_mask",
        "dtype",
        "name",
        "node",
        "ragged",
        "record_history",
        "shape",
        "sparse",
    )
    __array_priority__: int = 100
    __array_ufunc__: None = None

    shape: shapes.Shape
    dtype: str
    sparse: bool
    ragged: bool
    record_history: bool
    name: str | None
    node: Any

    def __init__(
        self,
        shape: Any,
        dtype: Any = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.shape = shapes.standardize(shape)
        self.dtype = dtypes.standardize(dtype)
        self.sparse, self.ragged, self.record_history = sparse, ragged, record_history
        self.name = name
        self._history: Any = None

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def ragged_rank(self) -> None:
        """None: dense tensors have no ragged axes."""
        return None

    @property
    def row_splits_dtype(self) -> None:
        """None: dense tensors have no row splits."""
        return None

    @property
    def _keras_history(self) -> Any:
        if self._history is None:
            raise AttributeError("_keras_history")
        return self._history

    @_keras_history.setter
    def _keras_history(self, value: Any) -> None:
        self._history = value

    def __repr__(self) -> str:
        label = f", name={self.name}" if self.name else ""
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}{label}>"

    def __bool__(self) -> bool:
        raise _no_value("the truth of a tensor", "`ops.cond` or `ops.where`")

    def __float__(self) -> float:
        raise _no_value("a number", "an op")

    def __int__(self) -> int:
        raise _no_value("a number", "an op")

    def __index__(self) -> int:
        raise _no_value("an index", "`ops.take`")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise _no_value("an array", "`keratin.ops` in place of NumPy")

    def __iter__(self) -> Iterator[Any]:
        if not self.shape or self.shape[0] is None:
            raise _no_value("the number of its rows", "`ops.unstack` along an axis of known size")
        return (self[i] for i in range(self.shape[0]))  # type: ignore[index]

    def __len__(self) -> int:
        if not self.shape or self.shape[0] is None:
            raise _no_value("its length", "`ops.shape`")
        return self.shape[0]


def _no_value(what: str, instead: str) -> StateError:
    return StateError(
        f"A symbolic tensor has no values, so it cannot give {what}.",
        hint=f"use {instead}, or put the code into the `call` of a layer",
    )


class Unknown:
    """A Python scalar seen as a tensor: no axes, and the dtype of what it meets."""

    shape: shapes.Shape = ()
    dtype = None


_SCALAR = Unknown()


def as_spec(value: Any) -> Any:
    """What the rules read, of any tensor or scalar."""
    if type(value) is KerasTensor or isinstance(value, spec.Spec):
        return value
    if isinstance(value, list | tuple):
        return type(value)(map(as_spec, value))
    if isinstance(value, str):  # the letters of einsum
        return value
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return spec.Spec(tuple(value.shape), dtypes.standardize(value.dtype))
    return _SCALAR


def primitive(primitive_name: str) -> Callable[..., Any]:
    """The primitive of that name on symbolic tensors."""
    rule = spec.RULES[primitive_name]
    count = _tensor_count(primitive_name)

    def run(*args: Any, **kwargs: Any) -> Any:
        return tensors(rule(*map(as_spec, args[:count]), *args[count:], **kwargs))

    run.__name__ = primitive_name
    return run


def _tensor_count(primitive_name: str) -> int:
    """How many leading arguments of a primitive are tensors, or a list of them."""
    if primitive_name in ("full", "iota"):
        return 0
    if primitive_name in (*spec.BINARY, *spec.COMPARE, *_TWO):
        return 2
    if primitive_name in ("where", "scatter"):
        return 3
    if primitive_name == "einsum":
        return 99
    return 1


_TWO = """take take_rows take_along_axis gather_nd matmul dot_general solve solve_triangular conv searchsorted
    make_complex dynamic_update_slice""".split()


def tensors(result: Any) -> Any:
    """Specs, or tuples of them, as symbolic tensors."""
    if isinstance(result, spec.Spec):
        return KerasTensor(result.shape, result.dtype)
    return tuple(map(tensors, result))
