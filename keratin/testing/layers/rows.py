"""The rows: every layer, and every argument that changes what it computes."""

from __future__ import annotations

from functools import partial

from keratin import layers
from keratin.testing.layers.case import Case, case

MASK = [[True, True, False, True, False, True]] * 3 + [[False, True, True, True, True, False]]
FIRST = dict(data_format="channels_first")

CORE: list[Case] = [
    case(
        layers.Dense,
        dict(units=4),
        (None, 8),
        (None, 4),
        36,
        names="kernel bias",
        open=((None, None, 8), (None, None, 4)),
    ),
    case(
        layers.Dense, dict(units=4, use_bias=False, activation="gelu"), (None, 5, 8), (None, 5, 4), 32, names="kernel"
    ),
    case(
        layers.Dense,
        dict(
            units=3,
            kernel_regularizer="l2",
            bias_regularizer="l1",
            activity_regularizer="l1",
            kernel_constraint="non_neg",
        ),
        (None, 8),
        (None, 3),
        27,
    ),
    case(
        layers.Embedding, dict(input_dim=10, output_dim=3), (None, 5), (None, 5, 3), 30, integers=10, names="embeddings"
    ),
    case(
        layers.Embedding,
        dict(input_dim=10, output_dim=3, mask_zero=True),
        (None, None),
        (None, None, 3),
        30,
        integers=10,
    ),
    case(layers.Identity, {}, (None, 3), (None, 3), open=((None, None), (None, None))),
    case(layers.Rescaling, dict(scale=0.5, offset=-1.0), (None, 6, 7, 3), (None, 6, 7, 3)),
    case(
        layers.Rescaling,
        dict(scale=[0.5, 1.0, 2.0], offset=[1.0, 2.0, 3.0]),
        (None, 6, 7, 3),
        (None, 6, 7, 3),
        keras=False,
    ),
    case(layers.Masking, dict(mask_value=1.0), (None, None, 3), (None, None, 3)),
    case(
        layers.TimeDistributed,
        dict(layer=partial(layers.Dense, 4, name="inner")),
        (None, 6, 8),
        (None, 6, 4),
        36,
        open=((None, None, 8), (None, None, 4)),
        half=False,  # the layer inside has its own policy
    ),
    case(
        layers.TimeDistributed,
        dict(layer=partial(layers.Conv2D, 2, 3, name="inner")),
        (None, 3, 5, 5, 2),
        (None, 3, 3, 3, 2),
        38,
        half=False,
    ),
    case(
        layers.TimeDistributed,
        dict(layer=partial(layers.BatchNormalization, name="inner")),
        (None, 6, 3),
        (None, 6, 3),
        12,
        half=False,
        keras=False,  # Keras normalizes each step by itself, and updates the moving means once per step
    ),
]

