"""What the figures were measured on, in one line without names or paths."""

import os
import platform
from collections.abc import Iterable
from pathlib import Path


def describe(versions: Iterable[dict[str, str]]) -> str:
    """Processor, cores, load, Python and the versions that the workers reported."""
    merged = {"Python": platform.python_version()}
    for found in versions:
        merged |= found
    packages = ", ".join(f"{name} {version}" for name, version in merged.items())
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"  # not on Windows
    return f"{_processor()}, {os.cpu_count()} cores, {load}; {packages}."


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
