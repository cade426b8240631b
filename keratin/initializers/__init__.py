"""Initializers: how weights begin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keratin import registry
from keratin.initializers.base import Initializer
from keratin.initializers.chance import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from keratin.initializers.constant import Constant, Identity, Ones, Zeros

zeros, ones, constant = Zeros, Ones, Constant
identity = IdentityInitializer = Identity
orthogonal = OrthogonalInitializer = Orthogonal
random_uniform, random_normal, truncated_normal, variance_scaling = (
    RandomUniform,
    RandomNormal,
    TruncatedNormal,
    VarianceScaling,
)
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

_NAMES: dict[str, Any] = {
    **{name: globals()[name] for name in __all__ if name not in ("Initializer", "deserialize", "get", "serialize")},
    "uniform": RandomUniform,
    "normal": RandomNormal,
    "zero": Zeros,
    "one": Ones,
}


def get(identifier: Any) -> Any:
    """The initializer that a name, a class, serialized data or a function stands for; None stays None.

    Raises: ConfigError with the nearest name.

    >>> type(get("glorot_uniform")).__name__
    'GlorotUniform'
    """
    return registry.lookup(identifier, "initializer", _NAMES)


def serialize(initializer: Any) -> Any:
    """The initializer as plain data.

    >>> serialize(Zeros())["class_name"]
    'Zeros'
    """
    return registry.serialize(initializer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The initializer that plain data describe.  Raises: ConfigError.

    >>> deserialize(serialize(Constant(2.0))).value
    2.0
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)
