"""Transposed convolutions: the way back from the output of a convolution to its input's size."""

from __future__ import annotations

from typing import Any

from keratin import constraints, initializers, ops, regularizers
from keratin.errors import ArgumentError
from keratin.layers.checks import positive, sizes
from keratin.layers.convolution.base import Convolution
from keratin.ops.mechanism import Tensor


class BaseConvTranspose(Convolution):
    """Each element of the input puts a multiple of the kernel; then a bias and an activation.

    Args: as in `Conv2DTranspose`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self.output_padding = (
            None if output_padding is None else sizes("output_padding", output_padding, self.rank, self, least=0)
        )
        if self.output_padding is not None and any(
            o >= s for o, s in zip(self.output_padding, self.strides, strict=True)
        ):
            raise ArgumentError(
                "`output_padding` must be less than `strides` on each axis.",
                where=self.name,
                expected=f"less than {self.strides}",
                received=output_padding,
            )
        self._set_output(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: Any) -> None:
        """Make kernel (*size, filters, channels) and bias (filters,)."""
        channels = self._input_channels(input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, self.filters, channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self._build_bias(self.filters)

    def call(self, inputs: Tensor) -> Tensor:
        """The transposed convolution, the bias and the activation."""
        return self._finished(
            ops.conv_transpose(
                inputs,
                self.kernel,
                self.strides,
                self.padding,
                self.output_padding,
                self.data_format,
                self.dilation_rate,
            )
        )


class Conv1DTranspose(BaseConvTranspose):
    """A transposed convolution over one axis.

    Args: as in `Conv2DTranspose`.
    Shape: (batch, steps, channels) -> (batch, new steps, filters), or channels first.
    Raises: ArgumentError, ShapeError.

    >>> Conv1DTranspose(3, 3, strides=2).compute_output_shape((None, 10, 4))
    (None, 21, 3)
    """

    rank = 1


class Conv2DTranspose(BaseConvTranspose):
    """A transposed convolution over two axes, as decoders and generators use it.

    Args:
        filters: number of channels of the output.
        kernel_size: height and width of the window: an integer for both, or two.
        strides: how many positions of the output each one of the input takes.
        padding: "valid", or "same" for an output of size `size * stride`.
        output_padding: positions added at the end; see `ops.conv_transpose`.
        data_format: "channels_last" or "channels_first"; that of the configuration by default.
        dilation_rate: distance between the kernel's elements; not together with strides.
        activation: a function or its name; None leaves the values.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: first values.
        kernel_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: a loss on the output.
        kernel_constraint, bias_constraint: projections after each update.

    Shape: (batch, height, width, channels) -> (batch, new height, new width, filters), or channels first.
    Raises: ArgumentError, ShapeError.  Source: Zeiler et al. 2010, "Deconvolutional networks".

    >>> Conv2DTranspose(8, 3, strides=2, padding="same").compute_output_shape((None, 7, 7, 4))
    (None, 14, 14, 8)
    """

    rank = 2


class Conv3DTranspose(BaseConvTranspose):
    """A transposed convolution over three axes.

    Args: as in `Conv2DTranspose`, with three sizes; `output_padding` comes after `data_format`, as in Keras.
    Shape: (batch, depth, height, width, channels) -> the same axes with the filters last, or channels first.
    Raises: ArgumentError, ShapeError.

    >>> Conv3DTranspose(2, 2, strides=2).compute_output_shape((None, 4, 4, 4, 3))
    (None, 8, 8, 8, 2)
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        dilation_rate: Any = 1,
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
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )
