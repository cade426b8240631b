"""Adagrad."""

from __future__ import annotations

import math
from typing import Any

from keratin import initializers, ops
from keratin.ops.mechanism import Tensor
from keratin.optimizers.base import Optimizer, Slots
from keratin.state.variable import Variable


class Adagrad(Optimizer):
    """Steps by the gradient over the root of the sum of all its squares.

    Args:
        learning_rate: a number, a schedule or a function.
        initial_accumulator_value: what the sums begin at, 0 or more.
        epsilon: added under the root.
        **: the options of `Optimizer`.

    Source: Duchi, Hazan & Singer 2011, the diagonal form.  Raises: ArgumentError for a negative start.

    >>> Adagrad(0.1).slot_groups()
    (('accumulator',),)
    """

    slots = ("accumulator",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
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
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon
        self.check_range("initial_accumulator_value", 0, math.inf)

    def make_slot(self, slot: str, variable: Variable) -> Variable:
        """The sum, at its start."""
        return self.add_variable_from_reference(variable, slot, initializers.Constant(self.initial_accumulator_value))

    def update(self, gradient: Tensor, value: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        """The rule."""
        total = slots["accumulator"] + gradient * gradient
        return value - learning_rate * gradient * ops.rsqrt(total + self.epsilon), {"accumulator": total}
