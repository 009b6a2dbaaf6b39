"""A table -> a store file, all or nothing: an interrupted write leaves what was there before."""

from __future__ import annotations

import contextlib
import datetime
import glob
import hashlib
import json
import os
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import StoreError
from nasbench_kit.store.new_hdf5 import new_hdf5
from nasbench_kit.store.reader import StoreFile
from nasbench_kit.store.schema import FORMAT, FORMAT_VERSION, MetricColumn, Table

__all__ = ["check_target", "replace_file", "write_store"]

ABANDONED = 24 * 3600  # seconds after which a temporary file belongs to nobody
ALIGNMENT = 64  # bytes: a memory-mapped column starts on a cache line


def write_store(path: str | os.PathLike[str], table: Table) -> Path:
    """Write a table as a store file.

    The file is written beside the target under a temporary name, flushed, read back and checked, then renamed.

    Parameters
    ----------
    path : path-like
        The target; an existing file is replaced at the end, in one step.
    table : Table

    Returns
    -------
    Path
        The target.

    Raises
    ------
    StoreError
        No permission, no space, no such folder, or a target that is not a file.
    """

    def write(temporary: Path) -> None:
        _write_hdf5(temporary, table)
        StoreFile(temporary).verify()

    return replace_file(Path(path), write)


def check_target(path: Path) -> None:
    """Raise StoreError where it is plain beforehand that no file can be written to ``path``."""
    if path.is_dir():
        raise StoreError(f"{path} is a folder; give the name of a file")
    if not path.parent.is_dir():
        raise StoreError(f"{path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise StoreError(f"{path} cannot be written: no permission in {path.parent}")


def replace_file(path: Path, write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill a temporary file beside ``path``, flush it to the disk, and rename it to ``path``."""
    check_target(path)
    _remove_abandoned(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except StoreError as error:
        raise StoreError(str(error).replace(str(temporary), str(path))) from error
    except (OSError, RuntimeError) as error:  # libraries give a RuntimeError where their own writing fails
        raise StoreError(f"{path} cannot be written: {_reason(error)}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return path


def _remove_abandoned(path: Path) -> None:
    """Remove what a writer that was killed has left beside ``path``, long enough ago that no other is at it still."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED:
                left.unlink()


def _reason(error: BaseException) -> str:
    """The operating system's reason where there is one in the chain of errors, on one line."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
        cause = cause.__context__
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _write_hdf5(path: Path, table: Table) -> None:
    keys, order = table.sorted_rows()
    with new_hdf5(path, alignment_threshold=1, alignment_interval=ALIGNMENT) as file:
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["space"] = table.space.name
        file.attrs["space_version"] = table.space.version
        file.attrs["created"] = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        file.attrs["kit_version"] = version("nasbench-kit")
        for name, value in table.provenance.items():
            file.attrs[name] = value if isinstance(value, (str, int, float)) else json.dumps(value)
        _dataset(file, "architectures", table.architectures[order])
        _dataset(file, "keys", keys)
        file["keys"].make_scale("architecture")
        file["architectures"].dims[0].label = "architecture"
        file["architectures"].dims[0].attach_scale(file["keys"])
        file["architectures"].dims[1].label = "gene"
        scales: dict[tuple[str, tuple[int, ...]], h5py.Dataset] = {}
        columns = {name: _entry(file[name]) for name in ("architectures", "keys")}
        for dataset, metrics in table.metrics.items():
            if not dataset or "/" in dataset:
                raise StoreError(f"{path}: a dataset's name is not empty and has no '/', unlike {dataset!r}")
            for name, metric in metrics.items():
                if not name or "/" in name:
                    raise StoreError(f"{path}: a metric's name is not empty and has no '/', unlike {name!r}")
                column = _dataset(file, f"metrics/{dataset}/{name}", metric.values[order])
                about = metric.described(name).attributes()
                for attribute, value in about.items():  # for readers that know nothing of the kit
                    column.attrs[attribute] = value if isinstance(value, (str, bool)) else json.dumps(value)
                _attach_scales(file, column, metric, scales)
                columns[f"metrics/{dataset}/{name}"] = {
                    **_entry(column),
                    **about,
                    "epochs": metric.epochs,
                    "seeds": metric.seeds,
                }
        file.attrs["columns"] = json.dumps(columns)  # so that opening reads one attribute instead of a tree of them


def _entry(column: h5py.Dataset) -> dict[str, Any]:
    return {"sha256": column.attrs["sha256"], "units": column.attrs.get("units", "")}


def _dataset(file: h5py.File, name: str, values: NDArray[Any]) -> h5py.Dataset:
    """A contiguous, uncompressed dataset with its checksum."""
    values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    dataset = file.create_dataset(name, data=values, track_times=False)
    dataset.attrs["sha256"] = hashlib.sha256(values.data).hexdigest()
    return dataset


def _attach_scales(
    file: h5py.File, column: h5py.Dataset, metric: MetricColumn, scales: dict[tuple[str, tuple[int, ...]], h5py.Dataset]
) -> None:
    column.dims[0].label = "architecture"
    column.dims[0].attach_scale(file["keys"])
    for dimension, (label, axis) in enumerate((("epochs", metric.epochs), ("seed", metric.seeds)), start=1):
        if axis is None:
            continue
        if (label, axis) not in scales:
            number = sum(1 for known, _ in scales if known == label)
            scale = _dataset(file, f"scales/{label}_{number}", np.array(axis, dtype=np.int64))
            scale.make_scale(label)
            scales[label, axis] = scale
        column.dims[dimension].label = label
        column.dims[dimension].attach_scale(scales[label, axis])
