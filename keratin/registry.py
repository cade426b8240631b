"""Objects that can be described by data: names for classes and functions, and the way there and back.

`Configurable` derives `get_config` from the constructor's signature. `serialize` turns an object into plain data in
Keras's layout; `deserialize` makes an object of such data, and finds classes and functions only in two places: the
public namespaces of Keratin, and what the user registered. Nothing is ever imported because a file names it.
"""

from __future__ import annotations

import importlib
import inspect
import threading
import types
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import numpy as np

from keratin.errors import ConfigError

T = TypeVar("T")

# Public namespaces of Keras and where their names live here: the only modules that a file can speak of.
NAMESPACES: dict[str, str] = {
    "keras": "keratin",
    "keras.layers": "keratin.layers",
    "keras.models": "keratin.models",
    "keras.src.models.functional": "keratin.models",
    "keras.src.models.sequential": "keratin.models",
    "keras.initializers": "keratin.initializers",
    "keras.regularizers": "keratin.regularizers",
    "keras.constraints": "keratin.constraints",
    "keras.activations": "keratin.activations",
    "keras.losses": "keratin.losses",
    "keras.metrics": "keratin.metrics",
    "keras.optimizers": "keratin.optimizers",
    "keras.optimizers.schedules": "keratin.optimizers.schedules",
    "keras.random": "keratin.random",
    "keras.src.random.seed_generator": "keratin.random",
    "keras.dtype_policies": "keratin.dtype_policies",
}
_BY_FOLDER = {
    name: f"keras.{name}"
    for name in (
        "layers",
        "initializers",
        "regularizers",
        "constraints",
        "activations",
        "losses",
        "metrics",
        "optimizers",
    )
}
_EXCEPTIONS = {
    "Sequential": "keras",
    "Functional": "keras.src.models.functional",
    "Model": "keras",
    "DTypePolicy": "keras",
    "SeedGenerator": "keras.src.random.seed_generator",
}


# ---- names given by the user

_registered: dict[str, Any] = {}
_names: dict[Any, str] = {}
_local = threading.local()


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """A decorator that gives a class or function a name in files, `package>name`.

    Raises: ConfigError for a class without `get_config`, or if the name is taken by another class of another module.

    >>> @register_keras_serializable("my_package")
    ... def swish2(x):
    ...     return x
    >>> get_registered_name(swish2)
    'my_package>swish2'
    """

    def register(target: T) -> T:
        if inspect.isclass(target) and not hasattr(target, "get_config"):
            raise ConfigError("A class that goes into files needs a `get_config` method.", where=target.__qualname__)
        full = f"{package}>{name or target.__name__}"  # type: ignore[attr-defined]
        _registered[full] = target
        _names[target] = full
        return target

    return register


def get_registered_name(obj: Any) -> str:
    """The name under which a class or function was registered, else its own name."""
    return _names.get(obj, getattr(obj, "__name__", str(obj)))


def get_registered_object(
    name: str, custom_objects: Mapping[str, Any] | None = None, module_objects: Mapping[str, Any] | None = None
) -> Any:
    """What is registered or in scope under `name`, or None."""
    for place in (custom_objects or {}, get_custom_objects(), module_objects or {}):
        if name in place:
            return place[name]
    return None


def get_custom_objects() -> dict[str, Any]:
    """The registered objects by name, with those of the scopes around this call first."""
    scopes = getattr(_local, "scopes", ())
    return _registered if not scopes else {**_registered, **{k: v for scope in scopes for k, v in scope.items()}}


class custom_object_scope:
    """While inside, files may name these objects.

    Args: custom_objects: classes and functions by name.

    >>> with custom_object_scope({"mine": len}):
    ...     get_registered_object("mine")
    <built-in function len>
    """

    def __init__(self, custom_objects: Mapping[str, Any]) -> None:
        self.custom_objects = dict(custom_objects)
        self._previous: list[Any] = []

    def __enter__(self) -> Self:
        self._previous.append(getattr(_local, "scopes", ()))
        _local.scopes = (*self._previous[-1], self.custom_objects)
        return self

    def __exit__(self, *error: object) -> None:
        _local.scopes = self._previous.pop()


# ---- objects with a configuration


