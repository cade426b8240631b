"""What is measured: workloads with their units and goals, and how a workload finds its implementation."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from benchmarks.contenders import Contender
from benchmarks.timing import Round, Timed

Implementation = Callable[[Contender], Timed | Round]


@dataclass(frozen=True)
class Goal:
    """A limit for the left contender.

    Args:
        kind: "quicker" asks for a time that is `limit` times shorter than the reference's, "within" for at most
            `limit` times the reference's, "value" for a figure of at most `limit` with no reference.
        limit: The bound.
        package: The reference's package.
        backend: The goal holds where both sides run on this backend.
    """

    kind: Literal["quicker", "within", "value"]
    limit: float
    package: str = ""
    backend: str = "jax"

    @property
    def text(self) -> str:
        """The goal as the table shows it."""
        sign = ">=" if self.kind == "quicker" else "<="
        return f"{sign} {self.limit:g}" + ("" if self.kind == "value" else "x")

    def is_met(self, figure: float) -> bool:
        """Whether a ratio (or a value, where the goal is one) satisfies the goal."""
        return figure >= self.limit if self.kind == "quicker" else figure <= self.limit


def quicker(times: float) -> Goal:
    """At least `times` as quick as Keras."""
    return Goal("quicker", times, "keras")


def within(times: float) -> Goal:
    """At most `times` as slow as the bare implementation."""
    return Goal("within", times, "bare")


def at_most(value: float) -> Goal:
    """A figure that holds without a reference."""
    return Goal("value", value)


@dataclass(frozen=True)
class Workload:
    """A named measurement.

    Args:
        name: What the command line calls it.
        title: What is done, in a line.
        unit: The unit of the figure, which is better when smaller.
        goals: At most one goal for each reference.
        implementation: From a contender to what is timed, or to a function that measures one round by itself.
        slow: A round takes seconds, as it starts processes: fewer rounds are run.
    """

    name: str
    title: str
    unit: str
    goals: tuple[Goal, ...]
    implementation: Implementation
    slow: bool = False


WORKLOADS: dict[str, Workload] = {}

# (workload, backend) to "module:function".  Text, so that the parent and the other contenders never import the engine.
BARE: dict[tuple[str, str], str] = {
    ("tiny", "jax"): "benchmarks.bare.jax_training:tiny",
    ("mlp", "jax"): "benchmarks.bare.jax_training:mlp",
    ("cnn", "jax"): "benchmarks.bare.jax_training:cnn",
    ("dense_eager", "jax"): "benchmarks.bare.jax_eager:dense",
}


def workload(
    title: str, *goals: Goal, unit: str = "ms/step", slow: bool = False, name: str = ""
) -> Callable[[Implementation], Implementation]:
    """Register the decorated function under `name`, or its own."""

    def register(implementation: Implementation) -> Implementation:
        key = name or implementation.__name__
        WORKLOADS[key] = Workload(key, title, unit, goals, implementation, slow)
        return implementation

    return register


def implementation_of(name: str, contender: Contender) -> Implementation:
    """The function that runs workload `name` for a contender.

    Raises: KeyError if the workload, or its bare implementation on this backend, does not exist.
    """
    if contender.package != "bare":
        return WORKLOADS[name].implementation
    module, _, function = BARE[name, contender.backend].partition(":")
    return getattr(importlib.import_module(module), function)
