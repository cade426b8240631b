"""Batches from generators, iterables and PyDatasets, with and without threads."""

from __future__ import annotations

import gc
import itertools
import threading
import time
import traceback
import warnings
import weakref

import numpy as np
import pytest

from keratin.data import PyDataset, StreamSource, as_source
from keratin.data.prefetch import Prefetcher
from keratin.errors import ArgumentError, DataError, StateError


def batch(number, rows=2):
    return np.full((rows, 3), number, "float32"), np.full(rows, number)


def numbers(batches):
    """Which batches came."""
    return [int(flat[0][0, 0]) for flat in batches]


def data_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("keratin-data")]


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    if data_threads():
        gc.collect()
    assert wait_for(lambda: not data_threads()), data_threads()


class Reread:
    """A data set that can be iterated again and again."""

    def __init__(self, count):
        self.count, self.passes = count, 0

    def __iter__(self):
        self.passes += 1
        return (batch(number) for number in range(self.count))


class Counted(PyDataset):
    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.count, self.events = count, []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        assert 0 <= index < self.count
        return batch(index)

    def on_epoch_begin(self):
        self.events.append("begin")

    def on_epoch_end(self):
        self.events.append("end")


# ---- generators


@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_generator_loses_no_batch(prefetch):
    source = StreamSource((batch(number) for number in range(5)), prefetch=prefetch)
    assert source.steps is None and source.peek()[0][0, 0] == 0 and source.peek()[2] is None
    assert numbers(source.open(0)) == [0, 1, 2, 3, 4]
    assert source.exhausted


