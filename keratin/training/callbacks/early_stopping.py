"""`EarlyStopping`: the end of training when it no longer helps."""

from __future__ import annotations

from typing import Any

from keratin.training import progress
from keratin.training.callbacks.monitor import MonitorCallback


class EarlyStopping(MonitorCallback):
    """Stops training when the watched number no longer improves.

    Args:
        monitor: the name of the number.
        min_delta: by how much it must improve to count.
        patience: how many epochs may pass without an improvement.
        verbose: 1 to tell when it stops.
        mode: "min", "max" or "auto".
        baseline: the value that must be improved on, too.
        restore_best_weights: whether the model ends with the weights of the best epoch, instead of the last.
        start_from_epoch: how many epochs are not looked at.
    Raises: ArgumentError.

    >>> EarlyStopping(patience=3).patience
    3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self._reset()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start again, so that it can serve several calls of `fit`."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the number, and stop if patience has run out."""
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        self._set_monitor_op()
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self._keep(epoch)
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Restore the best weights if wanted."""
        if self.verbose > 0 and self.stopped_epoch > 0:
            progress.message(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose > 0:
                progress.message(f"Restoring the weights of the best epoch, {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def state(self) -> dict[str, Any]:
        """The best value and weights, and how long they are ago."""
        return {name: getattr(self, name) for name in self._STATE}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        for name in self._STATE:
            setattr(self, name, state[name])

    # -- helpers

    _STATE = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")

    def _reset(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best: float | None = None
        self.best_weights: list[Any] | None = None
        self._warned = False

    def _keep(self, epoch: int) -> None:
        self.best_weights, self.best_epoch = self.model.get_weights(), epoch
