"""The waist: every primitive that a backend implements, as its rule for shape and dtype.

A rule is a function with the primitive's own signature. Tensors arrive as anything with `shape` (a tuple in which
None is an unknown size) and `dtype` (a name); the result is a `Spec`, or a tuple of them. The symbolic backend is
made of these rules, so shape inference and execution share one definition.

Conventions that every backend keeps:

* Elementwise primitives with two tensors get them in one dtype already, and broadcast. One of the two may be a Python
  scalar that the dtype of the other can hold.
* `axis` arguments are normalized: ints in [0, rank), `axes` a sorted tuple of them.
* Images are `(batch, *spatial, channels)` unless `channels_first`; kernels are `(*spatial, in / groups, out)`.
* Sizes in `shape` arguments are ints, or the backend's own dimension objects, never None.
* Nothing writes into its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keratin import shapes
from keratin.errors import ShapeError
from keratin.shapes import Shape


class Spec:
    """Shape and dtype of a tensor.  No tuple: in a nest it is a leaf."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: Shape, dtype: str) -> None:
        self.shape, self.dtype = shape, dtype

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and self.shape == other.shape and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        return f"Spec({self.shape}, {self.dtype})"


class NotCompilable(Exception):
    """Raised by a backend where code does what only the engine's own eager mode, or its own compiler, can do.

    A hand-written step in the engine's style (`loss.backward()`, a gradient tape) is such code: it runs as it stands,
    outside of Keratin's programs.
    """


# ---- elementwise: one line each


def _same(x: Any) -> Spec:
    return Spec(x.shape, x.dtype)


def _predicate(x: Any) -> Spec:
    return Spec(x.shape, "bool")


_REAL: dict[Any, Any] = {"complex64": "float32", "complex128": "float64"}


def _real_part(x: Any) -> Spec:
    return Spec(x.shape, _REAL.get(x.dtype, x.dtype))


def _broadcast(x: Any, y: Any) -> Spec:
    return Spec(shapes.broadcast(x.shape, y.shape), x.dtype if x.dtype is not None else y.dtype)


def _compare(x: Any, y: Any) -> Spec:
    return Spec(shapes.broadcast(x.shape, y.shape), "bool")


def _where(condition: Any, x: Any, y: Any) -> Spec:
    return Spec(shapes.broadcast(condition.shape, x.shape, y.shape), x.dtype if x.dtype is not None else y.dtype)


SAME = """negative sign floor ceil round exp expm1 log log1p sqrt rsqrt sin cos tan asin acos atan sinh cosh tanh
    asinh acosh atanh erf erfinv lgamma digamma sigmoid bitwise_not conj stop_gradient copy""".split()
PREDICATE = "isfinite isnan isinf logical_not signbit".split()
BINARY = """add subtract multiply divide floor_divide mod power maximum minimum atan2 nextafter
    bitwise_and bitwise_or bitwise_xor left_shift right_shift""".split()
COMPARE = "equal not_equal less less_equal greater greater_equal logical_and logical_or logical_xor".split()


def cast(x: Any, dtype: str) -> Spec:
    return Spec(x.shape, dtype)


def bitcast(x: Any, dtype: str) -> Spec:
    """The same bits read as a dtype of the same width."""
    return Spec(x.shape, dtype)


# ---- creation


def full(shape: Sequence[Any], value: Any, dtype: str) -> Spec:
    return Spec(tuple(shape), dtype)


def iota(size: Any, dtype: str) -> Spec:
    """0, 1, … size - 1."""
    return Spec((size,), dtype)


def random_bits(key: Any, shape: Sequence[Any]) -> Spec:
    """Threefry-2x32: word i is hi xor lo of threefry(key, (0, i)), the key two uint32.  Source: Salmon et al. 2011."""
    return Spec(tuple(shape), "uint32")


# ---- reductions


