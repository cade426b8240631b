"""Sums and means over batches, the base of most metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keratin import dtypes, ops, registry
from keratin.losses.alignment import as_column, weights_like
from keratin.losses.loss import looks_after_masks
from keratin.metrics.base import Metric
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike, dtype_of
from keratin.state import masks


class Sum(Metric):
    """The weighted sum of all values.

    >>> metric = Sum()
    >>> metric.update_state([1.0, 2.0]), float(metric([3.0], sample_weight=[10.0]))
    (None, 33.0)
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), None, name="total")

    def update_state(self, values: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Add values.  Raises: ShapeError if the weights do not fit their leading axes."""
        values, weights = weighted(values, sample_weight, self.dtype)
        self.total.assign_add(ops.sum(values if weights is None else values * weights))

    def result(self) -> Tensor:
        """The sum."""
        return self.total.value


class Mean(Metric):
    """The weighted mean of all values, whatever the sizes of the batches.

    >>> metric = Mean()
    >>> metric.update_state([1.0, 2.0]), float(metric([6.0]))
    (None, 3.0)
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), None, name="total")
        self.count = self.add_variable((), None, name="count")

    def update_state(self, values: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Take values into account.  Raises: ShapeError if the weights do not fit their leading axes."""
        values, weights = weighted(values, sample_weight, self.dtype)
        if weights is None:
            weights = ops.ones_like(values)
        else:
            weights = weights * ops.ones_like(values)
            values = values * weights
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(ops.sum(weights))

    def result(self) -> Tensor:
        """The mean, 0 if there were no values."""
        return ops.divide_no_nan(self.total.value, self.count.value)


class MeanMetricWrapper(Mean):
    """The weighted mean of a function of targets and predictions.

    Args:
        fn: returns a value per sample (or per sample and step) of (y_true, y_pred).
        name, dtype: as for `Metric`.
        **kwargs: further arguments of the function.

    >>> metric = MeanMetricWrapper(lambda y_true, y_pred: ops.abs(y_true - y_pred), name="distance")
    >>> float(metric([1.0, 2.0], [2.0, 5.0]))
    2.0
    """

    def __init__(self, fn: Callable[..., Tensor], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name or getattr(fn, "__name__", None), dtype)
        self.fn, self.arguments = fn, kwargs

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The values of a batch."""
        return self.fn(y_true, y_pred, **self.arguments)

    def update_state(  # pyright: ignore[reportIncompatibleMethodOverride] - as in Keras
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Take a batch into account; positions that a mask of `y_pred` leaves out do not count."""
        mask = masks.get_mask(y_pred)
        target, prediction = mechanism.convert(y_true), mechanism.convert(y_pred)
        as_they_are = getattr(self.fn, "integer_targets", False)
        target, prediction = (
            y if as_they_are and dtype_of(y) not in dtypes.FLOAT else ops.cast(y, self.dtype)
            for y in (target, prediction)
        )
        if getattr(self.fn, "elementwise", False):
            prediction = as_column(prediction)
        values = mechanism.convert(self.compute(target, prediction))
        if mask is not None and looks_after_masks(self.fn, values):
            mask = None
        weights = combined(sample_weight, mask, masks.get_mask(values), values, self.dtype)
        masks.set_mask(values, None)
        super().update_state(values, weights)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = {"name": self.name, "dtype": self.dtype}
        if type(self) is not MeanMetricWrapper:
            return config
        return {**config, "fn": registry.serialize(self.fn), **registry.to_config(self.arguments)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A metric made of what `get_config` gave."""
        config = {key: value if key == "fn" else registry.deserialize(value) for key, value in config.items()}
        if "fn" in config:
            fn = config["fn"]
            config["fn"] = registry.deserialize(
                {"class_name": "function", "config": fn, "module": "keras.metrics"} if isinstance(fn, str) else fn
            )
        return super().from_config(config)


def weighted(values: TensorLike, sample_weight: TensorLike | None, dtype: str) -> tuple[Tensor, Tensor | None]:
    """Values and weights in `dtype`, the weights with axes of size 1 where they have none.  Raises: ShapeError."""
    mask = masks.get_mask(values)
    values = ops.cast(mechanism.convert(values), dtype)
    weights = combined(sample_weight, mask, None, values, dtype)
    return values, weights


def combined(
    sample_weight: TensorLike | None, mask: TensorLike | None, other: TensorLike | None, values: Tensor, dtype: str
) -> Tensor | None:
    """The product of weights and masks, as weights of `values`; None if there are none."""
    result = None
    for name, weight in (("sample_weight", sample_weight), ("mask", mask), ("mask", other)):
        if weight is not None:
            part = weights_like(ops.cast(mechanism.convert(weight), dtype), values, name)
            result = part if result is None else result * part
    return result
