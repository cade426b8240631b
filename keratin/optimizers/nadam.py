"""Nadam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keratin import ops
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor
from keratin.optimizers.adam import moments
from keratin.optimizers.base import Optimizer, Slots
from keratin.optimizers.schedules.base import rate_dtype
from keratin.state.variable import Variable


class Nadam(Optimizer):
    """Adam with Nesterov's momentum.

    Args:
        learning_rate: a number, a schedule or a function.
        beta_1, beta_2: decay of the means of the gradient and of its square.
        epsilon: added to the root.
        **: the options of `Optimizer`.

    Source: Dozat 2016, "Incorporating Nesterov momentum into Adam", algorithm 2, with its schedule of the momentum.
    Raises: ArgumentError for a decay outside [0, 1).

    >>> Nadam().slots
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

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots, and the product of all momenta so far."""
        if not self.built:
            super().build(variables)
            self._product = self.add_variable((), "ones", rate_dtype(), name="momentum_product")

    def begin_update(self) -> None:
        """Go on with the product."""
        self._product.assign(self._product.value * self._momentum(1, self._product.dtype))

    def _momentum(self, ahead: int, dtype: str) -> Tensor:
        """The momentum at the update that comes `ahead` after those made."""
        n = ops.cast(self.iterations, dtype) + ahead
        return self.beta_1 * (1 - 0.5 * ops.power(0.96, n))

    def update(self, gradient: Tensor, value: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        """The rule."""
        dtype = mechanism.dtype_of(value)
        now, following = self._momentum(1, dtype), self._momentum(2, dtype)
        product = mechanism.convert(self._product, dtype)
        new = moments(gradient, slots, self.beta_1, self.beta_2)
        m, v = new["momentum"], new["velocity"]
        ahead = following * m / (1 - product * following) + (1 - now) * gradient / (1 - product)
        root = ops.sqrt(v / self.correction(self.beta_2, dtype)) + self.epsilon
        return value - learning_rate * ahead / root, new
