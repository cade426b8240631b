"""Arrays of all makers behind one interface: rows can be counted, taken and cut, and come out as NumPy arrays.

Nothing here imports the library that made an array; each kind is known by what it can do (`to_numpy`, `tocsr`,
`__array__`, `chunks`). A column never writes what the user gave and copies it only where the dtype must change.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from keratin import config, dtypes
from keratin.errors import DataError, DtypeError

Rows = slice | np.ndarray[Any, Any]


class Column:
    """One array of the training data.

    Args:
        raw: what the user gave, already something that NumPy can index by rows.
        name: how messages call it.
        dtype: of the rows that come out.
    """

    __slots__ = ("dtype", "name", "raw", "shape")

    def __init__(self, raw: Any, name: str, dtype: np.dtype[Any]) -> None:
        self.raw, self.name, self.dtype = raw, name, dtype
        self.shape: tuple[int, ...] = tuple(int(size) for size in raw.shape)
        if not self.shape:
            raise DataError(
                f"`{name}` is a single number, without rows.",
                where=name,
                expected="an array with one row per sample",
                received=raw,
                hint="a list of separate numbers is one array: use `numpy.stack` or `numpy.asarray`",
            )

    @property
    def nbytes(self) -> int:
        """Bytes of all rows once they are dense and of their final dtype."""
        return math.prod(self.shape) * self.dtype.itemsize

    def take(self, rows: Rows) -> np.ndarray[Any, Any]:
        """New memory with these rows."""
        taken = self._taken(rows)
        if taken.dtype != self.dtype:
            return taken.astype(self.dtype)
        return taken.copy() if np.may_share_memory(taken, self.raw) else taken

    def whole(self) -> np.ndarray[Any, Any]:
        """All rows; the user's own memory where it has the right dtype, so never to be written."""
        if self.raw.dtype != self.dtype:
            self.raw = self.raw.astype(self.dtype)
        return self.raw

    def part(self, start: int, stop: int) -> Column:
        """The rows from `start` to `stop`, without a copy."""
        return type(self)(self.raw[start:stop], self.name, self.dtype)

    def _taken(self, rows: Rows) -> np.ndarray[Any, Any]:
        return self.raw[rows] if isinstance(rows, slice) else self.raw.take(rows, axis=0)


class SparseColumn(Column):
    """A scipy.sparse matrix, dense only batch by batch."""

    __slots__ = ()

    def take(self, rows: Rows) -> np.ndarray[Any, Any]:
        return self.raw[rows].toarray().astype(self.dtype, copy=False)

    def whole(self) -> np.ndarray[Any, Any]:
        return self.raw.toarray().astype(self.dtype, copy=False)


class StoredColumn(Column):
    """An array outside of memory (HDF5, Zarr, Dask), read batch by batch and in ascending order."""

    __slots__ = ("span",)

    def __init__(self, raw: Any, name: str, dtype: np.dtype[Any], span: range | None = None) -> None:
        super().__init__(raw, name, dtype)
        self.span = range(self.shape[0]) if span is None else span
        self.shape = (len(self.span), *self.shape[1:])

    def take(self, rows: Rows) -> np.ndarray[Any, Any]:
        if isinstance(rows, slice):
            start, stop, step = rows.indices(self.shape[0])
            found = np.asarray(self.raw[start + self.span.start : stop + self.span.start : step])
        else:
            wanted, back = np.unique(rows, return_inverse=True)  # HDF5 takes ascending indices only
            found = np.asarray(self.raw[wanted + self.span.start])[back]
        return found.astype(self.dtype, copy=False)

    def whole(self) -> np.ndarray[Any, Any]:
        return self.take(slice(None))

    def part(self, start: int, stop: int) -> Column:
        return StoredColumn(self.raw, self.name, self.dtype, self.span[start:stop])


def is_array_like(value: Any) -> bool:
    """Whether `value` is one array, of whatever library.

    >>> is_array_like(np.zeros(3)), is_array_like(range(3)), is_array_like("text")
    (True, False, False)
    """
    if isinstance(value, type):
        return False
    return isinstance(value, np.ndarray) or any(hasattr(value, name) for name in _SIGNS) or _is_stored(value)


def reading_ahead(data: Any) -> Any:
    """A data set that can make batches while others are used (one of tf.data) doing so, as far ahead as pays."""
    if hasattr(data, "element_spec") and callable(getattr(data, "prefetch", None)):
        return data.prefetch(-1)  # tf.data.AUTOTUNE
    return data


