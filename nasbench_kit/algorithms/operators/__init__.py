"""Crossover, mutation and selection operators on arrays (runs, n, genes), vectorised over runs."""
