"""Batch normalization, with moving statistics for inference."""

from __future__ import annotations

from typing import Any

from keratin import constraints, dtypes, initializers, ops, regularizers, shapes
from keratin.errors import ArgumentError, ShapeError
from keratin.layers.base import Layer
from keratin.layers.checks import fraction, known_size, not_negative
from keratin.layers.input_spec import InputSpec
from keratin.ops.mechanism import Tensor, dtype_of
from keratin.ops.normalization import normalized_batch
from keratin.state.variable import Variable


class BatchNormalization(Layer):
    """Give each channel mean 0 and variance 1 over the batch, then a learned scale and offset.

    In training the statistics are those of the batch, and moving means of them are kept; otherwise, and where the layer
    is frozen (`trainable=False`), those moving means are used and stay.

    Args:
        axis: the axis of the channels.
        momentum: how much of a moving mean is kept in each step.
        epsilon: added to the variance.
        center, scale: whether there is an offset `beta`, a factor `gamma`.
        beta_initializer, gamma_initializer: first values of these.
        moving_mean_initializer, moving_variance_initializer: first values of the moving means.
        beta_regularizer, gamma_regularizer: losses on the weights.
        beta_constraint, gamma_constraint: projections after each update.
        renorm: batch renormalization: in training too, values are those that inference would give, but for a limited
            correction, which keeps small batches from disturbing each other.
        renorm_clipping: the limits "rmin", "rmax" of the factor and "dmax" of the offset of that correction.
        renorm_momentum: how much of the correction's own moving means is kept in each step.
        synchronized: whether replicas share their statistics.  One program over all devices sees the whole batch, so
            they always do.

    Shape: any -> same; a mask has all axes but the last.  Units: epsilon in the square of the input's unit.
    Raises: ArgumentError, AxisError, ShapeError.  Source: Ioffe & Szegedy 2015, arXiv:1502.03167; for
        `renorm` Ioffe 2017, arXiv:1702.03275.

    >>> BatchNormalization().compute_output_shape((None, 8, 8, 3))
    (None, 8, 8, 3)
    """

    supports_masking = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.momentum = fraction("momentum", momentum, self)
        self.epsilon = not_negative("epsilon", epsilon, self)
        self.center, self.scale, self.synchronized = center, scale, synchronized
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.renorm = renorm
        self.renorm_clipping = _limits(renorm_clipping, self) if renorm else renorm_clipping
        self.renorm_momentum = fraction("renorm_momentum", renorm_momentum, self)

    def build(self, input_shape: Any) -> None:
        """Make gamma, beta, moving_mean and moving_variance, each (channels,)."""
        size = known_size(input_shape, self.axis, self)
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                (size,), self.gamma_initializer, autocast=False, regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint, name="gamma",
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                (size,), self.beta_initializer, autocast=False, regularizer=self.beta_regularizer,
                constraint=self.beta_constraint, name="beta",
            )  # fmt: skip
        self.moving_mean = self._statistic("moving_mean", size, self.moving_mean_initializer)
        self.moving_variance = self._statistic("moving_variance", size, self.moving_variance_initializer)
        if self.renorm:
            self.moving_stddev = self._statistic("moving_stddev", size, self._first_stddev)
            self.renorm_mean = self._statistic("renorm_mean", size, self.moving_mean_initializer)
            self.renorm_stddev = self._statistic("renorm_stddev", size, self._first_stddev)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        """The normalized input; moving means are updated in training."""
        x = ops.cast(inputs, dtypes.result_type(dtype_of(inputs), "float32"))  # half precision is too narrow for sums
        if training and self.trainable and mask is None and not self.renorm:
            outputs, mean, variance = normalized_batch(x, self.beta, self.gamma, self.axis, self.epsilon)
            self._move(self.moving_mean, mean, self.momentum)
            self._move(self.moving_variance, variance, self.momentum)
            return ops.cast(outputs, self.compute_dtype)
        if training and self.trainable:
            mean, variance = self._statistics(x, mask)
            if self.renorm:
                offset, scale = self._corrected(mean, variance)
                self._move_renormalized(mean, variance)
            else:
                offset, scale = self.beta, self.gamma
                self._move(self.moving_mean, mean, self.momentum)
                self._move(self.moving_variance, variance, self.momentum)
        else:
            mean, variance, offset, scale = self.moving_mean, self.moving_variance, self.beta, self.gamma
        return ops.cast(
            ops.batch_normalization(x, mean, variance, self.axis, offset, scale, self.epsilon), self.compute_dtype
        )

    def _statistic(self, name: str, size: int, initializer: Any) -> Variable:
        return self.add_weight((size,), initializer, trainable=False, autocast=False, name=name)

    def _first_stddev(self, shape: Any, dtype: Any = None) -> Tensor:
        return ops.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

    def _statistics(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        rank = len(x.shape)
        channel = shapes.axis(self.axis, rank)
        others = tuple(axis for axis in range(rank) if axis != channel)
        if mask is None:
            return ops.moments(x, others)
        if len(mask.shape) != rank - 1:
            raise ShapeError(
                "The mask does not fit the input.", expected=f"rank {rank - 1}: all axes of the input but the last",
                received=tuple(mask.shape),
            )  # fmt: skip
        kept = ops.broadcast_to(ops.expand_dims(ops.cast(mask, "bool"), -1), ops.shape(x))
        count = ops.maximum(ops.sum(ops.cast(kept, x.dtype), others, keepdims=True), 1)
        mean = ops.sum(ops.where(kept, x, 0), others, keepdims=True) / count
        variance = ops.sum(ops.where(kept, ops.square(x - mean), 0), others, keepdims=True) / count
        return ops.squeeze(mean, others), ops.squeeze(variance, others)

    def _move(self, moving: Variable, value: Tensor, momentum: float) -> Tensor:
        return moving.assign(ops.cast(moving, value.dtype) * momentum + value * (1 - momentum))

    def _corrected(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Offset and scale with which batch statistics give what the moving ones would, within the limits."""
        known = ops.maximum(ops.cast(self.renorm_stddev, mean.dtype), self.epsilon**0.5)
        factor = ops.sqrt(variance + self.epsilon) / known
        shift = (mean - ops.cast(self.renorm_mean, mean.dtype)) / known
        low, high, most = (self.renorm_clipping.get(name) for name in _LIMITS)
        factor = factor if low is None else ops.maximum(factor, low)
        factor = ops.stop_gradient(factor if high is None else ops.minimum(factor, high))
        shift = ops.stop_gradient(shift if most is None else ops.clip(shift, -most, most))
        if self.gamma is not None:
            factor, shift = factor * self.gamma, shift * self.gamma
        return (shift if self.beta is None else shift + self.beta), factor

    def _move_renormalized(self, mean: Tensor, variance: Tensor) -> None:
        stddev = ops.sqrt(variance + self.epsilon)
        self._move(self.renorm_mean, mean, self.renorm_momentum)
        self._move(self.renorm_stddev, stddev, self.renorm_momentum)
        self._move(self.moving_mean, mean, self.momentum)
        moved = self._move(self.moving_stddev, stddev, self.momentum)
        self.moving_variance.assign(ops.maximum(moved * moved - self.epsilon, 0))


_LIMITS = ("rmin", "rmax", "dmax")


def _limits(clipping: Any, layer: Layer) -> dict[str, float]:
    limits = dict(clipping or {})
    low, high, most = (limits.get(name) for name in _LIMITS)
    crossed = low is not None and high is not None and low > high
    if set(limits) - set(_LIMITS) or crossed or (most is not None and most < 0):
        raise ArgumentError(
            "`renorm_clipping` cannot be used.", where=layer.name, expected="rmin <= rmax, dmax >= 0", received=clipping
        )
    return limits
