"""The state of the process that models share, and what a symbolic tensor is."""

from __future__ import annotations

import gc
from typing import Any

from keratin import registry
from keratin.backends.symbolic import KerasTensor


def clear_session(free_memory: bool = True) -> None:
    """Start the numbering of default names again, and let go of what nobody uses any more.

    Args: free_memory: whether to collect garbage at once.

    >>> clear_session()
    >>> registry.unique_name("dense")
    'dense'
    """
    registry.reset_names()
    if free_memory:
        gc.collect()


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a symbolic tensor: a shape and a dtype without a value.

    >>> is_keras_tensor(KerasTensor((None, 3))), is_keras_tensor(3)
    (True, False)
    """
    return isinstance(x, KerasTensor)
