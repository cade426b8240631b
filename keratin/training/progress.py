"""Progress on one line: redrawn in place in a terminal or notebook, a single line per epoch in a log file.

    17/45 ━━━━━━━╸──────────── 1.2k samples/s · 0:03 left - loss: 0.1234 - accuracy: 0.9712
    45/45 ━━━━━━━━━━━━━━━━━━━━ 3.1s 12ms/step - loss: 0.1034 - accuracy: 0.9755 - val_loss: 0.1201

`Bar` draws; `Progbar` is Keras's interface to it, with averages.
"""

from __future__ import annotations

import functools
import io
import logging
import os
import re
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

import numpy as np

from keratin import config
from keratin.errors import ArgumentError
from keratin.ops import mechanism

P = ParamSpec("P")
R = TypeVar("R")
WIDTH = 20
"""Characters of the bar where there is room."""


def message(text: str) -> None:
    """Print a line, above the bar if one is being drawn."""
    bar = _open_bar()
    if bar is not None:
        bar.erase()
    _write(f"{text}\n")


def tidy(function: Callable[P, R]) -> Callable[P, R]:
    """A decorator: if an exception leaves `function`, its message begins on a line of its own."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BaseException:
            end_line()
            raise

    return wrapped


def end_line() -> None:
    """Leave the bar that is being drawn as it is, so that what is printed next starts a line of its own."""
    bar = _open_bar()
    if bar is not None:
        bar.close()


class Bar:
    """The progress of one epoch, evaluation or download.

    Args:
        target: the number of steps, None if it is not known.
        verbose: 0 for nothing, 1 for a bar (one line at the end, where the output is no terminal), 2 for that line.
        title: what it is about, such as "Epoch 3/10"; a line above a bar, or the start of the single line.
        unit: what a step is called.
        interval: seconds between two drawings at least.
        width: characters of the bar.
    """

    def __init__(
        self,
        target: int | None,
        *,
        verbose: int = 1,
        title: str = "",
        unit: str = "step",
        interval: float = 0.1,
        width: int = WIDTH,
    ) -> None:
        self.target, self.title, self.unit, self.interval, self.width = target, title, unit, interval, width
        self.screen = _Screen(verbose)
        self.current = 0
        self.samples: int | None = None
        self.started = time.perf_counter()
        self._next = self.started + interval
        self._first: tuple[float, int] | None = None
        self._end: float | None = None
        self._drawn: deque[tuple[float, int, int | None]] = deque(maxlen=100)  # the last ten seconds
        if self.screen.redraws:
            self._open()
            if title:
                self.screen.line(title)
            self.screen.redraw(self._fitted("", {}))

    def step(self, current: int, samples: int | None = None) -> bool:
        """Note that `current` steps are done, of `samples` samples in all; whether it is time to draw."""
        now = time.perf_counter()
        self.current, self.samples = current, samples
        if self._first is None and current:
            self._first = (now, current)
        return self.screen.redraws and now >= self._next

    def draw(self, values: Mapping[str, Any]) -> None:
        """Show the current state with these values."""
        if not self.screen.redraws:
            return
        now = time.perf_counter()
        self._drawn.append((now, self.current, self.samples))
        self._next = now + self.interval
        self._open()
        self.screen.redraw(self._fitted(self._speed(now), values))

    def stop_clock(self) -> None:
        """The steps are done; what follows (validation) does not count for the time per step."""
        self._end = time.perf_counter()

    def finish(self, values: Mapping[str, Any]) -> None:
        """Show the final values and the times, and end the line."""
        if self._end is None:
            self._end = time.perf_counter()
        if self.screen.redraws:
            self._open()
            self.screen.redraw(self._fitted(" ".join(self._times()), values, final=True))
            self.close()
        else:
            count = f"{self.current}/{self.target if self.target is not None else self.current}"
            parts = [self.title, count, *self._times()]
            self.screen.line(" - ".join(part for part in parts if part) + _metrics(values))

    def erase(self) -> None:
        """Take the line away for a message; the next drawing brings it back."""
        self.screen.redraw("")
        self._next = 0.0

    def close(self) -> None:
        """End the line as it is."""
        if _open_bar() is self:
            self.screen.line("")
            _set_open_bar(None)

    # -- helpers

    def _open(self) -> None:
        if _open_bar() is not self:
            end_line()
            _set_open_bar(self)

    def _speed(self, now: float) -> str:
        """The rate of the last seconds, and the time that is left at this rate."""
        then, step, samples = self._drawn[0]
        if self.current == self.target and len(self._drawn) == 1:
            then, step, samples = self.started, 0, 0
        seconds, steps = max(now - then, 1e-9), self.current - step
        if steps <= 0:  # the first steps compile: they tell nothing of the others
            return f"{_clock(now - self.started)} elapsed"
        per_second = steps / seconds
        if self.samples is not None and samples is not None:
            rate = f"{_short((self.samples - samples) / seconds)} samples/s"
        elif per_second >= 1:
            rate = f"{_short(per_second)} {self.unit}s/s"
        else:
            rate = f"{1 / per_second:.1f}s/{self.unit}"
        if self.target is None:
            return f"{rate} · {_clock(now - self.started)} elapsed"
        return f"{rate} · {_clock(max(self.target - self.current, 0) / per_second)} left"

    def _times(self) -> list[str]:
        """The time of all, and of a step; the first drawing is left out, since it compiles."""
        total = f"{_duration(time.perf_counter() - self.started)}"
        if not self.current:
            return [total]
        end = self._end or time.perf_counter()
        first, step = self._first or (self.started, 0)
        if self.current <= step:
            first, step = self.started, 0
        return [total, f"{_step_time((end - first) / (self.current - step))}/{self.unit}"]

    def _fitted(self, info: str, values: Mapping[str, Any], final: bool = False) -> str:
        """The line in the most detail that the screen has room for."""
        room = self.screen.columns() - 1
        count, metrics = self._count(), _metrics(values)
        for width in (self.width, self.width // 2, 0):
            bar, plain = self._bar(width)
            if len(count) + len(plain) + len(info) + 2 + len(metrics) <= room:
                return f"{count}{bar} {info}{metrics}".rstrip()
        if not final and " · " in info:
            info = info.split(" · ")[1]
        line = f"{count} {info}{metrics}"
        return line if final or len(line) <= room else line[: max(room - 1, 0)] + "…"

    def _count(self) -> str:
        if self.target is None:
            return f"{self.current}/?"
        return f"{self.current:>{len(str(self.target))}}/{self.target}"

    def _bar(self, width: int) -> tuple[str, str]:
        """The bar with its colours, and without."""
        if not self.target or not width:
            return "", ""
        halves = min(int(2 * width * self.current / self.target), 2 * width)
        done = "━" * (halves // 2) + "╸" * (halves % 2)
        left = "─" * (width - len(done))
        return f" {self.screen.coloured(done, 32)}{self.screen.coloured(left, 90)}", f" {done}{left}"


class Progbar:
    """A progress bar for a loop of one's own.

    Args:
        target: the number of steps, None if it is not known.
        width: characters of the bar.
        verbose: 0 for nothing, 1 for a bar, 2 for a line at the end.
        interval: seconds between two drawings at least.
        stateful_metrics: names of the values that are shown as they are; all others are averaged over the steps.
        stateless_metrics: names of the values that are averaged, all others being shown as they are.
        unit_name: what a step is called.
    Raises: ArgumentError if both lists of names are given.

    >>> bar = Progbar(3, verbose=0)
    >>> bar.update(1, [("loss", 1.0)])
    >>> bar.add(2, [("loss", 0.5)])
    >>> bar.averages()["loss"]
    0.5
    """

    def __init__(
        self,
        target: int | None,
        width: int = WIDTH,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ArgumentError(
                "Only one of `stateful_metrics` and `stateless_metrics` can be given.",
                where="Progbar",
                hint="each says the other one by leaving names out",
            )
        self.target, self.width, self.verbose = target, width, verbose
        self.interval, self.unit_name = interval, unit_name
        self.stateful_metrics = None if stateless_metrics is not None else set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self.bar = Bar(target, verbose=verbose, unit=unit_name, interval=interval, width=width)
        self._sums: dict[str, tuple[Any, float]] = {}
        self._seen = 0

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Note that `current` steps are done.

        Args:
            current: the number of steps done so far.
            values: pairs of name and value of the last steps.
            finalize: whether this is the end; by default when the target is reached.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        self.bar.target = self.target
        count = max(current - self._seen, 1)
        for name, value in values or ():
            self._add(name, value, count, finalize)
        self._seen = current
        due = self.bar.step(current)
        if finalize:
            self.bar.finish(self.averages())
        elif due:
            self.bar.draw(self.averages())

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Note that `n` more steps are done."""
        self.update(self._seen + n, values)

    def averages(self) -> dict[str, Any]:
        """The values as they are shown."""
        return {name: total / count if count != 1 else total for name, (total, count) in self._sums.items()}

    def _add(self, name: str, value: Any, count: int, finalize: bool) -> None:
        if isinstance(value, str) or value is None:
            self._sums[name] = (value, 1)
            return
        value = float(np.mean(mechanism.host_values(value)))
        if self.stateless_metrics is None:
            averaged = name not in (self.stateful_metrics or ())
        else:
            averaged = name in self.stateless_metrics
        if not averaged or finalize:
            self._sums[name] = (value, 1)
            return
        total, seen = self._sums.get(name, (0.0, 0))
        self._sums[name] = (total + value * count, seen + count)


