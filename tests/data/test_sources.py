"""Arrays of all makers as sources of batches."""

from __future__ import annotations

import collections

import h5py
import numpy as np
import pytest
import scipy.sparse

from keratin import config, tree
from keratin.data import ArraySource, as_source, pack_x_y_sample_weight, unpack_x_y_sample_weight
from keratin.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 3)).astype("float32")
Y = np.arange(10)


def epoch_rows(source, seed=0, epoch=0):
    """The batches of one epoch, as the training loop takes them."""
    order = source.order(seed, epoch)
    for start in range(0, source.rows, source.batch_size):
        stop = min(start + source.batch_size, source.rows)
        yield source.batch(slice(start, stop) if order is None else order[start:stop])


# ---- shape of the data


def test_counts_and_last_batch():
    source = as_source(X, Y, batch_size=4)
    assert isinstance(source, ArraySource)
    assert (source.rows, source.batch_size, source.steps, source.last_size) == (10, 4, 3, 2)
    batches = list(epoch_rows(source))
    assert [len(batch[0]) for batch in batches] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([batch[0] for batch in batches]), X)
    np.testing.assert_array_equal(np.concatenate([batch[1] for batch in batches]), Y)


@pytest.mark.parametrize(("rows", "size", "steps", "last"), [(8, 4, 2, 4), (3, 32, 1, 3), (1, 1, 1, 1), (33, 32, 2, 1)])
def test_last_size(rows, size, steps, last):
    source = as_source(np.zeros((rows, 1)), batch_size=size)
    assert (source.steps, source.last_size) == (steps, last)


def test_default_batch_size_is_32_and_follows_steps():
    assert as_source(np.zeros(100)).batch_size == 32
    assert as_source(np.zeros(100), steps=3).batch_size == 34
    assert as_source(np.zeros(100), batch_size=np.int64(7)).batch_size == 7


def test_structure_keeps_the_nest_and_absent_parts():
    x = {"b": X, "a": [Y, X]}
    source = as_source(x, batch_size=2)
    nest_x, nest_y, weights = source.peek()
    assert nest_y is None and weights is None and len(source.arrays) == 3
    assert set(nest_x) == {"a", "b"} and nest_x["a"][0].tolist() == [0, 1]
    assert [c.name for c in source.columns] == ["x['a'][0]", "x['a'][1]", "x['b']"]
    with_weights = as_source(X, Y, np.ones(10))
    assert with_weights.structure.num_leaves == 3
    assert as_source(X, Y).structure != with_weights.structure
    assert as_source(X, {"p": Y, "q": None}).peek()[1]["q"] is None


def test_named_tuples_and_mappings():
    Point = collections.namedtuple("Point", "u v")
    x, _, _ = as_source(Point(X, Y)).peek()
    assert type(x) is Point and x.v.tolist() == Y.tolist()
    x, _, _ = as_source(collections.UserDict(a=X)).peek()
    assert list(x) == ["a"]


# ---- order


def test_order_is_a_pure_permutation():
    source = as_source(X, Y, batch_size=4, shuffle=True)
    first, again, later, other = source.order(3, 0), source.order(3, 0), source.order(3, 1), source.order(4, 0)
    assert first.dtype == np.int32 and sorted(first.tolist()) == list(range(10))
    assert first.tolist() == again.tolist()
    assert first.tolist() != later.tolist() and first.tolist() != other.tolist()
    assert source.order(-1, 0).tolist() == source.order(2**64 - 1, 0).tolist()  # any int is a seed
    assert as_source(X).order(3, 0) is None


def test_order_is_the_same_in_every_version():
    """Resume depends on it."""
    assert as_source(np.zeros(8), shuffle=True).order(0, 0).tolist() == [5, 0, 6, 1, 7, 2, 4, 3]


def test_shuffled_rows_stay_together():
    source = as_source(X, Y, batch_size=4, shuffle=True)
    for x, y in epoch_rows(source, seed=5):
        np.testing.assert_array_equal(x, X[y])


