"""The primitives as functions: `primitives.add(x, y)` runs on the backend, or on shapes where a tensor is symbolic.

Bodies of ops import this module as `p`. A dispatcher is made when its name is first read, which is also what chooses
the backend.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from keratin.backends import select, spec, symbolic
from keratin.backends.symbolic import KerasTensor, local


def __getattr__(name: str) -> Callable[..., Any]:
    if name not in spec.RULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    dispatcher = _dispatcher(name, getattr(select.current(), name), symbolic.primitive(name))
    globals()[name] = dispatcher
    return dispatcher


def _dispatcher(name: str, concrete: Callable[..., Any], abstract: Callable[..., Any]) -> Callable[..., Any]:
    if name in spec.CREATION:

        def create(*args: Any, **kwargs: Any) -> Any:
            return (abstract if local.active else concrete)(*args, **kwargs)

        return create
    if name in spec.SEQUENCE:

        def sequence(xs: Any, *args: Any, **kwargs: Any) -> Any:
            return (abstract if builtins.any(type(x) is KerasTensor for x in xs) else concrete)(xs, *args, **kwargs)

        return sequence
    if name == "broadcast_to":

        def broadcast(x: Any, shape: Any) -> Any:
            unknown = type(x) is KerasTensor or builtins.any(size is None for size in shape)
            return (abstract if unknown else concrete)(x, shape)

        return broadcast
    if name in spec.SAME or name in spec.PREDICATE:

        def unary(x: Any) -> Any:
            return abstract(x) if type(x) is KerasTensor else concrete(x)

        return unary
    if name in spec.BINARY or name in spec.COMPARE:

        def binary(x: Any, y: Any) -> Any:
            return abstract(x, y) if type(x) is KerasTensor or type(y) is KerasTensor else concrete(x, y)

        return binary

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        if type(x) is KerasTensor:
            return abstract(x, *args, **kwargs)
        for other in args:
            if type(other) is KerasTensor:
                return abstract(x, *args, **kwargs)
        return concrete(x, *args, **kwargs)

    return call


def shape(x: Any) -> tuple[Any, ...]:
    """The sizes of a tensor: ints, None where a symbolic tensor does not know, or the backend's own objects."""
    return x.shape if type(x) is KerasTensor else select.current().shape(x)
