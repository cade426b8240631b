"""What TensorFlow's tensors are, how they come from the host and go back, and where they are put."""

from __future__ import annotations

import contextlib
import operator
import threading
from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.framework import ops as framework

from keratin import dtypes
from keratin.errors import BackendError

name = "tensorflow"
has_gradients = has_compiler = True
EagerTensor = framework.EagerTensor
TENSOR_TYPES: tuple[type, ...] = (EagerTensor, framework.SymbolicTensor)


class _Mapping(threading.local):
    active = False


mapping = _Mapping()
"""Whether `tf.vectorized_map` traces for Keratin's `vmap`: it has no rule for a condition of one row."""


def is_tensor(value: Any) -> bool:
    """A `tf.Variable` is none: it is read by `from_foreign`."""
    return isinstance(value, tf.Tensor)


def is_traced(value: Any) -> bool:
    return isinstance(value, tf.Tensor) and not isinstance(value, EagerTensor)


class Size:
    """A size that is known when the graph runs.

    Bodies compare sizes and branch on it before that. All unknown sizes count as one large number then: two of them are
    equal, none is 0 or 1, and what is computed of them compares like the result.

    Args: tensor: the size, a scalar of int32.  guess: the number that it counts as.
    """

    __slots__ = ("guess", "tensor")

    def __init__(self, tensor: Any, guess: int = 1_000_003) -> None:
        self.tensor, self.guess = tensor, guess

    def __eq__(self, other: object) -> bool:
        return self.guess == _guess(other)

    def __hash__(self) -> int:
        return hash(self.guess)

    def __lt__(self, other: Any) -> bool:
        return self.guess < _guess(other)

    def __le__(self, other: Any) -> bool:
        return self.guess <= _guess(other)

    def __gt__(self, other: Any) -> bool:
        return self.guess > _guess(other)

    def __ge__(self, other: Any) -> bool:
        return self.guess >= _guess(other)

    def __neg__(self) -> Size:
        return Size(-self.tensor, -self.guess)

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return self.tensor if dtype is None else tf.cast(self.tensor, dtype)

    def __repr__(self) -> str:
        return "?"


def _guess(size: Any) -> Any:
    return size.guess if isinstance(size, Size) else size


def _arithmetic(function: Callable[[Any, Any], Any], swapped: bool) -> Callable[[Any, Any], Any]:
    def run(self: Size, other: Any) -> Any:
        if isinstance(other, tf.Tensor):
            pair = (other, tf.cast(self.tensor, other.dtype))
            return function(*pair) if swapped else function(*pair[::-1])
        if isinstance(other, float) or function is operator.truediv:
            pair = (float_of(other), float_of(self))
            return function(*pair) if swapped else function(*pair[::-1])
        tensor, guess = (other.tensor, other.guess) if isinstance(other, Size) else (other, other)
        if swapped:
            return Size(function(tensor, self.tensor), function(guess, self.guess))
        return Size(function(self.tensor, tensor), function(self.guess, guess))

    return run


def float_of(size: Any) -> Any:
    """A size as a float of `floatx()`."""
    return tf.cast(size.tensor if isinstance(size, Size) else size, native_dtype(dtypes.standardize(None)))


for _name in ("add", "sub", "mul", "floordiv", "mod", "truediv"):
    setattr(Size, f"__{_name}__", _arithmetic(getattr(operator, _name), False))
    setattr(Size, f"__r{_name}__", _arithmetic(getattr(operator, _name), True))


def shape(x: Any) -> tuple[Any, ...]:
    """Sizes as ints; where a graph does not know one, a `Size`."""
    given = tuple(x.shape)
    if None in given:
        dynamic = tf.shape(x)
        return tuple(Size(dynamic[i]) if size is None else size for i, size in enumerate(given))
    return given


def unknown(shape: Sequence[Any]) -> bool:
    """Whether a size is known only when the graph runs."""
    return any(isinstance(size, Size | tf.Tensor) for size in shape)


