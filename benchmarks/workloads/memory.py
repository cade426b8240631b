"""Memory of `fit`: the most that a fresh process holds while it trains on arrays of 191 MiB."""

import resource  # Unix only, as is this row
import sys

from benchmarks import data, fresh, models
from benchmarks.contenders import Contender
from benchmarks.registry import quicker, within, workload
from benchmarks.timing import Round

ROWS = 64_000
MIB = 2.0**20
SCRIPT = "from benchmarks.workloads import memory; memory.fit({name!r})"


@workload(
    "peak memory of a process that fits the mlp on 191 MiB",
    within(1.1, on="torch"), quicker(1, on="tensorflow"), unit="MiB", slow=True,
)  # fmt: skip
def memory(contender: Contender) -> Round:
    """All of it: interpreter, package, engine, data, and what `fit` adds."""
    return lambda: float(fresh.run(SCRIPT.format(name=contender.name), contender))


def fit(name: str) -> None:
    """Train for one epoch and print the peak in MiB; runs in the fresh process."""
    contender = Contender.parse(name)
    model = models.mlp(contender.load())
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **contender.compile_options)
    x, y = data.classification(ROWS, (784,))
    model.fit(x, y, batch_size=128, epochs=1, verbose=0)
    print(peak())


def peak() -> float:
    """The most that this process has held, in MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB
