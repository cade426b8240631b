"""`ModelCheckpoint`: the model in a file, every so often or whenever it is better."""

from __future__ import annotations

import os
import pathlib
from typing import Any

from keratin.errors import ArgumentError, FileFormatError
from keratin.training import progress
from keratin.training.callbacks.monitor import MonitorCallback


class ModelCheckpoint(MonitorCallback):
    """Saves the model or its weights while training.

    A file appears under its name only when it is complete, so that one that is there can always be loaded.

    Args:
        filepath: the file; may hold fields that the number of the epoch and the logs fill, such as
            "{epoch:02d}-{val_loss:.2f}.keras". Ends in ".keras" or ".h5", with `save_weights_only` in ".weights.h5".
        monitor: the name of the number that tells what is better.
        verbose: 1 to tell of each file.
        save_best_only: whether to save only when the number improves.
        save_weights_only: whether to save the weights alone.
        mode: "min", "max" or "auto".
        save_freq: "epoch", or after how many batches; batches then run one by one.
        initial_value_threshold: the value to improve on at first.
    Raises: ArgumentError for a name or frequency that cannot be used; FileFormatError if the name is a folder's.

    >>> ModelCheckpoint("best.keras", save_best_only=True).monitor
    'val_loss'
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: int | str = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose, self.save_best_only, self.save_weights_only = verbose, save_best_only, save_weights_only
        self.save_freq = save_freq
        self._epoch = 0
        self._since_saving = 0
        self._last_batch: int | None = None
        whole = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq > 0
        if save_freq != "epoch" and not whole:
            raise ArgumentError(
                "`save_freq` cannot be used.",
                where="ModelCheckpoint",
                expected="'epoch', or a number of batches",
                received=save_freq,
            )
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(endings):
            raise ArgumentError(
                "The file has the wrong ending.",
                where="ModelCheckpoint",
                expected=f"a `filepath` that ends in {' or '.join(endings)}",
                received=self.filepath,
            )

    def wants_batches(self, kind: str) -> bool:
        """Only where it saves after a number of batches."""
        return kind == "train" and self.save_freq != "epoch"

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note the number for names of files."""
        self._epoch = epoch
        self._last_batch = None

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Save after each `save_freq` batches."""
        if self.save_freq == "epoch":
            return
        self._since_saving += batch - (-1 if self._last_batch is None else self._last_batch)
        self._last_batch = batch
        if self._since_saving >= int(self.save_freq):
            self._since_saving = 0
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save after each epoch."""
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def state(self) -> dict[str, Any]:
        """The best value so far, and the batches since the last file."""
        return {"best": self.best, "since_saving": self._since_saving}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.best, self._since_saving = state["best"], state["since_saving"]

    # -- helpers

    def _save(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> None:
        path = self._path(epoch, batch, logs)
        if not self._should_save(epoch, path, logs):
            return
        write = self.model.save_weights if self.save_weights_only else self.model.save
        _write_whole(path, lambda part: write(part, overwrite=True))
        if self.verbose > 0:
            progress.message(f"Epoch {epoch + 1}: saved {path}")

    def _should_save(self, epoch: int, path: str, logs: dict[str, Any]) -> bool:
        if not self.save_best_only:
            return True
        current = self.get_monitor_value(logs)
        if current is None:
            return True  # better one file too many than none
        before = "nothing" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            if self.verbose > 0:
                progress.message(f"Epoch {epoch + 1}: {self.monitor} did not improve from {before}")
            return False
        if self.verbose > 0:
            progress.message(
                f"Epoch {epoch + 1}: {self.monitor} improved from {before} to {current:.5f}, saving {path}"
            )
        self.best = current
        return True

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        fields = {"epoch": epoch + 1, **({} if batch is None else {"batch": batch + 1}), **logs}
        try:
            return self.filepath.format(**fields)
        except (KeyError, IndexError, ValueError) as error:
            raise ArgumentError(
                f"The fields of the file's name cannot be filled: {error}",
                where="ModelCheckpoint(filepath)",
                expected=f"fields named {', '.join(fields)}",
                received=self.filepath,
            ) from None


def _write_whole(path: str, write: Any) -> None:
    """Write beside `path` and rename, so that `path` is the old file or the new one at any moment."""
    target = pathlib.Path(path)
    if target.is_dir():
        raise FileFormatError(
            "The name of the checkpoint is that of a folder.",
            where="ModelCheckpoint(filepath)",
            received=path,
            hint="remove the folder, or choose another name",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".part-{os.getpid()}-{target.name}")  # the ending tells the format, so it stays
    try:
        write(str(part))
        descriptor = os.open(part, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
