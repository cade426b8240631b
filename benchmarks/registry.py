"""What is measured: workloads with their units and goals, and how a workload finds its implementation."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

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


def quicker(times: float, on: str = "jax") -> Goal:
    """At least `times` as quick as Keras, both on that backend."""
    return Goal("quicker", times, "keras", on)


def within(times: float, on: str = "jax") -> Goal:
    """At most `times` as slow as the bare implementation on that backend."""
    return Goal("within", times, "bare", on)


def at_most(value: float, on: str = "jax") -> Goal:
    """A figure that holds without a reference."""
    return Goal("value", value, "", on)


@dataclass(frozen=True)
class Workload:
    """A named measurement.

    Args:
        name: What the command line calls it.
        title: What is done, in a line.
        unit: The unit of the figure, which is better when smaller.
        goals: At most one goal for each reference and backend.
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
    ("tiny", "torch"): "benchmarks.bare.torch_training:tiny",
    ("mlp", "torch"): "benchmarks.bare.torch_training:mlp",
    ("cnn", "torch"): "benchmarks.bare.torch_training:cnn",
    ("predict_one", "torch"): "benchmarks.bare.torch_prediction:predict_one",
    ("identity", "torch"): "benchmarks.bare.torch_eager:identity",
    ("dense_eager", "torch"): "benchmarks.bare.torch_eager:dense",
    ("build_weights", "torch"): "benchmarks.bare.torch_building:build_weights",
    ("import", "torch"): "benchmarks.bare.torch_startup:import_engine",
    ("import", "tensorflow"): "benchmarks.bare.tensorflow_startup:import_engine",
    ("first_step", "torch"): "benchmarks.bare.torch_startup:first_step",
    ("memory", "torch"): "benchmarks.bare.torch_startup:memory",
}

# Options with which code by hand runs again, beside its plain form.
VARIANTS: dict[tuple[str, str], tuple[dict[str, Any], ...]] = {
    ("tiny", "torch"): ({"fused": True},),
    ("mlp", "torch"): ({"fused": True},),
    ("cnn", "torch"): ({"fused": True}, {"fused": True, "channels_last": True}),
}


@dataclass(frozen=True)
class Suite:
    """Who races when the command line names a suite.

    Args:
        left: Who is measured.
        right: Against whom, beside code by hand.
        rounds: How many rounds each contender gets.
    """

    left: Contender
    right: tuple[Contender, ...]
    rounds: int


SUITES = {
    name: Suite(Contender("keratin", name), (Contender("keras", name),), rounds)
    for name, rounds in (("jax", 9), ("torch", 7), ("tensorflow", 7))
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


def by_hand(name: str, backend: str) -> list[Contender]:
    """The hand-written implementations of workload `name` on a backend: the plain one and its variants."""
    if (name, backend) not in BARE:
        return []
    return [Contender("bare", backend, options) for options in ({}, *VARIANTS.get((name, backend), ()))]


def implementation_of(name: str, contender: Contender) -> Implementation:
    """The function that runs workload `name` for a contender.

    Raises: KeyError if the workload, or its bare implementation on this backend, does not exist.
    """
    if contender.package != "bare":
        return WORKLOADS[name].implementation
    module, _, function = BARE[name, contender.backend].partition(":")
    return getattr(importlib.import_module(module), function)
