"""Convolutions in two steps: over space in each channel, then over the channels in each place."""

from __future__ import annotations

from typing import Any

from keratin import constraints, initializers, ops, regularizers
from keratin.layers.checks import positive
from keratin.layers.convolution.base import Convolution
from keratin.ops.mechanism import Tensor


class BaseSeparableConv(Convolution):
    """A depthwise convolution, then one of size 1 that mixes the channels, a bias and an activation.

    Args: as in `SeparableConv2D`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = positive("filters", filters, self)
        self.depth_multiplier = positive("depth_multiplier", depth_multiplier, self)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_output(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape: Any) -> None:
        """Make (*size, channels, multiplier), (1, ..., channels * multiplier, filters) and the bias."""
        channels = self._input_channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            name="depthwise_kernel",
            shape=(*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self.pointwise_kernel = self.add_weight(
            name="pointwise_kernel",
            shape=(*(1,) * self.rank, channels * self.depth_multiplier, self.filters),
            initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
        )
        self._build_bias(self.filters)

    def call(self, inputs: Tensor) -> Tensor:
        """Both convolutions, the bias and the activation."""
        return self._finished(
            ops.separable_conv(
                inputs,
                self.depthwise_kernel,
                self.pointwise_kernel,
                self.strides,
                self.padding,
                self.data_format,
                self.dilation_rate,
            )
        )


class SeparableConv1D(BaseSeparableConv):
    """A separable convolution over one axis.

    Args: as in `SeparableConv2D`.
    Shape: (batch, steps, channels) -> (batch, new steps, filters), or channels first.
    Raises: ArgumentError, ShapeError.

    >>> SeparableConv1D(5, 3).compute_output_shape((None, 10, 4))
    (None, 8, 5)
    """

    rank = 1


class SeparableConv2D(BaseSeparableConv):
    """A separable convolution over two axes: far fewer weights than `Conv2D`.

    Args:
        filters: number of channels of the output.
        kernel_size: height and width of the window: an integer for both, or two.
        strides: steps of the window.
        padding: "valid", or "same" for an output of size `ceil(size / stride)`.
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
        dilation_rate: distance between the kernel's elements; not together with strides.
        depth_multiplier: number of depthwise kernels for each channel.
        activation: a function or its name; None leaves the values.
        use_bias: whether there is a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: first values.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: a loss on the output.
        depthwise_constraint, pointwise_constraint, bias_constraint: projections after each update.

    Shape: (batch, height, width, channels) -> (batch, new height, new width, filters), or channels first.
    Raises: ArgumentError, ShapeError.  Source: Chollet 2016, arXiv:1610.02357.

    >>> SeparableConv2D(8, 3).compute_output_shape((None, 28, 28, 4))
    (None, 26, 26, 8)
    """

    rank = 2
