"""All ops of neural networks under one name, as `keras.ops.nn` has them."""

from __future__ import annotations

from keratin.ops import activation, convolution, normalization, pooling, probability
from keratin.ops.activation import *
from keratin.ops.convolution import *
from keratin.ops.normalization import *
from keratin.ops.pooling import *
from keratin.ops.probability import *

__all__ = [
    *activation.__all__,
    *convolution.__all__,
    *normalization.__all__,
    *pooling.__all__,
    *probability.__all__,
]
