"""The fully connected layer."""

from __future__ import annotations

from typing import Any

from keratin import activations, constraints, initializers, regularizers
from keratin.layers.base import Layer
from keratin.layers.checks import known_size, not_yet, positive
from keratin.layers.input_spec import InputSpec
from keratin.ops.dense import dense
from keratin.ops.mechanism import Tensor


class Dense(Layer):
    """`activation(x @ kernel + bias)` along the last axis.

    Args:
        units: size of the last axis of the output.
        activation: a function or its name; None leaves the values.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: first values.
        kernel_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: a loss on the output.
        kernel_constraint, bias_constraint: projections after each update.
        lora_rank, lora_alpha, quantization_config: not supported yet.

    Shape: (..., n) -> (..., units).  Raises: ArgumentError for `units` < 1; ShapeError if the last axis is unknown.

    >>> Dense(4).compute_output_shape((None, 3))
    (None, 4)
    """

    kernel: Any = None
    bias: Any = None

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = positive("units", units, self)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.supports_masking = True
        self.input_spec = InputSpec(min_ndim=2)
        not_yet(self, lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        self.lora_rank = self.lora_alpha = self.quantization_config = None

    def build(self, input_shape: Any) -> None:
        """Make kernel (n, units) and bias (units,)."""
        size = known_size(input_shape, -1, self)
        self.kernel = self.add_weight(
            name="kernel", shape=(size, self.units), initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.units,), initializer=self.bias_initializer,
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The product, the bias and the activation."""
        x = dense(inputs, self.kernel, self.bias)
        return x if self.activation is activations.linear else self.activation(x)
