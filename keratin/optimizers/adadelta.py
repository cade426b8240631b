"""Adadelta."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.ops.mechanism import Tensor
from keratin.optimizers.base import Optimizer, Slots


class Adadelta(Optimizer):
    """Steps by the gradient, scaled from its running size to that of the steps.

    Args:
        learning_rate: a number, a schedule or a function; 1 is the paper's rule.
        rho: decay of both mean squares.
        epsilon: added under the roots.
        **: the options of `Optimizer`.

    Source: Zeiler 2012, arXiv:1212.5701, algorithm 1.  Raises: ArgumentError for a decay outside [0, 1].

    >>> Adadelta().rho
    0.95
    """

    slots = ("accumulated_grad", "accumulated_delta_var")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
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
        self.rho, self.epsilon = rho, epsilon
        self.check_range("rho", 0, 1)

    def update(self, gradient: Tensor, value: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        """The rule."""
        square = self.rho * slots["accumulated_grad"] + (1 - self.rho) * gradient * gradient
        step = ops.sqrt(slots["accumulated_delta_var"] + self.epsilon) * ops.rsqrt(square + self.epsilon) * gradient
        steps = self.rho * slots["accumulated_delta_var"] + (1 - self.rho) * step * step
        return value - learning_rate * step, {"accumulated_grad": square, "accumulated_delta_var": steps}
