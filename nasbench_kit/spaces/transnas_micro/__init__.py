"""TransNAS-Bench-101, cells (micro)."""
