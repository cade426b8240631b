"""The optimizers as their papers define them, in float64 and one variable at a time."""

from __future__ import annotations

from typing import Any

import numpy as np


class Rule:
    """One variable's state; `step` gives its new value.  `t` counts updates from 1."""

    def __init__(self, value: Any, **arguments: Any) -> None:
        self.a = {**self.defaults, **arguments}
        self.m = np.zeros_like(value)
        self.v = np.zeros_like(value)
        self.start(value)

    defaults: dict[str, Any] = {}

    def start(self, value: Any) -> None:
        """Make what else the state holds."""

    def means(self, g: Any, beta_1: Any, beta_2: Any) -> Any:
        """Running means of the gradient and its square."""
        self.m = beta_1 * self.m + (1 - beta_1) * g
        self.v = beta_2 * self.v + (1 - beta_2) * g**2
        return self.m, self.v


class SGD(Rule):
    defaults: dict[str, Any] = dict(momentum=0.0, nesterov=False)

    def step(self, w: Any, g: Any, t: Any, rate: Any) -> Any:
        mu = self.a["momentum"]
        self.m = mu * self.m - rate * g
        return w + (mu * self.m - rate * g if self.a["nesterov"] else self.m)


class Adam(Rule):
    defaults: dict[str, Any] = dict(beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False)

    def start(self, value: Any) -> None:
        self.greatest = np.zeros_like(value)

    def step(self, w: Any, g: Any, t: Any, rate: Any) -> Any:
        b1, b2 = self.a["beta_1"], self.a["beta_2"]
        m, v = self.means(g, b1, b2)
        if self.a["amsgrad"]:
            v = self.greatest = np.maximum(self.greatest, v)
        return w - rate * np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + self.a["epsilon"])


AdamW = Adam


class RMSprop(Rule):
    defaults: dict[str, Any] = dict(rho=0.9, momentum=0.0, epsilon=1e-7, centered=False)

    def start(self, value: Any) -> None:
        self.mean = np.zeros_like(value)

    def step(self, w: Any, g: Any, t: Any, rate: Any) -> Any:
        rho = self.a["rho"]
        self.v = rho * self.v + (1 - rho) * g**2
        self.mean = rho * self.mean + (1 - rho) * g
        square = self.v - self.mean**2 if self.a["centered"] else self.v
        self.m = self.a["momentum"] * self.m + rate * g / np.sqrt(square + self.a["epsilon"])
        return w - self.m


class Adagrad(Rule):
    defaults: dict[str, Any] = dict(initial_accumulator_value=0.1, epsilon=1e-7)

    def start(self, value: Any) -> None:
        self.v = np.full_like(value, self.a["initial_accumulator_value"])

    def step(self, w: Any, g: Any, t: Any, rate: Any) -> Any:
        self.v = self.v + g**2
        return w - rate * g / np.sqrt(self.v + self.a["epsilon"])


class Adadelta(Rule):
    defaults: dict[str, Any] = dict(rho=0.95, epsilon=1e-7)

    def step(self, w: Any, g: Any, t: Any, rate: Any) -> Any:
        rho, epsilon = self.a["rho"], self.a["epsilon"]
        self.v = rho * self.v + (1 - rho) * g**2
        step = -np.sqrt(self.m + epsilon) / np.sqrt(self.v + epsilon) * g
        self.m = rho * self.m + (1 - rho) * step**2
        return w + rate * step


class Adamax(Rule):
    defaults: dict[str, Any] = dict(beta_1=0.9, beta_2=0.999, epsilon=1e-7)

    def step(self, w: Any, g: Any, t: Any, rate: Any) -> Any:
        b1 = self.a["beta_1"]
        self.m = b1 * self.m + (1 - b1) * g
        self.v = np.maximum(self.a["beta_2"] * self.v, np.abs(g))
        return w - rate / (1 - b1**t) * self.m / (self.v + self.a["epsilon"])


class Nadam(Rule):
    defaults: dict[str, Any] = dict(beta_1=0.9, beta_2=0.999, epsilon=1e-7)

    def step(self, w: Any, g: Any, t: Any, rate: Any) -> Any:
        b1, b2 = self.a["beta_1"], self.a["beta_2"]
        mu = b1 * (1 - 0.5 * 0.96 ** np.arange(1, t + 2))  # of updates 1 to t + 1
        m, v = self.means(g, b1, b2)
        ahead = mu[t] * m / (1 - mu.prod()) + (1 - mu[t - 1]) * g / (1 - mu[:t].prod())
        return w - rate * ahead / (np.sqrt(v / (1 - b2**t)) + self.a["epsilon"])


