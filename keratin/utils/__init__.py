"""Helpers around models and data: seeds, padding, one-hot rows, progress bars, and names of custom objects."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from keratin.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from keratin.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from keratin.data.sequences import PyDataset
from keratin.dtypes import standardize as standardize_dtype
from keratin.registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from keratin.utils.numerical import normalize, pad_sequences, to_categorical
from keratin.utils.seeds import set_random_seed
from keratin.utils.session import clear_session, is_keras_tensor

if TYPE_CHECKING:
    from keratin.saving.config import deserialize_keras_object, serialize_keras_object
    from keratin.training.progress import Progbar

CustomObjectScope = custom_object_scope
Sequence = PyDataset
"""Keras's older name of `PyDataset`."""

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "standardize_dtype",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

_LATER = {  # from packages that load layers and models
    "Progbar": "keratin.training.progress",
    "deserialize_keras_object": "keratin.saving.config",
    "serialize_keras_object": "keratin.saving.config",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module `keratin.utils` has no attribute `{name}`")


def __dir__() -> list[str]:
    return sorted(__all__)