CONVOLUTIONS: list[Case] = [
    case(
        layers.Conv1D,
        dict(filters=4, kernel_size=3),
        (None, 7, 2),
        (None, 5, 4),
        28,
        names="kernel bias",
        open=((None, None, 2), (None, None, 4)),
    ),
    case(
        layers.Conv1D, dict(filters=4, kernel_size=3, padding="causal", dilation_rate=2), (None, 7, 2), (None, 7, 4), 28
    ),
    case(
        layers.Conv1D,
        dict(filters=4, kernel_size=3, padding="same", strides=2),
        (None, 7, 2),
        (None, 4, 4),
        28,
        open=((None, None, 2), (None, None, 4)),
    ),
    case(layers.Conv1D, dict(filters=4, kernel_size=2, padding="causal", **FIRST), (None, 2, 7), (None, 4, 7), 20),
    case(
        layers.Conv2D,
        dict(filters=4, kernel_size=(3, 2)),
        (None, 7, 8, 2),
        (None, 5, 7, 4),
        52,
        names="kernel bias",
        open=((None, None, None, 2), (None, None, None, 4)),
    ),
    case(
        layers.Conv2D,
        dict(filters=4, kernel_size=3, padding="SAME", strides=(2, 1), activation="relu"),
        (None, 7, 8, 2),
        (None, 4, 8, 4),
        76,
        open=((None, None, 8, 2), (None, None, 8, 4)),
    ),
    case(
        layers.Conv2D,
        dict(filters=4, kernel_size=3, dilation_rate=2, use_bias=False),
        (None, 7, 8, 2),
        (None, 3, 4, 4),
        72,
        names="kernel",
    ),
    case(layers.Conv2D, dict(filters=6, kernel_size=3, groups=2), (None, 7, 8, 4), (None, 5, 6, 6), 114),
    case(layers.Conv2D, dict(filters=4, kernel_size=3, **FIRST), (None, 2, 7, 8), (None, 4, 5, 6), 76),
    case(layers.Conv2D, dict(filters=2, kernel_size=1, activity_regularizer="l2"), (None, 3, 3, 2), (None, 3, 3, 2), 6),
    case(layers.Conv3D, dict(filters=3, kernel_size=2, strides=(1, 2, 1)), (None, 4, 5, 4, 2), (None, 3, 2, 3, 3), 51),
    case(
        layers.Conv3D,
        dict(filters=3, kernel_size=2, padding="same", **FIRST),
        (None, 2, 4, 5, 4),
        (None, 3, 4, 5, 4),
        51,
    ),
    case(
        layers.DepthwiseConv1D,
        dict(kernel_size=3, depth_multiplier=2),
        (None, 7, 2),
        (None, 5, 4),
        16,
        names="kernel bias",
    ),
    case(
        layers.DepthwiseConv2D,
        dict(kernel_size=3, padding="same", depth_multiplier=2, strides=2),
        (None, 7, 8, 2),
        (None, 4, 4, 4),
        40,
        open=((None, None, None, 2), (None, None, None, 4)),
    ),
    case(
        layers.DepthwiseConv2D, dict(kernel_size=(2, 3), dilation_rate=2, **FIRST), (None, 2, 7, 8), (None, 2, 5, 4), 14
    ),
    case(
        layers.SeparableConv1D,
        dict(filters=5, kernel_size=3, depth_multiplier=2),
        (None, 7, 2),
        (None, 5, 5),
        37,
        names="depthwise_kernel pointwise_kernel bias",
    ),
    case(
        layers.SeparableConv2D,
        dict(filters=5, kernel_size=3, padding="same", activation="gelu"),
        (None, 7, 8, 2),
        (None, 7, 8, 5),
        33,
    ),
    case(
        layers.SeparableConv2D,
        dict(filters=5, kernel_size=3, use_bias=False, **FIRST),
        (None, 2, 7, 8),
        (None, 5, 5, 6),
        28,
    ),
    case(
        layers.Conv1DTranspose,
        dict(filters=3, kernel_size=3, strides=2),
        (None, 5, 2),
        (None, 11, 3),
        21,
        names="kernel bias",
        open=((None, None, 2), (None, None, 3)),
    ),
    case(
        layers.Conv2DTranspose,
        dict(filters=3, kernel_size=3, strides=2, padding="same"),
        (None, 4, 5, 2),
        (None, 8, 10, 3),
        57,
    ),
    case(
        layers.Conv2DTranspose,
        dict(filters=3, kernel_size=3, strides=2, output_padding=1),
        (None, 4, 5, 2),
        (None, 10, 12, 3),
        57,
    ),
    case(
        layers.Conv2DTranspose,
        dict(filters=3, kernel_size=(2, 3), dilation_rate=2, **FIRST),
        (None, 2, 4, 5),
        (None, 3, 6, 9),
        39,
    ),
    case(
        layers.Conv3DTranspose,
        dict(filters=2, kernel_size=2, strides=2, output_padding=(1, 0, 1)),
        (None, 2, 3, 2, 2),
        (None, 5, 6, 5, 2),
        34,
    ),
]

