"""Muon."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from keratin import ops
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor
from keratin.optimizers.adam import adam_rate, moments
from keratin.optimizers.base import Optimizer, Slots
from keratin.state.variable import Variable


class Muon(Optimizer):
    """Steps by momentum made orthogonal, for matrices; Adam with decoupled decay for all other variables.

    Args:
        learning_rate: a number, a schedule or a function.
        adam_beta_1, adam_beta_2, epsilon: of Adam.
        adam_weight_decay: decay of the variables that Adam updates.
        weight_decay: decay of the others.
        exclude_layers: parts of paths (regular expressions) of matrices for Adam.
        exclude_embeddings: whether Adam updates matrices with "embedding" in their path.
        muon_a, muon_b, muon_c: coefficients of the iteration, of power 1, 3 and 5.
        adam_lr_ratio: Adam's learning rate as a part of `learning_rate`.
        momentum: of the matrices' gradients.
        ns_steps: how many iterations make the momentum orthogonal.
        nesterov: whether the gradient is looked up ahead.
        rms_rate: root mean square of the entries of a step; None: that of an orthogonal matrix.
        **: the options of `Optimizer`.

    Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers"; `rms_rate`: Liu et al. 2025, arXiv:2502.16982.
    Raises: ArgumentError for a decay outside [0, 1).

    >>> Muon(exclude_layers=["head"]).slots
    ('momentum', 'velocity')
    """

    slots = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.adam_beta_1, self.adam_beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.adam_weight_decay, self.adam_lr_ratio = adam_weight_decay, adam_lr_ratio
        self.exclude_layers, self.exclude_embeddings = list(exclude_layers or ()), exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.momentum, self.ns_steps, self.nesterov, self.rms_rate = momentum, ns_steps, nesterov, rms_rate
        for decay in ("adam_beta_1", "adam_beta_2"):
            self.check_range(decay, 0, 1, open_end=True)
        self.check_range("momentum", 0, 1)

    def make_slot(self, slot: str, variable: Variable) -> Variable | None:
        """A velocity only where Adam updates."""
        return None if slot == "velocity" and not self._is_for_adam(variable) else super().make_slot(slot, variable)

    def decay_of(self, variable: Variable) -> float | None:
        """The weight decay of a variable."""
        return self.adam_weight_decay if self._is_for_adam(variable) else self.weight_decay

    def _is_for_adam(self, variable: Variable) -> bool:
        path = variable.path
        embedding = self.exclude_embeddings and "embedding" in path.lower()
        return variable.ndim != 2 or embedding or any(re.search(part, path) for part in self.exclude_layers)

    def update(self, gradient: Tensor, value: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        """The rule."""
        if "velocity" in slots:
            return self._adam(gradient, value, slots, learning_rate * float(self.adam_lr_ratio))
        m = self.momentum * slots["momentum"] + gradient
        step = self._orthogonal(gradient + self.momentum * m if self.nesterov else m)
        if self.rms_rate is not None:
            step = step * (self.rms_rate * math.sqrt(max(value.shape)))
        return value - learning_rate * step, {"momentum": m}

    def _orthogonal(self, x: Tensor) -> Tensor:
        """Bring all singular values near to 1, by a polynomial of odd powers applied again and again."""
        tall = x.shape[0] > x.shape[1]
        x = ops.transpose(x) if tall else x
        x = x / (ops.sqrt(ops.sum(ops.square(x))) + 1e-7)
        for _ in range(self.ns_steps):
            square = ops.matmul(x, ops.transpose(x))
            x = self.muon_a * x + ops.matmul(self.muon_b * square + self.muon_c * ops.matmul(square, square), x)
        return ops.transpose(x) if tall else x

    def _adam(self, gradient: Tensor, value: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        rate = learning_rate * adam_rate(self, self.adam_beta_1, self.adam_beta_2, mechanism.dtype_of(value))
        new = moments(gradient, slots, self.adam_beta_1, self.adam_beta_2)
        return value - rate * new["momentum"] / (ops.sqrt(new["velocity"]) + self.epsilon), new
