"""PyTorch: eager execution and autograd at home there, and programs that replay what was traced once.

Deviations that are mended here:
* uint16, uint32, uint64 and float8 have few kernels: `unsigned.py`.
* Integers divided by 0 raise on the CPU; here they give 0, as in NumPy.
* `sign` of NaN is 0 in PyTorch (https://github.com/pytorch/pytorch/issues/53963), NaN here.
* `maximum` with a number has slope 1 at a tie where it is made of `clamp`; here both sides share it.
* Indices outside raise on the CPU and end the process on CUDA; here `take` gives NaN and `scatter` drops them.
* Slices with a negative step do not exist, nor do padding that cuts, or sums over no axes.
* The linear algebra has no half precision, and raises for singular matrices; here they give infinities or NaN.
"""

from __future__ import annotations

import builtins
import contextlib
import operator
import threading
from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
import torch

from keratin import dtypes
from keratin.backends.torch import bits, memory
from keratin.backends.torch.native import FORMS
from keratin.backends.torch.programs import (
    abstract_eval,
    cond,
    custom_gradient,
    eager,
    fori_loop,
    host_callback,
    is_traced,
    jit,
    loop,
    native_step,
    remat,
    scan,
    value_and_grad,
    vmap,
    while_loop,
)
from keratin.backends.torch.unsigned import (
    ODD,
    SIGNED,
    mended,
    mended_pair,
    mended_quotient,
    read,
    shifted_right,
    written,
)
from keratin.backends.torch.updates import UPDATES
from keratin.backends.torch.windows import conv, reduce_window
from keratin.errors import BackendError

memory.keep_freed_memory()

name = "torch"
has_gradients = has_compiler = True
TENSOR_TYPES: tuple[type, ...] = (torch.Tensor, torch.nn.Parameter)
"""Concrete types for a quick test by identity; `is_tensor` knows the others too."""


def is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def shape(x: Any) -> tuple[Any, ...]:
    return tuple(x.shape)


def canonical_dtype(dtype: str) -> str:
    """The dtype that a tensor asked for as `dtype` has: Apple's GPUs know no 64-bit floats, no engine but JAX int4."""
    if dtype in _WITHOUT_DOUBLE and _FIRST.type == "mps" and _place.current().type == "mps":
        return _WITHOUT_DOUBLE[dtype]
    return _WITHOUT_INT4.get(dtype, dtype)


_WITHOUT_INT4 = {"int4": "int8", "uint4": "uint8"}
_WITHOUT_DOUBLE = {**_WITHOUT_INT4, "float64": "float32", "complex128": "complex64"}


def engine_dtype(dtype: str) -> torch.dtype:
    """The dtype as the tensors' `dtype` attribute has it."""
    found = _DTYPES.get(dtype)
    if found is None or found is torch.float64 or found is torch.complex128:
        return getattr(torch, canonical_dtype(dtype))
    return found


_DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, _WITHOUT_INT4.get(name, name)) for name in dtypes.ALLOWED if name != "string"
}
_HALF = frozenset((torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2))
_BYTES = {"bfloat16": np.uint16, "float8_e4m3fn": np.uint8, "float8_e5m2": np.uint8}
"""NumPy's dtype of the bits, where PyTorch does not take the dtype itself from NumPy."""


# ---- where tensors are


class _Place(threading.local):
    """The device that new tensors go to."""

    chosen: torch.device | None = None

    def current(self) -> torch.device:
        if self.chosen is not None:
            return self.chosen
        default = torch.get_default_device()
        return _FIRST if default.type == "cpu" else default


_place = _Place()


def _first_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


_FIRST = _first_device()


@contextlib.contextmanager
def device(device_name: str) -> Generator[None]:
    """Put what is made inside on a device such as "cpu:0", "gpu:1", "cuda" or "mps"."""
    kind, _, index = device_name.lower().partition(":")
    kind = "cuda" if kind == "gpu" else kind
    available = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    number = int(index) if index.isdigit() else -1 if index else 0
    if not 0 <= number < available.get(kind, 0):
        found = [f"{k}:{i}" for k, count in available.items() for i in range(count)]
        raise BackendError("There is no such device.", expected=found, received=device_name)
    before, _place.chosen = _place.chosen, torch.device(kind, number) if kind == "cuda" else torch.device(kind)
    try:
        with _place.chosen:  # what PyTorch makes by itself
            yield
    finally:
        _place.chosen = before


