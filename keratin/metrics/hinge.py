"""Margin losses as metrics."""

from __future__ import annotations

from typing import Any

from keratin import losses
from keratin.metrics.reduction import MeanMetricWrapper


class Hinge(MeanMetricWrapper):
    """The mean margin loss of two classes, see `losses.hinge`.

    >>> float(Hinge()([[1.0], [0.0]], [[0.5], [-2.0]]))
    0.25
    """

    def __init__(self, name: str | None = "hinge", dtype: Any = None) -> None:
        super().__init__(losses.hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """The mean squared margin loss of two classes, see `losses.squared_hinge`.

    >>> float(SquaredHinge()([[1.0], [0.0]], [[0.5], [-2.0]]))
    0.125
    """

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(losses.squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """The mean margin loss of several classes, see `losses.categorical_hinge`.

    >>> float(CategoricalHinge()([[0.0, 1.0]], [[0.25, 0.5]]))
    0.75
    """

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(losses.categorical_hinge, name, dtype)
