"""Sweeps: ops on shapes, dtypes and axes that Hypothesis draws, against NumPy in float64, and symbolic against eager.

Shapes have rank 0 to 4 and sizes 0 to 4; operands broadcast; axes are negative, tuples, or all. A failure is shrunk to
the smallest call that fails.
"""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keratin import dtypes, ops
from keratin.backends.symbolic import KerasTensor
from keratin.errors import BackendError
from keratin.ops import mechanism
from keratin.testing.arrays import host, results, tensors
from keratin.testing.check import Check, close, holds, same
from keratin.testing.extras import special
from keratin.testing.ops.case import (
    DTYPES,
    FLOATS,
    DtypeRule,
    accumulator,
    always,
    floating,
    number,
    product,
)
from keratin.testing.ops.case import (
    same as common,
)

try:
    import hypothesis
    from hypothesis import strategies as st
except ModuleNotFoundError as error:
    raise BackendError("Sweeps need Hypothesis.", received=str(error), hint='pip install "keratin[testing]"') from error

Draw = Callable[[Any], Any]
EVERY_HEALTH_CHECK: Any = tuple(hypothesis.HealthCheck)  # a first example may compile, and take long
PRECISION = {"float16": 2.0**-9, "bfloat16": 2.0**-6, "float32": 2e-5}
"""How far a result of a dtype may be off, relative to it and to the largest value."""


@dataclasses.dataclass
class Call:
    """One call that was drawn: the op, its arrays (one list of them for an op that takes a list), the reference."""

    op: Callable[..., Any]
    arrays: list[np.ndarray]
    against: Callable[..., Any]
    dtype: Sequence[DtypeRule]
    kwargs: dict[str, Any]
    fixed: Sequence[int] = ()
    is_list: bool = False

    def __str__(self) -> str:
        shown = [f"{a.dtype.name}{list(a.shape)}" for a in self.arrays]
        return f"{self.op.__name__}({', '.join(shown)}, {self.kwargs})"

    def run(self, function: Callable[..., Any], given: Sequence[Any]) -> list[Any]:
        """The results of the op or of the reference."""
        return results(function(list(given), **self.kwargs) if self.is_list else function(*given, **self.kwargs))


def suite(examples: int = 50) -> list[Check]:
    """One check for each sweep, with so many examples."""
    return [
        Check("sweeps", name, name, "sweep", functools.partial(sweep, draw, examples)) for name, draw in SWEEPS.items()
    ]


def sweep(draw_call: Callable[[Draw], Call], examples: int) -> float:
    """Check calls that are drawn.  Gives the largest relative error in float32.  Raises: AssertionError."""
    worst = 0.0

    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=EVERY_HEALTH_CHECK,
    )
    @hypothesis.given(st.data())
    def one(data: Any) -> None:
        nonlocal worst
        worst = max(worst, check(draw_call(data.draw)))

    one()
    return worst


def check(call: Call) -> float:
    """Value, shape and dtype of one call, and the same drawn.  Gives the largest error of results in float32."""
    try:
        return _check(call)
    except Exception as error:
        error.add_note(f"in {call}")
        raise


def _check(call: Call) -> float:
    found = call.run(call.op, tensors(call.arrays))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        right = call.run(call.against, [_wide(a) for a in call.arrays])
    names = [a.dtype.name for i, a in enumerate(call.arrays) if i not in call.fixed]
    expected = [mechanism.canonical(rule(*names)) for rule in call.dtype]
    expected = expected * len(found) if len(expected) == 1 else expected
    same([mechanism.dtype_of(x) for x in found], expected, "The dtype is wrong.")
    worst = 0.0
    for x, y, name in zip(found, right, expected, strict=True):
        same(tuple(x.shape), np.shape(y), "The shape is wrong.")
        error = _compare(host(x), np.asarray(y), name)
        worst = max(worst, error if name == "float32" and "float32" in names else 0.0)
    _check_symbolic(call, found)
    return worst


def _wide(array: np.ndarray) -> np.ndarray:
    return array.astype(np.int64 if array.dtype.kind in "biu" else np.float64)


