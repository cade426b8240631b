"""`ReduceLROnPlateau`: a smaller learning rate when training no longer gets on."""

from __future__ import annotations

from typing import Any

from keratin.errors import ArgumentError, UnknownArgumentError
from keratin.training import progress
from keratin.training.callbacks.learning_rate import log_rates, optimizers_of, rate_of
from keratin.training.callbacks.monitor import MonitorCallback


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by `factor` when the watched number no longer improves.

    Args:
        monitor: the name of the number.
        factor: below 1.
        patience: how many epochs may pass without an improvement.
        verbose: 1 to tell of each change.
        mode: "min", "max" or "auto".
        min_delta: by how much the number must improve to count.
        cooldown: how many epochs after a change are not counted.
        min_lr: what the rate does not fall below.
    Raises: ArgumentError for a factor outside of 0 to 1; UnknownArgumentError.

    >>> ReduceLROnPlateau(factor=0.5).factor
    0.5
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if kwargs:
            raise UnknownArgumentError("`ReduceLROnPlateau` has no such argument.", received=", ".join(kwargs))
        if not 0 <= factor < 1:
            raise ArgumentError(
                "`factor` cannot be used.", where="ReduceLROnPlateau", expected="from 0 to below 1", received=factor
            )
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self._reset()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start again."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the number, and reduce the rate if patience has run out."""
        log_rates(self.model, logs)
        current = self.get_monitor_value(logs)
        if current is None:
            return
        self._set_monitor_op()
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter, self.wait = self.cooldown, 0

    def in_cooldown(self) -> bool:
        """Whether the last change is not long ago."""
        return self.cooldown_counter > 0

    def state(self) -> dict[str, Any]:
        """The best value, and the counts."""
        return {"best": self.best, "wait": self.wait, "cooldown_counter": self.cooldown_counter}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.best, self.wait, self.cooldown_counter = state["best"], state["wait"], state["cooldown_counter"]

    # -- helpers

    def _reset(self) -> None:
        self.best: float | None = None
        self.wait = self.cooldown_counter = 0
        self._warned = False

    def _reduce(self, epoch: int) -> bool:
        reduced = False
        for suffix, optimizer in optimizers_of(self.model):
            rate = rate_of(optimizer)
            if rate <= self.min_lr * (1 + 1e-6):  # the rate may be a float32
                continue
            optimizer.learning_rate = new = max(rate * self.factor, self.min_lr)
            reduced = True
            if self.verbose > 0:
                name = f" of{suffix.replace('_', ' ', 1)}" if suffix else ""
                progress.message(f"Epoch {epoch + 1}: the learning rate{name} falls to {new:.6g}.")
        return reduced