class Configurable:
    """Base of everything that a file can describe.

    A class that defines `__init__` and no `get_config` gets one over its own signature: it reads the attributes of
    the parameters' names when it is called, and falls back to what the constructor was given where an attribute of
    that name does not exist and the value was plain data.

    >>> class Scale(Configurable):
    ...     def __init__(self, factor=2):
    ...         self.factor = factor
    >>> Scale(3).get_config(), Scale.from_config({"factor": 4}).factor
    ({'factor': 3}, 4)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        object.__setattr__(self, "_given", (args, kwargs))
        return self

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__ and "get_config" not in cls.__dict__:
            cls.get_config = _derived_get_config(cls)  # type: ignore[method-assign]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments that make an equal object, as plain data."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An object made of what `get_config` gave.  Raises: ConfigError if the constructor refuses it."""
        arguments = {key: deserialize(value) for key, value in config.items()}
        try:
            return cls(**arguments)
        except TypeError as error:
            raise ConfigError(
                f"`{cls.__name__}` cannot be made of this configuration: {error}",
                received=config,
                hint="`get_config` must return the names of the constructor's parameters; or define `from_config`",
            ) from error


def _derived_get_config(cls: type) -> Callable[[Any], dict[str, Any]]:
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    names = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)

    def get_config(self: Any) -> dict[str, Any]:
        inherited = super(cls, self).get_config()  # type: ignore[misc]
        config = {k: v for k, v in inherited.items() if open_ended or k in names}
        for name in names:
            if name not in config:
                config[name] = to_config(_value_of(self, cls, name))
        return config

    get_config.__qualname__ = f"{cls.__qualname__}.get_config"
    get_config.__doc__ = Configurable.get_config.__doc__
    return get_config


def _value_of(self: Any, cls: type, name: str) -> Any:
    try:
        return getattr(self, name)
    except AttributeError:
        pass
    if type(self).__init__ is cls.__init__:  # type: ignore[misc]
        args, kwargs = self._given
        bound = inspect.signature(cls.__init__).bind(self, *args, **kwargs)  # type: ignore[misc]
        bound.apply_defaults()
        value = bound.arguments.get(name)
        if value is None or isinstance(value, bool | int | float | str | list | tuple | dict):
            return value
    raise ConfigError(
        f"`{cls.__name__}` has a parameter `{name}` but no attribute of that name: no configuration can be derived.",
        where=getattr(self, "name", cls.__name__),
        hint=f"set `self.{name} = {name}` in the constructor, or define `get_config`",
    )


# ---- objects to data


def public_module(target: Any) -> str | None:
    """The namespace in which Keras files name a class or function of Keratin, or None for a user's own."""
    module = getattr(target, "__module__", "") or ""
    if not module.startswith("keratin."):
        return None
    if target.__name__ in _EXCEPTIONS:
        return _EXCEPTIONS[target.__name__]
    if module.startswith("keratin.optimizers.schedules"):
        return "keras.optimizers.schedules"
    parts = module.split(".")
    folder = parts[-1] if parts[1] == "backends" else parts[1]  # a backend's wrapper layers are public layers
    return _BY_FOLDER.get(folder, "keras")