def _compare(found: np.ndarray, right: np.ndarray, name: str) -> float:
    with np.errstate(all="ignore"):
        right = right.astype(dtypes.numpy_dtype(name))
    if name not in PRECISION:
        return close(found, right, 0.0)
    right = right.astype(np.float64)
    finite = np.abs(right[np.isfinite(right)])
    scale = max(1.0, float(finite.max(initial=0.0)))
    return close(found, right, PRECISION[name], PRECISION[name] * scale)


def _check_symbolic(call: Call, found: list[Any]) -> None:
    drawn = call.run(call.op, [KerasTensor(a.shape, a.dtype.name) for a in call.arrays])
    for x, s in zip(found, drawn, strict=True):
        same((tuple(s.shape), s.dtype), (tuple(x.shape), mechanism.dtype_of(x)), "The symbolic result is another one.")
    if not call.arrays[0].ndim:
        return
    first = call.arrays[0]
    rest = [KerasTensor(a.shape, a.dtype.name) for a in call.arrays[1:]]
    for x, s in zip(
        found, call.run(call.op, [KerasTensor((None, *first.shape[1:]), first.dtype.name), *rest]), strict=True
    ):
        fits = len(s.shape) == len(x.shape) and all(a in (None, b) for a, b in zip(s.shape, x.shape, strict=True))
        holds(
            fits and s.dtype == mechanism.dtype_of(x), f"For any first size, {s.shape} is drawn for {tuple(x.shape)}."
        )


# ---- what is drawn

# Hypothesis draws what comes first most often, and shrinks towards it.
SIZES = st.sampled_from((2, 3, 1, 4, 0))
SOME = st.sampled_from((2, 3, 1, 4))
RANKS = (2, 3, 1, 4, 0)


def _shape(draw: Draw, low: int = 0, high: int = 4, sizes: Any = SIZES) -> tuple[int, ...]:
    rank = draw(st.sampled_from([rank for rank in RANKS if low <= rank <= high]))
    return tuple(draw(sizes) for _ in range(rank))


def _array(
    draw: Draw,
    shape: tuple[int, ...],
    dtype: str,
    low: float = -2.0,
    high: float = 2.0,
    whole: tuple[int, int] = (-4, 5),
) -> np.ndarray:
    generator = np.random.default_rng([draw(st.integers(0, 3)), *shape])
    if dtype == "bool":
        return generator.random(shape) < 0.5
    if dtype in FLOATS:
        return np.asarray(generator.uniform(low, high, shape)).astype(dtypes.numpy_dtype(dtype))
    least, most = (0, whole[1]) if dtype.startswith("u") else whole
    return np.asarray(generator.integers(least, most, shape)).astype(dtype)


def _dtype(draw: Draw, among: Sequence[str] = DTYPES) -> str:
    first = ["float32"] if "float32" in among else []
    return draw(st.sampled_from([*first, *among]))


def _axis(draw: Draw, rank: int) -> int:
    return draw(st.integers(-rank, rank - 1))


def _axes(draw: Draw, rank: int) -> Any:
    """None, one axis, or several, each from the front or the back."""
    kind = draw(st.sampled_from(("all", "one", "some"))) if rank else "all"
    if kind == "all":
        return None
    if kind == "one":
        return _axis(draw, rank)
    chosen = draw(st.lists(st.integers(0, rank - 1), unique=True, min_size=1, max_size=rank))
    return tuple(axis - rank if draw(st.booleans()) else axis for axis in chosen)


def _broadcasting(draw: Draw) -> tuple[tuple[int, ...], tuple[int, ...]]:
    shape = _shape(draw)

    def part() -> tuple[int, ...]:
        sizes = [1 if draw(st.booleans()) and draw(st.booleans()) else size for size in shape]
        return tuple(sizes[draw(st.integers(0, len(shape))) if draw(st.booleans()) else 0 :])

    return part(), part()


# ---- element by element

