"""Products of two tensors, sample by sample."""

from __future__ import annotations

import string
from typing import Any

from keratin import ops, shapes
from keratin.errors import ArgumentError, ShapeError
from keratin.layers.merging.base import Merge
from keratin.ops.mechanism import Tensor


class Dot(Merge):
    """The dot product of two tensors over one axis of each, sample by sample.

    Args:
        axes: an axis of both, or a pair of one of each; not the batch axis.
        normalize: whether both are divided by their norms before, which gives the cosine of the angle.
    Shape: (batch, ...) and (batch, ...) -> (batch, the other axes of the first, those of the second); (batch, 1) if
        there are none.
    Raises: ArgumentError, AxisError, ShapeError.

    >>> Dot(axes=1)([ops.array([[1.0, 2.0]]), ops.array([[3.0, 4.0]])]).tolist()
    [[11.0]]
    """

    exactly = 2

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        single = isinstance(axes, int)
        if not single and not (
            isinstance(axes, list | tuple) and len(axes) == 2 and all(isinstance(a, int) for a in axes)
        ):
            raise ArgumentError(
                "`axes` cannot be used.", where=self.name, expected="an integer or a pair of them", received=axes
            )
        self.axes: int | tuple[int, int] = axes if single else (axes[0], axes[1])
        self.normalize = normalize

    def call(self, inputs: Any) -> Tensor:
        """The products."""
        self._check_list(inputs)
        first, second = inputs
        axes = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        a, b = (shapes.axis(axis, len(x.shape), name="axes") for axis, x in zip(axes, inputs, strict=True))
        if 0 in (a, b):
            raise ArgumentError(
                "A dot product cannot be taken over the batch axis.", where=self.path, received=self.axes
            )
        sizes = (first.shape[a], second.shape[b])
        if None not in sizes and sizes[0] != sizes[1]:
            raise ShapeError(
                "The axes of the dot product have different sizes.",
                where=self.path,
                expected=f"{sizes[0]} on axis {b} of the second",
                received=[tuple(x.shape) for x in inputs],
            )
        if self.normalize:
            first, second = ops.normalize(first, axis=a, epsilon=1e-6), ops.normalize(second, axis=b, epsilon=1e-6)
        names = iter(string.ascii_lowercase[2:])
        left = ["a" if i == 0 else "b" if i == a else next(names) for i in range(len(first.shape))]
        right = ["a" if i == 0 else "b" if i == b else next(names) for i in range(len(second.shape))]
        kept = [letter for letter in (*left, *right) if letter not in "ab"]
        product = ops.einsum(f"{''.join(left)},{''.join(right)}->a{''.join(kept)}", first, second)
        return product if kept else ops.expand_dims(product, -1)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """None: the masked axes are gone."""
        return None


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Tensor:
    """The dot product of two tensors, sample by sample: `Dot(axes, **kwargs)(inputs)`.

    >>> dot([ops.array([[1.0, 2.0]]), ops.array([[3.0, 4.0]])]).tolist()
    [[11.0]]
    """
    return Dot(axes=axes, **kwargs)(inputs)
