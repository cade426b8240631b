"""Different optimizers for different variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from typing import Any

from keratin import registry
from keratin.errors import ArgumentError
from keratin.ops.mechanism import TensorLike
from keratin.optimizers.base import Optimizer
from keratin.optimizers.loss_scale_optimizer import LossScaleOptimizer
from keratin.state.variable import Variable


class OptimizerMap(registry.Configurable, MutableMapping[str, Optimizer]):
    """Optimizers by paths of variables.

    Args:
        default_optimizer: for variables that no key fits.
        optimizer_map: optimizers by key, a whole path or a regular expression for one.

    Raises: ArgumentError for what is no optimizer, a key that is there already, and several keys that fit a path.

    >>> from keratin.optimizers import SGD, Adam
    >>> choice = OptimizerMap(SGD(0.1))
    >>> choice["encoder/.*"] = Adam()
    >>> type(choice["encoder/dense/kernel"]).__name__, type(choice["head/kernel"]).__name__
    ('Adam', 'SGD')
    """

    def __init__(self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None) -> None:
        _check_optimizer(default_optimizer, "default_optimizer")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise ArgumentError("`optimizer_map` must be a dict.", received=optimizer_map)
        self.default_optimizer = default_optimizer
        self.optimizer_map: dict[str, Optimizer] = {}
        for key, optimizer in (optimizer_map or {}).items():
            self[key] = optimizer

    def __getitem__(self, key: str) -> Optimizer:
        exact = self.optimizer_map.get(key)
        if exact is not None:
            return exact
        fitting = [pattern for pattern in self.optimizer_map if re.fullmatch(pattern, key)]
        if len(fitting) > 1:
            raise ArgumentError("Several keys fit the path of a variable.", where=key, received=fitting)
        return self.optimizer_map[fitting[0]] if fitting else self.default_optimizer

    def __setitem__(self, key: str, value: Optimizer) -> None:
        if not isinstance(key, str):
            raise ArgumentError("A key must be a path or a regular expression.", received=key)
        if key in self.optimizer_map:
            raise ArgumentError("There is an optimizer for this key already.", received=key)
        _check_optimizer(value, key)
        self.optimizer_map[key] = value

    def __delitem__(self, key: str) -> None:
        del self.optimizer_map[key]

    def __len__(self) -> int:
        return len(self.optimizer_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self.optimizer_map)

    def __call__(self, variable: Variable) -> Optimizer:
        """The optimizer of a variable."""
        return self[variable.path]


class MultiOptimizer(Optimizer):
    """Gives each variable to the optimizer that is chosen for it.

    Args:
        optimizer_map: an `OptimizerMap`, or a function that gives the optimizer of a variable.
        loss_scale_factor: takes the place of that of all the optimizers.
        name: of the optimizer.

    Raises: ArgumentError, when it is built, for a choice that is no plain optimizer.

    >>> from keratin.optimizers import SGD
    >>> slow, quick = SGD(0.1), SGD(1.0)
    >>> a, b = Variable(0.0, name="a"), Variable(0.0, name="b")
    >>> MultiOptimizer(lambda variable: quick if variable.name == "b" else slow).apply([1.0, 1.0], [a, b])
    >>> round(float(a), 6), float(b)
    (-0.1, -1.0)
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        if not callable(optimizer_map):
            raise ArgumentError(
                "`optimizer_map` cannot be used.", expected="an OptimizerMap or a function", received=optimizer_map
            )
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self.optimizer_map = optimizer_map
        self._inner: list[Optimizer] = []
        self._choice: dict[Variable, Optimizer] = {}
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.optimizer_map.values(), optimizer_map.default_optimizer):
                self._add(optimizer)

    def _add(self, optimizer: Optimizer) -> None:
        if all(known is not optimizer for known in self._inner):
            optimizer.loss_scale_factor = self.loss_scale_factor
            self._inner.append(optimizer)

    def build(self, variables: Sequence[Variable]) -> None:
        """Choose an optimizer for each variable, and make the slots of all."""
        if self.built:
            return
        chosen = list(variables)
        for variable in chosen:
            optimizer = self.optimizer_map(variable)
            _check_optimizer(optimizer, variable.path)
            self._add(optimizer)
            self._choice[variable] = optimizer
        for optimizer in self._inner:
            mine = self._mine(optimizer, chosen)
            if mine:
                optimizer.build(mine)
        super().build(chosen)

    def _mine(self, optimizer: Optimizer, variables: Iterable[Variable]) -> list[Variable]:
        return [v for v in variables if self._choice.get(v) is optimizer]

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers, each once."""
        return self._inner

    @property
    def variables(self) -> list[Variable]:
        """The own ones, then those of all the optimizers."""
        return [*super().variables, *(v for optimizer in self._inner for v in optimizer.variables)]

    @property
    def learning_rate(self) -> Any:
        """There is none: AttributeError."""
        raise AttributeError("A MultiOptimizer has no learning rate of its own: use those of `optimizer.optimizers`.")

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError("A MultiOptimizer has no learning rate of its own: set those of `optimizer.optimizers`.")

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Leave variables out of the weight decay of all the optimizers that are known so far."""
        chosen, names = list(var_list or ()), list(var_names or ())
        for optimizer in self._inner:
            optimizer.exclude_from_weight_decay(chosen, names)

    def _apply_checked(self, gradients: list[TensorLike], variables: list[Variable]) -> None:
        given = dict(zip(variables, gradients, strict=True))
        for optimizer in self._inner:
            optimizer.loss_scale_factor = self.loss_scale_factor
            mine = self._mine(optimizer, variables)
            if any(given[v] is not None for v in mine):
                optimizer.apply([given[v] for v in mine], mine)
        self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """As each of the optimizers does."""
        chosen = list(var_list)
        for optimizer in self._inner:
            optimizer.finalize_variable_values(self._mine(optimizer, chosen))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "optimizer_map": registry.serialize(self.optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    def signature(self) -> tuple[Any, ...]:
        """What a compiled step depends on beside the variables."""
        return (*super().signature(), *(optimizer.signature() for optimizer in self._inner))


def _check_optimizer(optimizer: Any, where: str) -> None:
    if not isinstance(optimizer, Optimizer) or isinstance(optimizer, LossScaleOptimizer | MultiOptimizer):
        raise ArgumentError(
            "This is no optimizer for a part of the variables.",
            where=where,
            expected="an optimizer of variables, not of optimizers",
            received=optimizer,
            hint="wrap the `MultiOptimizer` itself in a `LossScaleOptimizer`"
            if isinstance(optimizer, LossScaleOptimizer)
            else None,
        )
