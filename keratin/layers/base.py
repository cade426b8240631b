"""`Layer`: state and a computation that can be called, drawn into a graph, saved, and trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from keratin import constraints as constraints_module
from keratin import dtypes, initializers, registry, regularizers, tree
from keratin.backends import primitives as p
from keratin.backends import select, symbolic
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, KeratinError, ShapeError, StateError, UnknownArgumentError
from keratin.layers.building import input_shape_argument_of, recording_build
from keratin.layers.call_plan import CallPlan
from keratin.layers.context import context, current_path
from keratin.layers.input_spec import InputSpec, quick_check
from keratin.layers.mask_flow import attach_masks, gather_masks
from keratin.layers.messages import locate, note, unknown_arguments
from keratin.layers.nests import (
    all_numbers,
    any_batch,
    as_shape,
    constants_as_arrays,
    has_symbolic,
    shape_of,
    symbolic_input,
)
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike
from keratin.ops.operation import Node, Operation, fresh, infer
from keratin.state import masks, policy, scope, tracking
from keratin.state.seed import SeedGenerator
from keratin.state.variable import Variable, path_scope

if TYPE_CHECKING:
    from keratin.backends.storage import PlainLayer as LayerBase
else:
    LayerBase = select.idiom("LayerBase")


class Layer(Operation, tracking.Tracked, LayerBase):
    """A computation with state.

    A subclass makes its variables in `__init__`, or in `build` once the input's shape is known, and computes in `call`.
    Its configuration is read from the constructor's parameters, its output shape from its own `call`.

    Args:
        activity_regularizer: adds a loss that depends on the output.
        trainable: whether optimizers update its variables.
        dtype: a dtype or policy; by default the global policy.
        autocast: whether float inputs are cast to the policy's compute dtype.
        name: by default the class name in snake case, numbered.

    Raises: UnknownArgumentError for other arguments, with the nearest existing name.

    >>> class Doubling(Layer):
    ...     def call(self, x):
    ...         return x * 2
    >>> Doubling()(np.ones((1, 2), "float32")).tolist()
    [[2.0, 2.0]]
    """

    supports_masking: bool = False
    activity_regularizer: Any
    autocast: bool
    input_shape_argument: Any
    last_output_shape: Any
    built: bool
    input_spec: Any = None
    _own_weights: list[Variable]
    _losses: list[Tensor]
    _loss_owners: list[Layer]
    _building: bool
    _build_shapes: dict[str, Any] | None
    _settled_path: str | None
    _warned_mask: bool
    _quick: Any
    files_list_layers_first: bool = False  # whether files name the layers by their place in `layers`, before attributes

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = recording_build(cls.__dict__["build"])  # type: ignore[method-assign]
        cls._class_plan = None

    _class_plan: CallPlan | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls, *args, **kwargs)
        state = self.__dict__
        state["_own_weights"] = []
        state["_losses"] = []
        state["_loss_owners"] = []
        state["_adds_losses"] = False
        state["built"] = False
        state["_building"] = False
        state["_quick"] = None
        state["_build_shapes"] = None
        state["_settled_path"] = None
        state["_warned_mask"] = False
        state["last_output_shape"] = None
        return self

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._trainable = bool(trainable)
        self._dtype_policy = policy.get(dtype)
        self.autocast = autocast
        self.input_spec: Any = None
        self.input_shape_argument = input_shape_argument_of(kwargs)
        if kwargs:
            raise unknown_arguments(type(self), kwargs)

    # ---- calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs, or draw them into a graph if an input is symbolic."""
        quick = self._quick
        if quick is not None and len(args) == 1 and not kwargs:
            x = args[0]
            if type(x) is quick[0] and x.dtype == quick[1] and not masks._table and scope.local.autocast is None:
                spec = quick[2]
                if spec is None or spec(x.shape):
                    try:
                        return self.call(x, training=bool(context.training)) if quick[3] else self.call(x)
                    except KeratinError as error:
                        locate(error, self)
                        raise
        if not symbolic.local.active and has_symbolic(args, kwargs):
            return self._draw(args, kwargs)
        if self._hooked and not symbolic.local.active:
            return self._call_with_hooks(*args, **kwargs)
        return self._run(args, kwargs)

    def _draw(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        args = tuple(constants_as_arrays(a) for a in args)
        with symbolic.symbolic_mode():
            outputs = self._run(args, kwargs)
        drawn = fresh(outputs)
        for old, new in zip(tree.flatten(outputs), tree.flatten(drawn), strict=True):
            if type(new) is KerasTensor:
                masks.set_mask(new, masks.get_mask(old))
        Node(self, args, {k: v for k, v in kwargs.items() if v is not None}, drawn)
        return drawn

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        plan = self._plan()
        args, kwargs = self._converted(args, kwargs)
        training = kwargs.pop("training", None)
        self._check_arguments(plan, args, kwargs)
        outermost = not context.stack
        if outermost and self._loss_owners:
            self._clear_losses()
        previous_training = context.training
        previous_cast = scope.local.autocast
        previous_mask = gather_masks(plan, args, kwargs)
        entered = outermost or context.stack[-1] is not self  # `build` of a model runs it inside its own path
        if entered:
            context.stack.append(self)
        try:
            if not self.built:
                self._build_for(plan, args, kwargs)
            if self.input_spec is not None:
                self._check_input(plan, args, kwargs)
            if training is None:
                training = previous_training
                if training is None and plan.training:
                    training = self._default_training()
            context.training = training
            scope.local.autocast = self.compute_dtype if self._casts() else None
            if plan.training:
                kwargs["training"] = bool(training)
            outputs = self._call_or_infer(args, kwargs)
        except KeratinError as error:
            locate(error, self)
            raise
        except Exception as error:
            note(error, self, args)
            raise
        finally:
            if entered:
                context.stack.pop()
            context.training = previous_training
            scope.local.autocast = previous_cast
        if self.last_output_shape is None or symbolic.local.active:
            self.last_output_shape = any_batch(shape_of(outputs))
        if previous_mask is not None or plan.makes_mask:
            attach_masks(self, plan, args, outputs, previous_mask)
        if self.activity_regularizer is not None and not symbolic.local.active:
            for output in tree.flatten(outputs):
                self._add_loss(activity_loss(self.activity_regularizer, output), outermost)
        if self._quick is None:
            self._prepare_quick(plan)
        return outputs

    def _plan(self) -> CallPlan:
        cls = type(self)
        plan = cls.__dict__.get("_class_plan")
        if plan is None:
            plan = cls._class_plan = CallPlan(cls, Layer)
        return plan

    def _casts(self) -> bool:
        return self.autocast and self._dtype_policy.compute_dtype != self._dtype_policy.variable_dtype

    def _converted(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        cast = self.compute_dtype if self.autocast and self._dtype_policy.compute_dtype in dtypes.FLOAT else None
        backend = select.current()
        types = backend.TENSOR_TYPES

        def one(x: Any) -> Any:
            kind = type(x)
            if kind is KerasTensor or kind in types or backend.is_tensor(x):
                tensor = x
            elif isinstance(x, np.ndarray | np.generic):
                if x.dtype.kind in "OUS":
                    return x
                tensor = mechanism.convert(x)
            elif kind is Variable:
                tensor = x.__keratin_tensor__()
            elif select.engine_of(kind) is not None and hasattr(x, "dtype"):
                tensor = mechanism.convert(x)
            else:
                return x
            if cast is not None:
                name = dtypes.standardize(tensor.dtype)
                if name != cast and name in dtypes.FLOAT:
                    mask = masks.get_mask(tensor)
                    tensor = mechanism.convert(tensor, cast)
                    if mask is not None:
                        masks.set_mask(tensor, mask)
            return tensor

        if args and isinstance(args[0], list | tuple) and all_numbers(args[0]):
            args = (mechanism.convert(args[0]), *args[1:])
        new_args = tuple(one(a) if not isinstance(a, list | tuple | dict) else tree.map_structure(one, a) for a in args)
        new_kwargs = {
            k: one(a) if not isinstance(a, list | tuple | dict) else tree.map_structure(one, a)
            for k, a in kwargs.items()
        }
        return new_args, new_kwargs

    def _check_arguments(self, plan: CallPlan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if len(args) > len(plan.names) and not plan.open_positional:
            raise ArgumentError(
                "The layer was called with too many arguments.",
                where=self.path,
                expected=f"({', '.join(plan.names)})",
                received=f"{len(args)} positional arguments",
                hint="pass several inputs as one list or dict if `call` takes one",
            )
        if not plan.open_keywords:
            for name in kwargs:
                if name not in plan.names:
                    raise UnknownArgumentError(
                        "The layer's `call` has no such argument.",
                        where=self.path,
                        expected=f"({', '.join(plan.names)})",
                        received=name,
                    )
        given = plan.names[: len(args)]
        missing = [n for n in plan.required if n not in given and n not in kwargs and n != "training"]
        if missing:
            raise ArgumentError(
                "The layer was called with too few inputs.",
                where=self.path,
                expected=f"({', '.join(plan.names)})",
                received=f"no {', '.join(missing)}",
            )

    def _call_or_infer(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not symbolic.local.active:
            return self.call(*args, **kwargs)
        if type(self).compute_output_spec is not Layer.compute_output_spec:
            return self.compute_output_spec(*args, **kwargs)
        try:
            return infer(self.call, args, kwargs, isolated=scope.Scope)
        except Exception as error:
            users = isinstance(error, KeratinError) and not isinstance(error, StateError)
            if users or type(self).compute_output_shape is Layer.compute_output_shape:
                raise
            return self._specs_by_shape(args)

    def _specs_by_shape(self, args: tuple[Any, ...]) -> Any:
        """What a subclass's own `compute_output_shape` says, for a `call` that cannot run on shapes."""
        shape = self.compute_output_shape(*map(shape_of, args))
        return symbolic_input(shape, self.compute_dtype)

    def _prepare_quick(self, plan: CallPlan) -> None:
        """Set up the short way for one concrete tensor, where nothing but `call` has to happen."""
        if (
            symbolic.local.active
            or not self.built
            or plan.makes_mask
            or self._casts()
            or self.activity_regularizer is not None
            or self._adds_losses
            or type(self).__call__ is not Layer.__call__
            or any(isinstance(item, Layer) for item in tracking.contents(self))
            or len([n for n in plan.required if n != "training"]) > 1
            or not self.autocast
            or self._hooked
        ):
            return
        check = None
        if self.input_spec is not None:
            spec = self.input_spec
            if not isinstance(spec, InputSpec):
                return
            check = quick_check(spec)
            if check is None:
                return
        native = select.current().engine_dtype(self.compute_dtype)
        types = select.current().TENSOR_TYPES
        self._quick = (types[0], native, check, plan.training)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation.  Subclasses define it; outside, call the layer itself."""
        raise StateError(
            f"`{type(self).__name__}` defines no `call`.",
            where=self.name,
            hint="define `call(self, inputs)` in the class",
        )

    # ---- building

    def build(self, input_shape: Any) -> None:
        """Make the variables, given the shape of the input (or the nest of shapes).  Subclasses define it."""
        self.built = True

    build.is_default = True  # type: ignore[attr-defined]

    def _build_for(self, plan: CallPlan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not plan.builds:
            self._settled_path = "/".join(current_path())
            self.built = True
            return
        given = dict(zip(plan.names, args, strict=False)) | kwargs
        if len(plan.build_names) == 1:
            name = plan.build_names[0]
            owner = name.removesuffix("_shape")
            value = (
                given[owner]
                if owner in given and owner != name
                else (args[0] if args else next(iter(given.values()), None))
            )
            shapes_given = {name: shape_of(value)}
        else:
            shapes_given = {}
            for name in plan.build_names:
                owner = name.removesuffix("_shape")
                if given.get(owner) is not None:
                    shapes_given[name] = shape_of(given[owner])
        self.build(**shapes_given)

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that the layer was built with, None for a layer that needs none."""
        return registry.to_config(self._build_shapes)

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the layer again from what `get_build_config` gave."""
        if self.built or not config:
            return
        arguments = {key: as_shape(value) for key, value in config.items()}
        names = self._plan().build_names
        if set(arguments) <= set(names):
            self.build(**arguments)
        elif len(names) == 1 and len(arguments) == 1:
            self.build(next(iter(arguments.values())))

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Make a variable of the layer.

        Args:
            shape: its shape; () by default.
            initializer: a name, an initializer or a function; Glorot uniform for floats, zeros for others.
            dtype: by default the policy's variable dtype.
            trainable: whether optimizers update it.
            autocast: whether it is read in the compute dtype.
            regularizer: adds a loss on its value.
            constraint: a projection applied after each update.
            aggregation: how replicas combine it.
            overwrite_with_gradient: whether the optimizer stores the gradient as the value.
            name: the last part of its path.

        Raises: ShapeError if a size is unknown.
        """
        shape = () if shape is None else shape
        dtype = self.variable_dtype if dtype is None else dtypes.standardize(dtype)
        if initializer is None:
            initializer = "glorot_uniform" if dtype in dtypes.FLOAT else "zeros"
        with path_scope(self._path_parts()):
            variable = Variable(
                initializers.get(initializer),
                shape=shape,
                dtype=dtype,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name or "variable",
            )
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints_module.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        if not self._trainable:
            variable.trainable, variable.frozen = False, True
        self._own_weights.append(variable)
        return variable

    def add_variable(
        self, shape: Any, initializer: Any, dtype: Any = None, trainable: bool = True, name: str | None = None
    ) -> Variable:
        """The older name of `add_weight`."""
        return self.add_weight(shape, initializer, dtype, trainable, name=name)

    @property
    def path(self) -> str:
        """Names of the layers around this one when it was built, and its own, joined by `/`."""
        return "/".join(self._path_parts())

    def _path_parts(self) -> tuple[str, ...]:
        if self._settled_path is None:
            stack = current_path()
            parts = stack if stack and context.stack[-1] is self else (*stack, self.name)
            if not self.built and not self._building:
                return parts
            self._settled_path = "/".join(parts)
        return tuple(self._settled_path.split("/"))

    # ---- what it holds

    @property
    def _layers(self) -> list[Layer]:
        return [item for item in tracking.contents(self) if isinstance(item, Layer)]

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Layer]:
        found: dict[int, Layer] = {id(self): self}
        waiting = list(reversed(self._layers))
        while waiting:
            layer = waiting.pop()
            if id(layer) not in found:
                found[id(layer)] = layer
                if recursive:
                    waiting.extend(reversed(layer._layers))
        layers = list(found.values())
        return layers if include_self else layers[1:]

    @property
    def own_variables(self) -> list[Variable]:
        """The layer's variables without those of the layers in it: trainable ones first, in order of creation."""
        mine = [item for item in tracking.contents(self) if isinstance(item, Variable)]
        return [v for v in mine if v.initially_trainable] + [v for v in mine if not v.initially_trainable]

    @property
    def weights(self) -> list[Variable]:
        """All variables but those of metrics and seeds, each once."""
        return list(dict.fromkeys(v for layer in self._flatten_layers() for v in layer.own_variables))

    @property
    def variables(self) -> list[Variable]:
        """All variables but those of metrics: the weights, and the seeds."""
        found = dict.fromkeys(self.weights)
        for layer in self._flatten_layers():
            for item in tracking.contents(layer):
                if isinstance(item, SeedGenerator):
                    found[item.state] = None
        return list(found)

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that optimizers update."""
        return [v for v in self.weights if v.trainable] if self._trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that optimizers leave alone, seeds among them."""
        trainable = set(self.trainable_variables)
        return [v for v in self.variables if v not in trainable]

    @property
    def trainable_weights(self) -> list[Variable]:
        """The same as `trainable_variables`."""
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that optimizers leave alone."""
        trainable = set(self.trainable_variables)
        return [v for v in self.weights if v not in trainable]

    @property
    def metrics(self) -> list[Any]:
        """The metrics that the layer and the layers in it hold."""
        from keratin.metrics.base import Metric

        return [
            item for layer in self._flatten_layers() for item in tracking.contents(layer) if isinstance(item, Metric)
        ]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of the metrics."""
        return list(dict.fromkeys(v for metric in self.metrics for v in metric.variables))

    @property
    def trainable(self) -> bool:
        """Whether optimizers update the layer; setting it counts for all layers in it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._flatten_layers():
            layer._trainable = bool(value)
            for variable in layer.own_variables:
                variable.frozen = not value
                if variable.initially_trainable:
                    variable.trainable = bool(value)

    def count_params(self) -> int:
        """The number of elements of all weights.  Raises: StateError if the layer was not built."""
        if not self.built:
            raise StateError(
                "The layer has no weights to count yet.", where=self.path, hint="call it on data, or call `build`"
            )
        return sum(int(np.prod(v.shape)) for v in self.weights)

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """Copies of the values of all weights."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Sequence[TensorLike]) -> None:
        """Assign all weights, in the order of `weights`.

        Raises: ShapeError if the number differs, or the shape of one (nothing is assigned then).
        """
        variables, values = self.weights, list(weights)
        if len(variables) != len(values):
            raise ShapeError(
                "The number of weights differs.", where=self.path, expected=len(variables), received=len(values)
            )
        for variable, value in zip(variables, values, strict=True):
            if tuple(np.shape(value)) != variable.shape:
                raise ShapeError(
                    "A weight has another shape.",
                    where=variable.path,
                    expected=variable.shape,
                    received=tuple(np.shape(value)),
                )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    # ---- dtype

    @property
    def dtype_policy(self) -> policy.DTypePolicy:
        """In which dtypes the layer computes and keeps its variables."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._dtype_policy = policy.get(value)
        self._quick = None

    @property
    def dtype(self) -> str:
        """The dtype of the variables."""
        return self._dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computation."""
        return self._dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the variables."""
        return self._dtype_policy.variable_dtype

    @property
    def input_dtype(self) -> str:
        """The dtype that float inputs are cast to."""
        return self._dtype_policy.compute_dtype

    # ---- losses

    def add_loss(self, loss: TensorLike) -> None:
        """Add a scalar to the losses of this call (from inside `call`): it is part of what `fit` minimizes.

        Raises: ShapeError if the loss is no scalar.
        """
        for item in loss if isinstance(loss, list | tuple) else (loss,):
            self._add_loss(item, not context.stack)

    def _add_loss(self, loss: Any, outermost: bool) -> None:
        self._adds_losses, self._quick = True, None
        if symbolic.local.active:
            return
        tensor = mechanism.convert(loss)
        if tuple(tensor.shape) != ():
            raise ShapeError(
                "A loss must be a scalar.",
                where=self.path,
                expected=(),
                received=tuple(tensor.shape),
                hint="reduce it first",
            )
        root = self if outermost else context.stack[0]
        if self not in root._loss_owners:
            root._loss_owners.append(self)
        self._losses.append(tensor)

    def _clear_losses(self) -> None:
        for layer in self._loss_owners:
            layer._losses = []
        self._loss_owners = []

    @property
    def losses(self) -> list[Tensor]:
        """The losses added in the last call, and those of the regularized weights."""
        added = [loss for layer in self._flatten_layers() for loss in layer._losses]
        return [*added, *(v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None)]

    # ---- masks

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the outputs, given that of the inputs; by default the same."""
        return previous_mask

    # ---- shapes

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Shapes and dtypes of the outputs, as symbolic tensors.  Nothing is computed."""
        with symbolic.symbolic_mode():
            return self._run(args, kwargs)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the output (or nest of shapes) for that of the input.

        >>> from keratin import layers
        >>> layers.Dense(3).compute_output_shape((None, 8))
        (None, 3)
        """
        plan = self._plan()
        values = [symbolic_input(a, self.input_dtype) for a in args]
        named = {k.removesuffix("_shape"): symbolic_input(v, self.input_dtype) for k, v in kwargs.items()}
        if len(named) == 1 and not values and "input" in named and "input" not in plan.names:
            values, named = [named["input"]], {}
        outputs = self.compute_output_spec(*values, **named)
        return tree.map_structure(lambda t: t.shape, outputs)

    def _check_input(self, plan: CallPlan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        value = args[0] if args else kwargs.get(plan.names[0])
        spec = self.input_spec
        if isinstance(spec, InputSpec):
            tensors, specs = [value], [spec]
            if isinstance(value, list | tuple) and len(value) == 1:
                tensors = list(value)
        else:
            tensors, specs = tree.flatten(value), tree.flatten(spec)
            if len(tensors) != len(specs):
                raise ShapeError(
                    "The layer got the wrong number of inputs.",
                    where=self.path,
                    expected=len(specs),
                    received=len(tensors),
                )
        for tensor, one in zip(tensors, specs, strict=True):
            if one is None or (tensor is None and one.optional):
                continue
            if tensor is None or not hasattr(tensor, "shape"):
                raise ArgumentError("An input is no tensor.", where=self.path, received=tensor)
            one.check(tuple(tensor.shape), dtypes.standardize(tensor.dtype), self.path)

    # ---- the stateless interface

    def stateless_call(
        self,
        trainable_variables: Sequence[TensorLike],
        non_trainable_variables: Sequence[TensorLike],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The call as a pure function: (outputs, new non-trainable values), and the losses too with `return_losses`.

        Raises: StateError if the layer is not built; ShapeError if the number of values differs.
        """
        if not self.built:
            raise StateError(
                "`stateless_call` needs a built layer.", where=self.path, hint="call it on data first, or call `build`"
            )
        trainable, others = self.trainable_variables, self.non_trainable_variables
        values = [*trainable_variables, *non_trainable_variables]
        if len(trainable) != len(trainable_variables) or len(others) != len(non_trainable_variables):
            raise ShapeError(
                "The number of values differs from that of the variables.",
                where=self.path,
                expected=f"{len(trainable)} trainable and {len(others)} non-trainable",
                received=f"{len(trainable_variables)} and {len(non_trainable_variables)}",
            )
        given = [mechanism.convert(value) for value in values]
        with scope.Scope(zip([*trainable, *others], given, strict=True)) as inner:
            outputs = self(*args, **kwargs)
            losses = self.losses if return_losses else None
            self._clear_losses()
        new = [inner.values[v] for v in others]
        return (outputs, new, losses) if return_losses else (outputs, new)

    # ---- configuration and files

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments that make an equal layer."""
        config = {"name": self.name, "trainable": self._trainable, "dtype": registry.serialize(self._dtype_policy)}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = registry.serialize(self.activity_regularizer)
        return config

    def save_own_variables(self, store: Any) -> None:
        """Put the layer's own variables into `store` under "0", "1", and so on."""
        for i, variable in enumerate(self.own_variables):
            store[str(i)] = variable

    def load_own_variables(self, store: Any) -> None:
        """Assign the layer's own variables from `store`.

        Raises: ShapeError if there are more or fewer, or one has another shape.
        """
        variables = self.own_variables
        if len(store.keys()) != len(variables):
            raise ShapeError(
                "The file holds another number of variables for this layer.",
                where=self.path,
                expected=f"{len(variables)}: {[v.name for v in variables]}",
                received=len(store.keys()),
                hint=None
                if self.built
                else "the layer is not built: build or call the model before loading its weights",
            )
        for i, variable in enumerate(variables):
            variable.assign(store[str(i)])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def activity_loss(regularizer: Callable[[Any], Tensor], output: Tensor) -> Tensor:
    """The penalty per sample, in float32 for half precision: sums over a batch leave the range of float16."""
    wide = mechanism.convert(output, "float32") if mechanism.dtype_of(output) in dtypes.HALF else output
    sizes = p.shape(wide)
    return p.divide(regularizer(wide), max(sizes[0], 1)) if sizes else regularizer(wide)