@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_generator_goes_on_over_epochs(prefetch):
    source = as_source((batch(number) for number in itertools.count()), steps=3)
    source.prefetch = prefetch
    assert source.steps == 3
    assert [numbers(source.open(epoch)) for epoch in range(3)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert not source.exhausted


@pytest.mark.parametrize("prefetch", [0, 2])
def test_generator_that_ends_early_warns_and_then_refuses(prefetch):
    source = as_source((batch(number) for number in range(5)), steps=3, where="fit")
    source.prefetch = prefetch
    assert numbers(source.open(0)) == [0, 1, 2]
    with pytest.warns(UserWarning, match=r"ended after 2 of 3 batches in epoch 2"):
        assert numbers(source.open(1)) == [3, 4]
    assert source.exhausted
    with pytest.raises(DataError, match="ended in an earlier epoch") as caught:
        next(source.open(2))
    assert "epoch 3" in str(caught.value) and "PyDataset" in caught.value.hint


def test_generator_without_steps_has_one_epoch():
    source = as_source(batch(number) for number in range(2))
    assert numbers(source.open(0)) == [0, 1]
    with pytest.raises(DataError, match="ended in an earlier epoch"):
        next(source.open(1))


def test_generator_closed_early_goes_on():
    source = as_source(batch(number) for number in range(5))
    first = source.open(0)
    next(first), next(first)
    source.close()
    assert numbers(source.open(1)) == [2, 3, 4]


def test_buffers_reused_by_the_generator_are_safe():
    buffer = np.zeros((2, 3), "float32")

    def batches():
        for number in range(3):
            buffer[:] = number
            yield buffer, np.zeros(2)

    assert numbers(list(as_source(batches()).open(0))) == [0, 1, 2]


@pytest.mark.parametrize("prefetch", [0, 2])
def test_exceptions_keep_their_traceback(prefetch):
    def batches():
        yield batch(0)
        yield batch(1)
        raise_here_in_the_users_code()

    def raise_here_in_the_users_code():
        raise KeyError("lost file")

    source = StreamSource(batches(), prefetch=prefetch)
    seen = []
    with pytest.raises(KeyError, match="lost file") as caught:
        for flat in source.open(0):
            seen.append(flat)
    assert len(seen) == 2
    assert "raise_here_in_the_users_code" in "".join(traceback.format_tb(caught.value.__traceback__))


def test_empty_generator():
    with pytest.raises(DataError, match="empty") as caught:
        as_source(iter(()))
    assert "read only once" in caught.value.hint
    with pytest.raises(DataError, match="empty"):
        as_source(Reread(0))
    with pytest.raises(DataError, match="empty"):
        as_source(Counted(0))


# ---- iterables


@pytest.mark.parametrize("prefetch", [0, 2])
def test_iterable_is_read_again_in_each_epoch(prefetch):
    data = Reread(3)
    source = StreamSource(data, prefetch=prefetch)
    assert [numbers(source.open(epoch)) for epoch in range(3)] == [[0, 1, 2]] * 3
    assert data.passes == 3 and source.steps is None and not source.exhausted


@pytest.mark.parametrize("prefetch", [0, 2])
def test_iterable_with_steps_starts_anew_in_the_middle(prefetch):
    source = StreamSource(Reread(3), steps=4, prefetch=prefetch)
    assert [numbers(source.open(epoch)) for epoch in range(3)] == [[0, 1, 2, 0], [1, 2, 0, 1], [2, 0, 1, 2]]


def test_the_same_epoch_again_starts_anew():
    """Each validation of a part of the data sees the same part."""
    source = StreamSource(Reread(5), steps=2)
    assert [numbers(source.open(0)) for _ in range(3)] == [[0, 1]] * 3
    assert numbers(source.open(1)) == [2, 3]
    once = StreamSource(iter(Reread(5)), steps=2)
    assert [numbers(once.open(0)) for _ in range(2)] == [[0, 1], [2, 3]]


def test_length_becomes_steps():
    class Loader(Reread):
        def __len__(self):
            return self.count

    assert as_source(Loader(4)).steps == 4
    assert as_source(Loader(4), steps=2).steps == 2

    class Unknown(Reread):
        def __len__(self):
            raise TypeError("the length is unknown")

    assert as_source(Unknown(4)).steps is None


def test_batches_of_all_forms():
    x, y = batch(1)
    w = np.ones(2)
    for raw, present in [
        (x, (True, False, False)),
        ((x,), (True, False, False)),
        ([x, y], (True, True, False)),
        ((x, y, w), (True, True, True)),
        ({"a": x, "b": y}, (True, False, False)),
        (({"a": x}, {"p": y}), (True, True, False)),
    ]:
        parts = as_source(iter([raw])).peek()
        assert tuple(part is not None for part in parts) == present
    assert as_source(iter([([[1, 2], [3, 4]], [0.5, 1.5])])).peek()[1].dtype == "float32"


def test_leaves_of_other_libraries():
    class Tensor:
        """Like a torch tensor with a gradient."""

        dtype = "torch.float32"

        def __init__(self, array, free=False):
            self.array, self.free = array, free

        def detach(self):
            return Tensor(self.array, True)

        def cpu(self):
            return self

        def __array__(self, dtype=None, copy=None):
            assert self.free
            return self.array

    (flat,) = as_source(iter([Tensor(np.ones((2, 2)))])).open(0)
    assert flat[0].dtype == "float32" and type(flat[0]) is np.ndarray


def test_torch_data_loader():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.arange(10.0)[:, None], torch.arange(10))
    source = as_source(torch.utils.data.DataLoader(data, batch_size=4, shuffle=True))
    assert source.steps == 3
    for epoch in range(2):
        x, y = map(np.concatenate, zip(*source.open(epoch), strict=True))
        assert sorted(y.tolist()) == list(range(10)) and (x[:, 0] == y).all()
    assert as_source(iter([torch.ones(2, 2, dtype=torch.bfloat16)])).peek()[0].dtype == "float32"


def test_grain():
    grain = pytest.importorskip("grain")
    data = grain.MapDataset.source(np.arange(10.0)[:, None]).batch(4)
    for stream in (data, data.to_iter_dataset()):
        source = as_source(stream)
        assert [len(flat[0]) for flat in source.open(0)] == [4, 4, 2]
        assert [len(flat[0]) for flat in source.open(1)] == [4, 4, 2]


def test_tf_data():
    tensorflow = pytest.importorskip("tensorflow")
    data = tensorflow.data.Dataset.from_tensor_slices((np.arange(5.0)[:, None], list("abcde"))).batch(2)
    source = as_source(data)
    assert source.steps == 3 and [len(flat[0]) for flat in source.open(0)] == [2, 2, 1]
    assert as_source(data.repeat()).steps is None


# ---- checks of each batch


def broken_stream(*last):
    def batches():
        yield batch(0)
        yield batch(1)
        yield last if len(last) != 1 else last[0]

    return as_source(batches(), where="fit").open(0)


