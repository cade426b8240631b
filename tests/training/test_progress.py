"""The progress bar, as a terminal, a file, a notebook and a logger see it."""

from __future__ import annotations

import io
import logging
import re
import sys

import numpy as np
import pytest

from keratin import config
from keratin.errors import ArgumentError
from keratin.training import progress
from keratin.training.progress import Bar, Progbar
from tests.training.terminal import Screen, in_terminal, through_pipe

TRAINING = """
import time
from keratin.training.callbacks import CallbackList

callbacks = CallbackList.of(
    None, model=None, verbose={verbose}, epochs={epochs}, steps={steps}, samples=100, batch_size=10
)
callbacks.on_train_begin()
for epoch in range({epochs}):
    callbacks.on_epoch_begin(epoch)
    for step in range(10):
        time.sleep({pause})
        callbacks.progress("train", step, {{"loss": 1 / (step + 1), "accuracy": 0.5}})
    callbacks.on_test_begin()
    callbacks.progress("test", 0, {{"loss": 77.0}})
    callbacks.on_test_end({{"loss": 77.0}})
    callbacks.on_epoch_end(epoch, {{"loss": 0.1, "accuracy": 0.5, "val_loss": 0.00012}})
callbacks.on_train_end()
print("after")
"""


def training(verbose=1, epochs=2, steps=10, pause=0.0):
    return TRAINING.format(verbose=verbose, epochs=epochs, steps=steps, pause=pause)


FINAL = r"10/10 ━{20} \d+ms \d+(\.\d+)?ms/step - loss: 0\.1000 - accuracy: 0\.5000 - val_loss: 1\.2000e-04"


# ---- terminals


def test_terminal_redraws_in_place():
    screen = Screen(in_terminal(training(pause=0.03), columns=110), columns=110)
    assert screen.lines[0] == "Epoch 1/2" and screen.lines[2] == "Epoch 2/2"
    for line in (screen.lines[1], screen.lines[3]):
        assert re.fullmatch(FINAL, line), line
    assert screen.lines[4:] == ["after", ""] and not screen.wrapped
    drawn = [state for state in screen.states if "left" in state]
    assert drawn and all(
        re.match(r" ?\d+/10 [━╸─]{20} \d+ samples/s · 0:0\d left - loss: \d\.\d{4}", s) for s in drawn
    ), drawn
    assert "77.0" not in "".join(screen.states)  # validation within fit is silent
    assert " 0/10 ────────────────────" in screen.states  # something is to be seen while the first step compiles


@pytest.mark.parametrize("columns", [100, 72, 60, 45, 30])
def test_terminal_fits_the_width(columns):
    screen = Screen(in_terminal(training(epochs=1, pause=0.03), columns=columns), columns=columns)
    moving = [state for state in screen.states if "left" in state]
    assert moving and max(map(len, moving)) < columns
    if columns == 100:
        assert "━" in moving[0] and "samples/s" in moving[0] and "accuracy" in moving[0]
    if columns == 30:
        assert "━" not in moving[0] and moving[0].endswith("…")
    assert "val_loss: 1.2000e-04" in "".join(screen.lines)  # nothing of the result is cut


def test_colours_only_where_they_are_wanted():
    assert "\x1b[32m" in in_terminal(training(epochs=1), columns=110)
    assert "\x1b" not in in_terminal(training(epochs=1), NO_COLOR="1")
    assert "\x1b" not in in_terminal(training(epochs=1), TERM="dumb")
    assert "\x1b" in in_terminal(training(epochs=1), NO_COLOR="")  # https://no-color.org: only if not empty
    assert "\x1b" not in through_pipe(training(epochs=1))


def test_about_ten_updates_a_second():
    script = """
import time
from keratin.training.progress import Bar
bar = Bar(10**9)
end = time.perf_counter() + 1.0
step = 0
while time.perf_counter() < end:
    step += 1
    if bar.step(step):
        bar.draw({"loss": 0.5})
bar.finish({"loss": 0.5})
"""
    drawn = in_terminal(script).count("\r") - 1
    assert 3 <= drawn <= 13


def test_a_shorter_line_leaves_nothing_behind():
    script = """
from keratin.training.progress import Bar
bar = Bar(2, interval=0)
bar.step(1); bar.draw({"loss": 1.0, "a_long_name_of_a_metric": 2.0})
bar.step(2); bar.draw({"loss": 1.0})
bar.finish({})
"""
    assert "metric" not in Screen(in_terminal(script)).lines[0]


