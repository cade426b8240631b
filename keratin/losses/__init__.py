"""Losses: what training makes small, as functions of targets and predictions, and as objects that weigh and reduce."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keratin import registry
from keratin.losses.circle import Circle, circle
from keratin.losses.ctc import CTC, ctc
from keratin.losses.hinge import CategoricalHinge, Hinge, SquaredHinge, categorical_hinge, hinge, squared_hinge
from keratin.losses.loss import Loss, LossFunctionWrapper
from keratin.losses.overlap import Dice, Tversky, dice, tversky
from keratin.losses.probabilistic import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    KLDivergence,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    kl_divergence,
    sparse_categorical_crossentropy,
)
from keratin.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
)

__all__ = [
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "ctc",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

_SHORT = {
    "bce": binary_crossentropy,
    "kld": kl_divergence,
    "mae": mean_absolute_error,
    "mape": mean_absolute_percentage_error,
    "mse": mean_squared_error,
    "msle": mean_squared_logarithmic_error,
}
_NAMES: dict[str, Any] = {
    **{name: globals()[name] for name in __all__ if name not in ("get", "serialize", "deserialize")},
    **_SHORT,
    **{name.upper(): function for name, function in _SHORT.items()},
}


def get(identifier: Any) -> Any:
    """The loss meant by a name such as "mse", a class, an object, a function, serialized data, or None.

    Raises: ConfigError for an unknown name, with the nearest known one.

    >>> get("mse").__name__, get("Huber").delta
    ('mean_squared_error', 1.0)
    """
    if isinstance(identifier, Mapping):
        identifier = {**identifier, "module": identifier.get("module") or "keras.losses"}
    return registry.lookup(identifier, "loss", _NAMES)


def serialize(loss: Any) -> Any:
    """A loss as plain data: a name for Keratin's functions, a dict for objects.  Raises: ConfigError for a lambda.

    >>> serialize(mean_squared_error), serialize(Huber(2.0))["config"]["delta"]
    ('mean_squared_error', 2.0)
    """
    return registry.serialize(loss)


def deserialize(name: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The loss that `serialize` described, or that has this name.  Raises: ConfigError.

    >>> deserialize({"class_name": "Huber", "config": {"delta": 2.0}}).delta
    2.0
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(name)
