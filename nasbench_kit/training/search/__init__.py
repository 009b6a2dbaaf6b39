"""Search by real training: the problem that trains, its cache, and the export of the networks found."""
