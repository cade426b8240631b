"""`ProgbarLogger`: the progress bar of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from typing import Any

from keratin.training.callbacks.base import Callback
from keratin.training.progress import Bar


class ProgbarLogger(Callback):
    """Shows progress on standard output; `fit`, `evaluate` and `predict` add one unless `verbose=0`.

    It follows chunks of batches, so that steps need not run one by one for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.verbose, self.epochs = 1, 1
        self.target: int | None = None
        self._samples: int | None = None
        self._batch_size: int | None = None
        self._bar: Bar | None = None
        self._in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Take over "verbose", "epochs" and "steps"."""
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs, self.target = params.get("epochs", 1), params.get("steps")

    def tell_samples(self, samples: int | None, batch_size: int | None) -> None:
        """How many rows an epoch and a batch have, for the rate that is shown."""
        self._samples, self._batch_size = samples, batch_size

    def wants_batches(self, kind: str) -> bool:
        """No: `on_progress` is enough."""
        return False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """From here on validation is silent."""
        self._in_fit = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """The next evaluation has a bar of its own."""
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start a bar."""
        self._start(f"Epoch {epoch + 1}/{self.epochs}" if self.epochs > 1 else "")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """End the bar with the final logs."""
        self._finish(logs)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start a bar, or in `fit` stop its clock."""
        if not self._in_fit:
            self._start("")
        elif self._bar is not None:
            self._bar.stop_clock()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """End the bar with the final logs."""
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start a bar."""
        self._start("")

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """End the bar."""
        self._finish(None)

    def on_progress(self, kind: str, batch: int, logs: dict[str, Any]) -> None:
        """Move the bar."""
        if self._bar is None or (kind == "test" and self._in_fit):
            return
        done = batch + 1
        samples = None
        if self._batch_size is not None:
            samples = done * self._batch_size
            if self._samples is not None and done == self.target:
                samples = min(samples, self._samples)
        if self._bar.step(done, samples):
            self._bar.draw(logs if kind != "predict" else {})

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar in a training loop of the user's own."""
        self.on_progress("train", batch, logs or {})

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar in a loop of the user's own."""
        self.on_progress("test", batch, logs or {})

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar in a loop of the user's own."""
        self.on_progress("predict", batch, {})

    # -- helpers

    def _start(self, title: str) -> None:
        self._bar = Bar(self.target, verbose=self.verbose, title=title)

    def _finish(self, logs: dict[str, Any] | None) -> None:
        if self._bar is None:
            return
        if self.target is None:
            self.target = self._bar.target = self._bar.current or None  # the next epoch has as many
        self._bar.finish(logs or {})
        self._bar = None
