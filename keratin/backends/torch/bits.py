"""Random bits as operators of PyTorch's own: one call in a traced program, not the hundred that they are made of."""

from __future__ import annotations

import threading
from typing import Any

import torch

_library = torch.library.Library("keratin", "DEF")
_library.define("random_bits(Tensor key, SymInt[] shape) -> Tensor")
_library.define("dropout_mask(Tensor key, SymInt[] shape, float rate, ScalarType dtype) -> Tensor")

_BLOCK = 1 << 15
"""Words made at a time on the CPU: the intermediate results stay in its cache."""
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


class _Local(threading.local):
    def __init__(self) -> None:
        self.generator = torch.Generator()


_local = _Local()


def random_bits(key: Any, shape: Any) -> Any:
    """Threefry-2x32 words of a key, as the waist defines them."""
    return torch.ops.keratin.random_bits.default(key, list(shape))


def dropout_mask(key: Any, shape: Any, rate: float, dtype: torch.dtype) -> Any:
    """0 with probability `rate`, else `1 / (1 - rate)`.

    On the CPU the words come from PyTorch's generator, started from the key: a tenth of the time of Threefry.
    """
    return torch.ops.keratin.dropout_mask.default(key, list(shape), rate, dtype)


def _random_bits(key: torch.Tensor, shape: list[int]) -> torch.Tensor:
    count = 1
    for size in shape:
        count *= size
    words = torch.empty(count, dtype=torch.int32, device=key.device)
    on_host = key.device.type == "cpu"  # elsewhere nothing waits for the values of the key
    k0, k1 = key.view(torch.int32).tolist() if on_host else key.view(torch.int32).unbind()
    block = _BLOCK if on_host else max(count, 1)
    for start in range(0, count, block):
        _threefry((k0, k1, k0 ^ k1 ^ 0x1BD11BDA), start, words[start : start + block])
    return words.view(torch.uint32).reshape(shape)


def _threefry(schedule: tuple[Any, Any, Any], start: int, words: torch.Tensor) -> None:
    """Fill in the words from number `start` on.

    Threefry-2x32 with 20 rounds; sums in int32 wrap, so they are those of uint32.
    Source: Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3 and table 2.
    """
    counter = torch.arange(start, start + len(words), device=words.device)
    x = (counter >> 32).to(torch.int32).add_(schedule[0])
    y = counter.to(torch.int32).add_(schedule[1])
    turned = torch.empty_like(y)
    for group in range(5):
        for distance in _ROTATIONS[group % 2]:
            x.add_(y)
            torch.bitwise_right_shift(y, 32 - distance, out=turned)
            turned.bitwise_and_((1 << distance) - 1)
            y.bitwise_left_shift_(distance).bitwise_or_(turned).bitwise_xor_(x)
        x.add_(schedule[(group + 1) % 3])
        y.add_(schedule[(group + 2) % 3]).add_(group + 1)
    torch.bitwise_xor(x, y, out=words)


def _dropout_mask(key: torch.Tensor, shape: list[int], rate: float, dtype: torch.dtype) -> torch.Tensor:
    limit = min(round(rate * 2**31), 2**31 - 1)
    if key.device.type == "cpu":
        _local.generator.manual_seed(_mixed(*key.tolist()))
        words = torch.empty(shape, dtype=torch.int32, device="cpu").random_(generator=_local.generator)
    else:  # no value of the key is read, so nothing waits for the device
        words = (_random_bits(key, shape).view(torch.int32) >> 1).bitwise_and_(2**31 - 1)
    return words.ge_(limit).to(dtype).mul_(1 / (1 - rate))


def _mixed(first: int, second: int) -> int:
    """32 bits of both words: PyTorch's generator for the CPU takes no more.

    Source: Appleby 2008, MurmurHash3, its finalizer for 64 bits.
    """
    h = (first << 32) | second
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h = ((h ^ (h >> 33)) * factor) & 0xFFFFFFFFFFFFFFFF
    return (h ^ (h >> 33)) & 0xFFFFFFFF


_library.impl("random_bits", _random_bits, "CompositeExplicitAutograd")
_library.impl("dropout_mask", _dropout_mask, "CompositeExplicitAutograd")


@torch.library.register_fake("keratin::random_bits", lib=_library)
def _(key: torch.Tensor, shape: list[Any]) -> torch.Tensor:
    return key.new_empty(shape, dtype=torch.uint32)


@torch.library.register_fake("keratin::dropout_mask", lib=_library)
def _(key: torch.Tensor, shape: list[Any], rate: float, dtype: torch.dtype) -> torch.Tensor:
    return key.new_empty(shape, dtype=dtype)
