"""The alternation: one long-lived worker for each contender, and short rounds that take turns.

A shared machine is slow for seconds at a time.  Rounds of a few hundred milliseconds that take turns meet the same
weather, so the ratio of two neighbouring rounds is far steadier than either time.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

from benchmarks.contenders import Contender
from benchmarks.registry import Workload

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 600.0  # seconds for one answer, compiling included


class WorkerError(Exception):
    """A worker failed, died or took too long."""


@dataclass
class Entry:
    """What one contender achieved: a figure for each round, or the reason why there is none."""

    contender: Contender
    values: list[float]
    versions: dict[str, str]
    error: str = ""


def race(workload: Workload, contenders: Sequence[Contender], *, rounds: int, seconds: float) -> list[Entry]:
    """Measure all contenders in turn.  One that fails is left out of the later rounds.

    Args:
        workload: What is measured.
        contenders: Who takes part.
        rounds: How many figures each contender gets.
        seconds: About how long one round lasts.
    """
    with ExitStack() as stack:
        entries, workers = [], []
        for contender in contenders:
            entry = Entry(contender, [], {})
            worker = stack.enter_context(Worker(workload.name, contender, seconds))
            entries.append(entry)
            try:
                entry.versions = worker.receive()["versions"]
                workers.append((worker, entry))
            except WorkerError as error:
                entry.error = str(error)
        for index in range(rounds):
            for worker, entry in workers if index % 2 == 0 else workers[::-1]:  # no one is always second
                if not entry.error:
                    try:
                        entry.values.append(worker.round())
                    except WorkerError as error:
                        entry.error = str(error)
    return entries


class Worker:
    """The parent's end of one `benchmarks.worker` process."""

    def __init__(self, workload: str, contender: Contender, seconds: float):
        # A pipe that nobody reads would fill and block the worker.
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed by __exit__
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", workload, contender.name, str(seconds)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True, cwd=ROOT,
            env=os.environ | contender.environment,
        )  # fmt: skip

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.close()
            self._process.wait(10)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def round(self) -> float:
        """Run one measured round.  Raises: WorkerError."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("round\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer says why
        return float(self.receive()["value"])

    def receive(self) -> dict[str, Any]:
        """The next answer.  Raises: WorkerError."""
        assert self._process.stdout is not None
        alarm = Timer(PATIENCE, self._process.kill)
        alarm.daemon = True
        alarm.start()
        try:
            line = self._process.stdout.readline()
        finally:
            alarm.cancel()
        if not line:
            raise WorkerError(f"The worker ended without an answer (status {self._process.wait()}).\n{self._tail()}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"].strip())
        return answer

    def _tail(self) -> str:
        self._errors.seek(0)
        return "".join(self._errors.readlines()[-20:]).strip()
