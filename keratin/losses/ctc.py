"""Connectionist temporal classification: labels without their places in time."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.errors import ShapeError
from keratin.losses.alignment import at_least_float32, floating
from keratin.losses.loss import Loss
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike, dtype_of


def ctc(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Minus the logarithm of the probability of the labels, over all their places in time.

    Args:
        y_true: class numbers; 0 is the blank and fills rows up.
        y_pred: logits.
    Shape: (batch, labels) and (batch, time, classes) -> (batch,).  Units: nats.  Raises: ShapeError.
    Source: Graves et al. 2006, "Connectionist temporal classification".
    """
    prediction, labels = floating(y_pred), ops.cast(mechanism.convert(y_true), "int32")
    if len(labels.shape) != 2 or len(prediction.shape) != 3:
        raise ShapeError(
            "The shapes do not fit the CTC loss.",
            expected="targets (batch, labels) and predictions (batch, time, classes)",
            received=f"targets {tuple(labels.shape)} and predictions {tuple(prediction.shape)}",
        )
    wide = at_least_float32(prediction)
    steps = ops.sum(ops.ones_like(wide[:, :, 0]), axis=1)
    length = ops.sum(ops.ones_like(labels), axis=1)
    loss: Tensor = ops.ctc_loss(labels, wide, length, ops.cast(steps, "int32"), mask_index=0)  # pyright: ignore
    return ops.cast(loss, dtype_of(prediction))


ctc.integer_targets = True  # type: ignore[attr-defined]


class CTC(Loss):
    """The loss of labels without their places in time, see `ctc`.  A mask of the predictions is not used."""

    integer_targets = True
    uses_mask = False

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "ctc", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ctc(y_true, y_pred)
