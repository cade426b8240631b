"""What each row's layer gives in float64, for other backends and dtypes to be compared with.

The answers are computed by the NumPy backend in float64 and kept in answers.json: some elements of each output and of
the new weights, for the weights that `randomize` gives. `python tools/layer_answers.py` writes the file after a row was
added.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np

from keratin import layers, tree
from keratin.backends import select
from keratin.testing.layers.case import Case

FILE = Path(__file__).parent / "answers.json"
ELEMENTS = 10
"""How many elements of an array are kept, evenly spaced."""


def answer(row: Case, dtype: str = "float32") -> list[list[float]]:
    """Elements of each output and each new weight, without and with training."""
    layer = row.make(dtype=dtype)
    layer(row.data(), **row.called())
    randomize(layer)
    found: list[list[float]] = []
    for training in (False,) if row.random else (False, True):
        outputs = layer(row.data(), training=training, **row.called())
        arrays = [select.current().to_host(x) for x in tree.flatten(outputs)]
        found += [_elements(x) for x in [*arrays, *(layer.get_weights() if training else [])]]
    return found


def _elements(array: np.ndarray) -> list[float]:
    flat = np.asarray(array, np.float64).ravel()
    places = np.unique(np.linspace(0, max(flat.size - 1, 0), ELEMENTS).astype(int)) if flat.size else []
    return [*(float(flat[i]) for i in places), float(np.sum(flat))]


def randomize(layer: layers.Layer) -> None:
    """Weights that tell every mistake: positive, because variances are among them, and all different."""
    generator = np.random.default_rng(7)
    layer.set_weights([generator.uniform(0.2, 1.0, v.shape).astype("float32") for v in layer.weights])


@functools.cache
def kept() -> dict[str, list[list[float]]]:
    """The answers of the file, by names of rows."""
    return json.loads(FILE.read_text())
