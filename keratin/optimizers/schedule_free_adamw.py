"""Adam without a schedule."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.backends import primitives as p
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor
from keratin.optimizers.base import Optimizer, Slots
from keratin.state.variable import Variable


class ScheduleFreeAdamW(Optimizer):
    """Adam on a sequence whose running average is evaluated: no schedule is needed.

    Args:
        learning_rate: a number, a schedule or a function.
        beta_1: how far gradients are taken towards the average, in (0, 1].
        beta_2: decay of the mean square.
        epsilon: added to the root.
        warmup_steps: over how many updates the rate rises to its value.
        **: the options of `Optimizer`.

    Source: Defazio et al. 2024, arXiv:2405.15682, algorithm 1 with equal weights in the average.
    Raises: ArgumentError for a decay out of range.

    >>> ScheduleFreeAdamW().slots
    ('momentum', 'velocity')
    """

    slots = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
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
        self.beta_1, self.beta_2, self.epsilon, self.warmup_steps = beta_1, beta_2, epsilon, warmup_steps
        self.check_range("beta_1", 0, 1, open_start=True)
        self.check_range("beta_2", 0, 1, open_end=True)

    def make_slot(self, slot: str, variable: Variable) -> Variable | None:
        """The sequence begins at the variable's value, which is read when the slot is."""
        if slot == "velocity":
            return super().make_slot(slot, variable)
        return self.add_variable_from_reference(variable, slot, lambda shape, dtype: p.copy(variable.held()))

    def update(self, gradient: Tensor, value: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        """The rule."""
        dtype = mechanism.dtype_of(value)
        n = ops.cast(self.iterations, dtype) + 1
        if self.warmup_steps > 0:
            learning_rate = learning_rate * ops.minimum(n / float(self.warmup_steps), 1)
        v = slots["velocity"] + (gradient * gradient - slots["velocity"]) * (1 - self.beta_2)
        root = ops.sqrt(v / self.correction(self.beta_2, dtype)) + self.epsilon
        z = slots["momentum"] - learning_rate * gradient / root
        average = (value - (1 - self.beta_1) * slots["momentum"]) / self.beta_1  # the value lies between it and z
        average = average + (z - average) / n
        return (1 - self.beta_1) * z + self.beta_1 * average, {"momentum": z, "velocity": v}
