"""Train a small convolutional network on handwritten digits, save it, draw how it learned and which digits it misreads.

The data are the 1,797 digits of 8x8 pixels that scikit-learn ships, so nothing is downloaded.  Writes beside this file:

    model.keras      the trained model
    predictions.npz  what it predicts on the test digits; check.py compares a loaded model's predictions with them
    curves.png       loss and accuracy, epoch by epoch
    misread.png      every test digit that it misreads
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from pictures import draw_curves, draw_misread
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keratin as keras

HERE = Path(__file__).parent
SEED = 4
REQUIRED_ACCURACY = 0.985


def main() -> int:
    keras.utils.set_random_seed(SEED)
    (x_train, y_train), (x_valid, y_valid), (x_test, y_test) = load_data()
    x_train, y_train = with_shifted_copies(x_train, y_train)

    model = build_model()
    model.summary()
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    started = time.perf_counter()
    history = model.fit(
        x_train,
        y_train,
        batch_size=128,
        epochs=10,
        validation_data=(x_valid, y_valid),
        callbacks=[
            keras.callbacks.ModelCheckpoint(HERE / "model.keras", monitor="val_loss", save_best_only=True),
            keras.callbacks.EarlyStopping(monitor="val_loss", patience=4, restore_best_weights=True),
        ],
    )
    seconds = time.perf_counter() - started

    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    probabilities = model.predict(x_test, verbose=0)
    model.save(HERE / "model.keras")
    np.savez(HERE / "predictions.npz", x=x_test, y=y_test, probabilities=probabilities)
    draw_curves(history.history, HERE / "curves.png")
    draw_misread(x_test[..., 0], y_test, probabilities, HERE / "misread.png")

    misread = int(np.sum(probabilities.argmax(-1) != y_test))
    print(f"\nTrained on {len(x_train):,} pictures for {len(history.epoch)} epochs in {seconds:.1f} s.")
    print(f"Test accuracy {accuracy:.4f}: {misread} of {len(y_test)} digits misread.")
    print(f"Wrote model.keras, curves.png and misread.png to {HERE.name}/.")
    if accuracy < REQUIRED_ACCURACY:
        print(f"The test accuracy is below {REQUIRED_ACCURACY}.", file=sys.stderr)
        return 1
    return 0


def build_model() -> keras.Model:
    """Three convolutions, 29,098 parameters."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape=(8, 8, 1)),
            layers.Rescaling(1 / 16),  # pixels are 0 to 16
            layers.Conv2D(32, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.Conv2D(32, 3, use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Conv2D(64, 3, use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )


def load_data() -> list[tuple[np.ndarray, np.ndarray]]:
    """The digits as (x, y) for training, validation and test: 72, 8 and 20 %, each with every class in proportion."""
    digits = load_digits()
    x, y = digits.images[..., np.newaxis].astype("float32"), digits.target.astype("int32")
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=0)
    x_train, x_valid, y_train, y_valid = train_test_split(
        x_train, y_train, test_size=0.1, stratify=y_train, random_state=0
    )
    return [(x_train, y_train), (x_valid, y_valid), (x_test, y_test)]


def with_shifted_copies(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each digit as it is, and moved by one pixel up, down, left and right."""
    height, width = x.shape[1:3]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    offsets = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    copies = [padded[:, top : top + height, left : left + width] for top, left in offsets]
    return np.concatenate(copies), np.tile(y, len(offsets))


if __name__ == "__main__":
    sys.exit(main())
