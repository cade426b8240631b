"""NumPy: the reference that other engines are compared with, and inference with no engine at all.

It has no gradients and compiles nothing; everything else works. Where NumPy lacks a function, SciPy supplies it.
"""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np

from keratin import dtypes, shapes
from keratin.backends.spec import Spec
from keratin.errors import BackendError

name = "numpy"
TENSOR_TYPES: tuple[type, ...] = (np.ndarray,)
has_gradients = has_compiler = False


def is_tensor(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.generic)


def is_traced(value: Any) -> bool:
    return False


def shape(x: Any) -> tuple[int, ...]:
    return x.shape


def canonical_dtype(dtype: str) -> str:
    return dtype


def from_host(array: Any, dtype: str | None = None) -> np.ndarray:
    return np.array(array, dtype=None if dtype is None else dtypes.numpy_dtype(dtype))


def borrow_host(array: np.ndarray) -> np.ndarray:
    return array


def to_host(x: Any) -> np.ndarray:
    return np.asarray(x)


def from_foreign(value: Any) -> np.ndarray | None:
    return np.array(np.from_dlpack(value)) if hasattr(value, "__dlpack__") else None


def engine_dtype(dtype: str) -> Any:
    return dtypes.numpy_dtype(dtype)


def eager() -> contextlib.AbstractContextManager[Any]:
    return contextlib.nullcontext()


def block(values: Any) -> None:
    """Everything is there at once."""


def free_memory() -> int | None:
    return None


# ---- elementwise.  Results are cast back where NumPy would widen (float16 and bfloat16 functions of SciPy).


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """Without warnings: infinities and NaN are values here as on every backend."""

    def run(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*args)

    return run


def _weak(function: Callable[..., Any]) -> Callable[..., Any]:
    """With Python floats in the dtype of the array, also beside bfloat16 and float8, where NumPy widens for them."""

    def run(*args: Any) -> Any:
        for x in args:
            if getattr(x, "dtype", _BOOL).kind == "V":
                args = tuple(x.dtype.type(y) if type(y) is float else y for y in args)
                break
        with np.errstate(all="ignore"):
            return function(*args)

    return run


_BOOL = np.dtype(bool)


def _special(function_name: str) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        import scipy.special

        return np.asarray(getattr(scipy.special, function_name)(np.asarray(x, np.float64))).astype(x.dtype)

    return _quiet(run)


negative, sign, floor, ceil, round = map(_quiet, (np.negative, np.sign, np.floor, np.ceil, np.round))
exp, expm1, log, log1p, sqrt = map(_quiet, (np.exp, np.expm1, np.log, np.log1p, np.sqrt))
sin, cos, tan, asin, acos, atan = map(_quiet, (np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan))
sinh, cosh, tanh, asinh, acosh, atanh = map(_quiet, (np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh))
erf, erfinv, lgamma, digamma, sigmoid = map(_special, ("erf", "erfinv", "gammaln", "digamma", "expit"))
bitwise_not, conj = np.bitwise_not, np.conj
isfinite, isnan, isinf, logical_not, signbit = np.isfinite, np.isnan, np.isinf, np.logical_not, np.signbit
add, subtract, multiply, divide = map(_weak, (np.add, np.subtract, np.multiply, np.true_divide))
floor_divide, mod, power = map(_weak, (np.floor_divide, np.mod, np.power))
maximum, minimum, atan2, nextafter = map(_weak, (np.maximum, np.minimum, np.arctan2, np.nextafter))
bitwise_and, bitwise_or, bitwise_xor = np.bitwise_and, np.bitwise_or, np.bitwise_xor
left_shift, right_shift = np.left_shift, np.right_shift
equal, not_equal, less, less_equal = np.equal, np.not_equal, np.less, np.less_equal
greater, greater_equal = np.greater, np.greater_equal
logical_and, logical_or, logical_xor = np.logical_and, np.logical_or, np.logical_xor
where = _weak(np.where)
abs, real, imag = np.abs, np.real, np.imag


@_quiet
def rsqrt(x: Any) -> Any:
    return np.asarray(1 / np.sqrt(x)).astype(x.dtype)


def stop_gradient(x: Any) -> Any:
    return x


def copy(x: Any) -> Any:
    return np.array(x)


@_quiet
def cast(x: Any, dtype: str) -> Any:
    return np.asarray(x).astype(dtypes.numpy_dtype(dtype))


