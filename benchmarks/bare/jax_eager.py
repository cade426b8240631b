"""Layer calls as bare `jax.numpy`."""

import jax.numpy as jnp

from benchmarks.contenders import Contender
from benchmarks.timing import MICROSECONDS, Timed
from benchmarks.workloads.eager import CALLS, ROWS, UNITS


def dense(contender: Contender) -> Timed:
    """The product and the sum of a Dense layer."""
    x = jnp.ones((ROWS, UNITS), jnp.float32)
    kernel = jnp.ones((UNITS, UNITS), jnp.float32)
    bias = jnp.zeros((UNITS,), jnp.float32)

    def action() -> None:
        for _ in range(CALLS - 1):
            x @ kernel + bias  # pyright: ignore[reportUnusedExpression]
        (x @ kernel + bias).block_until_ready()

    return Timed(action, count=CALLS, scale=MICROSECONDS)
