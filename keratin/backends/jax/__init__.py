"""JAX: the default backend."""
