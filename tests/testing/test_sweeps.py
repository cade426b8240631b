"""Ops on drawn shapes, dtypes and axes: a few examples of each sweep, and many where there is time."""

from __future__ import annotations

import pytest

from keratin.testing import parameters
from keratin.testing.check import Check
from keratin.testing.sweeps import suite


@pytest.mark.parametrize("check", parameters(suite(10)))
def test_few(check: Check) -> None:
    check.run()


@pytest.mark.slow
@pytest.mark.parametrize("check", parameters(suite(300)))
def test_many(check: Check) -> None:
    check.run()
