"""The choice of a backend: where it comes from, what happens without one, and that nothing else names an engine."""

from __future__ import annotations

import ast
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import keratin
from keratin import layers, ops
from keratin.backends import select
from keratin.errors import BackendError, DtypeError

PACKAGE = pathlib.Path(keratin.__file__).parent
MAY_NAME_ENGINES = ("backends", "export", "distribution", "data/adapters.py", "saving/checkpoints")
ENGINES = {"jax", "jaxlib", "torch", "tensorflow", "tf", "jnp"}


def in_process(code: str, **environment: str) -> str:
    """What a new process prints."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("KERATIN_BACKEND", "KERAS_BACKEND")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=inherited | environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


NAME = "import keratin; print(keratin.backend.backend())"


@pytest.mark.once
def test_where_the_name_comes_from(tmp_path: pathlib.Path):
    home = {"KERATIN_HOME": str(tmp_path)}
    assert in_process(NAME, **home) == "jax"
    assert in_process(NAME, KERAS_BACKEND="numpy", **home) == "numpy"
    assert in_process(NAME, KERAS_BACKEND="torch", KERATIN_BACKEND="numpy", **home) == "numpy"
    (tmp_path / "keratin.json").write_text('{"backend": "tensorflow"}')
    assert in_process(NAME, **home) == "tensorflow"
    assert in_process(NAME, KERAS_BACKEND="numpy", **home) == "numpy"


@pytest.mark.once
def test_the_name_starts_nothing():
    code = f"import sys; {NAME}; print([m for m in ('jax', 'torch', 'tensorflow') if m in sys.modules])"
    assert in_process(code, KERATIN_BACKEND="torch").split("\n") == ["torch", "[]"]


@pytest.mark.once
@pytest.mark.parametrize("name", ["jax", "torch", "tensorflow"])
def test_a_backend_that_is_not_installed(name: str):
    code = f"""
import sys
sys.modules["{name}"] = None
import keratin
try:
    keratin.ops.add(1, 2)
except keratin.backends.select.BackendError as error:
    print(error)
"""
    message = in_process(code, KERATIN_BACKEND=name)
    assert f"The backend `{name}` is not installed." in message and f"pip install {name}" in message


@pytest.mark.once
def test_a_backend_that_does_not_exist():
    code = """
import keratin
try:
    keratin.layers.Dense(1)
except keratin.backends.select.BackendError as error:
    print(error)
"""
    message = in_process(code, KERATIN_BACKEND="theano")
    assert "no such backend" in message and "theano" in message and "jax or numpy or torch" in message


@pytest.mark.once
def test_numpy_predicts_with_no_engine_loaded():
    code = """
import sys
import numpy as np, keratin
from keratin import layers
model = keratin.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(),
                            layers.Flatten(), layers.BatchNormalization(), layers.Dense(3, activation="softmax")])
print(model.predict(np.ones((2, 8, 8, 1)), verbose=0).sum().round(4),
      [m for m in ("jax", "torch", "tensorflow") if m in sys.modules])
"""
    assert in_process(code, KERATIN_BACKEND="numpy") == "2.0 []"


@pytest.mark.once
def test_one_process_has_one_backend():
    code = """
import keratin
from keratin.backends import select
select.set_backend("numpy")
print(keratin.backend.backend(), type(keratin.ops.add(1, 2)).__module__)
select.set_backend("numpy")
try:
    select.set_backend("torch")
except select.BackendError as error:
    print(error)
"""
    lines = in_process(code)
    assert lines.startswith("numpy numpy") and "KERATIN_BACKEND=torch" in lines and "in use" in lines


def foreign_tensors() -> list[tuple[str, object, object]]:
    """Tensors of the other engines: the name, one that can be read, one whose gradient is followed (or None)."""
    found: list[tuple[str, object, object]] = []
    here = select.backend_name()
    if here != "jax":
        jnp = pytest.importorskip("jax.numpy")
        found.append(("jax", jnp.arange(6.0).reshape(2, 3), None))
    if here != "torch":
        torch = pytest.importorskip("torch")
        found.append(("torch", torch.arange(6.0).reshape(2, 3), torch.ones(2, 3, requires_grad=True)))
    return found


def test_tensors_of_other_engines_are_read():
    for _, plain, _ in foreign_tensors():
        assert np.asarray(ops.add(plain, 1.0)).tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
        layer = layers.Dense(2)
        assert tuple(layer(plain).shape) == (2, 2)
        assert np.asarray(keratin.Variable(plain)).tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_a_tensor_read_from_another_engine_is_a_copy():
    for name, _, followed in foreign_tensors():
        if name == "torch":
            source = followed.detach().clone()  # type: ignore[attr-defined]
            copy = ops.convert_to_tensor(source)
            source.fill_(5.0)
            assert np.asarray(copy).tolist() == [[1.0] * 3] * 2


def test_a_gradient_is_not_lost_silently():
    for name, _, followed in foreign_tensors():
        if followed is not None:
            with pytest.raises(DtypeError, match=f"`{name}` cannot be read (?s:.*)detach"):
                ops.add(followed, 1.0)


def test_what_a_backend_lacks_is_said():
    if select.current().has_gradients:
        model = keratin.Sequential([layers.Dense(1)])
        model.compile("sgd", "mse")
        assert np.isfinite(model.train_on_batch(np.ones((2, 3)), np.ones((2, 1))))
        return
    model = keratin.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(BackendError, match="no gradients(?s:.*)KERATIN_BACKEND=jax"):
        model.fit(np.ones((2, 3)), np.ones((2, 1)), verbose=0)


@pytest.mark.once
def test_nothing_else_names_an_engine():
    """Code, not comments or docstrings: imports, names, attributes, and strings that are an engine's name."""
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        place = file.relative_to(PACKAGE).as_posix()
        if not place.startswith(MAY_NAME_ENGINES):
            module = ast.parse(file.read_text())
            found += [f"{place}:{line}: {name}" for line, name in sorted(_names(module)) if _engine(name)]
    assert found == []


def _engine(name: str) -> bool:
    return name.lower().split(".")[0] in ENGINES


def _names(module: ast.Module) -> set[tuple[int, str]]:
    found: set[tuple[int, str]] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {(node.lineno, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.lineno, node.module or ""))
        elif isinstance(node, ast.Name):
            found.add((node.lineno, node.id))
        elif isinstance(node, ast.Attribute):
            found.add((node.lineno, node.attr))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 30:
            found.add((node.lineno, node.value))
    return found