POOLINGS: list[Case] = [
    case(layers.MaxPooling1D, dict(pool_size=2), (None, 7, 3), (None, 3, 3), open=((None, None, 3), (None, None, 3))),
    case(layers.MaxPooling1D, dict(pool_size=3, strides=1, padding="same", **FIRST), (None, 3, 7), (None, 3, 7)),
    case(layers.MaxPooling2D, {}, (None, 7, 8, 3), (None, 3, 4, 3)),
    case(
        layers.MaxPooling2D,
        dict(pool_size=(2, 3), strides=(1, 2), padding="same"),
        (None, 7, 8, 3),
        (None, 7, 4, 3),
        open=((None, None, None, 3), (None, None, None, 3)),
    ),
    case(layers.MaxPooling3D, dict(pool_size=2, **FIRST), (None, 2, 4, 5, 6), (None, 2, 2, 2, 3)),
    case(layers.AveragePooling1D, dict(pool_size=3, padding="same"), (None, 7, 3), (None, 3, 3)),
    case(layers.AveragePooling2D, dict(pool_size=2), (None, 7, 8, 3), (None, 3, 4, 3)),
    case(
        layers.AveragePooling2D, dict(pool_size=3, strides=2, padding="same", **FIRST), (None, 3, 7, 8), (None, 3, 4, 4)
    ),
    case(layers.AveragePooling3D, dict(pool_size=(1, 2, 3)), (None, 4, 5, 6, 2), (None, 4, 2, 2, 2)),
    case(layers.GlobalMaxPooling1D, {}, (None, None, 3), (None, 3)),
    case(layers.GlobalMaxPooling2D, dict(keepdims=True), (None, None, 8, 3), (None, 1, 1, 3)),
    case(layers.GlobalMaxPooling3D, FIRST, (None, 3, 4, 5, 6), (None, 3)),
    case(layers.GlobalAveragePooling1D, {}, (None, None, 3), (None, 3)),
    case(layers.GlobalAveragePooling1D, {}, (None, 6, 3), (None, 3), call=dict(mask=MASK)),
    case(layers.GlobalAveragePooling1D, dict(keepdims=True, **FIRST), (None, 3, 6), (None, 3, 1), call=dict(mask=MASK)),
    case(layers.GlobalAveragePooling2D, dict(**FIRST), (None, 3, 7, 8), (None, 3)),
    case(layers.GlobalAveragePooling3D, dict(keepdims=True), (None, 4, 5, 6, 3), (None, 1, 1, 1, 3)),
]

NORMALIZATIONS: list[Case] = [
    case(layers.BatchNormalization, {}, (None, 5), (None, 5), 20, names="gamma beta moving_mean moving_variance"),
    case(
        layers.BatchNormalization,
        dict(momentum=0.5, epsilon=1e-2),
        (None, 4, 5, 3),
        (None, 4, 5, 3),
        12,
        open=((None, None, None, 3), (None, None, None, 3)),
    ),
    case(
        layers.BatchNormalization,
        dict(axis=1, center=False),
        (None, 4, 5, 3),
        (None, 4, 5, 3),
        12,
        names="gamma moving_mean moving_variance",
    ),
    case(
        layers.BatchNormalization,
        dict(scale=False, beta_regularizer="l1"),
        (None, 5),
        (None, 5),
        15,
        names="beta moving_mean moving_variance",
    ),
    case(layers.BatchNormalization, {}, (None, 6, 3), (None, 6, 3), 12, call=dict(mask=MASK)),
    case(
        layers.BatchNormalization,
        {"renorm": True, "renorm_clipping": {"rmin": 0.7, "rmax": 1.5, "dmax": 0.5}, "renorm_momentum": 0.8},
        (None, 5),
        (None, 5),
        35,
        names="gamma beta moving_mean moving_variance moving_stddev renorm_mean renorm_stddev",
    ),
    case(layers.BatchNormalization, {"renorm": True, "scale": False, "center": False}, (None, 4, 3), (None, 4, 3), 15),
    case(layers.LayerNormalization, {}, (None, 5), (None, 5), 10, names="gamma beta"),
    case(layers.LayerNormalization, dict(axis=[1, 2], epsilon=1e-2), (None, 4, 5), (None, 4, 5), 40),
    case(layers.LayerNormalization, dict(axis=-2, center=False), (None, 4, 5), (None, 4, 5), 4, names="gamma"),
    case(layers.LayerNormalization, dict(scale=False), (None, None, 5), (None, None, 5), 5, names="beta"),
    case(layers.RMSNormalization, {}, (None, 4, 5), (None, 4, 5), 5, names="scale"),
    case(layers.RMSNormalization, dict(axis=(1, 2), epsilon=0.1), (None, 4, 5), (None, 4, 5), 20),
    case(
        layers.GroupNormalization,
        dict(groups=2),
        (None, 4, 5, 6),
        (None, 4, 5, 6),
        12,
        names="gamma beta",
        open=((None, None, None, 6), (None, None, None, 6)),
    ),
    case(
        layers.GroupNormalization,
        dict(groups=3, axis=1, center=False),
        (None, 6, 4, 5),
        (None, 6, 4, 5),
        6,
        names="gamma",
    ),
    case(
        layers.GroupNormalization,
        dict(groups=-1, scale=False),
        (None, 4, 6),
        (None, 4, 6),
        6,
        names="beta",
        keras=False,
    ),
    case(layers.UnitNormalization, {}, (None, 5), (None, 5)),
    case(layers.UnitNormalization, dict(axis=[1, 2]), (None, 4, 5), (None, 4, 5)),
]

