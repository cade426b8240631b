"""Layers as data, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keratin import registry
from keratin.errors import ArgumentError, ConfigError
from keratin.layers.base import Layer


def serialize(layer: Layer) -> dict[str, Any]:
    """The layer as plain data, without its weights.  Raises: ArgumentError, ConfigError.

    >>> from keratin import layers
    >>> serialize(layers.Flatten())["class_name"]
    'Flatten'
    """
    if not isinstance(layer, Layer):
        raise ArgumentError("This is no layer.", where="serialize", expected="a Layer", received=layer)
    return registry.serialize(layer)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Layer:
    """The layer that `serialize` described, with fresh weights.

    Args: custom_objects: classes and functions by name, beside those that are registered.
    Raises: ConfigError if it describes no layer, or names a class that is neither Keratin's nor known.

    >>> from keratin import layers
    >>> deserialize(serialize(layers.Dense(3))).units
    3
    """
    found = registry.deserialize(config, custom_objects)
    if not isinstance(found, Layer):
        raise ConfigError("This describes no layer.", where="deserialize", received=config)
    return found
