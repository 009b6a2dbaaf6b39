"""Verify a table by training sampled entries again: the statistics (without torch), the verdicts and the trainings."""
