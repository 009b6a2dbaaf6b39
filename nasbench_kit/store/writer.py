"""Write a table to a store file atomically: an interrupted write leaves an existing file untouched."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import StoreError
from nasbench_kit.files import check_target, replace_file
from nasbench_kit.store.axes import Axes
from nasbench_kit.store.new_hdf5 import new_hdf5
from nasbench_kit.store.reader import StoreFile
from nasbench_kit.store.schema import FORMAT, FORMAT_VERSION, Table, attributes_digest

__all__ = ["check_new_store", "create_store", "write_store"]

MOST_NAME = 1000  # bytes, the longest name of a dataset or metric
EPOCH = "SOURCE_DATE_EPOCH"  # the environment variable of reproducible-builds.org: the time to state, in Unix seconds
ALIGNMENT = 64  # bytes: a memory-mapped column starts on a cache line


def check_new_store(path: Path) -> None:
    """Raise StoreError if it is already clear that no store can be written there, before hours of work."""
    check_target(path, StoreError)
    _created()


def write_store(path: str | os.PathLike[str], table: Table) -> Path:
    """Write a table as a store file.

    The file is written next to the target under a temporary name, read back and checked, flushed, then renamed.

    The attribute ``created`` states the current time, or that of the environment variable ``SOURCE_DATE_EPOCH`` (Unix
    seconds), which makes the files of equal tables identical. Source: reproducible-builds.org, SOURCE_DATE_EPOCH
    specification 1.1.

    Parameters
    ----------
    path : path-like
        The target; an existing file is replaced atomically at the end.
    table : Table

    Returns
    -------
    Path
        The target.

    Raises
    ------
    StoreError
        If the folder does not exist or is not writable, the disk is full, the target is not a regular file, or
        ``SOURCE_DATE_EPOCH`` is not a whole number of seconds.
    """
    return create_store(path, table).path


def create_store(path: str | os.PathLike[str], table: Table) -> StoreFile:
    """Write a table as `write_store` does, and return the store opened."""
    target = Path(path)
    opened: list[StoreFile] = []

    def write(temporary: Path) -> None:
        _write_hdf5(temporary, table)
        store = StoreFile(temporary)  # reads the file itself: its layout, then every byte of every column
        store.verify()
        opened.append(store)

    replace_file(target, write, StoreError)
    (store,) = opened
    store.path = target  # the file that it maps has been renamed
    return store


def _created() -> str:
    """The time for the attribute ``created``, in ISO 8601 format."""
    stated = os.environ.get(EPOCH)
    if stated is None:
        return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    try:
        if not (stated.isascii() and stated.isdecimal()):
            raise ValueError
        return datetime.datetime.fromtimestamp(int(stated), datetime.UTC).isoformat()
    except (ValueError, OverflowError, OSError):  # too many digits, or a year after 9999
        raise StoreError(
            f"the environment variable {EPOCH} must be a whole number of seconds since 1970, not {stated!r}; "
            "correct or unset it"
        ) from None


def _write_hdf5(path: Path, table: Table) -> None:
    keys, order = table.sorted_rows()
    with new_hdf5(path, alignment_threshold=1, alignment_interval=ALIGNMENT) as file:
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["space"] = table.space.name
        file.attrs["space_version"] = table.space.version
        file.attrs["created"] = _created()
        file.attrs["kit_version"] = version("nasbench-kit")
        structured = [name for name, value in table.provenance.items() if not isinstance(value, (str, int, float))]
        for name, value in table.provenance.items():
            file.attrs[name] = json.dumps(value) if name in structured else value
        file.attrs["json"] = json.dumps(["columns", *structured])  # the attributes that are JSON
        axes = Axes(file, table)
        axes.attach(_dataset(file, "architectures", table.architectures[order]), axes.architecture, axes.gene)
        axes.attach(_dataset(file, "keys", keys), axes.architecture)
        columns = {name: _entry(file[name]) for name in ("architectures", "keys")}
        for dataset, metrics in table.metrics.items():
            _check_name(path, "dataset", dataset)
            for name, metric in metrics.items():
                _check_name(path, "metric", name)
                column = _dataset(file, f"metrics/{dataset}/{name}", metric.values[order])
                about = metric.described(name).attributes()
                for attribute, value in about.items():  # for other HDF5 readers
                    column.attrs[attribute] = _attribute(value)
                axes.attach(column, axes.architecture, *axes.of_metric(dataset, metric))
                columns[f"metrics/{dataset}/{name}"] = {
                    **_entry(column),
                    **about,
                    "epochs": metric.epochs,
                    "seeds": metric.seeds,
                }
        file.attrs["columns"] = json.dumps(columns)  # opening a store then reads one attribute instead of many
        file.attrs["attributes_sha256"] = attributes_digest(dict(file.attrs))


def _check_name(path: Path, what: str, name: str) -> None:
    """Raise StoreError for a name that HDF5 would interpret as a path or reject."""
    if not name or "/" in name or name in (".", ".."):
        raise StoreError(f"{path}: a {what} name must not be empty, contain '/', or be '.' or '..', got {name!r}")
    if "\0" in name or len(name.encode("utf-8", "replace")) > MOST_NAME or any("\ud800" <= c <= "\udfff" for c in name):
        raise StoreError(f"{path}: a {what} name must be text of at most {MOST_NAME:,} bytes, got {name!r}")


def _attribute(value: Any) -> Any:
    """A metric's field as an attribute that netCDF-4 can represent too: text, a number, or JSON."""
    if isinstance(value, bool):
        return np.uint8(value)  # as a bool it would be an enumeration, which netCDF-4 leaves out
    return value if isinstance(value, str) else json.dumps(value)


def _entry(column: h5py.Dataset) -> dict[str, Any]:
    return {"sha256": column.attrs["sha256"], "units": column.attrs.get("units", "")}


def _dataset(file: h5py.File, name: str, values: NDArray[Any]) -> h5py.Dataset:
    """Write a contiguous, uncompressed dataset with its checksum."""
    values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    dataset = file.create_dataset(name, data=values, track_times=False)
    dataset.attrs["sha256"] = hashlib.sha256(values.data).hexdigest()
    return dataset
