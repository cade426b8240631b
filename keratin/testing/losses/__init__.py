"""Losses: a row for each, and what is checked of it."""

from __future__ import annotations

from keratin.testing.check import Check, unique
from keratin.testing.losses import checks
from keratin.testing.losses.rows import ROWS


def suite() -> list[Check]:
    """Every check of every loss."""
    return checks.checks(zip(unique([row.name for row in ROWS]), ROWS, strict=True))