def reduced(shape: Shape, axes: Sequence[int], keepdims: bool) -> Shape:
    """`shape` without `axes`, or with 1 in their places."""
    if keepdims:
        return tuple(1 if i in axes else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axes)


def _reduce(x: Any, axes: tuple[int, ...], keepdims: bool) -> Spec:
    return Spec(reduced(x.shape, axes, keepdims), x.dtype)


def _reduce_bool(x: Any, axes: tuple[int, ...], keepdims: bool) -> Spec:
    return Spec(reduced(x.shape, axes, keepdims), "bool")


def _arg_reduce(x: Any, axis: int, keepdims: bool) -> Spec:
    """The first position of the extreme, int32; NaN counts as the extreme."""
    return Spec(reduced(x.shape, (axis,), keepdims), "int32")


def _cumulative(x: Any, axis: int) -> Spec:
    return Spec(x.shape, x.dtype)


# ---- shape


def reshape(x: Any, shape: Sequence[Any]) -> Spec:
    """`shape` has no -1 here, except on the symbolic backend, where None stands for what is unknown."""
    before, after = shapes.size(x.shape), shapes.size(shape)
    if isinstance(before, int) and isinstance(after, int) and before != after:
        raise ShapeError(
            "The number of elements differs.", expected=f"{before} elements", received=f"{x.shape} to {tuple(shape)}"
        )
    return Spec(tuple(shape), x.dtype)


def expand_dims(x: Any, axis: int) -> Spec:
    return Spec((*x.shape[:axis], 1, *x.shape[axis:]), x.dtype)


def squeeze(x: Any, axes: tuple[int, ...]) -> Spec:
    if any(x.shape[a] not in (1, None) for a in axes):
        raise ShapeError("Only axes of size 1 can be squeezed.", expected=f"size 1 on axes {axes}", received=x.shape)
    return Spec(reduced(x.shape, axes, False), x.dtype)


def transpose(x: Any, axes: tuple[int, ...]) -> Spec:
    return Spec(tuple(x.shape[a] for a in axes), x.dtype)


def broadcast_to(x: Any, shape: Sequence[Any]) -> Spec:
    padded = (1,) * (len(shape) - len(x.shape)) + tuple(x.shape)
    if len(padded) > len(shape) or any(
        a not in (1, None) and b is not None and a != b for a, b in zip(padded, shape, strict=True)
    ):
        raise ShapeError("The shape does not broadcast to the one asked for.", expected=tuple(shape), received=x.shape)
    return Spec(tuple(shape), x.dtype)


def concatenate(xs: Sequence[Any], axis: int) -> Spec:
    merged: Shape = tuple(None if i == axis else d for i, d in enumerate(xs[0].shape))
    for number, x in enumerate(xs):
        other = tuple(None if i == axis else d for i, d in enumerate(x.shape))
        joined = shapes.merge(merged, other)
        if joined is None:
            raise ShapeError(
                f"Input {number} does not fit the others in `concatenate`.",
                expected=f"equal shapes outside axis {axis}",
                received=[tuple(x.shape) for x in xs],
            )
        merged = joined
    total = shapes.add(*(x.shape[axis] for x in xs))
    return Spec((*merged[:axis], total, *merged[axis + 1 :]), xs[0].dtype)


def pad(x: Any, widths: Sequence[tuple[int, int]], value: Any) -> Spec:
    """Constant padding, widths >= 0."""
    return Spec(tuple(shapes.add(d, a, b) for d, (a, b) in zip(x.shape, widths, strict=True)), x.dtype)


def flip(x: Any, axes: tuple[int, ...]) -> Spec:
    return Spec(x.shape, x.dtype)


# ---- indexing


def slice_strided(x: Any, index: tuple[slice, ...]) -> Spec:
    """`x[index]` with one Python slice per axis, any non-zero step."""
    return Spec(tuple(_sliced(d, s) for d, s in zip(x.shape, index, strict=True)), x.dtype)


