"""The named axes of a store's datasets: HDF5 dimension scales, as netCDF-4 wants them.

netCDF-4 knows a dimension by the name of its scale, looks for it only in the group of the variable and the groups around it,
and wants every axis of a variable to have one. Source: NetCDF User's Guide, "Interoperability with HDF5"; HDF5 Dimension Scale
Specification.
"""

from __future__ import annotations

from collections.abc import Collection

import h5py
import numpy as np

from nasbench_kit.store.schema import MetricColumn, Table

__all__ = ["Axes"]

# netCDF-4's mark of a scale that only names an axis; HDF5 stores no values for it
_NO_VALUES = "This is a netCDF dimension but not a netCDF variable.{:10d}"


class Axes:
    """The axes of one store, created as they are asked for.

    The root group has ``architecture`` and ``gene``, the latter with the names of the genes; the group of a dataset of metrics has
    its ``epochs`` and ``seed``, and ``epochs_1``, ... where metrics differ.

    Parameters
    ----------
    file : h5py.File
        The new store, empty.
    table : Table
    """

    def __init__(self, file: h5py.File, table: Table) -> None:
        self._file = file
        self._metrics = {dataset: set(metrics) for dataset, metrics in table.metrics.items()}
        self._made: dict[tuple[str, str, tuple[int, ...]], h5py.Dataset] = {}
        # a variable of another shape must not have the name of an axis
        names = {name for metrics in self._metrics.values() for name in metrics}
        rows = len(table.architectures)
        name = _free("architecture", names)
        architecture = file.create_dataset(name, shape=(rows,), dtype=">f4", track_times=False)
        architecture.make_scale(_NO_VALUES.format(rows))
        self.architecture = ("architecture", architecture)
        name = _free("gene", names)
        gene = file.create_dataset(
            name, data=list(table.space.gene_names), dtype=h5py.string_dtype(), track_times=False
        )
        gene.make_scale(name)
        self.gene = ("gene", gene)

    def of_metric(self, dataset: str, metric: MetricColumn) -> list[tuple[str, h5py.Dataset]]:
        """The axes of a metric after that of the architectures."""
        axes = (("epochs", metric.epochs), ("seed", metric.seeds))
        return [(label, self._values(dataset, label, values)) for label, values in axes if values is not None]

    def attach(self, column: h5py.Dataset, *axes: tuple[str, h5py.Dataset]) -> None:
        """Name all axes of a dataset."""
        for dimension, (label, scale) in zip(column.dims, axes, strict=True):
            dimension.label = label
            dimension.attach_scale(scale)

    def _values(self, dataset: str, label: str, values: tuple[int, ...]) -> h5py.Dataset:
        key = (dataset, label, values)
        if key not in self._made:
            group = self._file.require_group(f"metrics/{dataset}")
            name = _free(label, self._metrics[dataset] | set(group))
            scale = group.create_dataset(name, data=np.array(values, dtype="<i8"), track_times=False)
            scale.make_scale(name)
            self._made[key] = scale
        return self._made[key]


def _free(name: str, taken: Collection[str]) -> str:
    """The name itself, or with the first number that makes it one that is not taken."""
    number = 0
    found = name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found
