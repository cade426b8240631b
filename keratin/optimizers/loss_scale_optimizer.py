"""Loss scale that adapts itself, for float16."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from keratin import initializers, ops, registry
from keratin.errors import ArgumentError
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor, TensorLike
from keratin.optimizers import options
from keratin.optimizers.base import Optimizer, wide
from keratin.state.scope import Scope
from keratin.state.variable import Variable

_DEFAULTS = {
    "weight_decay": None, "clipnorm": None, "clipvalue": None, "global_clipnorm": None, "use_ema": False,
    "ema_momentum": 0.99, "ema_overwrite_frequency": None, "loss_scale_factor": None,
    "gradient_accumulation_steps": None, "dynamic": True,
}  # fmt: skip


class LossScaleOptimizer(Optimizer):
    """Another optimizer, with a scale of the loss that grows until gradients overflow.

    A batch whose gradients are not all finite halves the scale and updates nothing; many finite ones in a row
    double it.

    Args:
        inner_optimizer: the optimizer that updates; its `loss_scale_factor` is not used.
        initial_scale: the first scale.
        dynamic_growth_steps: how many finite batches double the scale.
        name: of the optimizer.

    Source: Micikevicius et al. 2018, arXiv:1710.03740, section 3.2.
    Raises: ArgumentError for the options of `Optimizer`, which belong to the inner one; UnknownArgumentError.

    >>> from keratin.optimizers import SGD
    >>> optimizer, weight = LossScaleOptimizer(SGD(0.5), 8.0), Variable(1.0)
    >>> optimizer.apply([8.0], [weight])
    >>> optimizer.apply([float("inf")], [weight])
    >>> float(weight), float(optimizer.scale_loss(1.0))
    (0.5, 4.0)
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 32768.0,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        for option in [key for key in kwargs if key in _DEFAULTS]:
            if kwargs.pop(option) != _DEFAULTS[option]:
                raise ArgumentError(
                    "`LossScaleOptimizer` has no such option.",
                    where=name,
                    received=option,
                    hint="pass it to the inner optimizer",
                )
        if not isinstance(inner_optimizer, Optimizer) or isinstance(inner_optimizer, LossScaleOptimizer):
            raise ArgumentError(
                "`inner_optimizer` cannot be used.",
                where=name,
                expected="an optimizer without a loss scale of its own",
                received=inner_optimizer,
            )
        super().__init__(0.0, name=name, **kwargs)
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        self.check_range("initial_scale", 0, float("inf"), open_start=True)
        options.check_count("dynamic_growth_steps", dynamic_growth_steps, 1, self.name)
        self.inner_optimizer = inner_optimizer
        self.inner_optimizer.loss_scale_factor = None

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the counter and the scale, and the slots of the inner optimizer."""
        if self.built:
            return
        chosen = list(variables)
        self._counter = self.add_variable((), "zeros", "int32", name="step_counter")
        self._scale = self.add_variable(
            (), initializers.Constant(self.initial_scale), "float32", name="dynamic_scale"
        )  # fmt: skip
        self.inner_optimizer.build(chosen)
        super().build(chosen)

    @property
    def variables(self) -> list[Variable]:
        """The own ones, then those of the inner optimizer."""
        return [*super().variables, *self.inner_optimizer.variables]

    @property
    def iterations(self) -> Any:
        """How many updates were made."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Leave variables out of the weight decay of the inner optimizer."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def check_finite(self, grads: Sequence[TensorLike]) -> Tensor:
        """Whether all gradients are finite."""
        result = ops.full((), True, "bool")
        for gradient in grads:
            if gradient is not None:
                result = ops.logical_and(result, ops.all(ops.isfinite(gradient)))
        return result

    def _apply_checked(self, gradients: list[TensorLike], variables: list[Variable]) -> None:
        finite, scale, count = self.check_finite(gradients), self._scale.value, self._counter.value
        with Scope() as scope:
            self.inner_optimizer.apply(
                [_divided(g, scale, v) for g, v in zip(gradients, variables, strict=True)], variables
            )
        for variable, new in scope.assigned.items():
            variable.assign(ops.where(finite, new, variable.value))
        grows = ops.equal(count, self.dynamic_growth_steps - 1)
        self._scale.assign(ops.where(finite, ops.where(grows, scale * 2, scale), scale * 0.5))
        counts = ops.logical_and(finite, ops.logical_not(grows))
        self._counter.assign(ops.where(counts, count + 1, ops.zeros_like(count)))

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss times the scale of now."""
        return ops.multiply(loss, ops.cast(self._scale, "float32") if self.built else float(self.initial_scale))

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """As the inner optimizer does."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "name": self.name,
            "inner_optimizer": registry.serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    def signature(self) -> tuple[Any, ...]:
        """What a compiled step depends on beside the variables."""
        return (*super().signature(), self.inner_optimizer.signature())


def _divided(gradient: TensorLike, scale: Tensor, variable: Variable) -> Tensor:
    if gradient is None or variable.overwrite_with_gradient:
        return gradient
    dtype = wide(variable.dtype)
    return mechanism.convert(gradient, dtype) / mechanism.convert(scale, dtype)
