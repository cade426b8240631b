"""The rows of ops."""

from __future__ import annotations

from keratin.testing.ops import elementwise, indexing, linalg, nn, reduction, shaping

CASES = [*elementwise.CASES, *reduction.CASES, *shaping.CASES, *indexing.CASES, *linalg.CASES]
