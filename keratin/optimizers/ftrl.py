"""Ftrl."""

from __future__ import annotations

import math
from typing import Any

from keratin import initializers, ops
from keratin.ops.mechanism import Tensor
from keratin.optimizers.base import Optimizer, Slots
from keratin.state.variable import Variable


class Ftrl(Optimizer):
    """Follow the regularized leader: sparse weights for many rare features.

    Args:
        learning_rate: a number, a schedule or a function.
        learning_rate_power: how the rate falls with the sum of squared gradients, 0 or less; 0 keeps it.
        initial_accumulator_value: what the sums begin at, 0 or more.
        l1_regularization_strength: weights whose sum of gradients stays below it are 0.
        l2_regularization_strength: of the square of the weights.
        l2_shrinkage_regularization_strength: added to the gradient, times twice the weight.
        beta: the paper's, added to the root of the sums.
        **: the options of `Optimizer`.

    Source: McMahan et al. 2013, "Ad click prediction: a view from the trenches", algorithm 1.
    Raises: ArgumentError for a strength that is negative, or a power that is positive.

    >>> Ftrl().slots
    ('accumulator', 'linear')
    """

    slots = ("accumulator", "linear")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
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
        self.learning_rate_power, self.initial_accumulator_value = learning_rate_power, initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        self.check_range("learning_rate_power", -math.inf, 0)
        for strength in ("initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
                         "l2_shrinkage_regularization_strength", "beta"):  # fmt: skip
            self.check_range(strength, 0, math.inf)

    def make_slot(self, slot: str, variable: Variable) -> Variable:
        """The sum of squares at its start, the linear part at 0."""
        start = self.initial_accumulator_value if slot == "accumulator" else 0.0
        return self.add_variable_from_reference(variable, slot, initializers.Constant(start))

    def update(self, gradient: Tensor, value: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        """The rule."""
        l1, power = float(self.l1_regularization_strength), -float(self.learning_rate_power)
        total = slots["accumulator"] + gradient * gradient
        before, after = (ops.power(s, power) / learning_rate for s in (slots["accumulator"], total))
        pull = gradient + value * (2.0 * self.l2_shrinkage_regularization_strength)
        linear = slots["linear"] + pull - (after - before) * value
        curvature = after + 2.0 * self.l2_regularization_strength + self.beta / learning_rate
        seen = curvature > 0  # without any gradient and with sums from 0 the weight is 0, not 0 / 0
        new = (ops.clip(linear, -l1, l1) - linear) / ops.where(seen, curvature, ops.ones_like(curvature))
        return new, {"accumulator": total, "linear": linear}
