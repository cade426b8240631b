"""What every test starts from: the backend, a shared cache of compiled programs, few threads, and fixed seeds."""

from __future__ import annotations

import logging
import os
import random
from pathlib import Path
from typing import Any

# All of this is read when an engine starts, so it is set before anything imports one.
CACHE = Path(__file__).parent.parent / ".cache"
BACKEND = os.environ.setdefault("KERATIN_BACKEND", "jax")
os.environ.setdefault("KERAS_BACKEND", "jax")  # Keras is the oracle, always on the same backend
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it reports a missing GPU as an error
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("MPLBACKEND", "Agg")
# Several test processes share the machine; each takes its part of the cores. NPROC is what XLA reads.
# More threads than free cores cost PyTorch twenty times the time of a small step, as they wait for each other.
parts = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // parts))
for variable in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, threads)

import hypothesis
import numpy as np
import pytest

from keratin.backends import select

SEED = 1234


def _readable_tensors() -> None:
    """Let tests read any engine's tensor as they read a NumPy array: `np.asarray(x)`, `x.tolist()`.

    PyTorch refuses it for tensors that autograd follows, and TensorFlow has no `tolist`; users write
    `ops.convert_to_numpy(x)` there.
    """
    if BACKEND == "torch":
        import torch

        trace = logging.getLogger("torch.__trace")  # would tell pytest every step of every trace
        trace.propagate = True  # pytest adds handlers of its own to loggers that do not; without any, nothing is told
        trace.handlers.clear()

        def values(self: torch.Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
            array = select.current().to_host(self)
            return array if dtype is None else array.astype(dtype)

        torch.Tensor.__array__ = values  # type: ignore[method-assign]
    elif BACKEND == "tensorflow":
        import tensorflow

        tensorflow.Tensor.tolist = lambda self: self.numpy().tolist()


_readable_tensors()
WITHOUT_GRADIENTS = {"numpy"}

# The same examples in every run, and no time limit for one: the first may compile.
hypothesis.settings.register_profile("keratin", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("keratin")


def pytest_report_header() -> str:
    return f"keratin backend: {BACKEND}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if BACKEND in WITHOUT_GRADIENTS and item.get_closest_marker("trains"):
            item.add_marker(pytest.mark.skip(reason=f"the {BACKEND} backend has no gradients"))
        if BACKEND != "jax" and item.get_closest_marker("once"):
            item.add_marker(pytest.mark.skip(reason="does not depend on the backend; runs on jax"))


@pytest.fixture(autouse=True)
def fixed_seeds() -> None:
    """Start each test from the same seeds, whichever tests ran before it."""
    import keratin

    random.seed(SEED)
    np.random.seed(SEED)
    keratin.utils.set_random_seed(SEED)
