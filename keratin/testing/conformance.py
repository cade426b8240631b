"""The list of all checks, and what is expected to fail on a backend."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable
from typing import Any

from keratin.backends import select
from keratin.errors import ArgumentError, BackendError
from keratin.testing.check import Check

FAMILIES = ("ops", "layers", "losses", "metrics", "optimizers")
"""What has rows."""


def checks(family: str | None = None, kind: str | None = None) -> list[Check]:
    """Every check of the suite for the backend in use, in order.

    Args: family: one of "ops", "layers", "losses", "metrics", "optimizers"; kind: one kind of checks, such as "value".
    Raises: ArgumentError for a family that does not exist; BackendError where SciPy is not installed.

    >>> [check.name for check in checks("ops", "value")][:2]
    ['ops/add/value', 'ops/subtract/value']
    """
    if family is not None and family not in FAMILIES:
        raise ArgumentError("There is no such family of checks.", expected=" or ".join(FAMILIES), received=family)
    found: list[Check] = []
    for name in FAMILIES if family is None else (family,):
        found += importlib.import_module(f"keratin.testing.{name}").suite()
    return [check for check in found if kind is None or check.kind == kind]


def expected_failures() -> dict[str, str]:
    """Names of checks that fail on the backend in use, each with the reason and a link.

    >>> isinstance(expected_failures(), dict)
    True
    """
    name = f"keratin.testing.expected.{select.current().name}"
    if importlib.util.find_spec(name) is None:
        return {}
    return dict(importlib.import_module(name).EXPECTED)


def parameters(found: Iterable[Check]) -> list[Any]:
    """Checks as parameters of a pytest test: named, skipped where the backend lacks something, xfail where expected.

    Example:

        @pytest.mark.parametrize("check", parameters(checks("ops", "value")))
        def test_value(check):
            check.run()

    Raises: BackendError where pytest is not installed.
    """
    try:
        import pytest
    except ModuleNotFoundError as error:
        raise BackendError("Parameters of tests need pytest.", hint="pip install pytest") from error

    expected = expected_failures()
    found = list(found)
    result: list[Any] = []
    for check in found:
        marks: list[Any] = []
        missing = check.missing()
        if missing is not None:
            marks.append(pytest.mark.skip(reason=missing))
        elif check.name in expected:
            marks.append(pytest.mark.xfail(reason=expected[check.name], strict=True))
        result.append(pytest.param(check, id=check.row, marks=marks))
    return result
