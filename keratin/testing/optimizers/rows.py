"""The rows: every optimizer, and every argument that changes its rule."""

from __future__ import annotations

import dataclasses
from typing import Any

from keratin import optimizers
from keratin.testing.optimizers import problem, reference

RATES: dict[str, float] = {"Lion": 0.003, "Adadelta": 1.0, "Adam": 0.01, "SGD": 0.02, "Ftrl": 0.5}
DECAYS = {"AdamW": 0.004, "Muon": 0.004}
"""Learning rates at which a rule moves enough, and weight decays that are there by default."""


@dataclasses.dataclass
class Case:
    """One row: an optimizer and arguments of its constructor."""

    optimizer: str
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])

    @property
    def name(self) -> str:
        """The class's name and those of the arguments."""
        return "-".join([self.optimizer, *self.arguments])

    def make(self, rate: float | None = None, **more: Any) -> Any:
        """The optimizer."""
        rate = RATES.get(self.optimizer, 0.01) if rate is None else rate
        return getattr(optimizers, self.optimizer)(rate, **{**self.arguments, **more})

    def trajectory(self) -> list[Any]:
        """The values after each batch as the paper has them, in float64."""
        rest = dict(self.arguments)
        options: dict[str, Any] = {"weight_decay": rest.pop("weight_decay", DECAYS.get(self.optimizer))}
        if self.optimizer == "Muon":
            options["paths"] = problem.PATHS
        rule, rate = getattr(reference, self.optimizer), RATES.get(self.optimizer, 0.01)
        return reference.trajectory(rule, problem.VALUES, problem.EXACT, rate, rest, **options)[0]


ROWS: list[Case] = [
    Case("SGD"),
    Case("SGD", {"momentum": 0.9}),
    Case("SGD", {"momentum": 0.8, "nesterov": True}),
    Case("Adam"),
    Case("Adam", {"beta_1": 0.0, "beta_2": 0.9, "epsilon": 1e-3}),
    Case("Adam", {"amsgrad": True, "beta_2": 0.8}),
    Case("AdamW"),
    Case("AdamW", {"weight_decay": 0.1, "amsgrad": True}),
    Case("RMSprop"),
    Case("RMSprop", {"rho": 0.7, "epsilon": 1e-2}),
    Case("RMSprop", {"momentum": 0.5}),
    Case("RMSprop", {"centered": True, "epsilon": 1e-3}),
    Case("RMSprop", {"centered": True, "momentum": 0.9, "epsilon": 1e-3}),
    Case("Adagrad"),
    Case("Adagrad", {"initial_accumulator_value": 0.0, "epsilon": 1e-2}),
    Case("Adadelta"),
    Case("Adadelta", {"rho": 0.5, "epsilon": 1e-3}),
    Case("Adamax"),
    Case("Adamax", {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2}),
    Case("Nadam"),
    Case("Nadam", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-2}),
    Case("Ftrl"),
    Case("Ftrl", {"l1_regularization_strength": 2.0, "l2_regularization_strength": 0.5, "beta": 0.3}),
    Case("Ftrl", {"l2_shrinkage_regularization_strength": 0.1, "learning_rate_power": -0.3}),
    Case("Lion"),
    Case("Lion", {"beta_1": 0.5, "beta_2": 0.8}),
    Case("Lamb"),
    Case("Lamb", {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2}),
    Case("Adafactor"),
    Case("Adafactor", {"beta_2_decay": -0.5, "epsilon_1": 1e-3, "epsilon_2": 2.0, "clip_threshold": 0.5}),
    Case("Muon"),
    Case("Muon", {"nesterov": False, "rms_rate": None, "ns_steps": 2, "momentum": 0.5, "weight_decay": None}),
    Case("Muon", {"exclude_embeddings": False, "exclude_layers": ["wide"], "adam_lr_ratio": 0.5, "adam_beta_1": 0.5}),
    Case("ScheduleFreeAdamW"),
    Case("ScheduleFreeAdamW", {"beta_1": 0.6, "beta_2": 0.9, "epsilon": 1e-3, "warmup_steps": 20}),
]
