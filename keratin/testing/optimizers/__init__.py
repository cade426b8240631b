"""The rows of optimizers."""
