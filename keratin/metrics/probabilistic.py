"""Losses of distributions as metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keratin import losses
from keratin.metrics.accuracy import kind_of_targets
from keratin.metrics.base import Metric
from keratin.metrics.reduction import MeanMetricWrapper
from keratin.ops.mechanism import Tensor


class KLDivergence(MeanMetricWrapper):
    """The mean Kullback-Leibler divergence, see `losses.kl_divergence`.

    >>> round(float(KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])), 4)
    0.1438
    """

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(losses.kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """The mean loss of counts, see `losses.poisson`.

    >>> round(float(Poisson()([[2.0]], [[1.0]])), 4)
    1.0
    """

    def __init__(self, name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(losses.poisson, name, dtype)


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of two classes, see `losses.binary_crossentropy`.

    >>> round(float(BinaryCrossentropy()([[0.0], [1.0]], [[0.5], [0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(losses.binary_crossentropy, name, dtype)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return losses.binary_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy with one-hot targets, see `losses.categorical_crossentropy`.

    >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(losses.categorical_crossentropy, name, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return losses.categorical_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing, self.axis)


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy with class numbers as targets, see `losses.sparse_categorical_crossentropy`.

    >>> round(float(SparseCategoricalCrossentropy(ignore_class=-1)([1, -1], [[0.5, 0.5], [1.0, 0.0]])), 4)
    0.6931
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return losses.sparse_categorical_crossentropy(y_true, y_pred, self.from_logits, self.ignore_class, self.axis)


def crossentropy_for(
    y_true_shape: Sequence[int | None], y_pred_shape: Sequence[int | None], name: str | None = "crossentropy"
) -> Metric:
    """The metric that "crossentropy" means for targets and an output of these shapes.

    >>> crossentropy_for((None,), (None, 10))
    <SparseCategoricalCrossentropy name=crossentropy>
    """
    kind = kind_of_targets(y_true_shape, y_pred_shape)
    classes = {
        "binary": BinaryCrossentropy,
        "sparse": SparseCategoricalCrossentropy,
        "categorical": CategoricalCrossentropy,
    }
    return classes[kind](name=name)
