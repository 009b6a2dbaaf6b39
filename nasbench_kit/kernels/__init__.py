"""Performance-critical array kernels: NumPy implementations, some with an equivalent compiled version."""
