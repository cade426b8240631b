"""The rows of layers."""
