"""What all convolutions share: the window, the layout of the axes, the bias and the activation."""

from __future__ import annotations

from typing import Any

from keratin import activations, constraints, initializers, ops, regularizers
from keratin.errors import ArgumentError
from keratin.layers.base import Layer
from keratin.layers.checks import known_size, layout, one_of, sizes
from keratin.layers.input_spec import InputSpec
from keratin.ops.mechanism import Tensor
from keratin.state.variable import Variable


class Convolution(Layer):
    """Base of the convolutions; `rank`, the number of spatial axes, is set by each class."""

    rank: int
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation_rate: tuple[int, ...]
    padding: str
    data_format: str
    use_bias: bool
    bias: Variable | None = None

    def _set_window(
        self,
        kernel_size: Any,
        strides: Any,
        padding: Any,
        data_format: Any,
        dilation_rate: Any,
        *,
        causal: bool = False,
    ) -> None:
        self.kernel_size = sizes("kernel_size", kernel_size, self.rank, self)
        self.strides = sizes("strides", strides, self.rank, self)
        self.dilation_rate = sizes("dilation_rate", dilation_rate, self.rank, self)
        allowed = ("valid", "same", "causal") if causal else ("valid", "same")
        self.padding = one_of("padding", padding, allowed, self)
        self.data_format = layout(data_format, self)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ArgumentError(
                "A convolution cannot have strides and dilation at once.",
                where=self.name,
                expected="one of them to be 1",
                received=f"strides={self.strides}, dilation_rate={self.dilation_rate}",
            )

    def _set_output(self, activation: Any, use_bias: bool, initializer: Any, regularizer: Any, constraint: Any) -> None:
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(initializer)
        self.bias_regularizer = regularizers.get(regularizer)
        self.bias_constraint = constraints.get(constraint)

    @property
    def _channels_first(self) -> bool:
        return self.data_format == "channels_first"

    def _input_channels(self, input_shape: Any) -> int:
        """The number of channels, which from now on every input must have."""
        axis = 1 if self._channels_first else -1
        self.input_spec.check(tuple(input_shape), self.compute_dtype, self.path)
        channels = known_size(input_shape, axis, self)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return channels

    def _build_bias(self, size: int) -> None:
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(size,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _finished(self, outputs: Tensor) -> Tensor:
        if self.bias is not None:
            bias = ops.reshape(self.bias, (-1,) + (1,) * self.rank) if self._channels_first else self.bias
            outputs = ops.add(outputs, bias)
        return self._activated(outputs)

    def _activated(self, outputs: Tensor) -> Tensor:
        return outputs if self.activation is activations.linear else self.activation(outputs)
