"""Where tensors are kept: entries of numbered arrays under the paths of objects, whatever the file format.

A reader lists what is there without reading it (`spec`), so that everything can be compared before anything is
assigned. `MemoryStore` keeps entries in dicts; `h5.py` keeps them in HDF5 files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple

import numpy as np

from keratin.ops import mechanism

Array = np.ndarray[Any, Any]


class Spec(NamedTuple):
    """Shape and dtype of a stored array."""

    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{self.shape} {self.dtype}"


class Entry(Mapping[str, Array], ABC):
    """The stored arrays of one object by name: "0", "1" and so on."""

    @abstractmethod
    def spec(self, key: str) -> Spec:
        """Shape and dtype of an array, which is not read."""


class Reader(ABC):
    """Stored entries, for reading."""

    where: str = "the weights"

    @abstractmethod
    def paths(self) -> list[str]:
        """The paths of all entries that hold arrays."""

    @abstractmethod
    def entry(self, path: str) -> Entry:
        """The entry at a path; an empty one if there is none."""


class Writer(ABC):
    """Entries to be stored."""

    @abstractmethod
    def entry(self, path: str, name: str | None) -> MutableMapping[str, Any]:
        """A new entry; what is set in it is stored as an array.

        Args:
            path: of the object.
            name: of the object, for people who read the file.
        """


class MemoryStore(Reader, Writer):
    """Entries in dicts.

    >>> store = MemoryStore()
    >>> store.entry("layers/dense", "dense")["0"] = np.zeros((2, 3), "float32")
    >>> store.paths(), str(store.entry("layers/dense").spec("0"))
    (['layers/dense'], '(2, 3) float32')
    """

    def __init__(self) -> None:
        self._entries: dict[str, _MemoryEntry] = {}

    def paths(self) -> list[str]:
        """The paths of all entries that hold arrays."""
        return [path for path, entry in self._entries.items() if entry]

    def entry(self, path: str, name: str | None = None) -> _MemoryEntry:
        """The entry at a path, made if there is none."""
        return self._entries.setdefault(path, _MemoryEntry())


class _MemoryEntry(Entry, MutableMapping[str, Any]):
    def __init__(self) -> None:
        self._arrays: dict[str, Array] = {}

    def spec(self, key: str) -> Spec:
        array = self._arrays[key]
        return Spec(array.shape, array.dtype.name)

    def __getitem__(self, key: str) -> Array:
        return self._arrays[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._arrays[key] = to_array(value)

    def __delitem__(self, key: str) -> None:
        del self._arrays[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


def to_array(value: Any) -> Array:
    """A variable, tensor or number as a contiguous NumPy array.

    Raises: TypeError for Python objects.
    """
    array = mechanism.host_values(value)
    if array.dtype.kind == "O":
        raise TypeError(f"Only numbers can be stored as weights, not {type(value).__name__}.")
    return array if array.flags.c_contiguous else np.ascontiguousarray(array).reshape(array.shape)
