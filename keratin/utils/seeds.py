"""One call that makes a whole program repeatable."""

from __future__ import annotations

import random

import numpy as np

from keratin.errors import ArgumentError
from keratin.state import seed as global_seed


def set_random_seed(seed: int) -> None:
    """Seed Python's `random`, NumPy, and Keratin's global seed generator.

    Args: seed: an integer from 0 to 2**32 - 1.
    Raises: ArgumentError for anything else.

    >>> set_random_seed(7)
    >>> first = random.random()
    >>> set_random_seed(7)
    >>> random.random() == first
    True
    """
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if not whole or not 0 <= seed < 2**32:
        raise ArgumentError(
            "A seed must be an integer.", where="set_random_seed", expected="an int from 0 to 2**32 - 1", received=seed
        )
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002  users' own code draws from NumPy's global state
    global_seed.set_global_seed(int(seed))
