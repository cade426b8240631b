"""What `fit`, `evaluate` and `predict` read: arrays by row numbers, or streams batch by batch.  NumPy only.

Both kinds give batches as flat lists of arrays; `structure` puts a list back into the nest (x, y, sample_weight),
where None stands for an absent part. What a source yields depends on nothing but its data, the seed and the epoch.
"""

from __future__ import annotations

import itertools
import math
import threading
import warnings
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

import numpy as np
import optree

from keratin import tree
from keratin.data.adapters import Column, Rows, column, from_lists, is_array_like, reading_ahead
from keratin.data.packing import PARTS, label, unpack_x_y_sample_weight
from keratin.data.prefetch import Prefetcher
from keratin.data.sequences import PyDataset
from keratin.data.weights import match_sample_weight, sample_weights_of_classes
from keratin.errors import DataError

DEFAULT_BATCH_SIZE = 32
Batch = list[np.ndarray[Any, Any]]


def as_source(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    shuffle: bool | str = False,
    class_weight: Any = None,
    steps: int | None = None,
    where: str = "fit",
) -> ArraySource | StreamSource:
    """The source that reads these arguments of `fit`, `evaluate` or `predict`.

    Args:
        x: arrays (NumPy, pandas, scipy.sparse, HDF5, tensors, lists of numbers) or nests of them; or batches: a
            `PyDataset`, a generator, or an iterable such as a DataLoader, a tf.data or a Grain data set.
        y: targets, only with arrays.
        sample_weight: weights of the rows, only with arrays; one array counts for all outputs.
        batch_size: only with arrays; by default rows / steps if `steps` is given, else 32.
        shuffle: whether to shuffle rows (of a `PyDataset`: batches); "batch" keeps the rows of a batch together.
        class_weight: a dict from class to weight, or a dict of them by output.
        steps: batches per epoch; None for as many as there are.
        where: the method that messages name.
    Raises: DataError for data that cannot be used.

    >>> source = as_source(np.zeros((5, 2)), np.arange(5), batch_size=2)
    >>> source.rows, source.steps, [array.shape for array in source.batch(slice(4, 5))]
    (5, 3, [(1, 2), (1,)])
    """
    if isinstance(x, ArraySource | StreamSource):
        return x
    if x is None:
        raise DataError("There is no data.", where=where, expected="arrays, or a data set", received=None)
    _check_steps(steps, where)
    x = from_lists(x, "x")
    if _all_arrays(x):
        y, sample_weight = from_lists(y, "y"), from_lists(sample_weight, "sample_weight")
        if class_weight is not None:
            if sample_weight is not None:
                raise DataError(
                    "`class_weight` and `sample_weight` cannot be combined.",
                    where=where,
                    hint="multiply the sample weights with those of the classes and pass the product",
                )
            sample_weight = sample_weights_of_classes(y, class_weight)
        return ArraySource(
            (x, y, match_sample_weight(y, sample_weight)),
            batch_size=batch_size,
            shuffle=shuffle,
            steps=steps,
            where=where,
        )
    _check_stream(x, y=y, sample_weight=sample_weight, batch_size=batch_size, where=where)
    return StreamSource(x, shuffle=bool(shuffle), class_weight=class_weight, steps=steps, where=where)


