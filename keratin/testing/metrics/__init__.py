"""Metrics: a row for each, and what is checked of it."""

from __future__ import annotations

from keratin.testing.check import Check, unique
from keratin.testing.metrics import checks
from keratin.testing.metrics.rows import ROWS


def suite() -> list[Check]:
    """Every check of every metric."""
    return checks.checks(zip(unique([row.name for row in ROWS]), ROWS, strict=True))
