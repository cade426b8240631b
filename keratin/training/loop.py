"""The loop: an epoch is a few runs of a program over chunks of steps, with the callbacks between them.

Chunks are as long as the progress bar allows, so that a step costs no dispatch; where a callback asks for every batch
they are as long as `steps_per_execution`.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from keratin import dtypes
from keratin.backends import select, spec
from keratin.data.sources import ArraySource, StreamSource
from keratin.ops import mechanism

RESIDENT_SHARE = 0.1
"""Data is kept on the device if it takes less than this share of the free memory."""
CHUNK_SECONDS = 0.1
"""How long a chunk of steps should take: the progress bar moves about ten times a second."""
QUIET_CHUNK_SECONDS = 0.5
"""The same where nothing is shown; an interrupt takes effect between chunks."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Steps that one program can run: those of equal batches whose data is on the device."""

    program: Any
    arrays: list[Any]
    order: Any
    first: int  # number of the first step, as the program counts it
    count: int
    offset: int  # what to add to the program's number to get the number in the epoch


class Feed:
    """The batches of a source as segments for the programs of one step function.

    Args:
        source: the data.
        program_for: makes, or finds, the program for (structure, specs, gather, stride).
        steps: batches per epoch, None for all; fewer than there are go on in the next epoch where the last ended.
    """

    def __init__(self, source: ArraySource | StreamSource, program_for: Callable[..., Any], steps: int | None) -> None:
        self.source, self.program_for = source, program_for
        self.given_steps = steps
        self.resident: list[Any] | None = None
        self.position = 0  # batches taken of an array source since the start
        if isinstance(source, ArraySource) and _fits(source.nbytes):
            backend = select.current()
            self.resident = [
                backend.from_host(array, mechanism.canonical(dtypes.standardize(array.dtype)))
                for array in source.arrays
            ]

    @property
    def steps(self) -> int | None:
        """Batches per epoch, None if unknown."""
        return self.given_steps if self.given_steps is not None else self.source.steps

    def epoch(self, number: int, seed: int) -> Iterator[Segment]:
        """The segments of an epoch."""
        if isinstance(self.source, StreamSource):
            yield from self._streamed(number, seed)
            return
        wanted = self.steps or 0
        done = 0
        while done < wanted:
            data_epoch, first = (number, 0) if self.given_steps is None else divmod(self.position, self.source.steps)
            count = min(self.source.steps - first, wanted - done)
            yield from self._rows(seed, data_epoch, first, count, done - first)
            done += count
            self.position += count

    def _rows(self, seed: int, epoch: int, first: int, count: int, offset: int) -> Iterator[Segment]:
        source = self.source
        assert isinstance(source, ArraySource)
        order = source.order(seed, epoch)
        full = source.steps if source.last_size == source.batch_size else source.steps - 1
        if self.resident is None:
            yield from self._blocks(order, first, count, offset)
            return
        gather = order is not None
        device_order = select.current().from_host(order) if order is not None else None
        for begin, stop, rows in (
            (first, min(first + count, full), source.batch_size),
            (max(first, full), first + count, source.last_size),
        ):
            if stop > begin:
                program = self.program_for(source.structure, _specs(self.resident, rows), gather, source.batch_size)
                yield Segment(program, self.resident, device_order, begin, stop - begin, offset)

    def _blocks(self, order: Any, first: int, count: int, offset: int) -> Iterator[Segment]:
        source = self.source
        assert isinstance(source, ArraySource)
        for step in range(first, first + count):
            rows: Any = slice(step * source.batch_size, min((step + 1) * source.batch_size, source.rows))
            yield self._single(source.batch(rows if order is None else order[rows]), step + offset)

    def _streamed(self, number: int, seed: int) -> Iterator[Segment]:
        assert isinstance(self.source, StreamSource)
        batches = self.source.open(number, seed=seed)
        for step, flat in enumerate(batches):  # the source ends it after its steps, and tells the data set so
            yield self._single(flat, step)

    def _single(self, flat: list[Any], number: int) -> Segment:
        backend = select.current()
        arrays = [backend.from_host(a, mechanism.canonical(dtypes.standardize(a.dtype))) for a in flat]
        rows = arrays[0].shape[0]
        program = self.program_for(self.source.structure, _specs(arrays, rows), False, rows)
        return Segment(program, arrays, None, 0, 1, number)