class Ftrl(Rule):
    defaults: dict[str, Any] = dict(
        learning_rate_power=-0.5,
        initial_accumulator_value=0.1,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        l2_shrinkage_regularization_strength=0.0,
        beta=0.0,
    )

    def start(self, value: Any) -> None:
        self.v = np.full_like(value, self.a["initial_accumulator_value"])

    def step(self, w: Any, g: Any, t: Any, rate: Any) -> Any:
        a, l1 = self.a, self.a["l1_regularization_strength"]
        after = self.v + g**2
        sigma = (after ** -a["learning_rate_power"] - self.v ** -a["learning_rate_power"]) / rate
        self.m = self.m + g + 2 * a["l2_shrinkage_regularization_strength"] * w - sigma * w
        self.v = after
        # Minimize m w + c w**2 / 2 + l1 |w| over w.
        c = (after ** -a["learning_rate_power"] + a["beta"]) / rate + 2 * a["l2_regularization_strength"]
        return np.where(np.abs(self.m) <= l1, 0.0, -(self.m - np.sign(self.m) * l1) / c)


class Lion(Rule):
    defaults: dict[str, Any] = dict(beta_1=0.9, beta_2=0.99)

    def step(self, w: Any, g: Any, t: Any, rate: Any) -> Any:
        direction = np.sign(self.a["beta_1"] * self.m + (1 - self.a["beta_1"]) * g)
        self.m = self.a["beta_2"] * self.m + (1 - self.a["beta_2"]) * g
        return w - rate * direction


class Lamb(Rule):
    defaults: dict[str, Any] = dict(beta_1=0.9, beta_2=0.999, epsilon=1e-7)

    def step(self, w: Any, g: Any, t: Any, rate: Any) -> Any:
        b1, b2 = self.a["beta_1"], self.a["beta_2"]
        m, v = self.means(g, b1, b2)
        step = m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + self.a["epsilon"])
        norms = np.sqrt((w**2).sum()), np.sqrt((step**2).sum())
        return w - rate * (norms[0] / norms[1] if min(norms) > 0 else 1.0) * step


class Adafactor(Rule):
    defaults: dict[str, Any] = dict(
        beta_2_decay=-0.8, epsilon_1=1e-30, epsilon_2=1e-3, clip_threshold=1.0, relative_step=True
    )

    def start(self, value: Any) -> None:
        self.row = self.column = 0.0

    def step(self, w: Any, g: Any, t: Any, rate: Any) -> Any:
        a = self.a
        if a["relative_step"]:
            rate = min(rate, 1 / np.sqrt(t))
        beta = 1 - t ** a["beta_2_decay"]
        square = g**2 + a["epsilon_1"]
        if w.ndim >= 2:
            self.row = beta * self.row + (1 - beta) * square.sum(-1)
            self.column = beta * self.column + (1 - beta) * square.sum(-2)
            v = self.row[..., :, None] * self.column[..., None, :] / self.row.sum(-1)[..., None, None]
        else:
            v = self.v = beta * self.v + (1 - beta) * square
        step = g / np.sqrt(v)
        step = step / max(1, np.sqrt((step**2).mean()) / a["clip_threshold"])
        return w - rate * max(a["epsilon_2"], np.sqrt((w**2).mean())) * step


