"""Targets checked on the host before training, where an error can still name the row.

Inside a compiled program a wrong label cannot raise: it gives NaN, or a loss that means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from keratin import losses
from keratin.errors import DataError, KeratinError, ShapeError
from keratin.losses.alignment import check_equal
from keratin.losses.loss import LossFunctionWrapper

CHUNK = 1 << 20
"""Numbers looked at at once, so that a memory-mapped array is never held whole."""


def check_targets(
    loss: Any,
    y_true: Any,
    y_pred_shape: Sequence[int | None],
    where: str = "y",
    y_pred: Any = None,
    *,
    first_row: int = 0,
) -> list[str]:
    """Whether targets can be used with a loss and an output.

    Args:
        loss: a loss, a function, or a name.
        y_true: the targets of one output, an array of whole data or of a batch.
        y_pred_shape: the shape of the output, its batch size may be None.
        where: what the targets are called in messages.
        y_pred: predictions for some of the targets, if there are any: they are looked at too.
        first_row: the number of the first row, if `y_true` is a part of the data.

    Returns: warnings, as texts. A loss that is not Keratin's gets only the checks that hold for all.
    Raises: ShapeError or DataError, with the first row that is wrong.

    >>> check_targets("sparse_categorical_crossentropy", np.array([0, 2, 10]), (None, 10))
    Traceback (most recent call last):
    keratin.errors.DataError: A label is outside of the classes.
      Where:    y, row 2
      Expected: 0 to 9, as the output has 10 classes
      Received: 10
      Hint:     count classes from 0, or give the last layer 11 units
    """
    targets = np.asarray(y_true)
    if targets.dtype.kind in "USO":
        raise DataError(
            "The targets are no numbers.",
            where=where,
            expected="numbers",
            received=f"dtype {targets.dtype}, such as {targets.flat[0]!r}"
            if targets.size
            else f"dtype {targets.dtype}",
            hint="number the classes, for example with a StringLookup layer",
        )
    target = Target(loss, targets, tuple(y_pred_shape), where, first_row)
    warnings = target.not_finite()
    check = _CHECKS.get(target.name)
    if check is not None and len(target.output) > 0:
        warnings += check(target)
    if y_pred is not None:
        target.check_predictions(np.asarray(y_pred))
    return warnings


class Target:
    """The targets of one output, and what they are to be used with."""

    def __init__(
        self, loss: Any, values: np.ndarray[Any, Any], output: tuple[int | None, ...], where: str, first_row: int
    ) -> None:
        self.loss = losses.get(loss)
        self.values, self.output, self.where, self.first_row = values, output, where, first_row
        function = self.loss.fn if isinstance(self.loss, LossFunctionWrapper) else self.loss
        self.name = _NAMES.get(function if function in _NAMES else type(function), "")
        self.arguments: Any = self.loss.arguments if isinstance(self.loss, LossFunctionWrapper) else vars(self.loss)

    @property
    def axis(self) -> int:
        """The axis of the classes."""
        return self.arguments.get("axis", -1) % len(self.output)

    @property
    def classes(self) -> int | None:
        """The number of classes, if known."""
        return self.output[self.axis]

    @property
    def without_classes(self) -> tuple[int | None, ...]:
        """The shape of the output without the axis of the classes."""
        return (*self.output[: self.axis], *self.output[self.axis + 1 :])

    def is_shaped(self, shape: Sequence[int | None]) -> bool:
        """Whether the targets have this shape, up to the batch size."""
        given = self.values.shape
        return len(given) == len(shape) and all(b is None or a == b for a, b in zip(given[1:], shape[1:], strict=True))

    def are_labels(self) -> bool:
        """Whether the targets have a number per row where the output has several."""
        several = self.classes not in (1, None)
        return several and (self.is_shaped(self.without_classes) or self.is_shaped((*self.without_classes, 1)))

    def check_shape(self) -> None:
        """Raises: ShapeError where the loss itself would."""
        given, expected = self.values.shape, self.output
        if len(given) == len(expected) - 1 and expected[-1] == 1:
            given = (*given, 1)
        elif len(given) == len(expected) + 1 and given[-1] == 1:
            given = given[:-1]
        try:
            check_equal((None, *given[1:]), (None, *expected[1:]), self.name)
        except ShapeError as error:
            raise ShapeError(
                error.what,
                where=f"{self.where} ({self.name})",
                expected=error.expected,
                received=error.received,
                hint=error.hint,
            ) from None

    def first(self, is_bad: Callable[[Any], Any]) -> tuple[int, Any] | None:
        """Row and value of the first number of which `is_bad` holds."""
        for start, part in self._parts(self.values):
            bad = is_bad(part)
            if bad.any():
                place = np.unravel_index(int(bad.argmax()), part.shape)
                return start + int(place[0]) if place else 0, part[place].item()
        return None

    @staticmethod
    def _parts(values: np.ndarray[Any, Any]) -> Iterator[tuple[int, np.ndarray[Any, Any]]]:
        if values.ndim == 0 or values.size <= CHUNK:
            yield 0, values
            return
        rows = max(1, CHUNK * len(values) // values.size)
        for start in range(0, len(values), rows):
            yield start, values[start : start + rows]

    def row(self, number: int) -> str:
        """A row, as messages name it."""
        return f"{self.where}, row {self.first_row + number}"

    def error(self, what: str, found: tuple[int, Any], expected: str, hint: str | None = None) -> KeratinError:
        """The error for the first wrong number."""
        return DataError(what, where=self.row(found[0]), expected=expected, received=found[1], hint=hint)

    def not_finite(self) -> list[str]:
        """A warning if a target is NaN or infinite."""
        if self.values.dtype.kind not in "fc" and self.values.dtype.name != "bfloat16":
            return []
        found = self.first(lambda part: ~np.isfinite(part))
        if found is None:
            return []
        return [f"The targets hold {found[1]} ({self.row(found[0])}): the loss will be NaN or infinite."]

    def check_predictions(self, y_pred: np.ndarray[Any, Any]) -> None:
        """Raises: DataError for predictions outside of [0, 1] where the loss takes probabilities."""
        if self.name not in _PROBABILITIES or self.arguments.get("from_logits", False):
            return
        beyond = Target(self.loss, y_pred, self.output, "the output", self.first_row)
        found = beyond.first(lambda part: (part < -1e-3) | (part > 1 + 1e-3))
        if found is not None:
            activation = "sigmoid" if self.name.startswith("binary") else "softmax"
            raise beyond.error(
                f"The output is no probability, as `{self.name}` takes it.",
                found,
                "values from 0 to 1",
                f"pass from_logits=True to the loss, or end the model with a {activation}",
            )


def _check_sparse(target: Target) -> list[str]:
    if target.is_shaped(target.output) and target.classes not in (1, None):
        raise ShapeError(
            "The targets have a number for each class, but this loss takes class numbers.",
            where=f"{target.where} ({target.name})",
            expected=f"targets of shape {target.without_classes}",
            received=target.values.shape,
            hint="use the loss `categorical_crossentropy`, or pass `y.argmax(-1)`",
        )
    if not (target.is_shaped(target.without_classes) or target.is_shaped((*target.without_classes, 1))):
        raise ShapeError(
            "The labels do not fit the output.",
            where=f"{target.where} ({target.name})",
            expected=f"targets of shape {target.without_classes} for an output of shape {target.output}",
            received=target.values.shape,
        )
    ignored, classes = target.arguments.get("ignore_class"), target.classes
    if target.values.dtype.kind not in "iub":
        found = target.first(lambda part: np.isfinite(part) & (part != np.floor(part)))
        if found is not None:
            raise target.error(
                "A label is no whole number.",
                found,
                "class numbers",
                "use `categorical_crossentropy` for shares of classes",
            )
    found = target.first(
        lambda part: _outside(part, classes) if ignored is None else _outside(part, classes) & (part != ignored)
    )
    if found is not None:
        expected = "0 or more" if classes is None else f"0 to {classes - 1}, as the output has {classes} classes"
        hint = "pass ignore_class to the loss if this label marks samples without a class"
        if classes is not None and found[1] >= classes:
            hint = f"count classes from 0, or give the last layer {int(found[1]) + 1} units"
        raise target.error("A label is outside of the classes.", found, expected, hint)
    return []


def _outside(part: Any, classes: int | None) -> Any:
    below = part < 0 if part.dtype.kind != "b" else np.zeros(part.shape, bool)
    return below if classes is None else below | (part >= classes)


def _check_categorical(target: Target) -> list[str]:
    if target.are_labels():
        raise ShapeError(
            f"The targets have one number per sample, but `{target.name}` takes one for each class.",
            where=target.where,
            expected=f"targets of shape {target.output}",
            received=target.values.shape,
            hint="for class numbers use the loss `sparse_categorical_crossentropy`, or make one-hot targets with "
            "`utils.to_categorical`",
        )
    target.check_shape()
    if target.classes == 1:
        return [
            f"`{target.name}` of an output with one class does not depend on it ({target.where}): "
            "use `binary_crossentropy`."
        ]
    if target.name == "categorical_hinge":
        return []
    found = target.first(lambda part: part < 0) if target.values.dtype.kind != "b" else None
    if found is not None:
        raise target.error("A target is negative.", found, "shares of classes, which are 0 or more")
    axis = target.axis if len(target.output) == target.values.ndim else -1
    for start, part in target._parts(target.values):
        sums = np.atleast_1d(part.sum(axis=axis, dtype="float64"))
        bad = np.isfinite(sums) & (np.abs(sums - 1) > 1e-2)
        if bad.any():
            place = np.unravel_index(int(bad.argmax()), bad.shape)
            row = target.row(start + int(place[0]))
            text = f"Targets of `{target.name}` sum to {sums[place]:g} over the classes ({row}), not to 1"
            return [f"{text}; several labels per sample want `binary_crossentropy`."]
    return []


def _check_binary(target: Target) -> list[str]:
    target.check_shape()
    if target.values.dtype.kind == "b":
        return []
    found = target.first(lambda part: (part < 0) | (part > 1))
    if found is not None:
        hint = None
        if found[1] == -1:
            hint = "labels -1 and 1 are for hinge losses: use `(y + 1) / 2`"
        elif found[1] > 1:
            hint = "for several classes use `sparse_categorical_crossentropy` and an output with one unit for each"
        raise target.error(f"A target of `{target.name}` is no probability.", found, "0 to 1", hint)
    return []


def _check_hinge(target: Target) -> list[str]:
    target.check_shape()
    if target.values.dtype.kind == "b":
        return []
    found = target.first(lambda part: (part != 0) & (np.abs(part) != 1))
    if found is not None:
        raise target.error(f"A target of `{target.name}` is no label of two classes.", found, "-1 and 1, or 0 and 1")
    if target.first(lambda part: part == 0) and target.first(lambda part: part == -1):
        return [f"The targets of `{target.name}` hold -1, 0 and 1: a 0 counts for nothing beside -1 ({target.where})."]
    return []


def _check_regression(target: Target) -> list[str]:
    target.check_shape()
    if target.values.dtype.kind == "b":
        return []
    if target.name == "mean_absolute_percentage_error":
        found = target.first(lambda part: part == 0)
        if found is not None:
            return [f"A target is 0 ({target.row(found[0])}): the percentage error there is huge."]
    if target.name in ("mean_squared_logarithmic_error", "poisson"):
        found = target.first(lambda part: part < 0)
        if found is not None:
            return [f"A target is negative ({target.row(found[0])}): `{target.name}` takes numbers from 0 on."]
    return []


def _families() -> dict[str, tuple[Callable[[Target], list[str]], str]]:
    """Name of each function, its check, and the name of its class."""
    return {
        "sparse_categorical_crossentropy": (_check_sparse, "SparseCategoricalCrossentropy"),
        "categorical_generalized_cross_entropy": (_check_sparse, "CategoricalGeneralizedCrossEntropy"),
        "categorical_crossentropy": (_check_categorical, "CategoricalCrossentropy"),
        "categorical_focal_crossentropy": (_check_categorical, "CategoricalFocalCrossentropy"),
        "categorical_hinge": (_check_categorical, "CategoricalHinge"),
        "kl_divergence": (_check_categorical, "KLDivergence"),
        "binary_crossentropy": (_check_binary, "BinaryCrossentropy"),
        "binary_focal_crossentropy": (_check_binary, "BinaryFocalCrossentropy"),
        "dice": (_check_binary, "Dice"),
        "tversky": (_check_binary, "Tversky"),
        "hinge": (_check_hinge, "Hinge"),
        "squared_hinge": (_check_hinge, "SquaredHinge"),
        **{
            name: (_check_regression, cls)
            for name, cls in (
                ("mean_squared_error", "MeanSquaredError"),
                ("mean_absolute_error", "MeanAbsoluteError"),
                ("mean_absolute_percentage_error", "MeanAbsolutePercentageError"),
                ("mean_squared_logarithmic_error", "MeanSquaredLogarithmicError"),
                ("huber", "Huber"),
                ("log_cosh", "LogCosh"),
                ("cosine_similarity", "CosineSimilarity"),
                ("poisson", "Poisson"),
            )
        },
    }


_CHECKS = {name: check for name, (check, _) in _families().items()}
_NAMES: dict[Any, str] = {getattr(losses, key): name for name, (_, cls) in _families().items() for key in (name, cls)}
_PROBABILITIES = (
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
)
