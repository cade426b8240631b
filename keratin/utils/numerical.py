"""Arrays made ready for a model: classes as one-hot rows, vectors of length one, sequences of one length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keratin import config, ops
from keratin.backends import select
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, ShapeError
from keratin.ops import mechanism


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Class numbers as one-hot rows.

    Args:
        x: integers from 0 to `num_classes` - 1; NumPy arrays and lists give a NumPy array, tensors a tensor.
        num_classes: by default the largest one + 1.
    Shape: (...) or (..., 1) -> (..., num_classes), in `floatx()`.
    Raises: ArgumentError for what is no class number.

    >>> to_categorical([0, 2]).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if _is_tensor(x) and num_classes is not None:
        shape = tuple(x.shape)
        if len(shape) > 1 and shape[-1] == 1:
            x = ops.squeeze(x, axis=-1)
        return ops.one_hot(x, num_classes)
    given = mechanism.host_values(x)
    classes = _whole_numbers(given)
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes[..., 0]
    if num_classes is None:
        num_classes = int(classes.max()) + 1 if classes.size else 0
    if classes.size and not 0 <= classes.min() <= classes.max() < num_classes:
        raise ArgumentError(
            "There are classes outside of the range.",
            where="to_categorical",
            expected=f"integers from 0 to {num_classes - 1}",
            received=f"values from {classes.min()} to {classes.max()}",
        )
    rows = np.zeros((*classes.shape, num_classes), config.settings.floatx)
    np.put_along_axis(rows, classes[..., None], 1, axis=-1)
    return rows


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """`x` divided by its norms along `axis`; where the norm is 0 it stays 0.

    Args:
        x: an array or list, which gives a NumPy array, or a tensor, which gives a tensor.
        axis: the axis along which the result has norm 1.
        order: the order of the norm, 2 for the Euclidean one.
    Shape: any -> same.

    >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    if _is_tensor(x):
        return ops.normalize(x, axis=axis, order=order)
    x = np.asarray(x)
    norms = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(norms == 0, 1, norms)


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray[Any, Any]:
    """Sequences of different lengths as one array.

    Args:
        sequences: lists or arrays, whose items may have a shape of their own.
        maxlen: the length of the result; by default that of the longest.
        dtype: of the result; `object` or "str" for strings.
        padding: where `value` is added, "pre" or "post".
        truncating: where longer ones are cut, "pre" or "post".
        value: what is added.
    Shape: n sequences of items -> (n, maxlen, *item).
    Raises: ArgumentError, and ShapeError for items of different shapes.

    >>> pad_sequences([[1], [2, 3, 4]], maxlen=2).tolist()
    [[0, 1], [3, 4]]
    """
    for name, choice in (("padding", padding), ("truncating", truncating)):
        if choice not in ("pre", "post"):
            raise ArgumentError(
                f"`{name}` cannot be used.", where="pad_sequences", expected="'pre' or 'post'", received=choice
            )
    dtype = np.dtype(object if dtype in (str, "str") else dtype)
    if isinstance(value, str) and dtype.kind not in "OUST":
        raise ArgumentError(
            "A string cannot pad numbers.", where="pad_sequences", expected="dtype=object", received=f"dtype={dtype}"
        )
    arrays = [_sequence(sequence, index, dtype) for index, sequence in enumerate(sequences)]
    item = next((array.shape[1:] for array in arrays if len(array)), ())
    length = max(map(len, arrays), default=0) if maxlen is None else maxlen
    padded = np.full((len(arrays), length, *item), value, dtype)
    for index, array in enumerate(arrays):
        if len(array) and array.shape[1:] != item:
            raise ShapeError(
                "The items of the sequences have different shapes.",
                where=f"pad_sequences: sequence {index}",
                expected=item,
                received=array.shape[1:],
            )
        size = min(len(array), length)
        if size:
            kept = array[len(array) - size :] if truncating == "pre" else array[:size]
            padded[index, slice(length - size, length) if padding == "pre" else slice(size)] = kept
    return padded


# ---- helpers


def _is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor and no NumPy array; a tensor cannot exist before its backend was chosen."""
    if isinstance(x, np.ndarray):
        return False
    return isinstance(x, KerasTensor) or (select.is_chosen() and select.current().is_tensor(x))


def _whole_numbers(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if values.size == 0 or values.dtype.kind in "biu":
        return values.astype(np.int64)
    if values.dtype.kind != "f" or not (np.rint(values) == values).all():
        raise ArgumentError(
            "Classes must be whole numbers.",
            where="to_categorical",
            expected="integers from 0 on",
            received=f"dtype {values.dtype}",
            hint="`keratin.layers.StringLookup` numbers strings" if values.dtype.kind in "OUST" else None,
        )
    return values.astype(np.int64)


def _sequence(sequence: Any, index: int, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    if isinstance(sequence, str | bytes) or not hasattr(sequence, "__len__"):
        raise ArgumentError(
            "Each sequence must be a list or an array.",
            where=f"pad_sequences: sequence {index}",
            expected="a list of lists",
            received=sequence,
        )
    return np.asarray(mechanism.host_values(sequence) if _is_tensor(sequence) else sequence, dtype)
