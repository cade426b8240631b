"""Load demo/model.keras in a fresh process and compare its predictions, bit for bit, with those that train.py saved."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import keratin as keras

HERE = Path(__file__).parent


def main() -> int:
    saved = np.load(HERE / "predictions.npz")
    model = keras.models.load_model(HERE / "model.keras")
    probabilities = model.predict(saved["x"], verbose=0)
    if (
        probabilities.dtype != saved["probabilities"].dtype
        or probabilities.tobytes() != saved["probabilities"].tobytes()
    ):
        difference = np.abs(probabilities - saved["probabilities"]).max()
        print(f"The loaded model predicts something else: largest difference {difference:.3g}.", file=sys.stderr)
        return 1
    print(f"A new process loaded model.keras: all {len(probabilities)} predictions are the same to the bit.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
