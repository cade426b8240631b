"""`MonitorCallback`: what callbacks that watch a number share."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable
from typing import Any

from keratin.errors import ArgumentError
from keratin.training.callbacks.base import Callback

UP = (
    "acc", "accuracy", "auc", "precision", "recall", "f1", "f1_score", "fbeta_score", "r2_score", "iou", "io_u", "dice",
    "specificity", "sensitivity", "psnr", "cosine_similarity",
)  # fmt: skip
DOWN = (
    "loss", "error", "mse", "mae", "rmse", "mape", "msle", "crossentropy", "kl_divergence", "hinge", "logcosh",
    "perplexity",
)  # fmt: skip
"""Words at the end of a metric's name that tell whether more of it is better."""


class MonitorCallback(Callback):
    """Base of callbacks that watch a number in the logs.

    Args:
        monitor: its name; validation's numbers begin with "val_".
        mode: "min" if less is better, "max" if more is, "auto" to tell by the metric or its name.
        baseline: the value to improve on at first.
        min_delta: by how much it must improve to count.
    Raises: ArgumentError for another mode, and, once the number is there, if "auto" cannot tell.

    NaN never counts as an improvement.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ArgumentError(
                "`mode` cannot be used.", where=type(self).__name__, expected="'auto', 'min' or 'max'", received=mode
            )
        self.monitor, self.mode, self.best, self.min_delta = monitor, mode, baseline, abs(min_delta)
        self.monitor_op: Callable[[float, float], bool] | None = None
        self._warned = False

    def get_monitor_value(self, logs: dict[str, Any] | None) -> float | None:
        """The watched number, or None with a warning if the logs do not have it."""
        value = (logs or {}).get(self.monitor)
        if value is None and not self._warned:
            self._warned = True
            there = ", ".join(f"`{name}`" for name in logs or {}) or "none"
            hint = (
                " Validation needs `validation_data` or `validation_split`." if self.monitor.startswith("val_") else ""
            )
            warnings.warn(
                f"{type(self).__name__} watches `{self.monitor}`, which is not in the logs. There are: {there}.{hint}",
                stacklevel=2,
            )
        return value

    def _set_monitor_op(self) -> None:
        """Settle which way is better; the model's metrics are there after the first batch."""
        if self.monitor_op is None:
            self.monitor_op = operator.gt if self._more_is_better() else operator.lt

    def _is_improvement(self, value: float, reference: float | None) -> bool:
        if math.isnan(value):
            return False
        if reference is None or math.isnan(reference):
            return True
        self._set_monitor_op()
        if self.monitor_op is operator.gt:
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def _more_is_better(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        if name != "loss":
            for metric in getattr(self.model, "metrics", None) or ():
                for part in (*getattr(metric, "metrics", ()), metric):
                    direction = getattr(part, "_direction", None)
                    part_name = getattr(part, "name", "")
                    if direction is not None and (name == part_name or name.endswith(f"_{part_name}")):
                        return direction == "up"
        for word in sorted((*UP, *DOWN), key=len, reverse=True):
            if name == word or name.endswith((f"_{word}", f" {word}")):
                return word in UP
        raise ArgumentError(
            f"It is not known whether more or less of `{self.monitor}` is better.",
            where=type(self).__name__,
            expected="mode='min' or mode='max'",
            received="mode='auto'",
        )