UNARY: list[tuple[Any, Any, DtypeRule, float, float]] = [
    (ops.negative, np.negative, number, -2, 2),
    (ops.abs, np.abs, common, -2, 2),
    (ops.sign, np.sign, number, -2, 2),
    (ops.square, np.square, number, -2, 2),
    (ops.sqrt, np.sqrt, floating, 0.1, 3),
    (ops.exp, np.exp, floating, -2, 2),
    (ops.expm1, np.expm1, floating, -2, 2),
    (ops.log1p, np.log1p, floating, -0.5, 3),
    (ops.sin, np.sin, floating, -3, 3),
    (ops.tanh, np.tanh, floating, -3, 3),
    (ops.arctan, np.arctan, floating, -3, 3),
    (ops.erf, special.erf, floating, -2, 2),
    (ops.floor, np.floor, floating, -3, 3),
    (ops.isfinite, np.isfinite, always("bool"), -2, 2),
    (ops.logical_not, np.logical_not, always("bool"), -1, 1),
    (ops.nn.sigmoid, special.expit, floating, -4, 4),
    (ops.nn.softplus, lambda x: np.logaddexp(x, 0), floating, -4, 4),
    (ops.nn.silu, lambda x: x * special.expit(x), floating, -4, 4),
]

BINARY: list[tuple[Any, Any, DtypeRule]] = [
    (ops.add, np.add, common),
    (ops.subtract, np.subtract, number),
    (ops.multiply, np.multiply, common),
    (ops.divide, np.true_divide, floating),
    (ops.maximum, np.maximum, common),
    (ops.minimum, np.minimum, common),
    (ops.arctan2, np.arctan2, floating),
    (ops.logaddexp, np.logaddexp, floating),
    (ops.equal, np.equal, always("bool")),
    (ops.less_equal, np.less_equal, always("bool")),
    (ops.logical_and, np.logical_and, always("bool")),
    (ops.logical_xor, np.logical_xor, always("bool")),
]


def unary(draw: Draw) -> Call:
    op, against, rule, low, high = draw(st.sampled_from(UNARY))
    whole = (0, 5) if low > -1 else (-4, 5)
    return Call(op, [_array(draw, _shape(draw), _dtype(draw), low, high, whole)], against, [rule], {})


def binary(draw: Draw) -> Call:
    op, against, rule = draw(st.sampled_from(BINARY))
    first, second = _broadcasting(draw)
    arrays = [_array(draw, first, _dtype(draw)), _array(draw, second, _dtype(draw))]
    return Call(op, arrays, against, [rule], {})


def select(draw: Draw) -> Call:
    first, second = _broadcasting(draw)
    condition = _array(draw, first, "bool")
    dtype = _dtype(draw)
    arrays = [condition, _array(draw, second, dtype), _array(draw, first, dtype)]
    return Call(ops.where, arrays, np.where, [common], {}, fixed=(0,))


# ---- reductions

REDUCTIONS: list[tuple[Any, Any, DtypeRule, bool]] = [
    (ops.sum, np.sum, accumulator, True),
    (ops.prod, np.prod, accumulator, True),
    (ops.mean, np.mean, floating, True),
    (ops.var, np.var, floating, True),
    (ops.std, np.std, floating, True),
    (ops.any, np.any, always("bool"), True),
    (ops.all, np.all, always("bool"), True),
    (ops.max, np.max, common, False),
    (ops.min, np.min, common, False),
    (ops.logsumexp, lambda x, **kwargs: np.log(np.sum(np.exp(x), **kwargs)), floating, True),
]


def reduction(draw: Draw) -> Call:
    op, against, rule, empty = draw(st.sampled_from(REDUCTIONS))
    shape = _shape(draw, sizes=SIZES if empty else SOME)
    kwargs = {"axis": _axes(draw, len(shape)), "keepdims": draw(st.booleans())}
    low = 0.5 if op is ops.prod else -2.0
    return Call(op, [_array(draw, shape, _dtype(draw), low, 1.5)], against, [rule], kwargs)