def test_messages_stand_above_the_bar():
    script = """
from keratin.training import progress
bar = progress.Bar(4, interval=0)
bar.step(1); bar.draw({})
progress.message("Epoch 1: saved best.keras")
bar.step(2); bar.draw({})
bar.step(4); bar.finish({})
progress.message("the end")
"""
    lines = Screen(in_terminal(script)).lines
    assert lines[0] == "Epoch 1: saved best.keras" and lines[1].startswith("4/4 ━") and lines[2] == "the end"


def test_a_second_bar_begins_its_own_line():
    script = """
from keratin.training.progress import Bar
outer = Bar(4, interval=0)
outer.step(1); outer.draw({"outer": 1.0})
inner = Bar(2, interval=0)
inner.step(2); inner.finish({"inner": 1.0})
outer.step(4); outer.finish({"outer": 1.0})
"""
    lines = Screen(in_terminal(script)).lines
    assert "outer" in lines[0] and "inner" in lines[1] and "outer" in lines[2] and lines[3:] == [""]


def test_exceptions_begin_their_own_line():
    script = """
from keratin.training import progress

@progress.tidy
def work():
    bar = progress.Bar(4, interval=0)
    bar.step(1); bar.draw({})
    raise KeyError("lost")

try:
    work()
except KeyError as error:
    print("KeyError", error)
"""
    lines = Screen(in_terminal(script)).lines
    assert lines[0].startswith("1/4") and lines[1] == "KeyError 'lost'"


def test_terminal_without_the_characters():
    written = in_terminal(training(epochs=1, pause=0.03), PYTHONIOENCODING="ascii")
    assert written.isascii() and "=" in written and "| 0:0" in written


# ---- files, pipes, loggers, notebooks


@pytest.mark.parametrize("verbose", [1, 2])
def test_pipe_gets_one_line_per_epoch(verbose):
    written = through_pipe(training(verbose=verbose))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f━─╸]", written)
    lines = written.splitlines()
    assert len(lines) == 3 and lines[2] == "after"
    for number, line in enumerate(lines[:2]):
        start = rf"Epoch {number + 1}/2 - 10/10 - \d+ms - \S+/step"
        values = r" - loss: 0\.1000 - accuracy: 0\.5000 - val_loss: 1\.2000e-04"
        assert re.fullmatch(start + values, line), line


def test_verbose_2_in_a_terminal():
    assert "\r" not in in_terminal(training(verbose=2)).replace("\r\n", "\n")


def test_verbose_0_says_nothing():
    assert through_pipe(training(verbose=0)) == "after\n"
    assert in_terminal(training(verbose=0)) == "after\r\n"


def test_one_epoch_has_no_title():
    assert through_pipe(training(epochs=1)).startswith("10/10 - ")
    assert "Epoch" not in in_terminal(training(epochs=1))


def test_unknown_number_of_steps():
    screen = Screen(in_terminal(training(steps=None, pause=0.03), columns=100), columns=100)
    assert any(re.match(r"\d+/\? \d+ samples/s · 0:0\d elapsed - loss", state) for state in screen.states), (
        screen.states
    )
    assert screen.lines[1].startswith("10/10 ")
    second = screen.states[screen.states.index("Epoch 2/2") :]
    assert any("/10 " in state and "left" in state for state in second)  # it knows now
    assert through_pipe(training(steps=None)).count("10/10") == 2


def test_pipe_without_the_characters():
    script = "from keratin.training.progress import Bar\nbar = Bar(2)\nbar.step(2)\nbar.finish({'µ': 1.0})"
    assert through_pipe(script, PYTHONIOENCODING="ascii").isascii()


def test_logger(caplog):
    config.disable_interactive_logging()
    try:
        with caplog.at_level(logging.INFO, "keratin"):
            bar = Bar(2, title="Epoch 1/1")
            bar.step(2)
            bar.finish({"loss": 0.5})
            progress.message("done")
    finally:
        config.enable_interactive_logging()
    assert re.fullmatch(r"Epoch 1/1 - 2/2 - \S+ - \S+/step - loss: 0.5000", caplog.messages[0])
    assert caplog.messages[1] == "done"


