"""A model's outputs as named heads, each with its target, weights, loss and metrics: matched by name, never by luck."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keratin import losses as losses_module
from keratin import metrics as metrics_module
from keratin import ops, registry, tree
from keratin.errors import ArgumentError, DataError
from keratin.losses.loss import Loss
from keratin.metrics.base import Metric
from keratin.ops.mechanism import Tensor


def head_names(y_pred: Any, declared: Sequence[str] | None) -> list[str]:
    """Names of the outputs in flat order: those the model declares, the keys of a dict, or output_1, output_2, …"""
    flat = tree.flatten(y_pred)
    if declared is not None and len(declared) == len(flat):
        return list(declared)
    if isinstance(y_pred, dict) and len(y_pred) == len(flat):
        return sorted(y_pred, key=str)
    return ["output"] if len(flat) == 1 else [f"output_{i + 1}" for i in range(len(flat))]


def per_head(
    value: Any, names: Sequence[str], what: str, where: str, *, shared: bool, strict: bool = True
) -> list[Any]:
    """One entry of `value` per head.

    Args:
        value: one thing, a list in the order of the heads, or a dict by their names.
        names: of the heads.
        what: what the entries are, for messages.
        where: the model.
        shared: whether one thing stands for all heads.
        strict: whether every head needs an entry.

    Raises: ArgumentError for an unknown head, a missing one, or another number.
    """
    if isinstance(value, Mapping):
        unknown = [key for key in value if key not in names]
        if unknown:
            raise ArgumentError(
                f"`{what}` names an output that the model does not have.",
                where=where,
                expected=list(names),
                received=unknown,
            )
        missing = [name for name in names if name not in value]
        if missing and strict:
            raise DataError(
                f"`{what}` has no entry for an output.",
                where=where,
                expected=list(names),
                received=sorted(map(str, value)),
            )
        return [value.get(name) for name in names]
    if isinstance(value, list | tuple) and not (len(names) == 1 and what in ("metrics", "weighted_metrics")):
        flat = list(value) if len(value) == len(names) else tree.flatten(value)
        if len(flat) != len(names):
            raise ArgumentError(
                f"`{what}` has another number of entries than the model has outputs.",
                where=where,
                expected=list(names),
                received=len(flat),
            )
        return flat
    if value is None or shared or len(names) == 1:
        return [value] * len(names)
    raise ArgumentError(
        f"`{what}` is one thing, but the model has several outputs.",
        where=where,
        expected=f"a list or dict for {list(names)}",
        received=type(value),
    )


class CompiledLoss:
    """The losses of all heads, their weights, and a running mean of each where there are several.

    Args: loss, loss_weights: as in `compile`.  `names` come with `build`.
    """

    def __init__(self, loss: Any, loss_weights: Any, where: str) -> None:
        self.given, self.given_weights, self.where = loss, loss_weights, where
        self.names: list[str] | None = None
        self.functions: list[Any] = []
        self.weights: list[float] = []
        self.trackers: list[Metric | None] = []

    def build(self, names: list[str]) -> None:
        """Settle which loss belongs to which head."""
        if self.names == names:
            return
        given = per_head(self.given, names, "loss", self.where, shared=True, strict=False)
        self.functions = [None if loss is None else as_loss(loss) for loss in given]
        weights = per_head(self.given_weights, names, "loss_weights", self.where, shared=True, strict=False)
        self.weights = [1.0 if w is None else float(w) for w in weights]
        count = sum(f is not None for f in self.functions)
        self.trackers = [
            metrics_module.Mean(name=f"{n}_loss") if f is not None and count > 1 else None
            for n, f in zip(names, self.functions, strict=True)
        ]
        self.names = names

    @property
    def metrics(self) -> list[Metric]:
        """The running means of the heads' losses."""
        return [t for t in self.trackers if t is not None]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Tensor | None:
        """The weighted sum of the heads' losses, None if no head has one."""
        assert self.names is not None
        targets = per_head(y_true, self.names, "y", self.where, shared=False, strict=False)
        weights = per_head(sample_weight, self.names, "sample_weight", self.where, shared=True, strict=False)
        total: Any = None
        rows = list(
            zip(
                self.names,
                self.functions,
                targets,
                tree.flatten(y_pred),
                weights,
                self.weights,
                self.trackers,
                strict=True,
            )
        )
        for name, function, target, prediction, weight, factor, tracker in rows:
            if function is None:
                continue
            if target is None:
                raise DataError(
                    "An output has a loss but no target.",
                    where=f"{self.where}, output `{name}`",
                    expected="a target in `y`",
                    received=None,
                )
            value = function(target, prediction, sample_weight=weight)
            if tracker is not None:
                tracker.update_state(value, sample_weight=ops.shape(prediction)[0] if prediction.shape else None)
            value = value if factor == 1.0 else value * factor
            total = value if total is None else total + value
        return total