def bitcast(x: Any, dtype: str) -> Any:
    return np.asarray(x).view(dtypes.numpy_dtype(dtype))


# ---- creation


def full(shape: Sequence[int], value: Any, dtype: str) -> Any:
    return np.full(shape, value, dtypes.numpy_dtype(dtype))


def iota(size: int, dtype: str) -> Any:
    return np.arange(size, dtype=dtypes.numpy_dtype(dtype))


def random_bits(key: Any, shape: Sequence[int]) -> Any:
    count = int(np.prod(shape, dtype=np.int64))
    counter = np.arange(count, dtype=np.uint64)
    first, second = threefry(np.asarray(key), (counter >> np.uint64(32)).astype(np.uint32), counter.astype(np.uint32))
    return (first ^ second).reshape(tuple(shape))


@_quiet
def threefry(key: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Threefry-2x32 with 20 rounds.

    Source: Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3 and table 2.
    """
    k0, k1 = np.uint32(key[0]), np.uint32(key[1])
    schedule = (k0, k1, k0 ^ k1 ^ np.uint32(0x1BD11BDA))
    rotations = ((13, 15, 26, 6), (17, 29, 16, 24))
    x, y = np.atleast_1d(first + schedule[0]), np.atleast_1d(second + schedule[1])
    moved = np.empty_like(y)
    for group in range(5):  # in place: half the time
        for distance in rotations[group % 2]:
            np.add(x, y, out=x)
            np.left_shift(y, np.uint32(distance), out=moved)
            np.right_shift(y, np.uint32(32 - distance), out=y)
            np.bitwise_or(y, moved, out=y)
            np.bitwise_xor(y, x, out=y)
        np.add(x, schedule[(group + 1) % 3], out=x)
        np.add(y, schedule[(group + 2) % 3] + np.uint32(group + 1), out=y)
    return x.reshape(np.shape(first)), y.reshape(np.shape(second))


# ---- reductions


def sum(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    wide = np.float32 if x.dtype.itemsize == 2 and x.dtype.kind in "fV" else x.dtype
    return np.asarray(np.sum(x, axes, dtype=wide, keepdims=keepdims)).astype(x.dtype)


def prod(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return np.prod(x, axes, dtype=x.dtype, keepdims=keepdims)


def max(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    with np.errstate(invalid="ignore"):  # NaN in half precision
        return np.max(x, axes, keepdims=keepdims)


def min(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    with np.errstate(invalid="ignore"):  # NaN in half precision
        return np.min(x, axes, keepdims=keepdims)


def any(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return np.any(x, axes, keepdims=keepdims)


def all(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return np.all(x, axes, keepdims=keepdims)


def argmax(x: Any, axis: int, keepdims: bool) -> Any:
    return np.asarray(np.argmax(x, axis, keepdims=keepdims)).astype(np.int32)


def argmin(x: Any, axis: int, keepdims: bool) -> Any:
    return np.asarray(np.argmin(x, axis, keepdims=keepdims)).astype(np.int32)


def cumsum(x: Any, axis: int) -> Any:
    return np.cumsum(x, axis, dtype=x.dtype)


def cumprod(x: Any, axis: int) -> Any:
    return np.cumprod(x, axis, dtype=x.dtype)


# ---- shape

reshape, expand_dims, squeeze, transpose = np.reshape, np.expand_dims, np.squeeze, np.transpose
broadcast_to, concatenate, flip = np.broadcast_to, np.concatenate, np.flip


def pad(x: Any, widths: Sequence[tuple[int, int]], value: Any) -> Any:
    return np.pad(x, widths, constant_values=value)


# ---- indexing


def slice_strided(x: Any, index: tuple[slice, ...]) -> Any:
    return x[index]


def dynamic_slice(x: Any, starts: Sequence[Any], sizes: Sequence[int]) -> Any:
    return x[_block(x, starts, sizes)]


def dynamic_update_slice(x: Any, update: Any, starts: Sequence[Any]) -> Any:
    result = np.array(x)
    result[_block(x, starts, update.shape)] = update
    return result


def _block(x: Any, starts: Sequence[Any], sizes: Sequence[int]) -> tuple[slice, ...]:
    first = [int(np.clip(int(s) + d * (int(s) < 0), 0, d - n)) for s, n, d in zip(starts, sizes, x.shape, strict=True)]
    return tuple(slice(f, f + n) for f, n in zip(first, sizes, strict=True))


def _fill(dtype: Any) -> Any:
    if dtype.kind in "iu":
        return np.iinfo(dtype).min if dtype.kind == "i" else np.iinfo(dtype).max
    return False if dtype.kind == "b" else np.nan


def take(x: Any, indices: Any, axis: int) -> Any:
    size = x.shape[axis]
    indices = np.asarray(indices)
    inside = (indices >= -size) & (indices < size)
    if inside.all():
        return np.take(x, indices, axis)
    result = np.take(x, np.where(inside, indices, 0), axis)
    keep = inside.reshape((1,) * axis + indices.shape + (1,) * (x.ndim - axis - 1))
    return np.where(keep, result, np.array(_fill(x.dtype), x.dtype))


def take_rows(x: Any, indices: Any) -> Any:
    return x[indices]


def take_along_axis(x: Any, indices: Any, axis: int) -> Any:
    inside = (indices >= -x.shape[axis]) & (indices < x.shape[axis])
    result = np.take_along_axis(x, np.where(inside, indices, 0), axis)
    return np.where(inside, result, np.array(_fill(x.dtype), x.dtype))


def gather_nd(x: Any, indices: Any) -> Any:
    return x[tuple(np.moveaxis(np.asarray(indices), -1, 0))]


def scatter(x: Any, indices: Any, updates: Any, mode: str) -> Any:
    result = np.array(x)
    indices = np.asarray(indices)
    depth = indices.shape[-1]
    sizes = np.array(x.shape[:depth])
    inside = ((indices >= -sizes) & (indices < sizes)).all(-1)
    updates = np.broadcast_to(updates, (*indices.shape[:-1], *x.shape[depth:]))[inside]
    places = tuple(np.moveaxis(indices[inside], -1, 0))
    if mode == "set":
        result[places] = updates
    else:
        {"add": np.add, "max": np.maximum, "min": np.minimum, "multiply": np.multiply}[mode].at(result, places, updates)
    return result


# ---- linear algebra.  Half dtypes are computed in float32: LAPACK and BLAS have none.


def _wide(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        first = next(a for a in args if isinstance(a, np.ndarray | np.generic))
        if first.dtype.itemsize > 2 or first.dtype.kind not in "fV":
            return function(*args)
        wide = [a.astype(np.float32) if isinstance(a, np.ndarray | np.generic) else a for a in args]
        return np.asarray(function(*wide)).astype(first.dtype)

    return run


matmul = _wide(np.matmul)


def _total(function: Callable[..., Any]) -> Callable[..., Any]:
    """With NaN for each matrix that has no answer, as the engines give; NumPy raises for the whole batch."""

    def run(*args: Any) -> Any:
        try:
            return function(*args)
        except np.linalg.LinAlgError:
            batch = np.broadcast_shapes(*(a.shape[:-2] for a in args))
            if not batch:
                return np.full_like(args[-1], np.nan)
            wide = [np.broadcast_to(a, (*batch, *a.shape[-2:])) for a in args]
            result = np.empty_like(wide[-1])
            for place in np.ndindex(*batch):
                result[place] = run(*(a[place] for a in wide))
            return result

    return run


cholesky, inverse, solve = map(_total, (np.linalg.cholesky, np.linalg.inv, np.linalg.solve))
det = np.linalg.det


@_wide
def dot_general(x: Any, y: Any, contract: Any, batch: Any) -> Any:
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    left: list[str] = [next(letters) for _ in x.shape]
    right: list[str] = [next(letters) for _ in y.shape]
    for a, b in (*zip(*contract, strict=True), *zip(*batch, strict=True)):
        right[b] = left[a]
    result = [left[a] for a in batch[0]]
    result += [c for i, c in enumerate(left) if i not in contract[0] and i not in batch[0]]
    result += [c for i, c in enumerate(right) if i not in contract[1] and i not in batch[1]]
    return np.einsum(f"{''.join(left)},{''.join(right)}->{''.join(result)}", x, y, optimize=True)


@_wide
def einsum(subscripts: str, *operands: Any) -> Any:
    return np.einsum(subscripts, *operands, optimize=True)


def qr(x: Any, mode: Any) -> tuple[Any, Any]:
    q, r = np.linalg.qr(x, mode)
    return q, r


def svd(x: Any, full_matrices: bool) -> tuple[Any, Any, Any]:
    u, s, vh = np.linalg.svd(x, full_matrices)
    return u, s, vh


def eigh(x: Any) -> tuple[Any, Any]:
    values, vectors = np.linalg.eigh(x)
    return values, vectors


def solve_triangular(a: Any, b: Any, lower: bool) -> Any:
    return solve(np.tril(a) if lower else np.triu(a), b)


# ---- neural networks


def conv(
    x: Any,
    kernel: Any,
    strides: Any,
    padding: Any,
    dilation: Any,
    input_dilation: Any,
    groups: int,
    channels_first: bool,
) -> Any:
    if channels_first:
        x = np.moveaxis(x, 1, -1)
    if padding == "same":
        padding = tuple(map(shapes.same_padding, x.shape[1:-1], kernel.shape[:-2], strides, dilation))
    patches = _windows(_spread(x, padding, input_dilation), kernel.shape[:-2], strides, dilation)
    # patches: (batch, *out, channels, *window); kernel: (*window, channels / groups, filters)
    rank = len(strides)
    parts = []
    for group in range(groups):
        size, filters = kernel.shape[-2], kernel.shape[-1] // groups
        part = patches[(slice(None),) * (rank + 1) + (slice(group * size, (group + 1) * size),)]
        weights = np.moveaxis(kernel[..., group * filters : (group + 1) * filters], -2, 0)
        axes = tuple(range(rank + 1, 2 * rank + 2))
        parts.append(np.tensordot(_float(part), _float(weights), (axes, tuple(range(rank + 1)))))
    result = np.concatenate(parts, -1).astype(x.dtype)
    return np.moveaxis(result, -1, 1) if channels_first else result


def _float(x: Any) -> Any:
    return x.astype(np.float32) if x.dtype.itemsize <= 2 else x


def _spread(x: Any, padding: Any, input_dilation: Any) -> Any:
    """Zeros put between the elements and around them; negative padding cuts."""
    for axis, ((before, after), step) in enumerate(zip(padding, input_dilation, strict=True), start=1):
        if step > 1:
            shape = list(x.shape)
            shape[axis] = (shape[axis] - 1) * step + 1
            wider = np.zeros(shape, x.dtype)
            wider[(slice(None),) * axis + (slice(None, None, step),)] = x
            x = wider
        widths = [(0, 0)] * x.ndim
        widths[axis] = (builtins.max(before, 0), builtins.max(after, 0))
        x = np.pad(x, widths)
        cut = slice(builtins.max(-before, 0), x.shape[axis] - builtins.max(-after, 0))
        x = x[(slice(None),) * axis + (cut,)]
    return x


def _windows(x: Any, window: Any, strides: Any, dilation: Any) -> Any:
    axes = tuple(range(1, len(window) + 1))
    extent = tuple((w - 1) * d + 1 for w, d in zip(window, dilation, strict=True))
    view = np.lib.stride_tricks.sliding_window_view(x, extent, axes)
    steps = (
        slice(None),
        *(slice(None, None, s) for s in strides),
        slice(None),
        *(slice(None, None, d) for d in dilation),
    )
    return view[steps]


def reduce_window(x: Any, kind: str, window: Any, strides: Any, padding: Any) -> Any:
    if padding == "same":
        padding = tuple(map(shapes.same_padding, x.shape, window, strides))
    value: Any = 0
    if kind == "max":
        value = np.iinfo(x.dtype).min if x.dtype.kind in "iu" else -np.inf
    view = np.lib.stride_tricks.sliding_window_view(np.pad(x, padding, constant_values=value), window)
    view = view[tuple(slice(None, None, s) for s in strides)]
    axes = tuple(range(x.ndim, 2 * x.ndim))
    return np.max(view, axes) if kind == "max" else sum(view, axes, False)


# ---- order


def sort(x: Any, axis: int) -> Any:
    return np.sort(x, axis, kind="stable")


def argsort(x: Any, axis: int) -> Any:
    return np.argsort(x, axis, kind="stable").astype(np.int32)


def top_k(x: Any, k: int) -> tuple[Any, Any]:
    order = np.argsort(-x if x.dtype.kind == "f" else -x.astype(np.float64), -1, kind="stable")[..., :k]
    return np.take_along_axis(x, order, -1), order.astype(np.int32)


def searchsorted(sorted_sequence: Any, values: Any, side: Any) -> Any:
    return np.asarray(np.searchsorted(sorted_sequence, values, side)).astype(np.int32)


# ---- Fourier


def fft(x: Any, inverse: bool) -> Any:
    return (np.fft.ifft(x) if inverse else np.fft.fft(x)).astype(x.dtype)


def rfft(x: Any, length: int) -> Any:
    return np.fft.rfft(x, length).astype(np.complex128 if x.dtype == np.float64 else np.complex64)


def irfft(x: Any, length: int) -> Any:
    return np.fft.irfft(x, length).astype(np.float64 if x.dtype == np.complex128 else np.float32)


def make_complex(real: Any, imag: Any) -> Any:
    return (real + 1j * imag).astype(np.complex128 if real.dtype == np.float64 else np.complex64)


# ---- transforms


def jit(
    function: Callable[..., Any], donate_argnums: tuple[int, ...] = (), optimize: bool | None = None
) -> Callable[..., Any]:
    """The function itself: there is nothing to compile with."""
    return function


def value_and_grad(function: Callable[..., Any]) -> Callable[..., Any]:
    raise BackendError(
        "The NumPy backend has no gradients.",
        hint="train on another backend, for example KERATIN_BACKEND=jax; NumPy serves for prediction and reference",
    )


def vmap(function: Callable[..., Any], in_axes: Any, out_axes: Any) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        given = in_axes if isinstance(in_axes, tuple | list) else [in_axes] * len(args)
        size = next(a.shape[axis] for a, axis in zip(args, given, strict=True) if axis is not None)
        rows = [
            function(*(a if axis is None else np.take(a, i, axis) for a, axis in zip(args, given, strict=True)))
            for i in range(size)
        ]
        columns = list(zip(*rows, strict=True))
        axes = out_axes if isinstance(out_axes, tuple | list) else [out_axes] * len(columns)
        return [c[0] if axis is None else np.stack(c, axis) for c, axis in zip(columns, axes, strict=True)]

    return run


def scan(
    function: Callable[[Any, Any], tuple[Any, Any]], carry: Any, xs: Any, length: int | None, reverse: bool, unroll: int
) -> tuple[Any, Any]:
    count = length if length is not None else len(xs[0])
    rows: list[Any] = [None] * count
    for i in reversed(range(count)) if reverse else range(count):
        carry, rows[i] = function(carry, [x[i] for x in xs])
    return carry, [np.stack(column) for column in zip(*rows, strict=True)]


def loop(
    begin: Callable[..., Any],
    fetch: Callable[..., Any],
    step: Callable[..., Any],
    finish: Callable[..., Any],
    optimize: bool | None = None,
) -> Callable[..., Any]:
    def run(state: list[Any], constants: list[Any], data: list[Any], start: int, stop: int) -> Any:
        carry = begin(state)
        for i in range(start, stop):
            carry = step(np.int32(i), carry, constants, fetch(np.int32(i), data))
        return finish(carry, constants)

    return run


def while_loop(condition: Callable[[Any], Any], body: Callable[[Any], Any], carry: Any) -> Any:
    while bool(condition(carry)):
        carry = body(carry)
    return carry


def fori_loop(start: Any, stop: Any, body: Callable[[Any, Any], Any], carry: Any) -> Any:
    for i in range(int(start), int(stop)):
        carry = body(i, carry)
    return carry


def cond(predicate: Any, on_true: Callable[..., Any], on_false: Callable[..., Any], operands: Sequence[Any]) -> Any:
    return (on_true if bool(predicate) else on_false)(*operands)


def remat(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def custom_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        return function(*args)[0]

    return run


def abstract_eval(function: Callable[..., Any], specs: Sequence[Any]) -> list[Spec]:
    """NumPy has no abstract evaluation: the function runs on zeros."""
    result = function(*(np.zeros(s.shape, dtypes.numpy_dtype(dtypes.standardize(s.dtype))) for s in specs))
    return [Spec(np.shape(r), dtypes.standardize(np.asarray(r).dtype)) for r in result]


def native_step(function: Callable[..., Any], optimize: bool | None = None) -> Callable[..., Any]:
    """A step that is not to be compiled by Keratin."""
    return function


def host_callback(function: Callable[..., Any], specs: Sequence[Spec], *args: Any) -> Any:
    return function(*args)


@contextlib.contextmanager
def device(device_name: str) -> Generator[None]:
    if device_name.lower().partition(":")[0] != "cpu":
        raise BackendError("NumPy computes on the CPU only.", expected="cpu", received=device_name)
    yield


native: dict[str, Callable[..., Any]] = {}
