"""Objects to and from plain data, and the names that users give their own classes, under Keras's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keratin import registry
from keratin.errors import ConfigError, UnknownArgumentError
from keratin.registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)

CustomObjectScope = custom_object_scope
"""The same; Keras has both names."""


def serialize_keras_object(obj: Any) -> Any:
    """The configuration of an object as plain data.

    Raises: ConfigError if it has none: a lambda, or a class without `get_config`.

    >>> from keratin import regularizers
    >>> serialize_keras_object(regularizers.L2(0.5))["class_name"]
    'L2'
    """
    return registry.serialize(obj)


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """The object that plain data describes.

    Args:
        config: from `serialize_keras_object`.
        custom_objects: classes and functions that it may name, beside Keratin's and the registered ones.
        safe_mode: makes no difference, for nothing in a configuration is ever run: code in it is refused either way.

    Raises: ConfigError for a class or function that is neither Keratin's nor registered.

    >>> from keratin import regularizers
    >>> float(deserialize_keras_object(serialize_keras_object(regularizers.L2(0.5))).l2)
    0.5
    """
    if kwargs:
        raise UnknownArgumentError("`deserialize_keras_object` has no such argument.", received=", ".join(kwargs))
    refuse_code(config, "the configuration")
    return registry.deserialize(config, custom_objects)


def refuse_code(config: Any, where: str) -> None:
    """Refuse a configuration that holds Python bytecode, in any form that Keras has written.

    Raises: ConfigError that names the place.
    """
    waiting: list[tuple[str, Any]] = [("", config)]
    while waiting:
        path, data = waiting.pop()
        if isinstance(data, dict):
            name, inner = data.get("class_name"), data.get("config")
            inner = inner if isinstance(inner, dict) else {}
            old_form = isinstance(inner.get("function"), list) or inner.get("function_type") == "lambda"  # Keras 2
            if name == "__lambda__" or (name == "Lambda" and old_form):
                raise ConfigError(
                    "The file holds Python bytecode (a lambda), which Keratin never runs.",
                    where=f"{where}{path}",
                    received=name,
                    hint="make the model anew with a function under `@keratin.saving.register_keras_serializable()`, "
                    "load its weights with `load_weights`, and save it",
                )
            waiting += [(f"{path}.{key}", value) for key, value in data.items()]
        elif isinstance(data, list):
            waiting += [(f"{path}[{i}]", value) for i, value in enumerate(data)]


__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "refuse_code",
    "register_keras_serializable",
    "serialize_keras_object",
]
