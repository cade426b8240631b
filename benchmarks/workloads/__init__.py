"""The workloads.  Importing this package registers them; it loads no engine and no contender."""

from benchmarks.workloads import training, prediction, eager, building, startup, memory, tracing  # noqa: I001

# The order of the imports is the order of the table.
__all__ = ["building", "eager", "memory", "prediction", "startup", "tracing", "training"]
