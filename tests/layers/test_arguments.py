"""What constructors refuse, what calls refuse, and that the parameters are Keras's."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
import pytest

from keratin import layers
from keratin.errors import ArgumentError, AxisError, KeratinError, ShapeError, UnknownArgumentError

CLASSES = sorted(
    name for name in layers.__all__ if isinstance(getattr(layers, name), type) and name not in ("Layer", "InputSpec")
)


def _parameters(cls: type) -> dict[str, Any]:
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {
        p.name: p.default for p in list(inspect.signature(cls.__init__).parameters.values())[1:] if p.kind not in kinds
    }


def _one_for_all(value: Any) -> Any:
    """(1, 1) and 1 mean the same for sizes; ((1, 1), (1, 1)) too."""
    while isinstance(value, tuple) and value and all(v == value[0] for v in value):
        value = value[0]
    return value


@pytest.mark.once
@pytest.mark.parametrize("name", CLASSES)
def test_parameters_are_those_of_keras(name: str) -> None:
    ours, theirs = _parameters(getattr(layers, name)), _parameters(getattr(keras.layers, name))
    if getattr(layers, name).__init__ is layers.Layer.__init__:
        assert not theirs
        return
    assert list(ours) == list(theirs)
    for parameter, default in theirs.items():
        assert _one_for_all(ours[parameter]) == _one_for_all(default)


@pytest.mark.once
def test_functions_of_merging_take_what_keras_takes() -> None:
    for name in ("add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate", "dot"):
        ours, theirs = (inspect.signature(getattr(module, name)) for module in (layers, keras.layers))
        assert [(p.name, p.default) for p in ours.parameters.values()] == [
            (p.name, p.default) for p in theirs.parameters.values()
        ]


BAD = [
    (layers.Dense, {"units": 0}, "units"),
    (layers.Dense, {"units": 2.5}, "units"),
    (layers.Dense, {"units": True}, "units"),
    (layers.Dense, {"units": 2, "lora_rank": 4}, "lora_rank"),
    (layers.Conv2D, {"filters": 0, "kernel_size": 3}, "filters"),
    (layers.Conv2D, {"filters": 4, "kernel_size": 0}, "kernel_size"),
    (layers.Conv2D, {"filters": 4, "kernel_size": (3, 3, 3)}, "kernel_size"),
    (layers.Conv2D, {"filters": 4, "kernel_size": 3, "strides": 0}, "strides"),
    (layers.Conv2D, {"filters": 4, "kernel_size": 3, "padding": "full"}, "padding"),
    (layers.Conv2D, {"filters": 4, "kernel_size": 3, "padding": "causal"}, "padding"),
    (layers.Conv2D, {"filters": 4, "kernel_size": 3, "groups": 3}, "groups"),
    (layers.Conv2D, {"filters": 4, "kernel_size": 3, "groups": 0}, "groups"),
    (layers.Conv2D, {"filters": 4, "kernel_size": 3, "strides": 2, "dilation_rate": 2}, "dilation"),
    (layers.Conv2D, {"filters": 4, "kernel_size": 3, "data_format": "channels"}, "data_format"),
    (layers.DepthwiseConv2D, {"kernel_size": 3, "depth_multiplier": 0}, "depth_multiplier"),
    (layers.SeparableConv2D, {"filters": -1, "kernel_size": 3}, "filters"),
    (layers.Conv2DTranspose, {"filters": 4, "kernel_size": 3, "strides": 2, "output_padding": 2}, "output_padding"),
    (layers.MaxPooling2D, {"pool_size": 0}, "pool_size"),
    (layers.MaxPooling2D, {"padding": "causal"}, "padding"),
    (layers.AveragePooling1D, {"pool_size": (2, 2)}, "pool_size"),
    (layers.GlobalAveragePooling2D, {"data_format": "last"}, "data_format"),
    (layers.BatchNormalization, {"momentum": 1.5}, "momentum"),
    (layers.BatchNormalization, {"epsilon": -1.0}, "epsilon"),
    (layers.BatchNormalization, {"renorm": True, "renorm_clipping": {"rmax": 1, "rmin": 2}}, "renorm_clipping"),
    (layers.BatchNormalization, {"renorm": True, "renorm_clipping": {"max": 1}}, "renorm_clipping"),
    (layers.LayerNormalization, {"axis": "last"}, "axis"),
    (layers.LayerNormalization, {"rms_scaling": True}, "rms_scaling"),
    (layers.GroupNormalization, {"groups": 0}, "groups"),
    (layers.Dropout, {"rate": 1.5}, "rate"),
    (layers.Dropout, {"rate": -0.1}, "rate"),
    (layers.Dropout, {"rate": 0.5, "noise_shape": (0, 1)}, "noise_shape"),
    (layers.Dropout, {"rate": 0.5, "noise_shape": "all"}, "noise_shape"),
    (layers.Dropout, {"rate": 0.5, "seed": -1}, "seed"),
    (layers.SpatialDropout2D, {"rate": 2}, "rate"),
    (layers.GaussianNoise, {"stddev": -1.0}, "stddev"),
    (layers.GaussianDropout, {"rate": 1}, "rate"),
    (layers.AlphaDropout, {"rate": 1}, "rate"),
    (layers.Reshape, {"target_shape": (-1, -1)}, "target_shape"),
    (layers.Reshape, {"target_shape": (2, -3)}, "target_shape"),
    (layers.Permute, {"dims": (0, 1)}, "dims"),
    (layers.RepeatVector, {"n": 0}, "n"),
    (layers.ZeroPadding2D, {"padding": (1, 2, 3)}, "padding"),
    (layers.ZeroPadding2D, {"padding": -1}, "padding"),
    (layers.Cropping2D, {"cropping": ((1, 1), 2.5)}, "cropping"),
    (layers.UpSampling1D, {"size": 0}, "size"),
    (layers.UpSampling2D, {"interpolation": "linear"}, "interpolation"),
    (layers.Embedding, {"input_dim": 0, "output_dim": 4}, "input_dim"),
    (layers.Embedding, {"input_dim": 4, "output_dim": 0}, "output_dim"),
    (layers.ReLU, {"max_value": -1.0}, "max_value"),
    (layers.LeakyReLU, {"negative_slope": None}, "negative_slope"),
    (layers.Dot, {"axes": (1, 2, 3)}, "axes"),
    (layers.TimeDistributed, {"layer": "dense"}, "layer"),
]


@pytest.mark.parametrize(("cls", "args", "word"), BAD, ids=[f"{c.__name__}-{a}" for c, a, _ in BAD])
def test_constructors_refuse(cls: Any, args: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        cls(name="mine", **args)
    assert word in str(caught.value)
    if word != "seed":
        assert "mine" in str(caught.value)  # which layer


def test_an_unknown_argument_names_the_nearest() -> None:
    with pytest.raises(UnknownArgumentError, match="did you mean `activation`") as caught:
        layers.Dense(3, activaton="relu")
    assert isinstance(caught.value, TypeError) and "activaton='relu'" in str(caught.value)
    with pytest.raises(UnknownArgumentError, match="kernel_initializer"):
        layers.Conv2D(3, 3, kernel_initialiser="zeros")


INPUTS = [
    (layers.Dense(4, name="mine"), (3,), "at least rank 2"),
    (layers.Conv2D(4, 3, name="mine"), (2, 8, 8), "rank 4"),
    (layers.Conv1D(4, 9, name="mine"), (2, 5, 3), "at least 9"),
    (layers.Conv2D(4, 3, groups=2, name="mine"), (2, 8, 8, 3), "a multiple of 2 channels"),
    (layers.MaxPooling2D(name="mine"), (2, 8, 8), "rank 4"),
    (layers.MaxPooling2D(9, name="mine"), (2, 8, 8, 1), "at least 9"),
    (layers.GlobalAveragePooling1D(name="mine"), (2, 8), "rank 3"),
    (layers.SpatialDropout1D(0.5, name="mine"), (2, 8), "rank 3"),
    (layers.Permute((2, 1), name="mine"), (2, 8), "rank 3"),
    (layers.Reshape((5,), name="mine"), (2, 8), "8"),
    (layers.RepeatVector(2, name="mine"), (2, 8, 1), "rank 2"),
    (layers.Cropping1D((3, 3), name="mine"), (2, 6, 1), "more than 6"),
    (layers.GroupNormalization(4, name="mine"), (2, 6), "a multiple of 4"),
    (layers.BatchNormalization(axis=3, name="mine"), (2, 6), "3"),
    (layers.LayerNormalization(axis=(1, 2), name="mine"), (2, 6), "2"),
    (layers.TimeDistributed(layers.Dense(2), name="mine"), (2, 6), "at least rank 3"),
]


@pytest.mark.parametrize(
    ("layer", "shape", "words"), INPUTS, ids=[type(row[0]).__name__ + str(row[1]) for row in INPUTS]
)
def test_inputs_that_do_not_fit(layer: layers.Layer, shape: tuple[int, ...], words: str) -> None:
    for x in (np.zeros(shape, "float32"), layers.Input(batch_shape=(None, *shape[1:]))):
        with pytest.raises((ShapeError, AxisError)) as caught:
            layer(x)
        assert "mine" in str(caught.value) and words in str(caught.value)


def test_a_built_layer_keeps_its_channels() -> None:
    layer = layers.Conv2D(4, 3, name="mine")
    layer(np.zeros((2, 8, 8, 3), "float32"))
    for _ in range(2):  # the first call after building, and the quick ones
        with pytest.raises(ShapeError, match="mine") as caught:
            layer(np.zeros((2, 8, 8, 1), "float32"))
        assert "size 3 on axis -1" in str(caught.value) and "(2, 8, 8, 1)" in str(caught.value)
    with pytest.raises(ShapeError, match="outer/mine"):

        class Outer(layers.Layer):
            def __init__(self) -> None:
                super().__init__(name="outer")
                self.inner = layers.Dense(2, name="mine")

            def call(self, x: Any) -> Any:
                return self.inner(x)

        outer = Outer()
        outer(np.zeros((2, 3), "float32"))
        outer(np.zeros((2, 4), "float32"))


@pytest.mark.parametrize("layer", [layers.Dense(3), layers.Conv2D(3, 3), layers.BatchNormalization(), layers.PReLU()])
def test_an_unknown_size_that_weights_need(layer: layers.Layer) -> None:
    with pytest.raises(ShapeError, match="no fixed size"):
        layer(layers.Input(batch_shape=(None, None, None, None)))


def test_merging_refuses() -> None:
    one, other = np.zeros((2, 3), "float32"), np.zeros((4, 3), "float32")
    with pytest.raises(ArgumentError, match="list"):
        layers.Add(name="mine")(one)
    with pytest.raises(ArgumentError, match="a list of 2"):
        layers.Subtract(name="mine")([one, one, one])
    with pytest.raises(ShapeError, match="batch sizes"):
        layers.Add(name="mine")([one, other])
    with pytest.raises(ShapeError, match="mine"):
        layers.Add(name="mine")([one, np.zeros((2, 4), "float32")])
    with pytest.raises(ShapeError, match="mine"):
        layers.Concatenate(name="mine", axis=-1)([one, np.zeros((2, 3, 1), "float32")])
    with pytest.raises(ShapeError, match="different sizes"):
        layers.Dot(1)([one, np.zeros((2, 4), "float32")])
    with pytest.raises(ArgumentError, match="batch axis"):
        layers.Dot(0)([one, one])


def test_every_error_is_keratins() -> None:
    for cls, args, _ in BAD:
        with pytest.raises(KeratinError):
            cls(**args)
