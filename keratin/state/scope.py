"""What a read or an assignment of a variable means here: the context of the running code, one per thread.

Outside of every scope a variable holds its value. A `Scope` replaces the values of some variables and keeps what is
assigned inside, which turns code that assigns variables into a pure function. Scopes nest: what an inner one does not
replace is read from the outer one.  `threading.local` and not `ContextVar`: compilers that trace Python know it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from keratin.state.variable import Variable


class _Local(threading.local):
    scope: Scope | None = None
    autocast: str | None = None  # the dtype that float variables are read in, inside a layer's call


local = _Local()


class Scope:
    """Run code with other values of variables, and keep what it assigns.

    Args: values: the value that each variable has inside.

    After the run, `reads` and `assigned` say which variables were read and which assigned: their keys are variables in
    the order of first use.
    """

    __slots__ = ("_outer", "assigned", "reads", "values")

    def __init__(self, values: Mapping[Variable, Any] | Iterable[tuple[Variable, Any]] = ()) -> None:
        self.values: dict[Variable, Any] = dict(values)
        self.assigned: dict[Variable, Any] = {}
        self.reads: dict[Variable, None] = {}
        self._outer: Scope | None = None

    def __enter__(self) -> Self:
        self._outer, local.scope = local.scope, self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        local.scope = self._outer

    def read(self, variable: Variable) -> Any:
        """The value that the variable has inside."""
        value = self.values.get(variable)
        if value is not None:
            return value
        self.reads[variable] = None
        return variable.held() if self._outer is None else self._outer.read(variable)

    def write(self, variable: Variable, value: Any) -> None:
        """Keep an assignment."""
        self.values[variable] = value
        self.assigned[variable] = value


class Autocast:
    """While inside, float variables are read in this dtype; None reads them as they are."""

    __slots__ = ("_previous", "dtype")

    def __init__(self, dtype: str | None) -> None:
        self.dtype = dtype

    def __enter__(self) -> None:
        self._previous, local.autocast = local.autocast, self.dtype

    def __exit__(self, *error: object) -> None:
        local.autocast = self._previous
