"""Constraints against their formulas, and as data for files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keratin import constraints
from keratin.errors import ConfigError, StateError
from keratin.ops import mechanism
from keratin.testing.arrays import f32, host

W = f32(3, 4)
NORM0 = np.linalg.norm(W, axis=0, keepdims=True)
NORM1 = np.linalg.norm(W, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("constraint", "right", "config"),
    [
        (constraints.MaxNorm(), W * np.minimum(1, 2 / NORM0), {"max_value": 2, "axis": 0}),
        (constraints.MaxNorm(0.5, 1), W * np.minimum(1, 0.5 / NORM1), {"max_value": 0.5, "axis": 1}),
        (constraints.NonNeg(), np.maximum(W, 0), {}),
        (constraints.UnitNorm(), W / NORM0, {"axis": 0}),
        (constraints.UnitNorm((0, 1)), W / np.linalg.norm(W), {"axis": [0, 1]}),
        (
            constraints.MinMaxNorm(1.0, 1.5, 0.5),
            W * (0.5 * np.clip(NORM0, 1, 1.5) + 0.5 * NORM0) / NORM0,
            {"min_value": 1.0, "max_value": 1.5, "rate": 0.5, "axis": 0},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_and_data(constraint: Any, right: np.ndarray, config: dict[str, Any]) -> None:
    np.testing.assert_allclose(host(constraint(mechanism.convert(W))), right, rtol=1e-5, atol=1e-6)
    assert constraint.get_config() == config
    copy = constraints.deserialize(constraints.serialize(constraint))
    assert type(copy) is type(constraint) and copy.get_config() == config
    np.testing.assert_array_equal(host(copy(W)), host(constraint(W)))


def test_zeros_stay() -> None:
    for constraint in (constraints.MaxNorm(), constraints.UnitNorm(), constraints.MinMaxNorm(1.0, 2.0)):
        np.testing.assert_array_equal(host(constraint(np.zeros((2, 2), np.float32))), np.zeros((2, 2)))


def test_like_keras() -> None:
    keras = pytest.importorskip("keras")
    for name in ("MaxNorm", "NonNeg", "UnitNorm", "MinMaxNorm"):
        ours = getattr(constraints, name)()
        theirs = keras.constraints.deserialize(constraints.serialize(ours))
        np.testing.assert_allclose(
            host(ours(W)), np.asarray(theirs(keras.ops.convert_to_tensor(W))), rtol=1e-5, atol=1e-6
        )


def test_names() -> None:
    for name in ("MaxNorm", "max_norm", "NonNeg", "non_neg", "UnitNorm", "unit_norm", "MinMaxNorm", "min_max_norm"):
        assert isinstance(constraints.get(name), constraints.Constraint)
    assert constraints.get(None) is None
    with pytest.raises(ConfigError, match="'max_norm'"):
        constraints.get("maxnorm")
    with pytest.raises(StateError, match="Constraint"):
        constraints.Constraint()(W)
