"""The page that shows comparisons: one HTML file that needs nothing else."""
