"""HDF5 weights: layout, dtypes, and refusal of everything but plain arrays inside the file."""

import io

import h5py
import ml_dtypes
import numpy as np
import pytest

from keratin.errors import FileFormatError
from keratin.saving.h5 import H5Reader, H5Writer

pytestmark = pytest.mark.once


def written(entries):
    stream = io.BytesIO()
    with H5Writer(stream) as writer:
        for path, arrays in entries.items():
            entry = writer.entry(path, path.rpartition("/")[2] or "root")
            for i, array in enumerate(arrays):
                entry[str(i)] = array
    return stream.getvalue()


def h5(make):
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        make(file)
    return stream.getvalue()


def read(content, path="a", key="0"):
    with H5Reader(content, "x.h5") as reader:
        return reader.entry(path)[key]


DTYPES = ["float32", "float64", "float16", "int8", "uint8", "int32", "int64", "uint32", "bool", "complex64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_round_trip(dtype, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    content = written({"a": [array]})
    with H5Reader(content) as reader:
        assert reader.entry("a").spec("0") == (shape, dtype)
        back = reader.entry("a")["0"]
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "int4"])
def test_dtypes_unknown_to_hdf5(dtype):
    array = np.array([1, 2, -3], getattr(ml_dtypes, dtype))
    content = written({"a": [array]})
    assert h5py.File(io.BytesIO(content))["a/vars/0"].attrs["dtype"] == dtype
    back = read(content)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back.astype("float32"), [1, 2, -3])


def test_big_endian_comes_back_native():
    back = read(h5(lambda f: f.create_dataset("a/vars/0", data=np.array([1.5, 2], ">f4"))))
    assert back.dtype == np.dtype("float32") and back.dtype.isnative
    assert back.tolist() == [1.5, 2]


def test_layout_is_that_of_keras():
    content = written(
        {"": [np.ones(2, "float32")], "layers/dense": [], "layers/dense_1": [np.ones((2, 3), "float32")] * 11}
    )
    file = h5py.File(io.BytesIO(content))
    assert file["vars"].attrs["name"] == "root" and file["layers/dense/vars"].attrs["name"] == "dense"
    assert len(file["layers/dense/vars"]) == 0
    dataset = file["layers/dense_1/vars/10"]
    assert dataset.chunks is None and dataset.compression is None and dict(file.attrs) == {}
    with H5Reader(content) as reader:
        assert reader.paths() == ["layers/dense_1", ""]
        assert list(reader.entry("layers/dense_1")) == [str(i) for i in range(11)]
        assert len(reader.entry("layers/dense")) == len(reader.entry("nowhere")) == 0


def test_same_content_same_bytes():
    entries = {"layers/a": [np.arange(6.0).reshape(2, 3)], "layers/b": [np.array([1, 2], ml_dtypes.bfloat16)]}
    assert written(entries) == written(entries)


def test_attribute_called_vars_does_not_confuse_its_owner():
    content = written({"a": [np.zeros(1)], "a/vars": [np.ones(1)], "b/vars": []})
    with H5Reader(content) as reader:
        assert sorted(reader.paths()) == ["a", "a/vars"]
        assert list(reader.entry("a")) == ["0"] and reader.entry("a/vars")["0"] == 1


def test_nested_keys_of_an_entry():
    content = h5(lambda f: f.create_dataset("a/vars/state/0", data=[1.0]))
    assert read(content, "a", "state/0").tolist() == [1.0]


def soft(file):
    file["a/vars/0"] = [1.0]
    file["b"] = h5py.SoftLink("/a")


def hard_twice(file):
    file["a/vars/0"] = [1.0]
    file["b"] = file["a"]


def external_link(file):
    file["a/vars/0"] = h5py.ExternalLink("other.h5", "/x")


def external_storage(file):
    file.create_dataset("a/vars/0", shape=(4,), dtype="f4", external=[("/etc/hostname", 0, 16)])


def virtual(file):
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "data", shape=(4,))
    file.create_virtual_dataset("a/vars/0", layout)


def bomb(file):
    file.create_dataset("a/vars/0", shape=(10**12,), dtype="f4")  # HDF5 allocates it when it is written: never


def chunked_bomb(file):
    file.create_dataset("a/vars/0", shape=(2**40,), dtype="f4", chunks=(2**20,), compression="gzip")


