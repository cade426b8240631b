"""Products and decompositions of matrices."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

from keratin import dtypes, shapes
from keratin.backends import primitives as p
from keratin.errors import ArgumentError, ShapeError
from keratin.ops.arithmetic import as_numbers
from keratin.ops.mechanism import Tensor, TensorLike, dtype_of, op
from keratin.ops.reduction import AxisLike, in_float32, root


@op(tensors=2, promote="same")
def matmul(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The matrix product over the last two axes; a tensor of one axis counts as a row or a column.

    int8 times int8 is int32; of bool, whether one product is true.

    Shape: (..., m, k) and (..., k, n) -> (..., m, n), the axes in front broadcast.
    Raises: ShapeError if the inner sizes differ.

    >>> matmul([[1, 2], [3, 4]], [1, 1]).tolist()
    [3, 7]
    """
    _needs_axes("matmul", 1, x1, x2)
    if dtype_of(x1) in dtypes.FLOAT:
        return p.matmul(x1, x2)
    return _product(p.matmul, *_wide_products(x1, x2))


@op(tensors=2, promote="same")
def dot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The sum of products over the last axis of `x1` and the last but one (or only) axis of `x2`.

    Shape: (..., k) and (..., k, n) -> (..., ..., n); a scalar multiplies.  Raises: ShapeError.

    >>> dot([1, 2], [3, 4]).tolist()
    11
    """
    first, second = _rank(x1), _rank(x2)
    if first == 0 or second == 0:
        return p.multiply(x1, x2)
    return _contract(x1, x2, (first - 1,), (max(second - 2, 0),))


@op(tensors=2, promote="same")
def inner(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The sum of products over the last axes.

    Shape: (..., k) and (..., k) -> (..., ...); a scalar multiplies.  Raises: ShapeError.

    >>> inner([1, 2], [[3, 4], [5, 6]]).tolist()
    [11, 17]
    """
    if _rank(x1) == 0 or _rank(x2) == 0:
        return p.multiply(x1, x2)
    return _contract(x1, x2, (_rank(x1) - 1,), (_rank(x2) - 1,))


@op(tensors=2, promote="same")
def vdot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The sum of products of all elements, those of `x1` conjugated.

    Shape: two of one size -> scalar.  Raises: ShapeError.

    >>> vdot([[1, 2]], [[3, 4]]).tolist()
    11
    """
    first = p.conj(x1) if dtype_of(x1) in dtypes.COMPLEX else x1
    return _contract(_flat(first), _flat(x2), (0,), (0,))


@op(tensors=2, promote="same")
def outer(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Each element of `x1` times each of `x2`.

    Shape: any two -> (size, size).

    >>> outer([1, 2], [3, 4]).tolist()
    [[3, 4], [6, 8]]
    """
    return p.multiply(p.expand_dims(_flat(x1), 1), p.expand_dims(_flat(x2), 0))


@op(tensors=2, promote="same")
def tensordot(x1: TensorLike, x2: TensorLike, axes: Any = 2) -> Tensor:
    """The sum of products over several pairs of axes.

    Args: axes: how many of the last of `x1` meet as many of the first of `x2`; or two lists of axes.
    Raises: AxisError; ShapeError if sizes differ; ArgumentError if the lists do.

    >>> tensordot([[1, 2], [3, 4]], [[1, 0], [0, 1]]).tolist()
    5
    """
    first, second = _rank(x1), _rank(x2)
    if isinstance(axes, int):
        if not 0 <= axes <= min(first, second):
            raise ArgumentError("`axes` cannot be used.", expected=f"0 to {min(first, second)} axes", received=axes)
        return _contract(x1, x2, tuple(range(first - axes, first)), tuple(range(axes)))
    left, right = (
        shapes.axes(tuple(a) if isinstance(a, Sequence) else a, rank)
        for a, rank in zip(axes, (first, second), strict=True)
    )
    if len(left) != len(right):
        raise ArgumentError("`axes` names different numbers of axes.", received=axes)
    return _contract(x1, x2, left, right)


