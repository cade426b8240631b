"""What callbacks share that change the learning rate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from keratin.ops import mechanism


def optimizers_of(model: Any) -> Iterator[tuple[str, Any]]:
    """The optimizers of a model, each with what to add to the name "learning_rate": one, or several in a list."""
    inner = getattr(model.optimizer, "optimizers", None)
    if inner is None:
        yield "", model.optimizer
        return
    for optimizer in inner:
        yield f"_{optimizer.name}", optimizer


def rate_of(optimizer: Any) -> float:
    """The learning rate now."""
    return float(mechanism.host_values(optimizer.learning_rate))


def log_rates(model: Any, logs: dict[str, Any] | None) -> None:
    """Put the learning rates into the logs."""
    if logs is not None:
        logs.update({f"learning_rate{suffix}": rate_of(optimizer) for suffix, optimizer in optimizers_of(model)})
