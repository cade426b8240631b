"""Dtype policies, under Keras's name."""

from keratin.registry import deserialize, serialize
from keratin.state.policy import DTypePolicy, get

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "get", "serialize"]

FloatDTypePolicy = DTypePolicy
