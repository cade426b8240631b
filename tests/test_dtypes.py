"""Names of dtypes and how they promote."""

from __future__ import annotations

import itertools
import os
import pathlib
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest

from keratin import config, dtypes
from keratin.errors import DtypeError

NUMBERS = [name for name in dtypes.ALLOWED if name not in ("string", "int4", "uint4")]
# Written down from "Type promotion semantics" in JAX's documentation.
EXAMPLES = [
    ("bool", "uint8", "uint8"),
    ("uint8", "int8", "int16"),
    ("uint16", "int8", "int32"),
    ("uint32", "int32", "int64"),
    ("uint64", "int64", "float32"),
    ("int32", "float16", "float16"),
    ("int64", "bfloat16", "bfloat16"),
    ("float16", "bfloat16", "float32"),
    ("float32", "float64", "float64"),
    ("float64", "complex64", "complex128"),
]


@pytest.mark.parametrize(("a", "b", "expected"), EXAMPLES)
def test_pairs(a: str, b: str, expected: str) -> None:
    assert dtypes.result_type(a, b) == dtypes.result_type(b, a) == expected


@pytest.mark.parametrize("name", NUMBERS)
def test_python_numbers_are_weak(name: str) -> None:
    assert dtypes.result_type(name, bool) == name
    assert dtypes.result_type(name, int) == ("int32" if name == "bool" else name)
    kept = name in dtypes.FLOAT or name in dtypes.COMPLEX
    assert dtypes.result_type(name, float) == (name if kept else "float32")
    assert dtypes.to_float(name) == dtypes.result_type(name, float)


@pytest.mark.once
def test_keras_agrees_on_all_pairs_and_triples() -> None:
    backend = pytest.importorskip("keras").backend
    names = [*(n for n in NUMBERS if n not in dtypes.COMPLEX), bool, int, float]
    wrong = []
    for group in (*itertools.product(names, repeat=2), *itertools.combinations(names, 3)):
        # float8 goes no further in Keras, and int64 counts as 32 bits there with JAX
        if any(name in dtypes.FLOAT8 for name in group) or any("64" in str(name) for name in group):
            continue
        found, right = dtypes.result_type(*group), backend.result_type(*group)
        if found != right and "64" not in found:
            wrong.append((group, found, right))
    assert wrong == []


def test_laws() -> None:
    for a, b in itertools.product(NUMBERS, repeat=2):
        joined = _joined(a, b)
        assert joined == _joined(b, a)
        assert _joined(a, a) == a
        if joined is not None and a not in dtypes.FLOAT8 and b not in dtypes.FLOAT8:
            assert _joined(joined, a) == joined
    for a, b, c in itertools.combinations([n for n in NUMBERS if n not in dtypes.FLOAT8], 3):
        assert dtypes.result_type(a, b, c) == dtypes.result_type(c, a, b)


def _joined(a: str, b: str) -> str | None:
    try:
        return dtypes.result_type(a, b)
    except DtypeError:
        return None


def test_no_common_dtype() -> None:
    with pytest.raises(DtypeError, match="Strings and numbers"):
        dtypes.result_type("string", "int32")
    assert dtypes.result_type("string", "string") == "string"
    assert dtypes.result_type() == "float32"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "float32"),
        (float, "float32"),
        ("float", "float32"),
        (int, "int32"),
        ("int", "int32"),
        (bool, "bool"),
        (complex, "complex64"),
        (str, "string"),
        (np.float16, "float16"),
        (np.dtype("int8"), "int8"),
        (np.bool_, "bool"),
        (np.dtype("<U3"), "string"),
        (ml_dtypes.bfloat16, "bfloat16"),
        (np.dtype(ml_dtypes.float8_e4m3fn), "float8_e4m3fn"),
        ("uint4", "uint4"),
    ],
)
def test_standardize(given, expected: str) -> None:
    assert dtypes.standardize(given) == expected


@pytest.mark.parametrize("bad", ["float31", 3, [], {}, "Float32"])
def test_standardize_refuses(bad) -> None:
    with pytest.raises(DtypeError, match=r"no such dtype[\s\S]*float32"):
        dtypes.standardize(bad)


def test_floatx_decides_for_python_floats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config.settings, "floatx", "float16")
    assert dtypes.standardize(None) == dtypes.standardize(float) == "float16"
    assert dtypes.result_type("int32", float) == dtypes.to_float("int8") == "float16"
    assert dtypes.result_type("float32", float) == "float32"


def test_kinds_and_sizes() -> None:
    assert dtypes.is_float("bfloat16") and not dtypes.is_float("int8")
    assert dtypes.is_integer("uint4") and not dtypes.is_integer("bool")
    assert dtypes.is_complex("complex64") and not dtypes.is_complex("float64")
    for name in NUMBERS:
        assert dtypes.size_in_bytes(name) == dtypes.numpy_dtype(name).itemsize
        assert dtypes.standardize(dtypes.numpy_dtype(name)) == name
    assert dtypes.size_in_bytes("int4") == 0.5
    assert dtypes.names_of([np.zeros(1, np.int8), np.zeros(1)]) == ["int8", "float64"]


@pytest.mark.once
def test_names_need_no_backend() -> None:
    code = (
        "import sys; from keratin import dtypes, shapes; dtypes.result_type('int8', float); print('jax' in sys.modules)"
    )
    root = pathlib.Path(__file__).parent.parent
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=os.environ, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"
