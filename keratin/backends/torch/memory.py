"""Memory of the CPU that a step gives back is kept for the next one."""

from __future__ import annotations

import ctypes
import os
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # numbers of glibc's malloc.h
_KEPT = 512 << 20
"""At most so many bytes stay with the process after they are freed."""
_LARGEST = 32 << 20
"""Blocks from this size on come from the system and go back to it; glibc allows no more."""


def keep_freed_memory() -> bool:
    """Have glibc's allocator keep what is freed; where a user has set it up in the environment, it stays as it is.

    By default it gives memory back at the end of a step and takes it again in the next one, where the system clears it
    page by page: 12 to 18 of the 50 ms of a step of a small convolutional network (7,000 page faults against none).
    https://www.gnu.org/software/libc/manual/html_node/Malloc-Tunable-Parameters.html
    """
    own = any(name.startswith("MALLOC_") or name in ("GLIBC_TUNABLES", "LD_PRELOAD") for name in os.environ)
    if own or platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    return bool(library.mallopt(_MMAP_THRESHOLD, _LARGEST) and library.mallopt(_TRIM_THRESHOLD, _KEPT))
