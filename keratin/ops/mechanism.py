"""`@op` makes a public op of one body over the primitives.

The decorator converts arguments to tensors, promotes their dtypes, and calls the body (or the backend's native form of
it). On symbolic tensors it runs the same body on shapes and records a node in the graph. A body therefore never asks
which backend runs, nor whether anything runs at all.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar, overload

import numpy as np

from keratin import dtypes, errors
from keratin.backends import primitives as p
from keratin.backends import select, symbolic
from keratin.backends.symbolic import KerasTensor

Tensor: TypeAlias = Any
"""A tensor of the backend in use, or a `KerasTensor`."""
TensorLike: TypeAlias = Any
"""What converts to a tensor: tensors, variables, NumPy arrays, numbers, and lists of these."""

P = ParamSpec("P")
R = TypeVar("R")

_SCALARS = (int, float, bool)
OPS: dict[str, Callable[..., Any]] = {}
"""All ops by name."""
use_native = True
"""Turned off by the conformance suite, to compare native forms with the bodies."""


@overload
def op(body: Callable[P, R]) -> Callable[P, R]: ...
@overload
def op(
    *, tensors: int | str = 1, promote: str | None = None, native: bool = True, name: str | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def op(
    body: Any = None,
    *,
    tensors: int | str = 1,
    promote: str | None = None,
    native: bool = True,
    name: str | None = None,
) -> Any:
    """Make a public op of a body.

    Args:
        tensors: how many leading parameters are tensors (None is let through for optional ones); or "list" if the
            first parameter is a sequence of tensors.
        promote: None leaves dtypes alone; "same" brings the tensors to their common dtype; "float" to a float dtype;
            "inexact" to a float or complex one; "rest" leaves the first tensor (a condition, say) and brings the others
            to their common dtype.  Python scalars stay as they are beside a tensor.
        native: whether a backend may have its own form, which may leave arguments to the body by NotImplemented.
        name: what graphs and `OPS` call it, where the body is a helper of the public function; by default its own name.

    Example: see `keratin.ops.standardize` in the design's style, or any op below `keratin/ops`.
    """
    if body is None:
        return lambda function: _make(function, tensors, promote, native, name or function.__name__)
    return _make(body, tensors, promote, native, body.__name__)


def _make(
    body: Callable[..., Any], tensors: int | str, promote: str | None, native: bool, name: str
) -> Callable[..., Any]:
    signature = inspect.signature(body)
    names = tuple(signature.parameters)
    is_list = tensors == "list"
    count = 1 if is_list else int(tensors)
    first_names = names[:count]
    forms: list[Callable[..., Any]] = []

    def implementation() -> Callable[..., Any]:
        if not use_native:
            return body
        if not forms:
            forms.append(select.current().native.get(name, body) if native else body)
        return forms[0]

    @functools.wraps(body)
    def run(*args: Any, **kwargs: Any) -> Any:
        if len(args) < count and kwargs:
            args, kwargs = _positional(args, kwargs, first_names)
        symbolic_found = False
        values: list[Any] = []
        for value in args[0] if is_list and args else args[:count]:
            kind = type(value)
            if kind is KerasTensor:
                symbolic_found = True
            elif kind not in _SCALARS and value is not None:
                value = convert(value)
                symbolic_found = symbolic_found or type(value) is KerasTensor
            values.append(value)
        if symbolic_found and not symbolic.local.active:
            return _record(run, signature, args, kwargs, count)
        if promote == "rest":
            values = [
                convert(values[0]),
                *(promoted(values[1:]) if any(v is not None for v in values[1:]) else values[1:]),
            ]
        elif promote is not None:
            values = promoted(values, promote)
        else:
            values = [convert(v) if type(v) in _SCALARS else v for v in values]
        form = body if symbolic_found else implementation()
        arguments = (values, *args[1:]) if is_list else (*values, *args[count:])
        try:
            result = form(*arguments, **kwargs)
            return body(*arguments, **kwargs) if result is NotImplemented else result
        except errors.KeratinError:
            raise
        except Exception as error:
            explanation = None if symbolic_found else _explained(body, arguments, kwargs)
            if explanation is None:
                raise
            raise explanation from error

    run.__name__ = name
    run.composed = body  # type: ignore[attr-defined]
    run.tensor_count = tensors  # type: ignore[attr-defined]
    OPS[name] = run
    return run


def _explained(body: Callable[..., Any], arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception | None:
    """What the body says about shapes like these, where an engine failed in its own words; None if it sees no fault."""

    def outline(value: Any) -> Any:
        if type(value) is list:
            return [outline(item) for item in value]
        if not select.current().is_tensor(value):
            return value
        return KerasTensor(value.shape, value.dtype)

    try:
        with symbolic.symbolic_mode():
            body(*map(outline, arguments), **kwargs)
    except errors.KeratinError as error:
        return None if isinstance(error, errors.StateError) else error
    except Exception:
        return None
    return None


def _positional(
    args: tuple[Any, ...], kwargs: dict[str, Any], names: tuple[str, ...]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    kwargs, moved = dict(kwargs), list(args)
    for name in names[len(args) :]:
        if name not in kwargs:
            break
        moved.append(kwargs.pop(name))
    return tuple(moved), kwargs


def _record(
    function: Callable[..., Any],
    signature: inspect.Signature,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    count: int,
) -> Any:
    from keratin.ops.operation import FunctionOperation

    given = signature.bind(*args, **kwargs).arguments
    first = list(signature.parameters.values())[:count]
    tensors = [given.pop(parameter.name, parameter.default) for parameter in first]
    return FunctionOperation(function, dict(given)).symbolic_call(*tensors)


# ---- tensors of anything


def convert(value: Any, dtype: str | None = None) -> Tensor:
    """`value` as a tensor; Python floats are `floatx()`, Python ints int32.

    Raises: DtypeError for what no tensor can hold.
    """
    backend = select.current()
    if type(value) in backend.TENSOR_TYPES or type(value) is KerasTensor:
        result = value
    elif hasattr(type(value), "__keratin_tensor__"):
        result = value.__keratin_tensor__()
    elif backend.is_tensor(value):
        result = value
    else:
        return _from_host(value, dtype, backend)
    return result if dtype is None or dtypes.standardize(result.dtype) == dtype else p.cast(result, dtype)


def host_values(value: Any) -> np.ndarray[Any, Any]:
    """A tensor, a variable, an array, a list or a number as a NumPy array, which may share its memory.

    Not every engine lets NumPy read all its tensors: PyTorch refuses those that it follows for gradients, and bfloat16.
    """
    if select.is_chosen() and select.current().is_tensor(value):
        return select.current().to_host(value)
    return np.asarray(value)


def _from_host(value: Any, dtype: str | None, backend: Any) -> Tensor:
    kind = type(value)
    if kind in _SCALARS:
        return backend.from_host(value, dtype or backend.canonical_dtype(dtypes.standardize(kind)))
    if isinstance(value, np.ndarray | np.generic):
        array: Any = value
    elif isinstance(value, list | tuple):
        if any(
            hasattr(type(item), "__keratin_tensor__") or backend.is_tensor(item) or type(item) is KerasTensor
            for item in value
        ):
            return _stacked(value, dtype)
        array = np.asarray(value)
        if dtype is None:
            dtype = {"float64": dtypes.standardize(float), "int64": "int32"}.get(array.dtype.name)
    elif select.engine_of(kind) is not None:
        foreign = _foreign(value, backend)
        return foreign if dtype is None else p.cast(foreign, dtype)
    else:
        array = np.asarray(value)
    if array.dtype.kind in "OUSM":
        raise errors.DtypeError(
            "This cannot become a tensor of numbers.",
            expected="numbers, arrays of numbers, or nested lists of equal lengths",
            received=value if len(repr(value)) < 200 else kind,
        )
    return backend.from_host(array, backend.canonical_dtype(dtype or array.dtype.name))


def _foreign(value: Any, backend: Any) -> Tensor:
    """A copy of a tensor of another engine; one that its engine follows for gradients would lose them silently."""
    cause: Exception | None = None
    try:
        result = backend.from_foreign(value)
    except Exception as error:
        result, cause = None, error
    if result is None:
        raise errors.DtypeError(
            f"A tensor of `{select.engine_of(type(value))}` cannot be read by the backend `{backend.name}`.",
            received=type(value) if cause is None else f"{type(value)}: {cause}",
            hint="detach it from what computes its gradient, or pass it as a NumPy array",
        ) from cause
    return result


def _stacked(values: Any, dtype: str | None) -> Tensor:
    rows = promoted([convert(v) for v in values], "same")
    result = p.concatenate([p.expand_dims(row, 0) for row in rows], 0)
    return result if dtype is None else p.cast(result, dtype)


def promoted(values: list[Any], kind: str = "same") -> list[Any]:
    """Tensors and Python scalars in their common dtype; a scalar beside a tensor stays a Python scalar.

    Args: kind: "same", "float" or "inexact", as for `op`.
    """
    if not values:
        return []
    if len(values) == 1:
        value = convert(values[0])
        name = dtypes.standardize(value.dtype)
        if kind == "same" or name in dtypes.FLOAT or (kind == "inexact" and name in dtypes.COMPLEX):
            return [value]
        return [p.cast(value, canonical(dtypes.to_float(name)))]
    tensors = [v for v in values if type(v) not in _SCALARS and v is not None]
    if not tensors:
        return promoted([v if v is None else convert(v) for v in values], kind)
    names = [dtypes.standardize(t.dtype) for t in tensors]
    target = names[0]
    weak = [type(v) for v in values if type(v) in _SCALARS]
    if weak or any(name != target for name in names):
        target = dtypes.result_type(*names, *weak)
    if kind != "same" and target not in dtypes.FLOAT and not (kind == "inexact" and target in dtypes.COMPLEX):
        target = dtypes.to_float(target)
    target = canonical(target)
    result: list[Any] = []
    for value in values:
        if value is None or type(value) in _SCALARS:
            result.append(_scalar(value, target))
        else:
            result.append(value if dtypes.standardize(value.dtype) == target else p.cast(value, target))
    return result


def _scalar(value: Any, target: str) -> Any:
    """A Python scalar of the kind that `target` has, so that no engine widens for it."""
    if value is None or target == "bool":
        return value
    if target in dtypes.FLOAT or target in dtypes.COMPLEX:
        return float(value)
    return int(value)


def canonical(dtype: str) -> str:
    """The dtype that the backend really uses for `dtype`."""
    return select.current().canonical_dtype(dtype)


def dtype_of(x: Tensor) -> str:
    """The name of a tensor's dtype."""
    return dtypes.standardize(x.dtype)
