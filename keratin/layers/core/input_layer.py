"""Where data enters a functional model."""

from __future__ import annotations

from typing import Any

from keratin import config, dtypes, shapes
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError
from keratin.layers.base import Layer
from keratin.ops.operation import Node


class InputLayer(Layer):
    """The node of an input; `Input` makes one.

    Args:
        shape: sizes without the batch.
        batch_size: the size of the batch, if it is fixed.
        dtype: of the data; `floatx()` by default.
        sparse, ragged: must stay False: inputs are dense.
        batch_shape: sizes with the batch, in place of `shape`.
        input_tensor: a symbolic tensor to enter with.
        optional: whether None may be passed for it.
        name: of the input; data in dicts is matched by it.

    >>> InputLayer(shape=(8,), name="doc_input").output.shape
    (None, 8)
    """

    batch_shape: shapes.Shape = ()

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if sparse or ragged:
            raise ArgumentError("Sparse and ragged inputs do not exist yet.", where=self.name, hint="pass dense data")
        if input_tensor is not None:
            batch_shape, dtype = input_tensor.shape, input_tensor.dtype
        if (shape is None) == (batch_shape is None):
            raise ArgumentError(
                "Pass either `shape` or `batch_shape`.",
                where=self.name,
                received=f"shape={shape}, batch_shape={batch_shape}",
            )
        if shape is not None:
            batch_shape = (batch_size, *shapes.standardize(shape))
        self.batch_shape = shapes.standardize(batch_shape)
        self._input_dtype = dtypes.standardize(dtype or config.floatx())
        self.sparse, self.ragged, self.optional = False, False, optional
        self.built = True
        Node(self, (), {}, KerasTensor(self.batch_shape, self._input_dtype, name=self.name))

    @property
    def dtype(self) -> str:
        """The dtype of the data."""
        return self._input_dtype

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The input as it is."""
        return args[0] if args else None

    def get_config(self) -> dict[str, Any]:
        """Shape, dtype and name."""
        return {
            "batch_shape": list(self.batch_shape),
            "dtype": self.dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            "optional": self.optional,
        }


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
    ragged: bool | None = None,
) -> KerasTensor:
    """A symbolic tensor to draw a functional model from.

    Args: as `InputLayer`'s; `tensor` is its `input_tensor`.
    Shape: (batch_size, *shape), None where unknown.

    >>> Input((28, 28, 1)).shape
    (None, 28, 28, 1)
    """
    layer = InputLayer(
        shape=shape, batch_size=batch_size, dtype=dtype, sparse=sparse, ragged=ragged, batch_shape=batch_shape,
        input_tensor=tensor, optional=optional, name=name,
    )  # fmt: skip
    return layer.output