# ---- the screen


class _Screen:
    """Where lines go: a terminal, a notebook, a file or pipe, or Python's logging."""

    def __init__(self, verbose: int) -> None:
        stream = sys.stdout
        interactive = config.settings.interactive_logging
        self.silent = verbose == 0 or (stream is None and interactive)
        self.terminal = interactive and _is_terminal(stream)
        self.redraws = verbose == 1 and interactive and not self.silent and (self.terminal or _is_notebook(stream))
        self.colours = self.terminal and not os.environ.get("NO_COLOR") and _understands_escapes()
        self.plain = not _can_encode(stream)
        self.shown = 0  # characters on the line now

    def line(self, text: str) -> None:
        """Write a line of its own, or end the one being drawn."""
        if not self.silent:
            _write(f"{self._translated(text)}\n")
        self.shown = 0

    def redraw(self, text: str) -> None:
        """Put `text` in place of the line."""
        if self.silent:
            return
        text = self._translated(text)
        length = len(_ESCAPES.sub("", text))
        padding = " " * (self.shown - length)
        _write(f"\r{text}{padding}" if text else f"\r{padding}\r")
        self.shown = length

    def columns(self) -> int:
        """Characters in a line."""
        if not self.terminal:
            return 10_000
        try:
            return os.get_terminal_size(sys.stdout.fileno()).columns or 80
        except (OSError, ValueError, AttributeError):
            return 80

    def coloured(self, text: str, colour: int) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colours and text else text

    def _translated(self, text: str) -> str:
        return text.translate(_ASCII) if self.plain else text


