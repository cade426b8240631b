"""Convolutions against loops in float64, and against Keras; sizes, layouts, gradients, messages."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from keratin import ops
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, ShapeError
from keratin.ops import mechanism, nn
from keratin.testing.arrays import f32, host
from keratin.testing.ops import checks
from keratin.testing.ops.case import case
from keratin.testing.ops.convolution import loop_conv, loop_depthwise, loop_transpose, per_axis


def image(rank: int, data_format: str = "channels_last", channels: int = 4) -> np.ndarray:
    sizes = (7, 6, 5)[:rank]
    return f32(2, *sizes, channels) if data_format == "channels_last" else f32(2, channels, *sizes)


LAYOUTS = ("channels_last", "channels_first")
# rank, kernel size, strides, dilation: strides and dilation never both, as engines demand
STEPS = [
    (1, 3, 1, 1),
    (1, 2, 2, 1),
    (1, 4, 3, 1),
    (1, 3, 1, 2),
    (2, 3, 1, 1),
    (2, (2, 3), (2, 1), 1),
    (2, 2, 1, (2, 1)),
    (3, 2, 1, 1),
    (3, 2, 2, 1),
]
ALL = list(itertools.product(STEPS, ("valid", "same"), LAYOUTS))


@pytest.mark.parametrize(("steps", "padding", "data_format"), ALL)
def test_conv(steps: Any, padding: str, data_format: str) -> None:
    rank, size, strides, dilation = steps
    for channels in (4, 2):  # the second makes two groups
        kernel = f32(*per_axis(size, rank), channels, 6, seed=1)
        found = nn.conv(image(rank, data_format), kernel, strides, padding, data_format, dilation)
        right = loop_conv(image(rank, data_format).astype(float), kernel, strides, padding, data_format, dilation)
        np.testing.assert_allclose(host(found), right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("steps", "padding", "data_format"), ALL)
def test_depthwise_and_separable_conv(steps: Any, padding: str, data_format: str) -> None:
    rank, size, strides, dilation = steps
    x, kernel = image(rank, data_format), f32(*per_axis(size, rank), 4, 2, seed=1)
    found = nn.depthwise_conv(x, kernel, strides, padding, data_format, dilation)
    right = loop_depthwise(x.astype(float), kernel, strides, padding, data_format=data_format, dilation_rate=dilation)
    np.testing.assert_allclose(host(found), right, rtol=1e-4, atol=1e-5)
    mix = f32(*(1,) * rank, 8, 3, seed=2)
    found = nn.separable_conv(x, kernel, mix, strides, padding, data_format, dilation)
    right = loop_conv(right, mix, data_format=data_format)
    np.testing.assert_allclose(host(found), right, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("steps", "padding", "data_format"), ALL)
@pytest.mark.parametrize("output_padding", [None, 0, 1])
def test_conv_transpose(steps: Any, padding: str, data_format: str, output_padding: Any) -> None:
    rank, size, strides, dilation = steps
    if output_padding and min(per_axis(strides, rank)) == 1:
        with pytest.raises(ArgumentError, match="less than 1"):
            nn.conv_transpose(
                image(rank, data_format), f32(*per_axis(size, rank), 3, 4), strides, padding, 1, data_format, dilation
            )
        return
    kernel = f32(*per_axis(size, rank), 3, 4, seed=1)
    arguments = (strides, padding, output_padding, data_format, dilation)
    found = nn.conv_transpose(image(rank, data_format), kernel, *arguments)
    right = loop_transpose(image(rank, data_format).astype(float), kernel, *arguments)
    np.testing.assert_allclose(host(found), right, rtol=1e-4, atol=1e-5)
    drawn = nn.conv_transpose(KerasTensor(image(rank, data_format).shape), kernel, *arguments)
    assert drawn.shape == right.shape


@pytest.mark.trains
@pytest.mark.parametrize(("padding", "stride"), [("valid", 1), ("same", 1), ("same", 2), ("valid", 2)])
def test_conv_transpose_is_the_gradient_of_conv(padding: str, stride: int) -> None:
    x, kernel = f32(1, 8, 2), f32(3, 2, 3, seed=1)
    y = nn.conv(x, kernel, stride, padding)
    upstream = f32(*y.shape, seed=2)
    row = case(nn.conv, [x], None, kernel=mechanism.convert(kernel), strides=stride, padding=padding, gradient=True)  # type: ignore[arg-type]
    (gradient,) = checks.gradients(row, [x], [upstream])
    found = host(nn.conv_transpose(upstream, kernel, stride, padding))
    # The sizes that a strided convolution drops at the end are not there; what is there is equal.
    size = min(found.shape[1], 8)
    np.testing.assert_allclose(found[:, :size], host(gradient)[:, :size], rtol=1e-5, atol=1e-6)


# ---- sizes not known


@pytest.mark.parametrize(
    ("shape", "arguments", "expected"),
    [
        ((None, None, None, 3), {"strides": 2, "padding": "same"}, (None, None, None, 5)),
        ((None, 8, None, 3), {"strides": (3, 2), "padding": "same"}, (None, 3, None, 5)),
        ((None, 8, None, 3), {}, (None, 7, None, 5)),
        ((None, 3, None, 8), {"data_format": "channels_first", "strides": 2, "padding": "same"}, (None, 5, None, 4)),
        ((None, 8, 8, None), {}, (None, 7, 7, 5)),
    ],
)
def test_unknown_sizes(shape: Any, arguments: dict[str, Any], expected: Any) -> None:
    assert nn.conv(KerasTensor(shape), f32(2, 2, 3, 5), **arguments).shape == expected


def test_the_default_layout_is_that_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    from keratin import config

    monkeypatch.setattr(config.settings, "image_data_format", "channels_first")
    assert nn.conv(np.zeros((1, 3, 8, 8)), np.zeros((2, 2, 3, 5))).shape == (1, 5, 7, 7)


def test_a_batch_of_none() -> None:
    assert nn.conv(np.zeros((0, 8, 3)), np.zeros((2, 3, 5)), padding="same").shape == (0, 8, 5)


# ---- messages


def test_channels_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"a multiple of 3 channels(.|\n)*5 channels in \(1, 8, 8, 5\)"):
        nn.conv(np.zeros((1, 8, 8, 5)), np.zeros((2, 2, 3, 6)))
    with pytest.raises(ShapeError, match=r'data_format="channels_first"'):
        nn.conv(np.zeros((1, 3, 8, 8)), np.zeros((2, 2, 3, 6)))
    with pytest.raises(ShapeError, match="depthwise_conv"):
        nn.depthwise_conv(np.zeros((1, 8, 5)), np.zeros((2, 3, 1)))
    with pytest.raises(ShapeError, match=r"3 channels for a kernel of shape \(2, 6, 3\)"):
        nn.conv_transpose(np.zeros((1, 8, 5)), np.zeros((2, 6, 3)))
    with pytest.raises(ShapeError, match="number of groups"):
        nn.conv(KerasTensor((1, 8, 4)), np.zeros((2, 2, 3)))


def test_ranks_and_windows_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="a kernel of the same rank"):
        nn.conv(np.zeros((1, 8, 3)), np.zeros((2, 2, 3, 6)))
    with pytest.raises(ShapeError, match="1 to 3 spatial axes"):
        nn.conv(np.zeros((1, 3)), np.zeros((3, 6)))
    for x in (np.zeros((1, 2, 3)), KerasTensor((1, 2, 3))):
        with pytest.raises(ShapeError, match=r"larger than the input(.|\n)*at least 4(.|\n)*Received: 2"):
            nn.conv(x, np.zeros((4, 3, 6)))


def test_arguments_that_cannot_be() -> None:
    x, kernel = np.zeros((1, 8, 8, 3)), np.zeros((2, 2, 3, 6))
    with pytest.raises(ArgumentError, match='"valid" or "same"(.|\n)*full'):
        nn.conv(x, kernel, padding="full")
    with pytest.raises(ArgumentError, match="strides"):
        nn.conv(x, kernel, strides=(1, 2, 3))
    with pytest.raises(ArgumentError, match="dilation_rate"):
        nn.conv(x, kernel, dilation_rate=0)
    with pytest.raises(ArgumentError, match="data_format"):
        nn.conv(x, kernel, data_format="NHWC")


# ---- Keras as the second witness


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_like_keras(size: int, stride: int, padding: str) -> None:
    keras = pytest.importorskip("keras")
    x = image(2)
    for name, kernel in (
        ("conv", f32(size, size, 4, 3)),
        ("depthwise_conv", f32(size, size, 4, 2)),
        ("conv_transpose", f32(size, size, 3, 4)),
    ):
        right = getattr(keras.ops, name)(x, kernel, strides=stride, padding=padding)
        np.testing.assert_allclose(
            host(getattr(nn, name)(x, kernel, stride, padding)), np.asarray(right), rtol=1e-4, atol=1e-5
        )
    for extra in range(stride):
        right = keras.ops.conv_transpose(
            x, f32(size, size, 3, 4), strides=stride, padding=padding, output_padding=extra
        )
        found = nn.conv_transpose(x, f32(size, size, 3, 4), stride, padding, extra)
        np.testing.assert_allclose(host(found), np.asarray(right), rtol=1e-4, atol=1e-5)


def test_half_precision_keeps_its_dtype() -> None:
    x = mechanism.convert(image(2), "bfloat16")
    found = nn.conv(x, ops.cast(f32(3, 3, 4, 2), "bfloat16"), padding="same")
    assert mechanism.dtype_of(found) == "bfloat16"
    np.testing.assert_allclose(host(found), loop_conv(image(2), f32(3, 3, 4, 2), padding="same"), rtol=0.1, atol=0.1)
