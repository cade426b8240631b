"""Elements by place: indexing, gathering and scattering, order, counting and segments."""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keratin import dtypes, shapes
from keratin.backends import primitives as p
from keratin.backends import select
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, AxisError, DtypeError, ShapeError
from keratin.ops.mechanism import Tensor, TensorLike, convert, dtype_of, op


def get_item(x: TensorLike, key: Any) -> Tensor:
    """`x[key]` by NumPy's rules.

    Args: key: ints, slices, None, `...`, integer tensors or lists, and boolean masks where values are at hand.
    Raises: AxisError for too many indices or a place outside; ArgumentError for a mask under compilation.

    >>> get_item([[1, 2], [3, 4]], (..., 0)).tolist()
    [1, 3]
    """
    parts = list(key) if isinstance(key, tuple) else [key]
    tensors: list[Any] = []
    for i, part in enumerate(parts):
        if _is_array(part):
            tensors.append(part)
            parts[i] = _Place(len(tensors))
        elif isinstance(part, builtins.slice):
            parts[i] = builtins.slice(
                *(None if v is None else operator.index(v) for v in (part.start, part.stop, part.step))
            )
        elif part is not None and part is not Ellipsis:
            parts[i] = _index(part)
    return _get_item([x, *tensors], tuple(parts))


class _Place(NamedTuple):
    """Where a tensor stands in a key: its number among the op's tensors."""

    number: int


@op(tensors="list", name="get_item")
def _get_item(values: Sequence[TensorLike], key: tuple[Any, ...]) -> Tensor:
    x = values[0]
    parts = [values[part.number] if type(part) is _Place else part for part in key]
    parts = _without_masks(parts)
    rank = len(p.shape(x))
    used = len([part for part in parts if part is not None and part is not Ellipsis])
    if used > rank:
        raise AxisError("There are more indices than axes.", expected=f"at most {rank}", received=used)
    if len([part for part in parts if part is Ellipsis]) > 1:
        raise ArgumentError("A key may hold one `...`.", received=key)
    if Ellipsis not in [part for part in parts if part is Ellipsis]:
        parts.append(Ellipsis)
    at = next(i for i, part in enumerate(parts) if part is Ellipsis)
    parts[at : at + 1] = [builtins.slice(None)] * (rank - used)
    return _by_arrays(x, parts) if any(_is_array(part) for part in parts) else _by_slices(x, parts)


def _by_slices(x: Tensor, parts: list[Any]) -> Tensor:
    """Ints, slices and None; the parts cover all axes."""
    sizes = p.shape(x)
    whole, dropped, added = [], [], []
    axis = kept = 0
    for part in parts:
        if part is None:
            added.append(kept)
            kept += 1
            continue
        if isinstance(part, builtins.slice):
            whole.append(part)
            kept += 1
        else:
            whole.append(_single(part, sizes[axis], axis))
            dropped.append(axis)
        axis += 1
    if any(part != builtins.slice(None) for part in whole):
        x = p.slice_strided(x, tuple(whole))
    if dropped:
        x = p.squeeze(x, tuple(dropped))
    for place in added:
        x = p.expand_dims(x, place)
    return x


def _by_arrays(x: Tensor, parts: list[Any]) -> Tensor:
    """At least one integer tensor: ints count as tensors then, as in NumPy."""
    fancy = [i for i, part in enumerate(parts) if part is not None and not isinstance(part, builtins.slice)]
    simple = [builtins.slice(None) if i in fancy else part for i, part in enumerate(parts)]
    sizes = p.shape(x)
    owned = iter(range(len(sizes)))
    own_axis = {i: None if part is None else next(owned) for i, part in enumerate(parts)}
    indices = []
    for i in fancy:
        part = parts[i]
        if _is_array(part):
            indices.append(_integers(part))
        else:
            size = sizes[own_axis[i]]  # type: ignore[index]
            _single(part, size, own_axis[i])
            indices.append(_constant(part))
    x = _by_slices(x, simple)
    places = fancy  # slices and new axes kept one axis for each part of the key
    if len(places) == 1:
        return p.take(x, indices[0], places[0])
    rank = len(p.shape(x))
    shape = shapes.broadcast(*(p.shape(index) for index in indices))
    order = (*places, *(i for i in range(rank) if i not in places))
    joined = p.concatenate([p.expand_dims(p.broadcast_to(index, shape), len(shape)) for index in indices], len(shape))
    result = p.gather_nd(p.transpose(x, order), joined)
    if places != list(range(places[0], places[0] + len(places))):
        return result  # separated: NumPy puts their axes first
    depth = len(shape)
    first = places[0]
    moved = (*range(depth, depth + first), *range(depth), *range(depth + first, len(p.shape(result))))
    return p.transpose(result, moved)


