"""A row of the table of losses."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from keratin import losses
from keratin.testing.losses import reference


@dataclasses.dataclass
class Case:
    """One row: a loss function, targets and predictions, and arguments of the function."""

    function: str
    target: np.ndarray
    prediction: np.ndarray
    arguments: dict[str, Any]

    @property
    def name(self) -> str:
        """The function's name and what is told of the arguments."""
        return "".join("-".join([self.function, *(f"{k}={v}" for k, v in self.arguments.items())]).split())

    def call(self, target: Any, prediction: Any) -> Any:
        """The function's values."""
        return getattr(losses, self.function)(target, prediction, **self.arguments)

    def reference(self, prediction: Any) -> Any:
        """What is right for these predictions, in float64."""
        return getattr(reference, self.function)(
            np.asarray(self.target, np.float64), np.asarray(prediction, np.float64), **self.arguments
        )

    def sloped(self, prediction: Any) -> Any:
        """What the gradient is the gradient of: some weights count as constants."""
        if self.function == "circle":
            target, fixed = np.asarray(self.target, np.float64), np.asarray(self.prediction, np.float64)
            return reference.circle_of_constant_weights(target, prediction, fixed, **self.arguments)
        return self.reference(prediction)


def case(function: str, data: tuple[Any, Any], **arguments: Any) -> Case:
    """A row.

    Args: function: the loss's name; data: targets and predictions; arguments: of the function and of its reference.
    """
    target, prediction = data
    target = target if target.dtype.kind == "i" else target.astype(np.float32)
    return Case(function, target, prediction.astype(np.float32), arguments)
