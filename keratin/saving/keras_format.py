"""Keras's files: whole models as `.keras` archives or folders, and weights as `.weights.h5`.

Files are data. Reading one imports nothing and runs nothing that it names: classes come from Keratin and from what the
user registered, weights are arrays of numbers. The random streams' positions, which Keras leaves out, are in the HDF5
group `keratin.seeds`, which Keras does not look at.
"""

from __future__ import annotations

import datetime
import io
import json
import os
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keratin import registry
from keratin.errors import ArgumentError, ConfigError, FileFormatError, UnknownArgumentError
from keratin.saving import archive, legacy_h5, weights
from keratin.saving.archive import ASSETS, CONFIG, METADATA, WEIGHTS, Archive
from keratin.saving.config import refuse_code
from keratin.saving.h5 import H5File, H5Reader, H5Writer
from keratin.saving.walk import Walk

KERAS_VERSION = "3.15.1"
"""The version of Keras whose files are written."""


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Write a model with its configuration, weights, optimizer and random streams.

    The file changes from the old model to the new one in one step; if writing fails the old one stays as it was. The
    same model gives the same bytes, but for the date (`SOURCE_DATE_EPOCH` fixes it).

    Args:
        model: what to write.
        filepath: a path that ends in `.keras`; a binary stream; or a path of a folder.
        overwrite: whether an existing file is replaced; else an error.
        zipped: False writes a folder.

    Raises: ArgumentError for an existing file or another ending; ConfigError for a lambda or another object that data
        cannot describe.
    """
    if kwargs:
        raise UnknownArgumentError("`save_model` has no such argument.", received=", ".join(kwargs))
    if hasattr(filepath, "write"):
        archive.write_zip(filepath, _members(model))
        return
    path = os.fspath(filepath)
    zipped = zipped is None or zipped
    if zipped != path.endswith(".keras"):
        raise _wrong_ending(path, ".keras" if zipped else "the name of a folder, without .keras")
    _check_overwrite(path, overwrite)
    members = _members(model)
    if zipped:
        with archive.new_file(path) as stream:
            archive.write_zip(stream, members)
    else:
        archive.write_folder(path, members)


def load_model(
    filepath: Any, custom_objects: Mapping[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """The model in a `.keras` file, a folder, or a whole-model `.h5` file.

    Args:
        filepath: a path, or an open binary stream.
        custom_objects: classes and functions that the file may name, beside Keratin's and the registered ones.
        compile: whether the optimizer, loss and metrics are restored.
        safe_mode: makes no difference: code in a file is refused either way, for it is never run.

    Raises: FileNotFoundError; FileFormatError if the file is damaged, unsafe, or of another kind; ConfigError if it
        names an unknown class, or holds code.
    """
    if not hasattr(filepath, "read") and _is_hdf5(filepath):
        with H5File(os.fspath(filepath)) as file:
            return legacy_h5.load_model(file, custom_objects, compile)
    with archive.open_archive(filepath) as source:
        model = _from_config(source.read_json(CONFIG), source.where, custom_objects, compile)
        _load_state(model, source)
    return model


def save_weights(
    model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None, **kwargs: Any
) -> None:
    """Write the weights of a model, and the state of its optimizer, to a `.weights.h5` file.

    Args:
        model: any layer.
        filepath: a path that ends in `.weights.h5`.
        overwrite: whether an existing file is replaced; else an error.
        max_shard_size: must be None: Keratin writes one file.

    Raises: ArgumentError for an existing file or another ending.
    """
    if kwargs:
        raise UnknownArgumentError("`save_weights` has no such argument.", received=", ".join(kwargs))
    if max_shard_size is not None:
        raise ArgumentError(
            "Keratin writes weights to one file.", expected="max_shard_size=None", received=max_shard_size
        )
    path = os.fspath(filepath)
    if not path.endswith(".weights.h5"):
        raise _wrong_ending(path, ".weights.h5")
    _check_overwrite(path, overwrite)
    content = _weights_bytes(model)
    with archive.new_file(path) as stream:
        stream.write(content)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Read the weights of a model, and the state of its optimizer if the model is compiled.

    Args:
        model: any layer, built.
        filepath: a `.weights.h5`, `.keras` or `.h5` file, or the folder of a saved model.
        skip_mismatch: what does not fit is left as it is, and listed in one warning.

    Raises: FileFormatError listing every array that is missing, left over or of another shape, with the nearest match
        (nothing is assigned then); or if the file is damaged, unsafe or of another kind.
    """
    if kwargs:
        raise UnknownArgumentError("`load_weights` has no such argument.", received=", ".join(kwargs))
    path = os.fspath(filepath)
    if path.endswith(".weights.json"):
        raise FileFormatError(
            "Keratin does not read sharded weights.", where=path, expected=".weights.h5, .keras or .h5"
        )
    if os.path.isdir(path) or not _is_hdf5(path):
        with archive.open_archive(path) as source, H5Reader(source.read(WEIGHTS), f"{path}: {WEIGHTS}") as reader:
            weights.load(model, reader, skip_mismatch)
        return
    with H5File(path) as file:
        if legacy_h5.is_legacy(file):
            legacy_h5.load_weights(model, file, skip_mismatch)
        else:
            weights.load(model, H5Reader(file), skip_mismatch)


