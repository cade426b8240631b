"""Adam and its relative with decoupled weight decay."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.ops.mechanism import Tensor
from keratin.optimizers.base import Optimizer


class Adam(Optimizer):
    """Steps by running means of the gradient and of its square.

    Args:
        learning_rate: a number, a schedule or a function.
        beta_1, beta_2: decay of the two means.
        epsilon: added to the root (the paper's epsilon-hat).
        amsgrad: whether the second mean never falls (Reddi, Kale & Kumar 2018).
        **: the options of `Optimizer`.

    Source: Kingma & Ba 2015, arXiv:1412.6980, the efficient form at the end of section 2.

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
        name: str | None = "adam",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Both means side by side; the greatest second means after all of them."""
        return (("momentum", "velocity"), ("velocity_hat",)) if self.amsgrad else (("momentum", "velocity"),)

    def update(self, gradient: Tensor, value: Tensor, slots: dict[str, Tensor], learning_rate: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The rule."""
        step = ops.cast(self.iterations, value.dtype) + 1
        rate = learning_rate * ops.sqrt(1 - ops.power(self.beta_2, step)) / (1 - ops.power(self.beta_1, step))
        m = slots["momentum"] + (gradient - slots["momentum"]) * (1 - self.beta_1)
        v = slots["velocity"] + (gradient * gradient - slots["velocity"]) * (1 - self.beta_2)
        new = {"momentum": m, "velocity": v}
        if self.amsgrad:
            v = new["velocity_hat"] = ops.maximum(slots["velocity_hat"], v)
        return value - m * rate / (ops.sqrt(v) + self.epsilon), new


class AdamW(Adam):
    """Adam with decoupled weight decay.

    Args: as `Adam`'s, with `weight_decay` 0.004 by default.

    Source: Loshchilov & Hutter 2019, arXiv:1711.05101.

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
        name: str | None = "adamw",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema,
            ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