def sizes(shape: Sequence[Any]) -> Any:
    """A shape as TensorFlow's functions take it."""
    if unknown(shape):
        return tf.stack([number(size) for size in shape])
    return tf.TensorShape(shape)


def number(size: Any) -> Any:
    """A size as an int or a scalar of int32."""
    if isinstance(size, Size):
        return size.tensor
    return tf.cast(size, tf.int32) if isinstance(size, tf.Tensor) else int(size)


def canonical_dtype(dtype: str) -> str:
    return dtype


_DTYPES: dict[str, Any] = {}


def native_dtype(dtype: str) -> Any:
    """TensorFlow's object for the name."""
    found = _DTYPES.get(dtype)
    if found is None:
        found = _DTYPES[dtype] = tf.as_dtype(dtype)
    return found


engine_dtype = native_dtype


def from_host(array: Any, dtype: str | None = None) -> Any:
    """A tensor with a copy of the values.

    The copy is aligned as TensorFlow's own memory is: it takes it over as it is, and sums in products of matrices come
    in an order that depends on the alignment, so that equal weights would not give equal results to the last bit.
    """
    if isinstance(array, bool | int | float):
        return tf.constant(bool(array) if dtype == "bool" else array, None if dtype is None else native_dtype(dtype))
    array = np.asarray(array)
    kind = array.dtype if dtype is None else dtypes.numpy_dtype(dtype)
    if kind.kind in "OUS" or not tf.executing_eagerly():
        return tf.constant(np.asarray(array, kind))
    return _taken_over(_aligned_copy(array, kind))


_ALIGNMENT = 64


def _taken_over(array: np.ndarray) -> Any:
    now = context.context()
    now.ensure_initialized()
    return EagerTensor(array, now.device_name, None)


def _aligned_copy(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    size = array.size * dtype.itemsize
    room = np.empty(size + _ALIGNMENT, np.uint8)
    start = -room.ctypes.data % _ALIGNMENT
    copy = room[start : start + size].view(dtype).reshape(array.shape)
    np.copyto(copy, array, casting="unsafe")
    return copy


def borrow_host(array: np.ndarray) -> Any:
    """A tensor that may share memory with `array`, for the length of one call."""
    if array.ctypes.data % _ALIGNMENT or not array.flags.c_contiguous:
        array = _aligned_copy(array, array.dtype)
    return _taken_over(array)


def to_host(x: Any) -> np.ndarray:
    """The values, in the tensor's own memory where it is on the host: not to be written to."""
    if isinstance(x, EagerTensor):
        array = x._numpy()
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
            return array
        return np.asarray(array)
    return np.asarray(x)


def from_foreign(value: Any) -> Any:
    """The value of a `tf.Variable`, or a copy of a tensor of another engine, or None."""
    if isinstance(value, tf.Variable | tf.IndexedSlices):
        return tf.convert_to_tensor(value)
    if not hasattr(value, "__dlpack__"):
        return None
    try:
        return from_host(np.from_dlpack(value))
    except (BufferError, RuntimeError, TypeError):  # not on the host, or a dtype that NumPy has not
        return tf.raw_ops.DeepCopy(x=tf.experimental.dlpack.from_dlpack(value.__dlpack__()))


def eager() -> contextlib.AbstractContextManager[Any]:
    return tf.init_scope()


def block(values: Any) -> None:
    """On the CPU values are there at once."""
    if tf.config.list_logical_devices("GPU"):
        tf.test.experimental.sync_devices()


def free_memory() -> int | None:
    """TensorFlow does not say how much it may take."""
    return None


@contextlib.contextmanager
def device(device_name: str) -> Generator[None]:
    kind, _, index = device_name.lower().partition(":")
    found = [f"{d.device_type}:{d.name.rpartition(':')[2]}".lower() for d in tf.config.list_logical_devices()]
    if f"{kind}:{index or 0}" not in found:
        raise BackendError("There is no such device.", expected=found, received=device_name)
    with tf.device(f"{kind}:{index or 0}"):
        yield
