"""Learning rates that fall with the step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keratin import ops
from keratin.errors import ArgumentError
from keratin.ops.mechanism import Tensor
from keratin.optimizers.schedules.base import LearningRateSchedule, rate_dtype


class ExponentialDecay(LearningRateSchedule):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: after how many steps the rate has been multiplied by `decay_rate`.
        decay_rate: the factor.
        staircase: whether the exponent is rounded down, so that the rate falls in steps.
        name: of the schedule.

    Raises: ArgumentError for `decay_steps` that are not positive.

    >>> float(ExponentialDecay(0.5, 10, 0.25)(5))
    0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps, self.decay_rate = initial_learning_rate, decay_steps, decay_rate
        self.staircase, self.name = staircase, name
        self.check_positive("decay_steps")

    def __call__(self, step: Any) -> Tensor:
        """The learning rate at `step`."""
        periods = _periods(step, self.decay_steps, self.staircase)
        return float(self.initial_learning_rate) * ops.power(float(self.decay_rate), periods)


class InverseTimeDecay(LearningRateSchedule):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: how many steps count as one unit of time.
        decay_rate: by how much the divisor grows per unit.
        staircase: whether time is rounded down, so that the rate falls in steps.
        name: of the schedule.

    Raises: ArgumentError for `decay_steps` that are not positive.

    >>> float(InverseTimeDecay(0.5, 10, 2.0)(5))
    0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps, self.decay_rate = initial_learning_rate, decay_steps, decay_rate
        self.staircase, self.name = staircase, name
        self.check_positive("decay_steps")

    def __call__(self, step: Any) -> Tensor:
        """The learning rate at `step`."""
        periods = _periods(step, self.decay_steps, self.staircase)
        return float(self.initial_learning_rate) / (1 + float(self.decay_rate) * periods)


class PiecewiseConstantDecay(LearningRateSchedule):
    """One rate up to each boundary, and another after it.

    Args:
        boundaries: the last steps of all rates but the last, rising.
        values: the rates, one more than boundaries.
        name: of the schedule.

    Raises: ArgumentError if the numbers do not fit, or the boundaries do not rise.

    >>> schedule = PiecewiseConstantDecay([10, 20], [0.5, 0.25, 0.125])
    >>> [float(schedule(step)) for step in (10, 11, 21)]
    [0.5, 0.25, 0.125]
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        self.boundaries, self.values, self.name = list(boundaries), list(values), name
        if len(self.boundaries) != len(self.values) - 1:
            raise ArgumentError(
                "There must be one value more than boundaries.",
                where=type(self).__name__,
                received=f"{len(self.boundaries)} boundaries and {len(self.values)} values",
            )
        if any(b <= a for a, b in zip(self.boundaries, self.boundaries[1:], strict=False)):
            raise ArgumentError("`boundaries` must rise.", where=type(self).__name__, received=self.boundaries)

    def __call__(self, step: Any) -> Tensor:
        """The learning rate at `step`."""
        rate = ops.full((), float(self.values[0]), rate_dtype())
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            rate = ops.where(ops.greater(step, boundary), ops.full_like(rate, float(value)), rate)
        return rate


