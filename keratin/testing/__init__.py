"""The suite that a backend, an op or a layer must pass."""
