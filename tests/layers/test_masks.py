"""Masks: where they come from, which layers pass them on, what uses them, and the warning where one is lost."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
import pytest

import keratin
from keratin import layers, ops
from keratin.state import masks
from keratin.testing.layers.checks import close, mask_of

IDS = np.array([[1, 2, 0], [3, 0, 0]])
MASK = (IDS != 0).tolist()


def embedding(**kwargs: Any) -> layers.Embedding:
    return layers.Embedding(5, 4, mask_zero=True, **kwargs)


class Seeing(layers.Layer):
    """A layer that takes a mask, and keeps what it saw."""

    supports_masking = True

    def call(self, x: Any, mask: Any = None) -> Any:
        self.seen = None if mask is None else np.asarray(mask).tolist()
        return x


PASSING = [
    layers.Dense(4),
    layers.Dropout(0.5),
    layers.SpatialDropout1D(0.5),
    layers.GaussianNoise(0.5),
    layers.GaussianDropout(0.5),
    layers.AlphaDropout(0.5),
    layers.ActivityRegularization(0.5),
    layers.Activation("relu"),
    layers.ReLU(),
    layers.LeakyReLU(),
    layers.PReLU(),
    layers.ELU(),
    layers.Identity(),
    layers.Rescaling(2.0),
    layers.BatchNormalization(),
    layers.LayerNormalization(),
    layers.GroupNormalization(2),
    layers.UnitNormalization(),
    layers.TimeDistributed(layers.Dense(2)),
]


@pytest.mark.parametrize("layer", PASSING, ids=lambda layer: type(layer).__name__)
def test_layers_that_pass_a_mask_on(layer: layers.Layer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for training in (False, True):
            assert np.array_equal(mask_of(layer(embedding()(IDS), training=training)), MASK)
    assert getattr(keras.layers, type(layer).__name__)(*_args(layer)).supports_masking


def _args(layer: layers.Layer) -> tuple[Any, ...]:
    name = type(layer).__name__
    if name == "TimeDistributed":
        return (keras.layers.Dense(2),)
    return {"Dense": (4,), "Activation": ("relu",), "GroupNormalization": (2,), "Rescaling": (2.0,)}.get(
        name,
        (0.5,) if name in ("Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout") else (),
    )


def test_embedding_makes_a_mask_only_if_asked() -> None:
    assert np.array_equal(mask_of(embedding()(IDS)), MASK)
    assert mask_of(layers.Embedding(5, 4)(IDS)) is None
    drawn = embedding()(layers.Input((None,), dtype="int32"))
    assert masks.get_mask(drawn).shape == (None, None) and masks.get_mask(drawn).dtype == "bool"


def test_masking_marks_steps() -> None:
    x = np.array([[[0.0, 0.0], [0.0, 1.0], [2.0, 2.0]]], "float32")
    assert mask_of(layers.Masking()(x)).tolist() == [[False, True, True]]
    y = layers.Masking(mask_value=2.0)(x)
    assert mask_of(y).tolist() == [[True, True, False]] and np.asarray(y)[0, 2].tolist() == [0, 0]


def test_a_mask_reaches_the_call() -> None:
    seeing = Seeing()
    seeing(embedding()(IDS))
    assert seeing.seen == MASK
    seeing(embedding()(IDS), mask=np.array([[True, True, True]] * 2))
    assert seeing.seen == [[True] * 3] * 2  # what is passed wins
    seeing(embedding()(IDS) * 1.0)
    assert seeing.seen is None  # an op outside of layers carries none


def test_masks_of_several_arguments() -> None:
    class Attending(layers.Layer):
        supports_masking = True

        def call(self, query: Any, value: Any, query_mask: Any = None, value_mask: Any = None) -> Any:
            self.seen = [None if m is None else np.asarray(m).tolist() for m in (query_mask, value_mask)]
            return query

    layer = Attending()
    plain = np.zeros((2, 3, 4), "float32")
    layer(embedding()(IDS), plain)
    assert layer.seen == [MASK, None]
    layer(plain, value=embedding()(IDS))
    assert layer.seen == [None, MASK]


def test_a_layers_own_mask() -> None:
    class EveryOther(layers.Layer):
        supports_masking = True

        def call(self, x: Any) -> Any:
            return x[:, ::2]

        def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
            return None if previous_mask is None else previous_mask[:, ::2]

    assert mask_of(EveryOther()(embedding()(IDS))).tolist() == [[True, False], [True, False]]
    assert mask_of(EveryOther()(np.zeros((2, 3, 4), "float32"))) is None
    drawn = EveryOther()(embedding()(layers.Input((3,), dtype="int32")))
    assert masks.get_mask(drawn).shape == (None, 2)


def test_a_lost_mask_warns_once() -> None:
    class Losing(layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 1.0

    layer = Losing(name="losing")
    with pytest.warns(UserWarning, match="`losing` does not pass on the mask") as record:
        y = layer(embedding()(IDS))
        layer(embedding()(IDS))
    assert len(record) == 1 and mask_of(y) is None


def test_a_mask_in_a_compiled_call() -> None:
    table, seeing = embedding(), layers.GlobalAveragePooling1D()
    eager = seeing(table(IDS))
    compiled = keratin.jit(lambda ids: seeing(table(ids)))(IDS)
    close(compiled, eager)
    rows = table.embeddings.numpy()
    close(eager, np.stack([rows[[1, 2]].mean(0), rows[3]]))


def test_average_pooling_of_nothing_is_zero() -> None:
    y = layers.GlobalAveragePooling1D()(np.ones((1, 3, 2), "float32"), mask=np.zeros((1, 3), "bool"))
    assert np.asarray(y).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"])
@pytest.mark.parametrize("both", [True, False])
def test_merged_masks_against_keras(name: str, both: bool) -> None:
    a, b = np.array([[1.0, 5.0, 0.0, 0.0]], "float32"), np.array([[4.0, 0.0, 3.0, 0.0]], "float32")

    def run(module: Any, layer: Any) -> tuple[Any, Any]:
        first = module.layers.Masking()(a[..., None] * np.ones(2, "float32"))
        second = b[..., None] * np.ones(2, "float32")
        if both:
            second = module.layers.Masking()(second)
        y = layer([first, second])
        mask = getattr(y, "_keras_mask", None) if module is keras else masks.get_mask(y)
        return np.asarray(y), None if mask is None else np.asarray(mask).tolist()

    kwargs = {"axis": 1} if name == "Concatenate" else {}
    ours = run(keratin, getattr(layers, name)(**kwargs))
    theirs = run(keras, getattr(keras.layers, name)(**kwargs))
    close(ours[0], theirs[0])
    assert ours[1] == theirs[1]


def test_concatenated_features_keep_the_union_of_masks() -> None:
    x, y = (layers.Masking()(np.array([[[v], [w]]], "float32")) for v, w in ((1, 0), (0, 0)))
    assert mask_of(layers.Concatenate()([x, y])).tolist() == [[True, False]]
    assert mask_of(layers.Dot(2)([x, y])) is None


def test_softmax_leaves_masked_positions_out() -> None:
    y = layers.Softmax()(np.zeros((1, 4), "float32"), mask=np.array([[True, False, True, False]]))
    close(y, [[0.5, 0.0, 0.5, 0.0]])


def test_batch_normalization_leaves_masked_steps_out() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4, 2)).astype("float32")
    mask = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]], bool)
    layer = layers.BatchNormalization(momentum=0.0)
    layer(x, mask=mask, training=True)
    kept = x.astype("float64")[mask]
    close(layer.moving_mean, kept.mean(0))
    close(layer.moving_variance, kept.var(0))
    other = layers.BatchNormalization(momentum=0.0)
    other(np.where(mask[..., None], x, np.nan), mask=mask, training=True)  # what is masked may be anything
    close(other.moving_variance, kept.var(0))


def test_a_functional_model_carries_masks() -> None:
    ids = layers.Input((3,), dtype="int32")
    model = keratin.Model(ids, layers.GlobalAveragePooling1D()(layers.Dropout(0.5)(embedding(name="table")(ids))))
    rows = model.get_layer("table").embeddings.numpy()
    close(model(IDS), np.stack([rows[[1, 2]].mean(0), rows[3]]))


def test_time_distributed_hands_each_step_its_mask() -> None:
    layer = layers.TimeDistributed(layers.GlobalAveragePooling1D())
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    mask = np.random.default_rng(1).integers(0, 2, (2, 3, 4)).astype(bool)
    mask[:, :, 0] = True
    expected = np.stack([[x[i, t][mask[i, t]].mean(0) for t in range(3)] for i in range(2)])
    close(layer(x, mask=mask), expected)
    assert ops.shape(layer(x)) == (2, 3, 5)
