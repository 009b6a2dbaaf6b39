"""Crossover, mutation and selection on arrays (runs, n, genes), all runs at once."""
