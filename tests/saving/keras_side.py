"""Run with Keras: read the files that Keratin wrote, and write Keras's own for Keratin to read.

python keras_side.py FOLDER: for each model of both.py reads NAME.keratin.keras and .weights.h5, and writes NAME.json
(what came out) and NAME.keras.keras, NAME.keras.weights.h5, NAME.keras.npz (its own).
"""

import json
import sys
import traceback
from pathlib import Path

import both
import keras
import numpy as np


def read(folder, name):
    x = both.MODELS[name][1]()
    fresh = both.MODELS[name][0](keras)
    both.outputs(fresh, x)
    model = keras.saving.load_model(folder / f"{name}.keratin.keras")
    optimizer = (
        [np.asarray(v).tolist() for v in model.optimizer.variables] if getattr(model, "optimizer", None) else None
    )
    loaded = both.outputs(model, x)
    fresh.load_weights(folder / f"{name}.keratin.weights.h5")
    return {
        "outputs": [o.tolist() for o in loaded],
        "from_weights": [o.tolist() for o in both.outputs(fresh, x)],
        "optimizer": optimizer,
    }


def write(folder, name):
    model, x = both.trained(keras, name)
    model.save(folder / f"{name}.keras.keras")
    model.save_weights(folder / f"{name}.keras.weights.h5")
    np.savez(folder / f"{name}.keras.npz", *both.outputs(model, x))
    optimizer = getattr(model, "optimizer", None)
    if optimizer:
        both.step(model, x)
        model.save_weights(folder / f"{name}.next.weights.h5")
    return {
        "optimizer": [v.path for v in optimizer.variables] if optimizer else None,
    }


def main(folder):
    for name in both.MODELS:
        result = {}
        for key, work in (("read", read), ("wrote", write)):
            try:
                result[key] = work(folder, name)
            except Exception:
                result[key] = {"error": traceback.format_exc()}
        (folder / f"{name}.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
