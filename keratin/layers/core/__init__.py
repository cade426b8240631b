"""The layers that models are mostly made of."""

from __future__ import annotations

from keratin.layers.core.dense import Dense
from keratin.layers.core.embedding import Embedding
from keratin.layers.core.identity import Identity
from keratin.layers.core.input_layer import Input, InputLayer
from keratin.layers.core.lambda_layer import Lambda
from keratin.layers.core.masking import Masking
from keratin.layers.core.rescaling import Rescaling
from keratin.layers.core.wrapper import TimeDistributed, Wrapper

__all__ = [
    "Input",
    "InputLayer",
    "Dense",
    "Embedding",
    "Identity",
    "Lambda",
    "Masking",
    "Rescaling",
    "Wrapper",
    "TimeDistributed",
]
