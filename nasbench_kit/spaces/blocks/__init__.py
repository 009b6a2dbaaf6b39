"""What spaces, also those of users, are made of: chains, DAGs with operations on nodes or edges, staged DAGs."""
