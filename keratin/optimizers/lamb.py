"""Lamb."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor
from keratin.optimizers.adam import moments
from keratin.optimizers.base import Optimizer, Slots


class Lamb(Optimizer):
    """Adam whose step is scaled to the norm of each variable: for large batches.

    Args:
        learning_rate: a number, a schedule or a function.
        beta_1, beta_2: decay of the means of the gradient and of its square.
        epsilon: added to the root.
        **: the options of `Optimizer`; `weight_decay` is decoupled, outside of the ratio of norms.

    Source: You et al. 2020, arXiv:1904.00962, algorithm 2.  Raises: ArgumentError for a decay outside [0, 1).

    >>> Lamb().slots
    ('momentum', 'velocity')
    """

    slots = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.check_range("beta_1", 0, 1, open_end=True)
        self.check_range("beta_2", 0, 1, open_end=True)

    def update(self, gradient: Tensor, value: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        """The rule."""
        dtype = mechanism.dtype_of(value)
        new = moments(gradient, slots, self.beta_1, self.beta_2)
        m, v = new["momentum"], new["velocity"]
        root = ops.sqrt(v / self.correction(self.beta_2, dtype)) + self.epsilon
        step = m / self.correction(self.beta_1, dtype) / root
        sizes = [ops.sqrt(ops.sum(ops.square(x))) for x in (value, step)]
        usable = ops.logical_and(sizes[0] > 0, sizes[1] > 0)
        one = ops.ones_like(sizes[0])
        ratio = ops.where(usable, sizes[0] / ops.where(usable, sizes[1], one), one)
        return value - ratio * learning_rate * step, new