@pytest.mark.parametrize(
    ("last", "part"),
    [
        ((np.zeros((2, 3), "float32"),), "structure"),
        ((np.zeros((2, 3), "float32"), np.zeros(2, int), np.ones(2)), "structure"),
        (({"a": np.zeros((2, 3), "float32")}, np.zeros(2, int)), "structure"),
        ((np.zeros(2, "float32"), np.zeros(2, int)), "rank of `x` changed"),
        ((np.zeros((2, 3), int), np.zeros(2, int)), "dtype of `x` changed"),
        ((np.zeros((2, 3), "float32"), np.zeros(2)), "dtype of `y` changed"),
        ((np.zeros((2, 3), "float32"), np.zeros(3, int)), "x: 2, y: 3"),
        ((np.zeros((0, 3), "float32"), np.zeros(0, int)), "empty"),
        ((np.array([[1, None]], dtype=object), np.zeros(1, int)), "`x` holds Python objects"),
        ((1, 2, 3, 4), "4 parts"),
        (([[1.0], [2.0, 3.0]], np.zeros(2, int)), "pad_sequences"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_batch_unlike_the_first(last, part):
    stream = broken_stream(*last)
    assert numbers([next(stream), next(stream)]) == [0, 1]
    with pytest.raises(DataError) as caught:
        next(stream)
    assert part in str(caught.value) and "fit, batch 2 of epoch 0" in str(caught.value)


def test_sizes_may_differ():
    source = as_source(iter([batch(0, 4), batch(1, 2), batch(2, 3)]))
    assert [len(flat[0]) for flat in source.open(0)] == [4, 2, 3]


def test_first_batch_is_checked_at_once():
    with pytest.raises(DataError, match="x: 2, y: 3") as caught:
        as_source(iter([(np.zeros((2, 3)), np.zeros(3))]), where="evaluate")
    assert "evaluate, first batch" in str(caught.value)


def test_class_weights_by_batch():
    source = as_source(iter([(np.zeros((3, 1)), np.array([0, 1, 2]))]), class_weight={1: 4.0})
    (flat,) = source.open(0)
    assert flat[2].tolist() == [1.0, 4.0, 1.0]
    with pytest.raises(DataError, match="carry sample weights"):
        as_source(iter([(np.zeros((3, 1)), np.zeros(3), np.ones(3))]), class_weight={1: 4.0})
    with pytest.raises(DataError, match="needs targets"):
        as_source(iter([np.zeros((3, 1))]), class_weight={1: 4.0})


@pytest.mark.parametrize("extra", [{"y": np.zeros(3)}, {"sample_weight": np.zeros(3)}, {"batch_size": 3}])
@pytest.mark.parametrize("make", [lambda: iter([batch(0)]), lambda: Reread(2), lambda: Counted(2)])
def test_arguments_that_only_arrays_take(extra, make):
    with pytest.raises(DataError) as caught:
        as_source(make(), **extra)
    assert next(iter(extra)) in str(caught.value) and caught.value.hint


def test_split_needs_arrays():
    with pytest.raises(DataError, match="validation_split"):
        as_source(Reread(3)).split(0.2)


# ---- PyDataset


@pytest.mark.parametrize("workers", [0, 1, 2, 5])
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_batch_once_per_epoch(workers, shuffle):
    data = Counted(20, workers=workers, max_queue_size=4)
    source = as_source(data, shuffle=shuffle)
    assert source.steps == 20
    orders = [numbers(source.open(epoch, seed=7)) for epoch in range(3)]
    assert all(sorted(order) == list(range(20)) for order in orders)
    assert (orders[0] == orders[1]) is not shuffle
    assert numbers(source.open(0, seed=7)) == orders[0]
    assert (numbers(source.open(0, seed=8)) == orders[0]) is not shuffle
    assert data.events == ["begin", "end"] * 5


@pytest.mark.parametrize("shuffle", [False, True])
def test_steps_cut_the_row_of_all_passes(shuffle):
    source = as_source(Counted(5, workers=2), shuffle=shuffle, steps=4)
    row = list(itertools.chain.from_iterable(numbers(source.open(epoch)) for epoch in range(5)))
    assert [sorted(row[start : start + 5]) for start in range(0, 20, 5)] == [[0, 1, 2, 3, 4]] * 4
    assert numbers(source.open(2)) == row[8:12]  # an epoch does not depend on the ones before


def test_without_end():
    class Endless(PyDataset):
        @property
        def num_batches(self):
            return None

        def __getitem__(self, index):
            return batch(index)

    source = as_source(Endless(workers=3), steps=3)
    assert [numbers(source.open(epoch)) for epoch in range(2)] == [[0, 1, 2], [3, 4, 5]]
    source = as_source(Endless(workers=2))
    assert source.steps is None
    assert numbers(itertools.islice(source.open(0), 50)) == list(range(50))


def test_threads_work_at_once_and_in_order():
    together = threading.Barrier(3, timeout=10)

    class Slow(Counted):
        def __getitem__(self, index):
            if threading.current_thread() is not threading.main_thread():
                together.wait()  # passes only if three threads are here
            time.sleep(0.01 * (2 - index % 3))  # the last one is ready first
            return batch(index)

    assert numbers(as_source(Slow(9, workers=3)).open(0)) == list(range(9))


def test_queue_is_bounded():
    made = []

    class Recorded(Counted):
        def __getitem__(self, index):
            made.append(index)
            return batch(index)

    source = as_source(Recorded(100, workers=2, max_queue_size=3))
    stream = source.open(0)
    next(stream)
    made.clear()
    time.sleep(0.1)
    next(stream)
    time.sleep(0.1)
    assert len(made) <= 3
    source.close()


@pytest.mark.parametrize("error", [KeyError("x"), StopIteration(), SystemExit(1)])
def test_worker_exceptions_are_raised(error):
    class Bad(Counted):
        def __getitem__(self, index):
            if index == 3:
                raise error
            return batch(index)

    stream = as_source(Bad(9, workers=2)).open(0)
    kind = RuntimeError if isinstance(error, StopIteration) else type(error)
    seen = []
    with pytest.raises(kind):
        for flat in stream:
            seen.append(flat)
    assert numbers(seen) == [0, 1, 2]


def test_dropping_an_epoch_ends_its_threads():
    source = as_source(Counted(1000, workers=2, max_queue_size=2))
    stream = source.open(0)
    next(stream)
    assert data_threads()
    del stream
    assert wait_for(lambda: not data_threads())
    stream = source.open(1)
    next(stream)
    dropped = weakref.ref(source)
    del source, stream
    gc.collect()
    assert dropped() is None and wait_for(lambda: not data_threads())


def test_dropping_a_prefetcher_ends_its_threads():
    prefetcher = Prefetcher(itertools.count(), lambda job: job, workers=2, ahead=2)
    assert [next(prefetcher) for _ in range(3)] == [0, 1, 2] and data_threads()
    del prefetcher
    assert wait_for(lambda: not data_threads())


def test_opening_again_ends_the_epoch_before():
    source = as_source(Counted(1000, workers=2))
    first = source.open(0)
    next(first)
    second = source.open(1)
    assert numbers(itertools.islice(second, 3)) == [0, 1, 2]
    with pytest.raises(StopIteration):
        next(first)
    source.close()


def test_closing_does_not_wait_for_a_stuck_worker():
    release = threading.Event()

    class Stuck(Counted):
        def __getitem__(self, index):
            if index:
                release.wait(20)
            return batch(index)

    source = as_source(Stuck(5, workers=2))
    stream = source.open(0)
    next(stream)
    start = time.monotonic()
    source.close()
    assert time.monotonic() - start < 1
    release.set()


def test_settings():
    with pytest.raises(ArgumentError, match="Worker processes") as caught:
        Counted(3, use_multiprocessing=True)
    assert "workers=4" in caught.value.hint
    for wrong in ({"workers": -1}, {"workers": 2.0}, {"max_queue_size": 0}):
        with pytest.raises(ArgumentError):
            Counted(3, **wrong)
    with pytest.raises(TypeError):
        Counted(3, worker=2)


def test_forgotten_super_call():
    class Forgetful(PyDataset):
        def __init__(self):
            pass

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return batch(index)

    data = Forgetful()
    with pytest.warns(UserWarning, match=r"super\(\).__init__"):
        assert data.workers == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert numbers(as_source(data).open(0)) == [0, 1]


def test_missing_methods():
    class NoLength(PyDataset):
        def __getitem__(self, index):
            return batch(index)

    with pytest.raises(StateError, match="length"):
        as_source(NoLength())

    class NoItem(PyDataset):
        def __len__(self):
            return 1

    with pytest.raises(StateError, match="__getitem__"):
        as_source(NoItem())


def test_user_iteration():
    assert numbers(Counted(3)) == [0, 1, 2]
