"""Batches made ahead of need by threads, in order, within a bound.

The threads are daemons and hold no reference to the `Prefetcher`, so that closing or forgetting it ends them; one that
is stuck in the user's code ends when that code returns and never holds up the program. An exception of the user's
code is raised in the consumer, with the traceback of where it happened.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any


class Prefetcher(Iterator[Any]):
    """The results of `work(job)` for each job, in the order of the jobs.

    Args:
        jobs: drawn by one thread at a time.
        work: run by all threads at once.
        workers: the number of threads.
        ahead: how many results may wait at most.

    >>> list(Prefetcher(range(5), lambda job: job * job, workers=2, ahead=3))
    [0, 1, 4, 9, 16]
    """

    def __init__(self, jobs: Iterable[Any], work: Callable[[Any], Any], *, workers: int = 1, ahead: int = 2) -> None:
        self._shared = _Shared(iter(jobs), work, max(ahead, 1))
        self._finalizer = weakref.finalize(self, self._shared.close)
        for number in range(workers):
            threading.Thread(target=self._shared.run, name=f"keratin-data-{number}", daemon=True).start()

    def __iter__(self) -> Prefetcher:
        return self

    def __next__(self) -> Any:
        succeeded, value = self._shared.take()
        if succeeded:
            return value
        self.close()
        try:
            raise value
        finally:
            del value  # the traceback holds this frame: no cycle

    def close(self) -> None:
        """Let the threads end; what was made ahead is dropped."""
        self._finalizer()


class _Shared:
    """What the threads and the consumer share."""

    def __init__(self, jobs: Iterator[Any], work: Callable[[Any], Any], ahead: int) -> None:
        self.jobs, self.work, self.ahead = jobs, work, ahead
        self.drawing = threading.Lock()
        self.changed = threading.Condition()
        self.results: dict[int, tuple[bool, Any]] = {}
        self.drawn = self.taken = 0
        self.ended = self.closed = False

    def run(self) -> None:
        """A thread's life: draw a job, do it, put the result in its place."""
        while True:
            with self.drawing:
                if not self._has_room():
                    return
                number = self.drawn
                try:
                    job = next(self.jobs)
                except StopIteration:
                    self._end()
                    return
                except BaseException as error:
                    self._put(number, (False, error), last=True)
                    return
                self.drawn += 1
            try:
                result = (True, self.work(job))
            except StopIteration as error:  # it would pass for the end of the data
                result = (False, _as_runtime_error(error))
            except BaseException as error:
                result = (False, error)
            self._put(number, result)
            del job, result

    def take(self) -> tuple[bool, Any]:
        """The next result; (False, StopIteration()) at the end."""
        with self.changed:
            while self.taken not in self.results:
                if self.closed or (self.ended and self.taken >= self.drawn):
                    return False, StopIteration()
                self.changed.wait()
            result = self.results.pop(self.taken)
            self.taken += 1
            self.changed.notify_all()
            return result

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.results.clear()
            self.changed.notify_all()

    def _has_room(self) -> bool:
        """Wait for room; False when there is nothing left to do."""
        with self.changed:
            while not (self.closed or self.ended) and self.drawn - self.taken >= self.ahead:
                self.changed.wait()
            return not (self.closed or self.ended)

    def _put(self, number: int, result: tuple[bool, Any], last: bool = False) -> None:
        with self.changed:
            if last:
                self.drawn, self.ended = number + 1, True
            if not self.closed:
                self.results[number] = result
            self.changed.notify_all()

    def _end(self) -> None:
        with self.changed:
            self.ended = True
            self.changed.notify_all()


def _as_runtime_error(error: StopIteration) -> RuntimeError:
    raised = RuntimeError("The code that computes a batch raised StopIteration.")
    raised.__cause__ = error
    return raised
