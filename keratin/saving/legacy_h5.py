"""Keras's older HDF5 files, for reading: whole models (`model.save("x.h5")`) and weights by layer.

The configuration is JSON in attributes. Weights lie in a group per layer, in the order of its attribute `weight_names`;
layers are matched in order, as Keras does.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping
from typing import Any

from keratin import registry
from keratin.errors import ConfigError, FileFormatError
from keratin.saving.archive import parse_json
from keratin.saving.config import refuse_code
from keratin.saving.h5 import H5File
from keratin.saving.store import Array, Spec
from keratin.saving.weights import Problem, as_dtype, castable, listing
from keratin.state.variable import Variable

_MODELS = {"Sequential": "keras", "Functional": "keras.src.models.functional", "Model": "keras.src.models.functional"}


def is_legacy(file: H5File) -> bool:
    """Whether the file has weights by layer, rather than by path."""
    return "model_weights" in file.names or "layer_names" in file.attributes("/")


def load_model(file: H5File, custom_objects: Mapping[str, Any] | None, compile: bool) -> Any:
    """The model in a whole-model file.

    Raises: FileFormatError if it holds weights only, or they do not fit; ConfigError for an unknown class.
    """
    attributes = file.attributes("/")
    if "model_config" not in attributes:
        raise FileFormatError(
            "The file holds no model, only weights.",
            where=file.where,
            expected="a `.keras` file, or an `.h5` file with an attribute `model_config`",
            hint="make the model, then `model.load_weights(file)`",
        )
    config = _with_modules(parse_json(attributes["model_config"], f"{file.where}: model_config"))
    refuse_code(config, f"{file.where}: model_config")
    model = registry.deserialize(config, custom_objects)
    load_weights(model, file)
    if compile and "training_config" in attributes:
        _compile(
            model, file, parse_json(attributes["training_config"], f"{file.where}: training_config"), custom_objects
        )
    return model


def load_weights(model: Any, file: H5File, skip_mismatch: bool = False) -> None:
    """Assign the weights of the layers, matched in order.

    Raises: FileFormatError listing everything that does not fit; nothing is assigned then.
    """
    root = "model_weights" if "model_weights" in file.names else "/"
    stored = [(name, _names(file, _join(root, name), "weight_names")) for name in _names(file, root, "layer_names")]
    stored = [(name, weights) for name, weights in stored if weights]
    layers = [[*layer.trainable_weights, *layer.non_trainable_weights] for layer in model.layers if layer.weights]
    pairs: list[tuple[Variable, str]] = []
    problems: list[Problem] = []
    for i in range(max(len(stored), len(layers))):
        theirs = [_join(root, stored[i][0], name) for name in stored[i][1]] if i < len(stored) else []
        mine = layers[i] if i < len(layers) else []
        found = _compared(file, mine, theirs)
        problems += found
        pairs += [] if found else list(zip(mine, theirs, strict=True))
    if problems and not skip_mismatch:
        raise FileFormatError(
            f"The weights do not fit the model: {listing(problems)}",
            where=file.where,
            hint="make the model as it was when it was saved; or pass `skip_mismatch=True` to load what fits",
        )
    _assign(file, pairs)
    if problems:
        warnings.warn(
            f"Weights in {file.where} that do not fit the model were skipped: {listing(problems)}", stacklevel=4
        )


def _compared(file: H5File, variables: list[Variable], names: list[str]) -> list[Problem]:
    problems = []
    for i in range(max(len(variables), len(names))):
        expected = Spec(variables[i].shape, variables[i].dtype) if i < len(variables) else None
        received = file.dataset(names[i]).spec if i < len(names) else None
        if expected is None:
            problems.append(Problem("extra", names[i], "", None, received))
        elif received is None:
            problems.append(Problem("missing", variables[i].path, "", expected, None))
        elif expected.shape != received.shape:
            problems.append(Problem("shape", names[i], variables[i].path, expected, received))
        elif not castable(received.dtype, expected.dtype):
            problems.append(Problem("dtype", names[i], variables[i].path, expected, received))
    return problems


def _assign(file: H5File, pairs: list[tuple[Variable, str]]) -> None:
    values: list[tuple[Variable, Array]] = [(v, as_dtype(file.dataset(name).read(), v.dtype)) for v, name in pairs]
    for variable, value in values:
        variable.assign(value)


def _compile(model: Any, file: H5File, training: dict[str, Any], custom_objects: Mapping[str, Any] | None) -> None:
    refuse_code(training, f"{file.where}: training_config")
    config = {("optimizer" if key == "optimizer_config" else key): value for key, value in training.items()}
    with registry.custom_object_scope(custom_objects or {}):
        model.compile_from_config(_with_modules(config))
    names = _names(file, "optimizer_weights", "weight_names") if "optimizer_weights" in file.names else []
    optimizer = model.optimizer
    if not names:
        return
    optimizer.build(model.trainable_variables)
    paths = [_join("optimizer_weights", name) for name in names]
    variables = optimizer.variables[: len(paths)] if len(paths) <= 2 else optimizer.variables
    problems = _compared(file, variables, paths)
    if problems:
        raise FileFormatError(
            f"The state of the optimizer does not fit the model: {listing(problems)}",
            where=file.where,
            hint="pass `compile=False`",
        )
    _assign(file, list(zip(variables, paths, strict=True)))


def _with_modules(config: Any) -> Any:
    """The configuration with the namespaces that older files leave out."""
    if isinstance(config, list):
        return [_with_modules(item) for item in config]
    if not isinstance(config, dict):
        return config
    result = {key: _with_modules(value) for key, value in config.items()}
    name = config.get("class_name")
    if isinstance(name, str) and "config" in config and "module" not in config:
        module = _MODELS.get(name)
        for place in ("layers", "optimizers", "losses", "metrics", "initializers", "regularizers", "constraints"):
            if module is None:
                with contextlib.suppress(ConfigError):
                    registry.find_class({"class_name": name, "module": f"keras.{place}"})
                    module = f"keras.{place}"
        result["module"] = module
    return result


def _names(file: H5File, group: str, attribute: str) -> list[str]:
    """A list of names in an attribute, or in `attribute0`, `attribute1`, … where it was too long for one."""
    attributes = file.attributes(group)
    if attribute in attributes:
        return list(attributes[attribute])
    found: list[str] = []
    i = 0
    while f"{attribute}{i}" in attributes:
        found += attributes[f"{attribute}{i}"]
        i += 1
    return found


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part not in ("", "/"))
