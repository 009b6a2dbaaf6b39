"""Figures of search results and architectures."""
