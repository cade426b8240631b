"""Weights in HDF5 files: arrays `0`, `1`, … in a group `<path>/vars` for each object, as Keras lays them out.

Reading follows hard links only, and looks at the declared shape, dtype and layout of an array before it allocates
anything. Dtypes that HDF5 does not know (bfloat16, float8) are opaque bytes with their name in an attribute `dtype`.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator, MutableMapping
from typing import Any, Self

import h5py
import ml_dtypes
import numpy as np

from keratin.errors import FileFormatError
from keratin.saving.archive import HARMLESS, MAX_EXPANSION
from keratin.saving.store import Array, Entry, Reader, Spec, Writer, to_array

VARS = "vars"
_h5: Any = h5py  # its low-level modules have no types
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FILTERS = (_h5.h5z.FILTER_DEFLATE, _h5.h5z.FILTER_SHUFFLE, _h5.h5z.FILTER_FLETCHER32)
_ML_DTYPES = {
    name: np.dtype(getattr(ml_dtypes, name))
    for name in (
        "bfloat16",
        "float8_e4m3fn",
        "float8_e5m2",
        "float8_e4m3fnuz",
        "float8_e5m2fnuz",
        "float8_e4m3b11fnuz",
        "int4",
        "uint4",
    )
}


class H5Writer(Writer):
    """Write entries to a new HDF5 file.  Use it in a `with` statement.

    Args: target: a path, or a binary stream that can seek.
    """

    def __init__(self, target: str | os.PathLike[str] | io.IOBase) -> None:
        self._file = h5py.File(target, "w")

    def entry(self, path: str, name: str | None) -> MutableMapping[str, Any]:
        """A new entry.  An object with a name gets its group even if nothing is set, as Keras has it."""
        group = self._file.create_group(f"{path}/{VARS}" if path else VARS)
        if name is not None:
            group.attrs["name"] = name
        return _H5WriteEntry(group)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


class _H5WriteEntry(MutableMapping[str, Any]):
    def __init__(self, group: Any) -> None:
        self._group = group

    def __setitem__(self, key: str, value: Any) -> None:
        array = to_array(value)
        name = array.dtype.name
        if name in _ML_DTYPES:
            raw = array.view(np.dtype((np.void, array.dtype.itemsize)))
            self._group.create_dataset(key, data=raw).attrs["dtype"] = name
        else:
            self._group.create_dataset(key, data=array)

    def __getitem__(self, key: str) -> Array:
        return self._group[key][()]

    def __delitem__(self, key: str) -> None:
        del self._group[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._group)

    def __len__(self) -> int:
        return len(self._group)


class H5File:
    """An HDF5 file, opened for safe reading: which arrays it has, and each of them on demand.

    Args:
        source: a path, or the bytes of the file.
        where: what to call it in errors.

    Raises: FileFormatError if it is not HDF5, is damaged, or contains links.
    """

    def __init__(self, source: str | os.PathLike[str] | bytes, where: str | None = None) -> None:
        if isinstance(source, bytes):
            self.where = where or "the weights"
            stream: Any = io.BytesIO(source)
            self.size = len(source)
            start = source[:8]
        else:
            self.where = where or os.fspath(source)
            stream = os.fspath(source)
            self.size = os.path.getsize(source)
            with open(source, "rb") as file:
                start = file.read(8)
        if start != _SIGNATURE:
            raise FileFormatError(
                "The file is not HDF5.",
                where=self.where,
                expected="weights in HDF5",
                received=f"{self.size} bytes that start with {start!r}",
            )
        self._file: Any = None
        self._opened: dict[str, H5Array] = {}
        try:
            self._file = h5py.File(stream, "r")
            self._id: Any = self._file.id
            self.names = self._listed()
            self._known = frozenset(self.names)
        except FileFormatError:
            self.close()
            raise
        except Exception as error:  # h5py raises OSError, KeyError, RuntimeError and more on damaged bytes
            self.close()
            raise self.damaged(error) from error

    def _listed(self) -> list[str]:
        """Every name in the file.  HDF5's visit goes through hard links only, and to each object once."""
        found: list[tuple[str, int]] = []

        def visit(name: bytes, info: Any) -> None:
            found.append((name.decode(), info.type))

        self._id.links.visit(visit, info=True)
        for name, kind in found:
            if kind != _h5.h5l.TYPE_HARD:
                raise FileFormatError(
                    "The weights contain a link, which Keratin does not follow.", where=self.where, received=name
                )
        return [name for name, _ in found]

    def dataset(self, name: str) -> H5Array:
        """The array called `name`; checked, not read."""
        if name not in self._known:
            raise FileFormatError("The weights lack an array that they list.", where=self.where, expected=name)
        if name in self._opened:
            return self._opened[name]
        try:
            found = self._opened[name] = H5Array(self, name, _h5.h5d.open(self._id, name.encode()))
            return found
        except FileFormatError:
            raise
        except Exception as error:
            raise self.damaged(error, name) from error

    def attributes(self, name: str) -> dict[str, Any]:
        """The attributes of a group that are strings or arrays of strings; `name` is "/" or one of `names`."""
        try:
            return {key: self._attribute(self._file[name].attrs, key) for key in self._file[name].attrs}
        except FileFormatError:
            raise
        except Exception as error:
            raise self.damaged(error, name) from error

    def _attribute(self, attributes: Any, key: str) -> Any:
        identifier = attributes.get_id(key)
        if math.prod(identifier.shape) * identifier.dtype.itemsize > self.size:
            raise self.refused(key, "states a size that the file cannot hold", f"{identifier.shape}")
        value = attributes[key]
        if isinstance(value, np.ndarray):
            return [v.decode() if isinstance(v, bytes) else str(v) for v in value.ravel().tolist()]
        return value.decode() if isinstance(value, bytes) else str(value)

    def damaged(self, error: Exception, name: str = "") -> FileFormatError:
        """The error for a file that HDF5 cannot read."""
        where = f"{self.where}: {name}" if name else self.where
        return FileFormatError("The weights are damaged: HDF5 cannot read them.", where=where, received=str(error))

    def refused(self, name: str, why: str, received: Any, expected: Any = None) -> FileFormatError:
        """The error for an array that is not plain data."""
        return FileFormatError(
            f"An array of the weights {why}.", where=f"{self.where}: {name}", expected=expected, received=received
        )

    def close(self) -> None:
        """Close the file."""
        self._opened.clear()
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class H5Array:
    """One array of a file: its `spec`, and `read()`.

    Raises: FileFormatError if it is anything but numbers inside the file, of a size that the file can hold.
    """

    def __init__(self, file: H5File, name: str, identifier: Any) -> None:
        self._file, self._name, self._id = file, name, identifier
        self.dtype = self._checked_dtype()
        space = identifier.get_space()
        if space.get_simple_extent_type() not in (_h5.h5s.SIMPLE, _h5.h5s.SCALAR):
            raise file.refused(name, "has no shape", "an empty dataspace")
        self.shape: tuple[int, ...] = tuple(space.get_simple_extent_dims())
        self._check_layout(math.prod(self.shape) * self.dtype.itemsize)

    @property
    def spec(self) -> Spec:
        """Shape and dtype."""
        return Spec(self.shape, self.dtype.name)

    def read(self) -> Array:
        """The values, in native byte order."""
        try:
            array: Array = h5py.Dataset(self._id)[()]
        except Exception as error:
            raise self._file.damaged(error, self._name) from error
        array = np.asarray(array)
        if self.dtype.name in _ML_DTYPES:
            return array.view(self.dtype)
        return array.astype(self.dtype, copy=False)

    def _checked_dtype(self) -> np.dtype[Any]:
        dtype = self._id.dtype
        if dtype.kind == "V" and dtype.fields is None and dtype.subdtype is None:
            return self._opaque_dtype(dtype)
        if dtype.kind not in "biufc" or dtype.itemsize > 16:
            raise self._file.refused(
                self._name, "does not hold numbers", str(dtype), "a float, integer, boolean or complex dtype"
            )
        return dtype.newbyteorder("=")

    def _opaque_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        name = None
        if _h5.h5a.exists(self._id, b"dtype"):
            attribute = _h5.h5a.open(self._id, b"dtype")
            if attribute.shape == () and attribute.get_type().get_class() == _h5.h5t.STRING:
                value = h5py.Dataset(self._id).attrs["dtype"]
                name = value.decode() if isinstance(value, bytes) else str(value)
        if name is None and dtype.itemsize in (1, 2):
            return np.dtype((np.void, dtype.itemsize))  # Keras writes float8 without its name
        found = _ML_DTYPES.get(name or "")
        if found is None or found.itemsize != dtype.itemsize:
            raise self._file.refused(
                self._name, "does not hold numbers", name or str(dtype), f"one of {', '.join(_ML_DTYPES)}"
            )
        return found

    def _check_layout(self, size: int) -> None:
        file, name = self._file, self._name
        plist = self._id.get_create_plist()
        layout = plist.get_layout()
        if layout == _h5.h5d.VIRTUAL:
            raise file.refused(name, "is virtual: its values are in other files", "a virtual dataset")
        if plist.get_external_count() > 0:
            raise file.refused(name, "keeps its values in other files", "external storage")
        filters = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
        if any(f not in _FILTERS for f in filters):
            raise file.refused(
                name, "is compressed in a way that Keratin does not read", filters, "deflate, shuffle or fletcher32"
            )
        stored = self._id.get_storage_size()
        if stored > file.size:
            raise self._too_large(stored)
        if layout == _h5.h5d.CHUNKED:
            chunk = math.prod(plist.get_chunk()) * self.dtype.itemsize
            if max(size, chunk) > max(HARMLESS, MAX_EXPANSION * stored):
                raise self._too_large(max(size, chunk))
        elif size != stored or (self._id.get_offset() or 0) + size > file.size:
            raise self._too_large(size)

    def _too_large(self, size: int) -> FileFormatError:
        return self._file.refused(
            self._name,
            "states a size that the file cannot hold",
            f"{self.shape} {self.dtype.name}, {size:,} bytes",
            f"what {self._file.size:,} bytes can hold",
        )


