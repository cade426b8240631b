"""`Callback`: what is told of the course of training, evaluation and prediction."""

from __future__ import annotations

from typing import Any

BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}
"""The hooks that are called around each batch, by kind."""


class Callback:
    """Something that is told of the course of `fit`, `evaluate` and `predict`.

    A subclass overrides the hooks it needs. Many steps run in one dispatch, unless a callback overrides a hook
    around batches; where every 100 ms are enough, override `on_progress` instead.

    Attributes: `model`, and `params`, a dict with "verbose", "epochs" and "steps".

    `logs` is a dict from name to float; what a callback adds to it in `on_epoch_end` is in the history.

    >>> class Stop(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         self.model.stop_training = logs["loss"] < 0.1
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] | None = None
        self._model: Any = None

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before the start with "verbose", "epochs" and "steps"."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Called before the start with the model."""
        self._model = model

    @property
    def model(self) -> Any:
        """The model that is trained."""
        return self._model

    # ---- hooks

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Called at the start of `fit`."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Called at the end of `fit` with the last logs."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Called before an epoch; the first one is 0."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Called after an epoch with its logs, those of the validation as "val_…"."""

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Called at the start of `evaluate` and of a validation in `fit`."""

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Called at the end of `evaluate` and of a validation in `fit`."""

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Called at the start of `predict`."""

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """Called at the end of `predict`."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called before a batch of `fit`; the first one of an epoch is 0."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called after a batch of `fit` with the running means."""
        self.on_batch_end(batch, logs=logs)

    def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Another name of `on_train_batch_end`."""

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called before a batch of `evaluate` or of a validation."""

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called after a batch of `evaluate` or of a validation."""

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called after a batch of `predict`; `logs["outputs"]` holds its outputs."""

    def on_progress(self, kind: str, batch: int, logs: dict[str, Any]) -> None:
        """Called some ten times a second, after batch number `batch`; `kind` is "train", "test" or "predict"."""

    # ---- what the loop and checkpoints ask

    def wants_batches(self, kind: str) -> bool:
        """Whether the hooks around batches must be called for each batch, so that steps run one by one.

        Args: kind: "train", "test" or "predict".
        """
        return any(overrides(self, hook) for hook in BATCH_HOOKS[kind])

    def state(self) -> dict[str, Any]:
        """What decides its future, as plain data and arrays: `load_state` goes on from there."""
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave; called after `on_train_begin`."""


def overrides(callback: Any, hook: str) -> bool:
    """Whether `callback` does something in this hook.

    >>> overrides(Callback(), "on_epoch_end")
    False
    """
    method = getattr(callback, hook, None)
    return method is not None and getattr(method, "__func__", method) is not getattr(Callback, hook)