def text(file):
    file["a/vars/0"] = "text"


def fixed_text(file):
    file["a/vars/0"] = np.array([b"abc"])


def references(file):
    file.create_dataset("a/vars/0", data=[file.ref], dtype=h5py.ref_dtype)


def compound(file):
    file["a/vars/0"] = np.zeros(3, [("x", "f4"), ("y", "i4")])


def ragged(file):
    file.create_dataset("a/vars/0", shape=(2,), dtype=h5py.vlen_dtype("f4"))


def empty_space(file):
    file["a/vars/0"] = h5py.Empty("f4")


def opaque(file):
    file["a/vars/0"] = np.zeros(2, "V2")
    file["a/vars/0"].attrs["dtype"] = "float8_e4m3fn"


def group(file):
    file.create_group("a/vars/0")


@pytest.mark.parametrize(
    "make, message",
    [
        (soft, "contain a link.*Received: b$"),
        (external_link, "contain a link.*Received: a/vars/0"),
        (external_storage, "keeps its values in other files"),
        (virtual, "is virtual"),
        (bomb, "states a size that the file cannot hold.*Where:    x.h5: a/vars/0.*4,000,000,000,000 bytes"),
        (chunked_bomb, "states a size that the file cannot hold"),
        (text, "does not hold numbers"),
        (fixed_text, "does not hold numbers"),
        (references, "does not hold numbers"),
        (compound, "does not hold numbers"),
        (ragged, "does not hold numbers"),
        (empty_space, "has no shape"),
        (opaque, "does not hold numbers.*float8_e4m3fn"),
        (group, "damaged.*Where:    x.h5: a/vars/0"),
    ],
)
def test_refuses(make, message):
    with pytest.raises(FileFormatError, match=f"(?s){message}") as caught:
        read(h5(make))
    assert caught.value.where.startswith("x.h5")


def test_a_group_linked_twice_is_seen_once():
    with H5Reader(h5(hard_twice)) as reader:
        assert len(reader.paths()) == 1


def test_compressed_arrays_are_read():
    array = np.arange(1000.0, dtype="float32")
    content = h5(lambda f: f.create_dataset("a/vars/0", data=array, chunks=(100,), compression="gzip", shuffle=True))
    np.testing.assert_array_equal(read(content), array)


def test_other_compression_is_refused():
    content = h5(lambda f: f.create_dataset("a/vars/0", data=np.zeros(1000), chunks=(100,), compression="lzf"))
    with pytest.raises(FileFormatError, match="compressed in a way that Keratin does not read"):
        read(content)


def test_float8_as_keras_writes_it_keeps_its_bytes():
    raw = np.array([1, 2], ml_dtypes.float8_e4m3fn).view("V1")
    back = read(h5(lambda f: f.create_dataset("a/vars/0", data=raw)))
    assert back.view(ml_dtypes.float8_e4m3fn).astype(float).tolist() == [1, 2]


def test_python_objects_are_not_weights():
    with pytest.raises(TypeError, match="Only numbers"):
        written({"a": [np.array([object()])]})


@pytest.mark.parametrize("fraction", [0, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_cut(fraction):
    content = written({"layers/a": [np.arange(1000.0)], "layers/b": [np.ones(10)]})
    cut = content[: int(len(content) * fraction)]
    with pytest.raises(FileFormatError, match="not HDF5|damaged|cannot hold"), H5Reader(cut) as reader:
        for path in reader.paths():
            dict(reader.entry(path))


def test_mutations_give_data_or_our_error():
    rng = np.random.default_rng(0)
    content = written({"layers/a": [np.arange(10.0), np.array([1, 2], ml_dtypes.bfloat16)], "vars": [np.ones(3, bool)]})
    errors = 0
    for _ in range(150):
        bad = bytearray(content)
        for place in rng.integers(0, len(bad), 4):
            bad[place] = rng.integers(256)
        try:
            with H5Reader(bytes(bad)) as reader:
                for path in reader.paths():
                    for key in reader.entry(path):
                        spec = reader.entry(path).spec(key)
                        assert reader.entry(path)[key].shape == spec.shape
        except FileFormatError:
            errors += 1
    assert 0 < errors < 150