def _sliced(size: Any, part: slice) -> Any:
    if part == slice(None):
        return size
    if isinstance(size, int):
        return len(range(*part.indices(size)))
    if size is None:
        start, stop, step = part.start or 0, part.stop, part.step or 1
        if step > 0 and isinstance(stop, int) and stop == 0:
            return 0
        del start
        return None
    start, stop = part.start or 0, size if part.stop is None else part.stop
    return (stop if stop >= 0 else size + stop) - (start if start >= 0 else size + start)


def dynamic_slice(x: Any, starts: Sequence[Any], sizes: Sequence[Any]) -> Spec:
    """A block of fixed sizes at positions known only at run time; positions are clamped so that it fits."""
    return Spec(tuple(sizes), x.dtype)


def dynamic_update_slice(x: Any, update: Any, starts: Sequence[Any]) -> Spec:
    return Spec(x.shape, x.dtype)


def take(x: Any, indices: Any, axis: int) -> Spec:
    """Rows along `axis`.  Negative indices count from the end; those outside give NaN, or the dtype's least value."""
    return Spec((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype)


def take_rows(x: Any, indices: Any) -> Spec:
    """Rows along the first axis, by indices (rows,) that all lie inside: nothing is checked."""
    return Spec((*indices.shape, *x.shape[1:]), x.dtype)


def take_along_axis(x: Any, indices: Any, axis: int) -> Spec:
    shape = list(shapes.broadcast(_without(x.shape, axis), _without(indices.shape, axis)))
    shape[axis] = indices.shape[axis]
    return Spec(tuple(shape), x.dtype)


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], 1, *shape[axis + 1 :])


def gather_nd(x: Any, indices: Any) -> Spec:
    """`x[indices[..., 0], indices[..., 1], …]` over the leading axes of x."""
    depth = indices.shape[-1]
    return Spec((*indices.shape[:-1], *x.shape[depth:]), x.dtype)


def scatter(x: Any, indices: Any, updates: Any, mode: str) -> Spec:
    """x with `updates` at `indices` (..., depth), by "set", "add", "max", "min" or "multiply"; outside is dropped."""
    return Spec(x.shape, x.dtype)


# ---- linear algebra


def matmul(x: Any, y: Any) -> Spec:
    """Both of rank >= 1, NumPy's rule."""
    a: Any = tuple(x.shape)
    b: Any = tuple(y.shape)
    inner = (a[-1], b[-2] if len(b) > 1 else b[0])
    if None not in inner and inner[0] != inner[1]:
        raise ShapeError(
            "The inner sizes of the matrix product differ.",
            expected=f"{inner[0]} rows on the right",
            received=f"{a} times {b}",
        )
    batch = shapes.broadcast(a[:-2], b[:-2])
    return Spec((*batch, *a[-2:-1], *(b[-1:] if len(b) > 1 else ())), x.dtype)


def dot_general(
    x: Any, y: Any, contract: tuple[Sequence[int], Sequence[int]], batch: tuple[Sequence[int], Sequence[int]]
) -> Spec:
    """Sum over pairs of axes, batch axes first in the result, then the rest of x, then the rest of y."""
    for a, b in zip(contract[0], contract[1], strict=True):
        if None not in (x.shape[a], y.shape[b]) and x.shape[a] != y.shape[b]:
            raise ShapeError(
                "Contracted sizes differ.", expected=f"{x.shape[a]} on axis {b} of the second", received=y.shape
            )
    lead = [x.shape[a] if x.shape[a] is not None else y.shape[b] for a, b in zip(batch[0], batch[1], strict=True)]
    left = [d for i, d in enumerate(x.shape) if i not in contract[0] and i not in batch[0]]
    right = [d for i, d in enumerate(y.shape) if i not in contract[1] and i not in batch[1]]
    return Spec((*lead, *left, *right), x.dtype)


