"""Predictors of objective values from encoded genotypes, each an ensemble, fitted to all runs at once."""
