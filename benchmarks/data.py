"""The data of the workloads, the same for every contender."""

import numpy as np

Arrays = tuple[np.ndarray, np.ndarray]


def regression(rows: int, features: int = 8) -> Arrays:
    """Rows and one smooth target.  Shape: (rows, features), (rows, 1)."""
    x = np.random.default_rng(0).standard_normal((rows, features), dtype=np.float32)
    return x, np.sin(x.sum(axis=1, keepdims=True))


def classification(rows: int, shape: tuple[int, ...], classes: int = 10) -> Arrays:
    """Rows of `shape` in [0, 1) and integer labels.  Shape: (rows, *shape), (rows,)."""
    generator = np.random.default_rng(0)
    x = generator.random((rows, *shape), dtype=np.float32)
    return x, generator.integers(classes, size=rows, dtype=np.int32)
