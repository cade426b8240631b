"""Variables, the scopes that give their reads and writes a meaning, and the public transforms of stateful functions."""
