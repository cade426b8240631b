"""`LambdaCallback`: a callback made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keratin.errors import ArgumentError, UnknownArgumentError
from keratin.training.callbacks.base import Callback, overrides


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin, on_epoch_end: functions of `(epoch, logs)`.
        on_train_begin, on_train_end: functions of `(logs)`.
        on_train_batch_begin, on_train_batch_end: functions of `(batch, logs)`.
        kwargs: functions for any other hook of `Callback`.
    Raises: UnknownArgumentError for a name that is no hook; ArgumentError for what is no function.

    >>> LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs)).on_epoch_end(0, {"loss": 1.0})
    0 {'loss': 1.0}
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any] | None,
    ) -> None:
        super().__init__()
        functions = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in functions.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise UnknownArgumentError(
                    "There is no such hook.",
                    where=f"LambdaCallback({name}=...)",
                    expected=", ".join(hook for hook in dir(Callback) if hook.startswith("on_")),
                    received=name,
                )
            if function is not None and not callable(function):
                raise ArgumentError(
                    "A hook must be a function.", where=f"LambdaCallback({name}=...)", received=function
                )
            if function is not None:
                setattr(self, name, function)
        assert not overrides(self, "wants_batches")
