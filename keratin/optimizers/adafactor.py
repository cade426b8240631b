"""Adafactor."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor
from keratin.optimizers.base import Optimizer, Slots
from keratin.state.variable import Variable


class Adafactor(Optimizer):
    """Steps relative to the size of each variable, with second means from the means of rows and of columns.

    Args:
        learning_rate: a number, a schedule or a function.
        beta_2_decay: power of the update's number, by which the decay of the means comes near to 1.
        epsilon_1: added to squared gradients.
        epsilon_2: the least size of a variable.
        clip_threshold: the largest root mean square of a step, before it is scaled.
        relative_step: whether a rate that is a number falls as the root of the update's number once that is smaller.
        **: the options of `Optimizer`.

    Source: Shazeer & Stern 2018, arXiv:1804.04235, algorithms 4 and 5.

    >>> Adafactor().slots
    ('row', 'column', 'velocity')
    """

    slots = ("row", "column", "velocity")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
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
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def make_slot(self, slot: str, variable: Variable) -> Variable:
        """The mean of each row and of each column; for vectors, a scalar that holds the place in files."""
        shape = variable.shape
        if slot != "velocity":
            factored = shape[:-1] if slot == "row" else (*shape[:-2], *shape[-1:])
            shape = factored if len(shape) >= 2 else ()
        return self.add_variable(shape, "zeros", variable.dtype, name=f"{variable.path.replace('/', '_')}_{slot}")

    def update(self, gradient: Tensor, value: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        """The rule."""
        n = ops.cast(self.iterations, mechanism.dtype_of(value)) + 1
        if self.relative_step and self._rate is not None:
            learning_rate = ops.minimum(learning_rate, ops.rsqrt(n))
        weight = ops.power(n, float(self.beta_2_decay))  # of the newest gradient in the means
        square = gradient * gradient + self.epsilon_1
        new: Slots = {}
        if len(value.shape) >= 2:
            row = new["row"] = (1 - weight) * slots["row"] + weight * ops.mean(square, axis=-1)
            column = new["column"] = (1 - weight) * slots["column"] + weight * ops.mean(square, axis=-2)
            shares = row / ops.mean(row, axis=-1, keepdims=True)
            velocity = ops.expand_dims(shares, -1) * ops.expand_dims(column, -2)
        else:
            velocity = (1 - weight) * slots["velocity"] + weight * square
        new["velocity"] = velocity
        step = gradient * ops.rsqrt(velocity)
        step = step / ops.maximum(_size(step) / self.clip_threshold, 1)
        return value - learning_rate * ops.maximum(_size(value), self.epsilon_2) * step, new


def _size(x: Tensor) -> Tensor:
    """The root of the mean square."""
    return ops.sqrt(ops.mean(ops.square(x)))
