"""Convolutions with kernels of its own for each channel."""

from __future__ import annotations

from typing import Any

from keratin import constraints, initializers, ops, regularizers
from keratin.layers.checks import positive
from keratin.layers.convolution.base import Convolution
from keratin.ops.mechanism import Tensor


class BaseDepthwiseConv(Convolution):
    """Slide `depth_multiplier` kernels over each channel by itself, then add a bias and apply an activation.

    Args: as in `DepthwiseConv2D`.
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.depth_multiplier = positive("depth_multiplier", depth_multiplier, self)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_output(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def build(self, input_shape: Any) -> None:
        """Make kernel (*size, channels, multiplier) and bias (channels * multiplier,)."""
        channels = self._input_channels(input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self._build_bias(channels * self.depth_multiplier)

    def call(self, inputs: Tensor) -> Tensor:
        """The convolution, the bias and the activation."""
        return self._finished(
            ops.depthwise_conv(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        )


class DepthwiseConv1D(BaseDepthwiseConv):
    """A convolution over one axis with kernels of its own for each channel.

    Args: as in `DepthwiseConv2D`.
    Shape: (batch, steps, channels) -> (batch, new steps, channels * depth_multiplier), or channels first.
    Raises: ArgumentError, ShapeError.

    >>> DepthwiseConv1D(3, depth_multiplier=2).compute_output_shape((None, 10, 4))
    (None, 8, 8)
    """

    rank = 1


class DepthwiseConv2D(BaseDepthwiseConv):
    """A convolution over two axes with kernels of its own for each channel.

    Args:
        kernel_size: height and width of the window: an integer for both, or two.
        strides: steps of the window.
        padding: "valid", or "same" for an output of size `ceil(size / stride)`.
        depth_multiplier: number of kernels for each channel.
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
        dilation_rate: distance between the kernel's elements; not together with strides.
        activation: a function or its name; None leaves the values.
        use_bias: whether there is a bias.
        depthwise_initializer, bias_initializer: first values.
        depthwise_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: a loss on the output.
        depthwise_constraint, bias_constraint: projections after each update.

    Shape: (batch, height, width, channels) -> (batch, new height, new width, channels * depth_multiplier), or channels
        first.
    Raises: ArgumentError, ShapeError.

    >>> DepthwiseConv2D(3).compute_output_shape((None, 28, 28, 4))
    (None, 26, 26, 4)
    """

    rank = 2
