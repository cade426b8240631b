"""Who takes part: a package on a backend, with settings; `bare` is code written by hand on that backend."""

import ast
import importlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

PACKAGES = ("keratin", "keras", "bare")
BACKENDS = ("jax", "torch", "tensorflow", "numpy")
THREADS = 2
BROUGHT_ALONG = {"tensorflow": {"keras"}}
"""Packages that the import of an engine imports by itself."""


@dataclass(frozen=True)
class Contender:
    """One side of a comparison.

    Args:
        package: The Keras-like package that is measured, or "bare" for a hand-written implementation.
        backend: The engine under it.
        compile_options: Keyword arguments that every workload adds to `model.compile`; to code by hand they are options
            of its own, such as those of its optimizer.

    Example:
        >>> Contender.parse("keras-jax:steps_per_execution=50").compile_options
        {'steps_per_execution': 50}
    """

    package: str
    backend: str = "jax"
    compile_options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def parse(cls, text: str) -> "Contender":
        """Read `package[-backend][:option=value,...]`.

        Raises: ValueError if the package, the backend or an option is not understood.
        """
        name, _, options = text.partition(":")
        package, _, backend = name.partition("-")
        backend = backend or "jax"
        if package not in PACKAGES or backend not in BACKENDS:
            raise ValueError(
                f"Unknown contender. Expected PACKAGE-BACKEND with PACKAGE one of {PACKAGES} and BACKEND one of "
                f"{BACKENDS}. Received: {text!r}"
            )
        return cls(package, backend, dict(_parse_option(option) for option in options.split(",") if option))

    @property
    def name(self) -> str:
        """The text that `parse` reads back."""
        options = ",".join(f"{key}={value!r}" for key, value in self.compile_options.items())
        return f"{self.package}-{self.backend}" + (f":{options}" if options else "")

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make a process use this contender's backend, and as many threads as the others."""
        threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        return {
            "KERAS_BACKEND": self.backend,
            "KERATIN_BACKEND": self.backend,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **dict.fromkeys(threads, str(THREADS)),
        }

    def load(self) -> Any:
        """Import the package.  The result is `Any`, since all contenders share Keras's API and no class."""
        return importlib.import_module(self.package)

    def check_alone(self) -> None:
        """Raise RuntimeError if this process has imported another contender's package."""
        allowed = {self.package, *BROUGHT_ALONG.get(self.backend, ())}
        loaded = [other for other in PACKAGES if other not in allowed and other in sys.modules]
        if loaded:
            raise RuntimeError(f"The worker of {self.name} must not import another contender. Received: {loaded}")

    def versions(self) -> dict[str, str]:
        """The versions of the package and of the backend, as far as this process has loaded them."""
        modules = {name: sys.modules.get(name) for name in (self.package, self.backend)}
        return {name: _version(module) for name, module in modules.items() if module is not None}


def limit_cores() -> None:
    """Keep this process and its children on THREADS cores, for engines that take as many threads as there are cores."""
    if hasattr(os, "sched_setaffinity"):  # on Linux
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])


def _parse_option(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"A contender's option is KEY=VALUE. Received: {text!r}")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def _version(module: ModuleType) -> str:
    return str(getattr(module, "__version__", "unknown"))
