"""HDF5 stores of benchmarks: schema, atomic writer and memory-mapped reader."""

from nasbench_kit.store.reader import StoreFile
from nasbench_kit.store.schema import MetricColumn, Table
from nasbench_kit.store.writer import check_new_store, create_store, write_store

__all__ = ["MetricColumn", "StoreFile", "Table", "check_new_store", "create_store", "write_store"]
