"""`History`: the logs of all epochs."""

from __future__ import annotations

from typing import Any

from keratin.training.callbacks.base import Callback


class History(Callback):
    """Keeps the logs of all epochs; `fit` returns one.

    Attributes: `history`, a dict from name to the list of its values, and `epoch`, the list of epoch numbers.

    >>> history = History()
    >>> history.on_train_begin()
    >>> history.on_epoch_end(0, {"loss": 0.5})
    >>> history.on_epoch_end(1, {"loss": 0.25})
    >>> history.epoch, history.history
    ([0, 1], {'loss': [0.5, 0.25]})
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start the list of epochs again."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self.model is not None:
            self.model.history = self

    def state(self) -> dict[str, Any]:
        """The epochs and their logs."""
        return {"epoch": list(self.epoch), "history": {name: list(values) for name, values in self.history.items()}}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on after the epochs of `state`."""
        self.epoch = list(state["epoch"])
        self.history = {name: list(values) for name, values in state["history"].items()}
