"""TensorFlow: facts and primitives; `transforms.py` has the rest.

Deviations that are mended here:
* `maximum` and `minimum` share the slope at a tie (0.5 each), as JAX and PyTorch do; TensorFlow gives it to one side.
* Indices outside `take` give NaN and those outside `scatter` are dropped: TensorFlow raises on the CPU, and gives 0 or
  drops on a GPU (https://www.tensorflow.org/api_docs/python/tf/gather).
* NaN becomes 0 and what is too large the extreme value where floats become integers; TensorFlow leaves it to the CPU.
* Integer division by zero gives 0 in place of an error.
* NaN is sorted last and counts as the greatest in `argmax`, wherever it stands.
* Sums of half precision are accumulated in float32.
* Integer dtypes without a kernel go through a wider one (`_through`).
"""

from __future__ import annotations

import builtins
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.autograph.core import config as autograph
from tensorflow.python.eager import record
from tensorflow.python.ops import gen_math_ops

from keratin import shapes
from keratin.backends.tensorflow.facts import (
    TENSOR_TYPES,
    EagerTensor,
    Size,
    block,
    borrow_host,
    canonical_dtype,
    device,
    eager,
    engine_dtype,
    free_memory,
    from_foreign,
    from_host,
    has_compiler,
    has_gradients,
    is_tensor,
    is_traced,
    name,
    native_dtype,
    number,
    shape,
    sizes,
    to_host,
    unknown,
)
from keratin.backends.tensorflow.linear import (
    HALF,
    cast_tensor,
    cholesky,
    det,
    dot_general,
    eigh,
    einsum,
    inverse,
    matmul,
    qr,
    solve,
    solve_triangular,
    svd,
)
from keratin.backends.tensorflow.native import native
from keratin.backends.tensorflow.neural import conv, reduce_window
from keratin.backends.tensorflow.transforms import (
    abstract_eval,
    cond,
    custom_gradient,
    fori_loop,
    host_callback,
    jit,
    loop,
    native_step,
    remat,
    scan,
    unknown_batch,
    value_and_grad,
    vmap,
    while_loop,
)

# A user's `tf.function` need not rewrite Keratin's own code: nothing in it asks for the values of tensors.
autograph.CONVERSION_RULES = (autograph.DoNotConvert("keratin"), *autograph.CONVERSION_RULES)


# ---- elementwise


def _pair(function: Callable[..., Any]) -> Callable[..., Any]:
    """With Python scalars in the dtype of the tensor beside them."""

    def run(x: Any, y: Any) -> Any:
        if not isinstance(y, tf.Tensor):
            y = _like(y, x)
        elif not isinstance(x, tf.Tensor):
            x = _like(x, y)
        return function(x, y)

    return run


def _like(value: Any, x: Any) -> Any:
    if isinstance(value, Size):
        value = value.tensor
    elif not isinstance(value, np.ndarray | np.generic):
        return tf.constant(value, x.dtype)
    return tf.cast(value, x.dtype)


def _through(function: Callable[..., Any], wider: dict[Any, Any]) -> Callable[..., Any]:
    """`function`, for dtypes without a kernel through the one that the table names."""

    def run(x: Any, *args: Any) -> Any:
        dtype = x.dtype
        wide = wider.get(dtype)
        if wide is None:
            return function(x, *args)
        return tf.cast(function(tf.cast(x, wide), *(cast_tensor(a, wide) for a in args)), dtype)

    return run


_SIGNLESS = {tf.uint8: tf.int32, tf.uint16: tf.int32, tf.uint32: tf.int64, tf.uint64: tf.int64}
_BOOL = {tf.bool: tf.uint8}
exp, expm1, log, log1p, sqrt, rsqrt = tf.exp, tf.math.expm1, tf.math.log, tf.math.log1p, tf.sqrt, tf.math.rsqrt
sin, cos, tan, asin, acos, atan = tf.sin, tf.cos, tf.tan, tf.asin, tf.acos, tf.atan
sinh, cosh, tanh, asinh, acosh, atanh = tf.sinh, tf.cosh, tf.tanh, tf.asinh, tf.acosh, tf.atanh
sigmoid, conj, stop_gradient, copy = tf.sigmoid, tf.math.conj, tf.stop_gradient, tf.identity
real, imag = tf.math.real, tf.math.imag
erf = tf.math.erf
lgamma, digamma = (_through(f, HALF) for f in (tf.math.lgamma, tf.math.digamma))
negative, abs, sign = (_through(f, _SIGNLESS) for f in (tf.negative, tf.abs, tf.sign))


