"""Activations as layers."""

from __future__ import annotations

from keratin.layers.activation.functions import ELU, Activation, LeakyReLU, ReLU, Softmax
from keratin.layers.activation.prelu import PReLU

__all__ = ["Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"]
