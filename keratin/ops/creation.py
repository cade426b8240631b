"""Tensors made of nothing but a shape and a rule, conversions, and what is known of a tensor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keratin import dtypes, shapes
from keratin.backends import primitives as p
from keratin.backends import select, symbolic
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, ShapeError
from keratin.ops.mechanism import Tensor, TensorLike, canonical, convert, dtype_of, op


def zeros(shape: Any, dtype: Any = None) -> Tensor:
    """Zeros.

    Raises: ShapeError for a shape with unknown sizes.

    >>> zeros((2, 2)).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    return p.full(_sizes(shape), 0, _dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> Tensor:
    """Ones.

    Raises: ShapeError for a shape with unknown sizes.

    >>> ones(2, dtype="int32").tolist()
    [1, 1]
    """
    return p.full(_sizes(shape), 1, _dtype(dtype))


def empty(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor whose values do not matter; they are zeros.

    >>> empty((2, 3)).shape
    (2, 3)
    """
    return zeros(shape, dtype)


def full(shape: Any, fill_value: TensorLike, dtype: Any = None) -> Tensor:
    """One value everywhere.

    Args: fill_value: a number, or a tensor that broadcasts to `shape`; dtype: by default `floatx()`.
    Raises: ShapeError for a shape with unknown sizes.

    >>> full((2,), 7).tolist()
    [7.0, 7.0]
    """
    name = _dtype(dtype)
    if isinstance(fill_value, bool | int | float):
        return p.full(_sizes(shape), fill_value, name)
    return p.broadcast_to(convert(fill_value, name), _sizes(shape))


@op
def zeros_like(x: TensorLike, dtype: Any = None) -> Tensor:
    """Zeros of the shape and dtype of `x`.

    Shape: any -> same.

    >>> zeros_like([1, 2]).tolist()
    [0, 0]
    """
    return p.full(p.shape(x), 0, _like(x, dtype))


@op
def ones_like(x: TensorLike, dtype: Any = None) -> Tensor:
    """Ones of the shape and dtype of `x`.

    Shape: any -> same.

    >>> ones_like([1, 2]).tolist()
    [1, 1]
    """
    return p.full(p.shape(x), 1, _like(x, dtype))


def empty_like(x: TensorLike, dtype: Any = None) -> Tensor:
    """A tensor like `x` whose values do not matter; they are zeros.

    >>> empty_like([1, 2]).shape
    (2,)
    """
    return zeros_like(x, dtype)


@op(tensors=2)
def full_like(x: TensorLike, fill_value: TensorLike, dtype: Any = None) -> Tensor:
    """One value everywhere, in the shape and dtype of `x`.

    Shape: any -> same.

    >>> full_like([1, 2], 7).tolist()
    [7, 7]
    """
    return p.broadcast_to(p.cast(fill_value, _like(x, dtype)), p.shape(x))


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Tensor:
    """Numbers from `start` (0 if only one is given) up to, but without, `stop`.

    Args: dtype: by default that of the numbers, int32 for ints and `floatx()` for floats.
    Raises: ArgumentError for step 0.

    >>> arange(3).tolist(), arange(1, 2, 0.5).tolist()
    ([0, 1, 2], [1.0, 1.5])
    """
    step = 1 if step is None else step
    given = [v for v in (start, stop, step) if v is not None]
    name = canonical(dtypes.result_type(*map(_kind, given)) if dtype is None else dtypes.standardize(dtype))
    if stop is None:
        start, stop = 0, start
    if stop is None and symbolic.local.active:
        return p.iota(None, name)
    if shapes.is_symbolic_size(stop) and not select.current().is_tensor(stop) and start == 0 and step == 1:
        return p.iota(stop, name)
    start, stop, step = map(_number, (start, stop, step))
    if step == 0:
        raise ArgumentError("`arange` needs a step other than 0.", received=step)
    count = max(math.ceil((stop - start) / step), 0)
    if all(isinstance(v, int) for v in (start, step)) and name not in dtypes.FLOAT:
        positions = p.iota(count, name)
        if step != 1:
            positions = p.multiply(positions, step)
        return positions if start == 0 else p.add(positions, start)
    return convert(np.arange(count) * step + start, name)


def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`num` numbers at equal distances from `start` to `stop`.

    Args:
        endpoint: whether `stop` is the last one; retstep: whether to give the distance too.
        axis: where the new axis goes.
    Shape: two that broadcast -> broadcast with `num` at `axis`.

    >>> linspace(0, 1, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    return _linspace(start, stop, num, endpoint, retstep, dtype, axis)


@op(tensors=2, promote="float", name="linspace")
def _linspace(
    start: TensorLike, stop: TensorLike, num: int, endpoint: bool, retstep: bool, dtype: Any, axis: int
) -> Any:
    if num < 0:
        raise ArgumentError("`num` must not be negative.", received=num)
    name = dtype_of(start if hasattr(start, "dtype") else stop)
    start, stop = convert(start, name), convert(stop, name)
    shape = shapes.broadcast(p.shape(start), p.shape(stop))
    parts = num - 1 if endpoint else num
    place = shapes.axis(axis, len(shape) + 1)
    step = p.divide(p.subtract(stop, start), parts) if parts > 0 else p.multiply(p.subtract(stop, start), float("nan"))
    share = p.reshape(
        p.divide(p.iota(num, name), max(parts, 1)), tuple(num if i == place else 1 for i in range(len(shape) + 1))
    )
    first, last = (p.expand_dims(p.broadcast_to(v, shape), place) for v in (start, stop))
    result = p.add(p.multiply(first, p.subtract(1, share)), p.multiply(last, share))
    if dtype is not None:
        wanted = canonical(dtypes.standardize(dtype))
        result = p.cast(result if wanted in dtypes.FLOAT else p.floor(result), wanted)
    return (result, step) if retstep else result


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on a diagonal, zeros elsewhere.

    Args: N, M: rows and columns, by default as many; k: which diagonal, 0 the main one, above it if positive.
    Shape: (N, M).

    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    rows, columns = _grid(N, N if M is None else M)
    return p.cast(p.equal(columns, p.add(rows, k)), _dtype(dtype))


def identity(n: int, dtype: Any = None) -> Tensor:
    """The unit matrix.

    >>> identity(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones at and below a diagonal, zeros above.

    Shape: (N, M).

    >>> tri(2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    rows, columns = _grid(N, N if M is None else M)
    return p.cast(p.less_equal(columns, p.add(rows, k)), _dtype(dtype))


@op
def tril(x: TensorLike, k: int = 0) -> Tensor:
    """`x` with zeros above the diagonal `k` of its last two axes.

    Shape: (..., m, n) -> same.  Raises: ShapeError for rank below 2.

    >>> tril([[1, 2], [3, 4]]).tolist()
    [[1, 0], [3, 4]]
    """
    rows, columns = _matrix_grid(x, "tril")
    return p.where(p.less_equal(columns, p.add(rows, k)), x, _zero(x))


@op
def triu(x: TensorLike, k: int = 0) -> Tensor:
    """`x` with zeros below the diagonal `k` of its last two axes.

    Shape: (..., m, n) -> same.  Raises: ShapeError for rank below 2.

    >>> triu([[1, 2], [3, 4]]).tolist()
    [[1, 2], [0, 4]]
    """
    rows, columns = _matrix_grid(x, "triu")
    return p.where(p.greater_equal(columns, p.add(rows, k)), x, _zero(x))


def meshgrid(*x: TensorLike, indexing: str = "xy") -> list[Tensor]:
    """Coordinates of a grid, from those along each axis.

    Args: indexing: "xy" has the second input along the first axis, as pictures do; "ij" keeps the order.
    Raises: ArgumentError for another `indexing`.

    >>> [g.tolist() for g in meshgrid([1, 2], [3, 4])]
    [[[1, 2], [1, 2]], [[3, 3], [4, 4]]]
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError("`indexing` cannot be used.", expected='"xy" or "ij"', received=indexing)
    return list(_meshgrid(list(x), indexing))


@op(tensors="list", name="meshgrid")
def _meshgrid(xs: list[TensorLike], indexing: str) -> tuple[Tensor, ...]:
    order = list(range(len(xs)))
    if indexing == "xy" and len(xs) > 1:
        order[:2] = 1, 0
    sizes = [shapes.size(p.shape(x)) for x in xs]
    shape = tuple(sizes[i] for i in order)
    grids: list[Tensor] = []
    for i, x in enumerate(xs):
        along = tuple(sizes[i] if order[axis] == i else 1 for axis in range(len(xs)))
        grids.append(p.broadcast_to(p.reshape(x, along), shape))
    return tuple(grids)


# ---- conversions


@op
def cast(x: TensorLike, dtype: Any) -> Tensor:
    """`x` in another dtype; fractions are cut off for integers.

    Shape: any -> same.  Raises: DtypeError for an unknown dtype.

    >>> cast([1.7, -1.7], "int32").tolist()
    [1, -1]
    """
    name = canonical(dtypes.standardize(dtype))
    if dtype_of(x) == name:
        return x
    return p.not_equal(x, 0) if name == "bool" else p.cast(x, name)


def convert_to_tensor(
    x: TensorLike, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None
) -> Tensor:
    """`x` as a tensor of the backend; Python floats become `floatx()`, Python ints int32.

    Args: sparse, ragged: kept for Keras's signature; all tensors are dense.
    Raises: DtypeError for what no tensor can hold.

    >>> convert_to_tensor([1, 2]).dtype.name
    'int32'
    """
    return convert(x, None if dtype is None else canonical(dtypes.standardize(dtype)))


def array(x: TensorLike, dtype: Any = None) -> Tensor:
    """The same as `convert_to_tensor`.

    >>> array([1, 2]).tolist()
    [1, 2]
    """
    return convert_to_tensor(x, dtype)


def convert_to_numpy(x: TensorLike) -> np.ndarray:
    """`x` as a NumPy array that may be written to.

    Raises: StateError for a symbolic tensor, which has no values.

    >>> convert_to_numpy(arange(2))
    array([0, 1], dtype=int32)
    """
    return np.array(x) if type(x) is KerasTensor else np.array(select.current().to_host(convert(x)))


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor of the backend.

    >>> is_tensor(arange(2)), is_tensor([0, 1])
    (True, False)
    """
    return select.current().is_tensor(x)


@op
def copy(x: TensorLike) -> Tensor:
    """A copy of `x`.

    Shape: any -> same.

    >>> copy([1]).tolist()
    [1]
    """
    return p.copy(x)


@op
def stop_gradient(variable: TensorLike) -> Tensor:
    """The same values, through which no gradient flows.

    Shape: any -> same.

    >>> stop_gradient([1.0]).tolist()
    [1.0]
    """
    return p.stop_gradient(variable)


# ---- what is known


def shape(x: TensorLike) -> tuple[Any, ...]:
    """The sizes of `x`; None where a symbolic tensor does not know.

    >>> shape([[1, 2, 3]])
    (1, 3)
    """
    return tuple(p.shape(x if type(x) is KerasTensor else convert(x)))


def size(x: TensorLike) -> Any:
    """The number of elements; None where a symbolic tensor does not know.

    >>> size([[1, 2, 3]])
    3
    """
    return shapes.size(shape(x))


def ndim(x: TensorLike) -> int:
    """The number of axes.

    >>> ndim([[1, 2, 3]])
    2
    """
    return len(shape(x))


def dtype(x: TensorLike) -> str:
    """The name of the dtype.

    >>> dtype([1.0])
    'float32'
    """
    return dtype_of(x if type(x) is KerasTensor else convert(x))


# ---- helpers


def _dtype(dtype: Any) -> str:
    return canonical(dtypes.standardize(dtype))


def _like(x: Tensor, dtype: Any) -> str:
    return dtype_of(x) if dtype is None else _dtype(dtype)


def _sizes(shape: Any) -> tuple[Any, ...]:
    sizes = shapes.standardize(shape if isinstance(shape, tuple | list) else _listed(shape))
    if None in sizes and not symbolic.local.active:
        raise ShapeError(
            "A tensor cannot be made with an unknown size.",
            received=sizes,
            hint="use `ops.zeros_like` or `ops.full_like`, or put the code into the `call` of a layer",
        )
    return sizes


def _listed(shape: Any) -> Any:
    return (shape,) if not hasattr(shape, "tolist") else np.atleast_1d(np.asarray(shape)).tolist()


def _kind(value: Any) -> Any:
    if isinstance(value, bool):
        return "int32"
    if isinstance(value, int | float) or not hasattr(value, "dtype"):
        return float if isinstance(value, float) else int
    return dtypes.standardize(value.dtype)


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) else convert_to_numpy(value).item()


def _grid(rows: Any, columns: Any) -> tuple[Tensor, Tensor]:
    return p.expand_dims(p.iota(rows, "int32"), 1), p.expand_dims(p.iota(columns, "int32"), 0)


def _matrix_grid(x: Tensor, name: str) -> tuple[Tensor, Tensor]:
    sizes = p.shape(x)
    if len(sizes) < 2:
        raise ShapeError(f"`{name}` needs at least 2 axes.", expected="(..., rows, columns)", received=sizes)
    return _grid(*sizes[-2:])


def _zero(x: Tensor) -> Any:
    return False if dtype_of(x) == "bool" else 0
