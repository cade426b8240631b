"""Layers: the parts that models are made of."""

from __future__ import annotations

from typing import Any

from keratin.backends import select
from keratin.layers import activation, convolution, core, merging, normalization, pooling, regularization, reshaping
from keratin.layers.activation import *
from keratin.layers.base import Layer
from keratin.layers.convolution import *
from keratin.layers.convolution import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    SeparableConv1D,
    SeparableConv2D,
)
from keratin.layers.core import *
from keratin.layers.input_spec import InputSpec
from keratin.layers.merging import *
from keratin.layers.normalization import *
from keratin.layers.pooling import *
from keratin.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from keratin.layers.regularization import *
from keratin.layers.reshaping import *
from keratin.layers.serialization import deserialize, serialize

# The other names that Keras has for the same classes.
Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose, Convolution2DTranspose, Convolution3DTranspose = (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
)
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
)

__all__ = [
    "Layer",
    "serialize",
    "deserialize",
    "InputSpec",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "Convolution1DTranspose",
    "Convolution2DTranspose",
    "Convolution3DTranspose",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
]
__all__ += core.__all__
__all__ += activation.__all__
__all__ += convolution.__all__
__all__ += pooling.__all__
__all__ += normalization.__all__
__all__ += regularization.__all__
__all__ += reshaping.__all__
__all__ += merging.__all__
__all__.extend(select.wrappers())  # pyright: ignore[reportUnsupportedDunderAll]  known when it runs

_ONLY_ON_SOME_BACKENDS = tuple(select.WRAPPERS)  # a file may name them anywhere, and is told so


def __getattr__(name: str) -> Any:
    """A layer that wraps something of one engine, such as JaxLayer.  Raises: BackendError on another backend."""
    if name not in select.WRAPPERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return select.wrapper(name)
