"""What a layer expects of the shape and dtype of an input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from keratin import dtypes, registry, shapes
from keratin.errors import ArgumentError, DtypeError, ShapeError


class InputSpec(registry.Configurable):
    """Rank, sizes and dtype that an input must have.

    Args:
        dtype: the dtype, if only one will do.
        shape: the whole shape, None for any size.
        ndim, max_ndim, min_ndim: the rank, or its limits.
        axes: sizes of some axes, {axis: size}.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing or extra.
        name: of the input, where inputs are named.
        optional: whether None may be passed.

    >>> InputSpec(min_ndim=2, axes={-1: 8}).check((None, 8), "float32", "dense")
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else dtypes.standardize(dtype)
        self.shape = None if shape is None else shapes.standardize(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(k): v for k, v in (axes or {}).items()}
        self.allow_last_axis_squeeze, self.name, self.optional = allow_last_axis_squeeze, name, optional
        rank = self.ndim if self.ndim is not None else self.max_ndim
        if rank is not None and self.axes and not all(-rank <= a < rank for a in self.axes):
            raise ArgumentError(
                "`axes` names an axis outside the rank.", expected=f"rank {rank}", received=dict(self.axes)
            )

    def check(self, shape: tuple[Any, ...], dtype: str, where: str) -> None:
        """Raises: ShapeError or DtypeError, naming the layer `where`, if an input of this shape does not fit."""
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim and not (self.allow_last_axis_squeeze and self._squeezes(shape)):
            raise self._wrong("The input has the wrong rank.", f"rank {self.ndim}", shape, where)
        if self.min_ndim is not None and rank < self.min_ndim:
            raise self._wrong("The input has too few axes.", f"at least rank {self.min_ndim}", shape, where)
        if self.max_ndim is not None and rank > self.max_ndim:
            raise self._wrong("The input has too many axes.", f"at most rank {self.max_ndim}", shape, where)
        for axis, size in self.axes.items():
            if size is not None and shape[axis] is not None and shape[axis] != size:
                raise self._wrong("The input has the wrong size.", f"size {size} on axis {axis}", shape, where)
        if self.shape is not None and rank == len(self.shape):
            for axis, (size, actual) in enumerate(zip(self.shape, shape, strict=True)):
                if size is not None and actual is not None and size != actual:
                    raise self._wrong(
                        "The input has the wrong shape.", f"{self.shape} (axis {axis} differs)", shape, where
                    )
        if self.dtype is not None and dtype != self.dtype:
            raise DtypeError("The input has the wrong dtype.", where=where, expected=self.dtype, received=dtype)

    def _squeezes(self, shape: tuple[Any, ...]) -> bool:
        assert self.ndim is not None
        if len(shape) == self.ndim + 1:
            return shape[-1] == 1
        return len(shape) == self.ndim - 1 and self.shape is not None and self.shape[-1] == 1

    def _wrong(self, what: str, expected: str, shape: tuple[Any, ...], where: str) -> ShapeError:
        return ShapeError(what, where=where, expected=expected, received=shape)


def quick_check(spec: InputSpec) -> Callable[[tuple[int, ...]], bool] | None:
    """A fast test of a shape, or None if the spec needs the full one."""
    if spec.dtype is not None or spec.shape is not None:
        return None
    ndim, least, axes = spec.ndim, spec.min_ndim or 0, tuple((a, s) for a, s in spec.axes.items() if s is not None)
    if spec.max_ndim is not None or len(axes) > 1:
        return None
    if axes:
        axis, size = axes[0]
        if ndim is not None:
            return lambda shape: len(shape) == ndim and shape[axis] == size
        return lambda shape: len(shape) >= least and shape[axis] == size
    return lambda shape: (ndim is None or len(shape) == ndim) and len(shape) >= least