class H5Reader(Reader):
    """Entries of an HDF5 file.  Use it in a `with` statement.

    Args:
        source: a path, the bytes of the file, or a file that is open already.
        where: what to call it in errors.
    """

    def __init__(self, source: H5File | str | os.PathLike[str] | bytes, where: str | None = None) -> None:
        self._file = source if isinstance(source, H5File) else H5File(source, where)
        self.where = self._file.where
        self._keys: dict[str, list[str]] = {}
        groups = {name.rpartition("/")[0] for name in self._file.names}
        for name in self._file.names:
            parts = name.split("/")
            if VARS in parts[:-1] and name not in groups and parts[-1] != VARS:
                last = len(parts) - 1 - parts[-2::-1].index(VARS) - 1
                self._keys.setdefault("/".join(parts[:last]), []).append("/".join(parts[last + 1 :]))

    def paths(self) -> list[str]:
        """The paths of all entries that hold arrays."""
        return [path for path, keys in self._keys.items() if keys]

    def entry(self, path: str) -> Entry:
        """The entry at a path; an empty one if there is none."""
        return _H5Entry(self._file, f"{path}/{VARS}" if path else VARS, self._keys.get(path, []))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _H5Entry(Entry):
    def __init__(self, file: H5File, group: str, keys: list[str]) -> None:
        self._file, self._group = file, group
        self._keys = dict.fromkeys(sorted(keys, key=lambda k: (len(k), k) if k.isdigit() else (10**9, k)))

    def _array(self, key: str) -> H5Array:
        if key not in self._keys:
            raise KeyError(key)
        return self._file.dataset(f"{self._group}/{key}")

    def spec(self, key: str) -> Spec:
        return self._array(key).spec

    def __getitem__(self, key: str) -> Array:
        return self._array(key).read()

    def __contains__(self, key: object) -> bool:  # the inherited one reads the array
        return key in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
