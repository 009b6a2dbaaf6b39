"""Checking a table by training sampled entries anew: the statistics (no torch), the verdicts, and the trainings."""
