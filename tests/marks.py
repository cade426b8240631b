"""Marks and helpers that several tests share."""

import importlib
from typing import Any

import pytest

import keratin

BACKEND = keratin.backend.backend()
needs_gradients = pytest.mark.skipif(BACKEND == "numpy", reason="the NumPy backend has no gradients")
needs_jax = pytest.mark.skipif(BACKEND != "jax", reason="uses JAX's functions directly")


def engine_functions() -> Any:
    """The module of the engine in use that has `sin`, `ones`, `concatenate` and the like."""
    return importlib.import_module(
        {"jax": "jax.numpy", "numpy": "numpy", "torch": "torch", "tensorflow": "tensorflow.experimental.numpy"}[BACKEND]
    )
