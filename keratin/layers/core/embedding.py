"""A learned vector for each of a number of integers."""

from __future__ import annotations

from typing import Any

from keratin import constraints, initializers, ops, registry, regularizers
from keratin.layers.base import Layer
from keratin.layers.checks import not_yet, positive
from keratin.ops.mechanism import Tensor, dtype_of

_CONFIGURED = (
    "input_dim",
    "output_dim",
    "embeddings_initializer",
    "embeddings_regularizer",
    "embeddings_constraint",
    "mask_zero",
)


class Embedding(Layer):
    """A learned vector for each integer from 0 to `input_dim - 1`.  Other integers give NaN.

    Args:
        input_dim: how many integers there are.
        output_dim: size of the vectors.
        embeddings_initializer: first values.
        embeddings_regularizer: a loss on the vectors.
        embeddings_constraint: a projection after each update.
        mask_zero: whether 0 stands for "no data", so that the output has a mask.
        weights: the vectors, (input_dim, output_dim), in place of first values.
        lora_rank, lora_alpha, quantization_config: not supported yet.
    Shape: any shape of integers -> the same with `output_dim` at the end.  Raises: ArgumentError, ShapeError.

    >>> Embedding(100, 8).compute_output_shape((None, 20))
    (None, 20, 8)
    """

    embeddings: Any = None

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_dim = positive("input_dim", input_dim, self)
        self.output_dim = positive("output_dim", output_dim, self)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = self.supports_masking = mask_zero
        not_yet(self, lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        self.autocast = False  # the integers stay; the rows that were taken are cast, not the whole table
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list) and len(weights) == 1 else [weights])

    def build(self, input_shape: Any = None) -> None:
        """Make the embeddings, (input_dim, output_dim)."""
        if self.built:
            return
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim), self.embeddings_initializer, regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint, name="embeddings",
        )  # fmt: skip

    def call(self, inputs: Tensor) -> Tensor:
        """The vectors."""
        indices = inputs if dtype_of(inputs) in ("int32", "int64") else ops.cast(inputs, "int32")
        return ops.cast(ops.take(self.embeddings, indices, axis=0), self.compute_dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """True where the integer is not 0, with `mask_zero`."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments without `weights`, which are saved by themselves."""
        return {**super().get_config(), **{name: registry.to_config(getattr(self, name)) for name in _CONFIGURED}}