_ONLY_CPU = _FIRST.type == "cpu"
_SHARED = frozenset(map(np.dtype, ("float32", "float64", "int32", "int64", "uint8", "bool")))
"""NumPy's dtypes whose arrays a tensor may share the memory of."""
_PLAIN = frozenset((torch.float32, torch.float64, torch.int32, torch.int64, torch.uint8, torch.bool))


def from_host(array: Any, dtype: str | None = None) -> torch.Tensor:
    """A tensor with a copy of the values of a NumPy array, list or scalar; never an alias, nor a part of a trace."""
    array = np.asarray(array)
    if dtype is None:
        dtype = array.dtype.name
    kind = dtypes.numpy_dtype(canonical_dtype(dtype))
    return _tensor(np.array(array, kind, order="C"))


def borrow_host(array: np.ndarray) -> torch.Tensor:
    """What a program takes for the length of one call; may share memory with `array`."""
    flags = array.flags
    if _ONLY_CPU and array.dtype in _SHARED and flags.c_contiguous and flags.writeable and _place.chosen is None:
        return torch.from_numpy(array)
    kind = canonical_dtype(array.dtype.name)
    if array.dtype.name != kind or not array.flags.writeable or builtins.any(s < 0 for s in array.strides):
        return from_host(array)
    return _tensor(array)


def _tensor(array: np.ndarray) -> torch.Tensor:
    bits = _BYTES.get(array.dtype.name)
    target = _place.current()
    if bits is None and target.type == "cpu":
        return torch.from_numpy(array)
    with eager():
        tensor = torch.from_numpy(array if bits is None else array.view(bits))
        if bits is not None:
            tensor = tensor.view(engine_dtype(array.dtype.name))
        return tensor.to(target)


def to_host(x: Any) -> np.ndarray:
    """The values as a NumPy array, which may share memory with a tensor, but not with a parameter: those change."""
    if not isinstance(x, torch.Tensor):
        return np.asarray(x)
    x = x.detach().clone() if type(x) is torch.nn.Parameter else x.detach()
    if x.dtype in _PLAIN and x.is_cpu:
        return x.numpy()
    x = x.cpu().resolve_conj().resolve_neg()
    dtype = dtypes.standardize(x.dtype)
    bits = _BYTES.get(dtype)
    if bits is None:
        return x.numpy()
    return x.contiguous().view(getattr(torch, np.dtype(bits).name)).numpy().view(dtypes.numpy_dtype(dtype))


def from_foreign(value: Any) -> torch.Tensor | None:
    """A tensor of another engine as one of this, through DLPack, or None if it is none."""
    if not hasattr(value, "__dlpack__"):
        return None
    try:
        return torch.from_dlpack(value).to(_place.current(), copy=True)
    except (BufferError, RuntimeError, TypeError, ValueError):
        return None


