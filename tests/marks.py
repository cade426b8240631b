"""Marks that several tests share."""

import pytest

import keratin

needs_gradients = pytest.mark.skipif(keratin.backend.backend() == "numpy", reason="the NumPy backend has no gradients")