def column(value: Any, name: str) -> Column:
    """`value` as a column.

    Raises: DataError for what cannot be an array of numbers or strings.
    """
    if isinstance(value, np.ndarray):
        return _dense(value, name)
    if hasattr(value, "tocsr"):
        matrix = value.tocsr()
        return SparseColumn(matrix, name, target_dtype(matrix.dtype, name))
    if hasattr(value, "to_numpy"):
        return _dense(_from_frame(value, name), name)
    if _is_stored(value):
        return StoredColumn(value, name, target_dtype(np.dtype(value.dtype), name))
    return _dense(to_numpy(value, name), name)


def to_numpy(value: Any, name: str) -> np.ndarray[Any, Any]:
    """A tensor of any library as an array, without a copy where that is possible."""
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "detach"):  # PyTorch: away from the graph and from its device
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            value = value.float()
    if hasattr(value, "row_splits"):
        raise DataError(
            "Ragged tensors cannot be batched.", where=name, received=type(value).__name__, hint="call `.to_tensor()`"
        )
    if not hasattr(value, "__array__"):
        if hasattr(value, "todense"):
            return np.asarray(value.todense())
        if hasattr(value, "__dataframe__"):
            return _from_interchange(value, name)
    array = np.asarray(value)
    if array.dtype.kind == "O" and array.ndim == 0:
        raise DataError(
            f"`{name}` is not an array.", where=name, expected="arrays, lists of numbers, or tensors", received=value
        )
    return array


def target_dtype(dtype: np.dtype[Any], name: str) -> np.dtype[Any]:
    """The dtype in which rows of `dtype` reach the model: floats become `floatx()`, integers and bools stay.

    >>> str(target_dtype(np.dtype("float64"), "x")), str(target_dtype(np.dtype("uint8"), "x"))
    ('float32', 'uint8')
    """
    kind = dtype.kind
    if kind in "biuc":
        return dtype.newbyteorder("=")
    if kind in "UST" or (kind == "O"):
        return np.dtype(object)
    try:
        if kind == "f" or dtypes.is_float(dtypes.standardize(dtype)):
            return dtypes.numpy_dtype(config.settings.floatx)
        if kind == "V" and dtype.names is None:  # int4 and its like, from ml_dtypes
            return dtypes.numpy_dtype(dtypes.standardize(dtype))
    except DtypeError:
        pass
    raise DataError(
        f"`{name}` has a dtype that a model cannot take.",
        where=name,
        expected="numbers, bools or strings",
        received=str(dtype),
        hint="turn times into numbers, such as `(t - t[0]) / numpy.timedelta64(1, 's')`"
        if kind in "mM"
        else "pass the fields of a structured array as a dict of arrays",
    )


def from_lists(value: Any, name: str) -> Any:
    """The nest in which lists of plain numbers or strings have become arrays, and mappings dicts.

    Lists that hold arrays stay lists: they are several inputs.

    >>> from_lists([[1, 2], [3, 4]], "x").shape
    (2, 2)
    """
    if isinstance(value, Mapping):
        return {key: from_lists(item, f"{name}[{key!r}]") for key, item in value.items()}
    if isinstance(value, list | tuple):
        kinds = _kinds(value)
        if kinds <= {"number", "string", "none"} and kinds != {"none"}:
            return _array_of_lists(value, kinds, name)
        items = [from_lists(item, f"{name}[{index}]") for index, item in enumerate(value)]
        return rebuilt(value, items)
    return value


def rebuilt(container: Any, items: Iterable[Any]) -> Any:
    """A list, tuple or named tuple of the type of `container` with other items."""
    kind = type(container)
    return kind(*items) if hasattr(container, "_fields") else kind(items)


# ---- helpers

_SIGNS = ("__array__", "__array_interface__", "to_numpy", "tocsr", "todense", "__dataframe__")


def _is_stored(value: Any) -> bool:
    return hasattr(value, "chunks") and hasattr(value, "shape") and hasattr(value, "dtype")


def _dense(array: np.ndarray[Any, Any], name: str) -> Column:
    if np.ma.is_masked(array):
        raise DataError(
            f"`{name}` has masked elements, which a model cannot see.",
            where=name,
            received="a masked array",
            hint="fill them with `.filled(value)` and pass the mask as another input, or as sample weights",
        )
    array = np.asarray(array)
    target = target_dtype(array.dtype, name)
    if array.dtype.kind == "O":
        _check_objects(array, name)
    elif target.kind == "O":
        array = array.astype(object)
    return Column(array, name, target)


