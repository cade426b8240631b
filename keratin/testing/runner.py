"""Run checks one after the other, and say how each ended."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Iterable

from keratin.backends import select
from keratin.testing.check import Check, told
from keratin.testing.conformance import expected_failures
from keratin.testing.report import Result, Run


def run(checks: Iterable[Check], tell: Callable[[Result], None] | None = None) -> Run:
    """Run checks on the backend in use.

    Args: tell: gets each result as soon as it is there.

    >>> run([Check("ops", "add", "add", "value", lambda: 1e-8)]).results[0].outcome
    'passed'
    """
    expected = expected_failures()
    results: list[Result] = []
    for check in checks:
        results.append(_result(check, expected.get(check.name)))
        if tell is not None:
            tell(results[-1])
    return Run(select.current().name, versions(), results)


def _result(check: Check, reason: str | None) -> Result:
    about = (check.name, check.family, check.subject, check.kind)
    missing = check.missing()
    if missing is not None:
        return Result(*about, "skipped", message=missing)
    try:
        error = check.run()
    except Exception as problem:  # an op that raises fails its check
        if reason is not None:
            return Result(*about, "expected", message=reason)
        return Result(*about, "failed", message=told(problem))
    if reason is not None:
        return Result(*about, "surprise", error, f"It was expected to fail: {reason}")
    return Result(*about, "passed", error)


def versions() -> str:
    """The version of the backend's engine, and the machine."""
    name = select.current().name
    try:
        engine = f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        engine = name
    return f"{engine}, {platform.machine()}"