def einsum(subscripts: str, *operands: TensorLike, **kwargs: Any) -> Tensor:
    """Sums of products, written with a letter for each axis: "ij,jk->ik" is the matrix product.

    Args:
        subscripts: letters of each operand, and after "->" those of the result; without "->" those that occur once, in
            alphabetic order.  "..." stands for all further axes, which broadcast.
        kwargs: Keras's `optimize` is accepted; the order of products is the backend's choice.
    Raises: ArgumentError for letters that cannot be read; ShapeError if sizes differ.

    >>> einsum("ij,j", [[1, 2], [3, 4]], [1, 1]).tolist()
    [3, 7]
    """
    unknown = [name for name in kwargs if name != "optimize"]
    if unknown:
        raise ArgumentError("`einsum` has no such argument.", received=", ".join(unknown))
    return _einsum(list(operands), subscripts)


@op(tensors="list", promote="same", name="einsum")
def _einsum(operands: Sequence[TensorLike], subscripts: str) -> Tensor:
    letters = _explicit(subscripts, [_rank(x) for x in operands])
    _check_einsum(letters, operands)
    return _product(lambda *xs: p.einsum(letters, *xs), *_wide_products(*operands))


@op(tensors=2, promote="same")
def cross(
    x1: TensorLike, x2: TensorLike, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """The vector product of vectors of 3 (or 2) components.

    Args: axisa, axisb, axisc: where the components are in x1, x2 and the result; axis: all three at once.
    Shape: two that broadcast -> broadcast; without the components' axis if both have 2.  Raises: AxisError, ShapeError.

    >>> cross([1, 0, 0], [0, 1, 0]).tolist()
    [0, 0, 1]
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x1, x2 = as_numbers(x1, x2)
    a, b = _last(x1, axisa), _last(x2, axisb)
    counts = (p.shape(a)[-1], p.shape(b)[-1])
    if counts[0] not in (2, 3) or counts[1] not in (2, 3):
        raise ShapeError("The vector product needs 2 or 3 components.", expected="known sizes 2 or 3", received=counts)
    a0, a1, *a2 = _components(a)
    b0, b1, *b2 = _components(b)
    third = p.subtract(p.multiply(a0, b1), p.multiply(a1, b0))
    if not a2 and not b2:
        return third
    first = p.multiply(a1, b2[0]) if b2 else None
    second = p.negative(p.multiply(a0, b2[0])) if b2 else None
    if a2:
        one, two = p.multiply(a2[0], b1), p.multiply(a2[0], b0)
        first = p.negative(one) if first is None else p.subtract(first, one)
        second = two if second is None else p.add(two, second)
    rank = len(p.shape(third)) + 1
    place = shapes.axis(axisc, rank)
    return p.concatenate([p.expand_dims(part, place) for part in (first, second, third)], place)


@op
def diagonal(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The elements whose place on `axis2` is that on `axis1` plus `offset`, along a new last axis.

    Raises: AxisError; ArgumentError if the axes are one.

    >>> diagonal([[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    return _diagonal(x, offset, axis1, axis2)


@op
def trace(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of a diagonal; integers narrower than 32 bits are summed in 32.

    Raises: AxisError; ArgumentError if the axes are one.

    >>> trace([[1, 2], [3, 4]]).tolist()
    5
    """
    name = dtype_of(x)
    if name in ("bool", "int8", "int16"):
        x = p.cast(x, "int32")
    elif name in ("uint8", "uint16"):
        x = p.cast(x, "uint32")
    line = _diagonal(x, offset, axis1, axis2)
    return p.sum(line, (len(p.shape(line)) - 1,), False)


@op
def diag(x: TensorLike, k: int = 0) -> Tensor:
    """The diagonal `k` of a matrix; or the matrix with this diagonal, and 0 elsewhere.

    Shape: (n,) -> (n + |k|, n + |k|), or (m, n) -> (length,).  Raises: ShapeError for another rank.

    >>> diag([1, 2]).tolist()
    [[1, 0], [0, 2]]
    """
    sizes = p.shape(x)
    if len(sizes) == 2:
        return _diagonal(x, k, 0, 1)
    if len(sizes) != 1:
        raise ShapeError("`diag` takes a vector or a matrix.", expected="1 or 2 axes", received=sizes)
    size = shapes.add(sizes[0], abs(k))
    places = p.iota(size, "int32")
    hit = p.equal(p.expand_dims(places, 0), p.add(p.expand_dims(places, 1), k))
    longer = p.pad(x, [(0, abs(k))], 0)
    return p.where(hit, p.expand_dims(longer, 1 if k >= 0 else 0), False if dtype_of(x) == "bool" else 0)


@op
def diagflat(x: TensorLike, k: int = 0) -> Tensor:
    """The matrix with all elements of `x` on diagonal `k`, and 0 elsewhere.

    >>> diagflat([[1, 2]]).tolist()
    [[1, 0], [0, 2]]
    """
    return diag(_flat(x), k)


@op(promote="float")
def norm(x: TensorLike, ord: Any = None, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The length of vectors or the norm of matrices.

    Args:
        ord: for vectors a number p (1, 2, inf, -inf, 0 counts what is not 0); for matrices "fro", "nuc", 1, -1, 2, -2,
            inf, -inf.  None is the root of the sum of squares, over any number of axes.
        axis: one for vectors, two for matrices; None for all.
    Shape: any -> without `axis`, or with size 1 there.  Raises: AxisError, ArgumentError.

    >>> norm([3.0, 4.0]).tolist()
    5.0
    """
    rank = _rank(x)
    axes = shapes.axes(axis, rank)
    return in_float32(lambda y: _norm(y, ord, axes, keepdims), x)


@op(promote="float")
def cholesky(x: TensorLike, upper: bool = False) -> Tensor:
    """The triangular matrix L with `L @ L.T == x`, of a positive definite matrix; NaN or an error for another.

    Args: upper: whether to give the transpose of L.
    Shape: (..., n, n) -> same.  Raises: ShapeError unless square.

    >>> cholesky([[4.0]]).tolist()
    [[2.0]]
    """
    x = _square("cholesky", x)
    lower = in_float32(p.cholesky, x)
    return _matrix_transpose(lower) if upper else lower


@op(promote="float")
def det(x: TensorLike) -> Tensor:
    """The determinant.

    Shape: (..., n, n) -> (...).  Raises: ShapeError unless square.

    >>> det([[2.0, 0.0], [0.0, 3.0]]).tolist()
    6.0
    """
    x = _square("det", x)
    return in_float32(p.det, x)


@op(promote="float")
def inv(x: TensorLike) -> Tensor:
    """The inverse matrix.

    Shape: (..., n, n) -> same.  Raises: ShapeError unless square.

    >>> inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    x = _square("inv", x)
    return in_float32(p.inverse, x)


@op(promote="float")
def qr(x: TensorLike, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """Q with orthonormal columns and upper triangular R with `Q @ R == x`.

    Args: mode: "reduced", or "complete" for a square Q.
    Shape: (..., m, n) -> (..., m, k) and (..., k, n), k = min(m, n) or m.  Raises: ArgumentError, ShapeError.

    >>> [t.shape for t in qr([[1.0], [2.0]])]
    [(2, 1), (1, 1)]
    """
    _needs_axes("qr", 2, x)
    if mode not in ("reduced", "complete"):
        raise ArgumentError("`mode` cannot be used.", expected='"reduced" or "complete"', received=mode)
    return _each_back(p.qr(_wide(x), mode), x)


@op(promote="float")
def svd(x: TensorLike, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """The singular values s, falling, and U and V with `x == U @ diag(s) @ V`.

    Args: full_matrices: square U and V; compute_uv: False gives s alone.
    Shape: (..., m, n) -> (..., m, m), (..., k), (..., n, n) with k = min(m, n); U (m, k) and V (k, n) if not full.
    Raises: ShapeError.

    >>> [t.shape for t in svd([[1.0], [2.0]])]
    [(2, 2), (1,), (1, 1)]
    """
    _needs_axes("svd", 2, x)
    parts = _each_back(p.svd(_wide(x), full_matrices if compute_uv else False), x)
    return parts if compute_uv else parts[1]


@op(promote="float")
def eigh(x: TensorLike) -> tuple[Tensor, Tensor]:
    """The eigenvalues, rising, and the eigenvectors (in columns) of a symmetric matrix.

    Shape: (..., n, n) -> (..., n) and (..., n, n).  Raises: ShapeError unless square.

    >>> eigh([[2.0, 0.0], [0.0, 1.0]])[0].tolist()
    [1.0, 2.0]
    """
    x = _square("eigh", x)
    return _each_back(p.eigh(_wide(x)), x)


@op(tensors=2, promote="float")
def solve(a: TensorLike, b: TensorLike) -> Tensor:
    """The x with `a @ x == b`.

    Shape: (..., n, n) and (..., n) or (..., n, k) -> second.  Raises: ShapeError.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]).tolist()
    [1.0, 0.5]
    """
    return _solved("solve", a, b, p.solve)


@op(tensors=2, promote="float")
def solve_triangular(a: TensorLike, b: TensorLike, lower: bool = False) -> Tensor:
    """The x with `a @ x == b` for a triangular a, of which the other half is not read.

    Args: lower: whether a is lower triangular.
    Shape: (..., n, n) and (..., n) or (..., n, k) -> second.  Raises: ShapeError.

    >>> solve_triangular([[2.0, 2.0], [0.0, 4.0]], [4.0, 4.0]).tolist()
    [1.0, 1.0]
    """
    return _solved("solve_triangular", a, b, lambda m, v: p.solve_triangular(m, v, lower))


# ---- helpers


def _rank(x: Any) -> int:
    return len(getattr(x, "shape", ()))  # Python scalars have none


def _flat(x: Tensor) -> Tensor:
    sizes = p.shape(x)
    return x if len(sizes) == 1 else p.reshape(x, (shapes.size(sizes),))


def _product(function: Any, *xs: Tensor) -> Tensor:
    """`function(*xs)`, of bool by way of int32: whether one product is true."""
    if dtype_of(xs[0]) != "bool":
        return function(*xs)
    return p.not_equal(function(*(p.cast(x, "int32") for x in xs)), 0)


def _wide_products(*xs: Tensor) -> tuple[Tensor, ...]:
    """int8, whose products leave its range, as int32; that is what quantized layers count on."""
    return tuple(p.cast(x, "int32") for x in xs) if dtype_of(xs[0]) == "int8" else xs


def _contract(x1: Tensor, x2: Tensor, left: tuple[int, ...], right: tuple[int, ...]) -> Tensor:
    first, second = p.shape(x1), p.shape(x2)
    for a, b in zip(left, right, strict=True):
        if isinstance(first[a], int) and isinstance(second[b], int) and first[a] != second[b]:
            raise ShapeError(
                "The summed sizes differ.",
                expected=f"{first[a]} on axis {b} of the second",
                received=f"{first} and {second}",
            )
    return _product(lambda x, y: p.dot_general(x, y, (left, right), ((), ())), x1, x2)


def _needs_axes(name: str, least: int, *tensors: Tensor) -> None:
    for x in tensors:
        if _rank(x) < least:
            raise ShapeError(f"`{name}` needs at least {least} axes.", expected=f"rank >= {least}", received=_shape(x))


def _shape(x: Any) -> tuple[Any, ...]:
    return tuple(getattr(x, "shape", ()))


def _square(name: str, x: Tensor) -> Tensor:
    """x, each of whose sides is known if the other is.  Raises: ShapeError unless the matrices are square."""
    _needs_axes(name, 2, x)
    *batch, rows, columns = p.shape(x)
    if isinstance(rows, int) and isinstance(columns, int) and rows != columns:
        raise ShapeError(f"`{name}` needs square matrices.", expected="(..., n, n)", received=p.shape(x))
    if (rows is None) == (columns is None):
        return x
    size = columns if rows is None else rows
    return p.reshape(x, (*batch, size, size))


def _explicit(subscripts: str, ranks: list[int]) -> str:
    """Letters for each axis and an explicit result, as the primitive wants them."""
    text = subscripts.replace(" ", "")
    inputs, arrow, result = text.partition("->")
    terms = inputs.split(",")
    letters = "".join(terms + [result]).replace("...", "")
    if not all(c in string.ascii_letters for c in letters):
        raise ArgumentError(
            "The letters of `einsum` cannot be read.", expected='such as "ij,jk->ik" or "...i,i"', received=subscripts
        )
    if len(terms) != len(ranks):
        raise ArgumentError(
            "`einsum` names another number of tensors.", expected=len(terms), received=len(ranks), where=subscripts
        )
    if not arrow:
        once = sorted(c for c in set(letters) if letters.count(c) == 1)
        result = ("..." if "..." in inputs else "") + "".join(once)
    free = [c for c in string.ascii_letters if c not in letters]
    depth = 0
    for term, rank in zip(terms, ranks, strict=True):
        named = len(term.replace("...", ""))
        if named > rank or (named < rank and "..." not in term) or term.count("...") > 1:
            raise ShapeError(
                "An operand of `einsum` has another rank than its letters.",
                expected=term,
                received=f"{rank} axes",
                where=subscripts,
            )
        depth = max(depth, rank - named) if "..." in term else depth
    further = "".join(free[:depth])
    expanded = [
        term.replace("...", further[depth - (rank - len(term.replace("...", ""))) :] if "..." in term else "")
        for term, rank in zip(terms, ranks, strict=True)
    ]
    unknown = [
        c
        for c in result.replace("...", "")
        if c not in letters[: len(letters) - len(result.replace("...", "")) if arrow else None]
    ]
    if unknown or len(set(result.replace("...", ""))) != len(result.replace("...", "")):
        raise ArgumentError(
            "The result of `einsum` names a letter twice, or one that no operand has.", received=subscripts
        )
    return ",".join(expanded) + "->" + result.replace("...", further)


def _check_einsum(letters: str, operands: Sequence[Tensor]) -> None:
    known: dict[str, int] = {}
    for term, x in zip(letters.partition("->")[0].split(","), operands, strict=True):
        for letter, size in zip(term, p.shape(x), strict=True):
            if isinstance(size, int) and size != 1 and known.setdefault(letter, size) != size:
                raise ShapeError(
                    f"Sizes of `{letter}` differ in `einsum`.", expected=known[letter], received=size, where=letters
                )


def _last(x: Tensor, axis: int) -> Tensor:
    rank = len(p.shape(x))
    place = shapes.axis(axis, rank)
    return p.transpose(x, (*(i for i in range(rank) if i != place), place))


def _components(x: Tensor) -> list[Tensor]:
    rank = len(p.shape(x))
    parts = (
        tuple(slice(i, i + 1) if a == rank - 1 else slice(None) for a in range(rank)) for i in range(p.shape(x)[-1])
    )
    return [p.squeeze(p.slice_strided(x, part), (rank - 1,)) for part in parts]


def _diagonal(x: Tensor, offset: int, axis1: int, axis2: int) -> Tensor:
    sizes = p.shape(x)
    rank = len(sizes)
    _needs_axes("diagonal", 2, x)
    first, second = shapes.axis(axis1, rank, name="axis1"), shapes.axis(axis2, rank, name="axis2")
    if first == second:
        raise ArgumentError("A diagonal needs two different axes.", received=(axis1, axis2))
    rest = tuple(i for i in range(rank) if i not in (first, second))
    matrix = p.transpose(x, (first, second, *rest))
    rows, columns = sizes[first], sizes[second]
    down, right = max(-offset, 0), max(offset, 0)
    length = _diagonal_length(None if rows is None else rows - down, None if columns is None else columns - right)
    steps = p.iota(length, "int32")
    places = p.concatenate([p.expand_dims(p.add(steps, down), 1), p.expand_dims(p.add(steps, right), 1)], 1)
    line = p.gather_nd(matrix, places)
    return p.transpose(line, (*range(1, rank - 1), 0))


def _diagonal_length(rows: Any, columns: Any) -> Any:
    known = [size for size in (rows, columns) if size is not None]
    if len(known) < 2 and not (known and known[0] <= 0):
        return None
    return max(min(known), 0)


def _matrix_transpose(x: Tensor) -> Tensor:
    rank = len(p.shape(x))
    return p.transpose(x, (*range(rank - 2), rank - 1, rank - 2))


def _wide(x: Tensor) -> Tensor:
    return p.cast(x, "float32") if dtype_of(x) in dtypes.HALF else x


def _each_back(parts: tuple[Tensor, ...], x: Tensor) -> Any:
    name = dtype_of(x)
    return tuple(p.cast(part, name) if name in dtypes.HALF else part for part in parts)


def _solved(name: str, a: Tensor, b: Tensor, function: Any) -> Tensor:
    a = _square(name, a)
    is_vector = _rank(b) == _rank(a) - 1
    _needs_axes(name, 1 if is_vector else 2, b)
    columns = p.expand_dims(b, len(p.shape(b))) if is_vector else b
    *batch, rows, count = p.shape(columns)
    size = p.shape(a)[-1]
    if isinstance(rows, int) and isinstance(size, int) and rows != size:
        raise ShapeError(
            f"The sides of `{name}` do not fit.",
            expected=f"{size} rows on the right",
            received=f"{p.shape(a)} and {p.shape(b)}",
        )
    if rows is None and size is not None:
        columns = p.reshape(columns, (*batch, size, count))
    result = function(_wide(a), _wide(columns))
    if dtype_of(b) in dtypes.HALF:
        result = p.cast(result, dtype_of(b))
    return p.squeeze(result, (len(p.shape(result)) - 1,)) if is_vector else result


def _norm(x: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    magnitude = p.abs(x)
    if ord is None or (len(axes) == 2 and ord == "fro") or (len(axes) == 1 and ord == 2):
        return root(p.sum(p.multiply(x, x), axes, keepdims))
    if isinstance(ord, str) and len(axes) != 2:
        raise ArgumentError(
            "This norm is one of matrices.", expected="two axes", received=f"ord={ord!r} with {len(axes)} axes"
        )
    if len(axes) == 1:
        return _vector_norm(magnitude, ord, axes, keepdims)
    if len(axes) != 2:
        raise ArgumentError("`ord` goes with one axis or two.", received=f"ord={ord!r} with {len(axes)} axes")
    row, column = axes
    if ord in (1, -1, math.inf, -math.inf):
        summed, rest = (row, column) if ord in (1, -1) else (column, row)
        sums = p.sum(magnitude, (summed,), True)
        result = (p.max if ord > 0 else p.min)(sums, (rest,), True)
    elif ord in (2, -2, "nuc"):
        rank = len(p.shape(x))
        matrices = p.transpose(x, (*(i for i in range(rank) if i not in axes), row, column))
        values = p.svd(matrices, False)[1]
        last = (len(p.shape(values)) - 1,)
        result = p.sum(values, last, False) if ord == "nuc" else (p.max if ord > 0 else p.min)(values, last, False)
        for axis in sorted(axes):
            result = p.expand_dims(result, axis)
    else:
        raise ArgumentError(
            "`ord` cannot be used for matrices.", expected='"fro", "nuc", 1, -1, 2, -2, inf or -inf', received=ord
        )
    return result if keepdims else p.squeeze(result, tuple(sorted(axes)))


def _vector_norm(magnitude: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if ord == math.inf:
        return p.max(magnitude, axes, keepdims)
    if ord == -math.inf:
        return p.min(magnitude, axes, keepdims)
    if ord == 0:
        return p.sum(p.cast(p.not_equal(magnitude, 0), dtype_of(magnitude)), axes, keepdims)
    if ord == 1:
        return p.sum(magnitude, axes, keepdims)
    return p.power(p.sum(p.power(magnitude, float(ord)), axes, keepdims), 1.0 / ord)
