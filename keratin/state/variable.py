"""Variables: values that are read and assigned like an attribute, and compile to arguments and results."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from keratin import dtypes, registry, shapes
from keratin.backends import primitives as p
from keratin.backends import select, symbolic
from keratin.backends.storage import AsTensor
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, DtypeError, ShapeError
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike
from keratin.ops.operators import install_operators
from keratin.state.scope import local

AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")


if TYPE_CHECKING:
    from keratin.backends.storage import TensorStorage as VariableBase
else:
    VariableBase = select.idiom("VariableBase")


class Variable(VariableBase, AsTensor):
    """A tensor that can be assigned.

    The value is made when it is first read: `initializer` runs on the host then, so that building a model computes
    nothing. Inside Keratin's transforms (`jit`, `value_and_grad`, `scan`, a compiled `fit`) reads and assignments are
    turned into arguments and results.

    Args:
        initializer: the value, or a function of (shape, dtype) that makes it.
        shape: needed if `initializer` is a function.
        dtype: by default that of the value, or `floatx()`.
        trainable: whether optimizers update it.
        autocast: whether a layer with a half-precision policy reads it in that precision.
        aggregation, synchronization: how replicas combine it, as in Keras.
        name: the last part of its path.
        layout: how it is laid out over devices.

    Raises: ShapeError, DtypeError, ArgumentError.

    >>> v = Variable([1.0, 2.0], name="v")
    >>> v.assign_add([1.0, 1.0]).tolist(), v.shape
    ([2.0, 3.0], (2,))
    """

    __array_priority__: int = 100
    __array_ufunc__: None = None

    name: str
    path: str
    shape: tuple[int, ...]
    ndim: int
    dtype: str
    trainable: bool
    initially_trainable: bool
    aggregation: str | None
    synchronization: str
    overwrite_with_gradient: bool
    regularizer: Any
    constraint: Any
    borrowed: bool

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str = "auto",
        name: str | None = None,
        layout: Any = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise ArgumentError("`Variable` has no such argument.", received=", ".join(kwargs))
        if aggregation not in AGGREGATIONS:
            raise ArgumentError("`aggregation` cannot be used.", expected=AGGREGATIONS, received=aggregation)
        self.name = name or registry.unique_name(registry.snake_case(type(self).__name__))
        if "/" in self.name:
            raise ArgumentError("A variable's name must not contain `/`.", received=name)
        self.path = "/".join((*name_scope_path(), self.name))
        self.trainable = self.initially_trainable = bool(trainable)
        self.frozen = False  # whether the layer that it belongs to is: batch statistics stay then
        self.aggregation, self.synchronization, self._layout = aggregation, synchronization, layout
        self.overwrite_with_gradient = False
        self.regularizer: Any = None
        self.constraint: Any = None
        self._autocast = autocast
        self._initializer: Callable[..., Any] | None = None
        self._value: Any = None
        self.borrowed = False
        if isinstance(initializer, str):
            initializer = _from_name(initializer)
        if callable(initializer):
            if shape is None:
                raise ArgumentError("A variable made by a function needs a `shape`.", where=self.path, received=None)
            self.shape: tuple[int, ...] = _full(shape, self.path)
            self.dtype = mechanism.canonical(dtypes.standardize(dtype))
            self._initializer = initializer
        else:
            value = mechanism.convert(
                initializer, None if dtype is None else mechanism.canonical(dtypes.standardize(dtype))
            )
            if shape is not None and tuple(shape) != tuple(value.shape):
                raise ShapeError(
                    "The value has another shape than the variable.",
                    where=self.path,
                    expected=tuple(shape),
                    received=tuple(value.shape),
                )
            self.shape, self.dtype = tuple(value.shape), mechanism.dtype_of(value)
            self._keep(value, shared=select.current().is_tensor(initializer))
        self.ndim = len(self.shape)
        self._is_float = self.dtype in dtypes.FLOAT

    # -- value

    @property
    def value(self) -> Tensor:
        """The tensor; inside a layer of half precision, in that precision."""
        if symbolic.local.active:
            value: Any = KerasTensor(self.shape, self.dtype)
        elif local.scope is not None:
            value = local.scope.read(self)
        else:
            value = self._live()
        cast = local.autocast
        if cast is not None and self._is_float and self._autocast and cast != self.dtype:
            return p.cast(value, cast)
        return value

    def put(self, array: np.ndarray[Any, Any]) -> None:
        """Assign the values of a host array; nobody else holds the new tensor, so a program may take it for its own."""
        self.assign(array)
        if local.scope is None and not symbolic.local.active:
            self.borrowed = False

    def reset(self) -> None:
        """Go back to the initial value, made anew when it is read; a variable made from a value keeps what it has."""
        if self._initializer is not None:
            self._forget()

    @property
    def is_materialized(self) -> bool:
        """Whether the value was made."""
        return self._value is not None

    def _is_replaced(self) -> bool:
        """Whether a scope stands between the reader and the value, as in a program."""
        return local.scope is not None

    def _materialize(self) -> None:
        backend = select.current()
        initializer = self._initializer
        host = getattr(initializer, "host", None)
        with symbolic.symbolic_mode(False), backend.eager():
            value: Any = host(self.shape, self.dtype) if host is not None else initializer(self.shape, dtype=self.dtype)  # type: ignore[misc]
            if not backend.is_tensor(value) or isinstance(value, np.ndarray):
                value = backend.from_host(np.asarray(value), self.dtype)
        if tuple(value.shape) != self.shape:
            raise ShapeError(
                "The initializer gave another shape.", where=self.path, expected=self.shape, received=tuple(value.shape)
            )
        if mechanism.dtype_of(value) != self.dtype:
            with backend.eager():
                value = p.cast(value, self.dtype)
        self._keep(value, shared=False)

    def assign(self, value: TensorLike) -> Tensor:
        """Set the value.

        Raises: ShapeError if the shape differs; DtypeError if the value is complex and the variable is not.
        """
        tensor = mechanism.convert(value)
        if tuple(tensor.shape) != self.shape:
            merged = shapes.merge(tuple(tensor.shape), self.shape) if type(tensor) is KerasTensor else None
            if merged is None:
                raise ShapeError(
                    "A value of another shape was assigned to a variable.",
                    where=self.path,
                    expected=self.shape,
                    received=tuple(tensor.shape),
                )
        if symbolic.local.active:
            return tensor
        name = mechanism.dtype_of(tensor)
        if name != self.dtype:
            if name in dtypes.COMPLEX and self.dtype not in dtypes.COMPLEX:
                raise DtypeError(
                    "A complex value was assigned to a real variable.",
                    where=self.path,
                    expected=self.dtype,
                    received=name,
                )
            tensor = p.cast(tensor, self.dtype)
        if local.scope is not None:
            local.scope.write(self, tensor)
        else:
            self._set(tensor)
        return tensor

    def assign_add(self, value: TensorLike) -> Tensor:
        """Add to the value."""
        return self.assign(p.add(self._full_value(), self._operand(value)))

    def assign_sub(self, value: TensorLike) -> Tensor:
        """Subtract from the value."""
        return self.assign(p.subtract(self._full_value(), self._operand(value)))

    def _full_value(self) -> Tensor:
        previous, local.autocast = local.autocast, None
        try:
            return self.__keratin_tensor__()
        finally:
            local.autocast = previous

    def _operand(self, value: TensorLike) -> Tensor:
        return mechanism.convert(value, self.dtype)

    def numpy(self) -> np.ndarray[Any, Any]:
        """A copy of the value as a NumPy array."""
        value = local.scope.read(self) if local.scope is not None else self.held()
        return np.array(select.current().to_host(value))

    # -- what tensors and engines ask of it

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)

    def __float__(self) -> float:
        return float(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __bool__(self) -> bool:
        if self.shape:
            raise ArgumentError(
                "The truth of a variable with several values is not defined.", where=self.path, received=self.shape
            )
        return bool(self.numpy())

    def __len__(self) -> int:
        if not self.shape:
            raise ArgumentError("A scalar variable has no length.", where=self.path)
        return self.shape[0]

    def __hash__(self) -> int:
        return id(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        twin = object.__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update(self.__dict__)
        twin._value = self._fork()
        twin.borrowed = self.borrowed
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_value": self.numpy()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._value = None
        self._keep(select.current().from_host(state["_value"], self.dtype), shared=False)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}>"


install_operators(Variable)


def _from_name(name: str) -> Any:
    raise ArgumentError(
        "`Variable` takes a value or a function; initializers by name are found by `keratin.initializers.get`.",
        received=name,
    )


def _full(shape: Any, path: str) -> tuple[int, ...]:
    sizes = shapes.standardize(shape)
    if any(d is None for d in sizes):
        raise ShapeError(
            "The shape of a variable must be fully known.", where=path, expected="integers", received=sizes
        )
    return sizes  # type: ignore[return-value]


# ---- paths


class _Names(threading.local):
    path: tuple[str, ...] = ()


_names = _Names()


def name_scope_path() -> tuple[str, ...]:
    """The names of the scopes around this call."""
    return _names.path


class name_scope:
    """Variables made inside have this name in their path.

    Args: name: one part of the path.

    >>> with name_scope("block"):
    ...     Variable(1.0, name="scale").path
    'block/scale'
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        if not isinstance(name, str) or not name or "/" in name:
            raise ArgumentError("A scope's name must be a string without `/`.", received=name)
        self.name = name

    def __enter__(self) -> name_scope:
        self._previous = _names.path
        _names.path = (*self._previous, self.name)
        return self

    def __exit__(self, *error: object) -> None:
        _names.path = self._previous


class path_scope:
    """Variables made inside start their path with exactly this."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self.path = path

    def __enter__(self) -> None:
        self._previous, _names.path = _names.path, self.path

    def __exit__(self, *error: object) -> None:
        _names.path = self._previous
