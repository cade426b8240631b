"""`CallbackList`: the callbacks of one call of `fit`, `evaluate` or `predict`, called in order."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from keratin import tree
from keratin.errors import ArgumentError, StateError
from keratin.training.callbacks.base import BATCH_HOOKS, Callback, overrides
from keratin.training.callbacks.history import History
from keratin.training.callbacks.progbar_logger import ProgbarLogger

HOOKS = (
    *(f"on_{kind}_{when}" for kind in BATCH_HOOKS for when in ("begin", "end")),
    *(hook for hooks in BATCH_HOOKS.values() for hook in hooks),
    "on_epoch_begin",
    "on_epoch_end",
    "on_progress",
)


class CallbackList(Callback):
    """Callbacks as one.

    Args:
        callbacks: one, or a nest of them.
        add_history: whether to add a `History` if there is none.
        add_progbar: whether to add a `ProgbarLogger` if there is none.
        model: the model to tell them.
        params: what to tell them, such as `epochs=3, steps=10, verbose=1`.
    Raises: ArgumentError for something that is no callback.

    A callback is called only for the hooks that it overrides.

    >>> calls = []
    >>> class Note(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         calls.append((epoch, logs))
    >>> CallbackList([Note(), Callback()]).on_epoch_end(0, {"loss": 1})
    >>> calls
    [(0, {'loss': 1.0})]
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks: list[Any] = []
        self._calls: dict[Any, list[Callable[..., Any]]] = {}
        self._known: list[Any] | None = None
        for callback in tree.flatten(callbacks) if callbacks is not None else []:
            self.append(callback)
        if add_history:
            self._ensure(History)
        if add_progbar:
            self._ensure(ProgbarLogger)
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    @classmethod
    def of(
        cls,
        callbacks: Any,
        *,
        model: Any,
        verbose: int | str = 1,
        epochs: int = 1,
        initial_epoch: int = 0,
        steps: int | None = None,
        samples: int | None = None,
        batch_size: int | None = None,
        history: bool = False,
        kind: str = "train",
    ) -> CallbackList:
        """What a training loop drives: the user's own `CallbackList` as it is, or a new one of the user's callbacks.

        Args:
            callbacks: as the user gave them.
            model, verbose, epochs, steps: what the callbacks are told.
            initial_epoch: the number of the first epoch.
            samples, batch_size: rows in an epoch and in a batch, where known, for the rate that is shown.
            history: whether to add a `History`.
            kind: "train", "test" or "predict".
        """
        verbose = _checked_verbose(verbose)
        if isinstance(callbacks, CallbackList):
            if history:
                callbacks._ensure(History)
            if callbacks.model is None:
                callbacks.set_model(model)
            if not callbacks.params:
                callbacks.set_params({"verbose": verbose, "epochs": epochs, "steps": steps})
            return callbacks
        made = cls(
            callbacks,
            add_history=history,
            add_progbar=verbose != 0,
            model=model,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
        )
        if batch_size is None and samples is not None and steps:
            batch_size = -(-samples // steps)
        for callback in made.callbacks:
            if isinstance(callback, ProgbarLogger):
                callback.tell_samples(samples, batch_size)
        return made

    def append(self, callback: Any) -> None:
        """Add a callback."""
        if inspect.isclass(callback) or not hasattr(callback, "set_model"):
            raise ArgumentError(
                "This is no callback.",
                where="callbacks",
                expected="an object of a class that derives from `Callback`",
                received=f"the class `{callback.__name__}`" if inspect.isclass(callback) else callback,
                hint=f"make an object of it: `{callback.__name__}(...)`"
                if inspect.isclass(callback)
                else "wrap a function: `LambdaCallback(on_epoch_end=function)`",
            )
        self.callbacks.append(callback)

    def set_params(self, params: dict[str, Any]) -> None:
        """Tell all callbacks."""
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Tell all callbacks; the model's `history` becomes the `History` among them."""
        super().set_model(model)
        for callback in self.callbacks:
            if isinstance(callback, History):
                model.history = callback
            callback.set_model(model)

    def wants_batches(self, kind: str) -> bool:
        """Whether any callback needs its hooks around each batch."""
        own = any(getattr(type(self), hook) is not getattr(CallbackList, hook) for hook in BATCH_HOOKS[kind])
        return own or any(_wants(callback, kind) for callback in self.callbacks)

    def for_tests(self) -> CallbackList:
        """What a validation within `fit` drives."""
        return self

    def state(self) -> dict[str, Any]:
        """The states of all callbacks, by place and class."""
        states = (
            (_key(*item), item[1].state() if hasattr(item[1], "state") else {}) for item in enumerate(self.callbacks)
        )
        return {key: state for key, state in states if state}

    def load_state(self, state: dict[str, Any]) -> None:
        """Give each callback its state.

        Raises: StateError if the callbacks are others than those whose state this is.
        """
        callbacks = {_key(*item): item[1] for item in enumerate(self.callbacks)}
        unknown = [key for key in state if key not in callbacks]
        if unknown:
            raise StateError(
                "The state belongs to other callbacks.",
                where="callbacks",
                expected=", ".join(state),
                received=", ".join(callbacks),
                hint="pass the same callbacks in the same order when going on",
            )
        for key, part in state.items():
            callbacks[key].load_state(part)

    # ---- what the loop calls

    def batch_begin(self, kind: str, batch: int) -> None:
        """Before a batch, for the callbacks that want every batch."""
        self._around_batch(kind, "begin", batch, None)

    def batch_end(self, kind: str, batch: int, logs: Mapping[str, Any]) -> None:
        """After a batch, for the callbacks that want every batch."""
        self._around_batch(kind, "end", batch, logs)

    def progress(self, kind: str, batch: int, logs: Mapping[str, Any]) -> None:
        """After a chunk of batches that ends with number `batch`."""
        calls = self._callers("on_progress")
        if calls:
            logs = _floats(logs)
            for call in calls:
                call(kind, batch, logs)

    def _around_batch(self, kind: str, when: str, batch: int, logs: Mapping[str, Any] | None) -> None:
        hook = f"on_{kind}_batch_{when}"
        if getattr(type(self), hook) is not getattr(CallbackList, hook):
            getattr(self, hook)(batch, logs=logs)
            return
        calls = self._callers((kind, hook))
        if calls:
            values = _floats(logs)
            for call in calls:
                call(batch, logs=values)

    # ---- hooks

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_train_begin", logs)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_train_end", logs)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_test_begin", logs)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_test_end", logs)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_predict_begin", logs)

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_predict_end", logs)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_epoch_begin", logs, epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_epoch_end", logs, epoch)

    def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call_named("on_batch_begin", batch, logs)

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call_named("on_batch_end", batch, logs)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call_named("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call_named("on_train_batch_end", batch, logs)

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call_named("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call_named("on_test_batch_end", batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call_named("on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call_named("on_predict_batch_end", batch, logs)

    # ---- helpers

    def _call(self, hook: str, logs: Mapping[str, Any] | None, *first: Any) -> None:
        values = _floats(logs)
        for call in self._callers(hook):
            call(*first, values)

    def _call_named(self, hook: str, batch: int, logs: Mapping[str, Any] | None) -> None:
        calls = self._callers(hook)
        if calls:
            values = _floats(logs)
            for call in calls:
                call(batch, logs=values)

    def _callers(self, hook: Any) -> list[Callable[..., Any]]:
        """The bound hooks of the callbacks that override it; for (kind, hook) of those that want every batch.

        They are found once for a list of callbacks.
        """
        if self._known != self.callbacks:
            self._known = list(self.callbacks)
            doing = {name: [c for c in self.callbacks if _does(c, name)] for name in HOOKS}
            self._calls = {name: [getattr(c, name) for c in callbacks] for name, callbacks in doing.items()}
            for kind in BATCH_HOOKS:
                for name in (f"on_{kind}_batch_begin", f"on_{kind}_batch_end"):
                    self._calls[kind, name] = [getattr(c, name) for c in doing[name] if _wants(c, kind)]
        return self._calls[hook]

    def _ensure(self, kind: type) -> None:
        if not any(isinstance(callback, kind) for callback in self.callbacks):
            self.append(kind())
            if self.model is not None:
                self.set_model(self.model)


def _key(place: int, callback: Any) -> str:
    return f"{place}/{type(callback).__name__}"


def _does(callback: Any, hook: str) -> bool:
    if hook.startswith("on_train_batch"):
        return overrides(callback, hook) or overrides(callback, hook.replace("train_", ""))
    return overrides(callback, hook)


def _wants(callback: Any, kind: str) -> bool:
    if isinstance(callback, Callback):
        return callback.wants_batches(kind)
    return any(hasattr(callback, hook) for hook in BATCH_HOOKS[kind])


def _floats(logs: Mapping[str, Any] | None) -> dict[str, Any]:
    """`logs` with nests flattened and numbers as Python floats; what is no number stays."""
    values: dict[str, Any] = {}
    for name, value in (logs or {}).items():
        if type(value) is float:
            values[name] = value
        elif isinstance(value, Mapping):
            values.update(_floats(value))
        else:
            try:
                values[name] = float(value)
            except (TypeError, ValueError):
                values[name] = value
    return values


def _checked_verbose(verbose: Any) -> int:
    if verbose == "auto":
        return 1
    if isinstance(verbose, int | bool) and int(verbose) in (0, 1, 2):
        return int(verbose)
    raise ArgumentError("`verbose` cannot be used.", expected='0, 1, 2 or "auto"', received=verbose)
