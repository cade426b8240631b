"""Optimizers: a row for each, and what is checked of it."""

from __future__ import annotations

from keratin.testing.check import Check, unique
from keratin.testing.optimizers import checks
from keratin.testing.optimizers.rows import ROWS


def suite() -> list[Check]:
    """Every check of every optimizer."""
    return checks.checks(zip(unique([row.name for row in ROWS]), ROWS, strict=True))
