"""`PyDataset`: batches computed by the user's own class, by their number."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import count
from typing import Any

from keratin.errors import ArgumentError, StateError


class PyDataset:
    """A data set whose batches are computed by number, in several threads if wanted.

    A subclass defines `__getitem__(index)`, which returns one batch as `(x, y)`, `(x, y, sample_weight)`, `(x,)` or
    `x`, and `__len__`, the number of batches (or the property `num_batches`, which may be None for a data set without
    end). `on_epoch_begin` and `on_epoch_end` may be defined too.

    Args:
        workers: threads that compute batches ahead; with 0 or 1 the training loop computes them itself.
        use_multiprocessing: must be False; NumPy, image decoding and file reading release the interpreter's lock, so
            threads run in parallel there.
        max_queue_size: how many batches may wait at most.
    Raises: ArgumentError.

    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         return [index], [index**2]
    >>> list(Squares(workers=2))
    [([0], [0]), ([1], [1]), ([2], [4])]
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    def __getitem__(self, index: int) -> Any:
        """The batch of this number."""
        raise StateError(
            "A `PyDataset` needs a `__getitem__` method.",
            where=type(self).__name__,
            hint="define `__getitem__(self, index)` to return batch `index` as `(x, y)`",
        )

    def __iter__(self) -> Iterator[Any]:
        total = self.num_batches
        for index in count() if total is None else range(total):
            yield self[index]

    @property
    def workers(self) -> int:
        """How many threads compute batches."""
        return self._setting("workers", 1)

    @workers.setter
    def workers(self, value: int) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ArgumentError("`workers` must be a number of threads.", expected="an int from 0 on", received=value)
        self.__dict__["_workers"] = value

    @property
    def use_multiprocessing(self) -> bool:
        """Always False."""
        return self._setting("use_multiprocessing", False)

    @use_multiprocessing.setter
    def use_multiprocessing(self, value: bool) -> None:
        if value:
            raise ArgumentError(
                "Worker processes are not supported.",
                where=f"{type(self).__name__}(use_multiprocessing=True)",
                expected="use_multiprocessing=False",
                received=value,
                hint="use threads: `workers=4, use_multiprocessing=False`",
            )
        self.__dict__["_use_multiprocessing"] = False

    @property
    def max_queue_size(self) -> int:
        """How many batches may wait at most."""
        return self._setting("max_queue_size", 10)

    @max_queue_size.setter
    def max_queue_size(self, value: int) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ArgumentError("`max_queue_size` must be a positive int.", expected="an int from 1 on", received=value)
        self.__dict__["_max_queue_size"] = value

    @property
    def num_batches(self) -> int | None:
        """Batches in an epoch, or None if there is no end."""
        length = getattr(self, "__len__", None)
        if length is None:
            raise StateError(
                "A `PyDataset` needs a length.",
                where=type(self).__name__,
                hint="define `__len__`, or the property `num_batches`, which returns None for a data set without end",
            )
        return int(length())

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""

    def _setting(self, name: str, default: Any) -> Any:
        if f"_{name}" not in self.__dict__:
            warnings.warn(
                f"{type(self).__name__} does not call `super().__init__(**kwargs)`, so `{name}` is {default}.",
                stacklevel=3,
            )
            self.__dict__[f"_{name}"] = default
        return self.__dict__[f"_{name}"]
