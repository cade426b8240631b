"""The import of TensorFlow alone, in a fresh process."""

from benchmarks import fresh
from benchmarks.contenders import Contender
from benchmarks.timing import Round
from benchmarks.workloads import startup


def import_engine(contender: Contender) -> Round:
    """`import tensorflow`."""
    return lambda: float(fresh.run(startup.IMPORT.format(package="tensorflow"), contender).split()[0])
