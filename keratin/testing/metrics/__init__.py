"""The rows of metrics."""
