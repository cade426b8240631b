"""`Model`: a layer that can be trained, evaluated, saved and summarized."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from keratin import saving
from keratin.errors import ArgumentError, StateError
from keratin.layers.base import Layer
from keratin.layers.nests import any_batch, shape_of
from keratin.models.summary import summary
from keratin.training.trainer import Trainer


class Model(Trainer):
    """A layer with `compile`, `fit`, `evaluate`, `predict` and `save`.

    There are three ways to make one: `Model(inputs, outputs)` of symbolic tensors, `Sequential([...])`, or a subclass
    that makes layers in `__init__` and calls them in `call`.

    Args: name, dtype, trainable: as for layers.

    >>> from keratin import layers
    >>> class Twice(Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.dense = layers.Dense(2)
    ...     def call(self, x):
    ...         return self.dense(x) * 2
    >>> Twice().compute_output_shape((None, 3))
    (None, 2)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and (len(args) >= 2 or "inputs" in kwargs or "outputs" in kwargs):
            from keratin.models.functional import Functional

            return Trainer.__new__(Functional, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        from keratin.models.functional import Functional

        if (len(args) >= 2 or "inputs" in kwargs) and not isinstance(self, Functional):
            # a subclass that draws a graph in its constructor becomes a functional model of the same name
            bases: Any = (type(self), Functional)
            drawn: Any = type(type(self).__name__, bases, {"__module__": type(self).__module__})
            self.__class__ = drawn
            drawn_init: Any = Functional.__init__
            drawn_init(self, *args, **kwargs)
            return
        if args:
            raise ArgumentError("`Model` takes `inputs` and `outputs`, or nothing.", received=args)
        super().__init__(**kwargs)

    def __reduce__(self) -> Any:
        return _from_bytes, (saving.to_bytes(self), self._custom_classes())

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        copy = memo[id(self)] = _from_bytes(saving.to_bytes(self), self._custom_classes())
        return copy

    def _custom_classes(self) -> dict[str, type]:
        """Classes in the model that are not Keratin's, which a copy in Python may use unregistered."""
        kinds = {type(layer) for layer in self._flatten_layers()}
        return {kind.__name__: kind for kind in kinds if not kind.__module__.startswith("keratin.")}

    # ---- structure

    @property
    def layers(self) -> list[Layer]:
        """The layers that the model holds directly."""
        return self._layers

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name, or at that index.

        Raises: ArgumentError naming the layers there are.
        """
        layers = self.layers
        if (name is None) == (index is None):
            raise ArgumentError(
                "Pass either a name or an index.", where=self.name, received=f"name={name}, index={index}"
            )
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ArgumentError(
                    "There is no layer of this index.", where=self.name, expected=f"below {len(layers)}", received=index
                )
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ArgumentError(
            "There is no layer of this name.", where=self.name, expected=[layer.name for layer in layers], received=name
        )

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: tuple[str, str] | None = None,
    ) -> None:
        """Print the layers with their output shapes and numbers of parameters.

        Args:
            line_length: width in characters; by default that of the terminal.
            positions: where the columns end, as fractions of the width.
            print_fn: called with the text in place of `print`.
            expand_nested: whether models inside are shown layer by layer.
            show_trainable: whether a column tells what is trainable.
            layer_range: names of the first and last layer to show.
        """
        text = summary(self, line_length, positions, expand_nested, show_trainable, layer_range)
        (print_fn or print)(text)

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the model for the shapes in `config`."""
        if self.built or not config:
            return
        super().build_from_config(config)

    def build(self, input_shape: Any) -> None:
        """Make all variables, by a run of `call` on shapes.

        Args: input_shape: with the batch; None for what is unknown. A list or dict for several inputs.
        """
        if type(self).call is Layer.call:
            raise StateError("The model defines no `call`.", where=self.name)
        self.compute_output_shape(input_shape)

    build.is_default = True  # type: ignore[attr-defined]

    def _build_for(self, plan: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super()._build_for(plan, args, kwargs)
        if not plan.builds and self._build_shapes is None and args:
            shape = shape_of(args[0])
            self._build_shapes = {"input_shape": any_batch(shape)}

    # ---- files

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Write the model with its weights and compile state to a `.keras` file.

        Args:
            filepath: where; the ending decides the format.
            overwrite: whether an existing file is replaced; else an error.
            zipped: False writes a folder.
        """
        saving.save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Write the weights to a `.weights.h5` file."""
        saving.save_weights(self, filepath, overwrite=overwrite, **kwargs)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Read weights into the model.  Raises: FileFormatError, ShapeError; see `keratin.saving.load_weights`."""
        saving.load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def to_json(self, **kwargs: Any) -> str:
        """The architecture, without weights, as JSON."""
        return json.dumps(saving.serialize_keras_object(self), **kwargs)

    # ---- state as one nest

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """All variables by path, in four groups.

        Args: value_format: "backend_tensor" or "numpy_array".
        """
        if value_format not in ("backend_tensor", "numpy_array"):
            raise ArgumentError(
                "`value_format` cannot be used.", expected="backend_tensor or numpy_array", received=value_format
            )
        host = value_format == "numpy_array"
        return {
            group: _nest({v.path: v.numpy() if host else v.__keratin_tensor__() for v in variables})
            for group, variables in self._state_groups().items()
        }

    def set_state_tree(self, state_tree: dict[str, Any]) -> None:
        """Assign what `get_state_tree` gave."""
        for group, values in state_tree.items():
            by_path = {v.path: v for v in self._state_groups()[group]}
            for path, value in _flat(values).items():
                if path not in by_path:
                    raise ArgumentError(
                        "The model has no such variable.", where=self.name, expected=list(by_path), received=path
                    )
                by_path[path].assign(value)

    def _state_groups(self) -> dict[str, Any]:
        optimizer = self.optimizer
        return {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
            "optimizer_variables": optimizer.variables if optimizer is not None else [],
            "metrics_variables": self.metrics_variables,
        }


def _from_bytes(data: bytes, classes: dict[str, type]) -> Any:
    with saving.custom_object_scope(classes):
        return saving.from_bytes(data)


def _nest(flat: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, last = path.split("/")
        place = result
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return result


def _flat(nest: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in nest.items():
        path = f"{prefix}/{key}" if prefix else key
        result.update(_flat(value, path) if isinstance(value, dict) else {path: value})
    return result
