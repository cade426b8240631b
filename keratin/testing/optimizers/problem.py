"""The variables and gradients on which optimizers run."""

from __future__ import annotations

from typing import Any

import numpy as np

from keratin.ops import mechanism
from keratin.state import transforms
from keratin.state.variable import Variable, name_scope

SHAPES: dict[str, tuple[int, ...]] = {"tall": (5, 3), "wide": (2, 4), "bias": (4,), "scale": (), "embedding": (3, 2)}
PATHS = [f"block/{name}" for name in SHAPES]
STEPS = 50
RANDOM = np.random.default_rng(0)
VALUES = [RANDOM.normal(size=shape).astype("float32").astype("float64") for shape in SHAPES.values()]
# Sizes differ from batch to batch and from variable to variable, and some entries are 0.
GRADIENTS = [
    [
        (RANDOM.normal(size=s) * 10.0 ** RANDOM.uniform(-2, 1) * (RANDOM.random(s) > 0.1)).astype("float32")
        for s in SHAPES.values()
    ]
    for _ in range(STEPS)
]
EXACT = [[g.astype("float64") for g in batch] for batch in GRADIENTS]


def widest() -> str:
    """The dtype in which this backend can follow a reference in float64."""
    return mechanism.canonical("float64")


def variables(dtype: str = "float32", values: Any = VALUES) -> list[Variable]:
    """Fresh variables with the values that every run begins with."""
    with name_scope("block"):
        return [Variable(np.asarray(v), dtype=dtype, name=n) for n, v in zip(SHAPES, values, strict=True)]


def arrays(values: Any) -> list[np.ndarray]:
    """The values of variables in float64."""
    return [np.asarray(v.numpy(), "float64") for v in values]


def run(optimizer: Any, values: Any, gradients: Any = GRADIENTS, compiled: bool = False) -> list[Any]:
    """Apply all gradients; gives the values after each batch."""
    optimizer.build(values)

    def step(batch: Any) -> None:
        optimizer.apply(batch, values)

    if compiled:
        step = transforms.jit(step)
    history: list[Any] = []
    for batch in gradients:
        step(batch)
        history.append(arrays(values))
    return history


def worst(history: Any, expected: Any) -> float:
    """The largest difference, relative to how far the variable has gone (and at least to 2% of what it was)."""
    far = 0.0
    for now, right in zip(history, expected, strict=True):
        for a, b, start in zip(now, right, VALUES, strict=True):
            far = max(far, float(np.max(np.abs(a - b)) / np.max(np.abs(b - start) + 0.02 * np.abs(start))))
    return far
