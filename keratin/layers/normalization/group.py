"""Group normalization."""

from __future__ import annotations

from typing import Any

from keratin import constraints, dtypes, initializers, ops, regularizers, shapes
from keratin.errors import ArgumentError, ShapeError
from keratin.layers.base import Layer
from keratin.layers.checks import known_size, not_negative, positive
from keratin.layers.input_spec import InputSpec
from keratin.ops.mechanism import Tensor, dtype_of


class GroupNormalization(Layer):
    """Give each group of channels of each sample mean 0 and variance 1, then a learned scale and offset.

    Args:
        groups: number of groups; -1 for one per channel (instance normalization).
        axis: the axis of the channels.
        epsilon: added to the variance.
        center, scale: whether there is an offset `beta`, a factor `gamma`.
        beta_initializer, gamma_initializer: first values of these.
        beta_regularizer, gamma_regularizer: losses on the weights.
        beta_constraint, gamma_constraint: projections after each update.

    Shape: any -> same.  Units: epsilon in the square of the input's unit.
    Raises: ArgumentError; ShapeError if the channels do not divide into the groups.
    Source: Wu & He 2018, arXiv:1803.08494.

    >>> GroupNormalization(2).compute_output_shape((None, 8, 8, 6))
    (None, 8, 8, 6)
    """

    supports_masking = True

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.groups = groups if groups == -1 else positive("groups", groups, self)
        self.axis = axis
        self.epsilon = not_negative("epsilon", epsilon, self)
        self.center, self.scale = center, scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.autocast = False  # computed in float32 whatever comes

    def build(self, input_shape: Any) -> None:
        """Make gamma and beta, each (channels,)."""
        if shapes.axis(self.axis, len(input_shape)) == 0:
            raise ArgumentError(
                "The channels cannot be on the batch axis.", where=self.path, received=f"axis={self.axis}"
            )
        size = known_size(input_shape, self.axis, self)
        if self.groups != -1 and size % self.groups:
            raise ShapeError(
                "The channels do not divide into the groups.", where=self.path,
                expected=f"a multiple of {self.groups} channels on axis {self.axis}", received=tuple(input_shape),
            )  # fmt: skip
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                (size,), self.gamma_initializer, autocast=False, regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint, name="gamma",
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                (size,), self.beta_initializer, autocast=False, regularizer=self.beta_regularizer,
                constraint=self.beta_constraint, name="beta",
            )  # fmt: skip
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def call(self, inputs: Tensor) -> Tensor:
        """The normalized input."""
        sizes = ops.shape(inputs)
        axis = shapes.axis(self.axis, len(sizes))
        groups = sizes[axis] if self.groups == -1 else self.groups
        x = ops.cast(inputs, dtypes.result_type(dtype_of(inputs), "float32"))
        x = ops.reshape(x, (*sizes[:axis], groups, sizes[axis] // groups, *sizes[axis + 1 :]))
        within = tuple(a for a in range(1, len(sizes) + 1) if a != axis)
        mean, variance = ops.moments(x, within, keepdims=True)
        x = ops.reshape((x - mean) * ops.rsqrt(variance + self.epsilon), sizes)
        along = (1,) * axis + (-1,) + (1,) * (len(sizes) - axis - 1)
        if self.gamma is not None:
            x = x * ops.reshape(self.gamma, along)
        if self.beta is not None:
            x = x + ops.reshape(self.beta, along)
        return ops.cast(x, self.compute_dtype)
