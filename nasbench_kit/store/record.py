"""HDF5 files of named arrays and scalar attributes with a checksum, for everything but stores (e.g. saved results)."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import StoreError
from nasbench_kit.files import replace_file
from nasbench_kit.store.hdf5 import opened, plain_attributes, plain_dataset
from nasbench_kit.store.new_hdf5 import new_hdf5

__all__ = ["SEAL", "read_record", "record_format", "seal", "write_record"]

SEAL, ORDER = "sha256", "order"  # attributes of every record
MOST_ARRAYS = 100_000
DEEPEST = 4  # levels of nested groups


def write_record(path: Path, attributes: Mapping[str, str | int | float], arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Write a file atomically, to be read by `read_record`.

    Parameters
    ----------
    path : Path
        An existing file is replaced atomically at the end.
    attributes : mapping of str to str, int or float
        Must include ``format`` and ``format_version``.
    arrays : mapping of str to ndarray of numbers
        Names may contain slashes, which denote groups.

    Raises
    ------
    StoreError
        If the folder does not exist or is not writable, or the disk is full.
    """

    def write(temporary: Path) -> None:
        with new_hdf5(temporary) as file:
            whole = {**attributes, ORDER: json.dumps(list(arrays))}
            for name, value in whole.items():
                file.attrs[name] = value
            for name, values in arrays.items():
                file[name] = values
            file.attrs[SEAL] = seal(whole, arrays)

    return replace_file(path, write, StoreError)


def record_format(path: Path) -> str:
    """The ``format`` of a file, empty if it states none; raises StoreError if the file cannot be opened."""
    with opened(path, "result") as file:
        return str(plain_attributes(file).get("format", ""))


def read_record(
    path: Path, what: str, file_format: str, versions: tuple[int, ...]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read the attributes and arrays of a file; older versions may lack a checksum.

    Parameters
    ----------
    path : Path
    what : str
        What error messages call the file, e.g. ``"result"``.
    file_format : str
        The required value of the attribute ``format``.
    versions : tuple of int
        The supported values of ``format_version``; all but the last may lack a checksum.

    Raises
    ------
    StoreError
        If the file does not exist, has another format or version, is damaged, or contains links or external storage.
    """
    with opened(path, what) as file:
        attributes = plain_attributes(file)
        if attributes.get("format") != file_format or attributes.get("format_version") not in versions:
            raise StoreError(f"{path} is not a {what} that this version of the kit can read")
        length = file.id.get_filesize()
        arrays: dict[str, NDArray[Any]] = {}
        for name in _names(file.id):
            node = plain_dataset(file, name)
            size = math.prod(node.shape) * node.dtype.itemsize
            if (node.get_offset() or 0) + size > length:
                raise StoreError(f"{path} is truncated: {name} has {size} bytes, but the file only {length}")
            arrays[name] = h5py.Dataset(node)[()]
            if len(arrays) > MOST_ARRAYS:
                raise ValueError(f"more than {MOST_ARRAYS} arrays")
        stated = attributes.pop(SEAL, None)
        sealed = stated is not None or attributes["format_version"] == versions[-1]
        if sealed and stated != seal(attributes, arrays):
            raise ValueError("its checksum is wrong")
        order = json.loads(attributes.pop(ORDER, "[]"))  # HDF5 itself lists them alphabetically
        listed = {name: arrays[name] for name in order if name in arrays}
        return attributes, {**listed, **arrays}


def _names(group: Any, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """The paths of all datasets below a group; ValueError for soft and external links."""
    if depth > DEEPEST:
        raise ValueError("groups are nested too deeply")
    for raw in group:
        name = prefix + raw.decode()
        if group.links.get_info(raw).type != h5py.h5l.TYPE_HARD:
            raise ValueError(f"{name} is a soft or external link")
        node = h5py.h5o.open(group, raw)
        if isinstance(node, h5py.h5g.GroupID):
            yield from _names(node, f"{name}/", depth + 1)
        else:
            yield name


def seal(attributes: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 over all attributes and over the name, type, shape and values of every array."""
    digest = hashlib.sha256(json.dumps(dict(sorted(attributes.items()))).encode("utf-8", "surrogatepass"))
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name])
        plain = values.astype(values.dtype.newbyteorder("<"), copy=False)
        digest.update(json.dumps([name, plain.dtype.str, np.shape(arrays[name])]).encode())
        digest.update(plain.tobytes())
    return digest.hexdigest()
