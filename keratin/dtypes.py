"""Dtypes are their names; this module knows the names and how they promote.

The promotion table is the lattice of "Type promotion semantics" in JAX's documentation, which Keras shares: Python
scalars are weak (they take the dtype of the tensor that they meet), integers never widen a float.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from keratin import config
from keratin.errors import DtypeError

FLOAT8 = ("float8_e4m3fn", "float8_e5m2")
FLOAT = ("bfloat16", "float16", "float32", "float64", *FLOAT8)
HALF = ("bfloat16", "float16", *FLOAT8)
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
SIGNED = ("int8", "int16", "int32", "int64")
INTEGER = (*UNSIGNED, *SIGNED)
COMPLEX = ("complex64", "complex128")
ALLOWED = ("bool", "string", *INTEGER, *FLOAT, *COMPLEX, "int4", "uint4")

# Edges of the lattice: each dtype and the next wider ones.  "int", "float" and "complex" are Python's weak scalars.
_WIDER: dict[str, tuple[str, ...]] = {
    "bool": ("int",),
    "int": ("uint8", "int8", "int4", "uint4"),
    "int4": ("int8",),
    "uint4": ("uint8", "int8"),
    "uint8": ("int16", "uint16"),
    "uint16": ("int32", "uint32"),
    "uint32": ("int64", "uint64"),
    "uint64": ("float",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float",),
    "float": ("bfloat16", "float16", "complex", *FLOAT8),
    "float8_e4m3fn": ("bfloat16", "float16"),
    "float8_e5m2": ("bfloat16", "float16"),
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64", "complex64"),
    "float64": ("complex128",),
    "complex": ("complex64",),
    "complex64": ("complex128",),
    "complex128": (),
}
_PYTHON = {bool: "bool", int: "int", float: "float", complex: "complex", str: "string"}


@lru_cache(None)
def _reachable(name: str) -> frozenset[str]:
    found = {name}
    for wider in _WIDER[name]:
        found |= _reachable(wider)
    return frozenset(found)


@lru_cache(None)
def _join(first: str, second: str) -> str:
    common = _reachable(first) & _reachable(second)
    for name in common:
        if common <= _reachable(name):
            return name
    raise DtypeError("These dtypes have no least common one.", received=(first, second), hint="cast one of them")


@lru_cache(None)
def _promoted(names: frozenset[str], floatx: str) -> str:
    remaining = iter(sorted(names))
    result = next(remaining)
    for name in remaining:
        if result == name:
            continue
        if "string" in (result, name):
            raise DtypeError("Strings and numbers have no common dtype.", received=sorted(names))
        result = _join(result, name)
    return {"int": "int32", "float": floatx, "complex": "complex64"}.get(result, result)


def result_type(*dtypes: Any) -> str:
    """The dtype that an operation on values of these dtypes has.

    Args: dtypes: names, NumPy dtypes, or the Python types `bool`, `int`, `float`, which are weak.
    Raises: DtypeError for an unknown dtype.

    >>> result_type("int64", "float16"), result_type("int32", float), result_type("bfloat16", "float16")
    ('float16', 'float32', 'float32')
    """
    if not dtypes:
        return config.settings.floatx
    return _promoted(
        frozenset([_PYTHON[d] if type(d) is type and d in _PYTHON else standardize(d) for d in dtypes]),
        config.settings.floatx,
    )


_NAMES: dict[Any, str] = {}


def standardize(dtype: Any) -> str:
    """The name of a dtype given as a name, a NumPy or backend dtype, or a Python type; None is `floatx()`.

    Raises: DtypeError if there is no such dtype.

    >>> standardize(float), standardize("int"), standardize(None)
    ('float32', 'int32', 'float32')
    """
    if dtype is None:
        return config.settings.floatx
    try:
        name = _NAMES.get(dtype)
    except TypeError:
        name = None
    if name is not None and not isinstance(dtype, int):  # to TensorFlow's dtypes, an int equals the one of that number
        return name
    name = _name_of(dtype)
    if name not in ALLOWED:
        raise DtypeError("There is no such dtype.", expected=", ".join(ALLOWED), received=dtype)
    if not (dtype is float or (isinstance(dtype, str) and dtype == "float")):  # floatx may change
        _NAMES[dtype] = name
    return name


def _name_of(dtype: Any) -> str:
    if isinstance(dtype, np.dtype):  # before the Python types: NumPy's float64 equals `float`, its int64 `int`
        return "string" if dtype.kind in "USO" else dtype.name
    if dtype in (float, "float"):
        return config.settings.floatx
    if dtype in (int, "int"):
        return "int32"
    if dtype in (bool, "bool"):
        return "bool"
    if dtype in (str, "str"):
        return "string"
    if dtype is complex:
        return "complex64"
    if isinstance(dtype, str):
        return dtype
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None)  # NumPy, ml_dtypes and TensorFlow
    if isinstance(name, str):
        return "bool" if name == "bool_" else name
    return str(dtype).split(".")[-1]  # torch.float32


def is_float(dtype: str) -> bool:
    """Whether `dtype` names a real floating dtype."""
    return dtype in FLOAT


def is_integer(dtype: str) -> bool:
    """Whether `dtype` names an integer dtype, signed or not (bool is none)."""
    return dtype in INTEGER or dtype in ("int4", "uint4")


def is_complex(dtype: str) -> bool:
    """Whether `dtype` names a complex dtype."""
    return dtype in COMPLEX


def to_float(*names: Any) -> str:
    """The float dtype for a function that leaves the integers, such as `sin` or `mean`."""
    return result_type(*names, float)


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The NumPy dtype of that name; ml_dtypes supplies bfloat16, float8 and int4."""
    return _numpy_dtype(name)


@lru_cache(None)
def _numpy_dtype(name: str) -> np.dtype[Any]:
    if name == "string":
        return np.dtype(object)
    if name in ("bfloat16", *FLOAT8, "int4", "uint4"):
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, name))
    return np.dtype(name)


def size_in_bytes(name: str) -> float:
    """Bytes that one element takes."""
    return 0.5 if name in ("int4", "uint4") else numpy_dtype(name).itemsize


def names_of(values: Iterable[Any]) -> list[str]:
    """Names of the dtypes of some tensors."""
    return [standardize(value.dtype) for value in values]