def einsum(subscripts: str, *operands: Any) -> Spec:
    """Letters only, with an explicit result: "ij,jk->ik"; ops.einsum rewrites the other forms to this one."""
    inputs, result = subscripts.split("->")
    sizes: dict[str, Any] = {}
    for letters, operand in zip(inputs.split(","), operands, strict=True):
        if len(letters) != len(operand.shape):
            raise ShapeError(
                "An operand of `einsum` has another rank than its letters.", expected=letters, received=operand.shape
            )
        for letter, size in zip(letters, operand.shape, strict=True):
            known = sizes.setdefault(letter, size)
            if known not in (None, 1) and size not in (None, 1) and size != known:
                raise ShapeError(
                    f"Sizes of `{letter}` differ in `einsum`.", expected=known, received=size, where=subscripts
                )
            if known == 1 or (known is None and size not in (None, 1)):  # one of size 1 broadcasts
                sizes[letter] = size
    return Spec(tuple(sizes[letter] for letter in result), operands[0].dtype)


def _square(x: Any) -> Spec:
    return Spec(x.shape, x.dtype)


def qr(x: Any, mode: str) -> tuple[Spec, Spec]:
    *batch, m, n = x.shape
    k = m if mode == "complete" else None if None in (m, n) else min(m, n)
    return Spec((*batch, m, k), x.dtype), Spec((*batch, k, n), x.dtype)


def svd(x: Any, full_matrices: bool) -> tuple[Spec, Spec, Spec]:
    *batch, m, n = x.shape
    k = None if None in (m, n) else min(m, n)
    return (
        Spec((*batch, m, m if full_matrices else k), x.dtype),
        Spec((*batch, k), x.dtype),
        Spec((*batch, n if full_matrices else k, n), x.dtype),
    )


def eigh(x: Any) -> tuple[Spec, Spec]:
    return Spec(x.shape[:-1], x.dtype), Spec(x.shape, x.dtype)


def solve(a: Any, b: Any) -> Spec:
    """a (..., n, n) and b (..., n, k)."""
    return Spec((*shapes.broadcast(a.shape[:-2], b.shape[:-2]), *b.shape[-2:]), b.dtype)


def solve_triangular(a: Any, b: Any, lower: bool) -> Spec:
    return solve(a, b)


def det(x: Any) -> Spec:
    return Spec(x.shape[:-2], x.dtype)


# ---- neural networks


def conv(
    x: Any,
    kernel: Any,
    strides: tuple[int, ...],
    padding: Sequence[tuple[int, int]] | str,
    dilation: tuple[int, ...],
    input_dilation: tuple[int, ...],
    groups: int,
    channels_first: bool,
) -> Spec:
    """Cross-correlation.  Padding: pairs (negative in transposed convolutions), or "same", by `shapes.same_padding`."""
    channel_axis = 1 if channels_first else len(x.shape) - 1
    channels, expected = x.shape[channel_axis], shapes.size((kernel.shape[-2], groups))
    if None not in (channels, expected) and channels != expected:
        raise ShapeError(
            "The number of channels does not fit the kernel.",
            expected=f"{expected} channels on axis {channel_axis} ({groups} groups, kernel {tuple(kernel.shape)})",
            received=tuple(x.shape),
        )
    if None not in (kernel.shape[-1], groups) and kernel.shape[-1] % groups:
        raise ShapeError(
            "The number of filters is not a multiple of the number of groups.",
            expected=groups,
            received=kernel.shape[-1],
        )
    spatial = x.shape[2:] if channels_first else x.shape[1:-1]
    if padding == "same":
        out = [shapes.same_output(d, s) for d, s in zip(spatial, strides, strict=True)]
    else:
        out = [
            shapes.window_output(d, k, s, p, r, i)
            for d, k, s, p, r, i in zip(spatial, kernel.shape, strides, padding, dilation, input_dilation, strict=False)
        ]
    shape = (x.shape[0], kernel.shape[-1], *out) if channels_first else (x.shape[0], *out, kernel.shape[-1])
    return Spec(shape, x.dtype)


