"""Circle loss: embeddings of one class come near each other, those of others move away."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.losses.alignment import at_least_float32, floating
from keratin.losses.loss import Loss
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike, dtype_of

_NOT = -1e30  # the exponent of a pair that is left out


def circle(
    y_true: TensorLike,
    y_pred: TensorLike,
    ref_labels: TensorLike | None = None,
    ref_embeddings: TensorLike | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """`log(1 + sum over other classes of exp(gamma * a * (s - margin)) * sum over the same class of ...)` of each row.

    Args:
        y_true: class numbers.
        y_pred: embeddings of length 1.
        ref_labels, ref_embeddings: what the embeddings are compared with; by default they themselves.
        remove_diagonal: leave out the pairs of an embedding with itself.
        gamma: the scale of similarities.
        margin: how much less than 1 the similarity within a class may be, and how much above 0 that of two classes.
    Shape: (n,) or (n, 1), and (n, features) -> (n,).
    Source: Sun et al. 2020, arXiv:2002.10857, equations 4 to 6; the weights a count as constants in the gradient.

    >>> circle([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])[2].tolist()
    0.0
    """
    prediction = floating(y_pred)
    wide = at_least_float32(prediction)
    labels = _row(y_true)
    others = wide if ref_embeddings is None else ops.cast(mechanism.convert(ref_embeddings), dtype_of(wide))
    similarity = ops.matmul(wide, ops.transpose(others))
    same = ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(labels if ref_labels is None else _row(ref_labels), 0))
    positive, negative = same, ops.logical_not(same)
    if remove_diagonal:
        rows, columns = (ops.cumsum(ops.ones_like(similarity), axis=axis) for axis in (0, 1))
        positive = ops.logical_and(positive, ops.not_equal(rows, columns))
    fixed = ops.stop_gradient(similarity)
    attract = -gamma * ops.relu(1.0 + margin - fixed) * (similarity - (1.0 - margin))
    repel = gamma * ops.relu(fixed + margin) * (similarity - margin)
    left_out = ops.full_like(similarity, _NOT)
    logits = ops.logsumexp(ops.where(positive, attract, left_out), axis=1) + ops.logsumexp(
        ops.where(negative, repel, left_out), axis=1
    )
    return ops.cast(ops.softplus(logits), dtype_of(prediction))


circle.integer_targets = True  # type: ignore[attr-defined]


def _row(labels: TensorLike) -> Tensor:
    tensor = mechanism.convert(labels)
    return ops.squeeze(tensor, -1) if len(tensor.shape) == 2 else tensor


class Circle(Loss):
    """A loss of embeddings of length 1, see `circle`.

    >>> float(Circle()([0, 1], [[1.0, 0.0], [-1.0, 0.0]]))
    0.0
    """

    integer_targets = True

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.gamma, self.margin, self.remove_diagonal = gamma, margin, remove_diagonal

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return circle(y_true, y_pred, remove_diagonal=self.remove_diagonal, gamma=self.gamma, margin=self.margin)
