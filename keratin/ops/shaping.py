"""Other shapes for the same elements: reshaping, moving axes, joining, splitting, repeating, padding."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from keratin import shapes
from keratin.backends import primitives as p
from keratin.backends import select
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError, ShapeError
from keratin.ops.mechanism import Tensor, TensorLike, op
from keratin.ops.reduction import AxisLike


@op
def reshape(x: TensorLike, newshape: Any) -> Tensor:
    """The same elements, row by row, in another shape.

    Args: newshape: sizes; one may be -1, which is computed. None stands for a size that x does not know yet; of a
        tensor whose sizes are known it is computed if it is the only open one, else it is the size of x on that axis.
    Raises: ShapeError if the number of elements differs.

    >>> reshape([1, 2, 3, 4], (2, -1)).tolist()
    [[1, 2], [3, 4]]
    """
    sizes = p.shape(x)
    target = _target(newshape)
    if -1 in target or None in target:
        target = _unknown_sizes(sizes, target) if None in sizes else _known_sizes(sizes, target)
    before, after = shapes.size(sizes), shapes.size(target)
    if isinstance(before, int) and isinstance(after, int) and before != after:
        raise _mismatch(sizes, newshape)
    return p.reshape(x, target)


@op
def ravel(x: TensorLike) -> Tensor:
    """The elements row by row, along one axis.

    Shape: any -> (size,).

    >>> ravel([[1, 2], [3, 4]]).tolist()
    [1, 2, 3, 4]
    """
    return p.reshape(x, (shapes.size(p.shape(x)),))


@op
def transpose(x: TensorLike, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order, reversed if no order is given.

    Raises: AxisError; ArgumentError unless `axes` names each axis once.

    >>> transpose([[1, 2], [3, 4]]).tolist()
    [[1, 3], [2, 4]]
    """
    rank = len(p.shape(x))
    order = tuple(reversed(range(rank))) if axes is None else shapes.axes(tuple(axes), rank)
    if len(order) != rank:
        raise ArgumentError("`axes` must name each axis once.", expected=f"{rank} axes", received=axes)
    return p.transpose(x, order)


@op
def swapaxes(x: TensorLike, axis1: int, axis2: int) -> Tensor:
    """Two axes in each other's place.  Raises: AxisError.

    >>> swapaxes([[1, 2]], 0, 1).tolist()
    [[1], [2]]
    """
    order = list(range(len(p.shape(x))))
    first, second = shapes.axis(axis1, len(order), name="axis1"), shapes.axis(axis2, len(order), name="axis2")
    order[first], order[second] = second, first
    return p.transpose(x, tuple(order))


