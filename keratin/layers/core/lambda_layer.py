"""Any function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from keratin import registry, tree
from keratin.backends.symbolic import KerasTensor
from keratin.layers.base import Layer
from keratin.ops.operation import infer


class Lambda(Layer):
    """A function as a layer.  It holds no weights: write a `Layer` class for those.

    A file keeps the function's registered name alone, never its code.

    Args:
        function: called with the inputs, and with `mask` and `training` if it has parameters of these names.
        output_shape: without the batch, or a function of the input's shape; needed only where `function` cannot be run
            on shapes.
        mask: the mask of the output, or a function of (inputs, mask).
        arguments: keyword arguments for the function.
    Shape: as the function's.  Raises: ConfigError from `get_config` if the function has no name.

    >>> Lambda(lambda x: x * 2)([[1.0, 2.0]]).tolist()
    [[2.0, 4.0]]
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.function, self.mask, self.arguments = function, mask, dict(arguments or {})
        self._output_shape = tuple(output_shape) if isinstance(output_shape, list) else output_shape
        self.supports_masking = mask is not None
        names = _parameters(function)
        self._takes_mask, self._takes_training = "mask" in names, "training" in names

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """The function of the inputs."""
        arguments = dict(self.arguments)
        if self._takes_mask:
            arguments["mask"] = mask
        if self._takes_training:
            arguments["training"] = training
        return self.function(inputs, **arguments)

    def compute_output_spec(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """Shapes and dtypes of the outputs."""
        if self._output_shape is None:
            return infer(self.call, (inputs,), {"mask": mask, "training": training})
        if callable(self._output_shape):
            shape = self._output_shape(tree.map_structure(lambda x: tuple(x.shape), inputs))
        else:
            shape = (tree.flatten(inputs)[0].shape[0], *self._output_shape)
        return KerasTensor(shape, self.compute_dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask that was given, or what the function for it returns."""
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        """The name of the function, and the other arguments."""
        config = {**super().get_config(), "function": registry.serialize(self.function)}
        if self._output_shape is not None:
            config["output_shape"] = registry.to_config(self._output_shape)
        if self.mask is not None:
            config["mask"] = registry.to_config(self.mask)
        return {**config, "arguments": registry.to_config(self.arguments)}


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # built-in functions may have no signature
        return ()
