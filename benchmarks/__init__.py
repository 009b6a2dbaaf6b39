"""Speed, side by side with what a user would otherwise pick, as ratios within one run: ``make bench``."""
