"""The archive of a saved model: named members of bytes, in a zip file or in a folder.

Reading trusts nothing: names that leave the archive, links, overlapping members and sizes that the file cannot hold
are refused before anything is unpacked. Writing gives the same bytes for the same members, and a file or folder
changes from the old state to the new one in one step.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import stat
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Self

from keratin.errors import ArgumentError, FileFormatError

METADATA = "metadata.json"
CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
ASSETS = "assets/"

# A compressed member may be this many times larger than what the file holds of it; small ones are never a danger.
MAX_EXPANSION = 100
HARMLESS = 16 * 2**20  # bytes
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can state
_HDF5 = b"\x89HDF\r\n\x1a\n"


class Archive(ABC):
    """Named members of bytes.  Use it in a `with` statement."""

    where: str

    @abstractmethod
    def names(self) -> list[str]:
        """The names of the members, in their order."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The content of a member.

        Raises: FileFormatError if there is none of this name, or its bytes are damaged.
        """

    def read_json(self, name: str) -> dict[str, Any]:
        """The content of a member that holds one JSON object.

        Raises: FileFormatError if it does not.
        """
        return parse_json(self.read(name), f"{self.where}: {name}")

    def close(self) -> None:  # noqa: B027 - a folder has nothing to close
        """Close the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def open_archive(source: str | os.PathLike[str] | BinaryIO) -> Archive:
    """The archive in a zip file, an open binary file, or a folder.

    Raises: FileFormatError if it is no archive, damaged, or unsafe.
    """
    if isinstance(source, str | os.PathLike) and os.path.isdir(source):
        return FolderArchive(source)
    return ZipArchive(source)


class ZipArchive(Archive):
    """A zip file, checked when it is opened."""

    def __init__(self, source: str | os.PathLike[str] | BinaryIO) -> None:
        if isinstance(source, str | os.PathLike):
            self.where = os.fspath(source)
            self._file: BinaryIO = open_file(source)
            self._owns = True
        else:
            self.where = str(getattr(source, "name", "the open file"))
            self._file, self._owns = source, False
        try:
            size = self._file.seek(0, io.SEEK_END)
            self._zip = self._opened(size)
            self._members = self._checked(size)
        except BaseException:
            self.close()
            raise

    def names(self) -> list[str]:
        """The names of the members, in their order."""
        return list(self._members)

    def read(self, name: str) -> bytes:
        """The content of a member; its checksum is compared."""
        if name not in self._members:
            raise _no_member(name, self.where, self.names())
        try:
            content = self._zip.read(self._members[name])
        except Exception as error:  # zipfile raises a dozen kinds on damaged bytes
            raise FileFormatError(
                "A member of the archive is damaged.", where=f"{self.where}: {name}", received=str(error)
            ) from error
        return content

    def close(self) -> None:
        """Close the file, if the archive opened it."""
        if self._owns:
            self._file.close()

    def _opened(self, size: int) -> zipfile.ZipFile:
        self._file.seek(0)
        start = self._file.read(8)
        try:
            return zipfile.ZipFile(self._file)
        except Exception as error:  # as above
            if size == 0:
                what, hint = "The file is empty.", "was it cut while it was written or copied?"
            elif start == _HDF5:
                what, hint = "The file is HDF5, not a `.keras` archive.", "load weights with `model.load_weights`"
            elif start[:2] == b"PK":
                what, hint = "The archive is cut or damaged.", "copy it again from where it was saved"
            else:
                what, hint = "The file is not a `.keras` archive.", None
            raise FileFormatError(
                what,
                where=self.where,
                expected="a zip file",
                received=f"{size} bytes that start with {start!r}",
                hint=hint,
            ) from error

    def _checked(self, size: int) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        total = 0
        for info in self._zip.infolist():
            name = info.orig_filename  # as it stands in the file: zipfile cuts at a zero byte and turns separators
            check_name(name, self.where)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if name.endswith("/"):
                continue
            where = f"{self.where}: {name}"
            if kind not in (0, stat.S_IFREG):
                raise FileFormatError(
                    "A member of the archive is a link or a device.", where=where, received=stat.filemode(kind)
                )
            if name in members:
                raise FileFormatError("The archive has two members of one name.", where=where)
            if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise FileFormatError(
                    "A member of the archive is stored in a way that Keratin does not read.",
                    where=where,
                    expected="stored or deflated, not encrypted",
                )
            total += info.compress_size
            stored = info.compress_type == zipfile.ZIP_STORED
            if (
                total > size
                or info.header_offset + info.compress_size > size
                or (stored and info.file_size != info.compress_size)
            ):
                raise _too_large(where, info.file_size, size)
            if info.file_size > max(HARMLESS, MAX_EXPANSION * info.compress_size):
                raise _too_large(where, info.file_size, info.compress_size)
            members[name] = info
        return members


