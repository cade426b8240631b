"""The same elements in another shape or order; the batch axis stays."""

from __future__ import annotations

import operator
from typing import Any

from keratin import ops, shapes
from keratin.errors import ArgumentError, ShapeError
from keratin.layers.base import Layer
from keratin.layers.checks import layout, positive
from keratin.layers.input_spec import InputSpec
from keratin.ops.mechanism import Tensor


class Flatten(Layer):
    """All axes but the batch as one.

    Args: data_format: "channels_first" puts the channels last before; that of the configuration by default.
    Shape: (batch, ...) -> (batch, product of the others).

    >>> Flatten().compute_output_shape((None, 8, 8, 3))
    (None, 192)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = layout(data_format, self)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Tensor) -> Tensor:
        """The flattened input."""
        rank = len(inputs.shape)
        if self.data_format == "channels_first" and rank > 2:
            inputs = ops.transpose(inputs, (0, *range(2, rank), 1))
        batch, *others = ops.shape(inputs)
        return ops.reshape(inputs, (batch, shapes.size(others)))


class Reshape(Layer):
    """Another shape for each sample.

    Args: target_shape: sizes without the batch; one may be -1, which is computed.
    Shape: (batch, ...) -> (batch, *target_shape).
    Raises: ArgumentError; ShapeError if the number of elements differs.

    >>> Reshape((-1, 2)).compute_output_shape((None, 3, 4))
    (None, 6, 2)
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        try:
            self.target_shape = tuple(operator.index(d) for d in target_shape)
        except TypeError:
            self.target_shape = (-2,)
        if min(self.target_shape, default=0) < -1 or self.target_shape.count(-1) > 1:
            raise ArgumentError(
                "`target_shape` cannot be used.",
                where=self.name,
                expected="sizes >= 0, of which one may be -1",
                received=target_shape,
            )

    def call(self, inputs: Tensor) -> Tensor:
        """The input in its new shape."""
        batch, *others = ops.shape(inputs)
        known, rest = shapes.size(others), shapes.size(d for d in self.target_shape if d != -1)
        computed = -1
        if isinstance(known, int) and rest:
            if known % rest if -1 in self.target_shape else known != rest:
                raise ShapeError(
                    "The elements of a sample do not fit the new shape.",
                    where=self.path,
                    expected=f"a multiple of {rest} elements" if -1 in self.target_shape else f"{rest} elements",
                    received=f"{known} elements in {tuple(others)}",
                )
            computed = known // rest
        return ops.reshape(inputs, (batch, *(computed if d == -1 else d for d in self.target_shape)))


class Permute(Layer):
    """The axes of each sample in another order.

    Args: dims: for each axis of the output, which one of the input; 1 is the first after the batch.
    Shape: (batch, ...) -> the same sizes in the new order.  Raises: ArgumentError, ShapeError.

    >>> Permute((2, 1)).compute_output_shape((None, 10, 64))
    (None, 64, 10)
    """

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ArgumentError(
                "`dims` must name each axis once.", where=self.name, expected="the numbers 1 to rank - 1", received=dims
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Tensor) -> Tensor:
        """The input with its axes in the new order."""
        return ops.transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """Each sample `n` times in a row.

    Args: n: how often.
    Shape: (batch, features) -> (batch, n, features).  Raises: ArgumentError, ShapeError.

    >>> RepeatVector(3).compute_output_shape((None, 8))
    (None, 3, 8)
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = positive("n", n, self)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Tensor) -> Tensor:
        """The repeated input."""
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)
