"""The variables and gradients that the tests of optimizers share."""

import numpy as np

import keratin
from keratin.ops import mechanism
from keratin.state.variable import name_scope

SHAPES = {"tall": (5, 3), "wide": (2, 4), "bias": (4,), "scale": (), "embedding": (3, 2)}
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


def widest():
    """The dtype in which this backend can follow a reference in float64."""
    return mechanism.canonical("float64")


def variables(dtype="float32", values=VALUES):
    with name_scope("block"):
        return [keratin.Variable(np.asarray(v), dtype=dtype, name=n) for n, v in zip(SHAPES, values, strict=True)]


def arrays(values):
    return [np.asarray(v.numpy(), "float64") for v in values]


def run(optimizer, values, gradients=GRADIENTS, compiled=False):
    """Apply all gradients; gives the values after each batch."""
    optimizer.build(values)

    def step(batch):
        optimizer.apply(batch, values)

    if compiled:
        step = keratin.jit(step)
    history = []
    for batch in gradients:
        step(batch)
        history.append(arrays(values))
    return history


def worst(history, expected):
    """The largest difference, relative to how far the variable has gone (and at least to 2% of what it was)."""
    far = 0.0
    for now, right in zip(history, expected, strict=True):
        for a, b, start in zip(now, right, VALUES, strict=True):
            far = max(far, float(np.max(np.abs(a - b)) / np.max(np.abs(b - start) + 0.02 * np.abs(start))))
    return far
