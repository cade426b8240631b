"""Keras's name for a scope of other values."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor
from keratin.state.scope import Scope
from keratin.state.variable import Variable


class StatelessScope:
    """While inside, variables have the values of `state_mapping`, and assignments are kept here.

    Args:
        state_mapping: pairs of variable and value.
        collect_losses, initialize_variables: kept for Keras's signature.

    >>> v = Variable(1.0)
    >>> with StatelessScope([(v, 5.0)]) as scope:
    ...     _ = v.assign_add(1.0)
    >>> float(scope.get_current_value(v)), float(v)
    (6.0, 1.0)
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Variable, Any]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        self.collect_losses = collect_losses
        self.losses: list[Tensor] = []
        self._scope = Scope([(v, mechanism.convert(value, v.dtype)) for v, value in state_mapping or ()])

    def __enter__(self) -> Self:
        self._scope.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scope.__exit__(kind, error, trace)

    def get_current_value(self, variable: Variable) -> Tensor | None:
        """The value that the variable has inside, None if it was neither given nor assigned."""
        return self._scope.values.get(variable)
