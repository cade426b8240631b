"""Activation functions by name, with the arguments that Keras's have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keratin import ops, registry
from keratin.errors import ArgumentError
from keratin.ops import activation, probability
from keratin.ops.mechanism import Tensor, TensorLike

__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

celu, elu, selu, leaky_relu, relu6 = (
    activation.celu,
    activation.elu,
    activation.selu,
    activation.leaky_relu,
    activation.relu6,
)
sigmoid, hard_sigmoid, log_sigmoid = activation.sigmoid, activation.hard_sigmoid, activation.log_sigmoid
silu, swish, hard_silu, hard_swish = activation.silu, activation.swish, activation.hard_silu, activation.hard_swish
softplus, softsign, mish, squareplus = activation.softplus, activation.softsign, activation.mish, activation.squareplus
sparse_plus, sparse_sigmoid, sparsemax = activation.sparse_plus, activation.sparse_sigmoid, probability.sparsemax
hard_tanh, tanh_shrink, soft_shrink, hard_shrink = (
    activation.hard_tanh,
    activation.tanh_shrink,
    activation.soft_shrink,
    activation.hard_shrink,
)
threshold, glu = activation.threshold, activation.glu
softmax, log_softmax = probability.softmax, probability.log_softmax
tanh = ops.tanh


def relu(x: TensorLike, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Tensor:
    """0 up to `threshold`, `x` above, and at most `max_value`.

    Args: negative_slope: below the threshold, this times `x - threshold` in place of 0.
    Shape: any -> same.  Units: max_value and threshold in x's unit.  Raises: ArgumentError for values below 0.

    >>> relu([-2.0, 3.0, 9.0], negative_slope=0.5, max_value=6.0).tolist()
    [-1.0, 3.0, 6.0]
    """
    for name, value in (("negative_slope", negative_slope), ("threshold", threshold), ("max_value", max_value)):
        if value is not None and value < 0:
            raise ArgumentError(f"`{name}` cannot be used.", where="relu", expected="a number >= 0", received=value)
    if negative_slope == 0 and threshold == 0:
        if max_value is None:
            return ops.relu(x)
        if max_value == 6:
            return ops.relu6(x)
    x = ops.convert_to_tensor(x)
    below = ops.zeros_like(x) if negative_slope == 0 else ops.multiply(ops.subtract(x, threshold), negative_slope)
    result = ops.where(ops.less_equal(x, threshold), below, x)
    return result if max_value is None else ops.where(ops.greater_equal(x, max_value), max_value, result)


def gelu(x: TensorLike, approximate: bool = False) -> Tensor:
    """`x` times the standard normal distribution function of `x`.

    Args: approximate: with a tanh in place of the error function.
    Shape: any -> same.  Source: Hendrycks & Gimpel 2016, arXiv:1606.08415.

    >>> round(float(gelu(1.0)), 4)
    0.8413
    """
    return ops.gelu(x, approximate)


def exponential(x: TensorLike) -> Tensor:
    """`exp(x)`.

    Shape: any -> same.

    >>> float(exponential(0.0))
    1.0
    """
    return ops.exp(x)


def linear(x: TensorLike) -> Tensor:
    """`x` itself.

    Shape: any -> same.

    >>> linear(3.0)
    3.0
    """
    return x


_NAMES: dict[str, Any] = {name: globals()[name] for name in __all__ if name not in ("get", "serialize", "deserialize")}


def get(identifier: Any) -> Any:
    """The activation function that a name, serialized data or a function stands for; None is `linear`.

    Raises: ConfigError with the nearest name.

    >>> get("relu").__name__, get(None).__name__
    ('relu', 'linear')
    """
    return linear if identifier is None else registry.lookup(identifier, "activation function", _NAMES)


def serialize(activation: Any) -> Any:
    """The activation function as plain data: its name if it is one of these.

    >>> serialize(relu)
    'relu'
    """
    return registry.serialize(activation)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The activation function that plain data describe.  Raises: ConfigError.

    >>> deserialize("relu").__name__
    'relu'
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)