def test_notebook(monkeypatch):
    class OutStream(io.StringIO):
        pass

    OutStream.__module__ = "ipykernel.iostream"
    stream = OutStream()
    monkeypatch.setattr(sys, "stdout", stream)
    bar = Bar(2, interval=0, title="Epoch 1/1")
    bar.step(1)
    bar.draw({"loss": 1.0, "long": 3.0})
    bar.step(2)
    bar.finish({"loss": 0.5})
    written = stream.getvalue()
    assert "\x1b" not in written and "\r" in written
    screen = Screen(written, columns=1000)
    assert screen.lines[0] == "Epoch 1/1" and "long" not in screen.lines[1] and screen.lines[2:] == [""]


def test_no_standard_output(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    bar = Bar(2)
    bar.step(2)
    bar.draw({})
    bar.finish({})
    progress.message("nobody hears this")


# ---- numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345678, "0.1235"),
        (12.0, "12.0000"),
        (1e-3, "1.0000e-03"),
        (-5e-5, "-5.0000e-05"),
        (0, "0.0000e+00"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (np.float32(0.5), "0.5000"),
        (np.array([1.0, 2.0]), "1.5000"),
        ("text", "text"),
        (None, "None"),
    ],
)
def test_numbers(value, text):
    assert progress._number(value) == text


@pytest.mark.parametrize(
    ("seconds", "clock", "duration", "step"),
    [
        (0.000012, "0:00", "0ms", "12µs"),
        (0.0042, "0:00", "4ms", "4.2ms"),
        (0.25, "0:00", "250ms", "250ms"),
        (3.14, "0:03", "3.1s", "3.1s"),
        (42, "0:42", "42s", "42s"),
        (59.7, "1:00", "1:00", "60s"),
        (3725, "1:02:05", "1:02:05", "3725s"),
    ],
)
def test_times(seconds, clock, duration, step):
    got = progress._clock(seconds), progress._duration(seconds), progress._step_time(seconds)
    assert got == (clock, duration, step)


@pytest.mark.parametrize(
    ("rate", "text"), [(0.5, "0.5"), (99.4, "99.4"), (870, "870"), (1234, "1.2k"), (5.6e6, "5.6M"), (7e9, "7.0G")]
)
def test_rates(rate, text):
    assert progress._short(rate) == text


# ---- Progbar


def shown(capsys):
    return dict(re.findall(r" - (\w+): (\S+)", capsys.readouterr().out))


def test_progbar_averages_over_steps(capsys):
    bar = Progbar(10, verbose=2, stateful_metrics=["last"])
    bar.update(4, [("mean", 1.0), ("last", 1.0)])
    bar.add(4, [("mean", 3.0), ("last", 3.0)])
    assert bar.averages() == {"mean": 2.0, "last": 3.0}
    bar.update(10, [("last", 5.0)])
    assert shown(capsys) == {"mean": "2.0000", "last": "5.0000"}


@pytest.mark.parametrize("names", [{}, {"stateful_metrics": ["a"]}, {"stateless_metrics": ["a"]}])
def test_progbar_shows_what_keras_shows(capsys, names):
    keras_progbar = pytest.importorskip("keras.src.utils.progbar").Progbar
    rng = np.random.default_rng(3)
    steps = [(current, rng.uniform(0, 2), rng.uniform(0, 1e-3)) for current in (1, 3, 4, 8)]
    results = []
    for kind in (keras_progbar, Progbar):
        bar = kind(9, verbose=2, **names)
        for current, a, b in steps:
            bar.update(current, [("a", a), ("b", b)])
        bar.update(9, [("c", 0.5)], finalize=True)
        results.append(shown(capsys))
    assert results[0] == results[1] and set(results[0]) == {"a", "b", "c"}


def test_progbar_counts_and_ends(capsys):
    bar = Progbar(3, unit_name="file")
    for _ in range(3):
        bar.add(1)
    assert re.fullmatch(r"3/3 - \S+ - \S+/file\n", capsys.readouterr().out)
    unknown = Progbar(None)
    unknown.update(5)
    assert capsys.readouterr().out == ""
    unknown.update(7, finalize=True)
    assert capsys.readouterr().out.startswith("7/7 - ")


def test_progbar_takes_one_list_of_names():
    with pytest.raises(ArgumentError, match="Only one of"):
        Progbar(3, stateful_metrics=[], stateless_metrics=[])


def test_progbar_in_a_terminal():
    script = """
import time
from keratin.utils import Progbar
bar = Progbar(5, width=10, interval=0)
for step in range(5):
    time.sleep(0.01)
    bar.update(step + 1, [("loss", step)])
"""
    lines = Screen(in_terminal(script)).lines
    assert re.fullmatch(r"5/5 ━{10} \d+ms \S+ms/step - loss: 4.0000", lines[0]) and lines[1] == ""