class FolderArchive(Archive):
    """A folder with the same members as files."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.where = os.fspath(path)
        self._root = Path(path)

    def names(self) -> list[str]:
        """The names of the files, sorted.

        Raises: FileFormatError if one is a link.
        """
        found = []
        for folder, folders, files in os.walk(self._root, followlinks=False):
            folders.sort()
            for name in sorted(files) + folders:
                path = Path(folder, name)
                if path.is_symlink():
                    raise FileFormatError("The saved model contains a link.", where=str(path))
                if name in files:
                    found.append(path.relative_to(self._root).as_posix())
        return found

    def read(self, name: str) -> bytes:
        """The content of a file."""
        check_name(name, self.where)
        path = self._root.joinpath(*name.split("/"))
        parts = [self._root.joinpath(*name.split("/")[: i + 1]) for i in range(name.count("/") + 1)]
        if any(part.is_symlink() for part in parts):
            raise FileFormatError("The saved model contains a link.", where=str(path))
        if not path.is_file():
            raise _no_member(name, self.where, self.names())
        return path.read_bytes()


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """The file at `path`, open for reading.  Raises: FileNotFoundError with the nearest name in the folder."""
    try:
        return open(path, "rb")
    except FileNotFoundError as error:
        import difflib

        folder, name = os.path.split(os.fspath(path))
        with contextlib.suppress(OSError):
            near = difflib.get_close_matches(name, os.listdir(folder or "."), 1)
            if near:
                error.add_note(f"The nearest name there is `{near[0]}`.")
        raise


def check_name(name: str, where: str) -> None:
    """Refuse the name of a member that is empty, absolute, or leaves the archive.

    >>> check_name("assets/layers/a/a.txt", "x.keras")
    >>> check_name("../x", "x.keras")
    Traceback (most recent call last):
    keratin.errors.FileFormatError: A member of the archive has an unsafe name.
      Where:    x.keras
      Expected: a relative path that stays inside the archive
      Received: ../x
    """
    parts = name.removesuffix("/").split("/")
    bad = any(part in ("", ".", "..") for part in parts) or any(c in name for c in "\\\0") or ":" in parts[0]
    if bad:
        raise FileFormatError(
            "A member of the archive has an unsafe name.",
            where=where,
            expected="a relative path that stays inside the archive",
            received=name,
        )


def parse_json(text: bytes | str, where: str) -> dict[str, Any]:
    """The JSON object in `text`.

    Raises: FileFormatError if it is none.
    """
    try:
        value = json.loads(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError) as error:
        raise FileFormatError("The file does not hold valid JSON.", where=where, received=str(error)) from error
    if not isinstance(value, dict):
        raise FileFormatError(
            "The JSON in the file is of another kind.", where=where, expected="an object", received=type(value).__name__
        )
    return value


# ---- writing


def write_zip(stream: BinaryIO, members: Mapping[str, bytes]) -> None:
    """Write a zip file of stored members: the same bytes for the same members, at any time and place."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _FIXED_TIME)
            info.create_system, info.external_attr = 3, 0o600 << 16
            archive.writestr(info, content)


@contextlib.contextmanager
def new_file(path: str | os.PathLike[str]) -> Generator[BinaryIO]:
    """A stream whose content becomes the file at `path` when all is written.

    Until then, and if anything fails, the old file stays as it was: the stream writes to another name in the same
    folder, is flushed to the disk, and renamed. A link at `path` keeps pointing to its target, which is replaced.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        with open(temporary, "xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def write_folder(path: str | os.PathLike[str], members: Mapping[str, bytes]) -> None:
    """Write the members as files of a folder, which then takes the place of the one at `path`.

    Raises: ArgumentError if `path` is a file, or a folder with other content than a saved model.
    """
    target = Path(os.path.realpath(path))
    if target.exists():
        _check_replaceable(target)
    mark = f"{os.getpid()}.{os.urandom(4).hex()}"
    temporary, old = (target.with_name(f".{target.name}.{mark}.{kind}") for kind in ("tmp", "old"))
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        for name, content in members.items():
            file = temporary.joinpath(*name.split("/"))
            file.parent.mkdir(parents=True, exist_ok=True)
            with open(file, "xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        if target.exists():
            os.rename(
                target, old
            )  # a folder cannot be replaced in one step: for this moment the old one has another name
        try:
            os.rename(temporary, target)
        except BaseException:
            if old.exists():
                os.rename(old, target)
            raise
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)
    _sync_folder(target.parent)


def _check_replaceable(target: Path) -> None:
    known = {METADATA, CONFIG, WEIGHTS, ASSETS[:-1], "README.md", ".gitattributes"}
    if not target.is_dir():
        raise ArgumentError("A model cannot be saved as a folder here: there is a file.", where=str(target))
    others = sorted(set(os.listdir(target)) - known)
    if others:
        raise ArgumentError(
            "The folder holds other files than a saved model, which would be lost.",
            where=str(target),
            expected="a new or empty folder, or a saved model",
            received=", ".join(others[:5]),
        )


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every system can open a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _no_member(name: str, where: str, names: list[str]) -> FileFormatError:
    return FileFormatError(
        "The archive lacks a member.", where=where, expected=name, received=", ".join(names[:10]) or "no members at all"
    )


def _too_large(where: str, declared: int, held: int) -> FileFormatError:
    return FileFormatError(
        "A member of the archive states a size that the file cannot hold.",
        where=where,
        expected=f"what {held:,} bytes can hold",
        received=f"{declared:,} bytes",
    )