@op(tensors=2)
def take(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """The slices of `x` at these places along `axis`; places outside give NaN, or the least integer.

    Args: indices: negative ones count from the end; axis: None counts through all elements, row by row.
    Shape: x and any -> x with the shape of indices in place of `axis`.  Raises: AxisError.

    >>> take([[1, 2], [3, 4]], [0, -1], axis=1).tolist()
    [[1, 2], [3, 4]]
    """
    sizes = p.shape(x)
    if axis is None:
        return p.take(p.reshape(x, (shapes.size(sizes),)), _integers(indices), 0)
    return p.take(x, _integers(indices), shapes.axis(axis, len(sizes)))


@op(tensors=2)
def take_along_axis(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """For each row along `axis`, its elements at the places in the same row of `indices`.

    Args: axis: None takes both as one row.
    Shape: two of one rank, which broadcast outside `axis` -> broadcast.  Raises: AxisError, ShapeError.

    >>> take_along_axis([[1, 2], [3, 4]], [[1], [0]], axis=1).tolist()
    [[2], [3]]
    """
    indices = _integers(indices)
    if axis is None:
        x, indices, axis = (
            p.reshape(x, (shapes.size(p.shape(x)),)),
            p.reshape(indices, (shapes.size(p.shape(indices)),)),
            0,
        )
    rank = len(p.shape(x))
    place = shapes.axis(axis, rank)
    if len(p.shape(indices)) != rank:
        raise ShapeError(
            "`indices` must have the rank of the tensor.", expected=f"{rank} axes", received=p.shape(indices)
        )
    return p.take_along_axis(x, indices, place)


@op(tensors=2)
def scatter(indices: TensorLike, values: TensorLike, shape: Any) -> Tensor:
    """Zeros of `shape` with `values` added at `indices`.

    Args: indices: (..., depth) places along the first axes; values: (..., rest of shape).

    >>> scatter([[0], [2], [2]], [1.0, 2.0, 3.0], (3,)).tolist()
    [1.0, 0.0, 5.0]
    """
    return p.scatter(p.full(shapes.standardize(shape), 0, dtype_of(values)), _integers(indices), values, "add")


_REDUCTIONS = {None: "set", "add": "add", "max": "max", "min": "min", "mul": "multiply"}


@op(tensors=3)
def scatter_update(
    inputs: TensorLike, indices: TensorLike, updates: TensorLike, reduction: str | None = None
) -> Tensor:
    """`inputs` with `updates` at `indices`; places outside are left out.

    Args:
        indices: (..., depth) places along the first axes; updates: (..., rest of the shape of inputs).
        reduction: None replaces; "add", "max", "min" or "mul" combines with what is there.
    Shape: first -> same.  Raises: ArgumentError; ShapeError if depth is more than the rank.

    >>> scatter_update([1, 2, 3], [[0], [-1]], [7, 9]).tolist()
    [7, 2, 9]
    """
    if reduction not in _REDUCTIONS:
        raise ArgumentError(
            "`reduction` cannot be used.", expected='None, "add", "max", "min" or "mul"', received=reduction
        )
    sizes, rank = p.shape(indices), len(p.shape(inputs))
    if not sizes or not isinstance(sizes[-1], int) or sizes[-1] > rank:
        raise ShapeError(
            "The last axis of `indices` does not fit.", expected=f"a known size of at most {rank}", received=sizes
        )
    return p.scatter(inputs, _integers(indices), p.cast(updates, dtype_of(inputs)), _REDUCTIONS[reduction])


@op(tensors=2)
def slice(inputs: TensorLike, start_indices: TensorLike, shape: Sequence[int]) -> Tensor:
    """The block of `shape` that begins at `start_indices`, moved inside where it would reach over the end.

    Args: start_indices: one for each axis; may be a tensor of the program.
    Raises: ShapeError unless the block fits.

    >>> slice([[1, 2, 3], [4, 5, 6]], (0, 1), (2, 2)).tolist()
    [[2, 3], [5, 6]]
    """
    sizes = p.shape(inputs)
    target = tuple(shape)
    if len(target) != len(sizes) or any(
        isinstance(a, int) and isinstance(b, int) and b > a for a, b in zip(sizes, target, strict=True)
    ):
        raise ShapeError("The block does not fit into the tensor.", expected=f"at most {sizes}", received=target)
    return p.dynamic_slice(inputs, _starts(start_indices, len(sizes)), target)


@op(tensors=3)
def slice_update(inputs: TensorLike, start_indices: TensorLike, updates: TensorLike) -> Tensor:
    """`inputs` with `updates` in the block that begins at `start_indices`.

    Shape: first -> same.  Raises: ShapeError unless the block fits.

    >>> slice_update([1, 2, 3], [1], [7]).tolist()
    [1, 7, 3]
    """
    sizes, block = p.shape(inputs), p.shape(updates)
    if len(block) != len(sizes) or any(
        isinstance(a, int) and isinstance(b, int) and b > a for a, b in zip(sizes, block, strict=True)
    ):
        raise ShapeError("The block does not fit into the tensor.", expected=f"at most {sizes}", received=block)
    return p.dynamic_update_slice(inputs, p.cast(updates, dtype_of(inputs)), _starts(start_indices, len(sizes)))


def nonzero(x: TensorLike) -> tuple[Tensor, ...]:
    """The places of what is not 0, as one int32 tensor for each axis.  Only where values are at hand.

    Raises: ArgumentError under compilation, where the number of places is not known.

    >>> [i.tolist() for i in nonzero([[1, 0], [0, 2]])]
    [[0, 1], [0, 1]]
    """
    return tuple(_constant(i) for i in np.nonzero(values_of(x, "nonzero")))


# ---- order


@op
def sort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """The elements along `axis` from the least on, NaN last; None sorts all of them in one row.

    Shape: any -> same.  Raises: AxisError.

    >>> sort([3, 1, 2]).tolist()
    [1, 2, 3]
    """
    x, place = _row_or_axis(x, axis)
    return p.sort(x, place)


@op
def argsort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """The places of the elements in the order of `sort`; equal ones keep theirs.

    Shape: any -> same, int32.  Raises: AxisError.

    >>> argsort([3, 1, 2]).tolist()
    [1, 2, 0]
    """
    x, place = _row_or_axis(x, axis)
    return p.argsort(x, place)


@op
def top_k(x: TensorLike, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The `k` largest elements of the last axis and their places; of equals the first.

    Args: sorted: they are in falling order in any case.
    Shape: (..., n) -> two of (..., k).  Raises: ShapeError if there are less than k.

    >>> [t.tolist() for t in top_k([1, 9, 5], 2)]
    [[9, 5], [1, 2]]
    """
    sizes = p.shape(x)
    if not sizes or (isinstance(sizes[-1], int) and not 0 <= k <= sizes[-1]):
        raise ShapeError("There are not that many elements.", expected=f"at least {k} on the last axis", received=sizes)
    return p.top_k(x, k)


@op(tensors=2)
def in_top_k(targets: TensorLike, predictions: TensorLike, k: int) -> Tensor:
    """Whether the prediction for each target is among the `k` largest of its row; equal ones share their rank.

    False for a prediction that is not finite and a target that is no class.

    Args: targets: (batch,) integers; predictions: (batch, classes).
    Shape: -> (batch,), bool.

    >>> in_top_k([1, 2], [[0.1, 0.9, 0.0], [0.5, 0.4, 0.1]], 1).tolist()
    [True, False]
    """
    targets = _integers(targets)
    own = p.take_along_axis(predictions, p.expand_dims(targets, len(p.shape(targets))), len(p.shape(predictions)) - 1)
    larger = p.cast(p.greater(predictions, own), "int32")
    last = len(p.shape(predictions)) - 1
    valid = p.logical_and(p.isfinite(own), p.greater_equal(p.expand_dims(targets, last), 0))
    return p.squeeze(p.logical_and(valid, p.less(p.sum(larger, (last,), True), k)), (last,))


@op(tensors=2, promote="same")
def searchsorted(sorted_sequence: TensorLike, values: TensorLike, side: str = "left") -> Tensor:
    """The places where `values` would go into a sorted sequence so that it stays sorted.

    Args: sorted_sequence: one axis; side: "left" before equal elements, "right" after them.
    Shape: (n,) and any -> second, int32.  Raises: ArgumentError, ShapeError.

    >>> searchsorted([1, 3, 5], [3, 4]).tolist()
    [1, 2]
    """
    if side not in ("left", "right"):
        raise ArgumentError("`side` cannot be used.", expected='"left" or "right"', received=side)
    if len(p.shape(sorted_sequence)) != 1:
        raise ShapeError("The sorted sequence must have one axis.", expected="(n,)", received=p.shape(sorted_sequence))
    return p.searchsorted(sorted_sequence, convert(values, dtype_of(sorted_sequence)), side)


@op(tensors=2, promote="same")
def digitize(x: TensorLike, bins: TensorLike) -> Tensor:
    """The number of the bin that each element falls into: how many of the rising `bins` are not above it.

    Shape: any and (n,) -> first, int32.

    >>> digitize([0.5, 1.0, 9.0], [1.0, 2.0]).tolist()
    [0, 1, 2]
    """
    return searchsorted(bins, x, "right")


# ---- counting and segments


@op(tensors=2)
def bincount(x: TensorLike, weights: TensorLike | None = None, minlength: int = 0, sparse: bool = False) -> Tensor:
    """How often each number from 0 on occurs.

    Args:
        x: (n,) or (batch, n) integers that are not negative.
        weights: what each counts, by default 1; minlength: the least length, and the length under compilation.
        sparse: only False.
    Shape: (..., n) -> (..., largest + 1), unknown for symbolic tensors.

    >>> bincount([0, 2, 2]).tolist()
    [1, 0, 2]
    """
    if sparse:
        raise ArgumentError("Sparse tensors are not supported.", received="sparse=True", hint="leave out `sparse`")
    x = _integers(x)
    length = _count(x, minlength, "bincount")
    kind = dtype_of(x) if dtype_of(x) in ("int32", "int64") else "int32"
    x, places = p.cast(x, kind), p.reshape(p.iota(length, kind), (*([1] * len(p.shape(x))), length))
    hits = p.equal(p.expand_dims(x, len(p.shape(x))), places)
    ones: Any = 1 if weights is None else p.expand_dims(weights, len(p.shape(x)))
    name = "int32" if weights is None else dtype_of(weights)
    return p.sum(p.multiply(p.cast(hits, name), ones), (len(p.shape(x)) - 1,), False)


@op(tensors=2)
def segment_sum(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The sum of the rows of each segment, 0 for one without rows.

    Args:
        segment_ids: (n,) the segment of each row; rows of a negative or too large one are left out.
        num_segments: by default the largest id + 1; needed under compilation.
        sorted: whether the ids rise; not needed.
    Shape: (n, ...) -> (num_segments, ...).

    >>> segment_sum([1, 2, 4], [0, 1, 1]).tolist()
    [1, 6]
    """
    return _segments(data, segment_ids, num_segments, "add", 0)


@op(tensors=2)
def segment_max(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The largest element of each segment, the least number of the dtype for one without rows.

    Args: as for `segment_sum`.
    Shape: (n, ...) -> (num_segments, ...).

    >>> segment_max([1, 2, 4], [0, 1, 1]).tolist()
    [1, 4]
    """
    return _segments(data, segment_ids, num_segments, "max", _limit(dtype_of(data), -1))


@op(tensors=2)
def segment_min(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The smallest element of each segment, the largest number of the dtype for one without rows.

    Args: as for `segment_sum`.
    Shape: (n, ...) -> (num_segments, ...).

    >>> segment_min([1, 2, 4], [0, 1, 1]).tolist()
    [1, 2]
    """
    return _segments(data, segment_ids, num_segments, "min", _limit(dtype_of(data), 1))


def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different elements (or slices along `axis`), sorted.  Only where values are at hand.

    Args:
        sorted: they are sorted in any case.
        return_index: also the place of the first of each.
        return_inverse: also which of them each element is.
        return_counts: also how often each occurs.
        size: cut or fill up to that number; fill_value: with what, by default the least one.
    Raises: AxisError; ArgumentError under compilation, where their number is not known.

    >>> unique([3, 1, 3]).tolist()
    [1, 3]
    """
    values = values_of(x, "unique")
    place = None if axis is None else shapes.axis(axis, values.ndim)
    found, first, inverse, counts = np.unique(values, True, True, True, axis=place)
    along = 0 if place is None else place
    if size is not None:
        filler = fill_value if fill_value is not None else np.take(found, [0], along) if found.size else 0
        found, first, counts = (
            _sized(v, size, i, filler if v is found else v[:1] if v is first else 0)
            for v, i in ((found, along), (first, 0), (counts, 0))
        )
    parts = [convert(found, dtype_of(convert(x)))]
    wanted = ((return_index, first), (return_inverse, inverse), (return_counts, counts))
    parts += [_constant(v) for asked, v in wanted if asked]
    return parts[0] if len(parts) == 1 else tuple(parts)


# ---- for other modules


def values_of(x: TensorLike, name: str) -> np.ndarray:
    """The values of a tensor as NumPy's.  Raises: ArgumentError if it has none yet."""
    if type(x) is not KerasTensor:
        x = convert(x)
    if type(x) is KerasTensor or select.current().is_traced(x):
        raise ArgumentError(
            f"The shape that `{name}` gives depends on values, which are not known before the program runs.",
            received=x,
            hint="use `ops.where(condition, a, b)`, which keeps the shape",
        )
    return select.current().to_host(x)


# ---- helpers


def _is_array(part: Any) -> bool:
    if isinstance(part, list) or type(part) is KerasTensor or hasattr(type(part), "__keratin_tensor__"):
        return True
    if isinstance(part, np.ndarray):
        return part.ndim > 0 or part.dtype == bool
    backend = select.current()
    return backend.is_tensor(part) and not isinstance(part, np.generic)


def _index(part: Any) -> int:
    if isinstance(part, bool | np.bool_):
        raise ArgumentError("A single bool is no index.", received=part, hint="use `ops.where`, or None for a new axis")
    try:
        return operator.index(part)
    except TypeError:
        raise ArgumentError(
            "This is no index.", expected="an int, a slice, None, `...`, or a tensor of integers or bool", received=part
        ) from None


def _single(index: int, size: Any, axis: int | None) -> builtins.slice:
    if isinstance(size, int) and not -size <= index < size:
        raise AxisError(
            "The index is outside the tensor.", expected=f"{-size} to {size - 1} on axis {axis}", received=index
        )
    return builtins.slice(index, index + 1 if index != -1 else None)


def _without_masks(parts: list[Any]) -> list[Any]:
    """Boolean masks as the integer places of what is true."""
    result: list[Any] = []
    for part in parts:
        if _is_array(part) and dtype_of(convert(part)) == "bool":
            result.extend(_constant(i) for i in np.nonzero(values_of(part, "a boolean mask")))
        else:
            result.append(part)
    return result


def _sized(values: np.ndarray, size: int, axis: int, filler: Any) -> np.ndarray:
    """`values` with `size` elements along `axis`: cut, or filled up."""
    kept = np.take(values, np.arange(min(size, values.shape[axis])), axis)
    missing = [size - kept.shape[i] if i == axis else n for i, n in enumerate(kept.shape)]
    return np.concatenate([kept, np.broadcast_to(np.asarray(filler, values.dtype), missing)], axis)


def _integers(x: Tensor) -> Tensor:
    name = dtype_of(x)
    if name in dtypes.INTEGER:
        return x
    if name == "bool":
        return p.cast(x, "int32")
    if name in dtypes.FLOAT:
        return p.cast(x, "int32")
    raise DtypeError("Places must be integers.", received=name)


def _constant(values: Any) -> Tensor:
    return select.current().from_host(np.asarray(values), "int32")


def _starts(start_indices: Tensor, rank: int) -> list[Tensor]:
    start_indices = _integers(start_indices)
    if p.shape(start_indices) not in ((rank,), (None,)):
        raise ShapeError("There must be one start for each axis.", expected=(rank,), received=p.shape(start_indices))
    return [p.squeeze(p.slice_strided(start_indices, (builtins.slice(i, i + 1),)), (0,)) for i in range(rank)]


def _row_or_axis(x: Tensor, axis: int | None) -> tuple[Tensor, int]:
    sizes = p.shape(x)
    if axis is None:
        return p.reshape(x, (shapes.size(sizes),)), 0
    return x, shapes.axis(axis, len(sizes))


def _count(x: Tensor, least: int, name: str) -> Any:
    if type(x) is KerasTensor:
        return None
    if select.current().is_traced(x):
        if least:
            return least
        raise ArgumentError(
            f"Under compilation `{name}` cannot find its length.", hint="pass the length as an argument"
        )
    values = select.current().to_host(x)
    return max(int(values.max()) + 1 if values.size else 0, least)


def _segments(data: Tensor, segment_ids: Tensor, count: int | None, mode: str, start: Any) -> Tensor:
    ids = _integers(segment_ids)
    if len(p.shape(ids)) != 1:
        raise ShapeError("`segment_ids` must have one axis.", expected="(n,)", received=p.shape(ids))
    length = _count(ids, 0, "segment") if count is None else count
    result = p.full((length, *p.shape(data)[1:]), start, dtype_of(data))
    ids = p.where(p.less(ids, 0), _OUTSIDE, ids)
    return p.scatter(result, p.expand_dims(ids, 1), data, mode)


_OUTSIDE = 2**31 - 1


def _limit(dtype: str, sign: int) -> Any:
    if dtype in dtypes.FLOAT:
        return sign * math.inf
    if dtype == "bool":
        return sign > 0
    info = np.iinfo(dtypes.numpy_dtype(dtype))
    return info.max if sign > 0 else info.min
