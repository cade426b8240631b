"""Where a round's Python time goes: `python -m benchmarks.profiling WORKLOAD [CONTENDER]`.

It runs the workload as its worker does, then one round under cProfile, and prints the functions with the most time of
their own.  `--engine DIRECTORY` also writes a trace of the JAX engine, which TensorBoard and Perfetto read.
"""

import argparse
import cProfile
import importlib
import os
import pstats
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks import worker
from benchmarks.contenders import Contender, limit_cores


def main() -> None:
    """Print the profile of one round."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiling", description=__doc__)
    parser.add_argument("workload")
    parser.add_argument("contender", nargs="?", type=Contender.parse, default="keratin-jax")
    parser.add_argument("--seconds", type=float, default=0.3, help="length of the round (default: %(default)s)")
    parser.add_argument("--sort", choices=("tottime", "cumtime", "ncalls"), default="tottime")
    parser.add_argument("--lines", type=int, default=30)
    parser.add_argument("--engine", type=Path, metavar="DIRECTORY")
    options = parser.parse_args()
    os.environ.update(options.contender.environment)  # before anything imports the contender
    limit_cores()
    measure = worker.prepare(options.workload, options.contender, options.seconds)
    print(f"{options.workload}, {options.contender.name}: {measure():.4g} without the profiler")
    profiler = cProfile.Profile()
    with _engine_trace(options.engine):
        profiler.runcall(measure)
    pstats.Stats(profiler).sort_stats(options.sort).print_stats(options.lines)


def _engine_trace(folder: Path | None) -> Any:
    return nullcontext() if folder is None else importlib.import_module("jax").profiler.trace(str(folder))


if __name__ == "__main__":
    main()
