"""Targets, predictions and weights brought to shapes that belong together; nothing broadcasts by accident.

Subtracting targets of shape (n,) from predictions of shape (n, 1) gives n * n numbers in NumPy, and a loss that
trains on nonsense. Here a trailing axis of size 1 is matched as in Keras, and every other difference is an error.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec

from keratin import dtypes, ops, shapes
from keratin.errors import ShapeError
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike, dtype_of

P = ParamSpec("P")


def elementwise(
    body: Callable[Concatenate[Tensor, Tensor, P], Tensor],
) -> Callable[Concatenate[TensorLike, TensorLike, P], Tensor]:
    """`paired` for a formula that averages what it finds for each number.

    Vectors may then be read as a column of samples, where every sample has its own weight.
    """
    run = paired(body)
    run.elementwise = True  # type: ignore[attr-defined]
    return run


def as_column(y_pred: Tensor) -> Tensor:
    """A vector as a matrix of one column."""
    return ops.expand_dims(y_pred, -1) if len(y_pred.shape) == 1 else y_pred


def paired(
    body: Callable[Concatenate[Tensor, Tensor, P], Tensor],
) -> Callable[Concatenate[TensorLike, TensorLike, P], Tensor]:
    """Make a loss function of its formula: the formula gets two float tensors of one shape, not of half precision.

    The result has the dtype of the predictions.
    """

    @functools.wraps(body)
    def run(y_true: TensorLike, y_pred: TensorLike, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        prediction = floating(y_pred)
        wide = at_least_float32(prediction)
        target, wide = aligned(ops.cast(mechanism.convert(y_true), dtype_of(wide)), wide, body.__name__)
        result = body(target, wide, *args, **kwargs)
        return result if dtype_of(result) == dtype_of(prediction) else ops.cast(result, dtype_of(prediction))

    return run


def floating(x: TensorLike) -> Tensor:
    """`x` as a float tensor."""
    tensor = mechanism.convert(x)
    name = dtype_of(tensor)
    return tensor if name in dtypes.FLOAT else ops.cast(tensor, mechanism.canonical(dtypes.to_float(name)))


def at_least_float32(x: Tensor) -> Tensor:
    """`x`, in float32 if it has half precision."""
    return ops.cast(x, "float32") if dtype_of(x) in dtypes.HALF else x


def aligned(y_true: Tensor, y_pred: Tensor, where: str) -> tuple[Tensor, Tensor]:
    """Both in one shape.  Raises: ShapeError if they differ in more than a trailing axis of size 1.

    >>> [tuple(t.shape) for t in aligned(ops.zeros((4,)), ops.zeros((4, 1)), "loss")]
    [(4, 1), (4, 1)]
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    check_equal(tuple(y_true.shape), tuple(y_pred.shape), where)
    return y_true, y_pred


def squeeze_or_expand_to_same_rank(x1: Tensor, x2: Tensor, expand_rank_1: bool = True) -> tuple[Tensor, Tensor]:
    """Add or drop a trailing axis of size 1 where the ranks differ by one.

    Args: expand_rank_1: give a vector the axis, rather than to take it from the other.
    """
    if len(x1.shape) == len(x2.shape) + 1 and x1.shape[-1] == 1:
        if len(x2.shape) == 1 and expand_rank_1:
            return x1, ops.expand_dims(x2, -1)
        return ops.squeeze(x1, -1), x2
    if len(x2.shape) == len(x1.shape) + 1 and x2.shape[-1] == 1:
        x2, x1 = squeeze_or_expand_to_same_rank(x2, x1, expand_rank_1)
    return x1, x2


def check_equal(target: Sequence[Any], prediction: Sequence[Any], where: str) -> None:
    """Raises: ShapeError if the shapes are known to differ."""
    if shapes.merge(tuple(target), tuple(prediction)) is None:
        raise ShapeError(
            "Targets and predictions differ in shape.",
            where=where,
            expected=f"targets of shape {tuple(prediction)}, like the predictions",
            received=f"targets of shape {tuple(target)}",
            hint=_hint(tuple(target), tuple(prediction), where),
        )


def _hint(target: tuple[Any, ...], prediction: tuple[Any, ...], where: str) -> str:
    is_label = target in (prediction[:-1], (*prediction[:-1], 1)) and bool(prediction) and prediction[-1] != 1
    if "categorical" in where and is_label:
        other = where if where.endswith("accuracy") else "categorical_crossentropy"
        return f"for class numbers use `sparse_{other}`, or make one-hot targets with `utils.to_categorical`"
    if is_label or (target[:1] == prediction[:1] and len(target) == len(prediction)):
        return "the output of the model must have as many units as there are targets"
    return "reshape the targets, or change the last layer of the model"


def weights_like(weights: Tensor, values: Tensor, name: str = "sample_weight") -> Tensor:
    """Weights for the leading axes of `values`, with axes of size 1 for the others.

    Shape: a prefix of that of `values` (a trailing 1 more is dropped) -> the rank of `values`.
    Raises: ShapeError if they do not belong to the leading axes.

    >>> tuple(weights_like(ops.ones((4,)), ops.ones((4, 3, 2))).shape)
    (4, 1, 1)
    """
    given, sizes = tuple(weights.shape), tuple(values.shape)
    extra = len(given) - len(sizes)
    if extra > 0 and all(d == 1 for d in given[-extra:]):
        weights = ops.squeeze(weights, tuple(range(len(sizes), len(given))))
    elif extra < 0 and given:
        weights = ops.reshape(weights, (*ops.shape(weights), *(1,) * -extra))
    found = tuple(weights.shape)
    if len(found) > len(sizes) or any(
        a not in (1, None) and b is not None and a != b for a, b in zip(found, sizes, strict=False)
    ):
        one = len(sizes) == 0
        raise ShapeError(
            "Weights do not fit the values that they weigh.",
            where=name,
            expected="no weights: there is one value for the whole batch"
            if one
            else f"leading axes of {sizes}, such as {sizes[:1]}",
            received=given,
            hint="the loss must return one value per sample; give targets and predictions of shape (n,) a second axis"
            if one
            else None,
        )
    return weights
