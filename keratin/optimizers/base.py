"""`Optimizer`: slots beside each variable, one pure update rule, and what all rules share around it."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self, TypeAlias

from keratin import initializers, ops, registry
from keratin.errors import ArgumentError, ShapeError, StateError
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike
from keratin.optimizers import clipping, options
from keratin.optimizers.schedules.base import LearningRateSchedule, rate_dtype
from keratin.state import tracking
from keratin.state.scope import Scope
from keratin.state.variable import Variable, path_scope

Slots: TypeAlias = dict[str, Tensor]
"""What a rule remembers for one variable, by name."""


class Optimizer(registry.Configurable, tracking.Tracked):
    """Base of the optimizers.

    A subclass names its `slots` and defines `update`, a pure function of gradient, value and slots. Keras's form, a
    `build` that makes variables and an `update_step` that assigns them, works too.

    Values are computed in float32 at least: a rule never sees half precision, only its results are rounded to it.

    Args:
        learning_rate: a number; a schedule, which is given the number of batches so far; or a function without
            arguments.
        weight_decay: decoupled decay, a fraction of the value per unit of learning rate (Loshchilov & Hutter 2019,
            arXiv:1711.05101).
        clipnorm: largest norm of each gradient.
        clipvalue: largest absolute value of each entry.
        global_clipnorm: largest norm of all gradients together.
        use_ema: whether a moving average of the weights is kept.
        ema_momentum: its momentum.
        ema_overwrite_frequency: after how many updates it replaces the weights; None: at the end of `fit`.
        loss_scale_factor: multiplies the loss, and divides the gradients.
        gradient_accumulation_steps: how many batches' gradients are averaged for one update.
        name: of the optimizer.

    Raises: ArgumentError for values out of range, or more than one kind of clipping; UnknownArgumentError.

    >>> class Sign(Optimizer):
    ...     def update(self, gradient, value, slots, learning_rate):
    ...         return value - learning_rate * ops.sign(gradient), slots
    >>> weight = Variable([1.0, 2.0])
    >>> Sign(0.5).apply([[3.0, -0.1]], [weight])
    >>> weight.value.tolist()
    [0.5, 2.5]
    """

    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    built: bool
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
        if kwargs.get("decay") in (None, 0):
            kwargs.pop("decay", None)  # configurations of older versions have it
        if kwargs:
            raise options.unknown_arguments(type(self), kwargs)
        self.name: str = name or registry.unique_name(registry.snake_case(type(self).__name__))
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum, self.ema_overwrite_frequency = use_ema, ema_momentum, ema_overwrite_frequency
        self.loss_scale_factor, self.gradient_accumulation_steps = loss_scale_factor, gradient_accumulation_steps
        self._check_options()
        self.built: bool = False
        self._schedule: Any = None
        self._rate: Variable | None = None
        self._iterations = self._scalar("iteration", 0, "int32")
        if callable(learning_rate):
            self._schedule = learning_rate
        else:
            self._rate = self._scalar("learning_rate", options.checked_rate(learning_rate, self.name), rate_dtype())
        self._trainable_variables: list[Variable] = []
        self._index: dict[Variable, int] = {}
        self._slot_variables: list[dict[str, Variable]] = []
        self._averages: list[Variable | None] = []
        self._accumulators: list[Variable] = []
        self._added: list[Variable] = []
        self._no_decay: set[Variable] = set()
        self._no_decay_names: tuple[str, ...] = ()

    def _check_options(self) -> None:
        clipping_options = ("clipnorm", "clipvalue", "global_clipnorm")
        for option in (*clipping_options, "loss_scale_factor"):
            if getattr(self, option) is not None:
                self.check_range(option, 0, math.inf, open_start=True)
        given = [option for option in clipping_options if getattr(self, option) is not None]
        if len(given) > 1:
            raise ArgumentError("Only one kind of clipping can be used.", where=self.name, received=", ".join(given))
        if self.use_ema:
            self.check_range("ema_momentum", 0, 1)
            options.check_count("ema_overwrite_frequency", self.ema_overwrite_frequency, 1, self.name)
        options.check_count("gradient_accumulation_steps", self.gradient_accumulation_steps, 2, self.name)

    # ---- for rules

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """The slots in the order of files: groups one after the other, within a group variable by variable."""
        return (self.slots,) if self.slots else ()

    def make_slot(self, slot: str, variable: Variable) -> Variable | None:
        """The new slot of a variable, by default as large as it and 0; None where the variable has no such slot."""
        return self.add_variable_from_reference(variable, slot)

    def update(self, gradient: Tensor, value: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        """The rule: the new value and the new slots.  `self.iterations` counts the updates before this one."""
        raise StateError(
            f"`{type(self).__name__}` defines no update rule.", where=self.name, hint="define `update` or `update_step`"
        )

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        """Apply the rule to one variable, by assignments."""
        mine = self._slot_variables[self._index[variable]]
        slots = {name: _wide_value(slot) for name, slot in mine.items()}
        value, new = self.update(gradient, _wide_value(variable), slots, learning_rate)
        variable.assign(value)
        for name, slot in new.items():
            mine[name].assign(slot)

    def update_together(
        self, gradients: list[Tensor], values: list[Tensor], slots: dict[str, list[Tensor]], learning_rate: Tensor
    ) -> tuple[list[Tensor], dict[str, list[Tensor]]] | None:
        """The rule for all variables at once, by a kernel that the backend offers; None where it offers none.

        It gives what `update` gives for each. All tensors have one dtype.
        """
        return None

    def _update_together(self, gradients: list[Tensor], variables: list[Variable], rate: Tensor) -> bool:
        """Whether `update_together` did it.  A subclass with another rule for one variable is asked for that."""
        cls = type(self)
        owner = next(c for c in cls.__mro__ if "update_together" in c.__dict__)
        if owner is Optimizer or cls.update is not owner.update or cls.update_step is not Optimizer.update_step:
            return False
        dtypes_found = {wide(v.dtype) for v in variables}
        mine = [self._slot_variables[self._index[v]] for v in variables]
        if len(dtypes_found) != 1 or any(slots.keys() != mine[0].keys() for slots in mine):
            return False
        slots = {name: [_wide_value(row[name]) for row in mine] for name in mine[0]}
        values = [_wide_value(v) for v in variables]
        found = self.update_together(gradients, values, slots, mechanism.convert(rate, dtypes_found.pop()))
        if found is None:
            return False
        for variable, value in zip(variables, found[0], strict=True):
            variable.assign(value)
        for name, column in found[1].items():
            for row, value in zip(mine, column, strict=True):
                row[name].assign(value)
        return True

    def begin_update(self) -> None:
        """Called once per update, before the variables: changes what they share."""

    def decay_of(self, variable: Variable) -> float | None:
        """The weight decay of a variable."""
        return self.weight_decay

    def correction(self, beta: float, dtype: str) -> Tensor:
        """`1 - beta ** n` at update n, the first being 1: the weight of all gradients in a mean that began at 0.

        It is right to the last digits for a `beta` near 1, where the difference cancels.
        """
        n = ops.cast(self.iterations, dtype) + 1
        return -ops.expm1(n * (math.log(beta) if beta > 0 else -math.inf))

    def check_range(
        self, argument: str, low: float, high: float, *, open_start: bool = False, open_end: bool = False
    ) -> None:
        """Check that an argument lies from `low` to `high`.  Raises: ArgumentError."""
        options.check_range(argument, getattr(self, argument), low, high, self.name, open_start, open_end)

    # ---- state

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots for these variables."""
        if self.built:
            return
        chosen = list(variables)
        for variable in chosen:
            if not isinstance(variable, Variable):
                raise ArgumentError(
                    "An optimizer is built for variables.", where=self.name, expected="Variable", received=variable
                )
        self._trainable_variables = chosen
        self._index = {variable: i for i, variable in enumerate(chosen)}
        self._slot_variables = [{} for _ in chosen]
        if self.use_ema:
            self._averages = self.add_optimizer_variables(chosen, "average")
        if self.gradient_accumulation_steps:
            self._accumulators = [self.add_variable_from_reference(v, "gradient_accumulator") for v in chosen]
        for group in self.slot_groups():
            for variable, mine in zip(chosen, self._slot_variables, strict=True):
                for name in group if not variable.overwrite_with_gradient else ():
                    slot = self.make_slot(name, variable)
                    if slot is not None:
                        mine[name] = slot
        self.built = True

    def _get_variable_index(self, variable: Variable) -> int:
        """Where the variable stands among those that the optimizer was built for; rules in Keras's form use it."""
        return self._index[variable]

    def _scalar(self, name: str, value: float, dtype: str) -> Variable:
        with path_scope((self.name,)):
            start = initializers.Constant(value)
            return Variable(start, (), dtype, trainable=False, name=name, aggregation="only_first_replica")

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A variable of the optimizer with the shape and dtype of another."""
        label = f"{reference_variable.path.replace('/', '_')}_{name or 'slot'}"
        return self.add_variable(reference_variable.shape, initializer, reference_variable.dtype, name=label)

    def add_variable(
        self,
        shape: Any,
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str | None = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A variable of the optimizer, saved with it."""
        start = initializers.get(initializer)
        with path_scope((self.name,)):
            variable = Variable(
                start, shape, dtype, trainable=False, aggregation=aggregation, layout=layout, name=name
            )  # fmt: skip
        self._added.append(variable)
        return variable

    def add_optimizer_variables(
        self, trainable_variables: Iterable[Variable], name: Any, initializer: Any = "zeros"
    ) -> list[Any]:
        """One variable per trainable variable; for a list of names, a list of such lists.

        A variable that is overwritten with its gradient gets None.
        Raises: ArgumentError if there are as many initializers as names, or one.
        """
        if isinstance(name, str):
            return self.add_optimizer_variables(trainable_variables, [name], [initializer])[0]
        names = list(name)
        starts = list(initializer) if isinstance(initializer, list | tuple) else [initializer] * len(names)
        if len(starts) != len(names):
            raise ArgumentError(
                "There must be one initializer per name.", where=self.name, expected=names, received=initializer
            )
        columns: list[Any] = [[] for _ in names]
        for variable in trainable_variables:
            for column, part, start in zip(columns, names, starts, strict=True):
                skipped = variable.overwrite_with_gradient
                column.append(None if skipped else self.add_variable_from_reference(variable, part, start))
        return columns

    @property
    def variables(self) -> list[Variable]:
        """Step count, learning rate, then the slots, in the order of Keras's files."""
        return [self._iterations, *([] if self._rate is None else [self._rate]), *self._added]

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
            return self._schedule(self._iterations)
        return self._schedule()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if callable(value):
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

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Leave variables out of the weight decay.

        Args:
            var_list: the variables.
            var_names: parts of their paths (regular expressions), such as "bias" or "layer_norm".

        Raises: StateError once the optimizer is built.
        """
        if self.built:
            raise StateError(
                "Variables can be excluded from weight decay only before the optimizer is built.",
                where=self.name,
                hint="call it right after making the optimizer",
            )
        self._no_decay |= set(var_list or ())
        self._no_decay_names = (*self._no_decay_names, *(var_names or ()))

    # ---- steps

    def apply_gradients(self, grads_and_vars: Iterable[tuple[TensorLike, Variable]]) -> Any:
        """`apply` on pairs of gradient and variable."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    def apply(self, grads: Sequence[TensorLike], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Update the variables.

        Args:
            grads: one gradient per variable; None leaves the variable alone, with a warning.
            trainable_variables: by default those that the optimizer was built for.

        Raises: StateError for a variable that it was not built for; ArgumentError if the numbers differ, or all
            gradients are None; ShapeError for a gradient of another shape.
        """
        gradients = list(grads)
        if trainable_variables is None and not self.built:
            raise StateError(
                "The optimizer has no variables yet.",
                where=self.name,
                hint="pass `trainable_variables`, or call `build`",
            )
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        if len(gradients) != len(variables):
            raise ArgumentError(
                "The number of gradients differs from that of the variables.",
                where=self.name,
                expected=len(variables),
                received=len(gradients),
            )
        if not gradients:
            return
        if not self.built:
            self.build(variables)
        self._check_known(variables)
        self._apply_checked(gradients, variables)

    def _apply_checked(self, gradients: list[TensorLike], variables: list[Variable]) -> None:
        self._step(self._checked_pairs(gradients, variables))

    def _check_known(self, variables: list[Variable]) -> None:
        unknown = [v.path for v in variables if v not in self._index]
        if unknown:
            raise StateError(
                "The optimizer was not built for these variables.",
                where=self.name,
                received=unknown,
                hint="make a new optimizer, or call `optimizer.build(all_variables)` before the first step",
            )

    def _checked_pairs(self, gradients: list[TensorLike], variables: list[Variable]) -> list[tuple[Tensor, Variable]]:
        pairs: list[tuple[Tensor, Variable]] = []
        missing: list[str] = []
        for given, variable in zip(gradients, variables, strict=True):
            if given is None:
                missing.append(variable.path)
                continue
            gradient = mechanism.convert(given, wide(variable.dtype))
            if tuple(gradient.shape) != variable.shape:
                raise ShapeError(
                    "A gradient has another shape than its variable.",
                    where=variable.path,
                    expected=variable.shape,
                    received=tuple(gradient.shape),
                    hint="gradients come in the order of the variables",
                )
            pairs.append((gradient, variable))
        if not pairs:
            raise ArgumentError(
                "There is no gradient for any variable.",
                where=self.name,
                expected="a tensor per variable",
                received="only None",
            )
        if missing:
            warnings.warn(f"{self.name}: no gradient for {', '.join(missing)}: they keep their values.", stacklevel=3)
        return pairs

    def _step(self, pairs: list[tuple[Tensor, Variable]]) -> None:
        if self.gradient_accumulation_steps:
            self._accumulate(pairs, self.gradient_accumulation_steps)
        else:
            self._update(pairs)
        self._iterations.assign_add(1)

    def _accumulate(self, pairs: list[tuple[Tensor, Variable]], steps: int) -> None:
        """Sum the gradients of some batches: the last of them updates with the mean, the others change nothing else."""
        last = ops.equal(ops.mod(self._iterations, steps), steps - 1)
        totals: list[tuple[Tensor, Variable]] = []
        for gradient, variable in pairs:
            kept = self._accumulators[self._index[variable]]
            greatest = variable.overwrite_with_gradient
            total = ops.maximum(_wide_value(kept), gradient) if greatest else _wide_value(kept) + gradient
            kept.assign(ops.where(last, ops.zeros_like(total), total))
            totals.append((total if greatest else total / float(steps), variable))
        with Scope() as scope:
            self._update(totals)
        for variable, new in scope.assigned.items():
            variable.assign(ops.where(last, new, variable.value))

    def _update(self, pairs: list[tuple[Tensor, Variable]]) -> None:
        for gradient, variable in pairs:
            if variable.overwrite_with_gradient:
                variable.assign(gradient)
        pairs = [(g, v) for g, v in pairs if not v.overwrite_with_gradient]
        variables = [v for _, v in pairs]
        gradients = self._clipped([g for g, _ in pairs])
        rate = mechanism.convert(self.learning_rate)
        self.begin_update()
        for variable in variables:
            decay = self.decay_of(variable)
            if decay and not self._is_excluded(variable):
                value, own_rate = _wide_value(variable), mechanism.convert(rate, wide(variable.dtype))
                variable.assign(value - value * (own_rate * float(decay)))
        if not self._update_together(gradients, variables, rate):
            for gradient, variable in zip(gradients, variables, strict=True):
                self.update_step(gradient, variable, mechanism.convert(rate, wide(variable.dtype)))
        _constrain(variables)
        if self.use_ema:
            self._update_averages()

    def _clipped(self, gradients: list[Tensor]) -> list[Tensor]:
        if self.loss_scale_factor is not None:
            gradients = [g / float(self.loss_scale_factor) for g in gradients]
        if self.clipnorm is not None:
            return clipping.by_norm(gradients, float(self.clipnorm))
        if self.clipvalue is not None:
            return clipping.by_value(gradients, float(self.clipvalue))
        if self.global_clipnorm is not None and gradients:
            return clipping.by_global_norm(gradients, float(self.global_clipnorm))
        return gradients

    def _is_excluded(self, variable: Variable) -> bool:
        """Whether the variable keeps out of weight decay."""
        return variable in self._no_decay or any(
            re.search(part, text) for part in self._no_decay_names for text in (variable.name, variable.path)
        )

    def _update_averages(self) -> None:
        """Move the averages of all variables, which begin at the values after the first update."""
        momentum, overwrite = float(self.ema_momentum), self.ema_overwrite_frequency
        for variable, average in zip(self._trainable_variables, self._averages, strict=True):
            if average is None:
                continue
            value = _wide_value(variable)
            started = ops.cast(ops.greater(self.iterations, 0), mechanism.dtype_of(value)) * momentum
            average.assign(_wide_value(average) * started + value * (1 - started))
            if overwrite:
                due = ops.equal(ops.mod(self.iterations, overwrite), overwrite - 1)
                variable.assign(ops.where(due, average.value, variable.value))
        if overwrite:
            _constrain(self._trainable_variables)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Put the moving averages into the variables, at the end of training; before any update nothing changes."""
        started = ops.greater(self.iterations, 0)
        for variable in var_list if self.use_ema else ():
            average = self._averages[self._index[variable]] if variable in self._index else None
            if average is not None:
                variable.assign(ops.where(started, average.value, variable.value))

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
        self,
        optimizer_variables: Sequence[TensorLike],
        grads: Sequence[TensorLike],
        trainable_variables: Sequence[TensorLike],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """`apply` as a pure function: new values of the trainable variables, and of the optimizer's.

        Raises: StateError if the optimizer is not built; ArgumentError if a number differs.
        """
        if not self.built:
            raise StateError(
                "`stateless_apply` needs a built optimizer.", where=self.name, hint="call `optimizer.build(variables)`"
            )
        mine, theirs = self.variables, self._trainable_variables
        self._check_number(mine, optimizer_variables)
        self._check_number(theirs, trainable_variables)
        values = [*zip(theirs, trainable_variables, strict=True), *zip(mine, optimizer_variables, strict=True)]
        with Scope([(v, mechanism.convert(value, v.dtype)) for v, value in values]) as scope:
            self.apply(grads, theirs)
        return [scope.values[v] for v in theirs], [scope.values[v] for v in mine]

    # ---- files

    def set_weights(self, weights: Sequence[TensorLike]) -> None:
        """Assign all variables of the optimizer, in the order of `variables`.  Raises: ArgumentError."""
        mine = self.variables
        self._check_number(mine, weights)
        for variable, value in zip(mine, weights, strict=True):
            variable.assign(value)

    def _check_number(self, mine: Sequence[Variable], values: Sequence[TensorLike]) -> None:
        if len(mine) != len(values):
            raise ArgumentError(
                "The number of values differs from that of the variables.",
                where=self.name,
                expected=len(mine),
                received=len(values),
                hint=None if self.built else "the optimizer is not built: call `optimizer.build(variables)`",
            )

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
        # The shortest decimal that rounds to the rate: 0.1 comes back as 0.1, and not as float32's 0.10000000149.
        rate = registry.serialize(self._schedule) if self._rate is None else float(str(self._rate.numpy()))
        names = """weight_decay clipnorm global_clipnorm clipvalue use_ema ema_momentum ema_overwrite_frequency
            loss_scale_factor gradient_accumulation_steps""".split()
        return {"name": self.name, "learning_rate": rate, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        """An optimizer of what `get_config` gave.  Raises: ConfigError if the constructor refuses it."""
        with registry.custom_object_scope(custom_objects or {}):
            return super().from_config(config)

    def signature(self) -> tuple[Any, ...]:
        """What a compiled step depends on beside the variables: it is compiled anew when this changes."""
        return (type(self), options.Same(self._schedule), *options.plain(vars(self)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def wide(dtype: str) -> str:
    """The dtype to compute in for a variable of `dtype`."""
    return "float32" if dtype in ("float16", "bfloat16") else dtype


def _wide_value(variable: Variable) -> Tensor:
    return mechanism.convert(variable.value, wide(variable.dtype))


def _constrain(variables: Iterable[Variable]) -> None:
    for variable in variables:
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable))
