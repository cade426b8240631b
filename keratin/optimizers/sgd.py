"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from keratin.ops.mechanism import Tensor
from keratin.optimizers.base import Optimizer, Slots


class SGD(Optimizer):
    """Steps against the gradient, with momentum.

    Args:
        learning_rate: a number, a schedule or a function.
        momentum: from 0 to 1; 0 keeps no slot.
        nesterov: whether the gradient is looked up ahead (Sutskever et al. 2013).
        **: the options of `Optimizer`.

    Source: Robbins & Monro 1951; Polyak 1964.  Raises: ArgumentError for a momentum outside [0, 1].

    >>> SGD(0.1, momentum=0.9).slot_groups()
    (('momentum',),)
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
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
        self.momentum, self.nesterov = momentum, nesterov
        self.check_range("momentum", 0, 1)

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """One slot, if there is momentum."""
        return (("momentum",),) if self.momentum else ()

    def update(self, gradient: Tensor, value: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        """The rule."""
        step = -learning_rate * gradient
        if not self.momentum:
            return value + step, {}
        velocity = self.momentum * slots["momentum"] + step
        return value + (self.momentum * velocity + step if self.nesterov else velocity), {"momentum": velocity}
