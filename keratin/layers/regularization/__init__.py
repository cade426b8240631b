"""Layers that change the data in training only, and one that adds a loss."""

from __future__ import annotations

from keratin.layers.regularization.activity import ActivityRegularization
from keratin.layers.regularization.dropout import Dropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from keratin.layers.regularization.noise import AlphaDropout, GaussianDropout, GaussianNoise

__all__ = [
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "AlphaDropout",
    "GaussianNoise",
    "GaussianDropout",
    "ActivityRegularization",
]