def _specs(arrays: list[Any], rows: int) -> list[spec.Spec]:
    return [spec.Spec((rows, *a.shape[1:]), dtypes.standardize(a.dtype)) for a in arrays]


def _fits(size: int) -> bool:
    free = select.current().free_memory()
    return size < RESIDENT_SHARE * (host_memory() if free is None else free)


def host_memory() -> int:
    """Bytes of memory that the host can still give."""
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 4 << 30


class Pace:
    """How many steps fit into a chunk: measured, and remembered with the program.

    Args:
        fixed: the length of all chunks, where a callback wants every batch.
        seconds: how long a chunk should take.
    """

    def __init__(self, fixed: int | None, seconds: float) -> None:
        self.fixed, self.seconds = fixed, seconds

    def chunk(self, program: Any) -> int:
        """The number of steps for the next chunk."""
        if self.fixed is not None:
            return self.fixed
        if program.seconds_per_step is None:
            return 4 if program.runs else 1
        return max(1, int(self.seconds / max(program.seconds_per_step, 1e-7)))

    def measured(self, program: Any, steps: int, seconds: float) -> None:
        """Learn from a chunk; the first one compiles and does not count."""
        program.runs += 1
        if program.runs > 1:
            old, new = program.seconds_per_step, seconds / steps
            program.seconds_per_step = new if old is None else 0.5 * (old + new)


class Loop:
    """Runs the epochs of one kind ("train" or "test") and tells the callbacks.

    Args:
        kind: which hooks are called.
        feed: the data.
        callbacks: the list of callbacks.
        steps_per_execution: the length of chunks where a callback wants every batch.
        should_stop: asked between chunks.
    """

    def __init__(
        self, kind: str, feed: Feed, callbacks: Any, steps_per_execution: int, should_stop: Callable[[], bool]
    ) -> None:
        self.kind, self.feed, self.callbacks, self.should_stop = kind, feed, callbacks, should_stop
        self.every_batch = callbacks.wants_batches(kind)
        seconds = CHUNK_SECONDS if callbacks.params.get("verbose") == 1 else QUIET_CHUNK_SECONDS
        self.pace = Pace(steps_per_execution if self.every_batch else None, seconds)
        self.warned = False

    def run(self, epoch: int, seed: int) -> dict[str, Any]:
        """Run an epoch; returns the last logs."""
        logs: dict[str, Any] = {}
        for segment in self.feed.epoch(epoch, seed):
            step, stop = segment.first, segment.first + segment.count
            while step < stop:
                until = min(step + self.pace.chunk(segment.program), stop)
                logs = self._chunk(segment, step, until)
                step = until
                if self.should_stop():
                    return logs
        return logs

    def _chunk(self, segment: Segment, step: int, until: int) -> dict[str, Any]:
        if self.every_batch:
            self.callbacks.batch_begin(self.kind, step + segment.offset)
        started = time.perf_counter()
        logs, bad = segment.program.run(segment.arrays, segment.order, step, until)
        self.pace.measured(segment.program, until - step, time.perf_counter() - started)
        if bad is not None and not self.warned:
            self.warned = True
            warnings.warn(
                f"The loss is not finite (NaN or infinite) since batch {bad + segment.offset} of this epoch "
                "(counted from 0). Look for NaN or unscaled values in the data, or lower the learning rate; the "
                "callback TerminateOnNaN stops at once.",
                stacklevel=2,
            )
        self.callbacks.progress(self.kind, until - 1 + segment.offset, logs)
        if self.every_batch:
            self.callbacks.batch_end(self.kind, until - 1 + segment.offset, logs)
        return logs
