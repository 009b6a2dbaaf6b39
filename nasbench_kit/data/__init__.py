"""The stores that ship with the package, and the catalogue of what can be opened or downloaded."""

from nasbench_kit.data.stores import FoundStore, find_store, found_stores, list_benchmarks, store_folder

__all__ = ["FoundStore", "find_store", "found_stores", "list_benchmarks", "store_folder"]
