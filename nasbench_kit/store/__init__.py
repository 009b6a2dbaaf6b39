"""The HDF5 file of a benchmark: schema, atomic writer, memory-mapped reader."""

from nasbench_kit.store.reader import StoreFile
from nasbench_kit.store.schema import MetricColumn, Table
from nasbench_kit.store.writer import write_store

__all__ = ["MetricColumn", "StoreFile", "Table", "write_store"]
