"""What surrounds a layer's `build`: its path, values in place of shapes, and the record of the shapes."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Generator, Iterable
from typing import Any

from keratin import shapes
from keratin.backends import select, symbolic
from keratin.layers.context import context
from keratin.state import scope


def recording_build(build: Callable[..., None]) -> Callable[..., None]:
    """`build` inside the layer's path, with the shapes kept for files."""
    signature = inspect.signature(build)

    @functools.wraps(build)
    def run(self: Any, *args: Any, **kwargs: Any) -> None:
        if self._building:
            build(self, *args, **kwargs)
            return
        self._building = True
        self._path_parts()
        entered = not context.stack or context.stack[-1] is not self
        if entered:
            context.stack.append(self)
        try:
            with computing_now():
                build(self, *args, **kwargs)
        finally:
            self._building = False
            if entered:
                context.stack.pop()
        bound = signature.bind(self, *args, **kwargs).arguments
        self._build_shapes = {k: v for k, v in list(bound.items())[1:] if k in signature.parameters and v is not None}
        self.built = True

    return run


@contextlib.contextmanager
def computing_now() -> Generator[None]:
    """What a `build` computes are values, also while the code around runs on shapes or is traced."""
    active, symbolic.local.active = symbolic.local.active, False
    try:
        if scope.local.scope is None:
            yield
        else:
            with select.current().eager():
                yield
    finally:
        symbolic.local.active = active


def input_shape_argument_of(kwargs: dict[str, Any]) -> Any:
    """The batch shape given by `input_shape`, `input_dim` or `batch_input_shape`: a Sequential model starts with it."""
    batch = kwargs.pop("batch_size", None)
    if "input_dim" in kwargs:
        return (batch, kwargs.pop("input_dim"))
    if "input_shape" in kwargs:
        shape = kwargs.pop("input_shape")
        return (batch, *(shape if isinstance(shape, Iterable) else (shape,)))
    for name in ("batch_input_shape", "batch_shape"):
        if name in kwargs:
            return shapes.standardize(kwargs.pop(name))
    return None
