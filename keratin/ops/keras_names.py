"""Under which names Keras's files hold ops in a graph: one table, both ways.

Keras writes an op as a class of an internal module, such as `keras.src.ops.numpy.Sin`. Here an op is a function; its
class name in files is the function's name in capitals, with the exceptions below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keratin import ops
from keratin.ops.mechanism import OPS

_MODULES = {
    "nn": """relu relu6 leaky_relu elu selu celu gelu sigmoid hard_sigmoid hard_silu silu softplus softsign
        softmax log_softmax log_sigmoid one_hot multi_hot categorical_crossentropy
        sparse_categorical_crossentropy moments binary_crossentropy normalize batch_normalization
        layer_normalization rms_normalization max_pool average_pool conv depthwise_conv separable_conv
        conv_transpose glu hard_tanh tanh_shrink soft_shrink hard_shrink squareplus threshold
        dot_product_attention""",
    "math": "segment_sum segment_max top_k in_top_k logsumexp rsqrt erf erfinv fft fft2 rfft irfft stft istft logdet",
    "core": "cast slice slice_update scatter scatter_update stop_gradient unstack",
    "linalg": "cholesky det eigh inv norm qr solve solve_triangular svd",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}
_SPECIAL = {
    "getitem": "GetItem",
    "batch_normalization": "BatchNorm",
    "layer_normalization": "LayerNorm",
    "rms_normalization": "RMSNorm",
}
_NAME_OF = {v: k for k, v in _SPECIAL.items()}


def class_name_of(function: Callable[..., Any]) -> str:
    """The class name of an op in files.

    >>> class_name_of(ops.expand_dims)
    'ExpandDims'
    """
    name = function.__name__
    return _SPECIAL.get(name) or "".join(part.capitalize() for part in name.split("_"))


def module_of(function: Callable[..., Any]) -> str:
    """The module that Keras's files name for an op.

    >>> module_of(ops.add)
    'keras.src.ops.numpy'
    """
    return f"keras.src.ops.{_MODULE_OF.get(function.__name__, 'numpy')}"


def op_of(module: Any, class_name: str) -> Callable[..., Any] | None:
    """The op that a file means, None if it speaks of something else."""
    if not isinstance(module, str) or not module.startswith("keras.src.ops."):
        return None
    name = _NAME_OF.get(class_name)
    if name is None:
        for candidate in ops.__all__:
            if candidate in OPS and "".join(part.capitalize() for part in candidate.split("_")) == class_name:
                name = candidate
                break
    return None if name is None else OPS.get(name)