def as_loss(loss: Any) -> Callable[..., Tensor]:
    """A loss object of a name, class, object or function of (y_true, y_pred)."""
    found = losses_module.get(loss)
    if isinstance(found, Loss):
        return found
    name = getattr(found, "__name__", type(found).__name__)
    return losses_module.LossFunctionWrapper(found, name=name)


class CompiledMetrics:
    """The metrics of all heads."""

    def __init__(self, metrics: Any, weighted_metrics: Any, where: str) -> None:
        self.given, self.given_weighted, self.where = metrics, weighted_metrics, where
        self.names: list[str] | None = None
        self.plain: list[list[Metric]] = []
        self.weighted: list[list[Metric]] = []
        self.labels: dict[int, str] = {}

    def build(self, names: list[str], y_true: Any, y_pred: Any) -> None:
        """Make the metrics; what "accuracy" means depends on the shapes."""
        if self.names == names:
            return
        targets = per_head(y_true, names, "y", self.where, shared=False, strict=False)
        predictions = tree.flatten(y_pred)
        self.plain = self._resolve(self.given, "metrics", names, targets, predictions)
        self.weighted = self._resolve(self.given_weighted, "weighted_metrics", names, targets, predictions)
        used: set[str] = set()
        for group in (self.plain, self.weighted):
            for name, mine in zip(names, group, strict=True):
                for metric in mine:
                    label = metric.name if len(names) == 1 else f"{name}_{metric.name}"
                    if label in used:
                        label = f"weighted_{label}" if group is self.weighted else registry.unique_name(label)
                    used.add(label)
                    self.labels[id(metric)] = label
        self.names = names

    def _resolve(
        self, given: Any, what: str, names: list[str], targets: list[Any], predictions: list[Any]
    ) -> list[list[Metric]]:
        if given is None:
            return [[] for _ in names]
        if isinstance(given, Mapping) or len(names) == 1:
            rows = per_head(given, names, what, self.where, shared=True, strict=False)
        elif (
            isinstance(given, list | tuple)
            and len(given) == len(names)
            and any(isinstance(g, list | tuple) or g is None for g in given)
        ):
            rows = list(given)
        elif isinstance(given, list | tuple) and len(given) != len(names):
            raise ArgumentError(
                f"`{what}` is a flat list, but the model has several outputs.", where=self.where,
                expected=f"a dict by output name, or one list for each of {names}", received=given,
            )  # fmt: skip
        else:
            rows = list(given) if isinstance(given, list | tuple) else [given] * len(names)
        result = []
        for name, row, target, prediction in zip(names, rows, targets, predictions, strict=True):
            entries = [] if row is None else list(row) if isinstance(row, list | tuple) else [row]
            result.append(
                [as_metric(m, target, prediction, f"{self.where}, output `{name}`") for m in entries if m is not None]
            )
        return result

    @property
    def metrics(self) -> list[Metric]:
        """All of them."""
        return [m for group in (self.plain, self.weighted) for row in group for m in row]

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any) -> None:
        """Take a batch into account."""
        if self.names is None:
            return
        targets = per_head(y_true, self.names, "y", self.where, shared=False, strict=False)
        weights = per_head(sample_weight, self.names, "sample_weight", self.where, shared=True, strict=False)
        for plain, weighted, target, prediction, weight in zip(
            self.plain, self.weighted, targets, tree.flatten(y_pred), weights, strict=True
        ):
            if target is None:
                continue
            for metric in plain:
                metric.update_state(target, prediction)
            for metric in weighted:
                metric.update_state(target, prediction, sample_weight=weight)

    def result(self) -> dict[str, Any]:
        """Values by name."""
        logs: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            if isinstance(value, Mapping):
                logs.update(value)
            else:
                logs[self.labels[id(metric)]] = value
        return logs


def as_metric(identifier: Any, target: Any, prediction: Any, where: str) -> Metric:
    """A metric object of a name, class, object or function of (y_true, y_pred)."""
    if isinstance(identifier, Metric):
        return identifier
    label = identifier if isinstance(identifier, str) else None
    if str(identifier).lower() in ("accuracy", "acc", "crossentropy", "ce"):
        if target is None:
            raise ArgumentError("A metric needs targets.", where=where, received=identifier)
        meant = metrics_module.accuracy_for if "acc" in str(identifier).lower() else metrics_module.crossentropy_for
        identifier = meant(tuple(target.shape), tuple(prediction.shape))
    found = identifier if isinstance(identifier, Metric) else metrics_module.get(identifier)
    if not isinstance(found, Metric):
        name = label or getattr(found, "__name__", type(found).__name__)
        found = metrics_module.MeanMetricWrapper(found, name=name)
    if label is not None:
        found.name = label
    return found
