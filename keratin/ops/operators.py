"""Python's operators for classes of tensors: `x + y` is `ops.add(x, y)`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keratin.ops import arithmetic, comparison, indexing, linalg, shaping
from keratin.ops.mechanism import Tensor, convert

_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": arithmetic.add,
    "sub": arithmetic.subtract,
    "mul": arithmetic.multiply,
    "truediv": arithmetic.divide,
    "floordiv": arithmetic.floor_divide,
    "mod": arithmetic.mod,
    "pow": arithmetic.power,
    "matmul": linalg.matmul,
    "and": comparison.bitwise_and,
    "or": comparison.bitwise_or,
    "xor": comparison.bitwise_xor,
    "lshift": comparison.left_shift,
    "rshift": comparison.right_shift,
}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "lt": comparison.less,
    "le": comparison.less_equal,
    "gt": comparison.greater,
    "ge": comparison.greater_equal,
    "eq": comparison.equal,
    "ne": comparison.not_equal,
}
_UNARY: dict[str, Callable[[Any], Any]] = {
    "neg": arithmetic.negative,
    "abs": arithmetic.abs,
    "invert": comparison.bitwise_not,
}


def install_operators(cls: type) -> type:
    """Give `cls` the operators of tensors, element by element, and `reshape` and `squeeze`.

    The hash stays that of identity. Equality with None or a string is Python's own.
    """
    identity = cls.__hash__
    for name, function in _BINARY.items():
        setattr(cls, f"__{name}__", _forward(function))
        setattr(cls, f"__r{name}__", _reflected(function))
    for name, function in _COMPARE.items():
        setattr(cls, f"__{name}__", _forward(function))
    for name, function in _UNARY.items():
        setattr(cls, f"__{name}__", _unary(function))
    cls.__pos__ = _unary(convert)  # type: ignore[attr-defined]
    cls.__round__ = _round  # type: ignore[attr-defined]
    cls.__getitem__ = _get_item  # type: ignore[attr-defined]
    cls.__array_ufunc__ = None  # type: ignore[attr-defined]  # NumPy's arrays leave `array + x` to x
    cls.__hash__ = identity  # type: ignore[method-assign]
    for name, method in (("reshape", _reshape), ("squeeze", _squeeze)):
        if not hasattr(cls, name):
            setattr(cls, name, method)
    return cls


def _forward(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def run(self: Any, other: Any) -> Any:
        return NotImplemented if other is None or isinstance(other, str) else function(self, other)

    return run


def _reflected(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def run(self: Any, other: Any) -> Any:
        return NotImplemented if other is None or isinstance(other, str) else function(other, self)

    return run


def _unary(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def run(self: Any) -> Any:
        return function(self)

    return run


def _round(self: Any, ndigits: int | None = None) -> Tensor:
    return arithmetic.round(self, ndigits or 0)


def _get_item(self: Any, key: Any) -> Tensor:
    return indexing.get_item(self, key)


def _reshape(self: Any, newshape: Sequence[int | None] | int) -> Tensor:
    """The same elements in another shape; see `ops.reshape`."""
    return shaping.reshape(self, newshape)


def _squeeze(self: Any, axis: Any = None) -> Tensor:
    """Without axes of size 1; see `ops.squeeze`."""
    return shaping.squeeze(self, axis)
