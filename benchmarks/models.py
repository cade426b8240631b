"""The models of the workloads, each a function of a Keras-like module."""

from typing import Any

RESNET50_STACKS = ((64, 3), (128, 4), (256, 6), (512, 3))


def tiny(keras: Any) -> Any:
    """8-16-1, not compiled."""
    layers = keras.layers
    return keras.Sequential([keras.Input((8,)), layers.Dense(16, activation="relu"), layers.Dense(1)])


def mlp(keras: Any) -> Any:
    """784-512-512-10, not compiled."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(512, activation="relu"),
            layers.Dense(512, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def cnn(keras: Any) -> Any:
    """A small convolutional network for (28, 28, 1), not compiled."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def resnet50(keras: Any) -> Any:
    """A functional graph with the layers and the weights of ResNet50 (`same` padding in place of padding layers)."""
    layers = keras.layers
    inputs = keras.Input((224, 224, 3))
    x = _convolution(keras, inputs, 64, 7, strides=2)
    x = layers.ReLU()(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for stack, (filters, blocks) in enumerate(RESNET50_STACKS):
        for block in range(blocks):
            x = _bottleneck(keras, x, filters, strides=2 if stack and not block else 1, project=not block)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(1000, activation="softmax")(x))


def _bottleneck(keras: Any, x: Any, filters: int, *, strides: int, project: bool) -> Any:
    layers = keras.layers
    shortcut = _convolution(keras, x, 4 * filters, 1, strides=strides) if project else x
    y = layers.ReLU()(_convolution(keras, x, filters, 1, strides=strides))
    y = layers.ReLU()(_convolution(keras, y, filters, 3))
    y = _convolution(keras, y, 4 * filters, 1)
    return layers.Activation("relu")(layers.Add()([shortcut, y]))


def _convolution(keras: Any, x: Any, filters: int, size: int, *, strides: int = 1) -> Any:
    y = keras.layers.Conv2D(filters, size, strides=strides, padding="same")(x)
    return keras.layers.BatchNormalization()(y)