def largest(draw: Draw) -> Call:
    op, against = draw(st.sampled_from([(ops.argmax, np.argmax), (ops.argmin, np.argmin)]))
    shape = _shape(draw, 1, sizes=SOME)
    kwargs = {"axis": _axis(draw, len(shape)), "keepdims": draw(st.booleans())}
    return Call(op, [_array(draw, shape, _dtype(draw))], against, [always("int32")], kwargs)


def running(draw: Draw) -> Call:
    op, against = draw(st.sampled_from([(ops.cumsum, np.cumsum), (ops.cumprod, np.cumprod)]))
    shape = _shape(draw, 1)
    axis = draw(st.none() | st.just(_axis(draw, len(shape))))
    array = _array(draw, shape, _dtype(draw, [name for name in DTYPES if name != "bool"]), 0.5, 1.5)
    return Call(op, [array], against, [number], {"axis": axis})


def normalized(draw: Draw) -> Call:
    op, against = draw(st.sampled_from([(ops.nn.softmax, special.softmax), (ops.nn.log_softmax, special.log_softmax)]))
    shape = _shape(draw, 1, sizes=SOME)
    array = _array(draw, shape, _dtype(draw, FLOATS))
    return Call(op, [array], against, [floating], {"axis": _axis(draw, len(shape))})


# ---- shapes


def _one(draw: Draw, op: Any, against: Any, sizes: tuple[int, ...], /, **kwargs: Any) -> Call:
    return Call(op, [_array(draw, sizes, _dtype(draw))], against, [common], kwargs)


def reshaped(draw: Draw) -> Call:
    shape = _shape(draw, sizes=SOME)
    target = list(draw(st.permutations(shape)))
    if len(target) > 1 and draw(st.booleans()):
        target[:2] = [target[0] * target[1]]
    if target and draw(st.booleans()):
        target[draw(st.integers(0, len(target) - 1))] = -1
    return _one(draw, ops.reshape, lambda x, newshape: np.reshape(x, newshape), shape, newshape=tuple(target))


def transposed(draw: Draw) -> Call:
    shape = _shape(draw)
    return _one(draw, ops.transpose, np.transpose, shape, axes=tuple(draw(st.permutations(range(len(shape))))))


def moved(draw: Draw) -> Call:
    shape = _shape(draw, 1)
    places = [_axis(draw, len(shape)), _axis(draw, len(shape))]
    if draw(st.booleans()):
        return _one(draw, ops.swapaxes, np.swapaxes, shape, axis1=places[0], axis2=places[1])
    return _one(draw, ops.moveaxis, np.moveaxis, shape, source=places[0], destination=places[1])


def expanded(draw: Draw) -> Call:
    shape = _shape(draw, high=3)
    return _one(draw, ops.expand_dims, np.expand_dims, shape, axis=_axis(draw, len(shape) + 1))


def squeezed(draw: Draw) -> Call:
    shape = [*_shape(draw, high=3)]
    axis = draw(st.integers(0, len(shape)))
    shape.insert(axis, 1)
    axis = axis - len(shape) if draw(st.booleans()) else axis
    return _one(draw, ops.squeeze, np.squeeze, tuple(shape), axis=axis)


def broadcast(draw: Draw) -> Call:
    target = _shape(draw)
    shape = tuple(1 if draw(st.booleans()) else size for size in target)[draw(st.integers(0, len(target))) :]
    return _one(draw, ops.broadcast_to, np.broadcast_to, shape, shape=target)


def joined(draw: Draw) -> Call:
    shape, dtype = _shape(draw, 1), _dtype(draw)
    if draw(st.booleans()):
        arrays = [_array(draw, shape, dtype) for _ in range(draw(st.integers(1, 3)))]
        kwargs = {"axis": _axis(draw, len(shape) + 1)}
        return Call(ops.stack, arrays, np.stack, [common], kwargs, is_list=True)
    axis = _axis(draw, len(shape))
    shapes = [
        tuple(draw(SIZES) if i == axis % len(shape) else n for i, n in enumerate(shape))
        for _ in range(draw(st.integers(1, 3)))
    ]
    arrays = [_array(draw, s, dtype) for s in shapes]
    return Call(ops.concatenate, arrays, np.concatenate, [common], {"axis": axis}, is_list=True)