_ESCAPES = re.compile(r"\x1b\[\d+m")
_ASCII = str.maketrans({"━": "=", "╸": ">", "─": ".", "·": "|", "…": "~", "µ": "u"})
_bar: weakref.ref[Bar] | None = None


def _open_bar() -> Bar | None:
    """The bar whose line is not ended yet."""
    return None if _bar is None else _bar()


def _set_open_bar(bar: Bar | None) -> None:
    global _bar
    _bar = None if bar is None else weakref.ref(bar)


def _write(text: str) -> None:
    if not config.settings.interactive_logging:
        logging.getLogger("keratin").info(text.strip())
    elif sys.stdout is not None:
        sys.stdout.write(text)
        sys.stdout.flush()


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


def _is_notebook(stream: Any) -> bool:
    """Whether a carriage return overwrites the line, though it is no terminal."""
    return type(stream).__module__.startswith("ipykernel") or "PYCHARM_HOSTED" in os.environ


def _understands_escapes() -> bool:
    return os.environ.get("TERM") != "dumb" and (os.name != "nt" or "WT_SESSION" in os.environ)


def _can_encode(stream: Any) -> bool:
    if isinstance(stream, io.StringIO):
        return True
    try:
        "━╸─·…µ".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


# ---- numbers


def _metrics(values: Mapping[str, Any]) -> str:
    return "".join(f" - {name}: {_number(value)}" for name, value in values.items())


def _number(value: Any) -> str:
    """As Keras writes it: four decimals, and exponents for what would vanish."""
    if value is None or isinstance(value, str):
        return str(value)
    value = float(np.mean(mechanism.host_values(value)))
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def _short(rate: float) -> str:
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rate >= limit:
            return f"{rate / limit:.1f}{unit}"
    return f"{rate:.0f}" if rate >= 100 else f"{rate:.1f}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _duration(seconds: float) -> str:
    if seconds < 9.95:
        return f"{seconds:.1f}s" if seconds >= 0.995 else f"{seconds * 1e3:.0f}ms"
    return f"{seconds:.0f}s" if seconds < 59.5 else _clock(seconds)


def _step_time(seconds: float) -> str:
    for limit, scale, unit in ((1.0, 1.0, "s"), (1e-3, 1e3, "ms")):
        if seconds >= limit:
            return f"{seconds * scale:.1f}{unit}" if seconds * scale < 9.95 else f"{seconds * scale:.0f}{unit}"
    return f"{seconds * 1e6:.0f}µs"
