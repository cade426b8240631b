"""What Keras offers as `keras.backend`: which backend runs, and settings under their older names."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from keratin import dtypes, registry
from keratin.backends import select
from keratin.backends.symbolic import KerasTensor
from keratin.config import epsilon, floatx, image_data_format, set_epsilon, set_floatx, set_image_data_format

__all__ = [
    "backend", "clear_session", "device", "epsilon", "floatx", "get_uid", "image_data_format",
    "is_float_dtype", "is_int_dtype", "is_keras_tensor", "result_type", "set_epsilon", "set_floatx",
    "set_image_data_format", "standardize_dtype", "version",
]  # fmt: skip

standardize_dtype = dtypes.standardize
result_type = dtypes.result_type


def backend() -> str:
    """The name of the backend.

    >>> backend() in ("jax", "numpy", "torch", "tensorflow")
    True
    """
    return select.backend_name()


def version() -> str:
    """The version of Keratin."""
    from keratin import __version__

    return __version__


def device(device_name: str) -> AbstractContextManager[Any]:
    """Put what is made inside on a device, such as "cpu:0" or "gpu:1".  Raises: BackendError if there is none."""
    return select.current().device(device_name)


def is_float_dtype(dtype: Any) -> bool:
    """Whether a dtype is a real floating one.

    >>> is_float_dtype("bfloat16")
    True
    """
    return dtypes.is_float(dtypes.standardize(dtype))


def is_int_dtype(dtype: Any) -> bool:
    """Whether a dtype is an integer one.

    >>> is_int_dtype("float32")
    False
    """
    return dtypes.is_integer(dtypes.standardize(dtype))


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a symbolic tensor.

    >>> is_keras_tensor(1.0)
    False
    """
    return type(x) is KerasTensor


def get_uid(prefix: str = "") -> int:
    """The next number of default names that start with `prefix`, from 1.

    >>> get_uid("doc_uid"), get_uid("doc_uid")
    (1, 2)
    """
    registry._counts[prefix] += 1
    return registry._counts[prefix]


def clear_session(free_memory: bool = True) -> None:
    """Start the numbering of default names again.  Programs are freed with their models; nothing else is global."""
    registry.reset_names()
