"""Convolutions of one, two and three spatial axes."""

from __future__ import annotations

from typing import Any

from keratin import constraints, initializers, ops, regularizers
from keratin.errors import ArgumentError, ShapeError
from keratin.layers.checks import positive
from keratin.layers.convolution.base import Convolution
from keratin.ops.convolution import biased_conv
from keratin.ops.mechanism import Tensor


class BaseConv(Convolution):
    """Slide a kernel over the spatial axes, then add a bias and apply an activation.

    Args:
        filters: number of channels of the output.
        kernel_size: size of the window: an integer for all axes, or one for each.
        strides: steps of the window.
        padding: "valid"; "same" for an output of size `ceil(size / stride)`; "causal" with one axis, where an output
            sees no later input.
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
        dilation_rate: distance between the kernel's elements.
        groups: the channels are split into so many groups, each with its own filters.
        activation: a function or its name; None leaves the values.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: first values.
        kernel_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: a loss on the output.
        kernel_constraint, bias_constraint: projections after each update.

    Raises: ArgumentError; ShapeError if the input has another rank or number of channels.
    """

    kernel: Any = None

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = positive("filters", filters, self)
        self.groups = positive("groups", groups, self)
        if self.filters % self.groups:
            raise ArgumentError(
                "`filters` must be a multiple of `groups`.",
                where=self.name,
                expected=f"a multiple of {groups}",
                received=filters,
            )
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate, causal=self.rank == 1)
        self._set_output(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: Any) -> None:
        """Make kernel (*size, channels / groups, filters) and bias (filters,)."""
        channels = self._input_channels(input_shape)
        if channels % self.groups:
            raise ShapeError(
                "The channels of the input do not divide into the groups.", where=self.path,
                expected=f"a multiple of {self.groups} channels", received=tuple(input_shape),
            )  # fmt: skip
        self.kernel = self.add_weight(
            name="kernel", shape=(*self.kernel_size, channels // self.groups, self.filters),
            initializer=self.kernel_initializer, regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self._build_bias(self.filters)

    def convolution_op(self, inputs: Tensor, kernel: Any) -> Tensor:
        """The convolution itself, without bias and activation."""
        inputs, padding = self._padded(inputs)
        return ops.conv(inputs, kernel, self.strides, padding, self.data_format, self.dilation_rate)

    def call(self, inputs: Tensor) -> Tensor:
        """The convolution, the bias and the activation."""
        if self.bias is None or type(self).convolution_op is not BaseConv.convolution_op:
            return self._finished(self.convolution_op(inputs, self.kernel))
        inputs, padding = self._padded(inputs)
        return self._activated(
            biased_conv(inputs, self.kernel, self.bias, self.strides, padding, self.data_format, self.dilation_rate)
        )

    def _padded(self, inputs: Tensor) -> tuple[Tensor, str]:
        """The inputs and the padding that is left to do."""
        if self.padding != "causal":
            return inputs, self.padding
        before = (self.kernel_size[0] - 1) * self.dilation_rate[0]
        spatial = ((before, 0), (0, 0)) if not self._channels_first else ((0, 0), (before, 0))
        return ops.pad(inputs, ((0, 0), *spatial)), "valid"


class Conv1D(BaseConv):
    """A convolution over one axis, such as time.

    Args: as in `Conv2D`; `padding` may also be "causal": an output sees no later input.
    Shape: (batch, steps, channels) -> (batch, new steps, filters), or channels first.
    Raises: ArgumentError, ShapeError.

    >>> Conv1D(4, 3, padding="causal").compute_output_shape((None, 10, 2))
    (None, 10, 4)
    """

    rank = 1


class Conv2D(BaseConv):
    """A convolution over two axes, such as those of an image.

    Args:
        filters: number of channels of the output.
        kernel_size: height and width of the window: an integer for both, or two.
        strides: steps of the window.
        padding: "valid", or "same" for an output of size `ceil(size / stride)`.
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
        dilation_rate: distance between the kernel's elements; not together with strides.
        groups: the channels are split into so many groups, each with its own filters.
        activation: a function or its name; None leaves the values.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: first values.
        kernel_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: a loss on the output.
        kernel_constraint, bias_constraint: projections after each update.

    Shape: (batch, height, width, channels) -> (batch, new height, new width, filters), or channels first.
    Raises: ArgumentError; ShapeError if the input has another rank or number of channels.

    >>> Conv2D(32, (3, 3)).compute_output_shape((None, 28, 28, 1))
    (None, 26, 26, 32)
    """

    rank = 2


class Conv3D(BaseConv):
    """A convolution over three axes, such as those of a volume.

    Args: as in `Conv2D`, with three sizes.
    Shape: (batch, depth, height, width, channels) -> the same axes with the filters last, or channels first.
    Raises: ArgumentError, ShapeError.

    >>> Conv3D(4, 3, strides=2).compute_output_shape((None, 9, 9, 9, 1))
    (None, 4, 4, 4, 4)
    """

    rank = 3
