"""Layers that make one tensor of several, and functions that make and call them."""

from __future__ import annotations

from keratin.layers.merging.concatenation import Concatenate, concatenate
from keratin.layers.merging.dot_product import Dot, dot
from keratin.layers.merging.elementwise import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    maximum,
    minimum,
    multiply,
    subtract,
)

__all__ = [
    "Add",
    "Subtract",
    "Multiply",
    "Average",
    "Maximum",
    "Minimum",
    "Concatenate",
    "Dot",
    "add",
    "subtract",
    "multiply",
    "average",
    "maximum",
    "minimum",
    "concatenate",
    "dot",
]
