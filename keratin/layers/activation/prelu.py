"""The rectifier with a learned slope."""

from __future__ import annotations

from typing import Any

from keratin import constraints, initializers, ops, regularizers, shapes
from keratin.errors import ArgumentError
from keratin.layers.base import Layer
from keratin.layers.checks import known_size
from keratin.layers.input_spec import InputSpec
from keratin.ops.mechanism import Tensor


class PReLU(Layer):
    """`x` where it is positive, `alpha * x` elsewhere, with a learned `alpha`.

    Args:
        alpha_initializer: first values.
        alpha_regularizer: a loss on alpha.
        alpha_constraint: a projection after each update.
        shared_axes: axes along which there is one alpha, such as [1, 2] for one per channel of an image.
    Shape: any -> same.  Raises: ArgumentError, ShapeError.  Source: He et al. 2015, arXiv:1502.01852.

    >>> PReLU("ones")([[-1.0, 2.0]]).tolist()
    [[-1.0, 2.0]]
    """

    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = (
            None if shared_axes is None else [shared_axes] if isinstance(shared_axes, int) else list(shared_axes)
        )

    def build(self, input_shape: Any) -> None:
        """Make alpha, with the sizes of the input but 1 on the shared axes."""
        rank = len(input_shape)
        shared = {shapes.axis(a, rank, name="shared_axes") for a in self.shared_axes or ()}
        if 0 in shared:
            raise ArgumentError(
                "`shared_axes` counts from 1: the batch is always shared.", where=self.path, received=self.shared_axes
            )
        sizes = {axis: known_size(input_shape, axis, self) for axis in range(1, rank) if axis not in shared}
        self.alpha = self.add_weight(
            tuple(sizes.get(axis, 1) for axis in range(1, rank)),
            self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )
        self.input_spec = InputSpec(ndim=rank, axes=sizes)

    def call(self, inputs: Tensor) -> Tensor:
        """The function of the input."""
        return ops.subtract(ops.relu(inputs), ops.multiply(self.alpha, ops.relu(ops.negative(inputs))))
