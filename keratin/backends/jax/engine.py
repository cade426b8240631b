"""JAX: the default engine, for CPU, GPU and TPU.

Deviations that are mended here:
* `abs` has slope 0 at 0, as PyTorch and TensorFlow have it.
* `max(x, y)` and `min(x, y)` share the slope at a tie (0.5 each), as in PyTorch; TensorFlow gives it to one side.
* 64-bit dtypes exist only with `jax_enable_x64`; otherwise `canonical_dtype` narrows them before anything is made.
* Convolutions have gradients of their own on CPU (reverse mode only), which XLA runs quicker than JAX's.
* YNNPACK halves the speed of convolutions of jaxlib 0.10 on CPU and is turned off for programs that have some
  (`compile_options`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import core as jax_core
from jax import lax

from keratin import dtypes
from keratin.backends.jax.idioms import register_variables
from keratin.backends.spec import Spec
from keratin.errors import BackendError

name = "jax"
TENSOR_TYPES: tuple[type, ...] = (type(jnp.zeros(())),)
"""Concrete types for a quick test by identity; `is_tensor` knows the tracers too."""
has_gradients = has_compiler = True


def is_tensor(value: Any) -> bool:
    return isinstance(value, jax.Array)


def is_traced(value: Any) -> bool:
    return isinstance(value, jax_core.Tracer)


def shape(x: Any) -> tuple[Any, ...]:
    return x.shape


def canonical_dtype(dtype: str) -> str:
    """The dtype that a tensor asked for as `dtype` has."""
    if jax.config.read("jax_enable_x64"):
        return dtype
    return _NARROW.get(dtype, dtype)


_NARROW = {"int64": "int32", "uint64": "uint32", "float64": "float32", "complex128": "complex64"}


def from_host(array: Any, dtype: str | None = None) -> jax.Array:
    """A tensor with a copy of the values of a NumPy array, list or scalar; never an alias.

    The copy is made here: `jnp.array` makes its own later, in another thread, and would see what the caller writes into
    the array meanwhile (a generator that fills one buffer again and again, for example). A large copy is aligned, so
    that the engine takes it over; otherwise it copies again, at a tenth of the speed (40 MB: 42 against 4 ms).
    """
    kind = None if dtype is None else _native(dtype)
    array = np.asarray(array)
    if array.nbytes < _LARGE:
        return jnp.asarray(np.array(array, kind))
    kind = _native(array.dtype.name) if kind is None else kind
    return jax.device_put(_aligned_copy(array, np.dtype(kind)))


_LARGE, _ALIGNMENT = 1 << 20, 64


def _aligned_copy(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    size = array.size * dtype.itemsize
    room = np.empty(size + _ALIGNMENT, np.uint8)
    start = -room.ctypes.data % _ALIGNMENT
    copy = room[start : start + size].view(dtype).reshape(array.shape)
    np.copyto(copy, array, casting="unsafe")
    return copy


def borrow_host(array: np.ndarray) -> Any:
    """What a program takes for the length of one call; may share memory with `array`."""
    return array


def to_host(x: Any) -> np.ndarray:
    """The values as a NumPy array, which may be read-only."""
    return np.asarray(x)


def from_foreign(value: Any) -> jax.Array | None:
    """A copy of a tensor of another engine, made through DLPack, or None if it is none."""
    if not hasattr(value, "__dlpack__"):
        return None
    return jnp.copy(jnp.from_dlpack(value)).block_until_ready()  # before its owner writes into it


def engine_dtype(dtype: str) -> Any:
    """The dtype as the tensors' `dtype` attribute has it."""
    return _native(dtype)


def _native(dtype: str) -> Any:
    return dtypes.numpy_dtype(canonical_dtype(dtype))


def eager() -> contextlib.AbstractContextManager[Any]:
    """While inside, operations on constants run at once, in a trace too."""
    return jax.ensure_compile_time_eval()


def block(values: Any) -> None:
    """Wait until the values are there."""
    jax.block_until_ready(values)