REGULARIZATIONS: list[Case] = [
    case(layers.Dropout, dict(rate=0.5), (None, None, 3), (None, None, 3), random=True),
    case(layers.Dropout, dict(rate=0.0), (None, 5), (None, 5)),
    case(layers.Dropout, dict(rate=0.5, noise_shape=(None, 1, 3), seed=3), (None, 6, 3), (None, 6, 3), random=True),
    case(layers.SpatialDropout1D, dict(rate=0.5), (None, 6, 3), (None, 6, 3), random=True),
    case(layers.SpatialDropout2D, dict(rate=0.5), (None, 6, 7, 3), (None, 6, 7, 3), random=True),
    case(layers.SpatialDropout2D, dict(rate=0.5, **FIRST), (None, 3, 6, 7), (None, 3, 6, 7), random=True),
    case(layers.SpatialDropout3D, dict(rate=0.5), (None, 4, 4, 4, 3), (None, 4, 4, 4, 3), random=True),
    case(layers.AlphaDropout, dict(rate=0.5, noise_shape=(None, 1)), (None, 5), (None, 5), random=True),
    case(layers.GaussianNoise, dict(stddev=0.5, seed=1), (None, 5), (None, 5), random=True),
    case(layers.GaussianDropout, dict(rate=0.5), (None, None), (None, None), random=True),
    case(layers.ActivityRegularization, dict(l1=0.5, l2=0.25), (None, 5, 3), (None, 5, 3)),
]

RESHAPINGS: list[Case] = [
    case(layers.Flatten, {}, (None, 6, 7, 3), (None, 126), open=((None, None, 3), (None, None))),
    case(layers.Flatten, FIRST, (None, 3, 6, 7), (None, 126)),
    case(layers.Flatten, {}, (None,), (None, 1)),
    case(
        layers.Reshape, dict(target_shape=(-1, 2)), (None, 3, 4), (None, 6, 2), open=((None, None, 4), (None, None, 2))
    ),
    case(layers.Reshape, dict(target_shape=(4, 3)), (None, 12), (None, 4, 3)),
    case(layers.Reshape, dict(target_shape=(-1,)), (None, None, 4), (None, None)),
    case(layers.Reshape, dict(target_shape=()), (None, 1), (None,)),
    case(layers.Permute, dict(dims=(2, 3, 1)), (None, 5, 6, None), (None, 6, None, 5)),
    case(layers.RepeatVector, dict(n=3), (None, None), (None, 3, None)),
    case(layers.ZeroPadding1D, dict(padding=(1, 2)), (None, None, 3), (None, None, 3)),
    case(layers.ZeroPadding1D, dict(padding=2, **FIRST), (None, 3, 6), (None, 3, 10)),
    case(layers.ZeroPadding2D, dict(padding=((1, 2), (0, 3))), (None, 6, None, 3), (None, 9, None, 3)),
    case(layers.ZeroPadding2D, dict(padding=(1, 2), **FIRST), (None, 3, 6, 7), (None, 3, 8, 11)),
    case(layers.ZeroPadding3D, dict(padding=((1, 1), (0, 2), (3, 0))), (None, 4, 5, 6, 2), (None, 6, 7, 9, 2)),
    case(layers.Cropping1D, dict(cropping=(1, 2)), (None, None, 3), (None, None, 3)),
    case(layers.Cropping1D, dict(cropping=(2, 0)), (None, 6, 3), (None, 4, 3)),
    case(layers.Cropping2D, dict(cropping=((1, 2), (0, 3))), (None, 6, None, 3), (None, 3, None, 3)),
    case(layers.Cropping2D, dict(cropping=(1, 2), **FIRST), (None, 3, 6, 7), (None, 3, 4, 3)),
    case(layers.Cropping2D, {}, (None, 6, 7, 3), (None, 6, 7, 3)),
    case(layers.Cropping3D, dict(cropping=((1, 1), (0, 2), (1, 0))), (None, 4, 5, 6, 2), (None, 2, 3, 5, 2)),
    case(layers.UpSampling1D, dict(size=3), (None, None, 3), (None, None, 3)),
    case(layers.UpSampling2D, dict(size=(2, 3)), (None, 6, None, 3), (None, 12, None, 3)),
    case(layers.UpSampling2D, dict(size=2, **FIRST), (None, 3, 4, 5), (None, 3, 8, 10)),
    case(layers.UpSampling3D, dict(size=(2, 1, 3)), (None, 2, 3, 4, 2), (None, 4, 3, 12, 2)),
]