def _check_objects(array: np.ndarray[Any, Any], name: str) -> None:
    for item in array.flat:
        if isinstance(item, str | bytes):
            continue
        if item is None or _is_number(item):
            hint = "make it numbers with `.astype('float32')`, after filling what is missing"
        elif hasattr(item, "__len__"):
            hint = "rows of different lengths can be padded with `keratin.utils.pad_sequences`"
        else:
            hint = "make it numbers or strings before"
        raise DataError(
            f"`{name}` holds Python objects.",
            where=name,
            expected="an array of numbers, bools or strings",
            received=f"dtype object with an element of type {type(item).__name__}",
            hint=hint,
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float | complex | np.generic)


def _kinds(items: Iterable[Any]) -> set[str]:
    """Which of number, string, none and other occur in nested lists; empty lists count as numbers."""
    kinds: set[str] = set()
    for item in items:
        if isinstance(item, list | tuple):
            kinds |= _kinds(item)
        elif item is None:
            kinds.add("none")
        elif isinstance(item, str | bytes):
            kinds.add("string")
        elif isinstance(item, bool | int | float | complex | np.generic):
            kinds.add("number")
        else:
            kinds.add("other")
        if "other" in kinds:
            break
    return kinds


def _array_of_lists(value: Any, kinds: set[str], name: str) -> np.ndarray[Any, Any]:
    if len(kinds) > 1:
        raise DataError(
            f"`{name}` mixes what cannot stand in one array.",
            where=name,
            expected="numbers only, or strings only",
            received=" and ".join(sorted(kinds)),
            hint="fill what is missing, and pass strings as an input of their own",
        )
    try:
        return np.array(value, dtype=object if kinds == {"string"} else None)
    except ValueError as error:
        raise DataError(
            f"`{name}` has rows of different lengths.",
            where=name,
            expected="lists of one length on each level",
            received=str(error),
            hint="pad them with `keratin.utils.pad_sequences`",
        ) from None


def _from_frame(frame: Any, name: str) -> np.ndarray[Any, Any]:
    """A data frame as rows by columns, a series as rows by 1, as Keras reads them."""
    array = np.asarray(frame.to_numpy())
    if array.ndim == 1 and hasattr(frame, "to_frame"):
        array = array[:, None]
    if array.dtype.kind != "O" or array.ndim != 2:
        return array
    return _numbers_of_columns(array, list(getattr(frame, "columns", [getattr(frame, "name", None)])), name)


def _numbers_of_columns(array: np.ndarray[Any, Any], columns: list[Any], name: str) -> np.ndarray[Any, Any]:
    """Columns of different number dtypes come as objects; this brings them to one dtype."""
    odd = [c for c, part in zip(columns, array.T, strict=True) if not all(_is_number(item) for item in part)]
    if not odd:
        return np.stack([np.array(part.tolist()) for part in array.T], axis=1)
    if len(odd) == len(columns):
        return array  # strings, or else refused like every array of objects
    raise DataError(
        f"Some columns of `{name}` are not numbers.",
        where=name,
        expected="columns of numbers or bools, without missing values",
        received=f"columns {', '.join(map(repr, odd[:10]))}",
        hint="encode or fill them, or pass each column as an input of its own: "
        "`{name: frame[[name]] for name in frame.columns}`",
    )


_INTERCHANGE = {0: "i", 1: "u", 2: "f"}  # kinds of the data frame interchange protocol


def _from_interchange(value: Any, name: str) -> np.ndarray[Any, Any]:
    """Rows by columns, read through https://data-apis.org/dataframe-protocol."""
    frame = value.__dataframe__()
    parts = []
    for column_name in frame.column_names():
        pieces = []
        for chunk in frame.get_column_by_name(column_name).get_chunks():
            kind, bits, _, _ = chunk.dtype
            if kind not in _INTERCHANGE or chunk.null_count:
                raise DataError(
                    f"A column of `{name}` is not numbers.",
                    where=name,
                    expected="columns of numbers, without missing values",
                    received=f"column {column_name!r} with {chunk.null_count or 'no'} missing values",
                    hint="fill and encode it, or convert the frame with its own `to_numpy` or `to_pandas`",
                )
            buffer, _ = chunk.get_buffers()["data"]
            memory = (ctypes.c_byte * buffer.bufsize).from_address(buffer.ptr)
            whole = np.frombuffer(memory, dtype=f"{_INTERCHANGE[kind]}{bits // 8}")
            pieces.append(whole[chunk.offset : chunk.offset + chunk.size()].copy())
        parts.append(np.concatenate(pieces))
    return np.stack(parts, axis=1)
