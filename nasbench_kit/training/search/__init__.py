"""Searching by real training: a problem that trains, its cache, and the networks found as files."""