def to_config(value: Any) -> Any:
    """`value` as plain data, with objects described by `serialize`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping) and not isinstance(value, Configurable):
        return {key: to_config(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_config(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return serialize(value)


def serialize(obj: Any) -> Any:
    """`obj` as plain data: `{"module", "class_name", "config", "registered_name"}` for objects.

    Raises: ConfigError if the object has no configuration.

    >>> serialize((1, None, "a"))
    [1, None, 'a']
    """
    if obj is None or isinstance(obj, bool | int | float | str):
        return obj
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("latin-1")}}
    if isinstance(obj, list | tuple):
        return [serialize(item) for item in obj]
    if isinstance(obj, Mapping) and not isinstance(obj, Configurable):
        return {key: serialize(item) for key, item in obj.items()}
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": obj.dtype.name}}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, slice):
        parts = {key: serialize(getattr(obj, key)) for key in ("start", "stop", "step")}
        return {"class_name": "__slice__", "config": parts}
    if inspect.isclass(obj):
        return {**_header(obj), "class_name": "__class__", "config": get_registered_name(obj)}
    if isinstance(obj, types.FunctionType | types.BuiltinFunctionType) or not hasattr(obj, "get_config"):
        return _serialize_function(obj)
    data = {
        **_header(type(obj)),
        "class_name": type(obj).__name__,
        "config": obj.get_config(),
        "registered_name": None
        if public_module(type(obj)) in NAMESPACES and not _is_leak(type(obj))
        else get_registered_name(type(obj)),
    }
    for key in ("build_config", "compile_config"):
        getter = getattr(obj, f"get_{key}", None)
        described = getter() if getter else None
        if described is not None:
            data[key] = described
    return data


def _is_leak(cls: type) -> bool:
    return (public_module(cls) or "").startswith("keras.src")


def _header(target: Any) -> dict[str, Any]:
    module = public_module(target)
    if module is None:
        module = None if target.__module__ in ("__main__", "builtins") else target.__module__
    return {"module": module}


def _serialize_function(function: Any) -> Any:
    name = getattr(function, "__name__", None)
    if name is None:
        raise ConfigError(
            "This object cannot be described in a file.", received=function, hint="give its class a `get_config` method"
        )
    if public_module(function) is not None:
        return name
    if name == "<lambda>":
        raise ConfigError(
            "A lambda has no name, so a file cannot describe it (its code is never written).",
            received=function,
            hint="define a function and decorate it with `keratin.saving.register_keras_serializable()`",
        )
    registered = get_registered_name(function)
    return {**_header(function), "class_name": "function", "config": name, "registered_name": registered}


# ---- data to objects


def deserialize(data: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The object that `data` describes; plain data comes back as it is.

    Raises: ConfigError for a class or function that is neither Keratin's nor registered.
    """
    if custom_objects:
        with custom_object_scope(custom_objects):
            return deserialize(data)
    if isinstance(data, list | tuple):
        return type(data)(deserialize(item) for item in data)
    if not isinstance(data, Mapping):
        return data
    if "class_name" not in data or "config" not in data:
        return {key: deserialize(value) for key, value in data.items()}
    kind, config = data["class_name"], data["config"]
    if kind in _TAGS:
        return _TAGS[kind](config)
    if kind == "function":
        return find_function(data)
    if kind == "__lambda__":
        raise ConfigError(
            "The file holds Python bytecode (a lambda), which Keratin never runs.",
            received=kind,
            hint="register the function under a name and save the model again",
        )
    cls = find_class(data)
    if not isinstance(config, Mapping):
        raise ConfigError("The configuration of a class must be a dict.", where=kind, received=config)
    instance = cls.from_config(dict(config))
    if data.get("build_config") and hasattr(instance, "build_from_config"):
        instance.build_from_config(deserialize(data["build_config"]))
    if data.get("compile_config") and hasattr(instance, "compile_from_config"):
        instance.compile_from_config(data["compile_config"])
    return instance


_TAGS: dict[str, Callable[[Any], Any]] = {
    "__numpy__": lambda config: np.array(config["value"], dtype=config["dtype"]),
    "__bytes__": lambda config: config["value"].encode("latin-1"),
    "__ellipsis__": lambda config: Ellipsis,
    "__slice__": lambda config: slice(*(config[k] for k in ("start", "stop", "step"))),
    "__tensor__": lambda config: np.array(config["value"], dtype=config["dtype"]),
}


def find_class(data: Mapping[str, Any]) -> Any:
    """The class that serialized `data` names: registered, in scope, or a public class of Keratin."""
    name, registered, module = data["class_name"], data.get("registered_name"), data.get("module")
    custom = get_custom_objects()
    for key in (registered, name):
        if isinstance(key, str) and key in custom:
            return custom[key]
    found = _in_namespace(module, name)
    if found is not None and inspect.isclass(found) and issubclass(found, Configurable):
        return found
    raise unknown(name, module, "class")


