"""Layers: a row for each, and what is checked of it."""

from __future__ import annotations

from keratin.testing.check import Check, unique
from keratin.testing.layers import checks
from keratin.testing.layers.rows import ROWS


def suite() -> list[Check]:
    """Every check of every layer."""
    return checks.checks(zip(unique([row.name for row in ROWS]), ROWS, strict=True))
