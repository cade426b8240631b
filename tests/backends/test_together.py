"""All backends give the same: initial weights from a seed, a training curve, and predictions of one another's files."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from keratin.backends import select

pytestmark = pytest.mark.once

SCRIPT = pathlib.Path(__file__).with_name("one_backend.py")
BACKENDS = [name for name in select.BACKENDS if importlib.util.find_spec(name)]
TRAINING = [name for name in BACKENDS if name != "numpy"]


def run(what: str, folder: pathlib.Path) -> None:
    """Run the script on all backends, two at a time."""
    waiting = list(BACKENDS)
    while waiting:
        started = [
            subprocess.Popen(
                [sys.executable, str(SCRIPT), what, str(folder)],
                env={**os.environ, "KERATIN_BACKEND": name},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for name in (waiting.pop(0) for _ in range(min(2, len(waiting))))
        ]
        for process in started:
            output, _ = process.communicate(timeout=240)
            assert process.returncode == 0, output[-3000:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    place = tmp_path_factory.mktemp("backends")
    run("make", place)
    run("load", place)
    return place


def results(folder: pathlib.Path, name: str) -> dict[str, np.ndarray]:
    with np.load(folder / f"{name}.npz") as file:
        return dict(file)


@pytest.mark.parametrize("name", [n for n in BACKENDS if n != "jax"])
def test_the_same_seed_gives_the_same_weights(folder: pathlib.Path, name: str):
    ours, jax = results(folder, name), results(folder, "jax")
    starts = [key for key in jax if key.startswith("start")]
    assert len(starts) == 14
    for key in starts:
        np.testing.assert_array_equal(ours[key], jax[key], err_msg=key)
    np.testing.assert_allclose(ours["first"], jax["first"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [n for n in TRAINING if n != "jax"])
def test_twenty_steps_end_at_the_same_weights(folder: pathlib.Path, name: str):
    ours, jax = results(folder, name), results(folder, "jax")
    for key in (key for key in jax if key.startswith("end")):
        np.testing.assert_allclose(ours[key], jax[key], rtol=1e-4, atol=1e-4, err_msg=key)
    for key in (key for key in jax if key.startswith("curve")):
        np.testing.assert_allclose(ours[key], jax[key], rtol=1e-3, err_msg=key)
        assert jax[key][-1] < jax[key][0]


@pytest.mark.parametrize("reader", BACKENDS)
def test_each_loads_what_the_others_saved(folder: pathlib.Path, reader: str):
    read = results(folder, f"loaded_by_{reader}")
    assert sorted(read) == sorted(BACKENDS)
    for writer in TRAINING:
        np.testing.assert_allclose(read[writer], results(folder, "loaded_by_jax")[writer], rtol=1e-3, atol=1e-4)
