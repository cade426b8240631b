"""What all losses share: dtypes, weights, masks, and how values per sample become one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keratin import dtypes, ops, registry, shapes, tree
from keratin.errors import ArgumentError, StateError
from keratin.losses.alignment import as_column, at_least_float32, floating, weights_like
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike, dtype_of
from keratin.state import masks, policy

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss(registry.Configurable):
    """A measure of how far predictions are from targets, which training makes small.

    Args:
        name: a name for logs.
        reduction: "sum_over_batch_size" or "mean": weighted sum divided by the number of values;
            "mean_with_sample_weight": divided by the sum of weights; "sum"; "none" or None: a value per sample.
        dtype: the dtype to compute in; by default that of the predictions, float32 for half precision.

    A subclass defines `call(y_true, y_pred)`, which returns a value per sample.

    >>> class Distance(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return ops.sqrt(ops.sum(ops.square(y_pred - y_true), axis=-1))
    >>> float(Distance()([[0.0, 0.0]], [[3.0, 4.0]]))
    5.0
    """

    integer_targets = False
    """Whether `call` takes class numbers as they are, rather than as floats."""
    elementwise = False
    """Whether `call` averages what it finds for each number, so that a vector may be read as one number per sample."""
    uses_mask = True
    """Whether a mask of the predictions weighs what `call` returns."""

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        self.name = name or registry.unique_name(registry.snake_case(type(self).__name__))
        self.reduction = standardize_reduction(reduction)
        self._dtype = None if dtype is None else policy.get(dtype).compute_dtype

    @property
    def dtype(self) -> str | None:
        """The dtype that was asked for, or None."""
        return self._dtype

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """The loss of each sample.  Subclasses define it."""
        raise StateError(
            f"`{type(self).__name__}` defines no `call`.", where=self.name, hint="define `call(self, y_true, y_pred)`"
        )

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: TensorLike | None = None, mask: TensorLike | None = None
    ) -> Tensor:
        """The loss of a batch.

        Args:
            y_true, y_pred: tensors, or nests of them if `call` takes these.
            sample_weight: weights of the leading axes of what `call` returns.
            mask: which positions count; by default the mask that `y_pred` carries, unless a function of the user
                returns one number: then it looks after the mask itself.
        Raises: ShapeError if shapes do not fit.
        """
        carried = masks.get_mask(y_pred) if mask is None and self.uses_mask and not tree.is_nested(y_pred) else None
        prediction = _map(floating, y_pred)
        dtype = self._dtype or _common_dtype(prediction)
        prediction, target = _cast(prediction, dtype), _map(mechanism.convert, y_true)
        if self.elementwise and not (sample_weight is None and mask is None and carried is None):
            prediction = as_column(prediction)
        values = mechanism.convert(self.call(target if self.integer_targets else _cast(target, dtype), prediction))
        if carried is not None and not looks_after_masks(self._target, values):
            mask = carried
        of_values = masks.get_mask(values)
        if of_values is not None:
            mask = of_values if mask is None else _both(mask, of_values)
        return reduce_weighted_values(values, sample_weight, mask, self.reduction, dtype)

    @property
    def _target(self) -> Any:
        """What computes the values, to tell Keratin's own from the user's."""
        return type(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class LossFunctionWrapper(Loss):
    """A function of (y_true, y_pred) as a loss.

    Args:
        fn: returns a value per sample.
        reduction, name, dtype: as for `Loss`.
        **kwargs: further arguments of the function.

    >>> loss = LossFunctionWrapper(lambda y_true, y_pred, power: ops.mean((y_true - y_pred) ** power, axis=-1), power=4)
    >>> float(loss([[1.0]], [[3.0]]))
    16.0
    """

    def __init__(
        self,
        fn: Callable[..., Tensor],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn, self.arguments = fn, kwargs
        self.integer_targets = getattr(fn, "integer_targets", False)
        self.elementwise = getattr(fn, "elementwise", False)

    @property
    def _target(self) -> Any:
        return self.fn

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        return self.fn(y_true, y_pred, **self.arguments)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {"fn": registry.serialize(self.fn), **registry.to_config(self.arguments)}
        return {**own, "reduction": self.reduction, "name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LossFunctionWrapper:
        """A loss made of what `get_config` gave."""
        config = dict(config)
        fn = config.pop("fn")
        if isinstance(fn, str):
            fn = {"class_name": "function", "config": fn, "module": "keras.losses"}
        return cls(registry.deserialize(fn), **{key: registry.deserialize(value) for key, value in config.items()})

    def __repr__(self) -> str:
        return f"<LossFunctionWrapper({self.name}, kwargs={self.arguments})>"


def looks_after_masks(target: Any, values: Tensor) -> bool:
    """Whether a function of the user made one number of everything, so that a carried mask has nothing to weigh."""
    return len(values.shape) == 0 and registry.public_module(target) is None


# ---- from values per sample to one number


def standardize_reduction(reduction: str | None) -> str | None:
    """`reduction` itself.  Raises: ArgumentError if there is none of that name."""
    if reduction not in REDUCTIONS:
        raise ArgumentError("There is no such reduction.", where="reduction", expected=REDUCTIONS, received=reduction)
    return reduction


def reduce_weighted_values(
    values: TensorLike,
    sample_weight: TensorLike | None = None,
    mask: TensorLike | None = None,
    reduction: str | None = "sum_over_batch_size",
    dtype: str | None = None,
) -> Tensor:
    """The values, weighted and reduced.

    Args:
        values: a value per sample, or per sample and step.
        sample_weight, mask: for the leading axes of `values`. With a mask, means are over the positions that count.
        reduction: as for `Loss`.
        dtype: of the result.
    Raises: ShapeError if weights do not fit.

    >>> float(reduce_weighted_values([1.0, 2.0, 6.0], mask=[True, True, False]))
    1.5
    """
    reduction = standardize_reduction(reduction)
    values = at_least_float32(floating(values)) if dtype is None else ops.cast(mechanism.convert(values), dtype)
    weights = None if sample_weight is None else weights_like(_as(sample_weight, values), values)
    if mask is not None:
        of_mask = weights_like(_as(mask, values), values, "mask")
        if reduction in ("mean", "sum_over_batch_size"):
            valid = ops.sum(of_mask)
            of_mask = of_mask * (ops.sum(ops.ones_like(of_mask)) / ops.maximum(valid, 1.0))
        weights = of_mask if weights is None else weights * of_mask
    if weights is not None:
        values = values * weights
    if reduction in (None, "none"):
        return values
    if reduction == "mean_with_sample_weight" and weights is not None:
        return ops.divide_no_nan(ops.sum(values), ops.sum(weights * ops.ones_like(values)))
    if reduction == "sum" or shapes.size(values.shape) == 0:
        return ops.sum(values)
    return ops.mean(values)


def _as(weights: TensorLike, values: Tensor) -> Tensor:
    return ops.cast(mechanism.convert(weights), dtype_of(values))


def _both(first: TensorLike, second: TensorLike) -> Tensor:
    """Positions that count in both masks; the one of fewer axes holds for the leading ones."""
    a, b = (ops.cast(mechanism.convert(m), "bool") for m in (first, second))
    if len(a.shape) < len(b.shape):
        a, b = b, a
    return ops.logical_and(a, weights_like(b, a, "mask"))


def _common_dtype(prediction: Any) -> str:
    names = [dtype_of(x) for x in tree.flatten(prediction) if x is not None]
    return mechanism.canonical(dtypes.result_type("float32", *names))


def _map(function: Callable[[Any], Tensor], nest: Any) -> Any:
    """The tensors of a nest; lists of numbers count as one tensor."""
    if not tree.is_nested(nest):
        return None if nest is None else function(nest)
    if isinstance(nest, list | tuple) and all(isinstance(x, int | float) for x in tree.flatten(nest)):
        return function(nest)
    return tree.map_structure(lambda x: None if x is None else function(x), nest)


def _cast(nest: Any, dtype: str) -> Any:
    return tree.map_structure(
        lambda x: x if x is None or dtype_of(x) in (dtype, *dtypes.COMPLEX) else ops.cast(x, dtype), nest
    )
