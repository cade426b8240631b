"""The workloads.  Importing this package fills the registry; it loads no engine and no contender."""

# The order of these imports is the order of the table.
# isort: off
from benchmarks.registry import WORKLOADS, implementation_of
from benchmarks.workloads import training, prediction, eager, building, startup, memory, tracing

# isort: on
__all__ = [
    "WORKLOADS", "implementation_of",
    "building", "eager", "memory", "prediction", "startup", "tracing", "training",
]  # fmt: skip
