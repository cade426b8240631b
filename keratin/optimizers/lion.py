"""Lion."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.ops.mechanism import Tensor
from keratin.optimizers.base import Optimizer, Slots


class Lion(Optimizer):
    """Steps of one size, in the direction of the sign of a running mean: one slot only.

    Args:
        learning_rate: a number, a schedule or a function; 3 to 10 times smaller than Adam's.
        beta_1: weight of the mean in the step.
        beta_2: decay of the mean.
        **: the options of `Optimizer`.

    Source: Chen et al. 2023, arXiv:2302.06675, algorithm 2.
    Raises: ArgumentError for a `beta_1` outside (0, 1] or a `beta_2` outside [0, 1].

    >>> Lion().slots
    ('momentum',)
    """

    slots = ("momentum",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
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
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.check_range("beta_1", 0, 1, open_start=True)
        self.check_range("beta_2", 0, 1)

    def update(self, gradient: Tensor, value: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        """The rule."""
        m = slots["momentum"]
        step = ops.sign(m * self.beta_1 + gradient * (1 - self.beta_1))
        return value - learning_rate * step, {"momentum": m * self.beta_2 + gradient * (1 - self.beta_2)}
