"""Keras and Keratin read each other's files, with equal outputs, optimizer state and paths."""

import importlib.util
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import keratin
from keratin.saving.weights import SEEDS

HERE = Path(__file__).parent
pytestmark = [pytest.mark.once, pytest.mark.trains]


def _both():
    spec = importlib.util.spec_from_file_location("both", HERE / "both.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


both = _both()


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    """Both sides write and read: the folder, and a function of a model's name that gives what Keras's side reported."""
    folder = tmp_path_factory.mktemp("exchange")
    for name in both.MODELS:
        model, x = both.trained(keratin, name)
        model.save(folder / f"{name}.keratin.keras")
        model.save_weights(folder / f"{name}.keratin.weights.h5")
        np.savez(folder / f"{name}.keratin.npz", *both.outputs(model, x))
    environment = {**os.environ, "KERAS_BACKEND": "jax", "KERAS_HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, HERE / "keras_side.py", folder],
        env=environment,
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return folder, lambda name: json.loads((folder / f"{name}.json").read_text())


def arrays(path):
    with np.load(path) as file:
        return [file[key] for key in sorted(file.files)]


def tolerance(name):
    return {"rtol": 2e-2, "atol": 2e-2} if name == "half" else {"rtol": 1e-5, "atol": 1e-5}


def described(item):
    """Shape, dtype and the dtype's name in the attributes of an array; of a group whether it says its object's name."""
    if isinstance(item, h5py.Group):
        return ["name" in item.attrs]
    return [*item.shape, str(item.dtype), item.attrs.get("dtype")]


def tensors(content):
    found = {}
    with h5py.File(content) as file:
        file.visititems(lambda n, o: found.update({n: described(o)}))
    return found


@pytest.mark.parametrize("name", both.MODELS)
def test_keras_reads_what_keratin_writes(exchange, name):
    folder, report = exchange
    read = report(name)["read"]
    assert "error" not in read, read["error"]
    for key in ("outputs", "from_weights"):
        for ours, theirs in zip(arrays(folder / f"{name}.keratin.npz"), read[key], strict=True):
            np.testing.assert_allclose(theirs, ours, **tolerance(name))
    model = keratin.saving.load_model(folder / f"{name}.keratin.keras")
    if read["optimizer"] is not None:
        assert int(model.optimizer.iterations) == 1
        for ours, theirs in zip(model.optimizer.variables, read["optimizer"], strict=True):
            np.testing.assert_allclose(theirs, ours.numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", both.MODELS)
def test_keratin_reads_what_keras_writes(exchange, name):
    folder, report = exchange
    assert "error" not in report(name)["wrote"], report(name)["wrote"]["error"]
    x, expected = both.MODELS[name][1](), arrays(folder / f"{name}.keras.npz")
    loaded = keratin.saving.load_model(folder / f"{name}.keras.keras")
    fresh = both.MODELS[name][0](keratin)
    both.outputs(fresh, x)
    fresh.load_weights(folder / f"{name}.keras.weights.h5")
    for model in (loaded, fresh):
        for ours, theirs in zip(both.outputs(model, x), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, **tolerance(name))


@pytest.mark.parametrize("name", both.MODELS)
def test_paths_and_shapes_are_those_of_keras(exchange, name):
    folder, _ = exchange
    ours = tensors(folder / f"{name}.keratin.weights.h5")
    theirs = tensors(folder / f"{name}.keras.weights.h5")
    assert {n: s for n, s in ours.items() if not n.startswith(SEEDS)} == theirs


@pytest.mark.parametrize("name", [n for n, (_, _, optimizer) in both.MODELS.items() if optimizer])
def test_the_optimizers_variables_stand_in_keras_order(exchange, name):
    folder, report = exchange
    model = keratin.saving.load_model(folder / f"{name}.keras.keras")
    with h5py.File(folder / f"{name}.keras.weights.h5") as file:
        stored = [file[f"optimizer/vars/{i}"][()] for i in range(len(file["optimizer/vars"]))]
    for ours, theirs in zip(model.optimizer.variables, stored, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs)
    slots = [path.split("/")[-1].rsplit("_", 1)[0] for path in report(name)["wrote"]["optimizer"]][2:]
    order = list(dict.fromkeys(slots))
    mine = list(dict.fromkeys(v.name.rsplit("_", 1)[0] for v in model.optimizer.variables[2:]))
    assert len(order) == len(mine) == len(model.trainable_variables)


@pytest.mark.parametrize("name", ["functional", "subclassed", "embedding"])  # the other has random numbers in it
def test_the_next_step_is_that_of_keras(exchange, name):
    folder, _ = exchange
    model, expected = (keratin.saving.load_model(folder / f"{name}.keras.keras") for _ in range(2))
    both.step(model, both.MODELS[name][1]())
    expected.load_weights(folder / f"{name}.next.weights.h5")
    assert int(expected.optimizer.iterations) == 2
    pairs = [(model.weights, expected.weights), (model.optimizer.variables, expected.optimizer.variables)]
    for ours, theirs in pairs:
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-4, atol=1e-4, err_msg=one.path)


def test_the_archive_has_keras_members_and_the_seeds_group(exchange):
    folder, _ = exchange
    with (
        zipfile.ZipFile(folder / "sequential.keratin.keras") as ours,
        zipfile.ZipFile(folder / "sequential.keras.keras") as theirs,
    ):
        assert ours.namelist() == theirs.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        content = tensors(io.BytesIO(ours.read("model.weights.h5")))
        assert [n for n in content if n.startswith(SEEDS) and len(content[n]) > 1] == [
            f"{SEEDS}/layers/dropout/seed_generator/vars/0"
        ]
        assert set(json.loads(ours.read("metadata.json"))) == set(json.loads(theirs.read("metadata.json")))


def kinds(data, path=""):
    """What each object in a configuration says it is, by its place."""
    if isinstance(data, dict):
        own = {path: (data["module"], data["class_name"], data["registered_name"])} if "registered_name" in data else {}
        return {**own, **{k: v for key, value in data.items() for k, v in kinds(value, f"{path}/{key}").items()}}
    if isinstance(data, list):
        return {k: v for i, value in enumerate(data) for k, v in kinds(value, f"{path}/{i}").items()}
    return {}


@pytest.mark.parametrize("name", both.MODELS)
def test_objects_are_named_as_keras_names_them(exchange, name):
    folder, _ = exchange
    ours, theirs = (
        kinds(json.loads(zipfile.ZipFile(folder / f"{name}.{side}.keras").read("config.json")))
        for side in ("keratin", "keras")
    )
    assert {path: kind for path, kind in ours.items() if kind[0] not in (None, "both")} == {
        path: kind for path, kind in theirs.items() if kind[0] not in (None, "both")
    }
