"""Element by element: sum, difference, product, mean, maximum and minimum of several tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keratin import ops, shapes
from keratin.errors import StateError
from keratin.layers.merging.base import Merge
from keratin.ops.mechanism import Tensor


class Elementwise(Merge):
    """Fold the inputs, which broadcast; an input of lower rank gets axes of size 1 after the batch."""

    def call(self, inputs: Any, mask: Any = None) -> Tensor:
        """The inputs as one tensor."""
        self._check_list(inputs)
        rank = max(len(x.shape) for x in inputs)
        aligned = [_with_rank(x, rank) for x in inputs]
        shapes.broadcast(*(tuple(x.shape) for x in aligned))  # says what differs, where an engine may not
        masks = mask if isinstance(mask, list | tuple) else [None] * len(aligned)
        return self._merged(
            aligned, [None if m is None else _with_features(m, x) for m, x in zip(masks, aligned, strict=True)]
        )

    def _merged(self, inputs: list[Tensor], masks: list[Tensor | None]) -> Tensor:
        raise StateError(f"`{type(self).__name__}` defines no `_merged`.", where=self.path, hint="define how it folds")


class Add(Elementwise):
    """The sum of several tensors.

    Shape: a list of tensors that broadcast -> their common shape.  Raises: ArgumentError, ShapeError.

    >>> Add()([ops.array([[1.0, 2.0]]), ops.array([[3.0, 4.0]])]).tolist()
    [[4.0, 6.0]]
    """

    def _merged(self, inputs: list[Tensor], masks: list[Tensor | None]) -> Tensor:
        return _fold(ops.add, inputs)


class Subtract(Elementwise):
    """The first of two tensors minus the second.

    Shape: a list of two tensors that broadcast -> their common shape.  Raises: ArgumentError, ShapeError.

    >>> Subtract()([ops.array([[1.0, 2.0]]), ops.array([[3.0, 5.0]])]).tolist()
    [[-2.0, -3.0]]
    """

    exactly = 2

    def _merged(self, inputs: list[Tensor], masks: list[Tensor | None]) -> Tensor:
        return ops.subtract(*inputs)


class Multiply(Elementwise):
    """The product of several tensors.  A masked position counts as 1; where all are masked the result is 0.

    Shape: a list of tensors that broadcast -> their common shape.  Raises: ArgumentError, ShapeError.

    >>> Multiply()([ops.array([[1.0, 2.0]]), ops.array([[3.0, 5.0]])]).tolist()
    [[3.0, 10.0]]
    """

    def _merged(self, inputs: list[Tensor], masks: list[Tensor | None]) -> Tensor:
        factors = [x if mask is None else ops.where(mask, x, 1) for x, mask in zip(inputs, masks, strict=True)]
        product = _fold(ops.multiply, factors)
        if any(mask is None for mask in masks):
            return product
        return ops.where(_fold(ops.logical_or, masks), product, 0)


class Average(Elementwise):
    """The mean of several tensors.

    Shape: a list of tensors that broadcast -> their common shape.  Raises: ArgumentError, ShapeError.

    >>> Average()([ops.array([[1.0, 2.0]]), ops.array([[3.0, 5.0]])]).tolist()
    [[2.0, 3.5]]
    """

    def _merged(self, inputs: list[Tensor], masks: list[Tensor | None]) -> Tensor:
        return ops.divide(_fold(ops.add, inputs), len(inputs))


class Maximum(Elementwise):
    """The largest of several tensors, in each place.  A masked position does not count.

    Shape: a list of tensors that broadcast -> their common shape.  Raises: ArgumentError, ShapeError.

    >>> Maximum()([ops.array([[1.0, 7.0]]), ops.array([[3.0, 5.0]])]).tolist()
    [[3.0, 7.0]]
    """

    def _merged(self, inputs: list[Tensor], masks: list[Tensor | None]) -> Tensor:
        return _fold_where_masked(ops.maximum, inputs, masks)


class Minimum(Elementwise):
    """The smallest of several tensors, in each place.  A masked position does not count.

    Shape: a list of tensors that broadcast -> their common shape.  Raises: ArgumentError, ShapeError.

    >>> Minimum()([ops.array([[1.0, 7.0]]), ops.array([[3.0, 5.0]])]).tolist()
    [[1.0, 5.0]]
    """

    def _merged(self, inputs: list[Tensor], masks: list[Tensor | None]) -> Tensor:
        return _fold_where_masked(ops.minimum, inputs, masks)


# ---- functions


def add(inputs: Any, **kwargs: Any) -> Tensor:
    """The sum of several tensors: `Add(**kwargs)(inputs)`.

    >>> add([ops.array([[1.0]]), ops.array([[2.0]])]).tolist()
    [[3.0]]
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Tensor:
    """The first of two tensors minus the second: `Subtract(**kwargs)(inputs)`.

    >>> subtract([ops.array([[1.0]]), ops.array([[2.0]])]).tolist()
    [[-1.0]]
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Tensor:
    """The product of several tensors: `Multiply(**kwargs)(inputs)`.

    >>> multiply([ops.array([[3.0]]), ops.array([[2.0]])]).tolist()
    [[6.0]]
    """
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Tensor:
    """The mean of several tensors: `Average(**kwargs)(inputs)`.

    >>> average([ops.array([[1.0]]), ops.array([[2.0]])]).tolist()
    [[1.5]]
    """
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Tensor:
    """The largest of several tensors, in each place: `Maximum(**kwargs)(inputs)`.

    >>> maximum([ops.array([[1.0]]), ops.array([[2.0]])]).tolist()
    [[2.0]]
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Tensor:
    """The smallest of several tensors, in each place: `Minimum(**kwargs)(inputs)`.

    >>> minimum([ops.array([[1.0]]), ops.array([[2.0]])]).tolist()
    [[1.0]]
    """
    return Minimum(**kwargs)(inputs)


# ---- helpers


def _with_rank(x: Tensor, rank: int) -> Tensor:
    for _ in range(rank - len(x.shape)):
        x = ops.expand_dims(x, 1)
    return x


def _with_features(mask: Tensor, x: Tensor) -> Tensor:
    """A mask of the leading axes with axes of size 1 for the others."""
    for _ in range(len(x.shape) - len(mask.shape)):
        mask = ops.expand_dims(mask, -1)
    return mask


def _fold(function: Callable[[Any, Any], Any], values: list[Any]) -> Any:
    result, *others = values
    for value in others:
        result = function(result, value)
    return result


def _fold_where_masked(function: Callable[[Any, Any], Any], inputs: list[Tensor], masks: list[Tensor | None]) -> Tensor:
    """Fold, where a masked position takes the value of the other side; where both are masked, that of the later one."""
    result, kept = inputs[0], masks[0]
    for x, mask in zip(inputs[1:], masks[1:], strict=True):
        value = x if mask is None else ops.where(mask, x, result)
        other = result if kept is None else ops.where(kept, result, value)
        result = function(other, value)
        kept = None if mask is None or kept is None else ops.logical_or(mask, kept)
    return result
