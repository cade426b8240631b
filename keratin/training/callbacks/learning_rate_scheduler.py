"""`LearningRateScheduler`: a learning rate for each epoch."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from keratin.errors import ArgumentError
from keratin.training import progress
from keratin.training.callbacks.base import Callback
from keratin.training.callbacks.learning_rate import log_rates, optimizers_of, rate_of


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch.

    Args:
        schedule: a function of the epoch's number, from 0, and the learning rate now, that gives the new one; or of the
            number alone.
        verbose: 1 to tell the new one.
    Raises: ArgumentError for a schedule that gives no number.

    >>> LearningRateScheduler(lambda epoch, rate: rate * 0.9).verbose
    0
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise ArgumentError("`schedule` must be a function.", where="LearningRateScheduler", received=schedule)
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the rate."""
        for suffix, optimizer in optimizers_of(self.model):
            given = rate_of(optimizer)
            rate = self.schedule(epoch, given) if _takes_rate(self.schedule) else self.schedule(epoch)
            optimizer.learning_rate = rate = _checked(rate)
            if self.verbose > 0:
                name = f" of{suffix.replace('_', ' ', 1)}" if suffix else ""
                progress.message(f"Epoch {epoch + 1}: the learning rate{name} is {rate}.")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the rate."""
        log_rates(self.model, logs)


def _takes_rate(schedule: Callable[..., float]) -> bool:
    try:
        inspect.signature(schedule).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # some built-in functions tell nothing
        return True
    return True


def _checked(rate: Any) -> float:
    if isinstance(rate, bool | str) or rate is None or np.ndim(rate) != 0 or not math.isfinite(float(rate)):
        raise ArgumentError(
            "The schedule must give a number.", where="LearningRateScheduler", expected="a float", received=rate
        )
    return float(rate)