@tf.custom_gradient
def _erfinv(x: Any) -> Any:
    rough = tf.math.erfinv(x)
    slope = tf.constant(math.sqrt(math.pi) / 2, x.dtype) * tf.exp(rough * rough)
    # TensorFlow goes through (x + 1) / 2, which loses the digits of a small x: one step of Newton's brings them back.
    value = tf.where(tf.abs(x) < 0.5, rough - (tf.math.erf(rough) - x) * slope, rough)
    return value, lambda upstream: upstream * tf.constant(math.sqrt(math.pi) / 2, x.dtype) * tf.exp(value * value)


erfinv = _through(_erfinv, HALF)


def _for_floats(function: Callable[[Any], Any], otherwise: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        return function(x) if x.dtype.is_floating else otherwise(x)

    return run


def _no(x: Any) -> Any:
    return tf.zeros_like(x, tf.bool)


def _yes(x: Any) -> Any:
    return tf.ones_like(x, tf.bool)


floor, ceil, round = (_for_floats(f, tf.identity) for f in (tf.floor, tf.math.ceil, tf.round))
isnan, isinf, isfinite = (
    _for_floats(tf.math.is_nan, _no),
    _for_floats(tf.math.is_inf, _no),
    _for_floats(tf.math.is_finite, _yes),
)


def signbit(x: Any) -> Any:
    if x.dtype.is_floating:  # the comparison with 0 does not see -0.0
        x = tf.bitcast(x, {2: tf.int16, 4: tf.int32, 8: tf.int64}[x.dtype.size])
    return _no(x) if x.dtype.is_unsigned or x.dtype == tf.bool else x < 0


def bitwise_not(x: Any) -> Any:
    return tf.logical_not(x) if x.dtype == tf.bool else tf.bitwise.invert(x)


def _bits(for_bool: Callable[..., Any], for_integers: Callable[..., Any]) -> Callable[..., Any]:
    return _pair(lambda x, y: (for_bool if x.dtype == tf.bool else for_integers)(x, y))


bitwise_and = _bits(tf.logical_and, tf.bitwise.bitwise_and)
bitwise_or = _bits(tf.logical_or, tf.bitwise.bitwise_or)
bitwise_xor = _bits(tf.not_equal, tf.bitwise.bitwise_xor)
left_shift, right_shift = _pair(tf.bitwise.left_shift), _pair(tf.bitwise.right_shift)

add = _pair(_bits(tf.logical_or, gen_math_ops.add_v2))
multiply = _pair(_bits(tf.logical_and, gen_math_ops.mul))
subtract, divide = _pair(gen_math_ops.sub), _pair(gen_math_ops.real_div)
power, atan2 = _pair(_through(tf.pow, _SIGNLESS)), _pair(tf.atan2)


def _division(function: Callable[..., Any]) -> Callable[..., Any]:
    """0 where integers are divided by 0, as in NumPy: TensorFlow raises an error on the CPU."""

    def run(x: Any, y: Any) -> Any:
        if not x.dtype.is_integer:
            return function(x, y)
        zero = tf.equal(y, tf.zeros((), y.dtype))
        return tf.where(zero, tf.zeros((), x.dtype), function(x, tf.where(zero, tf.ones((), y.dtype), y)))

    return _pair(run)


floor_divide, mod = _division(tf.math.floordiv), _division(tf.math.floormod)


def _extreme(plain: Callable[..., Any], first: Callable[..., Any]) -> Callable[..., Any]:
    @tf.custom_gradient
    def shared(x: Any, y: Any) -> Any:
        def gradient(upstream: Any) -> Any:
            tie = tf.cast(tf.equal(x, y), x.dtype)
            part = tf.where(first(x, y), tf.ones_like(tie), tie * tf.constant(0.5, x.dtype))
            to_x, to_y = upstream * part, upstream * (tf.constant(1, x.dtype) - part)
            return _unbroadcast(to_x, x), _unbroadcast(to_y, y)

        return plain(x, y), gradient

    def run(x: Any, y: Any) -> Any:
        if x.dtype == tf.bool:
            return tf.cast(plain(tf.cast(x, tf.uint8), tf.cast(y, tf.uint8)), tf.bool)
        if not x.dtype.is_floating or (tf.executing_eagerly() and not record.could_possibly_record()):
            return plain(x, y)
        return shared(x, y)

    return _pair(run)


def _unbroadcast(gradient: Any, x: Any) -> Any:
    """The gradient of what was broadcast, summed to the shape that it had."""
    if x.shape.is_fully_defined() and gradient.shape.is_fully_defined():
        if x.shape == gradient.shape:
            return gradient
        lead = len(gradient.shape) - len(x.shape)
        ones = [lead + i for i, size in enumerate(x.shape) if size == 1 and gradient.shape[lead + i] != 1]
        return tf.reshape(tf.reduce_sum(gradient, [*range(lead), *ones]), x.shape)
    axes, _ = tf.raw_ops.BroadcastGradientArgs(s0=tf.shape(x), s1=tf.shape(gradient))
    return tf.reshape(tf.reduce_sum(gradient, axes), tf.shape(x))


maximum, minimum = _extreme(gen_math_ops.maximum, tf.greater), _extreme(gen_math_ops.minimum, tf.less)


@_pair
def nextafter(x: Any, y: Any) -> Any:
    if x.dtype.size > 2:
        return tf.math.nextafter(x, y)
    whole = tf.cast(tf.bitcast(x, tf.int16), tf.int32)  # half precision has no kernel: a step in the bits
    up = tf.where(tf.equal(x < y, whole >= 0), 1, -1)
    least = tf.bitcast(tf.cast(tf.where(y > 0, 1, -32767), tf.int16), x.dtype)
    moved = tf.where(x == 0, least, tf.bitcast(tf.cast(whole + up, tf.int16), x.dtype))
    return tf.where(x == y, y, tf.where(tf.math.is_nan(x) | tf.math.is_nan(y), x + y, moved))


equal, not_equal = _pair(tf.equal), _pair(tf.not_equal)


def _order(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any, y: Any) -> Any:
        return function(tf.cast(x, tf.uint8), tf.cast(y, tf.uint8)) if x.dtype == tf.bool else function(x, y)

    return _pair(run)


less, less_equal, greater, greater_equal = map(_order, (tf.less, tf.less_equal, tf.greater, tf.greater_equal))


def _truth(x: Any) -> Any:
    return tf.cast(x, tf.bool)


def logical_not(x: Any) -> Any:
    return tf.logical_not(_truth(x))


def logical_and(x: Any, y: Any) -> Any:
    return tf.logical_and(_truth(x), _truth(y))


def logical_or(x: Any, y: Any) -> Any:
    return tf.logical_or(_truth(x), _truth(y))


def logical_xor(x: Any, y: Any) -> Any:
    return tf.not_equal(_truth(x), _truth(y))


def where(condition: Any, x: Any, y: Any) -> Any:
    if not isinstance(y, tf.Tensor) and isinstance(x, tf.Tensor):
        y = _like(y, x)
    elif not isinstance(x, tf.Tensor) and isinstance(y, tf.Tensor):
        x = _like(x, y)
    return tf.where(_truth(condition), x, y)


def cast(x: Any, dtype: str) -> Any:
    wanted = native_dtype(dtype)
    given = x.dtype
    if given == wanted:
        return x
    if given.is_complex and not wanted.is_complex:
        return cast(tf.math.real(x), dtype) if wanted != tf.bool else tf.not_equal(x, 0)
    if given.is_floating and wanted.is_integer:
        x = tf.where(tf.math.is_nan(x), tf.zeros((), given), x)
        return tf.saturate_cast(x, wanted)
    return tf.cast(x, wanted)


def bitcast(x: Any, dtype: str) -> Any:
    return tf.bitcast(x, native_dtype(dtype))


# ---- creation


def full(shape: Sequence[Any], value: Any, dtype: str) -> Any:
    kind = native_dtype(dtype)
    if isinstance(value, tf.Tensor | Size | np.ndarray | np.generic):
        value = tf.cast(value, kind)
    elif kind == tf.bool:
        value = tf.constant(bool(value))
    else:
        value = tf.constant(value, kind)
    return tf.fill(sizes(shape), value)


def iota(size: Any, dtype: str) -> Any:
    kind, size = native_dtype(dtype), number(size)
    if kind in (tf.int32, tf.int64):
        return tf.range(tf.cast(size, kind))
    return tf.cast(tf.range(size), kind)


def random_bits(key: Any, shape: Sequence[Any]) -> Any:
    count = tf.cast(tf.reduce_prod(tf.cast(sizes(shape), tf.int64)), tf.int64) if unknown(shape) else math.prod(shape)
    if tf.executing_eagerly():
        words = _program_of_words()(key, tf.constant(count, tf.int64))
    else:
        words = _words(key, count)
    return tf.reshape(words, sizes(shape))


def _words(key: Any, count: Any) -> Any:
    """Threefry-2x32 with 20 rounds, the two halves of a word combined by xor.

    Source: Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3 and table 2.
    """
    first, second = _constant(0, "uint32"), tf.cast(tf.range(tf.cast(count, tf.int64)), tf.uint32)
    if not isinstance(count, int) or count > 2**32:
        first = tf.cast(tf.range(tf.cast(count, tf.int64)) // 2**32, tf.uint32)
    k0, k1 = key[0], key[1]
    schedule = (k0, k1, tf.bitwise.bitwise_xor(tf.bitwise.bitwise_xor(k0, k1), _constant(0x1BD11BDA, "uint32")))
    rotations = ((13, 15, 26, 6), (17, 29, 16, 24))
    x, y = first + schedule[0], second + schedule[1]
    for group in range(5):
        for distance in rotations[group % 2]:
            x = x + y
            left = tf.bitwise.left_shift(y, _constant(distance, "uint32"))
            right = tf.bitwise.right_shift(y, _constant(32 - distance, "uint32"))
            y = tf.bitwise.bitwise_xor(tf.bitwise.bitwise_or(left, right), x)
        x = x + schedule[(group + 1) % 3]
        y = y + (schedule[(group + 2) % 3] + _constant(group + 1, "uint32"))
    return tf.bitwise.bitwise_xor(x, y)


def _constant(value: Any, dtype: str) -> Any:
    return tf.constant(value, native_dtype(dtype))


@functools.cache
def _program_of_words() -> Callable[..., Any]:
    """One graph for all counts: its hundred operations are dear one by one."""
    signature = [tf.TensorSpec((2,), tf.uint32), tf.TensorSpec((), tf.int64)]
    return tf.function(_words, input_signature=signature, autograph=False)


# ---- reductions


def _reduction(function: Callable[..., Any], wider: dict[Any, Any]) -> Callable[..., Any]:
    def run(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
        if not axes:
            return tf.identity(x)
        wide = wider.get(x.dtype)
        if wide is None:
            return function(x, axes, keepdims)
        return tf.cast(function(tf.cast(x, wide), axes, keepdims), x.dtype)

    return run


sum = _reduction(tf.reduce_sum, {**HALF, tf.bool: tf.int32})
prod = _reduction(tf.reduce_prod, {**HALF, tf.bool: tf.int32})


def _of_rows(function: Callable[..., Any]) -> Callable[..., Any]:
    """The extremes, of many axes by way of two: the gradient's comparison broadcasts few axes only."""

    def run(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
        rank = len(x.shape)
        if rank <= 5 or len(axes) == rank:
            return function(x, axes, keepdims)
        kept = [i for i in range(rank) if i not in axes]
        before = shape(x)
        rows = [shapes.size(before[i] for i in part) for part in (kept, axes)]
        result = function(tf.reshape(tf.transpose(x, (*kept, *axes)), sizes(rows)), (1,), False)
        last = [1 if i in axes else before[i] for i in range(rank)] if keepdims else [before[i] for i in kept]
        return tf.reshape(result, sizes(last))

    return run


max, min = _reduction(_of_rows(tf.reduce_max), _BOOL), _reduction(_of_rows(tf.reduce_min), _BOOL)
any = _reduction(lambda x, axes, keepdims: tf.reduce_any(_truth(x), axes, keepdims), {})
all = _reduction(lambda x, axes, keepdims: tf.reduce_all(_truth(x), axes, keepdims), {})


def _arg_extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any, axis: int, keepdims: bool) -> Any:
        found = function(x, axis, tf.int32)
        if x.dtype.is_floating:  # NaN never compares as the extreme; the first one is
            missing = tf.math.is_nan(x)
            found = tf.where(tf.reduce_any(missing, axis), tf.argmax(missing, axis, tf.int32), found)
        return tf.expand_dims(found, axis) if keepdims else found

    return run


argmax, argmin = _arg_extreme(tf.argmax), _arg_extreme(tf.argmin)
cumsum, cumprod = _through(tf.cumsum, {**HALF, **_BOOL}), _through(tf.math.cumprod, {**HALF, **_BOOL})


# ---- shape


def _known(shape: Sequence[Any]) -> list[int | None]:
    return [None if isinstance(size, Size | tf.Tensor) else int(size) for size in shape]


def reshape(x: Any, shape: Sequence[Any]) -> Any:
    return tf.ensure_shape(tf.reshape(x, sizes(shape)), _known(shape)) if unknown(shape) else tf.reshape(x, shape)


def expand_dims(x: Any, axis: int) -> Any:
    return tf.expand_dims(x, axis)


def squeeze(x: Any, axes: tuple[int, ...]) -> Any:
    return tf.squeeze(x, axes) if axes else x


def transpose(x: Any, axes: tuple[int, ...]) -> Any:
    return tf.transpose(x, axes) if axes else x


def broadcast_to(x: Any, shape: Sequence[Any]) -> Any:
    if len(shape) <= 5:
        return tf.broadcast_to(x, sizes(shape))
    # BroadcastTo has no kernel for more axes of which some are repeated and some are not; `where` broadcasts them.
    # https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/broadcast_to_op.h
    whole = sizes(shape)
    return tf.where(tf.ones(whole, tf.bool), x, x)


def concatenate(xs: Sequence[Any], axis: int) -> Any:
    return tf.concat(xs, axis)


def pad(x: Any, widths: Sequence[tuple[int, int]], value: Any) -> Any:
    if not widths:
        return x
    pairs = [list(pair) for pair in widths]
    if not value:
        return tf.pad(x, pairs)
    # `tf.vectorized_map` pads with 0 whatever the value is: `_convert_pad_v2` in parallel_for/pfor.py, TensorFlow 2.21.
    inside = tf.pad(tf.ones(tf.shape(x), tf.bool), pairs)
    return tf.where(inside, tf.pad(x, pairs), _like(value, x))


def flip(x: Any, axes: tuple[int, ...]) -> Any:
    return tf.reverse(x, axes) if axes else x


# ---- indexing


def slice_strided(x: Any, index: tuple[slice, ...]) -> Any:
    if not index:
        return x
    return x[tuple(slice(*(number(v) if isinstance(v, Size) else v for v in (s.start, s.stop, s.step))) for s in index)]


def dynamic_slice(x: Any, starts: Sequence[Any], sizes: Sequence[Any]) -> Any:
    if not starts:
        return x
    return tf.ensure_shape(tf.slice(x, _starts(x, starts, sizes), _whole(sizes)), _known(sizes))


def _whole(values: Sequence[Any]) -> Any:
    return tf.stack(list(map(number, values))) if unknown(values) else list(map(int, values))


def _starts(x: Any, starts: Sequence[Any], wanted: Sequence[Any]) -> Any:
    """Positions moved so that the block fits; negative ones count from the end."""
    given, result = shape(x), []
    for start, size, room in zip(starts, wanted, given, strict=True):
        if isinstance(start, int | np.integer) and start == 0:
            result.append(0)
            continue
        start = tf.cast(start, tf.int32)
        start = tf.where(start < 0, start + number(room), start)
        result.append(gen_math_ops.minimum(gen_math_ops.maximum(start, 0), number(room - size)))
    return _whole(result)


def dynamic_update_slice(x: Any, update: Any, starts: Sequence[Any]) -> Any:
    if not starts:
        return update
    given, wanted = shape(x), shape(update)
    depth = builtins.max(
        (i + 1 for i, (a, b) in enumerate(zip(given, wanted, strict=True)) if not (a is b or a == b)), default=0
    )
    if depth == 0:
        return tf.identity(update)
    first = _starts(x, starts, wanted)
    ranges = [first[i] + tf.range(number(wanted[i])) for i in range(depth)]
    return tf.tensor_scatter_nd_update(x, tf.stack(tf.meshgrid(*ranges, indexing="ij"), -1), update)


def _fill(dtype: Any) -> Any:
    if dtype.is_integer:
        return dtype.min if not dtype.is_unsigned else dtype.max
    return False if dtype == tf.bool else math.nan


def _inside(x: Any, indices: Any, size: Any) -> tuple[Any, Any]:
    """Positions counted from the start, 0 for those outside; and which are inside."""
    indices = tf.cast(indices, tf.int64 if indices.dtype in (tf.int64, tf.uint32, tf.uint64) else tf.int32)
    size = tf.cast(number(size), indices.dtype)
    zero = tf.zeros((), indices.dtype)
    indices = tf.where(indices < zero, indices + size, indices)
    inside = tf.logical_and(indices >= zero, indices < size)
    return tf.where(inside, indices, zero), inside


def take(x: Any, indices: Any, axis: int) -> Any:
    size = shape(x)[axis]
    places, inside = _inside(x, indices, size)
    if isinstance(size, int) and size == 0:  # nothing to gather from
        before, after = shape(x)[:axis], shape(x)[axis + 1 :]
        return tf.fill(sizes((*before, *shape(indices), *after)), tf.constant(_fill(x.dtype), x.dtype))
    result = tf.gather(x, places, axis=axis)
    if isinstance(inside, EagerTensor) and bool(tf.reduce_all(inside)):
        return result
    keep = tf.reshape(inside, sizes((*shape(indices), *(1,) * (len(x.shape) - axis - 1))))
    return tf.where(keep, result, tf.constant(_fill(x.dtype), x.dtype))


def take_rows(x: Any, indices: Any) -> Any:
    return tf.gather(x, indices)


def take_along_axis(x: Any, indices: Any, axis: int) -> Any:
    rank = len(x.shape)
    last = [*(i for i in range(rank) if i != axis), axis]
    back = [last.index(i) for i in range(rank)]
    x, indices = tf.transpose(x, last), tf.transpose(indices, last)
    batch = shapes.broadcast(shape(x)[:-1], shape(indices)[:-1])
    size = shape(x)[-1]
    places, inside = _inside(x, indices, size)
    if isinstance(size, int) and size == 0:
        result = tf.fill(sizes((*batch, shape(indices)[-1])), tf.constant(_fill(x.dtype), x.dtype))
        return tf.transpose(result, back)
    x = tf.broadcast_to(x, sizes((*batch, size)))
    places = tf.broadcast_to(places, sizes((*batch, shape(indices)[-1])))
    result = tf.gather(x, places, axis=rank - 1, batch_dims=rank - 1)
    if not (isinstance(inside, EagerTensor) and bool(tf.reduce_all(inside))):
        result = tf.where(inside, result, tf.constant(_fill(x.dtype), x.dtype))
    return tf.transpose(result, back)


def gather_nd(x: Any, indices: Any) -> Any:
    depth = indices.shape[-1]
    if 0 in tuple(x.shape):  # which TensorFlow refuses
        return tf.zeros(sizes((*shape(indices)[:-1], *shape(x)[depth:])), x.dtype)
    given = tf.cast(_whole(shape(x)[:depth]), indices.dtype)
    indices = tf.where(indices < 0, indices + given, indices)
    return tf.gather_nd(x, tf.clip_by_value(indices, 0, gen_math_ops.maximum(given - 1, 0)))


def scatter(x: Any, indices: Any, updates: Any, mode: str) -> Any:
    """Over rows: the leading axes in one, and a further row for what is outside."""
    depth = indices.shape[-1]
    whole, rest = shape(x), shape(x)[depth:]
    given = tf.cast(_whole(whole[:depth]), tf.int64)
    indices = tf.cast(indices, tf.int64)
    indices = tf.where(indices < 0, indices + given, indices)
    inside = tf.reduce_all(tf.logical_and(indices >= 0, indices < given), -1)
    count = tf.reduce_prod(given)
    place = tf.reduce_sum(indices * tf.math.cumprod(given, exclusive=True, reverse=True), -1)
    place = tf.reshape(tf.where(inside, place, count), (-1, 1))
    if not unknown(whole) and math.prod(whole[:depth]) < 2**31 - 1:
        place = tf.cast(place, tf.int32)  # `tf.vectorized_map` has no rule for int64 (`_convert_tensor_scatter_update`)
    lead = shape(indices)[:-1]
    updates = tf.broadcast_to(_tensor_like(updates, x), sizes((*lead, *rest)))
    updates = tf.reshape(updates, sizes((shapes.size(lead), *rest)))
    flat = tf.reshape(x, sizes((shapes.size(whole[:depth]), *rest)))
    padded = tf.pad(flat, [[0, 1], *([0, 0] for _ in rest)])
    if mode == "multiply":
        factors = tf.math.unsorted_segment_prod(updates, place[:, 0], count + 1)
        return tf.reshape(flat * factors[:-1], sizes(whole))
    kind, wide = x.dtype, _BOOL.get(x.dtype)
    if wide is not None:
        padded, updates = tf.cast(padded, wide), tf.cast(updates, wide)
    result = _SCATTER[mode](padded, place, updates)[:-1]
    return tf.cast(tf.reshape(result, sizes(whole)), kind)


def _tensor_like(value: Any, x: Any) -> Any:
    return value if isinstance(value, tf.Tensor) else _like(value, x)


_SCATTER: dict[str, Callable[..., Any]] = {
    "set": tf.tensor_scatter_nd_update,
    "add": tf.tensor_scatter_nd_add,
    "max": tf.tensor_scatter_nd_max,
    "min": tf.tensor_scatter_nd_min,
}


# ---- order


def _keys(x: Any) -> Any:
    """Integers in the order of the floats, NaN last: TensorFlow leaves open where it sorts NaN."""
    if not x.dtype.is_floating:
        return tf.cast(x, tf.int32) if x.dtype == tf.bool else x
    whole = {2: tf.int16, 4: tf.int32, 8: tf.int64}[x.dtype.size]
    bits = tf.bitcast(x + tf.zeros((), x.dtype), whole)  # -0.0 equals 0.0
    largest = tf.constant(whole.max, whole)
    keys = tf.where(bits < 0, tf.bitwise.bitwise_xor(bits, largest), bits)
    return tf.where(tf.math.is_nan(x), largest, keys)


def argsort(x: Any, axis: int) -> Any:
    return tf.argsort(_keys(tf.stop_gradient(x)), axis, stable=True)


def sort(x: Any, axis: int) -> Any:
    return take_along_axis(x, argsort(x, axis), axis)


def top_k(x: Any, k: int) -> tuple[Any, Any]:
    if x.dtype == tf.bool:
        values, indices = tf.math.top_k(tf.cast(x, tf.uint8), k)
        return tf.cast(values, tf.bool), indices
    values, indices = tf.math.top_k(x, k)
    return values, indices


def searchsorted(sorted_sequence: Any, values: Any, side: str) -> Any:
    if sorted_sequence.dtype == tf.bool:
        sorted_sequence, values = tf.cast(sorted_sequence, tf.uint8), tf.cast(values, tf.uint8)
    found = tf.searchsorted(_keys(sorted_sequence), _keys(tf.reshape(values, (-1,))), side)
    return tf.reshape(found, tf.shape(values))


# ---- Fourier


def fft(x: Any, inverse: bool) -> Any:
    return tf.signal.ifft(x) if inverse else tf.signal.fft(x)


def rfft(x: Any, length: int) -> Any:
    return tf.signal.rfft(x, [length])


def irfft(x: Any, length: int) -> Any:
    return tf.signal.irfft(x, [length])


make_complex = tf.complex

__all__ = [  # what other modules of this folder made
    "TENSOR_TYPES",
    "abstract_eval",
    "block",
    "borrow_host",
    "canonical_dtype",
    "cholesky",
    "cond",
    "conv",
    "custom_gradient",
    "det",
    "device",
    "dot_general",
    "eager",
    "eigh",
    "einsum",
    "engine_dtype",
    "fori_loop",
    "free_memory",
    "from_foreign",
    "from_host",
    "has_compiler",
    "has_gradients",
    "host_callback",
    "inverse",
    "is_tensor",
    "is_traced",
    "jit",
    "loop",
    "matmul",
    "name",
    "native",
    "native_step",
    "qr",
    "reduce_window",
    "remat",
    "scan",
    "shape",
    "solve",
    "solve_triangular",
    "svd",
    "to_host",
    "unknown_batch",
    "value_and_grad",
    "vmap",
    "while_loop",
]
