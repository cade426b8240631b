"""Helpers around models and data."""

from __future__ import annotations

import random

import numpy as np
import pytest

import keratin
from keratin import config, utils
from keratin.errors import ArgumentError, ShapeError
from keratin.ops import mechanism

RNG = np.random.default_rng(0)


def keras_utils():
    return pytest.importorskip("keras").utils


# ---- one-hot rows


@pytest.mark.parametrize("x", [[0, 2, 1], [[0], [2], [1]], [[0, 1], [2, 2]], np.array([1, 3], "uint8"), [0.0, 2.0], []])
@pytest.mark.parametrize("num_classes", [None, 5])
def test_to_categorical_agrees_with_keras(x, num_classes):
    if len(x) == 0 and num_classes is None:
        assert utils.to_categorical(x).shape == (0, 0)
        return
    got, expected = utils.to_categorical(x, num_classes), keras_utils().to_categorical(x, num_classes)
    assert type(got) is np.ndarray and got.dtype == config.floatx()
    np.testing.assert_array_equal(got, expected)


def test_to_categorical_of_tensors():
    tensor = mechanism.convert(np.array([[0], [2]], "int32"))
    got = utils.to_categorical(tensor, 3)
    assert utils.is_keras_tensor(got) is False and type(got) is type(mechanism.convert([1.0]))
    assert np.asarray(got).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert np.asarray(utils.to_categorical(tensor)).shape == (2, 3)


@pytest.mark.parametrize("x", [[0, -1], [0, 3], [0.5, 1], ["a"], [np.nan]])
def test_to_categorical_refuses_what_is_no_class(x):
    with pytest.raises(ArgumentError):
        utils.to_categorical(x, 3)


# ---- vectors of length one


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("order", [1, 2, 3, np.inf])
def test_normalize(shape, order):
    x = RNG.normal(size=shape)
    for axis in range(-len(shape), len(shape)):
        got = utils.normalize(x, axis=axis, order=order)
        np.testing.assert_allclose(np.linalg.norm(got, order, axis), 1.0)
        np.testing.assert_allclose(got * np.linalg.norm(x, order, axis, keepdims=True), x)


def test_normalize_zeros_and_tensors():
    assert utils.normalize(np.zeros((2, 2))).tolist() == [[0, 0], [0, 0]]
    assert utils.normalize([[3, 4]]).tolist() == [[0.6, 0.8]]
    x = RNG.normal(size=(3, 4)).astype("float32")
    np.testing.assert_allclose(np.asarray(utils.normalize(mechanism.convert(x))), utils.normalize(x), rtol=1e-6)
    np.testing.assert_allclose(utils.normalize(x), keras_utils().normalize(x), rtol=1e-6)


# ---- padding


@pytest.mark.parametrize("maxlen", [None, 1, 2, 5])
@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize(
    "options", [{}, {"value": -1}, {"dtype": "float32", "value": 0.5}, {"dtype": object, "value": "pad"}]
)
def test_pad_sequences_agrees_with_keras(maxlen, padding, truncating, options):
    sequences = [[1], [2, 3], [], np.array([4, 5, 6])]
    if options.get("dtype") is object:
        sequences = [["a"], ["b", "c"], [], ["d", "e", "f"]]
    options = {**options, "maxlen": maxlen, "padding": padding, "truncating": truncating}
    got, expected = utils.pad_sequences(sequences, **options), keras_utils().pad_sequences(sequences, **options)
    assert got.dtype == expected.dtype and got.tolist() == expected.tolist()


def test_pad_sequences_of_vectors_and_corners():
    got = utils.pad_sequences([[[1, 1]], [[2, 2], [3, 3]]], padding="post")
    assert got.tolist() == [[[1, 1], [0, 0]], [[2, 2], [3, 3]]]
    assert utils.pad_sequences([]).shape == (0, 0)
    assert utils.pad_sequences([[1, 2]], maxlen=0).shape == (1, 0)


def test_pad_sequences_errors():
    with pytest.raises(ShapeError, match="sequence 1"):
        utils.pad_sequences([[[1, 1]], [[2, 2, 2]]])
    with pytest.raises(ArgumentError, match="sequence 0"):
        utils.pad_sequences([1, 2])
    with pytest.raises(ArgumentError, match="dtype=object"):
        utils.pad_sequences([["a"]], value="pad")
    with pytest.raises(ArgumentError, match="'pre' or 'post'"):
        utils.pad_sequences([[1]], padding="left")


# ---- seeds


def test_set_random_seed_decides_everything():
    def draw():
        utils.set_random_seed(7)
        generator = keratin.random.SeedGenerator()
        return random.random(), np.random.rand(), generator.seed, np.asarray(keratin.random.normal((3,))).tolist()

    first = draw()
    keratin.random.normal((3,))
    assert draw() == first
    utils.set_random_seed(8)
    assert np.random.rand() != first[1]


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", None, True])
def test_set_random_seed_takes_an_integer(seed):
    with pytest.raises(ArgumentError, match="integer"):
        utils.set_random_seed(seed)


# ---- names


def test_public_names():
    assert set(utils.__all__) <= set(dir(utils))
    for name in utils.__all__:
        assert getattr(utils, name) is not None
    assert utils.Sequence is utils.PyDataset
    assert utils.standardize_dtype("float") == "float32"
    with pytest.raises(AttributeError, match="no attribute"):
        utils.no_such_name
    assert set(utils.__all__) <= set(dir(keras_utils())), set(utils.__all__) - set(dir(keras_utils()))


def test_clear_session_starts_names_again():
    from keratin import registry

    registry.unique_name("thing")
    utils.clear_session()
    assert registry.unique_name("thing") == "thing"


def test_interactive_logging():
    assert utils.is_interactive_logging_enabled()
    utils.disable_interactive_logging()
    try:
        assert not config.is_interactive_logging_enabled()
    finally:
        utils.enable_interactive_logging()
