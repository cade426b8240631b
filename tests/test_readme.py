"""The examples of README.md and CONTRIBUTING.md run as they are written, and what the README names exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import keratin as keras

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLES = CODE.findall(README)


@pytest.mark.trains
@pytest.mark.parametrize("source", EXAMPLES, ids=[f"example{i}" for i in range(len(EXAMPLES))])
def test_example_runs(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": "readme"}
    exec(compile(source, str(ROOT / "README.md"), "exec"), names)
    if "accuracy" in names:
        assert names["accuracy"] > 0.85
        assert "digits are read correctly" in capsys.readouterr().out
    if "weight" in names:
        assert abs(float(names["weight"]) - 5.0) < 1e-3


def test_the_first_example_is_about_twenty_lines() -> None:
    lines = [line for line in EXAMPLES[0].splitlines() if line.strip()]
    assert len(lines) <= 20


def test_the_op_and_the_layer_of_the_guide_work() -> None:
    op_source, layer_source = CODE.findall(CONTRIBUTING)
    names: dict[str, Any] = {"__name__": "guide"}
    exec(compile(op_source, "CONTRIBUTING.md", "exec"), names)
    exec(compile(layer_source, "CONTRIBUTING.md", "exec"), names)
    soft_clip, scale = names["soft_clip"], names["Scale"](initializer="zeros")

    x = np.array([-1e30, 0.0, 1.0], "float32")
    np.testing.assert_allclose(keras.ops.convert_to_numpy(soft_clip(x, 2.0)), 2 * np.tanh(x / 2), rtol=1e-6)
    inputs = keras.Input((3,))
    model = keras.Model(inputs, soft_clip(scale(inputs), limit=2.0))
    assert model.output_shape == (None, 3)
    assert not model.predict(np.ones((2, 3), "float32"), verbose=0).any()
    assert scale.get_config()["initializer"]["class_name"] == "Zeros"


@pytest.mark.once
def test_named_commands_and_files_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", README)) <= targets
    for path in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / path).exists(), path
