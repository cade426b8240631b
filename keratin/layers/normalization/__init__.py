"""Layers that take out means and scales."""

from __future__ import annotations

from keratin.layers.normalization.batch import BatchNormalization
from keratin.layers.normalization.group import GroupNormalization
from keratin.layers.normalization.sample import LayerNormalization, RMSNormalization, UnitNormalization

__all__ = ["BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization", "UnitNormalization"]
