"""The archive: fixed bytes, whole replacement, and refusal of everything unsafe."""

import io
import os
import stat
import struct
import zipfile

import pytest

from keratin.errors import ArgumentError, FileFormatError
from keratin.saving.archive import FolderArchive, ZipArchive, new_file, open_archive, write_folder, write_zip

pytestmark = pytest.mark.once

MEMBERS = {"metadata.json": b"{}", "config.json": b'{"a": 1}', "model.weights.h5": bytes(range(256)) * 40}


def zipped(members=MEMBERS):
    stream = io.BytesIO()
    write_zip(stream, members)
    return stream.getvalue()


def raw_zip(*entries, method=zipfile.ZIP_STORED):
    """A zip of (ZipInfo or name, content), without our writer's rules."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for info, content in entries:
            archive.writestr(info, content, method)
    return stream.getvalue()


def opened(content):
    return ZipArchive(io.BytesIO(content))


def test_round_trip_in_order():
    with opened(zipped()) as archive:
        assert archive.names() == list(MEMBERS)
        assert {name: archive.read(name) for name in archive.names()} == MEMBERS
        assert archive.read_json("config.json") == {"a": 1}


def test_members_are_stored_and_the_bytes_depend_on_nothing_else():
    content = zipped()
    assert content == zipped()
    infos = zipfile.ZipFile(io.BytesIO(content)).infolist()
    assert all(i.compress_type == zipfile.ZIP_STORED and i.date_time == (1980, 1, 1, 0, 0, 0) for i in infos)


def test_deflated_members_are_read():
    with opened(raw_zip(*MEMBERS.items(), method=zipfile.ZIP_DEFLATED)) as archive:
        assert {name: archive.read(name) for name in archive.names()} == MEMBERS


def test_unknown_members_do_no_harm():
    with opened(zipped({**MEMBERS, "notes/a.txt": b"x"})) as archive:
        assert archive.read("config.json") == b'{"a": 1}'


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "a\\..\\x", "C:/x", "a//b", "./x", "x\0y"])
def test_names_that_leave_the_archive(name):
    info = zipfile.ZipInfo("placeholder")
    info.filename = info.orig_filename = name
    content = raw_zip((info, b"x"), *MEMBERS.items())
    with pytest.raises(FileFormatError, match="(?s)unsafe name.*Expected: a relative path that stays inside") as caught:
        opened(content)
    assert caught.value.received == name


def test_a_link():
    info = zipfile.ZipInfo("assets/link")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(FileFormatError, match="(?s)link or a device.*assets/link"):
        opened(raw_zip((info, "/etc/passwd")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name():
    with pytest.raises(FileFormatError, match="(?s)two members of one name"):
        opened(raw_zip(("config.json", "{}"), ("config.json", "[]")))


def test_a_compression_bomb():
    content = raw_zip(("config.json", bytes(64 * 2**20)), method=zipfile.ZIP_DEFLATED)
    with pytest.raises(FileFormatError, match="(?s)states a size that the file cannot hold.*67,108,864 bytes"):
        opened(content)


def test_a_size_beyond_the_file():
    content = bytearray(zipped({"a": b"12345"}))
    central = content.index(b"PK\x01\x02")
    struct.pack_into("<II", content, central + 20, 2**31, 2**31)  # compressed and plain size
    with pytest.raises(FileFormatError, match="(?s)states a size that the file cannot hold.*2,147,483,648 bytes"):
        opened(bytes(content))


def test_overlapping_members():
    """Two entries of the table that point at the same bytes: together they claim more than there is."""
    members = {f"m{i}": b"x" * 1000 for i in range(2)}
    content = bytearray(zipped(members))
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 1)
    struct.pack_into("<I", content, second + 42, 0)  # where its header stands
    with pytest.raises(FileFormatError), opened(bytes(content)) as archive:
        [archive.read(name) for name in archive.names()]


def test_encrypted():
    content = bytearray(zipped({"a": b"12345"}))
    struct.pack_into("<H", content, content.index(b"PK\x01\x02") + 8, 1)
    with pytest.raises(FileFormatError, match="(?s)stored in a way that Keratin does not read"):
        opened(bytes(content))


def test_a_changed_byte_is_found_by_the_checksum():
    content = bytearray(zipped())
    content[content.index(bytes(range(256))) + 7] ^= 1
    with opened(bytes(content)) as archive, pytest.raises(FileFormatError, match="(?s)damaged.*model.weights.h5.*CRC"):
        archive.read("model.weights.h5")


@pytest.mark.parametrize("length", [1, 4, 30, 500, 5000, -30, -1])
def test_cut(length):
    with pytest.raises(FileFormatError, match="(?s)cut or damaged|not a `.keras` archive"):
        opened(zipped()[:length])


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "The file is empty"),
        (b"\x00\x01\x02random bytes" * 50, "not a `.keras` archive.*Expected: a zip file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(500), "is HDF5, not a `.keras` archive.*load_weights"),
        (b"PK\x03\x04" + bytes(500), "cut or damaged"),
    ],
)
def test_not_a_zip(content, message, tmp_path):
    path = tmp_path / "x.keras"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=f"(?s){message}") as caught:
        open_archive(path)
    assert caught.value.where == str(path)


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "model.keras").write_bytes(zipped())
    with pytest.raises(FileNotFoundError) as caught:
        open_archive(tmp_path / "modle.keras")
    assert "model.keras" in caught.value.__notes__[0]


def test_a_missing_member():
    with (
        opened(zipped({"a": b""})) as archive,
        pytest.raises(FileFormatError, match="(?s)lacks a member.*config.json.*Received: a"),
    ):
        archive.read_json("config.json")


@pytest.mark.parametrize("text", [b"{", b"[1]", b"\xff", b'{"a":' * 100_000, b'{"a": ' + b"1" * 5000 + b"}"])
def test_json_that_is_not_an_object(text):
    with (
        opened(zipped({"config.json": text})) as archive,
        pytest.raises(FileFormatError, match="(?s)JSON.*config.json"),
    ):
        archive.read_json("config.json")


def test_folder(tmp_path):
    path = tmp_path / "new" / "model"
    write_folder(path, {**MEMBERS, "assets/layers/a/a.txt": b"word"})
    with open_archive(path) as archive:
        assert isinstance(archive, FolderArchive)
        assert sorted(archive.names()) == sorted([*MEMBERS, "assets/layers/a/a.txt"])
        assert archive.read("assets/layers/a/a.txt") == b"word"
        with pytest.raises(FileFormatError, match="(?s)lacks a member"):
            archive.read("nothing")
        with pytest.raises(FileFormatError, match="(?s)unsafe name"):
            archive.read("../model/config.json")
    write_folder(path, {"config.json": b"2"})
    assert os.listdir(path) == ["config.json"] and os.listdir(path.parent) == ["model"]


def test_folder_with_a_link(tmp_path):
    write_folder(tmp_path / "m", MEMBERS)
    (tmp_path / "m" / "assets").symlink_to("/etc")
    with open_archive(tmp_path / "m") as archive:
        with pytest.raises(FileFormatError, match="(?s)contains a link"):
            archive.read("assets/hostname")
        with pytest.raises(FileFormatError, match="(?s)contains a link"):
            archive.names()


def test_a_folder_with_other_files_is_not_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ArgumentError, match="(?s)other files.*thesis.tex"):
        write_folder(tmp_path, MEMBERS)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_folder_that_fails_leaves_the_old_one(tmp_path):
    write_folder(tmp_path / "m", MEMBERS)
    with pytest.raises(TypeError):
        write_folder(tmp_path / "m", {"config.json": b"new", "metadata.json": None})
    assert os.listdir(tmp_path) == ["m"] and (tmp_path / "m" / "config.json").read_bytes() == b'{"a": 1}'


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_the_old_file_whole(tmp_path, error):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises(error), new_file(path) as stream:
        stream.write(b"half of the n")
        assert path.read_bytes() == b"old"
        raise error
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["x"]


def test_new_file_keeps_links_and_permissions(tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"old")
    target.chmod(0o640)
    (tmp_path / "link").symlink_to(target)
    with new_file(tmp_path / "link") as stream:
        stream.write(b"new")
    assert (tmp_path / "link").is_symlink() and target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_random_damage_gives_data_or_our_error():
    import numpy as np

    rng, content = np.random.default_rng(0), zipped()
    for _ in range(300):
        bad = bytearray(content)
        for place in [*rng.integers(0, len(bad), 3), *rng.integers(len(bad) - 300, len(bad), 3)]:
            bad[place] = rng.integers(256)
        try:
            with opened(bytes(bad)) as archive:
                for name in archive.names():
                    archive.read(name)
        except FileFormatError:
            pass