@op
def moveaxis(x: TensorLike, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Axes moved to other places; the rest keeps its order.  Raises: AxisError; ArgumentError for unequal numbers.

    >>> moveaxis([[1, 2]], 0, -1).tolist()
    [[1], [2]]
    """
    rank = len(p.shape(x))
    origins, places = shapes.axes(source, rank), shapes.axes(destination, rank)
    if len(origins) != len(places):
        raise ArgumentError("`source` and `destination` differ in length.", received=f"{source} and {destination}")
    order = [i for i in range(rank) if i not in origins]
    for place, origin in sorted(zip(places, origins, strict=True)):
        order.insert(place, origin)
    return p.transpose(x, tuple(order))


@op
def expand_dims(x: TensorLike, axis: int | Sequence[int]) -> Tensor:
    """New axes of size 1, at these places of the result.  Raises: AxisError.

    >>> expand_dims([1, 2], -1).tolist()
    [[1], [2]]
    """
    count = len(axis) if isinstance(axis, Sequence) else 1
    for place in sorted(shapes.axes(axis, len(p.shape(x)) + count)):
        x = p.expand_dims(x, place)
    return x


@op
def squeeze(x: TensorLike, axis: AxisLike = None) -> Tensor:
    """Without axes of size 1: those of `axis`, by default all that are known to be.

    Raises: AxisError; ShapeError if the size is another.

    >>> squeeze([[1, 2]]).tolist()
    [1, 2]
    """
    sizes = p.shape(x)
    if axis is None:
        places = tuple(i for i, d in enumerate(sizes) if isinstance(d, int) and d == 1)
    else:
        places = shapes.axes(axis, len(sizes))
        if any(isinstance(sizes[i], int) and sizes[i] != 1 for i in places):
            raise ShapeError("Only axes of size 1 can be squeezed.", expected=f"size 1 on axis {axis}", received=sizes)
    return p.squeeze(x, tuple(sorted(places)))


@op
def broadcast_to(x: TensorLike, shape: Any) -> Tensor:
    """`x` repeated along axes of size 1, and along new ones in front, to reach `shape`.

    Args: shape: sizes; None or -1 keeps the size of x.
    Raises: ShapeError if x does not broadcast to it.

    >>> broadcast_to([1, 2], (2, 2)).tolist()
    [[1, 2], [1, 2]]
    """
    sizes, target = p.shape(x), _target(shape)
    offset = len(target) - len(sizes)
    if any(d in (None, -1) and i < offset for i, d in enumerate(target)):
        raise ShapeError("A new axis needs a known size.", received=target)
    filled = tuple(
        sizes[i - offset] if d is None or (isinstance(d, int) and d == -1) else d for i, d in enumerate(target)
    )
    if offset < 0 or any(
        isinstance(a, int) and isinstance(b, int) and a not in (1, b)
        for a, b in zip(sizes, filled[max(offset, 0) :], strict=False)
    ):
        raise ShapeError("The shape does not broadcast to the one asked for.", expected=filled, received=sizes)
    return p.broadcast_to(x, filled)


@op(tensors="list", promote="same")
def concatenate(xs: Sequence[TensorLike], axis: int | None = 0) -> Tensor:
    """Tensors one after the other along `axis`; with None, all their elements in one row.

    Shape: equal outside `axis`.  Raises: AxisError; ShapeError if they do not fit; ArgumentError for no tensors.

    >>> concatenate([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    tensors = list(xs)
    if not tensors:
        raise ArgumentError("`concatenate` needs at least one tensor.", received=xs)
    if axis is None:
        return p.concatenate([p.reshape(x, (shapes.size(p.shape(x)),)) for x in tensors], 0)
    place = shapes.axis(axis, len(p.shape(tensors[0])))
    _same_outside("concatenate", tensors, place)
    return tensors[0] if len(tensors) == 1 else p.concatenate(tensors, place)


@op(tensors=2, promote="same")
def append(x1: TensorLike, x2: TensorLike, axis: int | None = None) -> Tensor:
    """`x2` after `x1` along `axis`; with None, all their elements in one row.

    Raises: AxisError; ShapeError if they do not fit.

    >>> append([1, 2], [[3]]).tolist()
    [1, 2, 3]
    """
    return concatenate([x1, x2], axis)


@op(tensors="list", promote="same")
def stack(x: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Tensors of one shape along a new axis.

    Raises: AxisError; ShapeError if shapes differ; ArgumentError for no tensors.

    >>> stack([[1, 2], [3, 4]], axis=1).tolist()
    [[1, 3], [2, 4]]
    """
    tensors = list(x)
    if not tensors:
        raise ArgumentError("`stack` needs at least one tensor.", received=x)
    place = shapes.axis(axis, len(p.shape(tensors[0])) + 1)
    _same_outside("stack", tensors, None)
    return p.concatenate([p.expand_dims(tensor, place) for tensor in tensors], place)


@op(tensors="list", promote="same")
def hstack(xs: Sequence[TensorLike]) -> Tensor:
    """Tensors side by side: along axis 1, or axis 0 where that is the only one.

    >>> hstack([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    tensors = [x if p.shape(x) else p.expand_dims(x, 0) for x in xs]
    return concatenate(tensors, 0 if len(p.shape(tensors[0])) == 1 else 1)


@op(tensors="list", promote="same")
def vstack(xs: Sequence[TensorLike]) -> Tensor:
    """Tensors one below the other; those of one axis are rows.

    >>> vstack([[1, 2], [3, 4]]).tolist()
    [[1, 2], [3, 4]]
    """
    return concatenate([x if len(p.shape(x)) > 1 else p.reshape(x, (1, shapes.size(p.shape(x)))) for x in xs], 0)


@op
def split(x: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Parts along `axis`: a number of equal ones, or those between given positions.

    Raises: AxisError; ShapeError if the size is no multiple of the number of parts.

    >>> [part.tolist() for part in split([1, 2, 3, 4], 2)], [part.tolist() for part in split([1, 2, 3], [1])]
    ([[1, 2], [3, 4]], [[1], [2, 3]])
    """
    sizes = p.shape(x)
    place = shapes.axis(axis, len(sizes))
    size = sizes[place]
    if not isinstance(indices_or_sections, int | np.integer):
        ends = [operator.index(i) for i in _host_list(indices_or_sections)]
        return [_part(x, place, a, b) for a, b in zip([0, *ends], [*ends, None], strict=True)]
    count = int(indices_or_sections)
    if count < 1:
        raise ArgumentError("The number of parts must be positive.", received=count)
    if isinstance(size, int) and size % count:
        raise ShapeError(
            "The size is no multiple of the number of parts.",
            expected=f"a multiple of {count} on axis {place}",
            received=sizes,
        )
    if count == 1:
        return [x]
    if size is None:
        return [_part(x, place, None, -1) for _ in range(count)]
    step = size // count
    return [_part(x, place, i * step, (i + 1) * step) for i in range(count)]


@op
def array_split(x: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Like `split`, but the first parts are larger by one where the size is no multiple of the number of parts.

    Raises: AxisError; ShapeError if the size is unknown.

    >>> [part.tolist() for part in array_split([1, 2, 3], 2)]
    [[1, 2], [3]]
    """
    if not isinstance(indices_or_sections, int):
        return split(x, indices_or_sections, axis)
    size = p.shape(x)[shapes.axis(axis, len(p.shape(x)))]
    if not isinstance(size, int):
        raise ShapeError("The axis to split has no known size.", received=p.shape(x))
    small, larger = divmod(size, indices_or_sections)
    return split(x, [i * small + min(i, larger) for i in range(1, indices_or_sections)], axis)


@op
def unstack(x: TensorLike, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The slices along `axis`, without it.

    Args: num: how many there are; needed where the size is unknown.
    Raises: AxisError; ShapeError if the size is unknown or not `num`.

    >>> [int(part) for part in unstack([1, 2])]
    [1, 2]
    """
    sizes = p.shape(x)
    place = shapes.axis(axis, len(sizes))
    size = sizes[place] if isinstance(sizes[place], int) else num
    if size is None or (num is not None and num != size):
        raise ShapeError(
            "The number of slices is unknown or another.",
            expected=num or f"a known size on axis {place}",
            received=sizes,
            hint="pass `num`",
        )
    return [p.squeeze(_part(x, place, i, i + 1), (place,)) for i in range(size)]


@op
def tile(x: TensorLike, repeats: int | Sequence[int]) -> Tensor:
    """The whole tensor repeated along each axis.

    Args: repeats: one number for each axis, for the last ones if there are fewer; more make new axes in front.

    >>> tile([1, 2], 2).tolist(), tile([1, 2], (2, 1)).tolist()
    ([1, 2, 1, 2], [[1, 2], [1, 2]])
    """
    counts = [operator.index(r) for r in (_host_list(repeats) if not isinstance(repeats, int) else [repeats])]
    if counts and min(counts) < 0:
        raise ArgumentError("`repeats` must not be negative.", received=repeats)
    sizes = list(p.shape(x))
    counts = [1] * (len(sizes) - len(counts)) + counts
    sizes = [1] * (len(counts) - len(sizes)) + sizes
    paired = [v for pair in zip(counts, sizes, strict=True) for v in pair]
    spread = p.broadcast_to(p.reshape(x, tuple(v for d in sizes for v in (1, d))), tuple(paired))
    return p.reshape(spread, tuple(shapes.size(pair) for pair in zip(counts, sizes, strict=True)))


@op
def repeat(x: TensorLike, repeats: int | Sequence[int], axis: int | None = None) -> Tensor:
    """Each element several times in a row along `axis`.

    Args:
        repeats: one number, or one for each place along the axis; not a tensor under compilation.
        axis: None repeats the elements of the flattened tensor.
    Raises: AxisError; ShapeError if there are not as many numbers as places.

    >>> repeat([1, 2], 2).tolist(), repeat([1, 2], [1, 2]).tolist()
    ([1, 1, 2, 2], [1, 2, 2])
    """
    if axis is None:
        x, axis = p.reshape(x, (shapes.size(p.shape(x)),)), 0
    sizes = p.shape(x)
    place = shapes.axis(axis, len(sizes))
    counts = [int(r) for r in _host_list(repeats)] if not isinstance(repeats, int) else [repeats]
    if min(counts, default=0) < 0:
        raise ArgumentError("`repeats` must not be negative.", received=repeats)
    if len(counts) == 1:
        wide = p.broadcast_to(p.expand_dims(x, place + 1), (*sizes[: place + 1], counts[0], *sizes[place + 1 :]))
        return p.reshape(wide, (*sizes[:place], shapes.size((sizes[place], counts[0])), *sizes[place + 1 :]))
    if isinstance(sizes[place], int) and sizes[place] != len(counts):
        raise ShapeError(
            "There must be one number of repeats for each place.", expected=sizes[place], received=len(counts)
        )
    return p.take(x, _indices(np.repeat(np.arange(len(counts)), counts)), place)


@op(tensors=1)
def pad(x: TensorLike, pad_width: Any, mode: str = "constant", constant_values: float | None = None) -> Tensor:
    """`x` with elements put around it.

    Args:
        pad_width: how many before and after on each axis: ((before, after), …); one pair or one number goes for all.
        mode: "constant"; "edge" repeats the last element; "reflect" mirrors without it; "symmetric" mirrors with it.
        constant_values: the value for "constant", by default 0.
    Raises: ArgumentError; ShapeError if there is nothing to mirror.

    >>> pad([1, 2, 3], (1, 2)).tolist(), pad([1, 2, 3], 2, "reflect").tolist()
    ([0, 1, 2, 3, 0, 0], [3, 2, 1, 2, 3, 2, 1])
    """
    sizes = p.shape(x)
    widths = _pad_widths(pad_width, len(sizes))
    if mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ArgumentError(
            "`mode` cannot be used.", expected='"constant", "edge", "reflect" or "symmetric"', received=mode
        )
    if mode == "constant":
        value: Any = 0 if constant_values is None else constant_values
        return p.pad(x, widths, value)
    if constant_values is not None:
        raise ArgumentError('`constant_values` goes with mode="constant" only.', received=f"mode={mode!r}")
    for axis, (before, after) in enumerate(widths):
        if before or after:
            if isinstance(sizes[axis], int) and sizes[axis] == 0:
                raise ShapeError("An axis without elements has nothing to repeat.", received=sizes)
            x = p.take(x, _mirrored(sizes[axis], before, after, mode), axis)
    return x


@op
def flip(x: TensorLike, axis: AxisLike = None) -> Tensor:
    """The elements along `axis` in reverse order.

    Shape: any -> same.  Raises: AxisError.

    >>> flip([1, 2, 3]).tolist()
    [3, 2, 1]
    """
    return p.flip(x, tuple(sorted(shapes.axes(axis, len(p.shape(x))))))


@op(tensors=1)
def roll(x: TensorLike, shift: Any, axis: AxisLike = None) -> Tensor:
    """The elements moved along `axis`, those pushed out coming in again at the other end.

    Args: shift: how far; one number, or one for each axis; axis: None moves through all elements, row by row.
    Shape: any -> same.  Raises: AxisError.

    >>> roll([1, 2, 3], 1).tolist()
    [3, 1, 2]
    """
    sizes = p.shape(x)
    if axis is None:
        return p.reshape(roll(p.reshape(x, (shapes.size(sizes),)), shift, 0), sizes)
    places = [shapes.axis(a, len(sizes)) for a in (axis if isinstance(axis, Sequence) else (axis,))]
    shifts = list(shift) if isinstance(shift, Sequence) else [shift] * len(places)
    if len(shifts) == 1:
        shifts *= len(places)
    if len(shifts) != len(places):
        raise ArgumentError("`shift` and `axis` differ in length.", received=f"shift={shift}, axis={axis}")
    for place, distance in zip(places, shifts, strict=True):
        x = _rolled(x, place, operator.index(distance))
    return x


# ---- helpers


def _target(shape: Any) -> tuple[Any, ...]:
    if hasattr(shape, "tolist"):
        shape = shape.tolist()
    sizes = (shape,) if isinstance(shape, int) or shape is None else shape
    try:
        target = tuple(d if d is None or shapes.is_symbolic_size(d) else operator.index(d) for d in sizes)
    except TypeError:
        raise ShapeError(
            "A size is neither an integer nor None.", expected="sizes >= 0, -1 or None", received=shape
        ) from None
    if [d for d in target if isinstance(d, int) and d < -1] or len(
        [d for d in target if isinstance(d, int) and d == -1]
    ) > 1:
        raise ShapeError("The shape cannot be used.", expected="sizes >= 0, and -1 at most once", received=shape)
    return target


def _unknown_sizes(sizes: tuple[Any, ...], target: tuple[Any, ...]) -> tuple[Any, ...]:
    """The target of a tensor with unknown sizes: as many None on both sides stand for the same ones."""
    if -1 not in target:
        return target
    open_places = len([d for d in target if d is None])
    if open_places != len([d for d in sizes if d is None]):
        return tuple(None if d == -1 else d for d in target)
    before: Any = shapes.size(d for d in sizes if d is not None)
    known: Any = shapes.size(d for d in target if d not in (None, -1))
    if known == 0 or before % known:
        raise _mismatch(sizes, target)
    return tuple(before // known if d == -1 else d for d in target)


def _known_sizes(sizes: tuple[Any, ...], target: tuple[Any, ...]) -> tuple[Any, ...]:
    if len([d for d in target if d is None or (isinstance(d, int) and d == -1)]) > 1:
        target = tuple(sizes[i] if d is None and i < len(sizes) else d for i, d in enumerate(target))
    open_places = [i for i, d in enumerate(target) if d is None or (isinstance(d, int) and d == -1)]
    if not open_places:
        return target
    before: Any = shapes.size(sizes)
    known: Any = shapes.size(d for i, d in enumerate(target) if i not in open_places)
    if len(open_places) > 1 or (isinstance(known, int) and known == 0):
        raise _mismatch(sizes, target)
    if isinstance(before, int) and isinstance(known, int) and before % known:
        raise _mismatch(sizes, target)
    return tuple(before // known if i in open_places else d for i, d in enumerate(target))


def _mismatch(sizes: tuple[Any, ...], target: Any) -> ShapeError:
    count = shapes.size(sizes)
    expected = f"a shape of {count} elements" if isinstance(count, int) else "a shape that the elements can fill"
    return ShapeError(
        "The elements do not fit the new shape.", expected=expected, received=f"{tuple(sizes)} to {target}"
    )


def _same_outside(name: str, tensors: list[Any], axis: int | None) -> None:
    """Raises: ShapeError unless the shapes agree outside `axis`."""
    all_shapes = [p.shape(x) for x in tensors]
    first = all_shapes[0]
    for number, other in enumerate(all_shapes):
        fits = len(other) == len(first) and all(
            i == axis or not isinstance(a, int) or not isinstance(b, int) or a == b
            for i, (a, b) in enumerate(zip(first, other, strict=False))
        )
        if not fits:
            raise ShapeError(
                f"Input {number} does not fit the others in `{name}`.",
                expected="equal shapes" if axis is None else f"equal shapes outside axis {axis}",
                received=", ".join(str(tuple(s)) for s in all_shapes),
            )


def _part(x: Tensor, axis: int, start: Any, stop: Any) -> Tensor:
    return p.slice_strided(x, tuple(slice(start, stop) if i == axis else slice(None) for i in range(len(p.shape(x)))))


def _host_list(values: Any) -> list[Any]:
    """The numbers of a list, NumPy array or concrete tensor."""
    if type(values) is KerasTensor or (select.current().is_tensor(values) and select.current().is_traced(values)):
        raise ArgumentError(
            "These numbers decide a shape, so they must be known before the program runs.",
            received=values,
            hint="pass Python integers",
        )
    return np.atleast_1d(np.asarray(values)).tolist()


def _indices(values: np.ndarray) -> Tensor:
    return select.current().from_host(values, "int32")


def _pad_widths(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    expected = f"one number, one pair (before, after), or {rank} pairs, none negative"
    try:
        widths = np.broadcast_to(np.asarray(pad_width), (rank, 2)).tolist()
    except ValueError:
        raise ArgumentError("`pad_width` does not fit the tensor.", expected=expected, received=pad_width) from None
    if any(not isinstance(n, int) or n < 0 for pair in widths for n in pair):
        raise ArgumentError("`pad_width` cannot be used.", expected=expected, received=pad_width)
    return [tuple(pair) for pair in widths]


def _mirrored(size: Any, before: int, after: int, mode: str) -> Tensor:
    """For each place of the padded axis, the place that it repeats."""
    places = p.subtract(p.iota(shapes.add(size, before, after), "int32"), before)
    if size is None:
        return places
    if mode == "edge":
        return p.minimum(p.maximum(places, 0), size - 1)
    if mode == "symmetric":
        folded = p.mod(places, 2 * size)
        return p.minimum(folded, p.subtract(2 * size - 1, folded))
    period = 2 * (size - 1)
    if isinstance(period, int) and period == 0:
        return p.multiply(places, 0)
    folded = p.mod(places, period)
    return p.minimum(folded, p.subtract(period, folded))


def _rolled(x: Tensor, axis: int, shift: int) -> Tensor:
    size = p.shape(x)[axis]
    if size is None or (isinstance(size, int) and (size == 0 or shift % size == 0)):
        return p.copy(x)
    if isinstance(size, int):
        cut = size - shift % size
        return p.concatenate([_part(x, axis, cut, None), _part(x, axis, None, cut)], axis)
    return p.take(x, p.mod(p.subtract(p.iota(size, "int32"), shift), size), axis)