def to_bytes(model: Any) -> bytes:
    """A model as the bytes of a `.keras` file."""
    stream = io.BytesIO()
    save_model(model, stream)
    return stream.getvalue()


def from_bytes(data: bytes, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model in the bytes of a `.keras` file.  Raises: as `load_model`."""
    return load_model(io.BytesIO(data), custom_objects)


# ---- writing


def _members(model: Any) -> dict[str, bytes]:
    if not model.built:
        warnings.warn(
            f"The model `{model.name}` is saved before it was built, so it has no weights yet. Call it on data first.",
            stacklevel=4,
        )
    metadata = {"keras_version": KERAS_VERSION, "date_saved": _date()}
    return {
        METADATA: json.dumps(metadata).encode(),
        CONFIG: json.dumps(registry.serialize(model)).encode(),
        WEIGHTS: _weights_bytes(model),
        **_assets(model),
    }


def _date() -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")  # reproducible-builds.org/specs/source-date-epoch
    moment = datetime.datetime.now() if epoch is None else datetime.datetime.fromtimestamp(int(epoch), datetime.UTC)
    return moment.strftime("%Y-%m-%d@%H:%M:%S")


def _weights_bytes(model: Any) -> bytes:
    stream = io.BytesIO()
    with H5Writer(stream) as writer:
        weights.save(model, writer)
    return stream.getvalue()


def _assets(model: Any) -> dict[str, bytes]:
    """The files that objects write for themselves, such as vocabularies."""
    members = {}
    for path, obj in Walk(model).objects:
        if not hasattr(obj, "save_assets"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            obj.save_assets(folder)
            for file in sorted(f for f in Path(folder).rglob("*") if f.is_file()):
                members["/".join(filter(None, (ASSETS[:-1], path, file.relative_to(folder).as_posix())))] = (
                    file.read_bytes()
                )
    return members


def _check_overwrite(path: str, overwrite: bool) -> None:
    if not overwrite and os.path.exists(path):
        raise ArgumentError("The file exists already.", where=path, hint="pass `overwrite=True` to replace it")


def _wrong_ending(path: str, expected: str) -> ArgumentError:
    hint = "end the name in `.keras`, or pass `zipped=False` for a folder" if expected == ".keras" else None
    return ArgumentError(
        "The ending of the name does not fit what is to be written.", expected=expected, received=path, hint=hint
    )


# ---- reading


def _is_hdf5(path: Any) -> bool:
    if os.path.isdir(path):
        return False
    with archive.open_file(path) as file:
        return file.read(8) == b"\x89HDF\r\n\x1a\n"


def _from_config(config: dict[str, Any], where: str, custom_objects: Mapping[str, Any] | None, compile: bool) -> Any:
    if not compile:
        config = {key: value for key, value in config.items() if key != "compile_config"}
    refuse_code(config, f"{where}: {CONFIG}")
    try:
        model = registry.deserialize(config, custom_objects)
    except RecursionError as error:
        raise FileFormatError("The configuration is nested too deeply.", where=f"{where}: {CONFIG}") from error
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        if isinstance(error, ConfigError):
            raise
        raise FileFormatError(
            "The configuration does not describe a model.",
            where=f"{where}: {CONFIG}",
            received=f"{type(error).__name__}: {error}",
        ) from error
    if not hasattr(model, "load_own_variables"):
        raise FileFormatError(
            "The configuration does not describe a model.",
            where=f"{where}: {CONFIG}",
            expected="a model",
            received=type(model).__name__,
        )
    return model


def _load_state(model: Any, source: Archive) -> None:
    with H5Reader(source.read(WEIGHTS), f"{source.where}: {WEIGHTS}") as reader:
        weights.load(model, reader)
    _load_assets(model, source)


def _load_assets(model: Any, source: Archive) -> None:
    names = [name for name in source.names() if name.startswith(ASSETS)]
    if not names:
        return
    for path, obj in Walk(model).objects:
        prefix = f"{ASSETS}{path}/" if path else ASSETS
        mine = [name for name in names if name.startswith(prefix)]
        if not mine or not hasattr(obj, "load_assets"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            for name in mine:
                file = Path(folder, name.removeprefix(prefix))
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(source.read(name))
            obj.load_assets(folder)