class ArraySource:
    """Training data in arrays of equal length.

    Args:
        data: the nest (x, y, sample_weight).
        batch_size, shuffle, steps, where: as in `as_source`.
    Raises: DataError for arrays of different or no length, and for a batch size that is no positive int.

    Attributes: `structure`, `columns` (name, shape and dtype of each array), `rows`, `batch_size`, `steps` (batches in
    an epoch), `last_size` (rows in the last one), `shuffle`, `where`.
    """

    def __init__(
        self,
        data: Any,
        *,
        batch_size: int | None = None,
        shuffle: bool | str = False,
        steps: int | None = None,
        where: str = "fit",
    ) -> None:
        names, leaves, self.structure = _named_leaves(data)
        self.columns: list[Column] = [column(leaf, name) for leaf, name in zip(leaves, names, strict=True)]
        self.where = where
        self.rows = self._common_length()
        self.batch_size = _checked_batch_size(batch_size, self.rows, steps, where)
        self.steps = math.ceil(self.rows / self.batch_size)
        self.last_size = self.rows - (self.steps - 1) * self.batch_size
        self.shuffle = shuffle

    @property
    def arrays(self) -> Batch:
        """All rows, flat: the user's own memory where the dtype is right, so never to be written."""
        return [item.whole() for item in self.columns]

    @property
    def nbytes(self) -> int:
        """Bytes that `arrays` take."""
        return sum(item.nbytes for item in self.columns)

    def order(self, seed: int, epoch: int) -> np.ndarray[Any, Any] | None:
        """The row numbers of an epoch in their order, int32 (int64 from 2**31 rows on), or None if not shuffled.

        >>> source = as_source(np.arange(4.0), shuffle=True)
        >>> sorted(source.order(7, 0).tolist()), (source.order(7, 0) == source.order(7, 0)).all().item()
        ([0, 1, 2, 3], True)
        """
        if not self.shuffle:
            return None
        dtype = np.int32 if self.rows <= np.iinfo(np.int32).max else np.int64
        if self.shuffle != "batch":
            return _generator(seed, epoch).permutation(self.rows).astype(dtype)
        full = self.rows // self.batch_size * self.batch_size
        numbers = np.arange(self.rows, dtype=dtype)
        blocks = numbers[:full].reshape(-1, self.batch_size)
        return np.concatenate([blocks[_generator(seed, epoch).permutation(len(blocks))].ravel(), numbers[full:]])

    def batch(self, indices: Rows) -> Batch:
        """The rows of these numbers (an array or a slice) as new arrays, flat."""
        return [item.take(indices) for item in self.columns]

    def peek(self) -> Any:
        """The first batch in order, as the nest (x, y, sample_weight)."""
        return tree.unflatten(self.structure, self.batch(slice(0, min(self.batch_size, self.rows))))

    def split(self, fraction: float, *, batch_size: int | None = None) -> tuple[ArraySource, ArraySource]:
        """The first rows for training, and the last `fraction` of the rows for validation, not shuffled.

        Raises: DataError if either would be empty.

        >>> train, validation = as_source(np.arange(10.0)).split(0.2)
        >>> train.rows, validation.rows
        (8, 2)
        """
        number = isinstance(fraction, int | float | np.number) and not isinstance(fraction, bool)
        if not number or not 0 < fraction < 1:
            raise DataError(
                "`validation_split` must be a fraction.",
                where=self.where,
                expected="a number between 0 and 1",
                received=fraction,
            )
        at = math.floor(self.rows * (1 - fraction))
        if at in (0, self.rows):
            raise DataError(
                f"`validation_split` leaves no rows for {'training' if at == 0 else 'validation'}.",
                where=self.where,
                expected="at least one row for each",
                received=f"{fraction} of {self.rows} rows",
                hint="pass more rows, another fraction, or `validation_data`",
            )
        train, validation = self._part(0, at), self._part(at, self.rows)
        validation.shuffle = False
        return train, validation if batch_size is None else validation.rebatched(batch_size)

    def rebatched(self, batch_size: int) -> ArraySource:
        """A source of the same rows in batches of another size.

        Raises: DataError if the size is no positive int.
        """
        part = self._part(0, self.rows)
        part._set_batch_size(_checked_batch_size(batch_size, self.rows, None, self.where))
        return part

    def head(self, rows: int) -> ArraySource:
        """A source of the first `rows` rows."""
        return self._part(0, min(rows, self.rows))

    # -- helpers

    def _part(self, start: int, stop: int) -> ArraySource:
        part = object.__new__(ArraySource)
        part.structure, part.where, part.shuffle = self.structure, self.where, self.shuffle
        part.columns = [item.part(start, stop) for item in self.columns]
        part.rows = stop - start
        part._set_batch_size(self.batch_size)
        return part

    def _set_batch_size(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self.steps = math.ceil(self.rows / batch_size)
        self.last_size = self.rows - (self.steps - 1) * batch_size

    def _common_length(self) -> int:
        lengths = [item.shape[0] for item in self.columns]
        if len(set(lengths)) > 1:
            raise DataError(
                "The arrays have different lengths.",
                where=self.where,
                expected="the same number of rows in all",
                received=", ".join(f"{item.name}: {item.shape[0]}" for item in self.columns),
                hint=_hint_of_lengths(self.columns),
            )
        if not lengths or lengths[0] == 0:
            raise DataError(
                "The data set is empty.",
                where=self.where,
                expected="at least one row",
                received=", ".join(f"{item.name}: shape {item.shape}" for item in self.columns) or "no arrays",
            )
        return lengths[0]


class StreamSource:
    """Training data that comes batch by batch.

    With `steps` an epoch has that many batches, and the next one goes on where it ended; a data set that can be read
    again is started anew when it ends, and when an epoch is opened that is not later than the last one (so that each
    validation sees the same batches). Without `steps` an epoch is one pass.

    Args:
        data: a `PyDataset`, an iterator, or an iterable of batches.
        shuffle: whether to shuffle the order of a `PyDataset`'s batches.
        class_weight, steps, where: as in `as_source`.
        prefetch: batches to compute ahead in a thread; a `PyDataset` with several workers does so anyway.
    Raises: DataError for a stream without batches, or whose first batch cannot be used.

    Attributes: `structure`, `steps` (batches in an epoch, None if unknown or without end), `exhausted` (whether a data
    set that can be read only once has ended, so that there is no further epoch), `where`.
    """

    def __init__(
        self,
        data: Any,
        *,
        shuffle: bool = False,
        class_weight: Any = None,
        steps: int | None = None,
        where: str = "fit",
        prefetch: int = 0,
    ) -> None:
        self.where, self.shuffle, self.class_weight, self.prefetch = where, shuffle, class_weight, prefetch
        self._numbered = data if isinstance(data, PyDataset) else None
        self._once = self._numbered is None and isinstance(data, Iterator)
        self._data: Any = reading_ahead(data)
        self._length = self._known_length()
        self._given = steps
        self.steps = self._length if steps is None else steps
        self.exhausted = False
        self._latest = -1  # the number of the epoch that was opened last
        self._running: Iterator[Any] | None = None  # the pass in progress
        self._opened: Callable[[], Any] = _nothing  # a weak reference, so that a dropped epoch ends its threads
        self._peeked = self._nest(self._first(), "first batch")
        self._names, leaves, self.structure = _named_leaves(self._peeked)
        self._signature = [(leaf.ndim, leaf.dtype) for leaf in leaves]
        self._checked(self._peeked, "first batch")

    def peek(self) -> Any:
        """The first batch, as the nest (x, y, sample_weight); it is not lost for the first epoch."""
        return self._peeked

    def open(self, epoch: int, *, seed: int = 0) -> Iterator[Batch]:
        """The batches of an epoch as flat lists of arrays; `seed` decides the order of a shuffled `PyDataset`.

        Warns: if a data set that can be read only once ends before `steps` batches; `exhausted` is True then.
        Raises: DataError for a batch of another structure, rank or dtype than the first, and an epoch of no batches.
        """
        self.close()
        opened = self._epoch(epoch, seed)
        self._opened = weakref.ref(opened)
        return opened

    def close(self) -> None:
        """End the epoch in progress, and its threads; what they computed ahead is dropped."""
        opened = self._opened()
        if opened is not None:
            opened.close()

    def split(self, fraction: float, *, batch_size: int | None = None) -> Any:
        """Raises: DataError, since only arrays can be split."""
        raise DataError(
            "`validation_split` needs arrays.",
            where=self.where,
            received=f"data of type {type(self._data).__name__}, which comes in batches",
            hint="pass `validation_data`",
        )

    # -- helpers

    def _known_length(self) -> int | None:
        if self._numbered is not None:
            length = self._numbered.num_batches
        elif self._once:
            return None
        else:
            try:
                length = len(self._data)
            except (TypeError, NotImplementedError):  # tf.data and torch raise it where the length is not known
                return None
        if length == 0:
            raise self._empty()
        return length

    def _first(self) -> Any:
        if self._numbered is not None:
            return self._numbered[0]
        self._running = iter(self._data)
        try:
            first = next(self._running)
        except StopIteration:
            raise self._empty() from None
        self._running = _Guarded(itertools.chain([first], self._running))
        return first

    def _empty(self) -> DataError:
        return DataError(
            "The data set is empty.",
            where=self.where,
            expected="at least one batch",
            received=f"{type(self._data).__name__} without batches",
            hint="a generator can be read only once: make a new one for each call" if self._once else None,
        )

    def _epoch(self, epoch: int, seed: int) -> Generator[Batch, None, None]:
        if self.exhausted:
            raise DataError(
                f"The data ended in an earlier epoch, so there is none for epoch {epoch + 1}.",
                where=self.where,
                received=type(self._data).__name__,
                hint="pass data that can be read again (a PyDataset, or a class with `__iter__`), or make the "
                "generator endless and pass `steps_per_epoch`",
            )
        if self._numbered is not None:
            self._numbered.on_epoch_begin()
        if epoch <= self._latest and not self._once:
            self._running = None
        self._latest = epoch
        number = -1
        batches = self._batches(epoch, seed)
        try:
            for number, raw in enumerate(batches):
                where = f"batch {number} of epoch {epoch}"
                yield self._checked(self._nest(raw, where), where)
        finally:
            if isinstance(batches, Prefetcher):
                batches.close()
        self._finish(epoch, number + 1)

    def _finish(self, epoch: int, seen: int) -> None:
        if self._numbered is not None:
            self._numbered.on_epoch_end()
        wanted = self._given
        if self._once and wanted is None:
            self.exhausted = True
        elif wanted is not None and seen < wanted:
            self.exhausted = self._once
            warnings.warn(
                f"The data of `{self.where}` ended after {seen} of {wanted} batches in epoch {epoch + 1}. Make the "
                "generator endless, or let `steps_per_epoch` times `epochs` be at most its number of batches.",
                stacklevel=2,
            )
        elif seen == 0:
            raise self._empty()

    def _batches(self, epoch: int, seed: int) -> Iterable[Any]:
        """The raw batches of an epoch, from this thread or from others."""
        if self._numbered is not None:
            numbers, data = self._numbers(epoch, seed), self._numbered
            workers = data.workers if data.workers > 1 else int(self.prefetch > 0)
            if not workers:
                return map(data.__getitem__, numbers)
            ahead = data.max_queue_size if data.workers > 1 else self.prefetch
            return Prefetcher(numbers, data.__getitem__, workers=workers, ahead=ahead)
        passes = self._drawn()
        return Prefetcher(passes, _same, ahead=self.prefetch) if self.prefetch else passes

    def _numbers(self, epoch: int, seed: int) -> Iterator[int]:
        """The numbers of an epoch's batches in their order: with `steps`, a cut from the row of all passes."""
        length = self._length
        start = 0 if self._given is None else epoch * self._given
        if length is None:
            return iter(range(start, start + self._given)) if self._given is not None else itertools.count()
        return _shuffled_passes(length, start, self._given or length, self.shuffle, seed, epoch, self._given is None)

    def _drawn(self) -> Iterator[Any]:
        """The batches that iteration gives for one epoch."""
        if self._given is None:
            running = self._started() if self._running is None else self._running
            self._running = running if self._once else None
            yield from running
            return
        drawn = 0
        while drawn < self._given:
            fresh = self._running is None
            if self._running is None:
                self._running = self._started()
            item = next(self._running, _END)
            if item is not _END:
                drawn += 1
                yield item
            elif self._once or fresh:
                return
            else:
                self._running = None

    def _started(self) -> Iterator[Any]:
        return _Guarded(iter(self._data))

    def _nest(self, raw: Any, where: str) -> Any:
        """A raw batch as the nest (x, y, sample_weight) of arrays."""
        try:
            parts = unpack_x_y_sample_weight(raw)
            x, y, sample_weight = (from_lists(part, name) for part, name in zip(parts, PARTS, strict=True))
            if self.class_weight is not None:
                if sample_weight is not None:
                    raise DataError("`class_weight` cannot be used with batches that carry sample weights.")
                sample_weight = sample_weights_of_classes(y, self.class_weight)
            nest = (x, y, match_sample_weight(y, sample_weight))
            names, leaves, structure = _named_leaves(nest)
            arrays = [column(leaf, name).take(slice(None)) for leaf, name in zip(leaves, names, strict=True)]
        except DataError as error:
            place = f"{self.where}, {where}" + (f": {error.where}" if error.where else "")
            raise DataError(
                error.what, where=place, expected=error.expected, received=error.received, hint=error.hint
            ) from error.__cause__
        return tree.unflatten(structure, arrays)

    def _checked(self, nest: Any, where: str) -> Batch:
        """The flat batch, if it is like the first one."""
        leaves, structure = _flat(nest)
        where = f"{self.where}, {where}"
        if structure != self.structure:
            raise DataError(
                "The structure of the batches changed.",
                where=where,
                expected=f"as in the first batch: {_outline(self.structure)}",
                received=_outline(structure),
            )
        for array, name, (rank, dtype) in zip(leaves, self._names, self._signature, strict=True):
            if array.ndim != rank or array.dtype != dtype:
                raise DataError(
                    f"The {'rank' if array.ndim != rank else 'dtype'} of `{name}` changed.",
                    where=where,
                    expected=f"as in the first batch: {_shown(rank, dtype)}",
                    received=f"{_shown(array.ndim, array.dtype)}, shape {array.shape}",
                )
        lengths = {name: len(array) for name, array in zip(self._names, leaves, strict=True)}
        different = set(lengths.values())
        if len(different) != 1 or 0 in different:
            raise DataError(
                "The arrays of a batch have different lengths." if len(different) > 1 else "A batch is empty.",
                where=where,
                expected="the same number of rows in all, at least 1",
                received=", ".join(f"{name}: {length}" for name, length in lengths.items()) or "no arrays",
            )
        return leaves


# ---- helpers

_END: Any = object()


class _Guarded(Iterator[Any]):
    """An iterator that threads may share."""

    def __init__(self, iterator: Iterator[Any]) -> None:
        self.iterator, self.lock = iterator, threading.Lock()

    def __next__(self) -> Any:
        with self.lock:
            return next(self.iterator)


def _same(value: Any) -> Any:
    return value


def _nothing() -> None:
    return None


def _flat(nest: Any) -> tuple[list[Any], Any]:
    """The leaves that are not None, and the structure with its Nones."""
    leaves, structure = optree.tree_flatten(nest, none_is_leaf=False, namespace=tree.NAMESPACE)
    return leaves, structure


def _named_leaves(nest: Any) -> tuple[list[str], list[Any], Any]:
    paths, leaves, structure = optree.tree_flatten_with_path(nest, none_is_leaf=False, namespace=tree.NAMESPACE)
    return [label(path) for path in paths], leaves, structure


def _outline(structure: Any) -> str:
    text = str(structure).removeprefix("PyTreeSpec(").rsplit(", namespace=", 1)[0]
    return text.removesuffix(")") if text.count("(") < text.count(")") else text


def _shown(rank: int, dtype: Any) -> str:
    return f"rank {rank}, {dtype}"


def _generator(seed: int, epoch: int) -> np.random.Generator:
    key = np.array([seed & 0xFFFFFFFFFFFFFFFF, epoch], np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def _shuffled_passes(
    length: int, start: int, size: int, shuffle: bool, seed: int, epoch: int, by_epoch: bool
) -> Iterator[int]:
    """`size` numbers from place `start` of the row of all passes over `range(length)`."""
    order: Any = range(length)
    current = -1
    for place in range(start, start + size):
        number, index = (epoch, place) if by_epoch else divmod(place, length)
        if shuffle and number != current:
            order, current = _generator(seed, number).permutation(length).tolist(), number
        yield order[index]


def _all_arrays(x: Any) -> bool:
    leaves, _ = _flat(x)
    return bool(leaves) and all(is_array_like(leaf) for leaf in leaves)


def _checked_batch_size(batch_size: Any, rows: int, steps: int | None, where: str) -> int:
    if batch_size is None:
        return math.ceil(rows / steps) if steps else DEFAULT_BATCH_SIZE
    if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise DataError(
            "`batch_size` cannot be used.",
            where=where,
            expected="an int of at least 1, or None for 32",
            received=batch_size,
        )
    return int(batch_size)


def _check_steps(steps: Any, where: str) -> None:
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1):
        raise DataError(
            "The number of steps cannot be used.", where=where, expected="an int of at least 1, or None", received=steps
        )


def _check_stream(x: Any, *, y: Any, sample_weight: Any, batch_size: Any, where: str) -> None:
    kind = type(x).__name__
    if not isinstance(x, PyDataset) and not hasattr(x, "__iter__"):
        raise DataError(
            "This cannot be used as data.",
            where=where,
            expected="arrays, nests of arrays, a PyDataset, a generator, or an iterable of batches",
            received=f"a function, `{x.__name__}`" if hasattr(x, "__code__") else f"{kind}: {x!r}",
            hint=f"call it: `{x.__name__}()`" if hasattr(x, "__code__") else None,
        )
    if tree.is_nested(x) or isinstance(x, str | bytes | range | set | frozenset):
        leaves = [] if not tree.is_nested(x) else tree.flatten_with_path(x)
        odd = next(((path, leaf) for path, leaf in leaves if not is_array_like(leaf)), ((), x))
        raise DataError(
            "This cannot be used as data.",
            where=f"{where}, {label((0, *odd[0]))}",
            expected="arrays, tensors, or lists of numbers",
            received=f"{type(odd[1]).__name__}: {odd[1]!r}",
        )
    checks: list[tuple[str, Any, Callable[[], str]]] = [
        ("y", y, lambda: "let each batch be `(x, y)`"),
        ("sample_weight", sample_weight, lambda: "let each batch be `(x, y, sample_weight)`"),
        ("batch_size", batch_size, lambda: "the data set itself decides the size of its batches"),
    ]
    for name, value, hint in checks:
        if value is not None:
            raise DataError(
                f"`{name}` cannot be given with data that comes in batches.",
                where=where,
                received=f"x of type {kind}, and `{name}`",
                hint=hint(),
            )


def _hint_of_lengths(columns: list[Column]) -> str | None:
    if any(len(item.shape) > 1 and item.shape[1] == columns[-1].shape[0] for item in columns[:-1]):
        return "is one of them transposed? Rows are the samples"
    return None
