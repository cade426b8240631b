"""Class weights and sample weights."""

from __future__ import annotations

import numpy as np
import pytest

from keratin.data import as_source
from keratin.data.weights import sample_weights_of_classes
from keratin.errors import DataError

X = np.zeros((4, 2), "float32")


def weights(y, **kwargs):
    source = as_source(np.zeros((len(y), 1)) if not isinstance(y, dict) else X, y, **kwargs)
    return source.peek()[2]


@pytest.mark.parametrize(
    "y",
    [
        [0, 2, 1, 5],
        np.array([0, 2, 1, 5], "uint8"),
        np.array([[0], [2], [1], [5]]),
        np.array([0.0, 2.0, 1.0, 5.0]),
        np.eye(6)[[0, 2, 1, 5]],
        np.eye(6)[[0, 2, 1, 5]] * 0.9 + 0.01,
    ],
)
def test_class_weights(y):
    got = weights(y, class_weight={0: 2.0, 1: 0.5, 7: 9.0})
    assert got.tolist() == [2.0, 1.0, 0.5, 1.0] and got.dtype == "float32"


def test_negative_and_unsorted_classes():
    assert sample_weights_of_classes(np.array([-1, 3, 0]), {3: 3.0, -1: 2.0}).tolist() == [2.0, 3.0, 1.0]
    assert sample_weights_of_classes(np.array([True, False]), {1: 4.0}).tolist() == [4.0, 1.0]
    assert sample_weights_of_classes(np.array([1, 0]), {}).tolist() == [1.0, 1.0]
    assert sample_weights_of_classes(np.array([1, 0]), {np.int64(1): np.float32(2)}).tolist() == [2.0, 1.0]


def test_classes_per_step():
    y = np.array([[0, 1, 1], [1, 0, 2]])[..., None]
    assert sample_weights_of_classes(y, {1: 3.0}).tolist() == [[1.0, 3.0, 3.0], [3.0, 1.0, 1.0]]
    with pytest.raises(DataError, match="one-hot") as caught:
        sample_weights_of_classes(y[..., 0], {1: 3.0})
    assert "[..., None]" in caught.value.hint


@pytest.mark.parametrize("shape", [(20,), (20, 1), (20, 4)])
def test_agrees_with_keras(shape):
    utils = pytest.importorskip("keras.src.trainers.data_adapters.data_adapter_utils")
    rng = np.random.default_rng(1)
    y = rng.integers(0, 4, shape) if shape[-1] != 4 else np.eye(4)[rng.integers(0, 4, 20)]
    table = {0: 0.5, 1: 2.0, 3: 4.0}
    np.testing.assert_array_equal(sample_weights_of_classes(y, table), utils.class_weight_to_sample_weights(y, table))


def test_several_outputs_by_name_and_order():
    y = {"a": np.array([0, 1, 0, 1]), "b": np.array([[0, 1], [1, 0], [0, 1], [0, 1]])}
    got = weights(y, class_weight={"a": {1: 5.0}})
    assert got["a"].tolist() == [1, 5, 1, 5] and got["b"].tolist() == [1, 1, 1, 1]
    source = as_source(X, [y["a"], y["b"]], class_weight=[{}, {1: 2.0}])
    assert source.peek()[2][1].tolist() == [2, 1, 2, 2]
    assert as_source(X, [y["a"]], class_weight={1: 2.0}).peek()[2][0].tolist() == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("y", "table", "part"),
    [
        ([0, 1, 0, 1], [1.0, 2.0], "dict(enumerate(weights))"),
        ([0, 1, 0, 1], {"cat": 1.0}, "'cat': 1.0"),
        ([0, 1, 0, 1], {0: "much"}, "much"),
        ([0, 1, 0, 1], {0: float("nan")}, "nan"),
        ([0, 1, 0, 1], {"out": {0: 1.0}}, "y={'name': array}"),
        ([0.0, np.nan, 0, 1], {0: 1.0}, "NaN"),
        (np.array(["a", "b", "c", "d"]), {0: 1.0}, "numbers"),
        ({"a": np.zeros(4)}, {0: 1.0}, "'a': {0: 1.0"),
        ({"a": np.zeros(4)}, {"b": {0: 1.0}}, "'b'"),
        ([np.zeros(4), np.zeros(4)], {0: 1.0}, "2 dicts"),
    ],
)
def test_class_weight_errors(y, table, part):
    with pytest.raises(DataError) as caught:
        as_source(X, y, class_weight=table)
    assert part in str(caught.value)


def test_class_weight_needs_targets_and_no_sample_weight():
    with pytest.raises(DataError, match="targets"):
        as_source(X, class_weight={0: 1.0})
    with pytest.raises(DataError, match="cannot be combined"):
        as_source(X, np.zeros(4), np.ones(4), class_weight={0: 1.0})


def test_one_sample_weight_counts_for_all_outputs():
    y = {"a": np.zeros(4), "b": np.zeros((4, 2))}
    w = np.arange(4.0)
    got = weights(y, sample_weight=w)
    assert got["a"].tolist() == got["b"].tolist() == [0, 1, 2, 3]
    assert weights(y, sample_weight={"b": w})["a"] is None
    got = as_source(X, [y["a"], y["b"]], [None, w]).peek()[2]
    assert got[0] is None and got[1].tolist() == [0, 1, 2, 3]
    assert weights([0, 1, 2, 3], sample_weight=[1, 2, 3, 4]).tolist() == [1, 2, 3, 4]


def test_sample_weight_errors():
    with pytest.raises(DataError, match="'c'"):
        weights({"a": np.zeros(4)}, sample_weight={"c": np.ones(4)})
    with pytest.raises(DataError, match="2 arrays"):
        as_source(X, [np.zeros(4), np.zeros(4)], [np.ones(4)] * 3)
    with pytest.raises(DataError, match="sample_weight: 3"):
        as_source(X, np.zeros(4), np.ones(3))
