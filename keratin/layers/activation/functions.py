"""Activations without weights."""

from __future__ import annotations

from typing import Any

from keratin import activations, dtypes, ops
from keratin.errors import ShapeError
from keratin.layers.base import Layer
from keratin.layers.checks import not_negative, one_axis_or_several
from keratin.ops.mechanism import Tensor, dtype_of


class Activation(Layer):
    """A function of each element, or any other activation.

    Args: activation: a function or its name.
    Shape: any -> same.

    >>> Activation("relu")([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Tensor) -> Tensor:
        """The function of the input."""
        return self.activation(inputs)


class ReLU(Layer):
    """`x` from `threshold` up, at most `max_value`; `negative_slope * (x - threshold)` below.

    Args:
        max_value: the largest value; None for no limit.
        negative_slope: the slope below the threshold.
        threshold: where the function starts.
    Shape: any -> same.  Units: max_value and threshold in the input's.  Raises: ArgumentError for negative ones.

    >>> ReLU(max_value=6.0)([-1.0, 2.0, 9.0]).tolist()
    [0.0, 2.0, 6.0]
    """

    supports_masking = True

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else not_negative("max_value", max_value, self)
        self.negative_slope = not_negative("negative_slope", negative_slope, self)
        self.threshold = not_negative("threshold", threshold, self)

    def call(self, inputs: Tensor) -> Tensor:
        """The function of the input."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    """`x` where it is positive, `negative_slope * x` elsewhere.

    Args: negative_slope: the slope below 0.
    Shape: any -> same.  Raises: ArgumentError for a negative slope.
    Source: Maas, Hannun & Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".

    >>> LeakyReLU(0.5)([-1.0, 2.0]).tolist()
    [-0.5, 2.0]
    """

    supports_masking = True

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = not_negative("negative_slope", negative_slope, self)

    def call(self, inputs: Tensor) -> Tensor:
        """The function of the input."""
        return ops.leaky_relu(inputs, negative_slope=self.negative_slope)


class ELU(Layer):
    """`x` where it is positive, `alpha * (exp(x) - 1)` elsewhere.

    Args: alpha: how far down it goes.
    Shape: any -> same.  Source: Clevert, Unterthiner & Hochreiter 2015, arXiv:1511.07289.

    >>> ELU()([0.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    supports_masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Tensor) -> Tensor:
        """The function of the input."""
        return ops.elu(inputs, alpha=self.alpha)


class Softmax(Layer):
    """`exp(x)` divided by its sum over `axis`; masked positions get 0.

    Args: axis: one axis or several.
    Shape: any -> same; a mask broadcasts to the input.  Raises: ArgumentError, AxisError, ShapeError.

    >>> Softmax()([[1.0, 1.0]]).tolist()
    [[0.5, 0.5]]
    """

    supports_masking = True

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = one_axis_or_several(axis, self)

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """The softmax; `mask` is True where there is data."""
        if mask is not None:
            if len(mask.shape) > len(inputs.shape):
                raise ShapeError(
                    "The mask does not broadcast to the input.",
                    where=self.path,
                    expected=tuple(inputs.shape),
                    received=tuple(mask.shape),
                )
            kept = mask if dtype_of(mask) == "bool" else ops.greater(mask, 0.5)
            inputs = ops.where(kept, inputs, -3e4 if dtype_of(inputs) == "float16" else -1e9)
        if isinstance(self.axis, int):
            return ops.softmax(inputs, axis=self.axis)
        wide = ops.cast(inputs, "float32") if dtype_of(inputs) in dtypes.HALF else inputs
        return ops.cast(ops.exp(wide - ops.logsumexp(wide, axis=self.axis, keepdims=True)), inputs.dtype)
