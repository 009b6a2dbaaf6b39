"""Read a store file as memory-mapped arrays; the layout is checked on opening, values are read on demand."""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import StoreError, UnknownName
from nasbench_kit.metrics import Metric, known_metric
from nasbench_kit.spaces import Space, space
from nasbench_kit.spaces.skeleton import Skeleton, override
from nasbench_kit.store.hdf5 import opened, plain_attributes, plain_dataset
from nasbench_kit.store.schema import FORMAT, FORMAT_VERSION, MEAN_SEED, attributes_digest, check_axis

__all__ = ["Column", "StoreFile"]


@dataclass(frozen=True)
class Column:
    """The position of one HDF5 dataset in the file, and the meaning of its axes."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int
    sha256: str
    metric: Metric | None = None  # None for columns that are not metrics
    epochs: tuple[int, ...] | None = None
    seeds: tuple[int, ...] | None = None


class StoreFile:
    """An opened store: read-only, memory-mapped, shared between processes.

    Parameters
    ----------
    path : path-like

    Attributes
    ----------
    path : Path
    space : Space
    attributes : dict
        The root attributes as plain Python values.
    digest : str
        SHA-256 over the checksums of all columns; equal for stores with equal content.
    metrics : dict of str to dict of str to Column
        By dataset, then metric.

    Raises
    ------
    StoreError
        If the file does not exist, is not an HDF5 file, has another format or version, or does not match the schema.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        with opened(self.path, "store") as file:
            # map the open file itself: by now its path may refer to a different file
            self._map = mmap.mmap(file.id.get_vfd_handle(), 0, access=mmap.ACCESS_READ)
            self._read_layout(file)

    def _read_layout(self, file: h5py.File) -> None:
        self.attributes = _attributes(file)
        found = self.attributes.get("format")
        if found != FORMAT:
            raise StoreError(f"{self.path} is an HDF5 file but not a store: its format is {found!r}, not {FORMAT!r}")
        number = self.attributes.get("format_version")
        if number != FORMAT_VERSION:
            raise StoreError(
                f"{self.path} has store format version {number}, but this version of the kit reads {FORMAT_VERSION}: "
                "convert the source again, or install the kit version that wrote it "
                f"({self.attributes.get('kit_version')})"
            )
        try:
            self.space: Space = space(str(self.attributes.get("space")))
        except UnknownName as error:
            raise StoreError(f"{self.path}: {error}") from error
        if self.attributes.get("space_version") != self.space.version:
            raise StoreError(
                f"{self.path} was written for version {self.attributes.get('space_version')} of the space "
                f"{self.space.name}, but the kit has version {self.space.version}: convert the source again"
            )
        layout = self.attributes.pop("columns", None)
        if not isinstance(layout, dict):
            raise StoreError(f"{self.path} is a damaged store: its column list is missing; convert its source again")
        checksums = sorted((name, str(entry["sha256"])) for name, entry in layout.items())
        self.digest = hashlib.sha256(json.dumps([self.space.name, checksums]).encode()).hexdigest()
        size = len(self._map)
        groups: dict[str, Any] = {}
        columns = {
            name: self._column(plain_dataset(file, name, groups), name, entry, size) for name, entry in layout.items()
        }
        self._architectures, self._keys = columns.pop("architectures"), columns.pop("keys")
        rows = self._architectures.shape[0]
        self._expect("architectures", self._architectures, (rows, self.space.genes), "uint8")
        self._expect("keys", self._keys, (rows,), "uint64")
        self.metrics: dict[str, dict[str, Column]] = {}
        for name, column in columns.items():
            lengths = tuple(len(axis) for axis in (column.epochs, column.seeds) if axis is not None)
            self._expect(name, column, (rows, *lengths))
            _, dataset, metric = name.split("/")
            self.metrics.setdefault(dataset, {})[metric] = column

    def _column(self, node: h5py.h5d.DatasetID, name: str, entry: dict[str, Any], size: int) -> Column:
        """Build a column from its dataset in the file and its entry in the column list."""
        offset, shape, dtype = node.get_offset() or 0, node.shape, node.dtype
        end = offset + math.prod(shape) * dtype.itemsize
        if end > size:
            raise StoreError(
                f"{self.path} is truncated: {name} ends at byte {end}, the file at {size}; convert its source again"
            )
        epochs, seeds = entry.get("epochs"), entry.get("seeds")
        return Column(
            dtype=dtype,
            shape=shape,
            offset=offset,
            sha256=_text(name, entry, "sha256"),
            metric=_metric(name, entry) if name.startswith("metrics/") else None,
            epochs=None if epochs is None else _axis(f"the epochs of {name}", epochs, 0),
            seeds=None if seeds is None else _axis(f"the seeds of {name}", seeds, MEAN_SEED),
        )

    def _expect(self, name: str, column: Column, shape: tuple[int, ...], dtype: str | None = None) -> None:
        if column.shape != shape or (dtype and column.dtype != dtype) or column.dtype.kind not in "iuf":
            wanted = f"{dtype or 'numbers'} {shape}"
            raise StoreError(f"{self.path}: {name} is {column.dtype} {column.shape}, not {wanted}")

    def array(self, column: Column) -> NDArray[Any]:
        """The values of a column, as a read-only view of the memory-mapped file."""
        view = np.frombuffer(self._map, dtype=column.dtype, count=math.prod(column.shape), offset=column.offset)
        return view.reshape(column.shape)

    @property
    def architectures(self) -> NDArray[np.uint8]:
        """The genotypes with a record of their own, sorted by key; shape (n, genes)."""
        return self.array(self._architectures)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """The key of each architecture's network, ascending; shape (n,)."""
        return self.array(self._keys)

    def costs(self, dataset: str) -> tuple[str, ...]:
        """The names of the costs that can be computed from an architecture for this dataset; empty if undefined."""
        return self.space.known_costs(dataset) if self._skeleton(dataset) is None else self.space.cost_names

    def cost(self, rows: NDArray[np.uint8], name: str, dataset: str) -> NDArray[Any]:
        """One of `costs` for valid genotypes (n, genes); shape (n,)."""
        skeleton = self._skeleton(dataset)
        if skeleton is None:
            return self.space.cost(rows, name, dataset=dataset)
        return self.space.cost(rows, name, skeleton=skeleton)

    def _skeleton(self, dataset: str) -> Skeleton | None:
        """The skeleton network that this table's architectures were trained in; None if the table does not say."""
        return self._trained_skeletons.get(dataset)

    @cached_property
    def _trained_skeletons(self) -> dict[str, Skeleton]:
        setting = self.attributes.get("setting")
        if not isinstance(setting, dict) or not self.space.skeletons:
            return {}
        own = next(iter(self.space.skeletons.values()))
        try:
            return {setting["dataset"]: override(own, setting["skeleton"], self.space.name)}
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"{self.path}: its setting has no valid {self.space.name} skeleton: {error}") from error

    def verify(self) -> int:
        """Verify the checksum of every column and return the number of bytes read.

        Raises
        ------
        StoreError
            If a checksum does not match; names the first such column.
        """
        total = 0
        columns = {"architectures": self._architectures, "keys": self._keys}
        for dataset, metrics in self.metrics.items():
            columns |= {f"metrics/{dataset}/{name}": column for name, column in metrics.items()}
        for name, column in columns.items():
            values = self.array(column)
            if hashlib.sha256(values.data).hexdigest() != column.sha256:
                raise StoreError(
                    f"{self.path}: the checksum of {name} is wrong; the file is damaged, convert its source again"
                )
            total += values.nbytes
        return total