class PolynomialDecay(LearningRateSchedule):
    """From one rate to another, along `(1 - step / decay_steps) ** power`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: after how many steps the other rate is reached.
        end_learning_rate: the rate from there on.
        power: 1 is a straight line.
        cycle: whether the rate rises again afterwards: `decay_steps` counts as often as it takes to reach `step`.
        name: of the schedule.

    Raises: ArgumentError for `decay_steps` that are not positive.

    >>> float(PolynomialDecay(0.5, 10, 0.25)(5))
    0.375
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power, self.cycle, self.name = end_learning_rate, power, cycle, name
        self.check_positive("decay_steps")

    def __call__(self, step: Any) -> Tensor:
        """The learning rate at `step`."""
        start, end = float(self.initial_learning_rate), float(self.end_learning_rate)
        done = _periods(step, self.decay_steps)
        done = done / ops.maximum(ops.ceil(done), 1) if self.cycle else ops.minimum(done, 1)
        return (start - end) * ops.power(1 - done, float(self.power)) + end


class CosineDecay(LearningRateSchedule):
    """Half a cosine wave from one rate down to another, after a linear rise if there is a `warmup_target`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: after how many steps, counted from the end of the rise, the lowest rate is reached.
        alpha: the lowest rate as a part of the highest.
        name: of the schedule.
        warmup_target: the highest rate; None: the initial one, and no rise.
        warmup_steps: how long the rise takes.

    Source: Loshchilov & Hutter 2017, arXiv:1608.03983.  Raises: ArgumentError for `decay_steps` that are not positive.

    >>> schedule = CosineDecay(0.0, 10, warmup_target=0.5, warmup_steps=5)
    >>> [round(float(schedule(step)), 6) for step in (0, 5, 10, 15)]
    [0.0, 0.5, 0.25, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate, self.decay_steps, self.alpha = initial_learning_rate, decay_steps, alpha
        self.name, self.warmup_target, self.warmup_steps = name, warmup_target, warmup_steps
        self.check_positive("decay_steps")

    def __call__(self, step: Any) -> Tensor:
        """The learning rate at `step`."""
        start, alpha = float(self.initial_learning_rate), float(self.alpha)
        if self.warmup_target is None:
            return start * _cosine(_periods(step, self.decay_steps), alpha)
        top, rise = float(self.warmup_target), self.warmup_steps
        falling = top * _cosine(_periods(ops.subtract(step, rise), self.decay_steps), alpha)
        rising = start + (top - start) * _periods(step, max(rise, 1))
        return ops.where(ops.less(step, rise), rising, falling)


class CosineDecayRestarts(LearningRateSchedule):
    """Half a cosine wave again and again.

    Args:
        initial_learning_rate: the rate at step 0.
        first_decay_steps: the length of the first wave.
        t_mul: the length of each further wave as a multiple of the one before.
        m_mul: its height as a multiple of the one before.
        alpha: the lowest rate as a part of the initial one.
        name: of the schedule.

    Source: Loshchilov & Hutter 2017, arXiv:1608.03983.
    Raises: ArgumentError for `first_decay_steps` or `t_mul` that are not positive.

    >>> schedule = CosineDecayRestarts(0.5, 10)
    >>> [round(float(schedule(step)), 6) for step in (0, 5, 10, 20, 30)]
    [0.5, 0.25, 0.5, 0.25, 0.5]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate, self.first_decay_steps = initial_learning_rate, first_decay_steps
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name
        self.check_positive("first_decay_steps")
        self.check_positive("t_mul")

    def __call__(self, step: Any) -> Tensor:
        """The learning rate at `step`."""
        first, alpha, dtype = float(self.first_decay_steps), float(self.alpha), rate_dtype()
        if self.t_mul == 1:
            periods = _periods(step, first)
            wave = ops.floor(periods)
            height, done = ops.power(float(self.m_mul), wave), periods - wave
        else:
            starts, lengths = _waves(first, float(self.t_mul))
            # Compared as whole steps and measured from there, a wave begins where it should at any step.
            whole = np.ceil(starts).astype("int32")
            wave = ops.sum(ops.cast(ops.greater_equal(step, whole), "int32")) - 1
            height = ops.take(np.power(float(self.m_mul), np.arange(len(starts))).astype(dtype), wave)
            since = ops.cast(ops.subtract(step, ops.take(whole, wave)), dtype)
            done = since / ops.take(lengths.astype(dtype), wave)
            done = done + ops.take(((whole - starts) / lengths).astype(dtype), wave)
        return float(self.initial_learning_rate) * ((1 - alpha) * height * _cosine(done, 0.0) + alpha)


def _periods(step: Any, length: float, whole: bool = False) -> Tensor:
    """`step / length`, rounded down if `whole`."""
    periods = ops.cast(step, rate_dtype()) / float(length)
    return ops.floor(periods) if whole else periods


def _cosine(done: Tensor, alpha: float) -> Tensor:
    """From 1 to `alpha` as `done` goes from 0 to 1, and `alpha` from there on."""
    return (1 - alpha) * (0.5 * (1 + ops.cos(math.pi * ops.minimum(done, 1)))) + alpha


def _waves(first: float, growth: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Starts and lengths of the waves that begin before step 2**31; of shrinking ones, until they are below a step."""
    starts, lengths = [0.0], [first]
    while starts[-1] + lengths[-1] < 2**31 - 1 and lengths[-1] >= 1:
        starts.append(starts[-1] + lengths[-1])
        lengths.append(lengths[-1] * growth)
    return np.array(starts), np.array(lengths)