def reduce_window(
    x: Any, kind: str, window: tuple[int, ...], strides: tuple[int, ...], padding: Sequence[tuple[int, int]] | str
) -> Spec:
    """ "max" or "sum" over windows, one entry per axis of x; padding (pairs, or "same") counts as -inf and 0."""
    if isinstance(padding, str):
        return Spec(tuple(shapes.same_output(d, s) for d, s in zip(x.shape, strides, strict=True)), x.dtype)
    out = [shapes.window_output(d, w, s, p) for d, w, s, p in zip(x.shape, window, strides, padding, strict=True)]
    return Spec(tuple(out), x.dtype)


# ---- order


def sort(x: Any, axis: int) -> Spec:
    """Ascending, stable, NaN last."""
    return Spec(x.shape, x.dtype)


def argsort(x: Any, axis: int) -> Spec:
    """Ascending, stable, NaN last; int32."""
    return Spec(x.shape, "int32")


def top_k(x: Any, k: int) -> tuple[Spec, Spec]:
    """The k largest of the last axis, descending, the first of equals first."""
    return Spec((*x.shape[:-1], k), x.dtype), Spec((*x.shape[:-1], k), "int32")


def searchsorted(sorted_sequence: Any, values: Any, side: str) -> Spec:
    return Spec(values.shape, "int32")


# ---- Fourier


def fft(x: Any, inverse: bool) -> Spec:
    """Along the last axis, complex to complex; the inverse divides by the length."""
    return Spec(x.shape, x.dtype)


def rfft(x: Any, length: int) -> Spec:
    """Real to complex along the last axis, cut or zero-padded to `length`."""
    return Spec((*x.shape[:-1], length // 2 + 1), "complex128" if x.dtype == "float64" else "complex64")


def irfft(x: Any, length: int) -> Spec:
    return Spec((*x.shape[:-1], length), "float64" if x.dtype == "complex128" else "float32")


def make_complex(real: Any, imag: Any) -> Spec:
    return Spec(shapes.broadcast(real.shape, imag.shape), "complex128" if real.dtype == "float64" else "complex64")


RULES: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(SAME, _same),
    **dict.fromkeys(PREDICATE, _predicate),
    **dict.fromkeys(BINARY, _broadcast),
    **dict.fromkeys(COMPARE, _compare),
    **dict.fromkeys(("abs", "real", "imag"), _real_part),
    **dict.fromkeys(("sum", "prod", "max", "min"), _reduce),
    **dict.fromkeys(("any", "all"), _reduce_bool),
    **dict.fromkeys(("argmax", "argmin"), _arg_reduce),
    **dict.fromkeys(("cumsum", "cumprod"), _cumulative),
    **dict.fromkeys(("cholesky", "inverse"), _square),
    "where": _where,
    **{
        rule.__name__: rule
        for rule in (
            cast, bitcast, full, iota, random_bits, reshape, expand_dims, squeeze, transpose, broadcast_to,
            concatenate, pad, flip, slice_strided, dynamic_slice, dynamic_update_slice, take, take_rows,
            take_along_axis, gather_nd, scatter, matmul, dot_general, einsum, qr, svd, eigh, solve,
            solve_triangular, det, conv, reduce_window, sort, argsort, top_k, searchsorted, fft, rfft, irfft,
            make_complex,
        )
    },
}  # fmt: skip
"""Name of each primitive and its rule."""

CREATION = ("full", "iota", "random_bits")
SEQUENCE = ("concatenate",)

TRANSFORMS = """jit loop value_and_grad vmap scan while_loop fori_loop cond remat custom_gradient abstract_eval
    host_callback""".split()
"""What else a backend supplies; `docs/waist.md` lists all of it."""
