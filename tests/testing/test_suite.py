"""The suite itself: wrong ops and layers fail, expected failures are told, results are written and read."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from keratin import layers, ops, testing
from keratin.testing import conformance
from keratin.testing.__main__ import main
from keratin.testing.check import Check, close
from keratin.testing.layers.rows import ROWS as LAYER_ROWS
from keratin.testing.ops.case import floating
from keratin.testing.ops.checks import KINDS

X = np.linspace(-1.5, 1.5, 6, dtype="float32").reshape(2, 3)


def good(x):
    return ops.tanh(x)


def test_a_right_op_passes_every_kind() -> None:
    errors = testing.check_op(good, [X], np.tanh, dtype=floating, edges=True)
    assert errors["value"] < 1e-6
    assert {"value", "edges", "dtype", "symbolic", "vmapped"} <= set(errors)


def wrong_value(x):
    return ops.tanh(x) * 1.001


def wrong_edges(x):
    return ops.where(ops.isnan(x), 0.0, ops.tanh(x))


def wrong_dtype(x):
    return ops.cast(ops.tanh(x), "float32")


def wrong_symbolic(x):
    return ops.reshape(ops.tanh(x), x.shape) if None not in x.shape else ops.tanh(x)[:1]


def wrong_gradient(x):
    return ops.stop_gradient(ops.tanh(x))


@pytest.mark.parametrize("kind", ["value", "edges", "dtype", "symbolic"])
def test_a_wrong_op_fails(kind: str) -> None:
    with pytest.raises(AssertionError, match=f"/{kind}: "):
        testing.check_op(globals()[f"wrong_{kind}"], [X], np.tanh, dtype=floating, edges=True)


@pytest.mark.trains
def test_a_wrong_gradient_fails() -> None:
    with pytest.raises(AssertionError, match=r"wrong_gradient/gradient: .*gradient 0 is wrong at 6 of 6 places"):
        testing.check_op(wrong_gradient, [X], np.tanh, dtype=floating)


@pytest.mark.trains
def test_a_wrong_tie_fails() -> None:
    with pytest.raises(AssertionError, match="/ties: "):
        testing.check_op(ops.nn.relu, [X], lambda x: np.maximum(x, 0), ties=[([[0.0]], [[0.5]])])


class Half(layers.Layer):
    """Half of the input, or another part of it."""

    def __init__(self, part=0.5, **kwargs):
        super().__init__(**kwargs)
        self.part = part

    def call(self, inputs):
        return ops.multiply(inputs, self.part)


def test_an_own_layer_passes() -> None:
    assert testing.check_layer(Half, {"part": 0.25}, (None, 3), output=(None, 3), weights=0)["shapes"] == 0


class Forgets(Half):
    """What is made of its configuration is another layer."""

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "part": 1.0})


def test_wrong_layers_fail() -> None:
    with pytest.raises(AssertionError, match="/shapes: .*The shape of the drawn output is wrong"):
        testing.check_layer(Half, {}, (None, 3), output=(None, 4), gradient=False)
    with pytest.raises(AssertionError, match="/weights: "):
        testing.check_layer(Half, {}, (None, 3), weights=1, gradient=False)
    with pytest.raises(AssertionError, match="/config: "):
        testing.check_layer(Forgets, {}, (None, 3), gradient=False)


def test_a_missing_requirement_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check("ops", "x", "x", "gradient", lambda: 0.0, "nothing_of_this_name")
    assert check.missing() == "the backend offers no `nothing_of_this_name`"
    assert testing.run([check]).results[0].outcome == "skipped"


def _fails() -> float:
    raise AssertionError("no")


CHECKS = [
    Check("ops", "right", "right", "value", lambda: 2e-7),
    Check("ops", "right", "right", "gradient", lambda: 3e-5),
    Check("ops", "wrong", "wrong", "value", _fails),
    Check("layers", "Known", "known", "config", _fails),
    Check("layers", "Mended", "mended", "config", lambda: 0.0),
]


def test_outcomes_and_files(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    expected = {"layers/known/config": "a reason", "layers/mended/config": "another"}
    monkeypatch.setattr("keratin.testing.runner.expected_failures", lambda: expected)
    finished = testing.run(CHECKS)
    assert [r.outcome for r in finished.results] == ["passed", "passed", "failed", "expected", "surprise"]
    assert [r.name for r in finished.bad] == ["ops/wrong/value", "layers/mended/config"]
    finished.write(tmp_path / "run.json")
    assert testing.Run.read(tmp_path / "run.json") == finished
    page = testing.table([finished, finished])
    assert "| `right` | 2.0e-07 · 3.0e-05 | 2.0e-07 · 3.0e-05 |" in page
    assert "**fails**: value" in page and "`layers/known/config`: a reason" in page


def test_parameters_for_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "expected_failures", lambda: {"layers/known/config": "a reason"})
    found = testing.parameters(CHECKS)
    assert [p.id for p in found] == ["right", "right", "wrong", "known", "mended"]
    assert [[m.name for m in p.marks] for p in found] == [[], [], [], ["xfail"], []]
    assert found[3].marks[0].kwargs == {"reason": "a reason", "strict": True}


def test_the_program(tmp_path, capsys) -> None:
    files = ["--json", str(tmp_path / "r.json"), "--markdown", str(tmp_path / "r.md")]
    assert main(["--family", "ops", "--subject", "tanh", "--kind", "value", *files]) == 0
    assert "tanh" in capsys.readouterr().out
    assert "| `tanh` |" in (tmp_path / "r.md").read_text()
    assert len(testing.Run.read(tmp_path / "r.json").results) == 1


def test_names_are_unique_and_expected_failures_exist() -> None:
    names = [check.name for check in testing.checks()]
    assert len(names) == len(set(names))
    assert set(testing.expected_failures()) <= set(names)


def test_every_kind_occurs() -> None:
    assert set(KINDS) - {"native"} <= {check.kind for check in testing.checks("ops")}
    assert len({row.layer for row in LAYER_ROWS}) > 60


@pytest.mark.once
def test_neither_keras_nor_test_tools_are_loaded() -> None:
    program = (
        "import sys, keratin.testing; keratin.testing.checks(); "
        "print({'keras', 'pytest', 'hypothesis'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "set()\n"


def test_errors_are_measured() -> None:
    assert close([1.0, 2.0], [1.0, 2.0], 0.0) == 0
    assert close([np.inf, np.nan], [np.inf, np.nan], 1e-6) == 0
    assert close([2.002], [2.0], 1e-2) == pytest.approx(1e-3)
    for found, right in (
        ([1.0], [np.nan]),
        ([np.inf], [1.0]),
        ([np.inf], [-np.inf]),
        ([1.0], [[1.0]]),
        ([1e-3], [0.0]),
    ):
        with pytest.raises(AssertionError):
            close(found, right, 1e-3, 1e-7)
