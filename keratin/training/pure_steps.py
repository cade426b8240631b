"""Steps written as pure functions, Keras's style for JAX: `train_step(self, state, data)` returns (logs, state).

The state is a tuple of lists of tensors. The adapter reads it from the model's variables and assigns what comes back,
so such a step is one like all others, on every backend.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from keratin.errors import ShapeError, StateError
from keratin.state.variable import Variable

_GROUPS = {
    "train": ("trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables"),
    "test": ("trainable_variables", "non_trainable_variables", "metrics_variables"),
    "predict": ("trainable_variables", "non_trainable_variables"),
}


def takes_state(step: Callable[..., Any]) -> bool:
    """Whether a bound step method takes the state too."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [
        p
        for p in inspect.signature(step).parameters.values()
        if p.kind in kinds and p.default is inspect.Parameter.empty
    ]
    return len(needed) == 2


def with_state(model: Any, kind: str, step: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """`step(state, data)` as a function of the data alone.

    Args: kind: "train", "test" or "predict", which decides what the state holds.

    Raises: StateError if the step does not return a pair; ShapeError if the new state does not fit the old one.
    """
    names = _GROUPS[kind]

    def run(data: Any) -> Any:
        groups = [_group(model, name) for name in names]
        before = tuple([v.__keratin_tensor__() for v in group] for group in groups)
        result = step(before, data)
        if not isinstance(result, tuple) or len(result) != 2:
            raise StateError(
                f"`{kind}_step(self, state, data)` must return a pair.",
                where=model.name,
                expected="(outputs, non_trainable_variables)" if kind == "predict" else "(logs, state)",
                received=type(result),
            )
        returned, after = result
        if kind == "predict":
            after = (before[0], after)
        if len(after) != len(names):
            raise StateError(
                f"The state that `{kind}_step` returns has another number of parts.",
                where=model.name, expected=names, received=len(after),
            )  # fmt: skip
        for name, group, old, new in zip(names, groups, before, after, strict=True):
            if len(new) != len(group):
                raise ShapeError(
                    f"The state that `{kind}_step` returns has another number of {name}.",
                    where=model.name, expected=len(group), received=len(new),
                )  # fmt: skip
            for variable, a, b in zip(group, old, new, strict=True):
                if a is not b:
                    variable.assign(b)
        return returned

    return run


def _group(model: Any, name: str) -> list[Variable]:
    if name == "optimizer_variables":
        return [] if model.optimizer is None else list(model.optimizer.variables)
    return list(getattr(model, name))
