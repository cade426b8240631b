"""`Optimizer`: slots beside each variable, one pure update rule, and what all rules share around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from keratin import dtypes, initializers, ops, registry
from keratin.errors import ArgumentError, StateError, UnknownArgumentError
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike
from keratin.optimizers.schedules.base import LearningRateSchedule
from keratin.state import tracking
from keratin.state.scope import Scope
from keratin.state.variable import Variable, path_scope


class Optimizer(registry.Configurable, tracking.Tracked):
    """Base of the optimizers.

    A subclass names its `slots` and defines `update`, a pure function of gradient, value and slots. Keras's form, an
    `update_step` that assigns, works too.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        weight_decay: decoupled decay, a fraction of the value per unit of learning rate (Loshchilov & Hutter 2019,
            arXiv:1711.05101).
        clipnorm: largest norm of each gradient.
        clipvalue: largest absolute value of each entry.
        global_clipnorm: largest norm of all gradients together.
        use_ema: whether a moving average of the weights is kept.
        ema_momentum: its momentum.
        ema_overwrite_frequency: after how many steps it replaces the weights; None: at the end of `fit`.
        loss_scale_factor: multiplies the loss, and divides the gradients.
        gradient_accumulation_steps: how many steps' gradients are averaged for one update.
        name: of the optimizer.

    Raises: ArgumentError for values out of range, or more than one kind of clipping; UnknownArgumentError.
    """

    slots: tuple[str, ...] = ()

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise UnknownArgumentError(f"`{type(self).__name__}` has no such argument.", received=", ".join(kwargs))
        self.name = name or registry.unique_name(registry.snake_case(type(self).__name__))
        self.weight_decay, self.clipnorm, self.clipvalue, self.global_clipnorm = weight_decay, clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum, self.ema_overwrite_frequency = use_ema, ema_momentum, ema_overwrite_frequency
        self.loss_scale_factor, self.gradient_accumulation_steps = loss_scale_factor, gradient_accumulation_steps
        self._check_options()
        self._schedule: Any = None
        with path_scope((self.name,)):
            self._iterations = Variable(initializers.Zeros(), (), "int32", trainable=False, name="iteration", aggregation="only_first_replica")
            if isinstance(learning_rate, LearningRateSchedule) or callable(learning_rate):
                self._schedule = learning_rate
                self._rate: Variable | None = None
            else:
                if isinstance(learning_rate, bool) or not isinstance(learning_rate, int | float | Variable) and not hasattr(learning_rate, "dtype"):
                    raise ArgumentError("`learning_rate` must be a number, a schedule or a function.", where=self.name, received=learning_rate)
                self._rate = Variable(
                    initializers.Constant(float(learning_rate)), (), "float32", trainable=False, name="learning_rate", aggregation="only_first_replica"
                )
        self.built = False
        self._trainable_variables: list[Variable] = []
        self._index: dict[Variable, int] = {}
        self._slot_variables: list[dict[str, Variable]] = []
        self._averages: list[Variable] = []
        self._accumulators: list[Variable] = []
        self._added: list[Variable] = []
        self._no_decay: set[Variable] = set()
        self._no_decay_names: tuple[str, ...] = ()

    def _check_options(self) -> None:
        for option in ("clipnorm", "clipvalue", "global_clipnorm"):
            value = getattr(self, option)
            if value is not None and not value > 0:
                raise ArgumentError(f"`{option}` must be positive.", where=self.name, received=value)
        given = [o for o in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, o) is not None]
        if len(given) > 1:
            raise ArgumentError("Only one kind of clipping can be used.", where=self.name, received=", ".join(given))
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            raise ArgumentError("`ema_momentum` must be from 0 to 1.", where=self.name, received=self.ema_momentum)
        steps = self.gradient_accumulation_steps
        if steps is not None and (not isinstance(steps, int) or steps < 2):
            raise ArgumentError("`gradient_accumulation_steps` must be an integer of at least 2.", where=self.name, received=steps)

    # ---- rules, for subclasses

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """The slots in the order of files: groups one after the other, within a group variable by variable."""
        return (self.slots,) if self.slots else ()

    def initial_slot(self, slot: str, variable: Variable) -> Any:
        """The initializer of a slot; zeros by default."""
        return initializers.Zeros()

    def update(self, gradient: Tensor, value: Tensor, slots: dict[str, Tensor], learning_rate: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The rule: the new value and the new slots.  `self.iterations` counts the updates before this one."""
        raise StateError(f"`{type(self).__name__}` defines no update rule.", where=self.name, hint="define `update` or `update_step`")

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        """Apply the rule to one variable, by assignments."""
        mine = self._slot_variables[self._index[variable]]
        value, new = self.update(gradient, variable.value, {name: slot.value for name, slot in mine.items()}, learning_rate)
        variable.assign(value)
        for name, slot_value in new.items():
            mine[name].assign(slot_value)

    # ---- state

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots for these variables."""
        if self.built:
            return
        chosen = list(variables)
        for variable in chosen:
            if not isinstance(variable, Variable):
                raise ArgumentError("An optimizer is built for variables.", where=self.name, expected="Variable", received=variable)
        self._trainable_variables = chosen
        self._index = {variable: i for i, variable in enumerate(chosen)}
        self._slot_variables = [{} for _ in chosen]
        if self.use_ema:
            self._averages = [self.add_variable_from_reference(v, "average") for v in chosen]
        if self.gradient_accumulation_steps:
            self._accumulators = [self.add_variable_from_reference(v, "gradient_accumulator") for v in chosen]
        for group in self.slot_groups():
            for variable, mine in zip(chosen, self._slot_variables, strict=True):
                for slot in group:
                    mine[slot] = self.add_variable_from_reference(variable, slot, self.initial_slot(slot, variable))
        self.built = True

    def add_variable_from_reference(self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros") -> Variable:
        """A variable of the optimizer with the shape and dtype of another."""
        label = reference_variable.path.replace("/", "_")
        return self.add_variable(reference_variable.shape, initializer, reference_variable.dtype, name=f"{label}_{name or 'slot'}")

    def add_variable(
        self,
        shape: Any,
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A variable of the optimizer, saved with it."""
        with path_scope((self.name,)):
            variable = Variable(
                initializers.get(initializer), shape, dtypes.standardize(dtype), trainable=False, aggregation=aggregation, layout=layout, name=name
            )
        self._added.append(variable)
        return variable

    def add_optimizer_variables(
        self, trainable_variables: Iterable[Variable], name: Any, initializer: Any = "zeros"
    ) -> list[Any]:
        """One variable per trainable variable; for a list of names, a list of each."""
        chosen = list(trainable_variables)
        if isinstance(name, str):
            return [self.add_variable_from_reference(v, name, initializer) for v in chosen]
        starts = initializer if isinstance(initializer, list | tuple) else [initializer] * len(name)
        rows = [[self.add_variable_from_reference(v, n, i) for n, i in zip(name, starts, strict=True)] for v in chosen]
        return [list(column) for column in zip(*rows, strict=True)]

    @property
    def variables(self) -> list[Variable]:
        """Step count, learning rate, then the slots, in the order of Keras's files."""
        own = [self._iterations] if self._rate is None else [self._iterations, self._rate]
        nested = [v for item in vars(self).values() if isinstance(item, Optimizer) for v in item.variables]
        return [*own, *self._added, *nested]

    @property
    def iterations(self) -> Any:
        """How many updates were made."""
        if self.gradient_accumulation_steps:
            return ops.floor_divide(self._iterations, self.gradient_accumulation_steps)
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate now: a variable, or what the schedule gives at this step."""
        if self._rate is not None:
            return self._rate
        if isinstance(self._schedule, LearningRateSchedule):
            return self._schedule(self.iterations)
        return self._schedule()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, LearningRateSchedule) or (callable(value) and not isinstance(value, Variable)):
            self._schedule, self._rate = value, None
        elif self._rate is None:
            raise ArgumentError(
                "The learning rate follows a schedule and cannot be set to a number.",
                where=self.name,
                received=value,
                hint="make the optimizer with a number as `learning_rate`",
            )
        else:
            self._rate.assign(value)

    def exclude_from_weight_decay(self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None) -> None:
        """Leave variables out of the weight decay, by themselves or by parts of their paths."""
        self._no_decay |= set(var_list or ())
        self._no_decay_names = (*self._no_decay_names, *(var_names or ()))

    # ---- steps

    def apply_gradients(self, grads_and_vars: Iterable[tuple[TensorLike, Variable]]) -> Any:
        """`apply` on pairs of gradient and variable."""
        gradients, variables = zip(*grads_and_vars, strict=True)
        self.apply(list(gradients), list(variables))
        return self._iterations

    def apply(self, grads: Sequence[TensorLike], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Update the variables.

        Args:
            grads: one gradient per variable; None leaves the variable alone.
            trainable_variables: by default those that the optimizer was built for.

        Raises: StateError for a variable that it was not built for; ArgumentError if the numbers differ, or all
            gradients are None.
        """
        if trainable_variables is None:
            if not self.built:
                raise StateError("The optimizer has no variables yet.", where=self.name, hint="pass `trainable_variables`, or call `build`")
            variables = self._trainable_variables
        else:
            variables = list(trainable_variables)
            if not self.built:
                self.build(variables)
        gradients = list(grads)
        if len(gradients) != len(variables):
            raise ArgumentError("The number of gradients differs from that of the variables.", where=self.name, expected=len(variables), received=len(gradients))
        self._check_known(variables)
        pairs = [(mechanism.convert(g, v.dtype), v) for g, v in zip(gradients, variables, strict=True) if g is not None]
        if not pairs and gradients:
            raise ArgumentError("There is no gradient for any variable.", where=self.name, expected="a tensor per variable", received="only None")
        self._step([g for g, _ in pairs], [v for _, v in pairs])

    def _check_known(self, variables: list[Variable]) -> None:
        unknown = [v.path for v in variables if v not in self._index]
        if unknown:
            raise StateError(
                "The optimizer was not built for these variables.",
                where=self.name,
                received=unknown,
                hint="make a new optimizer, or call `optimizer.build(all_variables)` before the first step",
            )

    def _step(self, gradients: list[Tensor], variables: list[Variable]) -> None:
        if self.loss_scale_factor is not None:
            gradients = [g / float(self.loss_scale_factor) for g in gradients]
        if not self.gradient_accumulation_steps:
            self._update(gradients, variables)
        else:
            self._accumulate(gradients, variables)
        if self.use_ema:
            self._update_averages(variables)
        self._iterations.assign_add(1)

    def _update(self, gradients: list[Tensor], variables: list[Variable]) -> None:
        gradients = self._clipped(gradients)
        rate = mechanism.convert(self.learning_rate, "float32")
        for gradient, variable in zip(gradients, variables, strict=True):
            if variable.overwrite_with_gradient:
                variable.assign(gradient)
                continue
            own_rate = mechanism.convert(rate, variable.dtype)
            if self._decays(variable):
                value = variable.value
                variable.assign(value - value * (own_rate * float(self.weight_decay)))  # type: ignore[arg-type]
            self.update_step(gradient, variable, own_rate)
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))

    def _accumulate(self, gradients: list[Tensor], variables: list[Variable]) -> None:
        """Average over some steps: on the last of them update, on the others keep all as it was."""
        steps = int(self.gradient_accumulation_steps or 1)
        last = ops.equal(ops.mod(self._iterations, steps), steps - 1)
        sums = [self._accumulators[self._index[v]] for v in variables]
        totals = [s.value + g for s, g in zip(sums, gradients, strict=True)]
        before = {v: v.value for v in (*variables, *(v for v in self._added if v not in set(self._averages) | set(self._accumulators)))}
        self._update([t / float(steps) for t in totals], variables)
        for variable, old in before.items():
            variable.assign(ops.where(last, variable.value, old))
        for total, variable in zip(totals, sums, strict=True):
            variable.assign(ops.where(last, ops.zeros_like(total), total))

    def _update_averages(self, variables: list[Variable]) -> None:
        momentum = float(self.ema_momentum)
        for variable in variables:
            average = self._averages[self._index[variable]]
            first = ops.cast(ops.equal(self._iterations, 0), variable.dtype)
            weight = (1 - first) * momentum
            average.assign(average.value * weight + variable.value * (1 - weight))
            if self.ema_overwrite_frequency:
                due = ops.equal(ops.mod(self._iterations, self.ema_overwrite_frequency), self.ema_overwrite_frequency - 1)
                variable.assign(ops.where(due, average.value, variable.value))

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Put the moving averages into the variables, at the end of training."""
        if self.use_ema:
            for variable in var_list:
                if variable in self._index:
                    variable.assign(self._averages[self._index[variable]].value)

    def _clipped(self, gradients: list[Tensor]) -> list[Tensor]:
        if self.clipvalue is not None:
            return [ops.clip(g, -float(self.clipvalue), float(self.clipvalue)) for g in gradients]
        if self.clipnorm is not None:
            return [g * _shrink(ops.sum(ops.square(g)), float(self.clipnorm)) for g in gradients]
        if self.global_clipnorm is not None:
            total: Any = 0.0
            for gradient in gradients:
                total = ops.add(ops.sum(ops.square(ops.cast(gradient, "float32"))), total)
            factor = _shrink(total, float(self.global_clipnorm))
            return [g * ops.cast(factor, mechanism.dtype_of(g)) for g in gradients]
        return gradients

    def _decays(self, variable: Variable) -> bool:
        if not self.weight_decay or variable in self._no_decay:
            return False
        return not any(part in variable.path for part in self._no_decay_names)

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss times `loss_scale_factor`."""
        return loss if self.loss_scale_factor is None else loss * float(self.loss_scale_factor)

    def assign(self, variable: Variable, value: TensorLike) -> None:
        """`variable.assign(value)`, for Keras's form of a rule."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: TensorLike) -> None:
        """`variable.assign_add(value)`, for Keras's form of a rule."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: TensorLike) -> None:
        """`variable.assign_sub(value)`, for Keras's form of a rule."""
        variable.assign_sub(value)

    def stateless_apply(
        self, optimizer_variables: Sequence[TensorLike], grads: Sequence[TensorLike], trainable_variables: Sequence[TensorLike]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """`apply` as a pure function: new values of the trainable variables, and of the optimizer's.

        Raises: StateError if the optimizer is not built; ArgumentError if a number differs.
        """
        if not self.built:
            raise StateError("`stateless_apply` needs a built optimizer.", where=self.name, hint="call `optimizer.build(variables)`")
        mine, theirs = self.variables, self._trainable_variables
        if len(mine) != len(optimizer_variables) or len(theirs) != len(trainable_variables):
            raise ArgumentError(
                "The number of values differs from that of the variables.",
                where=self.name,
                expected=f"{len(mine)} and {len(theirs)}",
                received=f"{len(optimizer_variables)} and {len(trainable_variables)}",
            )
        values = [mechanism.convert(v) for v in (*trainable_variables, *optimizer_variables)]
        with Scope(zip((*theirs, *mine), values, strict=True)) as scope:
            self.apply(grads, theirs)
        return [scope.values[v] for v in theirs], [scope.values[v] for v in mine]

    # ---- files

    def set_weights(self, weights: Sequence[TensorLike]) -> None:
        """Assign all variables of the optimizer, in the order of `variables`."""
        mine = self.variables
        if len(mine) != len(weights):
            raise ArgumentError("The number of values differs from that of the variables.", where=self.name, expected=len(mine), received=len(weights))
        for variable, value in zip(mine, weights, strict=True):
            variable.assign(value)

    def save_own_variables(self, store: Any) -> None:
        """Put the variables into `store` under "0", "1", and so on."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable

    def load_own_variables(self, store: Any) -> None:
        """Assign the variables from `store`.  Raises: StateError if their number differs."""
        mine = self.variables
        if len(store.keys()) != len(mine):
            raise StateError(
                "The file holds another number of variables for the optimizer.",
                where=self.name,
                expected=len(mine),
                received=len(store.keys()),
                hint="the model must be built, and compiled with the same optimizer",
            )
        for i, variable in enumerate(mine):
            variable.assign(store[str(i)])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments that make an equal optimizer, with the learning rate of now."""
        schedule = self._schedule
        if schedule is not None:
            rate: Any = registry.serialize(schedule)
        else:
            assert self._rate is not None
            rate = float(self._rate.numpy())
        options = """weight_decay clipnorm global_clipnorm clipvalue use_ema ema_momentum ema_overwrite_frequency loss_scale_factor
            gradient_accumulation_steps""".split()
        return {"name": self.name, "learning_rate": rate, **{option: getattr(self, option) for option in options}}

    def signature(self) -> tuple[Any, ...]:
        """What a compiled step depends on beside the variables: it is compiled anew when this changes."""
        plain = [(k, v) for k, v in sorted(vars(self).items()) if isinstance(v, bool | int | float | str | type(None))]
        return (type(self), id(self._schedule), *plain)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _shrink(squared_norm: Tensor, limit: float) -> Tensor:
    """The factor that brings a norm down to `limit`: 1 where it is below, and for a norm of 0 too."""
    norm = ops.sqrt(squared_norm)
    return limit / ops.maximum(norm, limit)