def find_function(data: Mapping[str, Any]) -> Callable[..., Any]:
    """The function that serialized `data` names: registered, in scope, or public in Keratin."""
    name = data["config"] if isinstance(data["config"], str) else None
    custom = get_custom_objects()
    for key in (data.get("registered_name"), name):
        if isinstance(key, str) and key in custom:
            return custom[key]
    if name and data.get("module") in ("keras.activations", "keras.losses", "keras.metrics", "builtins", None):
        for namespace in ("keras.activations", "keras.losses", "keras.metrics"):
            found = _in_namespace(namespace, name)
            if isinstance(found, types.FunctionType):
                return found
    raise unknown(str(name), data.get("module"), "function")


def _in_namespace(module: Any, name: Any) -> Any:
    if not isinstance(module, str) or not isinstance(name, str) or module not in NAMESPACES or name.startswith("_"):
        return None
    namespace = importlib.import_module(NAMESPACES[module])  # a fixed table: the file only picks a row
    public = (*getattr(namespace, "__all__", ()), *getattr(namespace, "_ONLY_ON_SOME_BACKENDS", ()))
    return getattr(namespace, name) if name in public else None


def unknown(name: str, module: Any, kind: str) -> ConfigError:
    """The error for a name that nobody registered, with the nearest known one."""
    import difflib

    known = [key.split(">")[-1] for key in get_custom_objects()]
    if isinstance(module, str) and module in NAMESPACES:
        known += list(getattr(importlib.import_module(NAMESPACES[module]), "__all__", ()))
    near = difflib.get_close_matches(name, known, 1)
    hint = (
        f"decorate it with `@keratin.saving.register_keras_serializable()`, or pass "
        f"`custom_objects={{'{name}': {name}}}` when loading"
    )
    return ConfigError(
        f"The file names a {kind} that is neither Keratin's nor registered.",
        where=f"{module}.{name}" if module else name,
        received=name,
        hint=hint + (f"; the nearest known name is `{near[0]}`" if near else ""),
    )


def lookup(
    identifier: Any, kind: str, names: Mapping[str, Any], *, instantiate: bool = True, base: type | None = None
) -> Any:
    """What `get` of a namespace returns for None, a name, serialized data, a class, an object or a function.

    Raises: ConfigError naming the nearest known name.
    """
    if identifier is None:
        return None
    if isinstance(identifier, Mapping):
        found = _short_form(identifier, names) or deserialize(identifier)
    elif isinstance(identifier, str):
        found = get_registered_object(identifier, module_objects=names)
        if found is None:
            import difflib

            near = difflib.get_close_matches(identifier, [*names, *get_custom_objects()], 1)
            raise ConfigError(
                f"There is no {kind} of this name.",
                expected=f"a name such as '{near[0]}'" if near else f"one of {', '.join(sorted(names))}",
                received=identifier,
            )
    else:
        found = identifier
    if instantiate and inspect.isclass(found):
        found = found()
    if callable(found) or (base is not None and isinstance(found, base)):
        return found
    raise ConfigError(
        f"This cannot be used as a {kind}.", expected="a name, an object or a function", received=identifier
    )


def _short_form(data: Mapping[str, Any], names: Mapping[str, Any]) -> Any:
    """An object of `{"class_name", "config"}` without a module, as older files and people write it."""
    name = data.get("class_name")
    if data.get("module") is not None or not isinstance(name, str) or name in get_custom_objects():
        return None
    cls: Any = names.get(name)
    known: bool = inspect.isclass(cls) and issubclass(cls, Configurable)
    make: Any = cls
    return make.from_config(dict(data.get("config") or {})) if known else None


# ---- unique names

_counts: defaultdict[str, int] = defaultdict(int)


def snake_case(name: str) -> str:
    """A class name as the default name of its objects.

    >>> snake_case("Conv2DTranspose"), snake_case("PReLU"), snake_case("LSTM")
    ('conv2d_transpose', 'p_re_lu', 'lstm')
    """
    import re

    name = re.sub(r"\W", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def unique_name(prefix: str) -> str:
    """`prefix`, then `prefix_1`, and so on.

    >>> unique_name("doctest_thing"), unique_name("doctest_thing")
    ('doctest_thing', 'doctest_thing_1')
    """
    count = _counts[prefix]
    _counts[prefix] += 1
    return prefix if count == 0 else f"{prefix}_{count}"


def reset_names() -> None:
    """Start the numbering of default names again."""
    _counts.clear()
