"""The rows of expected."""
