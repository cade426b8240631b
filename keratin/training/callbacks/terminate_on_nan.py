"""`TerminateOnNaN`: the end of training when the loss is no number any more."""

from __future__ import annotations

import math
from typing import Any

from keratin.errors import StateError
from keratin.training import progress
from keratin.training.callbacks.base import Callback


class TerminateOnNaN(Callback):
    """Stops training when the loss becomes NaN or infinite.

    The loss in the logs is a running mean, which stays NaN once it is, so that looking a few times a second is
    enough and steps need not run one by one.

    Args: raise_error: whether to raise instead of stopping quietly.
    Raises: StateError in `fit` with `raise_error=True`.

    >>> TerminateOnNaN(raise_error=True).raise_error
    True
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error
        self._stopped = False

    def wants_batches(self, kind: str) -> bool:
        """No: `on_progress` is enough."""
        return False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start again."""
        self._stopped = False

    def on_progress(self, kind: str, batch: int, logs: dict[str, Any]) -> None:
        """Look at the loss."""
        if kind == "train":
            self._look(f"at batch {batch} or before", logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss, in a training loop of the user's own."""
        self._look(f"at batch {batch}", logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss."""
        self._look(f"in epoch {epoch + 1}", logs)

    def _look(self, when: str, logs: dict[str, Any] | None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss) or self._stopped:
            return
        self._stopped = True
        if self.raise_error:
            raise StateError(
                f"The loss is {loss} {when}.",
                where="TerminateOnNaN",
                hint="look for NaN in the data, lower the learning rate, or clip gradients with `clipnorm`",
            )
        progress.message(f"The loss is {loss} {when}: training stops.")
        self.model.stop_training = True
