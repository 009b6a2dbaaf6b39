"""Damaged and hostile files for everything that reads one: loaders, stores, results, mappings, checkpoints, caches, images."""
