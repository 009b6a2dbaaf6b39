"""Accel-NASBench."""
