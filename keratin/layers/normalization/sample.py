"""Normalizations of each sample by itself: layer, root-mean-square and unit normalization."""

from __future__ import annotations

from typing import Any

from keratin import constraints, initializers, ops, regularizers, shapes
from keratin.errors import ArgumentError
from keratin.layers.base import Layer
from keratin.layers.checks import known_size, not_negative, one_axis_or_several
from keratin.ops.mechanism import Tensor


class LayerNormalization(Layer):
    """Give each sample mean 0 and variance 1 over `axis`, then a learned scale and offset.

    Args:
        axis: one axis or several.
        epsilon: added to the variance.
        center, scale: whether there is an offset `beta`, a factor `gamma`.
        beta_initializer, gamma_initializer: first values of these.
        beta_regularizer, gamma_regularizer: losses on the weights.
        beta_constraint, gamma_constraint: projections after each update.

    Shape: any -> same.  Units: epsilon in the square of the input's unit.
    Raises: ArgumentError, AxisError, ShapeError.
    Source: Ba, Kiros & Hinton 2016, arXiv:1607.06450.

    >>> LayerNormalization()([[1.0, 3.0]]).shape
    (1, 2)
    """

    supports_masking = True

    def __init__(
        self,
        axis: Any = -1,
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
        rms_scaling = kwargs.pop("rms_scaling", False)  # files of Keras carry it, always False but in old models
        super().__init__(**kwargs)
        if rms_scaling:
            raise ArgumentError(
                "`rms_scaling` does not exist.", where=self.name, received=True, hint="use `RMSNormalization`"
            )
        self.axis = one_axis_or_several(axis, self)
        self.epsilon = not_negative("epsilon", epsilon, self)
        self.center, self.scale = center, scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.autocast = False  # the op computes in float32 whatever comes

    def build(self, input_shape: Any) -> None:
        """Make gamma and beta, with the sizes of the input on the axes."""
        shape = _sizes_on(self.axis, input_shape, self)
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                shape, self.gamma_initializer, autocast=False, regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint, name="gamma",
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                shape, self.beta_initializer, autocast=False, regularizer=self.beta_regularizer,
                constraint=self.beta_constraint, name="beta",
            )  # fmt: skip

    def call(self, inputs: Tensor) -> Tensor:
        """The normalized input."""
        outputs = ops.layer_normalization(inputs, self.gamma, self.beta, self.axis, self.epsilon)
        return ops.cast(outputs, self.compute_dtype)


class RMSNormalization(Layer):
    """Divide each sample by the root of the mean of its squares over `axis`, then apply a learned scale.

    Args:
        axis: one axis or several.
        epsilon: added to the mean of the squares.

    Shape: any -> same.  Units: epsilon in the square of the input's unit.
    Raises: ArgumentError, AxisError, ShapeError.
    Source: Zhang & Sennrich 2019, arXiv:1910.07467.

    >>> RMSNormalization(epsilon=0.0)([[3.0, -3.0]]).tolist()
    [[1.0, -1.0]]
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = one_axis_or_several(axis, self)
        self.epsilon = not_negative("epsilon", epsilon, self)

    def build(self, input_shape: Any) -> None:
        """Make the scale, with the sizes of the input on the axes."""
        self.scale = self.add_weight(_sizes_on(self.axis, input_shape, self), "ones", name="scale")

    def call(self, x: Tensor) -> Tensor:
        """The normalized input."""
        return ops.rms_normalization(x, self.scale, self.axis, self.epsilon)


class UnitNormalization(Layer):
    """Divide each sample by its Euclidean norm over `axis`.

    Args: axis: one axis or several.
    Shape: any -> same.  Raises: ArgumentError, AxisError.

    >>> [round(v, 4) for v in UnitNormalization()([[3.0, 4.0]])[0].tolist()]
    [0.6, 0.8]
    """

    supports_masking = True

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = one_axis_or_several(axis, self)

    def call(self, inputs: Tensor) -> Tensor:
        """The input with norm 1; where the norm is 0, it stays 0."""
        return ops.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)


def _sizes_on(axis: Any, input_shape: Any, layer: Layer) -> tuple[int, ...]:
    """The sizes of the input on the axes, in the order that they have there."""
    rank = len(input_shape)
    return tuple(known_size(input_shape, a, layer) for a in sorted(shapes.axes(axis, rank)))
