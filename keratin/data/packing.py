"""The three parts of training data, and the names by which messages speak of their pieces."""

from __future__ import annotations

from typing import Any

from keratin.errors import DataError

PARTS = ("x", "y", "sample_weight")


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """The triple of inputs, targets and sample weights in `data`, with None for what is absent.

    Args: data: `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`; a list counts as a tuple.
    Raises: DataError for more than three parts.

    >>> unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if 1 <= len(data) <= 3:
        return (*data, None, None)[:3]  # type: ignore[return-value]
    raise DataError(
        "A batch must be `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`.",
        expected="one to three parts",
        received=f"{len(data)} parts: {', '.join(type(part).__name__ for part in data)}",
        hint="several inputs belong into one part: `((x1, x2), y)` or `({'name': x1, ...}, y)`",
    )


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The shortest form of a batch, which `unpack_x_y_sample_weight` takes apart again.

    >>> pack_x_y_sample_weight("x"), pack_x_y_sample_weight(["a", "b"]), pack_x_y_sample_weight("x", "y")
    ('x', (['a', 'b'],), ('x', 'y'))
    """
    if y is None and sample_weight is None:
        return (x,) if isinstance(x, tuple | list) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def label(path: tuple[Any, ...]) -> str:
    """How a message names the leaf at `path` of the nest (x, y, sample_weight).

    >>> label((0, "image")), label((1,))
    ("x['image']", 'y')
    """
    return PARTS[path[0]] + "".join(f"[{key!r}]" for key in path[1:])
