"""Many runs of search algorithms: search, results, statistics, comparison, plots."""
