"""Layers that slide a kernel over one, two or three spatial axes."""

from __future__ import annotations

from keratin.layers.convolution.depthwise import DepthwiseConv1D, DepthwiseConv2D
from keratin.layers.convolution.plain import Conv1D, Conv2D, Conv3D
from keratin.layers.convolution.separable import SeparableConv1D, SeparableConv2D
from keratin.layers.convolution.transposed import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose

__all__ = [
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "SeparableConv1D",
    "SeparableConv2D",
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
]
