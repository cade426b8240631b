"""`JaxLayer` and `FlaxLayer`: functions of JAX and modules of Flax as layers.  Flax itself is never imported."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from keratin import dtypes, registry
from keratin.backends import symbolic
from keratin.backends.jax import engine
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, ConfigError, ShapeError
from keratin.layers.base import Layer
from keratin.layers.nests import symbolic_input
from keratin.ops.mechanism import Tensor, TensorLike
from keratin.state.seed import SeedGenerator, make_seed
from keratin.state.variable import Variable, path_scope

__all__ = ["JaxLayer", "FlaxLayer"]

CALL_ARGUMENTS = ("params", "state", "rng", "inputs", "training")
INIT_ARGUMENTS = ("rng", "inputs", "training")
_INIT_COUNTER = 2**32 - 1  # a key that no call of the layer's own stream reaches
_SIZES = (83, 89)  # what stands for unknown sizes in turn: sizes of the output that differ then are unknown too


class JaxLayer(Layer):
    """A function of JAX as a layer, with its parameters as variables.

    `call_fn` is called with those of these arguments that it has, by name: `params`, `state`, `rng` (a key while
    training, else None), `inputs`, `training`. It returns the outputs; if it takes `state`, the outputs and the new
    state, which is kept. `init_fn` is called when the layer is built, with those of `rng`, `inputs` (ones of the
    input's shape, with 1 for unknown sizes) and `training` (True) that it has, and returns the parameters, or the
    parameters and the state. Both are pytrees; their leaves become variables named by their place in the tree.

    A file keeps the functions' registered names, never their code. It is read on this backend only.

    Args:
        call_fn: the computation.
        init_fn: makes `params` and `state`, where neither is given.
        params: parameters to start from; floats are trained.
        state: what `call_fn` returns anew and no optimizer touches. It is not cast to half precision.
        seed: of the keys, an integer; drawn if None.
        native_serialization_platforms: kept for files, without effect.

    Shape: as the function's.
    Raises: ArgumentError if a function has other parameters, or where `params` or `state` would come from nowhere;
        ShapeError if the state changes its shape.

    >>> def initial(rng, inputs):
    ...     return {"kernel": jax.random.normal(rng, (inputs.shape[-1], 2)), "bias": jnp.zeros(2)}
    >>> def affine(params, inputs):
    ...     return inputs @ params["kernel"] + params["bias"]
    >>> layer = JaxLayer(affine, initial, name="affine")
    >>> layer(jnp.ones((4, 3))).shape, [v.path for v in layer.weights]
    ((4, 2), ['affine/bias', 'affine/kernel'])
    """

    untracked: frozenset[str] = frozenset({"_start", "_params", "_state"})  # the variables are in `_own_weights`
    _state_path: tuple[str, ...] = ("state",)  # in front of the paths of the state's variables

    def __init__(
        self,
        call_fn: Callable[..., Any],
        init_fn: Callable[..., Any] | None = None,
        params: Any = None,
        state: Any = None,
        seed: int | None = None,
        native_serialization_platforms: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.call_fn, self.init_fn, self.seed = call_fn, init_fn, seed
        self.native_serialization_platforms = native_serialization_platforms
        self._call_names = _parameters(call_fn, CALL_ARGUMENTS, f"{self.name}, call_fn")
        self._init_names: _Names = (
            {} if init_fn is None else _parameters(init_fn, INIT_ARGUMENTS, f"{self.name}, init_fn")
        )
        self._has_state = "state" in self._call_names
        if init_fn is None and params is None and state is None and {"params", "state"} & self._call_names.keys():
            raise ArgumentError(
                "The function takes parameters or a state, and nothing says what they start from.",
                where=self.name,
                expected="`init_fn`, `params` or `state`",
                received=None,
            )
        self._start = (params, state)
        self._params, self._state = _Variables(None), _Variables(None)
        self._input_dtypes: list[str] | None = None
        self._init_seed = make_seed() if seed is None else seed
        if "rng" in self._call_names:
            self.seed_generator = SeedGenerator(seed)
            self._init_seed = self.seed_generator.seed

    @property
    def params(self) -> Any:
        """The pytree of the parameters' variables; None before the layer is built."""
        return self._params.tree

    @property
    def state(self) -> Any:
        """The pytree of the state's variables; None before the layer is built."""
        return self._state.tree

    # ---- building

    def build(self, input_shape: Any) -> None:
        """Make the variables of what was given, or of what `init_fn` returns for inputs of this shape."""
        params, state = self._start
        if params is None and state is None and self.init_fn is not None:
            params, state = self._initial(input_shape)
        self._start = (None, None)
        self._params = self._variables(params, trainable=True, prefix=())
        self._state = self._variables(state, trainable=False, prefix=self._state_path)

    def _build_for(self, plan: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        inputs = args[0] if args else kwargs.get("inputs")
        self._input_dtypes = [dtypes.standardize(x.dtype) for x in jax.tree.leaves(inputs) if hasattr(x, "dtype")]
        super()._build_for(plan, args, kwargs)

    def _initial(self, input_shape: Any) -> tuple[Any, Any]:
        specs, form = jax.tree.flatten(symbolic_input(input_shape, self.compute_dtype))
        kinds = self._input_dtypes if len(self._input_dtypes or ()) == len(specs) else [x.dtype for x in specs]
        ones = [
            jnp.ones([1 if d is None else d for d in x.shape], engine.engine_dtype(kind))
            for x, kind in zip(specs, kinds or (), strict=True)
        ]
        given = {
            "rng": jnp.asarray([self._init_seed, _INIT_COUNTER], jnp.uint32),
            "inputs": jax.tree.unflatten(form, ones),
            "training": True,
        }
        made = _call(self.init_fn, self._init_names, given)
        if not self._has_state:
            return made, None
        if not isinstance(made, tuple | list) or len(made) != 2:
            raise ArgumentError(
                "`init_fn` must return the parameters and the state, since `call_fn` takes a state.",
                where=self.path,
                expected="(params, state)",
                received=type(made),
            )
        return made[0], made[1]

    def _variables(self, values: Any, *, trainable: bool, prefix: tuple[str, ...]) -> _Variables:
        found, form = jax.tree_util.tree_flatten_with_path(values)
        root = "params" if trainable else "state"
        leaves = [self._variable(value, _path_names(path) or (root,), trainable, prefix) for path, value in found]
        return _Variables(jax.tree.unflatten(form, leaves))

    def _variable(self, value: Any, names: tuple[str, ...], trainable: bool, prefix: tuple[str, ...]) -> Any:
        """A variable for an array or a number; what is neither stays as it is."""
        if not isinstance(value, jax.Array | np.ndarray | np.generic | bool | int | float | complex | Variable):
            return value
        value = value.value if isinstance(value, Variable) else value
        kind = dtypes.standardize(np.result_type(value) if not hasattr(value, "dtype") else value.dtype)
        kind = self.variable_dtype if kind in dtypes.FLOAT else kind
        numeric = kind in dtypes.FLOAT or kind in dtypes.COMPLEX
        with path_scope((*self._path_parts(), *prefix, *names[:-1])):
            variable = Variable(value, dtype=kind, trainable=trainable and numeric, autocast=trainable, name=names[-1])
        if not self._trainable:
            variable.trainable, variable.frozen = False, True
        self._own_weights.append(variable)
        return variable

    # ---- calling

    def call(self, inputs: TensorLike, training: bool = False) -> Any:
        """The function of the inputs; a new state is assigned."""
        rng = self.seed_generator.next() if training and "rng" in self._call_names else None
        outputs, state = self._outputs(inputs, rng, training)
        if self._has_state:
            self._state.assign(state, self.path)
        return outputs

    def _outputs(self, inputs: Any, rng: Tensor | None, training: bool) -> tuple[Any, Any]:
        given = {
            "params": self._params.values(),
            "state": self._state.values(),
            "rng": rng,
            "inputs": inputs,
            "training": training,
        }
        made = _call(self.call_fn, self._call_names, given)
        if not self._has_state:
            return made, None
        if not isinstance(made, tuple | list) or len(made) != 2:
            raise ArgumentError(
                "`call_fn` must return the outputs and the new state, since it takes a state.",
                where=self.path,
                expected="(outputs, state)",
                received=type(made),
            )
        return made[0], made[1]

    def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        """Shapes and dtypes of the outputs, as symbolic tensors.  Nothing is computed."""
        if not symbolic.local.active:
            return super().compute_output_spec(inputs, training=training)  # comes back here, built
        unknown = any(d is None for x in jax.tree.leaves(inputs) for d in getattr(x, "shape", ()))
        with symbolic.symbolic_mode(False):
            runs = [self._spec_for(inputs, training, size) for size in (_SIZES if unknown else _SIZES[:1])]
        return jax.tree.map(_merged, *runs)

    def _spec_for(self, inputs: Any, training: bool, size: int) -> Any:
        def concrete(x: Any) -> Any:
            if type(x) is not KerasTensor:
                return x
            shape = tuple(size if d is None else d for d in x.shape)
            return jax.ShapeDtypeStruct(shape, engine.engine_dtype(x.dtype))

        key = jax.ShapeDtypeStruct((2,), jnp.uint32) if training else None
        return jax.eval_shape(lambda x, rng: self._outputs(x, rng, training)[0], jax.tree.map(concrete, inputs), key)

    # ---- files

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape that the layer was built with, and the dtypes of inputs that are not of its own dtype."""
        config = super().get_build_config()
        others = any(kind != self.compute_dtype for kind in self._input_dtypes or ())
        return {**config, "input_dtypes": self._input_dtypes} if config and others else config

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the layer again from what `get_build_config` gave."""
        config = dict(config or {})
        self._input_dtypes = config.pop("input_dtypes", self._input_dtypes)
        super().build_from_config(config)

    def get_config(self) -> dict[str, Any]:
        """The names of the functions; without an `init_fn`, the form of the parameters too, for the weights to fill.

        Raises: ConfigError for a function without a name.
        """
        config = {
            **self._shared_config(),
            "call_fn": registry.serialize(self.call_fn),
            "init_fn": registry.serialize(self.init_fn),
        }
        if self.init_fn is None:
            held = (self.params, self.state) if self.built else self._start
            forms = {key: _form(value, self.name) for key, value in zip(("params", "state"), held, strict=True)}
            config |= {key: form for key, form in forms.items() if form is not None}
        return config

    def _shared_config(self) -> dict[str, Any]:
        platforms = registry.to_config(self.native_serialization_platforms)
        config = {**super().get_config(), "native_serialization_platforms": platforms}
        return config if self.seed is None else {**config, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A layer of what `get_config` gave, with zeros for parameters that were given to the first one."""
        start = {key: _zeros(config[key]) for key in ("params", "state") if key in config}
        return super().from_config({**config, **start})


class FlaxLayer(JaxLayer):
    """A `flax.linen.Module` as a layer.

    The collection "params" is trained; the others are state, and change while training. A parameter of the module's
    method named `training` or `train` tells it to train, one named `deterministic` not to. Keys for "dropout" and other
    streams are given while training.

    A file keeps the module's registered class with its `get_config`, or with its fields where it has none.

    Args:
        module: the module.
        method: the name of its method to call, or a function of the module; `__call__` by default.
        variables: collections to start from, as `module.init` returns them.

    Shape: as the module's.
    Raises: ArgumentError for what is no module of `flax.linen`.

    >>> from flax import linen
    >>> layer = FlaxLayer(linen.Dense(2), name="affine")
    >>> layer(jnp.ones((4, 3))).shape, [v.path for v in layer.weights]
    ((4, 2), ['affine/bias', 'affine/kernel'])
    """

    _state_path: tuple[str, ...] = ()  # the collection's name comes first

    def __init__(
        self,
        module: Any,
        method: str | Callable[..., Any] | None = None,
        variables: Any = None,
        **kwargs: Any,
    ) -> None:
        name = kwargs.get("name") or type(self).__name__
        if inspect.isclass(module) or not all(callable(getattr(module, part, None)) for part in ("init", "apply")):
            raise ArgumentError(
                "Only a module of `flax.linen` can be wrapped.",
                where=name,
                expected="an instance of flax.linen.Module",
                received=module,
                hint="make an instance of the class"
                if inspect.isclass(module)
                else "for a function of JAX use `JaxLayer`; modules of `flax.nnx` become one by `nnx.split`",
            )
        self.module, self.method = module, method
        self._mode = _mode_parameter(module, method)
        params, state = (None, None) if variables is None else _split(variables)
        super().__init__(self._apply, self._init, params, state, **kwargs)

    def _apply(self, params: Any, state: Any, rng: Any, inputs: Any, training: bool) -> tuple[Any, Any]:
        variables = {"params": params, **state} if params else dict(state)
        mutable = list(state) if training else False
        streams = {} if rng is None else dict(zip(("params", "dropout"), jax.random.split(rng), strict=True))
        made = self.module.apply(
            variables, inputs, rngs=streams, method=self.method, mutable=mutable, **self._mode_for(training)
        )
        if mutable is False:
            return made, state
        outputs, updated = made
        return outputs, {**state, **updated}

    def _init(self, rng: Any, inputs: Any, training: bool) -> tuple[Any, Any]:
        streams = dict(zip(("params", "dropout"), jax.random.split(rng), strict=True))
        return _split(self.module.init(streams, inputs, method=self.method, **self._mode_for(training)))

    def _mode_for(self, training: bool) -> dict[str, bool]:
        if self._mode is None:
            return {}
        return {self._mode: not training if self._mode == "deterministic" else training}

    def get_config(self) -> dict[str, Any]:
        """The module and the method's name.  Raises: ConfigError for a module that cannot be described by data."""
        method: Any = self.method
        if callable(method):
            own = getattr(type(self.module), getattr(method, "__name__", ""), None) is method
            method = method.__name__ if own else registry.serialize(method)
        return {**self._shared_config(), "module": _module_to_config(self.module, self.name), "method": method}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A layer of what `get_config` gave.  Raises: ConfigError if the module's class was not registered."""
        return super().from_config({**config, "module": _module_from_config(config["module"])})


class _Variables:
    """A pytree of variables, and of leaves that are no arrays."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree
        # JAX sees a variable as a tree of its value; here it is a leaf.
        self.leaves, self.form = jax.tree.flatten(tree, is_leaf=lambda leaf: isinstance(leaf, Variable))

    def values(self) -> Any:
        """The tree with the values in place of the variables."""
        values = [leaf.value if isinstance(leaf, Variable) else leaf for leaf in self.leaves]
        return jax.tree.unflatten(self.form, values)

    def assign(self, values: Any, where: str) -> None:
        """Raises: ShapeError if the tree has another structure, or a leaf another shape."""
        new, form = jax.tree.flatten(values)
        if form != self.form:
            raise ShapeError(
                "The new state has another structure than the first one.",
                where=where,
                expected=self.form,
                received=form,
            )
        for variable, value in zip(self.leaves, new, strict=True):
            if isinstance(variable, Variable):
                variable.assign(value)


# ---- functions and their parameters

_Names = dict[str, bool]  # the parameters of a function, and whether they are passed by name


def _parameters(function: Callable[..., Any], allowed: tuple[str, ...], where: str) -> _Names:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise ArgumentError(
            "The function's parameters cannot be read.", where=where, received=function, hint="wrap it in a `def`"
        ) from None
    names = {p.name: p.kind is p.KEYWORD_ONLY for p in parameters}
    for parameter in parameters:
        if parameter.name not in allowed or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ArgumentError(
                "The function has a parameter that the layer cannot fill.",
                where=where,
                expected=allowed,
                received=str(parameter),
                hint="bind it with `functools.partial` as a positional argument, or write a function around this one",
            )
    if "inputs" not in names:
        raise ArgumentError(
            "The function must have a parameter `inputs`.", where=where, expected=allowed, received=tuple(names)
        )
    return names


def _call(function: Any, names: _Names, given: dict[str, Any]) -> Any:
    positional = [given[name] for name, by_name in names.items() if not by_name]
    return function(*positional, **{name: given[name] for name, by_name in names.items() if by_name})


def _merged(*specs: Any) -> KerasTensor:
    """What runs with different sizes for the unknown ones agree on."""
    if len({len(x.shape) for x in specs}) > 1:
        raise ShapeError("The rank of the output depends on unknown sizes.", received=[x.shape for x in specs])
    shape = tuple(sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*(x.shape for x in specs), strict=True))
    return KerasTensor(shape, dtypes.standardize(specs[0].dtype))


def _path_names(path: tuple[Any, ...]) -> tuple[str, ...]:
    """The keys on the way to a leaf, as parts of a variable's path."""
    keys = (next(getattr(k, part) for part in ("key", "name", "idx") if hasattr(k, part)) for k in path)
    return tuple(str(key).replace("/", "_") or "_" for key in keys)


# ---- what files say of parameters that were given, and of modules


def _form(tree: Any, where: str) -> Any:
    """A nest of arrays as plain data without their values."""
    if tree is None:
        return None
    if type(tree) is dict:
        return {"dict": {key: _form(value, where) for key, value in tree.items()}}
    if type(tree) in (list, tuple):
        return {type(tree).__name__: [_form(value, where) for value in tree]}
    if isinstance(tree, str | bool | int | float):
        return {"value": tree}
    if hasattr(tree, "shape") and hasattr(tree, "dtype"):
        return {"shape": list(tree.shape), "dtype": dtypes.standardize(tree.dtype)}
    raise ConfigError(
        "The form of the parameters cannot be described in a file.",
        where=where,
        expected="arrays in dicts, lists and tuples",
        received=type(tree),
        hint="give the layer an `init_fn`, which makes them again",
    )


def _zeros(form: Any) -> Any:
    """A nest of this form, with zeros for the arrays."""
    if form is None:
        return None
    match form:
        case {"dict": items}:
            return {key: _zeros(value) for key, value in items.items()}
        case {"list": items}:
            return [_zeros(value) for value in items]
        case {"tuple": items}:
            return tuple(_zeros(value) for value in items)
        case {"value": value}:
            return value
        case {"shape": shape, "dtype": dtype}:
            return np.zeros([int(d) for d in shape], dtypes.numpy_dtype(dtypes.standardize(dtype)))
        case _:
            raise ConfigError("The form of the parameters cannot be read.", received=form)


def _module_to_config(module: Any, where: str) -> Any:
    if hasattr(module, "get_config"):
        return registry.serialize(module)
    cls = type(module)
    fields = {f.name for f in dataclasses.fields(module) if f.init} - {"parent", "name"}
    try:
        config = {name: registry.to_config(getattr(module, name)) for name in sorted(fields)}
    except ConfigError as error:
        raise ConfigError(
            f"A field of the module cannot be described in a file: {error.what}",
            where=where,
            received=error.args[0],
            hint=f"give `{cls.__name__}` the methods `get_config` and `from_config`",
        ) from error
    name = registry.get_registered_name(cls)
    return {"module": cls.__module__, "class_name": cls.__name__, "config": config, "registered_name": name}


def _module_from_config(data: Any) -> Any:
    cls = registry.find_class(data)
    if hasattr(cls, "from_config"):
        return registry.deserialize(data)
    return cls(**{key: registry.deserialize(value) for key, value in data["config"].items()})


def _split(variables: Any) -> tuple[Any, Any]:
    """The parameters and the other collections of a module's variables."""
    variables = dict(variables)
    return variables.pop("params", {}), variables


def _mode_parameter(module: Any, method: Any) -> str | None:
    """The name by which the module's method wants to know whether it trains."""
    function = method if callable(method) else getattr(type(module), method or "__call__", None)
    if function is None:
        raise ArgumentError("The module has no such method.", received=method, expected=f"one of {type(module)}")
    names = inspect.signature(function).parameters
    return next((name for name in ("training", "train", "deterministic") if name in names), None)