def test_batch_shuffle_keeps_batches_whole():
    source = as_source(np.arange(23), batch_size=5, shuffle="batch")
    order = source.order(1, 0)
    assert sorted(order.tolist()) == list(range(23))
    assert order[20:].tolist() == [20, 21, 22]
    blocks = order[:20].reshape(4, 5)
    assert (np.diff(blocks, axis=1) == 1).all() and (blocks[:, 0] % 5 == 0).all()
    assert {tuple(source.order(1, e)) for e in range(20)} != {tuple(order)}


def test_many_epochs_are_uniform():
    source = as_source(np.zeros(4), shuffle=True)
    counts = np.zeros((4, 4))
    for epoch in range(2000):
        counts[np.arange(4), source.order(11, epoch)] += 1
    assert abs(counts / 2000 - 0.25).max() < 0.05


# ---- dtypes and copies


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("float64", "float32"),
        ("float16", "float32"),
        ("float32", "float32"),
        (">f4", "float32"),
        (">i2", "int16"),
        ("int64", "int64"),
        ("uint8", "uint8"),
        ("bool", "bool"),
        ("complex64", "complex64"),
        (np.longdouble, "float32"),
    ],
)
def test_dtypes(given, wanted):
    source = as_source(np.ones((3, 2), given))
    assert source.batch(slice(0, 2))[0].dtype == wanted
    assert source.batch(np.array([2, 0]))[0].dtype == wanted
    assert source.arrays[0].dtype == wanted and source.arrays[0].dtype.isnative


def test_bfloat16_and_int4():
    import ml_dtypes

    assert as_source(np.ones(3, ml_dtypes.bfloat16)).peek()[0].dtype == "float32"
    assert as_source(np.ones(3, ml_dtypes.int4)).peek()[0].dtype == ml_dtypes.int4


def test_floatx_decides():
    config.set_floatx("float64")
    try:
        assert as_source(np.ones(3, "float32")).peek()[0].dtype == "float64"
    finally:
        config.set_floatx("float32")


def test_whole_arrays_are_the_users_where_the_dtype_fits():
    source = as_source(X, Y)
    assert source.arrays[0] is X and source.arrays[1] is Y
    assert source.nbytes == X.nbytes + Y.nbytes


@pytest.mark.parametrize("rows", [slice(0, 4), np.array([3, 1])])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batches_never_alias_the_users_memory(rows, dtype):
    x = X.astype(dtype)
    kept = x.copy()
    (batch,) = as_source(x).batch(rows)
    batch += 1
    np.testing.assert_array_equal(x, kept)


def test_read_only_and_strided_arrays():
    x = np.asfortranarray(X)[::2]
    x.setflags(write=False)
    np.testing.assert_array_equal(as_source(x).batch(np.array([4, 0]))[0], X[[8, 0]])


# ---- other makers


def test_lists_of_numbers_are_one_array():
    x, y, _ = as_source([[1, 2], [3, 4]], [0.5, 1.5]).peek()
    assert x.tolist() == [[1, 2], [3, 4]] and x.dtype.kind == "i"
    assert y.dtype == "float32" and y.shape == (2,)
    assert as_source([np.float64(1), np.float64(2)]).peek()[0].shape == (2,)
    assert as_source(((1, 2), (3, 4))).peek()[0].shape == (2, 2)


def test_lists_of_arrays_are_several_inputs():
    x, _, _ = as_source([X, Y]).peek()
    assert isinstance(x, list) and x[1].tolist() == Y.tolist()
    x, _, _ = as_source({"a": [1, 2], "b": np.zeros((2, 2))}).peek()
    assert x["a"].tolist() == [1, 2]


@pytest.mark.parametrize("strings", [["a", "bcd"], np.array(["a", "bcd"]), np.array(["a", "bcd"], object)])
def test_strings_stay_objects(strings):
    (x,) = as_source(strings).batch(slice(0, 2))
    assert x.dtype == object and x.tolist() == ["a", "bcd"]


