"""CTC against the sum over all alignments, which is small for small inputs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from keratin import losses, ops
from keratin.errors import ShapeError
from keratin.losses import CTC

pytestmark = pytest.mark.skipif(not hasattr(ops, "ctc_loss"), reason="`ops.ctc_loss` is not written yet")


def all_alignments(labels, logits):
    """Minus the logarithm of the summed probability of all paths that collapse to the labels."""
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        collapsed = [c for c, _ in itertools.groupby(path) if c != 0]
        if collapsed == [label for label in labels if label != 0]:
            total += np.prod(probabilities[np.arange(len(path)), path])
    return -np.log(total)


def test_value():
    logits = np.random.default_rng(0).normal(size=(3, 5, 4)).astype("float32")
    labels = np.array([[1, 2], [3, 3], [2, 1]])
    expected = [all_alignments(row, x) for row, x in zip(labels, logits.astype("float64"), strict=True)]
    np.testing.assert_allclose(np.asarray(losses.ctc(labels, logits)), expected, rtol=1e-5)
    assert float(CTC()(labels, logits)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_shapes_that_do_not_fit():
    with pytest.raises(ShapeError, match="batch, time, classes"):
        losses.ctc(np.array([1, 2]), np.zeros((2, 5, 4), "float32"))
