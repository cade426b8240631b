"""The layer that does nothing."""

from __future__ import annotations

from typing import Any

from keratin.layers.base import Layer


class Identity(Layer):
    """The input as it is.

    Shape: any nest of tensors -> same.

    >>> Identity()([[1.0, 2.0]]).tolist()
    [[1.0, 2.0]]
    """

    supports_masking = True

    def call(self, inputs: Any) -> Any:
        """The input."""
        return inputs
