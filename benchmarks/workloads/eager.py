"""Time of one layer call outside any compiled program."""

from typing import Any

import numpy as np

from benchmarks.contenders import Contender
from benchmarks.registry import at_most, quicker, within, workload
from benchmarks.timing import MICROSECONDS, Timed

CALLS = 500
ROWS, UNITS = 32, 64


@workload(
    "eager call of Identity",
    at_most(2), at_most(2, on="torch"), quicker(1, on="tensorflow"), unit="us/call",
)  # fmt: skip
def identity(contender: Contender) -> Timed:
    """What `Layer.__call__` costs by itself."""
    keras = contender.load()
    return calls_of(keras, keras.layers.Identity())


@workload(
    "eager call of Dense(64) on (32, 64)",
    within(1.5), within(1.5, on="torch"), quicker(1, on="tensorflow"), unit="us/call",
)  # fmt: skip
def dense_eager(contender: Contender) -> Timed:
    """What a layer adds to its product and sum."""
    keras = contender.load()
    return calls_of(keras, keras.layers.Dense(UNITS))


def calls_of(keras: Any, layer: Any) -> Timed:
    """Calls of `layer` on a tensor of the backend; the last result is awaited."""
    x = keras.ops.convert_to_tensor(np.ones((ROWS, UNITS), np.float32))

    def action() -> None:
        for _ in range(CALLS - 1):
            layer(x)
        keras.ops.convert_to_numpy(layer(x))

    return Timed(action, count=CALLS, scale=MICROSECONDS)
