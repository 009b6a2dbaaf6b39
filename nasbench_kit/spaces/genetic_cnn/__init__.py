"""Genetic CNN."""
