"""Building blocks of search spaces: chains, DAGs with operations on nodes or edges, and staged DAGs."""