def test_scipy_sparse_is_dense_by_batch():
    dense = RNG.integers(0, 3, (10, 4)).astype("float64")
    for matrix in (scipy.sparse.coo_matrix(dense), scipy.sparse.csr_array(dense), scipy.sparse.csc_matrix(dense)):
        source = as_source(matrix, Y, batch_size=4)
        x, _ = source.batch(np.array([7, 2]))
        assert type(x) is np.ndarray and x.dtype == "float32"
        np.testing.assert_array_equal(x, dense[[7, 2]])
        np.testing.assert_array_equal(source.arrays[0], dense)
        np.testing.assert_array_equal(source.split(0.3)[1].batch(slice(0, 2))[0], dense[7:9])


def test_hdf5_is_read_by_batch_in_any_order(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"], file["y"] = X.astype("float64"), Y
    with h5py.File(tmp_path / "data.h5") as file:
        source = as_source(file["x"], file["y"], batch_size=4, shuffle=True)
        for x, y in epoch_rows(source, seed=2):
            np.testing.assert_array_equal(x, X[y])
            assert x.dtype == "float32"
        train, validation = source.split(0.4)
        assert (train.rows, validation.rows) == (6, 4)
        np.testing.assert_array_equal(validation.batch(np.array([3, 0]))[0], X[[9, 6]])
        np.testing.assert_array_equal(validation.head(2).arrays[0], X[6:8])
        np.testing.assert_array_equal(source.arrays[0], X)
        assert set(as_source(dict(file)).peek()[0]) == {"x", "y"}


def test_memory_maps_are_not_read_whole(tmp_path):
    path = tmp_path / "big.bin"
    np.memmap(path, "float64", "w+", shape=(1000, 5))[:] = np.arange(5000.0).reshape(1000, 5)
    mapped = np.memmap(path, "float64", "r", shape=(1000, 5))
    source = as_source(mapped)
    assert source.batch(np.array([999]))[0].tolist() == [[4995.0, 4996.0, 4997.0, 4998.0, 4999.0]]
    assert source.columns[0].raw is not None and source.columns[0].raw.dtype == "float64"


class Frame:
    """What pandas shows of a data frame here."""

    def __init__(self, **columns):
        self.columns = list(columns)
        parts = [np.asarray(part) for part in columns.values()]
        kinds = {part.dtype.kind for part in parts}
        mixed = len(kinds) > 1 and kinds & set("bO")
        self.array = np.stack([part.astype(object) for part in parts] if mixed else parts, axis=1)

    def to_numpy(self):
        return self.array


class Series:
    """What pandas shows of a series here."""

    name = "a"

    def to_numpy(self):
        return np.array([1, 2])

    def to_frame(self):
        raise NotImplementedError


def test_a_series_is_a_column():
    assert as_source(Series()).arrays[0].tolist() == [[1], [2]]


def test_frames():
    x, _, _ = as_source(Frame(a=[1, 2], b=[0.5, 1.5]), np.zeros(2)).peek()
    assert x.tolist() == [[1.0, 0.5], [2.0, 1.5]] and x.dtype == "float32"
    x, _, _ = as_source(Frame(a=[True, False], b=[0.5, 1.5])).peek()
    assert x.tolist() == [[1.0, 0.5], [0.0, 1.5]]
    assert as_source(Frame(a=np.array(["u", "v"], object))).peek()[0].tolist() == [["u"], ["v"]]
    with pytest.raises(DataError, match=r"columns 'city'") as caught:
        as_source(Frame(a=[1.0, 2.0], city=np.array(["u", "v"], object)))
    assert "frame[[name]]" in caught.value.hint


def test_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5], "c": [True, False, True]}, index=[9, 8, 7])
    source = as_source(frame[["a", "b"]], frame["a"], batch_size=2)
    x, y, _ = source.peek()
    assert x.dtype == "float32" and x.tolist() == [[1.0, 0.5], [2.0, 1.5]]
    assert y.shape == (2, 1) and y.dtype == "int64"  # a series is a column, as in Keras
    assert as_source(frame).arrays[0].tolist()[0] == [1.0, 0.5, 1.0]
    assert as_source({name: frame[[name]] for name in frame}).peek()[0]["c"].dtype == bool
    assert as_source(frame["a"].astype("Int64")).arrays[0].tolist() == [[1], [2], [3]]
    with pytest.raises(DataError, match="columns 'b'"):
        as_source(pandas.DataFrame({"a": [1, 2], "b": pandas.array([True, None], "boolean")}))
    with pytest.raises(DataError, match="'s'"):
        as_source(pandas.DataFrame({"a": [1, 2], "s": ["u", "v"]}))
    with pytest.raises(DataError, match="datetime64"):
        as_source(pandas.to_datetime(pandas.Series(["2026-01-01"])))