MERGES: list[Case] = [
    *(
        case(layer, {}, [(None, 6, 3), (None, 6, 3), (None, 1, 3)], (None, 6, 3))
        for layer in (layers.Add, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum)
    ),
    case(layers.Add, {}, [(None, None, 3), (None, 3)], (None, None, 3)),
    case(layers.Subtract, {}, [(None, 6, 3), (None, 6, 1)], (None, 6, 3)),
    case(layers.Concatenate, {}, [(None, 6, 3), (None, 6, 2)], (None, 6, 5)),
    case(layers.Concatenate, dict(axis=1), [(None, 6, 3), (None, None, 3), (None, 1, 3)], (None, None, 3)),
    case(layers.Dot, dict(axes=1), [(None, 5), (None, 5)], (None, 1)),
    case(layers.Dot, dict(axes=(1, 2)), [(None, 5, 2), (None, 3, 5)], (None, 2, 3)),
    case(layers.Dot, dict(axes=-1, normalize=True), [(None, 4, 5), (None, 3, 5)], (None, 4, 3)),
    case(layers.Dot, dict(axes=(1, 1)), [(None, 5), (None, 5, 3)], (None, 3)),
    case(layers.Dot, dict(axes=(2, 1)), [(None, 3, 5), (None, 5)], (None, 3)),
    case(layers.Dot, dict(axes=(3, 1)), [(None, 3, 4, 5), (None, 5, 2)], (None, 3, 4, 2)),
]

ACTIVATIONS: list[Case] = [
    case(layers.Activation, dict(activation="tanh"), (None, 5), (None, 5)),
    case(layers.Activation, dict(activation="softmax"), (None, 6, 5), (None, 6, 5)),
    case(layers.ReLU, {}, (None, 5), (None, 5)),
    case(layers.ReLU, dict(max_value=1.0, negative_slope=0.1, threshold=0.5), (None, 5), (None, 5)),
    case(layers.LeakyReLU, {}, (None, 5), (None, 5)),
    case(layers.LeakyReLU, dict(negative_slope=0.1), (None, None), (None, None)),
    case(layers.PReLU, dict(alpha_initializer="ones"), (None, 6, 5), (None, 6, 5), 30, names="alpha"),
    case(layers.PReLU, dict(shared_axes=[1, 2]), (None, None, None, 5), (None, None, None, 5), 5),
    case(layers.ELU, dict(alpha=0.5), (None, 5), (None, 5)),
    case(layers.Softmax, {}, (None, 5), (None, 5)),
    case(layers.Softmax, dict(axis=(1, 2)), (None, 4, 5), (None, 4, 5)),
    case(layers.Softmax, {}, (None, 6), (None, 6), call=dict(mask=MASK)),
]

ROWS: list[Case] = [
    *CORE,
    *CONVOLUTIONS,
    *POOLINGS,
    *NORMALIZATIONS,
    *REGULARIZATIONS,
    *RESHAPINGS,
    *MERGES,
    *ACTIVATIONS,
]
