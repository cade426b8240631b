"""Running a function of this package in a fresh Python process, with a home folder of the caller's choice."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.contenders import Contender

ROOT = Path(__file__).resolve().parent.parent


def run(script: str, contender: Contender, home: str | None = None) -> str:
    """Run `script` with `python -c` and return what it printed last.

    Args:
        script: Python code.
        contender: Whose backend the process uses.
        home: The folder in which packages keep what they cache; an empty one makes a cold start.

    Raises: RuntimeError with the end of the standard error if the process fails.
    """
    environment = os.environ | contender.environment
    if home is not None:
        caches = ("JAX_COMPILATION_CACHE_DIR", "KERAS_HOME", "KERATIN_HOME", "XDG_CACHE_HOME")
        environment = {key: value for key, value in environment.items() if key not in caches} | {"HOME": home}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"A fresh process failed with status {done.returncode}.\n{done.stderr[-3000:]}")
    return done.stdout.strip().rpartition("\n")[2]
