"""Run by test_together.py in a process per backend: build, train, save, and load what the others saved.

Usage: python one_backend.py make FOLDER | load FOLDER
"""

from __future__ import annotations

import pathlib
import sys

import numpy as np

import keratin
from keratin import layers
from keratin.backends import select

X = np.random.default_rng(0).normal(size=(80, 8, 8, 2)).astype("float32")
Y = (X.mean((1, 2)) @ np.array([[1.0], [-2.0]]) * 5).astype("float32")
STEPS, BATCH = 20, 16


def model() -> keratin.Model:
    keratin.utils.set_random_seed(7)
    inputs = layers.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Add()([x, layers.Conv2D(4, 1, activation="gelu")(x)])
    x = layers.Flatten()(x)
    x = layers.LayerNormalization()(layers.Dense(16, activation="tanh", kernel_initializer="he_normal")(x))
    return keratin.Model(inputs, layers.Dense(1, kernel_initializer="orthogonal")(x))


def make(folder: pathlib.Path) -> None:
    name = select.backend_name()
    net = model()
    results = {f"start{i}": w for i, w in enumerate(net.get_weights())}
    results["first"] = net.predict(X, verbose=0)
    if select.current().has_gradients:
        net.compile(keratin.optimizers.Adam(0.003), "mse", metrics=["mae"])
        epochs = STEPS * BATCH // len(X)
        history = net.fit(X, Y, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0).history
        results |= {f"end{i}": w for i, w in enumerate(net.get_weights())}
        results |= {f"curve_{key}": np.array(values) for key, values in history.items()}
    np.savez(folder / f"{name}.npz", **results)
    net.save(folder / f"{name}.keras")


def load(folder: pathlib.Path) -> None:
    name = select.backend_name()
    found = {file.stem: keratin.saving.load_model(file).predict(X, verbose=0) for file in folder.glob("*.keras")}
    np.savez(folder / f"loaded_by_{name}.npz", **found)


if __name__ == "__main__":
    {"make": make, "load": load}[sys.argv[1]](pathlib.Path(sys.argv[2]))
