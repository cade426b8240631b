"""Time from nothing: `import`, and the first training step of a fresh process."""

import tempfile
from time import perf_counter

from benchmarks import data, fresh, models
from benchmarks.contenders import Contender
from benchmarks.registry import at_most, quicker, within, workload
from benchmarks.timing import Round
from benchmarks.workloads.training import CNN_BATCH

IMPORT = """
from time import perf_counter
start = perf_counter()
import {package}
elapsed = perf_counter() - start
import sys
print(elapsed, sum(engine in sys.modules for engine in ("jax", "torch", "tensorflow")))
"""
IMPORT_LAYERS = IMPORT.replace("import {package}", "import {package}; {package}.Sequential, {package}.layers.Dense")
FIRST_STEP = "from benchmarks.workloads import startup; startup.first_step_of({name!r})"


@workload(
    "import in a fresh process",
    quicker(8), within(1.1, on="torch"), quicker(1, on="tensorflow"), unit="s", slow=True, name="import",
)  # fmt: skip
def import_package(contender: Contender) -> Round:
    """The import statement in a process that has imported nothing else."""
    return lambda: _import(contender, IMPORT)[0]


@workload(
    "import, Sequential and layers.Dense named, in a fresh process",
    quicker(1, on="tensorflow"), unit="s", slow=True,
)  # fmt: skip
def import_layers(contender: Contender) -> Round:
    """The import and what it may have left for the first use of a layer."""
    return lambda: _import(contender, IMPORT_LAYERS)[0]


@workload(
    "engines (jax, torch, tensorflow) loaded by the import",
    at_most(0), at_most(0, on="torch"), at_most(0, on="tensorflow"), unit="engines", slow=True,
)  # fmt: skip
def import_engines(contender: Contender) -> Round:
    """How many engines a program pays for before it needs one."""
    return lambda: _import(contender, IMPORT)[1]


@workload(
    "first step of the cnn, cold: start, import, build, compile, fit one batch",
    within(1.1, on="torch"), quicker(1, on="tensorflow"), unit="s", slow=True,
)  # fmt: skip
def first_step(contender: Contender) -> Round:
    """The wall time of a fresh process with an empty home folder, so with no compile cache."""

    def measure() -> float:
        with tempfile.TemporaryDirectory() as home:
            return _first_step_seconds(contender, home)

    return measure


@workload(
    "the same, second run: with what the first one cached", quicker(1, on="tensorflow"), unit="s", slow=True
)  # fmt: skip
def first_step_again(contender: Contender) -> Round:
    """As `first_step` in a home folder that an earlier run has used; nothing but the package's defaults is set."""
    home = tempfile.TemporaryDirectory()
    return lambda: _first_step_seconds(contender, home.name)


def first_step_of(name: str) -> None:
    """Train the cnn on one batch; runs in the fresh process."""
    model = models.cnn(Contender.parse(name).load())
    model.compile("adam", "sparse_categorical_crossentropy", **Contender.parse(name).compile_options)
    x, y = data.classification(CNN_BATCH, (28, 28, 1))
    model.fit(x, y, batch_size=CNN_BATCH, epochs=1, verbose=0)


def _import(contender: Contender, script: str) -> tuple[float, float]:
    seconds, engines = fresh.run(script.format(package=contender.package), contender).split()
    return float(seconds), float(engines)


def _first_step_seconds(contender: Contender, home: str) -> float:
    start = perf_counter()
    fresh.run(FIRST_STEP.format(name=contender.name), contender, home)
    return perf_counter() - start
