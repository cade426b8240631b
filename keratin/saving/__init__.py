"""Models and weights to and from files, in Keras's formats: files are data, and nothing in them is ever run."""

from keratin.saving.config import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from keratin.saving.keras_format import from_bytes, load_model, load_weights, save_model, save_weights, to_bytes

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "from_bytes",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
    "to_bytes",
]