def test_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5], "c": [True, False, True], "s": ["u", "v", "w"]})
    assert as_source(frame[["a", "b", "c"]]).arrays[0].tolist() == [[1.0, 0.5, 1.0], [2.0, 1.5, 0.0], [3.0, 2.5, 1.0]]
    assert as_source(frame["a"]).arrays[0].tolist() == [[1], [2], [3]]
    assert as_source(frame["s"]).arrays[0].tolist() == [["u"], ["v"], ["w"]]
    with pytest.raises(DataError, match="'s'"):
        as_source(frame)


def test_interchange_protocol():
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"a": [1.5, 2.5, 3.5], "b": [1.0, 2.0, 3.0]})

    class Only:
        def __dataframe__(self):
            return table.slice(1).__dataframe__()

    assert as_source(Only()).arrays[0].tolist() == [[2.5, 2.0], [3.5, 3.0]]
    assert as_source(table).arrays[0].shape == (3, 2)


def test_tensors_of_the_backend():
    from keratin.ops import mechanism

    source = as_source(mechanism.convert([[1.0, 2.0], [3.0, 4.0]], "float32"), batch_size=1)
    assert type(source.batch(slice(1, 2))[0]) is np.ndarray
    assert source.arrays[0].tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_objects_with_the_array_protocol():
    class Odd:
        def __array__(self, dtype=None, copy=None):
            return np.arange(6.0).reshape(3, 2)

    assert as_source(Odd()).rows == 3


# ---- parts


def test_split_takes_the_last_rows():
    train, validation = as_source(X, Y, batch_size=4, shuffle=True).split(0.25)
    assert train.rows == 7 and validation.rows == 3  # floor(10 * 0.75), as in Keras
    assert validation.arrays[1].tolist() == [7, 8, 9] and np.shares_memory(validation.arrays[0], X)
    assert train.shuffle and validation.order(0, 0) is None
    assert (train.steps, train.last_size) == (2, 3)
    assert as_source(X, batch_size=4).split(0.5, batch_size=2)[1].steps == 3


@pytest.mark.parametrize("rows", range(2, 40, 3))
@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.2, 1 / 3, 0.5, 0.9])
def test_split_agrees_with_keras(rows, fraction):
    slicing = pytest.importorskip("keras.src.trainers.data_adapters.array_slicing")
    data = (np.arange(rows), np.arange(rows))
    try:
        (expected, _), (expected_validation, _) = slicing.train_validation_split(data, fraction)
    except ValueError:
        with pytest.raises(DataError):
            as_source(*data).split(fraction)
        return
    train, validation = as_source(*data).split(fraction)
    assert train.arrays[0].tolist() == np.asarray(expected).tolist()
    assert validation.arrays[0].tolist() == np.asarray(expected_validation).tolist()


def test_rebatched():
    source = as_source(X, Y, batch_size=4).rebatched(3)
    assert (source.steps, source.last_size, source.rows) == (4, 1, 10)
    with pytest.raises(DataError, match="batch_size"):
        source.rebatched(0)


def test_head():
    assert as_source(X, Y).head(3).arrays[1].tolist() == [0, 1, 2]
    assert as_source(X, Y).head(30).rows == 10


