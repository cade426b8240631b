"""Layers around a layer."""

from __future__ import annotations

from typing import Any

from keratin import ops
from keratin.errors import ArgumentError, ShapeError
from keratin.layers.base import Layer
from keratin.layers.input_spec import InputSpec
from keratin.ops.mechanism import Tensor


class Wrapper(Layer):
    """Base of the layers that hold one layer and change how it is called.

    Args: layer: the layer inside.
    Raises: ArgumentError if it is none.
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ArgumentError("A wrapper holds a layer.", where=self.name, expected="a Layer", received=layer)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside."""
        if not self.layer.built:
            self.layer.build(input_shape)


class TimeDistributed(Wrapper):
    """The same layer on each step.

    Args: layer: takes the input of one step.
    Shape: (batch, steps, ...) -> (batch, steps, what the layer makes of the rest).  Raises: ArgumentError, ShapeError.

    >>> from keratin import layers
    >>> TimeDistributed(layers.Dense(4)).compute_output_shape((None, 10, 3))
    (None, 10, 4)
    """

    supports_masking = True

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.input_spec = InputSpec(min_ndim=3)

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside for one step."""
        super().build((input_shape[0], *input_shape[2:]))

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        """The outputs of all steps, which pass through the layer as one batch."""
        batch, steps, *others = ops.shape(inputs)
        if mask is not None and len(mask.shape) < 2:
            raise ShapeError(
                "The mask has no axis of steps.", expected="(batch, steps, ...)", received=tuple(mask.shape)
            )
        merged = ops.reshape(inputs, (-1, *others))
        arguments: dict[str, Any] = {}
        if mask is not None and "mask" in self.layer._plan().names:
            arguments["mask"] = ops.reshape(mask, (-1, *ops.shape(mask)[2:]))
        outputs = self.layer(merged, training=training, **arguments)
        return ops.reshape(outputs, (batch, steps, *ops.shape(outputs)[1:]))
