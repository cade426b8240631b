"""Checks that are expected to fail, one table per backend."""
