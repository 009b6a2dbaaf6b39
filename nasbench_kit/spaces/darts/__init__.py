"""The search space of DARTS and NAS-Bench-301."""