def free_memory() -> int | None:
    """Bytes free on the device, None where the device does not say."""
    stats = jax.local_devices()[0].memory_stats()
    return None if not stats or "bytes_limit" not in stats else stats["bytes_limit"] - stats["bytes_in_use"]


# ---- elementwise

negative, sign, floor, ceil, round = jnp.negative, jnp.sign, jnp.floor, jnp.ceil, jnp.round
exp, expm1, log, log1p, sqrt, rsqrt = jnp.exp, jnp.expm1, jnp.log, jnp.log1p, jnp.sqrt, lax.rsqrt
sin, cos, tan, asin, acos, atan = jnp.sin, jnp.cos, jnp.tan, jnp.arcsin, jnp.arccos, jnp.arctan
sinh, cosh, tanh, asinh, acosh, atanh = jnp.sinh, jnp.cosh, jnp.tanh, jnp.arcsinh, jnp.arccosh, jnp.arctanh
erf, erfinv, lgamma, digamma = lax.erf, lax.erf_inv, lax.lgamma, lax.digamma
sigmoid, bitwise_not, conj = jax.nn.sigmoid, jnp.bitwise_not, jnp.conj
stop_gradient, copy = lax.stop_gradient, jnp.copy
isfinite, isnan, isinf, logical_not, signbit = jnp.isfinite, jnp.isnan, jnp.isinf, jnp.logical_not, jnp.signbit
add, subtract, multiply, divide = jnp.add, jnp.subtract, jnp.multiply, jnp.true_divide
floor_divide, mod, power, maximum, minimum = jnp.floor_divide, jnp.mod, jnp.power, jnp.maximum, jnp.minimum
atan2, nextafter = jnp.arctan2, jnp.nextafter
bitwise_and, bitwise_or, bitwise_xor = jnp.bitwise_and, jnp.bitwise_or, jnp.bitwise_xor
left_shift, right_shift = jnp.left_shift, jnp.right_shift
equal, not_equal, less, less_equal = jnp.equal, jnp.not_equal, jnp.less, jnp.less_equal
greater, greater_equal = jnp.greater, jnp.greater_equal
logical_and, logical_or, logical_xor = jnp.logical_and, jnp.logical_or, jnp.logical_xor
where = jnp.where
real, imag = jnp.real, jnp.imag


def abs(x: Any) -> Any:
    """The slope at 0 is 0, as on the other engines; JAX has 1 there."""
    if isinstance(x, jax_core.Tracer) and jnp.issubdtype(x.dtype, jnp.floating):
        return lax.mul(x, lax.sign(x))
    return jnp.abs(x)


def cast(x: Any, dtype: str) -> Any:
    return lax.convert_element_type(x, _native(dtype))


def bitcast(x: Any, dtype: str) -> Any:
    return lax.bitcast_convert_type(x, _native(dtype))


# ---- creation


def full(shape: Sequence[Any], value: Any, dtype: str) -> Any:
    return jnp.full(shape, value, _native(dtype))


def iota(size: Any, dtype: str) -> Any:
    return lax.iota(_native(dtype), size)


def random_bits(key: Any, shape: Sequence[Any]) -> Any:
    return jax.random.bits(jax.random.wrap_key_data(key, impl="threefry2x32"), tuple(shape), jnp.uint32)


# ---- reductions


