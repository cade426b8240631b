"""What fresh processes do with PyTorch alone: the import, the first step of the cnn, the memory of a training.

This module does not import PyTorch, so that the worker, which starts those processes, does not either.
"""

import tempfile
from time import perf_counter

from benchmarks import fresh
from benchmarks.contenders import Contender
from benchmarks.timing import Round
from benchmarks.workloads import startup

FIRST_STEP = "from benchmarks.bare import torch_fresh; torch_fresh.first_step()"
MEMORY = "from benchmarks.bare import torch_fresh; torch_fresh.memory()"


def import_engine(contender: Contender) -> Round:
    """`import torch`."""
    return lambda: float(fresh.run(startup.IMPORT.format(package="torch"), contender).split()[0])


def first_step(contender: Contender) -> Round:
    """The wall time of a process that trains the cnn on one batch."""

    def measure() -> float:
        with tempfile.TemporaryDirectory() as home:
            start = perf_counter()
            fresh.run(FIRST_STEP, contender, home)
            return perf_counter() - start

    return measure


def memory(contender: Contender) -> Round:
    """The peak in MiB of a process that trains the mlp for an epoch."""
    return lambda: float(fresh.run(MEMORY, contender))
