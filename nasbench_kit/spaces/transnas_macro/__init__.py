"""TransNAS-Bench-101, skeletons (macro)."""
