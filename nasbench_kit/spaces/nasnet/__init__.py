"""The NASNet search space."""