def sum(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if jnp.issubdtype(x.dtype, jnp.inexact):  # with a dtype given, half precision would be added up in itself
        return jnp.sum(x, axes, keepdims=keepdims)
    return jnp.sum(x, axes, dtype=x.dtype, keepdims=keepdims)


def prod(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return jnp.prod(x, axes, dtype=x.dtype, keepdims=keepdims)


def max(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return jnp.max(x, axes, keepdims=keepdims)


def min(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return jnp.min(x, axes, keepdims=keepdims)


def any(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return jnp.any(x, axes, keepdims=keepdims)


def all(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return jnp.all(x, axes, keepdims=keepdims)


def argmax(x: Any, axis: int, keepdims: bool) -> Any:
    return jnp.argmax(x, axis, keepdims=keepdims).astype(jnp.int32)


def argmin(x: Any, axis: int, keepdims: bool) -> Any:
    return jnp.argmin(x, axis, keepdims=keepdims).astype(jnp.int32)


def cumsum(x: Any, axis: int) -> Any:
    return jnp.cumsum(x, axis, dtype=x.dtype)


def cumprod(x: Any, axis: int) -> Any:
    return jnp.cumprod(x, axis, dtype=x.dtype)


# ---- shape

reshape, expand_dims, squeeze, transpose = jnp.reshape, jnp.expand_dims, jnp.squeeze, jnp.transpose
broadcast_to, concatenate, flip = jnp.broadcast_to, jnp.concatenate, jnp.flip


def pad(x: Any, widths: Sequence[tuple[int, int]], value: Any) -> Any:
    return jnp.pad(x, widths, constant_values=value)


# ---- indexing


def slice_strided(x: Any, index: tuple[slice, ...]) -> Any:
    return x[index]


def dynamic_slice(x: Any, starts: Sequence[Any], sizes: Sequence[Any]) -> Any:
    return lax.dynamic_slice(x, starts, sizes)


def dynamic_update_slice(x: Any, update: Any, starts: Sequence[Any]) -> Any:
    return lax.dynamic_update_slice(x, update, starts)


def take(x: Any, indices: Any, axis: int) -> Any:
    return jnp.take(x, indices, axis, mode="fill")


def take_rows(x: Any, indices: Any) -> Any:
    return x.at[indices].get(mode="promise_in_bounds")


def take_along_axis(x: Any, indices: Any, axis: int) -> Any:
    return jnp.take_along_axis(x, indices, axis, mode="fill")


def gather_nd(x: Any, indices: Any) -> Any:
    return x[tuple(jnp.moveaxis(indices, -1, 0))]


def scatter(x: Any, indices: Any, updates: Any, mode: str) -> Any:
    target = x.at[tuple(jnp.moveaxis(indices, -1, 0))]
    return getattr(target, mode)(updates, mode="drop")


# ---- linear algebra

matmul, cholesky, inverse, det = jnp.matmul, jnp.linalg.cholesky, jnp.linalg.inv, jnp.linalg.det


def dot_general(x: Any, y: Any, contract: Any, batch: Any) -> Any:
    return lax.dot_general(x, y, (contract, batch))


def einsum(subscripts: str, *operands: Any) -> Any:
    return jnp.einsum(subscripts, *operands)


def qr(x: Any, mode: str) -> tuple[Any, Any]:
    q, r = jnp.linalg.qr(x, mode)
    return q, r


def svd(x: Any, full_matrices: bool) -> tuple[Any, Any, Any]:
    u, s, vh = jnp.linalg.svd(x, full_matrices)
    return u, s, vh


def eigh(x: Any) -> tuple[Any, Any]:
    values, vectors = jnp.linalg.eigh(x)
    return values, vectors


solve = jnp.linalg.solve


def solve_triangular(a: Any, b: Any, lower: bool) -> Any:
    return lax.linalg.triangular_solve(*_same_batch(a, b), left_side=True, lower=lower)


def _same_batch(a: Any, b: Any) -> tuple[Any, Any]:
    batch = jnp.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return jnp.broadcast_to(a, (*batch, *a.shape[-2:])), jnp.broadcast_to(b, (*batch, *b.shape[-2:]))


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
    if padding == "same":
        extents = [(k - 1) * d + 1 for k, d in zip(kernel.shape, dilation, strict=False)]
        padding = lax.padtype_to_pads(x.shape[2:] if channels_first else x.shape[1:-1], extents, strides, "SAME")
    padding = tuple(map(tuple, padding))
    strides, dilation, input_dilation = tuple(strides), tuple(dilation), tuple(input_dilation)
    if groups == 1 and not channels_first and set(input_dilation) == {1} and jax.default_backend() == "cpu":
        return _channels_last_conv(x, kernel, strides, padding, dilation)
    return _conv(x, kernel, strides, padding, dilation, input_dilation, groups, channels_first)


def _conv(
    x: Any,
    kernel: Any,
    strides: Any,
    padding: Any,
    dilation: Any,
    input_dilation: Any,
    groups: int = 1,
    channels_first: bool = False,
) -> Any:
    letters = "DHW"[5 - x.ndim :]
    layout = "NC" + letters if channels_first else "N" + letters + "C"
    return lax.conv_general_dilated(
        x,
        kernel,
        strides,
        padding,
        input_dilation,
        dilation,
        (layout, letters + "IO", layout),
        feature_group_count=groups,
    )


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _channels_last_conv(x: Any, kernel: Any, strides: Any, padding: Any, dilation: Any) -> Any:
    """A convolution whose gradients are channels-last convolutions too.

    On CPU, JAX's own gradients have layouts for which XLA has only its naive kernel when they stand in a loop
    (https://github.com/jax-ml/jax/issues/12868): 607 ms against 19 ms for the step of a small network.
    """
    return _conv(x, kernel, strides, padding, dilation, (1,) * len(strides))


def _conv_forward(x: Any, kernel: Any, strides: Any, padding: Any, dilation: Any) -> tuple[Any, Any]:
    return _channels_last_conv(x, kernel, strides, padding, dilation), (x, kernel)


def _conv_backward(strides: Any, padding: Any, dilation: Any, kept: Any, g: Any) -> tuple[Any, Any]:
    x, kernel = kept
    spatial = range(len(strides))
    sizes, windows, outputs = x.shape[1:-1], kernel.shape[:-2], g.shape[1:-1]
    extents = [(windows[i] - 1) * dilation[i] + 1 for i in spatial]
    spread = [(outputs[i] - 1) * strides[i] + 1 for i in spatial]
    before = [padding[i][0] for i in spatial]
    turned = jnp.flip(kernel, tuple(spatial)).swapaxes(-1, -2)
    for_x = [(extents[i] - 1 - before[i], sizes[i] - spread[i] + before[i]) for i in spatial]
    x_gradient = _conv(g, turned, (1,) * len(strides), for_x, dilation, strides)
    rank = len(strides)
    out_first = (*range(1, rank + 1), 0, rank + 1)
    for_kernel = [(before[i], extents[i] - 1 + spread[i] - sizes[i] - before[i]) for i in spatial]
    kernel_gradient = _conv(
        x.transpose((rank + 1, *range(1, rank + 1), 0)),
        g.transpose(out_first),
        dilation,
        for_kernel,
        strides,
        (1,) * rank,
    )
    return x_gradient, kernel_gradient.transpose(out_first)


_channels_last_conv.defvjp(_conv_forward, _conv_backward)


def reduce_window(x: Any, kind: str, window: Any, strides: Any, padding: Any) -> Any:
    padding = "SAME" if padding == "same" else padding
    if kind == "sum":
        return lax.reduce_window(x, np.zeros((), x.dtype), lax.add, window, strides, padding)
    least = -np.inf if jnp.issubdtype(x.dtype, jnp.inexact) else jnp.iinfo(x.dtype).min
    return lax.reduce_window(x, np.array(least, x.dtype), lax.max, window, strides, padding)


# ---- order


def sort(x: Any, axis: int) -> Any:
    return jnp.sort(x, axis, stable=True)


def argsort(x: Any, axis: int) -> Any:
    return jnp.argsort(x, axis, stable=True).astype(jnp.int32)


def top_k(x: Any, k: int) -> tuple[Any, Any]:
    values, indices = lax.top_k(x, k)
    return values, indices.astype(jnp.int32)


def searchsorted(sorted_sequence: Any, values: Any, side: str) -> Any:
    return jnp.searchsorted(sorted_sequence, values, side=side).astype(jnp.int32)


# ---- Fourier


def fft(x: Any, inverse: bool) -> Any:
    return jnp.fft.ifft(x) if inverse else jnp.fft.fft(x)


def rfft(x: Any, length: int) -> Any:
    return jnp.fft.rfft(x, length)


def irfft(x: Any, length: int) -> Any:
    return jnp.fft.irfft(x, length)


make_complex = lax.complex


# ---- transforms: functions of tensors in lists, tuples and dicts


class _Program:
    """A compiled function, with the compiler's options that pay for its content."""

    def __init__(self, function: Callable[..., Any], donate_argnums: tuple[int, ...]) -> None:
        self.function, self.donate_argnums = function, donate_argnums
        self.jitted: Any = None

    def __call__(self, *args: Any) -> Any:
        if self.jitted is None:
            self.jitted = jax.jit(self.function, donate_argnums=self.donate_argnums)
            options = compile_options(self.jitted.trace(*args).jaxpr)
            if options:  # JAX keeps the trace: the function is not run again
                self.jitted = jax.jit(self.function, donate_argnums=self.donate_argnums, compiler_options=options)
        return self.jitted(*args)


def jit(
    function: Callable[..., Any], donate_argnums: tuple[int, ...] = (), optimize: bool | None = None
) -> Callable[..., Any]:
    """`function` compiled; arguments of `donate_argnums` may be overwritten.  XLA always optimizes."""
    return _Program(function, donate_argnums)


def compile_options(jaxpr: Any) -> dict[str, Any]:
    """XLA's options for a program: one table for what was found to pay (jaxlib 0.10.2)."""
    if jax.default_backend() == "cpu" and "conv_general_dilated" in _primitive_names(jaxpr):
        return {"xla_cpu_experimental_ynn_fusion_type": ""}
    return {}


def _primitive_names(jaxpr: Any) -> set[str]:
    found: set[str] = set()
    waiting = [jaxpr]
    while waiting:
        inner = waiting.pop()
        inner = getattr(inner, "jaxpr", inner)
        for equation in inner.eqns:
            found.add(equation.primitive.name)
            for value in equation.params.values():
                for item in value if isinstance(value, tuple | list) else (value,):
                    if hasattr(item, "eqns") or hasattr(item, "jaxpr"):
                        waiting.append(item)
    return found


def value_and_grad(
    function: Callable[[list[Any]], tuple[Any, Any]],
) -> Callable[[list[Any]], tuple[tuple[Any, Any], list[Any]]]:
    """Of `function(values) -> (scalar, auxiliary tensors)`: a function that gives both and the gradients too."""
    return jax.value_and_grad(function, has_aux=True)


def vmap(function: Callable[..., Any], in_axes: Any, out_axes: Any) -> Callable[..., Any]:
    return jax.vmap(function, in_axes, out_axes)


def scan(
    function: Callable[[Any, Any], tuple[Any, Any]], carry: Any, xs: Any, length: int | None, reverse: bool, unroll: int
) -> tuple[Any, Any]:
    return lax.scan(function, carry, xs, length, reverse, unroll)


def loop(
    begin: Callable[[list[Any]], Any],
    fetch: Callable[[Any, list[Any]], list[Any]],
    step: Callable[[Any, Any, list[Any], list[Any]], Any],
    finish: Callable[[Any, list[Any]], tuple[list[Any], Any]],
    optimize: bool | None = None,
) -> Callable[..., Any]:
    """A program `run(state, constants, data, start, stop)` that runs steps `start` to `stop - 1` in one dispatch.

    `begin(state)` makes the carry, `step(i, carry, constants, fetch(i, data))` moves it on, and
    `finish(carry, constants)` gives the new state and the results. The state is donated.
    """

    def whole(state: Any, constants: Any, data: Any, start: Any, stop: Any) -> Any:
        carry = lax.fori_loop(start, stop, lambda i, c: step(i, c, constants, fetch(i, data)), begin(state))
        return finish(carry, constants)

    program = jit(whole, donate_argnums=(0,))
    return lambda state, constants, data, start, stop: program(state, constants, data, np.int32(start), np.int32(stop))


def while_loop(condition: Callable[[Any], Any], body: Callable[[Any], Any], carry: Any) -> Any:
    return lax.while_loop(condition, body, carry)


def fori_loop(start: Any, stop: Any, body: Callable[[Any, Any], Any], carry: Any) -> Any:
    return lax.fori_loop(start, stop, body, carry)


def cond(predicate: Any, on_true: Callable[..., Any], on_false: Callable[..., Any], operands: Sequence[Any]) -> Any:
    return lax.cond(predicate, on_true, on_false, *operands)


def remat(function: Callable[..., Any]) -> Callable[..., Any]:
    return jax.checkpoint(function)


def custom_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function(*tensors) -> (result, gradient function)` as a differentiable function of tensors."""

    @jax.custom_vjp
    def run(*args: Any) -> Any:
        return function(*args)[0]

    def forward(*args: Any) -> tuple[Any, Any]:
        result, gradient = function(*args)
        return result, jax.tree_util.Partial(gradient)

    def backward(gradient: Any, upstream: Any) -> tuple[Any, ...]:
        grads = gradient(upstream)
        return tuple(grads) if isinstance(grads, list | tuple) else (grads,)

    run.defvjp(forward, backward)
    return run


def abstract_eval(function: Callable[..., Any], specs: Sequence[Any]) -> list[Spec]:
    """Shapes and dtypes of `function(*tensors) -> list of tensors`, computing nothing."""
    arguments = [jax.ShapeDtypeStruct(s.shape, _native(dtypes.standardize(s.dtype))) for s in specs]
    result = jax.eval_shape(function, *arguments)
    return [Spec(tuple(r.shape), r.dtype.name) for r in result]


def native_step(function: Callable[..., Any], optimize: bool | None = None) -> Callable[..., Any]:
    """A step that is not to be compiled by Keratin."""
    return function


def unknown_batch(function: Callable[..., Any], specs: Sequence[Spec]) -> Callable[..., Any]:
    """A program of `function(*tensors) -> list of tensors` for any size where `specs` have None, one for all."""
    from jax import export

    (batch,) = export.symbolic_shape("batch")
    arguments = [
        jax.ShapeDtypeStruct(tuple(batch if size is None else size for size in s.shape), _native(s.dtype))
        for s in specs
    ]
    return export.export(jax.jit(function))(*arguments).call


def host_callback(function: Callable[..., Any], specs: Sequence[Spec], *args: Any) -> Any:
    """Run a NumPy function on the host, in order, from inside a program."""
    from jax.experimental import io_callback

    return io_callback(function, [jax.ShapeDtypeStruct(s.shape, _native(s.dtype)) for s in specs], *args, ordered=True)


@contextlib.contextmanager
def device(device_name: str) -> Generator[None]:
    """Put what is made inside on a device such as "cpu:0" or "gpu:1"."""
    kind, _, index = device_name.lower().partition(":")
    try:
        found = jax.devices(kind)[int(index or 0)]
    except (RuntimeError, IndexError, ValueError) as error:
        raise BackendError(
            "There is no such device.", expected=[f"{d.platform}:{d.id}" for d in jax.devices()], received=device_name
        ) from error
    with jax.default_device(found):
        yield


# ---- native forms of composed ops, kept where a benchmark row shows the gain


@jax.jit
def _dense(x: Any, kernel: Any, bias: Any = None) -> Any:
    y = jnp.matmul(x, kernel)
    return y if bias is None else y + bias


native: dict[str, Callable[..., Any]] = {
    "relu": jax.nn.relu,  # slope 0 at 0, one select in the gradient
    "dense": _dense,  # one dispatch in place of two: benchmark row dense_eager
}

register_variables()
