"""Adamax."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor
from keratin.optimizers.base import Optimizer, Slots


class Adamax(Optimizer):
    """Adam with the greatest recent gradient in place of the second mean.

    Args:
        learning_rate: a number, a schedule or a function.
        beta_1: decay of the mean.
        beta_2: decay of the greatest.
        epsilon: added to the greatest.
        **: the options of `Optimizer`.

    Source: Kingma & Ba 2015, arXiv:1412.6980, section 7.1.  Raises: ArgumentError for a decay outside [0, 1).

    >>> Adamax().slots
    ('momentum', 'norm')
    """

    slots = ("momentum", "norm")

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
        m = slots["momentum"] + (gradient - slots["momentum"]) * (1 - self.beta_1)
        u = ops.maximum(self.beta_2 * slots["norm"], ops.abs(gradient))
        rate = learning_rate / self.correction(self.beta_1, mechanism.dtype_of(value))
        return value - rate * m / (u + self.epsilon), {"momentum": m, "norm": u}
