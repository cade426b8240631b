"""Distributions over classes: softmax and its logarithm, codes of labels, and cross-entropies.

Half dtypes are computed in float32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from keratin import config, dtypes, shapes
from keratin.backends import primitives as p
from keratin.errors import ArgumentError, ShapeError
from keratin.ops.activation import magnitude, positive_part
from keratin.ops.mechanism import Tensor, TensorLike, canonical, dtype_of, op, promoted
from keratin.ops.precision import as_tensors, narrowed, widened

__all__ = [
    "softmax",
    "log_softmax",
    "sparsemax",
    "one_hot",
    "multi_hot",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "binary_crossentropy",
]


@op(promote="float")
def softmax(x: TensorLike, axis: int | Sequence[int] | None = -1) -> Tensor:
    """`exp(x)` divided by its sum along `axis`, without overflow.

    Args: axis: one axis, several, or None for all.
    Shape: any -> same.  Raises: AxisError.

    >>> softmax([0.0, 0.0, -float("inf")]).tolist()
    [0.5, 0.5, 0.0]
    """
    axes = tuple(sorted(shapes.axes(axis, len(p.shape(x)))))
    if 0 in p.shape(x):
        return x
    powers = p.exp(_below_zero(widened(x), axes))
    return narrowed(powers / p.sum(powers, axes, True), x)


@op(promote="float")
def log_softmax(x: TensorLike, axis: int | Sequence[int] | None = -1) -> Tensor:
    """The logarithm of `softmax(x)`, without underflow.

    Args: axis: one axis, several, or None for all.
    Shape: any -> same.  Raises: AxisError.

    >>> log_softmax([0.0, -200.0]).tolist()
    [0.0, -200.0]
    """
    axes = tuple(sorted(shapes.axes(axis, len(p.shape(x)))))
    return x if 0 in p.shape(x) else narrowed(_log_softmax(widened(x), axes), x)


def _below_zero(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return x - p.stop_gradient(p.max(x, axes, True))


def _log_softmax(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    shifted = _below_zero(x, axes)
    return shifted - p.log(p.sum(p.exp(shifted), axes, True))


@op(promote="float")
def sparsemax(x: TensorLike, axis: int = -1) -> Tensor:
    """The nearest point to `x` among the distributions along `axis`: a softmax with exact zeros.

    Shape: any -> same.  Raises: AxisError.  Source: Martins & Astudillo 2016, arXiv:1602.02068, algorithm 1.

    >>> sparsemax([1.0, 0.5, -3.0]).tolist()
    [0.75, 0.25, 0.0]
    """
    rank = len(p.shape(x))
    axis = shapes.axis(axis, rank)
    wide = widened(x)
    descending = -p.sort(-wide, axis)
    total = p.cumsum(descending, axis) - 1
    position = _along(p.iota(p.shape(x)[axis], "int32"), axis, rank)
    position = p.cast(position + 1, dtype_of(wide))
    kept = p.greater(position * descending, total)
    count = p.sum(p.cast(kept, dtype_of(wide)), (axis,), True)
    # The last kept position has the largest threshold, so a maximum finds it without an index.
    limit = p.max(p.where(p.equal(position, count), total / position, -math.inf), (axis,), True)
    return narrowed(p.maximum(wide - limit, 0), x)


def _along(vector: Tensor, axis: int, rank: int) -> Tensor:
    """A vector as a tensor of that rank with its values along `axis`."""
    return p.reshape(vector, (1,) * axis + tuple(p.shape(vector)) + (1,) * (rank - axis - 1))


@op
def one_hot(x: TensorLike, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Tensor:
    """A new axis with 1 at the position that `x` names and 0 elsewhere; all 0 for a number outside of the classes.

    Args:
        x: integers.
        axis: where the new axis goes.
        sparse: must be False; sparse tensors do not exist here.
    Shape: any -> the same with `num_classes` at `axis`.  Raises: AxisError, ArgumentError.

    >>> one_hot([2, -1], 3).tolist()
    [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """
    if sparse:
        raise ArgumentError("There are no sparse tensors.", where="one_hot", expected="sparse=False", received=sparse)
    rank = len(p.shape(x)) + 1
    axis = shapes.axis(axis, rank)
    kind = "int64" if dtype_of(x) in ("int64", "uint64") else "int32"
    numbers = p.expand_dims(p.cast(x, kind), axis)
    return p.cast(p.equal(numbers, _along(p.iota(num_classes, kind), axis, rank)), canonical(dtypes.standardize(dtype)))


@op
def multi_hot(
    inputs: TensorLike, num_classes: int | None = None, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Tensor:
    """Which classes occur in each row: 1 where `inputs` names the class along axis 1, else 0.

    Args:
        inputs: integers; a vector is one row.
        axis: where the axis of the classes goes.
        sparse: must be False; sparse tensors do not exist here.
    Shape: (n,) -> (classes,);  (batch, n, ...) -> (batch, ..., classes).  Raises: AxisError, ArgumentError.

    >>> multi_hot([[0, 2], [1, 1]], 3).tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    if num_classes is None:
        raise ArgumentError("`num_classes` is missing.", where="multi_hot", expected="an integer", received=None)
    rank = len(p.shape(inputs))
    codes = one_hot(inputs, num_classes, axis, dtype, sparse)
    reduced = 1 if rank > 1 else 0
    if shapes.axis(axis, rank + 1) <= reduced:  # the classes stand before the entries
        reduced += 1
    return p.max(codes, (reduced,), False)


@op(tensors=2, promote="float")
def categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """Minus the sum of `target * log(output)` along `axis`.

    Args:
        target: a distribution, one-hot for known classes.
        output: a distribution (it is divided by its sum and kept `epsilon()` away from 0 and 1), or logits.
        from_logits: whether `output` are logits.
    Shape: two of (..., classes, ...) -> without `axis`.  Units: nats.  Raises: ShapeError, AxisError.

    >>> round(float(categorical_crossentropy([0.0, 1.0], [0.5, 0.5])), 4)
    0.6931
    """
    target, output = as_tensors(target, output)
    rank = len(p.shape(output))
    axes = (shapes.axis(axis, rank),)
    _check_same_shape(target, output, "categorical_crossentropy")
    wide = widened(output)
    logs = _log_softmax(wide, axes) if from_logits else p.log(_probabilities(p.divide(wide, p.sum(wide, axes, True))))
    return narrowed(-p.sum(_weighted(widened(target), logs), axes, False), output)


@op(tensors=2)
def sparse_categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """Minus the logarithm of the probability that `output` gives to the class `target`.

    Args:
        target: class numbers; NaN results where one is outside of the classes.
        output: a distribution (it is divided by its sum and kept `epsilon()` away from 0 and 1), or logits.
        from_logits: whether `output` are logits.
    Shape: `output` without `axis` (or with size 1 there), and (..., classes, ...) -> without `axis`.
    Units: nats.  Raises: ShapeError, AxisError.

    >>> round(float(sparse_categorical_crossentropy(1, [0.5, 0.5])), 4)
    0.6931
    """
    (output,) = promoted([output], "float")
    sizes = p.shape(output)
    rank = len(sizes)
    axis = shapes.axis(axis, rank)
    numbers = p.cast(target, "int32")
    if len(p.shape(numbers)) == rank - 1:
        numbers = p.expand_dims(numbers, axis)
    expected = (*sizes[:axis], 1, *sizes[axis + 1 :])
    if not _compatible(p.shape(numbers), expected):
        raise ShapeError(
            "The labels do not fit the output.",
            where="sparse_categorical_crossentropy",
            expected=f"labels of shape {(*sizes[:axis], *sizes[axis + 1 :])} for an output of shape {tuple(sizes)}",
            received=tuple(p.shape(target)),
            hint="for one-hot labels, use `categorical_crossentropy`",
        )
    wide = widened(output)
    logs = (
        _log_softmax(wide, (axis,))
        if from_logits
        else p.log(_probabilities(p.divide(wide, p.sum(wide, (axis,), True))))
    )
    # A comparison and a sum, not a gather: they fuse with the softmax, and so do their gradients.
    chosen = p.equal(numbers, _along(p.iota(sizes[axis], "int32"), axis, rank))
    loss = -p.sum(p.where(chosen, logs, 0), (axis,), False)
    return narrowed(p.where(p.any(chosen, (axis,), False), loss, math.nan), output)


@op(tensors=2, promote="float")
def binary_crossentropy(target: TensorLike, output: TensorLike, from_logits: bool = False) -> Tensor:
    """`-target * log(output) - (1 - target) * log(1 - output)`, element by element.

    Args:
        target: probabilities, 0 or 1 for known labels.
        output: probabilities (kept `epsilon()` away from 0 and 1), or logits.
        from_logits: whether `output` are logits.
    Shape: two equal shapes -> the same.  Units: nats.  Raises: ShapeError.

    >>> float(binary_crossentropy(0.0, 200.0, from_logits=True))
    200.0
    """
    target, output = as_tensors(target, output)
    _check_same_shape(target, output, "binary_crossentropy")
    label, wide = widened(target), widened(output)
    if from_logits:
        # softplus(x) - x * label, with the parts that may be infinite each behind its own weight
        loss = _weighted(1 - label, positive_part(wide)) + _weighted(label, p.where(p.greater(wide, 0), 0, -wide))
        return narrowed(loss + p.log1p(p.exp(-magnitude(wide))), output)
    probability = _probabilities(wide)
    return narrowed(-(label * p.log(probability) + (1 - label) * p.log1p(-probability)), output)


def _probabilities(x: Tensor) -> Tensor:
    epsilon = config.epsilon()
    return p.minimum(p.maximum(x, epsilon), 1 - epsilon)


def _weighted(weight: Tensor, x: Tensor) -> Tensor:
    """`weight * x`, 0 where the weight is 0 even if `x` is infinite."""
    return p.where(p.equal(weight, 0), 0, p.multiply(weight, x))


def _compatible(first: Sequence[Any], second: Sequence[Any]) -> bool:
    return shapes.merge(tuple(first), tuple(second)) is not None


def _check_same_shape(target: Tensor, output: Tensor, where: str) -> None:
    first, second = p.shape(target), p.shape(output)
    if not _compatible(first, second):
        raise ShapeError(
            "Target and output differ in shape.", where=where, expected=tuple(second), received=tuple(first)
        )