def _text(column: str, entry: dict[str, Any], field: str) -> str:
    if not isinstance(entry[field], str):
        raise ValueError(f"the {field} of {column} is not a string")
    return str(entry[field])


def _axis(what: str, values: Any, least: int) -> tuple[int, ...]:
    """Check an axis from the column list; ValueError unless it consists of ascending integers."""
    if not isinstance(values, list):
        raise ValueError(f"{what} are not a list")
    check_axis(what, values, least)
    return tuple(values)


def _metric(column: str, entry: dict[str, Any]) -> Metric:
    """The metric of a column, as described by its store; old stores give only the unit."""
    name = column.split("/")[-1]
    _text(column, entry, "units")
    if "direction" in entry:
        return Metric.from_attributes(name, entry)
    units = str(entry["units"])
    return known_metric(name) or Metric(name, units, depends_on_seed=entry.get("seeds") is not None)


def _attributes(file: h5py.File) -> dict[str, Any]:
    """The root attributes as plain Python values."""
    found = plain_attributes(file)
    digest = found.pop("attributes_sha256", None)
    if digest is not None and digest != attributes_digest(found):
        raise ValueError("the checksum of its attributes is wrong")
    listed = found.pop("json", None)
    structured = set(json.loads(listed)) if isinstance(listed, str) else None
    for name, value in found.items():
        # old stores do not list which attributes are JSON: those that look like JSON are
        if isinstance(value, str) and (value[:1] in ("{", "[") if structured is None else name in structured):
            try:
                found[name] = json.loads(value)
            except json.JSONDecodeError:
                if structured is not None:
                    raise
    return found