def padded(draw: Draw) -> Call:
    mode = draw(st.sampled_from(("constant", "edge", "reflect", "symmetric")))
    shape = _shape(draw, 1, 3, SIZES if mode == "constant" else SOME)
    widths = tuple((draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in shape)
    return _one(draw, ops.pad, np.pad, shape, pad_width=widths, mode=mode)


def turned(draw: Draw) -> Call:
    shape = _shape(draw)
    axis = _axes(draw, len(shape))
    if draw(st.booleans()):
        return _one(draw, ops.flip, np.flip, shape, axis=axis)
    shift = draw(st.integers(-6, 6))
    return _one(draw, ops.roll, np.roll, shape, shift=shift, axis=axis)


def repeated(draw: Draw) -> Call:
    shape = _shape(draw, 1, 3)
    if draw(st.booleans()):
        axis = draw(st.none() | st.just(_axis(draw, len(shape))))
        return _one(draw, ops.repeat, np.repeat, shape, repeats=draw(st.integers(0, 3)), axis=axis)
    repeats = tuple(draw(st.lists(st.integers(0, 3), min_size=len(shape), max_size=len(shape))))
    return _one(draw, ops.tile, lambda x, repeats: np.tile(x, repeats), shape, repeats=repeats)


def parted(draw: Draw) -> Call:
    shape = [*_shape(draw, 1)]
    axis, sections = _axis(draw, len(shape)), draw(SOME)
    shape[axis] *= sections
    return _one(draw, ops.split, np.split, tuple(shape), indices_or_sections=sections, axis=axis)


def triangle(draw: Draw) -> Call:
    op, against = draw(st.sampled_from([(ops.tril, np.tril), (ops.triu, np.triu)]))
    return _one(draw, op, against, _shape(draw, 2), k=draw(st.integers(-3, 3)))


# ---- indexing


def taken(draw: Draw) -> Call:
    shape = _shape(draw, 1, 3, SOME)
    axis = _axis(draw, len(shape))
    size = shape[axis]
    indices = _array(draw, _shape(draw, high=2), "int32", whole=(-size, size))
    arrays = [_array(draw, shape, _dtype(draw)), indices]
    return Call(ops.take, arrays, np.take, [common], {"axis": axis}, fixed=(1,))


def taken_along(draw: Draw) -> Call:
    shape = [*_shape(draw, 1, 3, SOME)]
    axis = _axis(draw, len(shape))
    array = _array(draw, tuple(shape), _dtype(draw))
    size = shape[axis]
    shape[axis] = draw(SOME)
    indices = _array(draw, tuple(shape), "int32", whole=(-size, size))
    return Call(ops.take_along_axis, [array, indices], np.take_along_axis, [common], {"axis": axis}, fixed=(1,))


def sliced(draw: Draw) -> Call:
    shape = _shape(draw, 1)
    bound = st.none() | st.integers(-5, 5)
    step = st.none() | st.integers(1, 3) | st.integers(-3, -1)
    key: list[Any] = [slice(draw(bound), draw(bound), draw(step)) for _ in range(draw(st.integers(0, len(shape))))]
    for place in range(len(key)):
        if shape[place] and draw(st.booleans()):
            key[place] = draw(st.integers(-shape[place], shape[place] - 1))
    if draw(st.booleans()):
        key.insert(draw(st.integers(0, len(key))), None)
    return _one(draw, ops.get_item, lambda x, key: x[key], shape, key=tuple(key))


def scattered(draw: Draw) -> Call:
    shape = _shape(draw, 1, 3, SOME)
    depth = draw(st.integers(1, len(shape)))
    count = draw(st.integers(0, 4))
    columns = [_array(draw, (count,), "int32", whole=(0, size)) for size in shape[:depth]]
    indices = np.stack(columns, -1)
    dtype = _dtype(draw, FLOATS)
    updates = _array(draw, (count, *shape[depth:]), dtype)

    def against(indices: Any, values: Any, shape: Any) -> Any:
        result = np.zeros(shape)
        np.add.at(result, tuple(indices.T), values)
        return result

    return Call(ops.scatter, [indices, updates], against, [common], {"shape": shape}, fixed=(0,))


# ---- products


def multiplied(draw: Draw) -> Call:
    n, k, m = draw(SIZES), draw(SIZES), draw(SIZES)
    first, second = ([1 if draw(st.booleans()) else size for size in batch] for batch in [_shape(draw, high=2)] * 2)
    left = (*first, n, k) if first or draw(st.booleans()) else (k,)
    right = (*second, k, m) if second or draw(st.booleans()) else (k,)
    arrays = [_array(draw, left, _dtype(draw)), _array(draw, right, _dtype(draw))]
    return Call(ops.matmul, arrays, _matmul, [product], {})


def _matmul(x: Any, y: Any) -> Any:
    return np.matmul(x.astype(np.float64), y.astype(np.float64))


EQUATIONS = (
    "ij,jk->ik",
    "bij,bjk->bik",
    "i,j->ij",
    "ij->ji",
    "ij->",
    "ii->i",
    "...i,...i->...",
    "bhid,bhjd->bhij",
    "ij,j",
)


def contracted(draw: Draw) -> Call:
    equation = draw(st.sampled_from(EQUATIONS))
    sizes = {letter: draw(SIZES) for letter in "bhdijk"}
    batch = _shape(draw, high=2) if "..." in equation else ()
    arrays: list[np.ndarray] = []
    dtype = _dtype(draw, ("int32", *FLOATS))
    for term in equation.split("->")[0].split(","):
        shape = (*(batch if "..." in term else ()), *(sizes[c] for c in term if c.isalpha()))
        arrays.append(_array(draw, shape, dtype))

    def einsum(*xs: Any) -> Any:
        return ops.einsum(equation, *xs)

    einsum.__name__ = f"einsum {equation}"
    return Call(einsum, arrays, lambda *xs: np.einsum(equation, *xs), [product], {})


# ---- order


def ordered(draw: Draw) -> Call:
    shape = _shape(draw, 1)
    axis = _axis(draw, len(shape))
    array = _array(draw, shape, _dtype(draw))
    if draw(st.booleans()):
        return Call(ops.sort, [array], np.sort, [common], {"axis": axis})

    def against(x: Any, axis: int) -> Any:
        return np.argsort(x, axis, kind="stable")

    return Call(ops.argsort, [array], against, [always("int32")], {"axis": axis})


def greatest(draw: Draw) -> Call:
    shape = _shape(draw, 1, sizes=SOME)
    k = draw(st.integers(1, shape[-1]))

    def against(x: Any, k: int) -> Any:
        order = np.argsort(-x, axis=-1, kind="stable")[..., :k]
        return [np.take_along_axis(x, order, -1), order]

    array = _array(draw, shape, _dtype(draw, [name for name in DTYPES if name != "bool"]))
    return Call(ops.top_k, [array], against, [common, always("int32")], {"k": k})


def placed(draw: Draw) -> Call:
    side = draw(st.sampled_from(("left", "right")))
    dtype = _dtype(draw, ("int32", "float32"))
    row = np.sort(_array(draw, (draw(SOME),), dtype))
    arrays = [row, _array(draw, _shape(draw, high=3), dtype)]
    return Call(ops.searchsorted, arrays, np.searchsorted, [always("int32")], {"side": side})


SWEEPS: dict[str, Callable[[Draw], Call]] = {
    one.__name__: one
    for one in (
        unary, binary, select, reduction, largest, running, normalized, reshaped, transposed, moved, expanded, squeezed,
        broadcast, joined, padded, turned, repeated, parted, triangle, taken, taken_along, sliced, scattered,
        multiplied, contracted, ordered, greatest, placed,
    )
}  # fmt: skip
"""Each sweep: a function that draws one call."""
