"""Models that are a plain stack of layers."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from keratin import registry, tree
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, StateError
from keratin.layers.base import Layer
from keratin.layers.core.input_layer import InputLayer
from keratin.models.functional import Functional
from keratin.models.model import Model


class Sequential(Model):
    """A stack of layers, each called on the output of the one before.

    Args:
        layers: layers, or `Input(...)` first; it can also be added to later.
        trainable: whether optimizers update it.
        name: of the model.

    The shape of the input is known from an `Input`, from `input_shape=` of the first layer, or from the first data.

    Raises: ArgumentError for what is no layer, or a name that occurs twice.

    >>> from keratin import layers
    >>> model = Sequential([layers.Input((3,)), layers.Dense(2)])
    >>> model.output_shape
    (None, 2)
    """

    files_list_layers_first = True
    untracked: frozenset[str] = frozenset({"_functional"})

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, trainable=trainable, **kwargs)
        self._stack: list[Any] = []  # layers, an InputLayer first where the shape is known
        self._functional: Functional | None = None
        if layers is not None:
            if not isinstance(layers, Iterable):
                layers = [layers]
            for layer in layers:
                self._append(layer)
            self._rebuild()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer on top."""
        self._append(layer)
        if rebuild:
            self._rebuild()

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the top layer off and return it."""
        if not self._stack:
            raise StateError("There is no layer to take off.", where=self.name)
        layer = self._stack.pop()
        self._functional, self.built, self._build_shapes = None, False, None
        if rebuild:
            self._rebuild()
        return layer

    def _append(self, layer: Any) -> None:
        if (
            type(layer) is KerasTensor
            and layer._history is not None
            and isinstance(layer._history.operation, InputLayer)
        ):
            layer = layer._history.operation
        if not isinstance(layer, Layer):
            raise ArgumentError(
                "A Sequential model is made of layers.", where=self.name, expected="a Layer or Input(...)",
                received=layer,
                hint="wrap a function as `layers.Lambda(function)`" if callable(layer) else None,
            )  # fmt: skip
        if any(layer is other for other in self._stack) or layer.name in (other.name for other in self._stack):
            raise ArgumentError("Two layers of a model have the same name.", where=self.name, received=layer.name)
        if isinstance(layer, InputLayer) and self._stack:
            raise ArgumentError(
                "`Input` comes first in a Sequential model.", where=self.name, received=f"after {self._stack[-1].name}"
            )
        if not self._stack and not isinstance(layer, InputLayer):
            shape = layer.input_shape_argument
            if shape is not None:
                self._stack.append(InputLayer(batch_shape=shape, dtype=layer.compute_dtype))
            elif isinstance(layer, Functional | Sequential) and layer.built:
                self._stack.append(InputLayer(batch_shape=layer.input_shape, dtype=layer.inputs[0].dtype))
        self._stack.append(layer)

    def _rebuild(self) -> None:
        self._functional, self._quick = None, None
        self.built = False
        if self._stack and isinstance(self._stack[0], InputLayer) and len(self._stack) > 1:
            self.build(self._stack[0].batch_shape)

    def build(self, input_shape: Any = None) -> None:
        """Draw the graph for inputs of this shape, with the batch."""
        if not self._stack:
            raise StateError(
                "A Sequential model without layers cannot be built.", where=self.name, hint="add a layer first"
            )
        if self._functional is not None:
            return
        if isinstance(self._stack[0], InputLayer):
            if input_shape is not None and not _compatible(self._stack[0].batch_shape, input_shape):
                raise ArgumentError(
                    "The model starts with an input of another shape.", where=self.name,
                    expected=self._stack[0].batch_shape, received=input_shape,
                )  # fmt: skip
            entrance = self._stack[0]
        else:
            dtype = self._stack[0].compute_dtype
            entrance = InputLayer(batch_shape=(None, *tuple(input_shape)[1:]), dtype=dtype)
            self._stack.insert(0, entrance)
        x = entrance.output
        for layer in self._stack[1:]:
            x = layer(x)
        self._functional = Functional(entrance.output, x, name=self.name)
        self.built = True

    def _build_for(self, plan: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        value = args[0] if args else kwargs.get("inputs")
        if value is None or not hasattr(value, "shape"):
            raise ArgumentError(
                "A Sequential model takes one tensor.", where=self.name, received=tree.map_structure(type, value)
            )
        self.build(tuple(value.shape))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Run the layers one after the other."""
        assert self._functional is not None
        return self._functional.call(inputs, training=training, mask=mask)

    def _converted(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if self._functional is not None:
            return args, dict(kwargs)
        return super()._converted(args, kwargs)

    @property
    def layers(self) -> list[Layer]:
        """The layers from bottom to top, without the input."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    def _graph(self, what: str) -> Functional:
        if self._functional is None:
            raise StateError(
                f"The model has no {what} yet: the shape of its input is not known.",
                where=self.name,
                hint="start it with Input(shape=...)",
            )
        return self._functional

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic input, in a list."""
        return self._graph("inputs").inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic output, in a list."""
        return self._graph("outputs").outputs

    @property
    def input(self) -> Any:
        """The symbolic input."""
        return self._graph("input").input

    @property
    def output(self) -> Any:
        """The symbolic output."""
        return self._graph("output").output

    @property
    def input_shape(self) -> Any:
        """The shape of the input."""
        return self._graph("input shape").input_shape

    @property
    def output_shape(self) -> Any:
        """The shape of the output."""
        return self._graph("output shape").output_shape

    @property
    def input_names(self) -> list[str]:
        """The name of the input."""
        return self._graph("inputs").input_names

    @property
    def output_names(self) -> list[str]:
        """The name of the output."""
        return self._graph("outputs").output_names

    def get_config(self) -> dict[str, Any]:
        """The layers as data."""
        config = super(Model, self).get_config()
        config["layers"] = [registry.serialize(layer) for layer in self._stack]
        if self._functional is not None:
            config["build_input_shape"] = list(self._stack[0].batch_shape)
        return copy.deepcopy(config)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Sequential:
        """The model that `get_config` described."""
        with registry.custom_object_scope(custom_objects or {}):
            if "layers" not in config:
                return super().from_config(config)
            shape = config.get("build_input_shape")
            # with a known shape the graph is drawn below, which builds the layers inside this model's path
            stack = [
                registry.deserialize({k: v for k, v in layer.items() if not shape or k != "build_config"})
                for layer in config["layers"]
            ]
            dtype = registry.deserialize(config.get("dtype"))
            model = cls(stack, name=config.get("name"), dtype=dtype)
            if not config.get("trainable", True):
                model.trainable = False
            if shape and not model.built:
                model.build(tuple(shape))
        return model

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape of the input."""
        return {"input_shape": list(self._stack[0].batch_shape)} if self._functional is not None else None


def _compatible(known: Any, given: Any) -> bool:
    given = tuple(given)
    return len(known) == len(given) and all(a is None or b is None or a == b for a, b in zip(known, given, strict=True))
