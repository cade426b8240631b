"""What all metrics share: states that are variables, their start values, and pure forms of update and result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from keratin import dtypes, registry
from keratin.errors import ArgumentError, ShapeError, StateError
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor
from keratin.state import policy, tracking
from keratin.state.scope import Scope
from keratin.state.variable import Variable, name_scope


class Metric(tracking.Tracked, registry.Configurable):
    """A number computed from many batches.

    Args:
        dtype: the dtype of its states; half precision becomes float32, in which sums do not stop growing early.
        name: a name for logs.

    A subclass makes its states in the constructor with `add_weight`, and defines `update_state` and `result`.

    >>> class Largest(Metric):
    ...     def __init__(self, name="largest", **kwargs):
    ...         super().__init__(name=name, **kwargs)
    ...         self.value = self.add_weight(name="value", initializer="zeros")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.value.assign(ops.maximum(self.value, ops.max(y_pred)))
    ...     def result(self):
    ...         return self.value
    >>> from keratin import ops
    >>> metric = Largest()
    >>> metric.update_state(None, [1.0, 3.0]), float(metric.result())
    (None, 3.0)
    """

    untracked: frozenset[str] = frozenset({"_starts"})
    name: str

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or registry.unique_name(registry.snake_case(type(self).__name__))
        kind = policy.get(dtype).variable_dtype if dtype is not None else dtypes.standardize(None)
        self._dtype = "float32" if kind in dtypes.HALF else kind
        self._starts: dict[Variable, Any] = {}

    @property
    def dtype(self) -> str:
        """The dtype of the states."""
        return self._dtype

    # -- what subclasses define

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take a batch into account.  Subclasses define it."""
        raise StateError(f"`{type(self).__name__}` defines no `update_state`.", where=self.name)

    def result(self) -> Any:
        """The metric of all batches since the last reset: a tensor, or a dict of them.  Subclasses define it."""
        raise StateError(f"`{type(self).__name__}` defines no `result`.", where=self.name)

    def reset_state(self) -> None:
        """Set every state to its start value; one that was not made with `add_weight` to zero."""
        starts = self._starts_of_all()
        for variable in self.variables:
            variable.put(np.asarray(_start_value(variable, starts.get(variable))))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Update with a batch and return the result so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    # -- states

    def add_variable(
        self, shape: Any, initializer: Any, dtype: Any = None, aggregation: str | None = "sum", name: str | None = None
    ) -> Variable:
        """Make a state.

        Args:
            shape: its shape.
            initializer: its start value: a name, an initializer, a function of (shape, dtype), or None for zeros.
            dtype: by default that of the metric.
            aggregation: how replicas combine it.
            name: the last part of its path.
        Raises: StateError if the constructor of `Metric` did not run.
        """
        if "_starts" not in self.__dict__:
            raise StateError(
                "A metric made a state before its base class was ready.",
                where=type(self).__name__,
                hint="call `super().__init__(name=name)` first in `__init__`",
            )
        start = _initializer(initializer)
        with name_scope(self.name.replace("/", "_")):
            variable = Variable(
                start,
                shape,
                self.dtype if dtype is None else dtype,
                trainable=False,
                autocast=False,
                aggregation=aggregation,
                name=name,
            )
        self._starts[variable] = start
        return variable

    def add_weight(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """Make a state; see `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """The states: those made here first, then those of metrics and variables in attributes, lists and dicts."""
        found = dict.fromkeys(self.__dict__.get("_starts", ()))
        for item in tracking.contents(self):
            for variable in [item] if isinstance(item, Variable) else getattr(item, "variables", ()):
                found[variable] = None
        return list(found)

    def _starts_of_all(self) -> dict[Variable, Any]:
        starts = dict(self._starts)
        for metric in _metrics(self):
            starts.update(metric._starts_of_all())
        return starts

    # -- pure forms

    def stateless_update_state(self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any) -> list[Tensor]:
        """The states after an update, given those before; nothing is assigned.

        >>> from keratin.metrics import Mean
        >>> [float(v) for v in Mean().stateless_update_state([0.0, 0.0], [1.0, 3.0])]
        [4.0, 2.0]
        """
        return self._pure(metric_variables, self.update_state, *args, **kwargs)[1]

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """The result, given the states.

        >>> from keratin.metrics import Mean
        >>> float(Mean().stateless_result([4.0, 2.0]))
        2.0
        """
        return self._pure(metric_variables, self.result)[0]

    def stateless_reset_state(self) -> list[Tensor]:
        """The states' start values; nothing is assigned.

        >>> from keratin.metrics import Mean
        >>> [float(v) for v in Mean().stateless_reset_state()]
        [0.0, 0.0]
        """
        starts = self._starts_of_all()
        return [mechanism.convert(_start_value(v, starts.get(v)), v.dtype) for v in self.variables]

    def _pure(self, values: Sequence[Any], function: Any, *args: Any, **kwargs: Any) -> tuple[Any, list[Tensor]]:
        variables = self.variables
        if len(values) != len(variables):
            raise ArgumentError(
                "The number of values differs from that of the metric's states.",
                where=self.name,
                expected=[v.path for v in variables],
                received=f"{len(values)} values",
            )
        given = [mechanism.convert(value, variable.dtype) for variable, value in zip(variables, values, strict=True)]
        for variable, value in zip(variables, given, strict=True):
            if tuple(value.shape) != variable.shape:
                raise ShapeError(
                    "A state has another shape.",
                    where=variable.path,
                    expected=variable.shape,
                    received=tuple(value.shape),
                )
        with Scope(zip(variables, given, strict=True)) as scope:
            result = function(*args, **kwargs)
            if isinstance(result, Variable):
                result = result.__keratin_tensor__()
        return result, [scope.values[v] for v in variables]

    # -- configuration

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments that make an equal metric."""
        return {"name": self.name, "dtype": self.dtype}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _metrics(owner: Any) -> Iterator[Metric]:
    return (item for item in tracking.contents(owner) if isinstance(item, Metric))


def _initializer(initializer: Any) -> Any:
    """What `Variable` takes, of what users write."""
    if initializer is None or (isinstance(initializer, str) and initializer == "zeros"):
        return _zeros
    if isinstance(initializer, str | dict):
        from keratin import initializers  # above state and below metrics in the order of folders

        return initializers.get(initializer)
    return initializer


def _zeros(shape: Any, dtype: Any = None) -> np.ndarray[Any, Any]:
    return np.zeros(shape, dtypes.numpy_dtype(dtypes.standardize(dtype)))


def _start_value(variable: Variable, start: Any) -> Any:
    """A host array: assigning it compiles nothing."""
    if start is None:
        return _zeros(variable.shape, variable.dtype)
    host = getattr(start, "host", None)
    if host is not None:
        return np.asarray(host(variable.shape, variable.dtype))
    return start(variable.shape, dtype=variable.dtype) if callable(start) else np.asarray(start)