def block(values: Any) -> None:
    """Wait until the values are there."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    elif torch.backends.mps.is_available():
        torch.mps.synchronize()


def free_memory() -> int | None:
    """Bytes free on the device, None where the device does not say."""
    return torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else None


# ---- elementwise

negative = mended(torch.neg)
floor, ceil, round = mended(torch.floor), mended(torch.ceil), mended(torch.round)
exp, expm1, log, log1p = mended(torch.exp), mended(torch.expm1), mended(torch.log), mended(torch.log1p)
sqrt, rsqrt, erf, erfinv = mended(torch.sqrt), mended(torch.rsqrt), mended(torch.erf), mended(torch.erfinv)
sin, cos, tan = mended(torch.sin), mended(torch.cos), mended(torch.tan)
asin, acos, atan = mended(torch.asin), mended(torch.acos), mended(torch.atan)
sinh, cosh, tanh = mended(torch.sinh), mended(torch.cosh), mended(torch.tanh)
asinh, acosh, atanh = mended(torch.asinh), mended(torch.acosh), mended(torch.atanh)
lgamma, digamma, sigmoid = mended(torch.lgamma), mended(torch.digamma), mended(torch.sigmoid)
bitwise_not, conj, stop_gradient, copy = mended(torch.bitwise_not), torch.conj_physical, torch.detach, torch.clone
isnan, isinf = mended(torch.isnan, predicate=True), mended(torch.isinf, predicate=True)
logical_not, real = mended(torch.logical_not, predicate=True), torch.real
# Python's operators, which take a number on either side.
add, subtract, multiply = map(mended_pair, (operator.add, operator.sub, operator.mul))
divide = operator.truediv
bitwise_and, bitwise_or, bitwise_xor = operator.and_, operator.or_, operator.xor
left_shift, right_shift = mended_pair(operator.lshift), shifted_right
equal, not_equal = operator.eq, operator.ne
less = mended_pair(operator.lt, ordered=True, predicate=True)
less_equal = mended_pair(operator.le, ordered=True, predicate=True)
greater = mended_pair(operator.gt, ordered=True, predicate=True)
greater_equal = mended_pair(operator.ge, ordered=True, predicate=True)


def _pair(x: Any, y: Any) -> tuple[Any, Any]:
    """A number beside a tensor as a tensor of no dimensions."""
    if not isinstance(x, torch.Tensor):
        return torch.scalar_tensor(x, dtype=y.dtype, device=y.device), y
    if not isinstance(y, torch.Tensor):
        return x, torch.scalar_tensor(y, dtype=x.dtype, device=x.device)
    return x, y


def _of_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, y: function(*_pair(x, y))


logical_and, logical_or, logical_xor = (
    mended_pair(_of_tensors(f), predicate=True) for f in (torch.logical_and, torch.logical_or, torch.logical_xor)
)
atan2, nextafter = mended_pair(_of_tensors(torch.atan2)), mended_pair(_of_tensors(torch.nextafter))


def isfinite(x: Any) -> Any:
    return (x - x) == 0 if x.dtype in _FULL else torch.isfinite(x.to(torch.float32) if x.dtype in ODD else x)


_FULL = frozenset((torch.float16, torch.bfloat16, torch.float32, torch.float64))
"""Dtypes in which two calls do for the four that `torch.isfinite` is made of."""


def sign(x: Any) -> Any:
    if x.is_floating_point():
        return _float_sign(x)
    return (x != 0).to(x.dtype) if x.dtype in SIGNED else torch.sgn(x)


@mended
def _float_sign(x: Any) -> Any:
    return torch.where(x == x, torch.sign(x), x)


def signbit(x: Any) -> Any:
    return x != x if x.dtype in SIGNED else torch.signbit(x)


def abs(x: Any) -> Any:
    return x if x.dtype is torch.bool or x.dtype in SIGNED else _abs(x)


_abs = mended(torch.abs)


def imag(x: Any) -> Any:
    return torch.imag(x) if x.is_complex() else torch.zeros_like(x)


@mended_pair
def power(x: Any, y: Any) -> Any:
    if isinstance(y, int) and not isinstance(y, bool) and y < 0 and not x.is_floating_point() and not x.is_complex():
        x, y = _pair(x, y)  # PyTorch raises for a negative number, and not for a tensor of it
    return torch.pow(x, y)


def _extreme(pair: Callable[..., Any], clamp: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any, y: Any) -> Any:
        if not isinstance(x, torch.Tensor):
            x, y = y, x
        if isinstance(y, torch.Tensor):
            return pair(x, y)
        if x.requires_grad or x.dtype is torch.bool:
            return pair(*_pair(x, y))
        return clamp(x, y)

    return mended_pair(run, ordered=True)


maximum, minimum = _extreme(torch.maximum, torch.clamp_min), _extreme(torch.minimum, torch.clamp_max)


def _quotient(rounded: Callable[..., Any]) -> Callable[..., Any]:
    """Integers divided by 0 give 0."""

    def run(x: Any, y: Any) -> Any:
        x, y = (v.to(torch.uint8) if isinstance(v, torch.Tensor) and v.dtype is torch.bool else v for v in (x, y))
        tensor = x if isinstance(x, torch.Tensor) else y
        if tensor.is_floating_point():
            return rounded(x, y)
        if isinstance(y, torch.Tensor):
            zero = y == 0
            return torch.where(zero, 0, rounded(x, torch.where(zero, 1, y)))
        return torch.zeros_like(x) if y == 0 else rounded(x, y)

    return run


floor_divide = mended_quotient(_quotient(lambda x, y: torch.div(*_pair(x, y), rounding_mode="floor")), remainder=False)
mod = mended_quotient(_quotient(torch.remainder), remainder=True)


def where(condition: Any, x: Any, y: Any) -> Any:
    dtype = x.dtype if isinstance(x, torch.Tensor) else getattr(y, "dtype", None)
    if dtype in ODD:
        return written(torch.where(condition, read(x, dtype, False), read(y, dtype, False)), dtype, False)
    return torch.where(condition, x, y)


def cast(x: Any, dtype: str) -> Any:
    if x.is_complex() and dtype not in dtypes.COMPLEX:
        x = torch.real(x)
    return x.to(engine_dtype(dtype))


def bitcast(x: Any, dtype: str) -> Any:
    return x.view(engine_dtype(dtype))


# ---- creation


def full(shape: Sequence[Any], value: Any, dtype: str) -> Any:
    kind = engine_dtype(dtype)
    if isinstance(value, torch.Tensor):
        return value.to(kind).expand(tuple(shape)).clone()
    if kind in SIGNED:
        return torch.full(tuple(shape), read(value, kind, False), dtype=SIGNED[kind], device=_place.current()).view(
            kind
        )
    return torch.full(tuple(shape), value, dtype=kind, device=_place.current())


def iota(size: Any, dtype: str) -> Any:
    kind = engine_dtype(dtype)
    if kind in ODD or kind is torch.bool:
        return torch.arange(size, device=_place.current()).to(kind)
    return torch.arange(size, dtype=kind, device=_place.current())


def random_bits(key: Any, shape: Sequence[Any]) -> Any:
    return bits.random_bits(key, shape)


# ---- reductions.  PyTorch takes no axes for all of them.


@mended
def sum(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return torch.sum(x, axes, keepdims, dtype=x.dtype) if axes else x


@mended
def prod(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    for axis in sorted((a % x.ndim for a in axes), reverse=True):  # one axis at a time is all there is
        x = torch.prod(x, axis, keepdims, dtype=x.dtype)
    return x


def max(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return _amax(x, axes, keepdims) if axes else x


def min(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return _amin(x, axes, keepdims) if axes else x


_amax, _amin = mended(torch.amax, ordered=True), mended(torch.amin, ordered=True)


def any(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return torch.any(x, axes, keepdims) if axes else x


def all(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return torch.all(x, axes, keepdims) if axes else x


def argmax(x: Any, axis: int, keepdims: bool) -> Any:
    return _argmax(_comparable(x), axis, keepdims).to(torch.int32)


def argmin(x: Any, axis: int, keepdims: bool) -> Any:
    return _argmin(_comparable(x), axis, keepdims).to(torch.int32)


_argmax = mended(torch.argmax, ordered=True, predicate=True)
_argmin = mended(torch.argmin, ordered=True, predicate=True)


def _comparable(x: Any) -> Any:
    return x.to(torch.uint8) if x.dtype is torch.bool else x


@mended
def cumsum(x: Any, axis: int) -> Any:
    return torch.cumsum(x, axis, dtype=x.dtype)


@mended
def cumprod(x: Any, axis: int) -> Any:
    return torch.cumprod(x, axis, dtype=x.dtype)


# ---- shape

reshape, expand_dims, transpose, broadcast_to = torch.reshape, torch.unsqueeze, torch.permute, torch.Tensor.expand
concatenate, flip = torch.cat, mended(torch.flip)


def squeeze(x: Any, axes: tuple[int, ...]) -> Any:
    for axis in axes:
        if x.shape[axis] != 1:
            raise ValueError(f"only axes of size 1 can be squeezed, not axis {axis} of {tuple(x.shape)}")
    return torch.squeeze(x, axes) if axes else x


def pad(x: Any, widths: Sequence[tuple[int, int]], value: Any) -> Any:
    flat = [int(n) for pair in reversed(list(widths)) for n in pair]
    if not builtins.any(flat):
        return x
    if isinstance(value, torch.Tensor):
        inside = torch.constant_pad_nd(torch.ones_like(x, dtype=torch.bool), flat, False)
        return where(inside, pad(x, widths, 0), value.to(x.dtype))
    return torch.constant_pad_nd(x, flat, value)


# ---- indexing


def slice_strided(x: Any, index: tuple[slice, ...]) -> Any:
    turned = [axis for axis, part in enumerate(index) if part.step is not None and part.step < 0]
    if turned:
        index = tuple(_forward(part, size) if axis in turned else part
                      for axis, (part, size) in enumerate(zip(index, x.shape, strict=True)))  # fmt: skip
        return flip(x[index], turned)
    return x[index]


def _forward(part: slice, size: int) -> slice:
    """The same positions in ascending order."""
    positions = range(*part.indices(size))
    return slice(positions[-1], positions[0] + 1, -positions.step) if positions else slice(0, 0)


def dynamic_slice(x: Any, starts: Sequence[Any], sizes: Sequence[Any]) -> Any:
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        if size != x.shape[axis]:
            x = _block(x, axis, start, size)
    return x


def _block(x: Any, axis: int, start: Any, size: int) -> Any:
    if isinstance(start, torch.Tensor):
        return _selected(x, axis, _positions(x, axis, start, size))
    return x.narrow(axis, _clamped(start, x.shape[axis], size), size)


def _clamped(start: Any, length: int, size: int) -> int:
    start = int(start)
    return builtins.min(builtins.max(start + length if start < 0 else start, 0), length - size)


def _positions(x: Any, axis: int, start: torch.Tensor, size: int) -> torch.Tensor:
    length = x.shape[axis]
    start = start.to(torch.int64)
    start = torch.clamp(torch.where(start < 0, start + length, start), 0, length - size)
    return start.reshape(1) if size == 1 else start + torch.arange(size, device=x.device)


_selected = mended(torch.index_select)


def dynamic_update_slice(x: Any, update: Any, starts: Sequence[Any]) -> Any:
    update = update.to(x.dtype)
    for axis, start in enumerate(starts):
        size = update.shape[axis]
        if size != x.shape[axis]:
            rest = [0] * (axis + 1) + list(starts[axis + 1 :])
            if isinstance(start, torch.Tensor):
                places = _positions(x, axis, start, size)
                inner = dynamic_update_slice(_selected(x, axis, places), update, rest)
                return _index_copy(x, inner, axis, places)
            start = _clamped(start, x.shape[axis], size)
            inner = dynamic_update_slice(x.narrow(axis, start, size), update, rest)
            return torch.slice_scatter(x, inner, axis, start, start + size)
    return update.expand(x.shape)


@mended
def _index_copy(x: Any, update: Any, axis: int, places: Any) -> Any:
    return torch.index_copy(x, axis, places, update)


def _filler(dtype: torch.dtype) -> Any:
    """What stands for an element that does not exist."""
    if dtype.is_floating_point or dtype.is_complex:
        return float("nan")
    if dtype is torch.bool:
        return False
    return torch.iinfo(dtype).min if dtype.is_signed else torch.iinfo(dtype).max


def _wide_index(indices: Any) -> Any:
    return indices if indices.dtype in (torch.int32, torch.int64) else indices.to(torch.int64)


def take(x: Any, indices: Any, axis: int) -> Any:
    size, indices = x.shape[axis], _wide_index(indices)
    new = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    if size == 0:
        return torch.full(new, _filler(x.dtype), dtype=x.dtype, device=x.device)
    wrapped = torch.remainder(indices, size)
    rows = _selected(x, axis, wrapped if wrapped.ndim == 1 else wrapped.reshape(-1)).reshape(new)
    # Inside if it is its own remainder, or that less the size.
    inside = (wrapped == indices) | (wrapped - size == indices)
    rest = x.ndim - axis - 1
    return where(inside.reshape(*indices.shape, *[1] * rest) if rest else inside, rows, _filler(x.dtype))


def take_rows(x: Any, indices: Any) -> Any:
    return _selected(x, 0, _wide_index(indices))


def take_along_axis(x: Any, indices: Any, axis: int) -> Any:
    size, indices = x.shape[axis], indices.to(torch.int64)
    common = list(np.broadcast_shapes(_with_one(x.shape, axis), _with_one(indices.shape, axis)))
    x = x.expand([size if i == axis else n for i, n in enumerate(common)])
    indices = indices.expand([indices.shape[axis] if i == axis else n for i, n in enumerate(common)])
    if size == 0:
        return torch.full(indices.shape, _filler(x.dtype), dtype=x.dtype, device=x.device)
    wrapped = torch.remainder(indices, size)
    inside = (wrapped == indices) | (wrapped - size == indices)
    return where(inside, _gather(x, axis, wrapped), _filler(x.dtype))


_gather = mended(torch.gather)


def _with_one(sizes: Sequence[int], axis: int) -> tuple[int, ...]:
    return (*sizes[:axis], 1, *sizes[axis + 1 :])


@mended
def gather_nd(x: Any, indices: Any) -> Any:
    # `torch.take` and friends check nothing on CUDA either, so places outside are brought in, at the nearest end.
    parts = []
    for size, part in zip(x.shape, _wide_index(indices).unbind(-1), strict=False):
        parts.append(torch.clamp(torch.where(part < 0, part + size, part), 0, size - 1))
    return x[tuple(parts)] if parts else x.expand(*indices.shape[:-1], *x.shape)


def scatter(x: Any, indices: Any, updates: Any, mode: str) -> Any:
    """The leading axes of `x` are read as one, and an extra row takes what lies outside."""
    if x.dtype in ODD:
        ordered = mode in ("max", "min")
        result = scatter(read(x, x.dtype, ordered), indices, read(updates, x.dtype, ordered), mode)
        return written(result, x.dtype, ordered)
    depth = indices.shape[-1]
    rest, count = x.shape[depth:], 1
    place: Any = torch.zeros(indices.shape[:-1], dtype=torch.int64, device=x.device)
    inside: Any = None
    for size, part in zip(x.shape[:depth], indices.to(torch.int64).unbind(-1), strict=True):
        part = torch.where(part < 0, part + size, part)
        fits = (part >= 0) & (part < size)
        inside = fits if inside is None else inside & fits
        place, count = place * size + part, count * size
    place = (place if inside is None else torch.where(inside, place, count)).reshape(-1)
    flat = torch.cat([x.reshape(count, *rest), x.new_zeros((1, *rest))])
    updates = updates.to(x.dtype).expand(*indices.shape[:-1], *rest).reshape(-1, *rest)
    return _scattered(flat, place, updates, mode)[:count].reshape(x.shape)


_REDUCTIONS = {"max": "amax", "min": "amin", "multiply": "prod"}


def _scattered(x: Any, place: Any, updates: Any, mode: str) -> Any:
    if x.dtype is torch.bool:
        return _scattered(x.to(torch.uint8), place, updates.to(torch.uint8), mode) != 0
    if mode == "set":
        return torch.index_put(x, (place,), updates)
    if mode == "add":
        return torch.index_add(x, 0, place, updates)
    place = place.reshape(-1, *[1] * (x.ndim - 1)).expand(updates.shape)
    return torch.scatter_reduce(x, 0, place, updates, _REDUCTIONS[mode])


# ---- linear algebra


def _is_whole(x: Any) -> bool:
    return not (x.is_floating_point() or x.is_complex())


def _product(function: Callable[..., Any]) -> Callable[..., Any]:
    """A sum of products, for integers too: bool by counting, and on other devices than the CPU in float64."""

    def run(*operands: Any) -> Any:
        first = operands[0]
        if not _is_whole(first) or (first.device.type == "cpu" and first.dtype is not torch.bool):
            return function(*operands)
        wide = torch.int32 if first.device.type == "cpu" else torch.float64
        return function(*(x.to(wide) for x in operands)).to(first.dtype)

    return mended(run)


matmul = _product(torch.matmul)


def dot_general(x: Any, y: Any, contract: Any, batch: Any) -> Any:
    """One matrix product for each element of the batch."""
    (x_sum, y_sum), (x_lead, y_lead) = contract, batch
    x_rest = [i for i in range(x.ndim) if i not in x_sum and i not in x_lead]
    y_rest = [i for i in range(y.ndim) if i not in y_sum and i not in y_lead]
    lead = [x.shape[i] for i in x_lead]
    inner = int(np.prod([x.shape[i] for i in x_sum]))
    rows, columns = [x.shape[i] for i in x_rest], [y.shape[i] for i in y_rest]
    left = x.permute([*x_lead, *x_rest, *x_sum]).reshape(*lead, int(np.prod(rows)), inner)
    right = y.permute([*y_lead, *y_sum, *y_rest]).reshape(*lead, inner, int(np.prod(columns)))
    return matmul(left, right).reshape([*lead, *rows, *columns])


def einsum(subscripts: str, *operands: Any) -> Any:
    # Sums over one operand's axes widen integers.
    return _product(lambda *given: torch.einsum(subscripts, *given).to(given[0].dtype))(*operands)


def _wide(function: Callable[..., Any]) -> Callable[..., Any]:
    """Half precision in float32: LAPACK has none."""

    def run(x: Any, *others: Any) -> Any:
        if x.dtype not in _HALF:
            return function(x, *others)
        others = tuple(y.to(torch.float32) if isinstance(y, torch.Tensor) else y for y in others)
        result = function(x.to(torch.float32), *others)
        return tuple(r.to(x.dtype) for r in result) if isinstance(result, tuple) else result.to(x.dtype)

    return run


@_wide
def cholesky(x: Any) -> Any:
    factor, failed = torch.linalg.cholesky_ex(x)
    return torch.where((failed != 0)[..., None, None], float("nan"), factor)


@_wide
def inverse(x: Any) -> Any:
    return torch.linalg.inv_ex(x)[0]


det = _wide(torch.linalg.det)


@_wide
def qr(x: Any, mode: str) -> tuple[Any, Any]:
    return tuple(torch.linalg.qr(x, mode))  # type: ignore[return-value]


@_wide
def svd(x: Any, full_matrices: bool) -> tuple[Any, Any, Any]:
    return tuple(torch.linalg.svd(x, full_matrices))  # type: ignore[return-value]


@_wide
def eigh(x: Any) -> tuple[Any, Any]:
    return tuple(torch.linalg.eigh(x))  # type: ignore[return-value]


@_wide
def solve(a: Any, b: Any) -> Any:
    batch = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return torch.linalg.solve_ex(a, b.expand(*batch, *b.shape[-2:]))[0]


@_wide
def solve_triangular(a: Any, b: Any, lower: bool) -> Any:
    return torch.linalg.solve_triangular(a, b, upper=not lower)


# ---- order


def sort(x: Any, axis: int) -> Any:
    if x.dtype in ODD:
        return written(torch.sort(read(x, x.dtype, True), dim=axis, stable=True)[0], x.dtype, True)
    return torch.sort(x, dim=axis, stable=True)[0]


def argsort(x: Any, axis: int) -> Any:
    return _order(x, axis, False).to(torch.int32)


def _order(x: Any, axis: int, descending: bool) -> Any:
    x = read(x, x.dtype, True) if x.dtype in ODD else x
    return torch.sort(x, dim=axis, stable=True, descending=descending)[1]


def top_k(x: Any, k: int) -> tuple[Any, Any]:
    """By a stable sort: `torch.topk` promises no order of equals."""
    if k == 1 and x.shape[-1]:
        places = argmax(x, x.ndim - 1, True)
        return _gather(x, -1, places.to(torch.int64)), places
    places = _order(x, x.ndim - 1, True).narrow(-1, 0, k)
    return _gather(x, -1, places), places.to(torch.int32)


def searchsorted(sorted_sequence: Any, values: Any, side: str) -> Any:
    first, second = (read(x, x.dtype, True) if x.dtype in ODD else _comparable(x) for x in (sorted_sequence, values))
    return torch.searchsorted(first.contiguous(), second.contiguous(), side=side, out_int32=True)


# ---- Fourier


def fft(x: Any, inverse: bool) -> Any:
    return torch.fft.ifft(x) if inverse else torch.fft.fft(x)


def rfft(x: Any, length: int) -> Any:
    return torch.fft.rfft(x.to(torch.float32) if x.dtype in _HALF else x, length)


def irfft(x: Any, length: int) -> Any:
    return torch.fft.irfft(x, length)


def make_complex(real: Any, imag: Any) -> Any:
    if real.dtype in _HALF:
        real, imag = real.to(torch.float32), imag.to(torch.float32)
    return torch.complex(real, imag)


# ---- native forms of composed ops, and of the optimizers' updates

native: dict[str, Callable[..., Any]] = {**FORMS, **UPDATES}

__all__ = [  # what other modules of this folder made
    "abstract_eval", "cond", "conv", "custom_gradient", "eager", "fori_loop", "host_callback", "is_traced", "jit",
    "loop", "native", "native_step", "reduce_window", "remat", "scan", "value_and_grad", "vmap", "while_loop",
]  # fmt: skip
