"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from keratin.errors import ArgumentError
from keratin.ops.mechanism import Tensor
from keratin.optimizers.base import Optimizer


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
        name: str | None = "SGD",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        if not isinstance(momentum, int | float) or not 0 <= momentum <= 1:
            raise ArgumentError("`momentum` must be from 0 to 1.", where=self.name, received=momentum)
        self.momentum, self.nesterov = momentum, nesterov

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """One slot, if there is momentum."""
        return (("momentum",),) if self.momentum else ()

    def update(self, gradient: Tensor, value: Tensor, slots: dict[str, Tensor], learning_rate: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The rule."""
        step = -learning_rate * gradient
        if not self.momentum:
            return value + step, {}
        velocity = self.momentum * slots["momentum"] + step
        return value + (self.momentum * velocity + step if self.nesterov else velocity), {"momentum": velocity}
