"""Adam and its relative with decoupled weight decay."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.backends import select
from keratin.errors import ArgumentError
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor
from keratin.optimizers.base import Optimizer, Slots


class Adam(Optimizer):
    """Steps by running means of the gradient and of its square.

    Args:
        learning_rate: a number, a schedule or a function.
        beta_1, beta_2: decay of the two means.
        epsilon: added to the root (the paper's epsilon-hat).
        amsgrad: whether the second mean never falls (Reddi, Kale & Kumar 2018).
        **: the options of `Optimizer`.

    Source: Kingma & Ba 2015, arXiv:1412.6980, the efficient form at the end of section 2.
    Raises: ArgumentError for a decay outside [0, 1).

    >>> Adam(1e-3).get_config()["beta_2"]
    0.999
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
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
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad
        self.check_range("beta_1", 0, 1, open_end=True)
        self.check_range("beta_2", 0, 1, open_end=True)

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Both means side by side; the greatest second means after all of them."""
        return (("momentum", "velocity"), ("velocity_hat",)) if self.amsgrad else (("momentum", "velocity"),)

    def update(self, gradient: Tensor, value: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        """The rule."""
        rate = learning_rate * adam_rate(self, self.beta_1, self.beta_2, mechanism.dtype_of(value))
        new = moments(gradient, slots, self.beta_1, self.beta_2)
        square = new["velocity"]
        if self.amsgrad:
            square = new["velocity_hat"] = ops.maximum(slots["velocity_hat"], square)
        return value - rate * new["momentum"] / (ops.sqrt(square) + self.epsilon), new

    def update_together(
        self, gradients: list[Tensor], values: list[Tensor], slots: dict[str, list[Tensor]], learning_rate: Tensor
    ) -> tuple[list[Tensor], dict[str, list[Tensor]]] | None:
        """The rule by the backend's kernel."""
        kernel = select.current().native.get("adam_update")
        if kernel is None:
            return None
        rate = learning_rate * adam_rate(self, self.beta_1, self.beta_2, mechanism.dtype_of(learning_rate))
        return kernel(values, gradients, slots, rate, self.beta_1, self.beta_2, self.epsilon)


class AdamW(Adam):
    """Adam with decoupled weight decay.

    Args: as `Adam`'s, with `weight_decay` 0.004 by default.

    Source: Loshchilov & Hutter 2019, arXiv:1711.05101.
    Raises: ArgumentError as `Adam`, and for a weight decay of None.

    >>> AdamW().weight_decay
    0.004
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
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
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, clipnorm, clipvalue, global_clipnorm,
            use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name,
            **kwargs,
        )  # fmt: skip
        if weight_decay is None:
            raise ArgumentError(
                "`AdamW` needs a weight decay.", where=self.name, received=None, hint="use `Adam`, or pass a number"
            )


def moments(gradient: Tensor, slots: Slots, beta_1: float, beta_2: float) -> Slots:
    """The running means of the gradient and of its square, moved on."""
    m, v = slots["momentum"], slots["velocity"]
    return {
        "momentum": m + (gradient - m) * (1 - beta_1),
        "velocity": v + (gradient * gradient - v) * (1 - beta_2),
    }


def adam_rate(optimizer: Optimizer, beta_1: float, beta_2: float, dtype: str) -> Tensor:
    """What makes up for both means having begun at 0."""
    return ops.sqrt(optimizer.correction(beta_2, dtype)) / optimizer.correction(beta_1, dtype)