# ---- packing


def test_packing():
    assert unpack_x_y_sample_weight([1, 2]) == (1, 2, None)
    assert unpack_x_y_sample_weight({"a": 1}) == ({"a": 1}, None, None)
    assert unpack_x_y_sample_weight((1, 2, 3)) == (1, 2, 3)
    assert pack_x_y_sample_weight([1, 2]) == ([1, 2],)
    assert pack_x_y_sample_weight(1, None, 3) == (1, None, 3)
    for data in ((1,), (1, 2), (1, 2, 3)):
        x, y, w = unpack_x_y_sample_weight(data)
        assert unpack_x_y_sample_weight(pack_x_y_sample_weight(x, y, w)) == (x, y, w)
    with pytest.raises(DataError, match="4 parts"):
        unpack_x_y_sample_weight((1, 2, 3, 4))


# ---- errors


def message(*args, **kwargs) -> str:
    with pytest.raises(DataError) as caught:
        as_source(*args, **kwargs)
    return str(caught.value)


def test_unequal_lengths_name_every_array():
    text = message({"image": np.zeros((5, 2)), "text": np.zeros((5, 1))}, np.zeros(6), np.zeros(4), where="fit")
    assert "x['image']: 5, x['text']: 5, y: 6, sample_weight: 4" in text and "fit" in text


def test_empty():
    assert "The data set is empty." in message(np.zeros((0, 3)), np.zeros(0))
    assert "(0, 3)" in message(np.zeros((0, 3)))
    assert "empty" in message([])
    assert "cannot be used as data" in message({})
    assert "no data" in message(None)


@pytest.mark.parametrize("size", [0, -1, 2.0, "8", True])
def test_batch_sizes(size):
    text = message(X, batch_size=size)
    assert "batch_size" in text and repr(size).strip("'") in text


@pytest.mark.parametrize("steps", [0, -3, 1.5, True])
def test_steps(steps):
    assert "number of steps" in message(X, steps=steps)


def test_objects_and_ragged_lists():
    assert "pad_sequences" in message([[1, 2], [3]])
    assert "pad_sequences" in message(np.array([[1, 2], [3]], dtype=object))
    assert "astype" in message(np.array([1, None], dtype=object))
    assert "mixes" in message([1, "a"]) and "mixes" in message([1.0, None])
    assert "x['a']" in message({"a": [[1], [2, 3]]})


@pytest.mark.parametrize("array", [np.zeros(3, "datetime64[s]"), np.zeros(3, [("a", "f4")])])
def test_other_dtypes(array):
    assert "dtype" in message(array)


def test_masked_arrays():
    assert "mask" in message(np.ma.masked_greater(np.arange(3.0), 1))
    assert as_source(np.ma.array([1.0, 2.0])).rows == 2  # nothing is masked


def test_single_numbers():
    assert "x[0]" in message([np.array(1.0), np.array(2.0)])
    assert "y" in message(X, 3)
    assert "`y` is not an array" in message(X, (value for value in [1]))


@pytest.mark.parametrize("what", [5, "text", range(4), {1, 2}, object()])
def test_what_is_no_data(what):
    assert "cannot be used as data" in message(what)


def test_a_generator_function_must_be_called():
    def batches():
        yield X, Y

    assert "call it: `batches()`" in message(batches)


@pytest.mark.parametrize("fraction", [0, 1, 1.5, -0.1, "0.2", True, None])
def test_split_fraction(fraction):
    with pytest.raises(DataError, match="fraction"):
        as_source(X).split(fraction)


def test_split_that_leaves_nothing():
    with pytest.raises(DataError, match="no rows for training") as caught:
        as_source(np.zeros(2)).split(0.9)
    assert "0.9 of 2 rows" in str(caught.value)


def test_an_existing_source_passes():
    source = as_source(X)
    assert as_source(source) is source
    assert tree.flatten(source.peek())[0].shape == (10, 3)
