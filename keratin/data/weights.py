"""Sample weights: from weights of classes, and spread over several outputs.  NumPy, on the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keratin import config
from keratin.data.adapters import rebuilt, to_numpy
from keratin.errors import DataError


def sample_weights_of_classes(y: Any, class_weight: Any) -> Any:
    """The weights of samples with targets `y`, in a nest like `y`.

    Args:
        y: class numbers, shape (rows,), (rows, 1) or (rows, steps, 1), or one-hot rows; or a nest of them by output.
        class_weight: a dict from class to weight, where omitted classes weigh 1; with several outputs a dict by
            output name, or a list in the order of a list of targets, where omitted outputs weigh 1.
    Raises: DataError for classes that are no integers, and outputs that do not exist.

    >>> sample_weights_of_classes(np.array([0, 1, 2]), {1: 3.0}).tolist()
    [1.0, 3.0, 1.0]
    """
    if y is None:
        raise DataError(
            "`class_weight` needs targets.", where="class_weight", expected="a target array `y`", received="none"
        )
    if isinstance(y, Mapping):
        return _by_output(y, class_weight)
    if isinstance(y, list | tuple):
        return _in_order(y, class_weight)
    if isinstance(class_weight, Mapping) and any(isinstance(value, Mapping) for value in class_weight.values()):
        raise DataError(
            "`class_weight` is a dict by output, but there is one target array without a name.",
            where="class_weight",
            expected="a dict such as {0: 1.0, 1: 5.0}",
            received=class_weight,
            hint="pass the targets as a dict by output too: `y={'name': array}`",
        )
    return _weights(to_numpy(y, "y"), _table(class_weight))


def match_sample_weight(y: Any, sample_weight: Any) -> Any:
    """`sample_weight` in a nest like `y`: one array counts for all outputs, a dict may leave outputs out.

    Raises: DataError for an output that does not exist, or a list of another length.
    """
    if sample_weight is None or not isinstance(y, Mapping | list | tuple):
        return sample_weight
    if isinstance(y, Mapping):
        if not isinstance(sample_weight, Mapping):
            return dict.fromkeys(y, sample_weight)
        _check_names("sample_weight", sample_weight, y)
        return {name: match_sample_weight(part, sample_weight.get(name)) for name, part in y.items()}
    if not isinstance(sample_weight, list | tuple):
        return rebuilt(y, [sample_weight] * len(y))
    if len(sample_weight) != len(y):
        raise DataError(
            "There must be one array of sample weights per output, or one for all.",
            where="sample_weight",
            expected=f"{len(y)} arrays, None for an output without weights",
            received=f"{len(sample_weight)} arrays",
        )
    parts = [match_sample_weight(part, weight) for part, weight in zip(y, sample_weight, strict=True)]
    return rebuilt(y, parts)


# ---- helpers


def _by_output(y: Mapping[Any, Any], class_weight: Any) -> dict[Any, Any]:
    if not isinstance(class_weight, Mapping) or not all(isinstance(value, Mapping) for value in class_weight.values()):
        raise DataError(
            "With several outputs, `class_weight` must say which output it is for.",
            where="class_weight",
            expected="a dict by output, such as {" + f"{next(iter(y), 'name')!r}" + ": {0: 1.0, 1: 5.0}}",
            received=class_weight,
        )
    _check_names("class_weight", class_weight, y)
    return {name: sample_weights_of_classes(part, class_weight.get(name, {})) for name, part in y.items()}


def _in_order(y: list[Any] | tuple[Any, ...], class_weight: Any) -> Any:
    if len(y) == 1 and isinstance(class_weight, Mapping):
        class_weight = [class_weight]
    if not isinstance(class_weight, list | tuple) or len(class_weight) != len(y):
        raise DataError(
            "With a list of targets, `class_weight` must be a list of as many dicts.",
            where="class_weight",
            expected=f"{len(y)} dicts, {{}} for an output whose classes all weigh 1",
            received=class_weight,
            hint="or pass both as dicts by output name",
        )
    parts = [sample_weights_of_classes(part, weights or {}) for part, weights in zip(y, class_weight, strict=True)]
    return rebuilt(y, parts)


def _check_names(what: str, given: Mapping[Any, Any], y: Mapping[Any, Any]) -> None:
    unknown = [name for name in given if name not in y]
    if unknown:
        raise DataError(
            f"`{what}` names outputs that have no targets.",
            where=what,
            expected=f"some of {', '.join(map(repr, y))}",
            received=", ".join(map(repr, unknown)),
        )


def _table(class_weight: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Classes in ascending order and their weights."""
    if not isinstance(class_weight, Mapping):
        raise DataError(
            "`class_weight` must be a dict.",
            where="class_weight",
            expected="a dict such as {0: 1.0, 1: 5.0}",
            received=class_weight,
            hint="an array of weights becomes one with `dict(enumerate(weights))`",
        )
    for key, value in class_weight.items():
        whole = isinstance(key, int | np.integer) and not isinstance(key, bool)
        if not whole or not np.isscalar(value) or isinstance(value, str) or not np.isfinite(value):
            raise DataError(
                "`class_weight` must map class numbers to finite weights.",
                where="class_weight",
                expected="integers as keys and numbers as values",
                received=f"{key!r}: {value!r}",
            )
    classes = np.array(sorted(class_weight), np.int64)
    return classes, np.array([class_weight[key] for key in classes.tolist()], config.settings.floatx)


def _weights(y: np.ndarray[Any, Any], table: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    labels = _labels(y)
    classes, weights = table
    found = np.ones(labels.shape, weights.dtype if weights.size else config.settings.floatx)
    if classes.size:
        places = np.minimum(np.searchsorted(classes, labels), classes.size - 1)
        known = classes[places] == labels
        found[known] = weights[places[known]]
    return found


def _labels(y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Class numbers of targets in any of their forms."""
    if y.dtype.kind not in "biuf":
        raise DataError(
            "`class_weight` needs targets that are numbers.", where="y", expected="class numbers", received=str(y.dtype)
        )
    if y.ndim > 1 and y.shape[-1] == 1:
        y = y[..., 0]
    elif y.ndim > 1:
        if y.dtype.kind in "iu" and y.size and y.max() > 1:
            raise DataError(
                "These targets are neither a column of classes nor one-hot rows.",
                where="y",
                expected="shape (rows,), (rows, 1) or (rows, steps, 1) for class numbers, or one-hot rows of 0 and 1",
                received=f"shape {y.shape} with values up to {y.max()}",
                hint="for a class per step add an axis: `y[..., None]`",
            )
        return y.argmax(axis=-1)
    if y.dtype.kind == "f":
        if not np.isfinite(y).all():
            raise DataError("The targets hold NaN or infinity, which is no class.", where="y")
        y = np.rint(y)
    return y.astype(np.int64)
