"""NumPy: the reference backend."""
