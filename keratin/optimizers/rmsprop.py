"""RMSprop."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.ops.mechanism import Tensor
from keratin.optimizers.base import Optimizer, Slots


class RMSprop(Optimizer):
    """Steps by the gradient over the root of its running mean square.

    Args:
        learning_rate: a number, a schedule or a function.
        rho: decay of the mean square.
        momentum: of the step; 0 keeps no slot for it.
        epsilon: added under the root.
        centered: whether the variance takes the place of the mean square.
        **: the options of `Optimizer`.

    Source: Tieleman & Hinton 2012, lecture 6.5; centered: Graves 2013, arXiv:1308.0850, equations 38 to 41.
    Raises: ArgumentError for a decay or a momentum outside [0, 1].

    >>> RMSprop().rho
    0.9
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
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
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        self.check_range("rho", 0, 1)
        self.check_range("momentum", 0, 1)

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Mean squares of all variables, then momenta, then mean gradients."""
        optional = (("momentum", self.momentum > 0), ("average_gradient", self.centered))
        return (("velocity",), *((name,) for name, used in optional if used))

    def update(self, gradient: Tensor, value: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        """The rule."""
        square = velocity = self.rho * slots["velocity"] + (1 - self.rho) * gradient * gradient
        new = {"velocity": velocity}
        if self.centered:
            mean = new["average_gradient"] = self.rho * slots["average_gradient"] + (1 - self.rho) * gradient
            square = ops.maximum(velocity - mean * mean, 0)  # rounding makes it negative where gradients are constant
        step = learning_rate * gradient * ops.rsqrt(square + self.epsilon)
        if self.momentum > 0:
            step = new["momentum"] = self.momentum * slots["momentum"] + step
        return value - step, new
