"""Layers: a row for each, and what is checked of it."""

from __future__ import annotations

import functools

from keratin.testing.check import Check, unique
from keratin.testing.layers import checks
from keratin.testing.layers.rows import ROWS


def suite() -> list[Check]:
    """Every check of every layer."""
    names = unique([row.name for row in ROWS])
    values = [
        Check("layers", row.layer.__name__, name, "value", functools.partial(checks.check_value, name, row))
        for name, row in zip(names, ROWS, strict=True)
    ]
    return [*values, *checks.checks(zip(names, ROWS, strict=True))]
