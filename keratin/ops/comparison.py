"""Comparisons, logic, bits, and choosing between tensors."""

from __future__ import annotations

from keratin import dtypes
from keratin.backends import primitives as p
from keratin.errors import ArgumentError, DtypeError
from keratin.ops.indexing import nonzero
from keratin.ops.mechanism import Tensor, TensorLike, dtype_of, op


@op(tensors=2, promote="same")
def equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether the elements are equal; NaN equals nothing.

    Shape: two that broadcast -> broadcast, bool.

    >>> equal([1, 2], 2).tolist()
    [False, True]
    """
    return p.equal(x1, x2)


@op(tensors=2, promote="same")
def not_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether the elements differ.

    Shape: two that broadcast -> broadcast, bool.

    >>> not_equal([1, 2], 2).tolist()
    [True, False]
    """
    return p.not_equal(x1, x2)


@op(tensors=2, promote="same")
def less(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 < x2`.

    Shape: two that broadcast -> broadcast, bool.

    >>> less([1, 2], 2).tolist()
    [True, False]
    """
    return p.less(x1, x2)


@op(tensors=2, promote="same")
def less_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 <= x2`.

    Shape: two that broadcast -> broadcast, bool.

    >>> less_equal([1, 2, 3], 2).tolist()
    [True, True, False]
    """
    return p.less_equal(x1, x2)


@op(tensors=2, promote="same")
def greater(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 > x2`.

    Shape: two that broadcast -> broadcast, bool.

    >>> greater([1, 2, 3], 2).tolist()
    [False, False, True]
    """
    return p.greater(x1, x2)


@op(tensors=2, promote="same")
def greater_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 >= x2`.

    Shape: two that broadcast -> broadcast, bool.

    >>> greater_equal([1, 2, 3], 2).tolist()
    [False, True, True]
    """
    return p.greater_equal(x1, x2)


@op(tensors=2)
def logical_and(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether both are true; numbers other than 0 count as true.

    Shape: two that broadcast -> broadcast, bool.

    >>> logical_and([True, False], True).tolist()
    [True, False]
    """
    return p.logical_and(_bool(x1), _bool(x2))


@op(tensors=2)
def logical_or(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether one is true; numbers other than 0 count as true.

    Shape: two that broadcast -> broadcast, bool.

    >>> logical_or([True, False], False).tolist()
    [True, False]
    """
    return p.logical_or(_bool(x1), _bool(x2))


@op(tensors=2)
def logical_xor(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether exactly one is true; numbers other than 0 count as true.

    Shape: two that broadcast -> broadcast, bool.

    >>> logical_xor([True, False], True).tolist()
    [False, True]
    """
    return p.logical_xor(_bool(x1), _bool(x2))


@op
def logical_not(x: TensorLike) -> Tensor:
    """Whether the element is false; numbers other than 0 count as true.

    Shape: any -> same, bool.

    >>> logical_not([True, False]).tolist()
    [False, True]
    """
    return p.logical_not(_bool(x))


@op
def isfinite(x: TensorLike) -> Tensor:
    """Whether the element is neither infinite nor NaN.

    Shape: any -> same, bool.

    >>> isfinite([1.0, float("inf"), float("nan")]).tolist()
    [True, False, False]
    """
    return p.isfinite(x)


@op
def isinf(x: TensorLike) -> Tensor:
    """Whether the element is infinite.

    Shape: any -> same, bool.

    >>> isinf([1.0, float("-inf")]).tolist()
    [False, True]
    """
    return p.isinf(x)


@op
def isnan(x: TensorLike) -> Tensor:
    """Whether the element is NaN.

    Shape: any -> same, bool.

    >>> isnan([1.0, float("nan")]).tolist()
    [False, True]
    """
    return p.isnan(x)


@op(promote="float")
def isposinf(x: TensorLike) -> Tensor:
    """Whether the element is +inf.

    Shape: any -> same, bool.

    >>> isposinf([float("inf"), float("-inf")]).tolist()
    [True, False]
    """
    return p.equal(x, float("inf"))


@op(promote="float")
def isneginf(x: TensorLike) -> Tensor:
    """Whether the element is -inf.

    Shape: any -> same, bool.

    >>> isneginf([float("inf"), float("-inf")]).tolist()
    [False, True]
    """
    return p.equal(x, float("-inf"))


@op(promote="float")
def signbit(x: TensorLike) -> Tensor:
    """Whether the sign is minus, of -0.0 too.

    Shape: any -> same, bool.

    >>> signbit([-0.0, 0.0]).tolist()
    [True, False]
    """
    return p.signbit(x)


@op(tensors=2, promote="inexact")
def isclose(x1: TensorLike, x2: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Whether `|x1 - x2| <= atol + rtol * |x2|`, or both are the same infinity.

    Args: equal_nan: whether NaN is close to NaN.
    Shape: two that broadcast -> broadcast, bool.

    >>> isclose([1.0, 1.1], [1.0 + 1e-7, 1.0]).tolist()
    [True, False]
    """
    near = p.less_equal(p.abs(p.subtract(x1, x2)), p.add(p.multiply(p.abs(x2), rtol), atol))
    finite = p.logical_and(p.isfinite(x1), p.isfinite(x2))
    result = p.logical_or(p.logical_and(finite, near), p.equal(x1, x2))
    return p.logical_or(result, p.logical_and(p.isnan(x1), p.isnan(x2))) if equal_nan else result


@op(tensors=2, promote="inexact")
def allclose(x1: TensorLike, x2: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Whether all elements are close in the sense of `isclose`.

    Shape: two that broadcast -> scalar, bool.

    >>> bool(allclose([1.0, 2.0], [1.0, 2.0]))
    True
    """
    close = isclose(x1, x2, rtol, atol, equal_nan)
    return p.all(close, tuple(range(len(p.shape(close)))), False)


@op(tensors=3, promote="rest")
def where(condition: TensorLike, x1: TensorLike | None = None, x2: TensorLike | None = None) -> Tensor:
    """`x1` where `condition` is true, `x2` elsewhere; with the condition alone, its `nonzero`.

    No slope reaches the side that was not chosen; but NaN slopes of a formula there do: keep its inputs finite.

    Shape: three that broadcast -> broadcast.
    Raises: ArgumentError if only one of `x1` and `x2` is given.

    >>> where([True, False], 1.0, 2.0).tolist()
    [1.0, 2.0]
    """
    if x1 is None and x2 is None:
        return nonzero(condition)
    if x1 is None or x2 is None:
        raise ArgumentError("`where` needs both `x1` and `x2`, or none of them.", received=f"x1={x1!r}, x2={x2!r}")
    return p.where(_bool(condition), x1, x2)


@op(tensors=2, promote="same")
def bitwise_and(x: TensorLike, y: TensorLike) -> Tensor:
    """The bits that both have.

    Shape: two that broadcast -> broadcast.  Raises: DtypeError for floats.

    >>> bitwise_and(6, 3).tolist()
    2
    """
    return p.bitwise_and(*_bits("bitwise_and", x, y))


@op(tensors=2, promote="same")
def bitwise_or(x: TensorLike, y: TensorLike) -> Tensor:
    """The bits that one has.

    Shape: two that broadcast -> broadcast.  Raises: DtypeError for floats.

    >>> bitwise_or(6, 3).tolist()
    7
    """
    return p.bitwise_or(*_bits("bitwise_or", x, y))


@op(tensors=2, promote="same")
def bitwise_xor(x: TensorLike, y: TensorLike) -> Tensor:
    """The bits that exactly one has.

    Shape: two that broadcast -> broadcast.  Raises: DtypeError for floats.

    >>> bitwise_xor(6, 3).tolist()
    5
    """
    return p.bitwise_xor(*_bits("bitwise_xor", x, y))


@op(promote="same")
def bitwise_not(x: TensorLike) -> Tensor:
    """All bits turned over; of bool the logical not.

    Shape: any -> same.  Raises: DtypeError for floats.

    >>> bitwise_not(6).tolist()
    -7
    """
    return p.bitwise_not(*_bits("bitwise_not", x))


def bitwise_invert(x: TensorLike) -> Tensor:
    """The same as `bitwise_not`.

    >>> bitwise_invert(6).tolist()
    -7
    """
    return bitwise_not(x)


@op(tensors=2, promote="same")
def left_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """The bits of `x` moved up by `y` places.

    Shape: two that broadcast -> broadcast.  Raises: DtypeError for floats.

    >>> left_shift(3, 2).tolist()
    12
    """
    return p.left_shift(*_bits("left_shift", x, y))


@op(tensors=2, promote="same")
def right_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """The bits of `x` moved down by `y` places; the sign stays.

    Shape: two that broadcast -> broadcast.  Raises: DtypeError for floats.

    >>> right_shift(12, 2).tolist()
    3
    """
    return p.right_shift(*_bits("right_shift", x, y))


def bitwise_left_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """The same as `left_shift`.

    >>> bitwise_left_shift(3, 2).tolist()
    12
    """
    return left_shift(x, y)


def bitwise_right_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """The same as `right_shift`.

    >>> bitwise_right_shift(12, 2).tolist()
    3
    """
    return right_shift(x, y)


def _bool(x: Tensor) -> Tensor:
    return x if dtype_of(x) == "bool" else p.not_equal(x, 0)


def _bits(name: str, *values: Tensor) -> tuple[Tensor, ...]:
    for value in values:
        if type(value) is float or (hasattr(value, "dtype") and not _has_bits(dtype_of(value))):
            raise DtypeError(
                f"`{name}` works on integers and bool.",
                received=dtype_of(value) if hasattr(value, "dtype") else value,
                hint="cast to an integer dtype",
            )
    return values


def _has_bits(dtype: str) -> bool:
    return dtype == "bool" or dtypes.is_integer(dtype)