class Muon(Rule):
    defaults: dict[str, Any] = dict(
        adam_beta_1=0.9, adam_beta_2=0.999, epsilon=1e-7, muon_a=3.4445, muon_b=-4.775, muon_c=2.0315, adam_lr_ratio=1,
        momentum=0.95, ns_steps=5, nesterov=True, rms_rate=0.2, exclude_layers=(), exclude_embeddings=True, path="",
    )  # fmt: skip

    def step(self, w: Any, g: Any, t: Any, rate: Any) -> Any:
        a = self.a
        embedding = a["exclude_embeddings"] and "embedding" in a["path"]
        if w.ndim != 2 or embedding or any(part in a["path"] for part in a["exclude_layers"]):
            b1, b2 = a["adam_beta_1"], a["adam_beta_2"]
            m, v = self.means(g, b1, b2)
            bias = np.sqrt(1 - b2**t) / (1 - b1**t)
            return w - a["adam_lr_ratio"] * rate * bias * m / (np.sqrt(v) + a["epsilon"])
        self.m = a["momentum"] * self.m + g
        x = g + a["momentum"] * self.m if a["nesterov"] else self.m
        # The iteration acts on the singular values alone.
        u, s, vt = np.linalg.svd(x, full_matrices=False)
        s = s / (np.sqrt((s**2).sum()) + 1e-7)
        for _ in range(a["ns_steps"]):
            s = a["muon_a"] * s + a["muon_b"] * s**3 + a["muon_c"] * s**5
        size = 1.0 if a["rms_rate"] is None else a["rms_rate"] * np.sqrt(max(w.shape))
        return w - rate * size * (u * s) @ vt


class ScheduleFreeAdamW(Rule):
    defaults: dict[str, Any] = dict(beta_1=0.9, beta_2=0.999, epsilon=1e-8, warmup_steps=0)

    def start(self, value: Any) -> None:
        self.z = self.x = value

    def step(self, w: Any, g: Any, t: Any, rate: Any) -> Any:
        b1, b2 = self.a["beta_1"], self.a["beta_2"]
        if self.a["warmup_steps"]:
            rate = rate * min(1, t / self.a["warmup_steps"])
        self.v = b2 * self.v + (1 - b2) * g**2
        self.z = self.z - rate * g / (np.sqrt(self.v / (1 - b2**t)) + self.a["epsilon"])
        self.x = (1 - 1 / t) * self.x + self.z / t
        return (1 - b1) * self.z + b1 * self.x


def clipped(gradients: Any, clipnorm: Any = None, clipvalue: Any = None, global_clipnorm: Any = None) -> Any:
    def scaled(g: Any, norm: Any, limit: Any) -> Any:
        return g * limit / norm if norm > limit else g

    if clipvalue is not None:
        return [np.minimum(np.maximum(g, -clipvalue), clipvalue) for g in gradients]
    if clipnorm is not None:
        return [scaled(g, np.sqrt((g**2).sum()), clipnorm) for g in gradients]
    if global_clipnorm is not None:
        norm = np.sqrt(sum((g**2).sum() for g in gradients))
        return [scaled(g, norm, global_clipnorm) for g in gradients]
    return gradients


def trajectory(
    rule: Any,
    values: Any,
    gradients: Any,
    rate: Any,
    arguments: Any = (),
    weight_decay: Any = None,
    excluded: Any = (),
    use_ema: Any = False,
    ema_momentum: Any = 0.99,
    ema_overwrite_frequency: Any = None,
    loss_scale_factor: Any = 1.0,
    gradient_accumulation_steps: Any = 1,
    paths: Any = (),
    **clipping: Any,
) -> Any:
    """The values after each batch, and the averages at the end.

    Args: gradients: batches of one array per variable; rate: a number or a function of the batch; excluded: numbers of
        the variables without decay.
    """
    values = [np.array(v, "float64") for v in values]
    extra = [{"path": p} for p in paths] or [{}] * len(values)
    rules = [rule(v, **dict(arguments), **e) for v, e in zip(values, extra, strict=True)]
    averages: Any = None
    history: list[Any] = []
    batches: list[Any] = []
    for k, batch in enumerate(gradients):
        batches.append([g / loss_scale_factor for g in batch])
        if len(batches) == gradient_accumulation_steps:
            t = (k + 1) // gradient_accumulation_steps
            now: Any = rate(k) if callable(rate) else rate
            means: Any = clipped([np.mean(g, axis=0) for g in zip(*batches, strict=True)], **clipping)
            batches = []
            for i, (r, g) in enumerate(zip(rules, means, strict=True)):
                decay = weight_decay if weight_decay is not None and i not in excluded else 0.0
                values[i] = r.step(values[i] * (1 - now * decay), g, t, now)
            if use_ema:
                before: list[Any] = values if averages is None else averages
                averages = [ema_momentum * a + (1 - ema_momentum) * v for a, v in zip(before, values, strict=True)]
                if ema_overwrite_frequency and t % ema_overwrite_frequency == 0:
                    values = list(averages)
        history.append(list(values))
    return history, averages
