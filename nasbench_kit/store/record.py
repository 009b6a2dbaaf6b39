"""Files of named arrays and a few plain values, sealed by a checksum: what is not a store, such as saved results."""

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

__all__ = ["SEAL", "read_record", "seal", "write_record"]

SEAL, ORDER = "sha256", "order"  # attributes of every record
MOST_ARRAYS = 100_000
DEEPEST = 4  # groups in groups


def write_record(path: Path, attributes: Mapping[str, str | int | float], arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Write a file, all or nothing; `read_record` reads it.

    Parameters
    ----------
    path : Path
        An existing file is replaced at the end, in one step.
    attributes : mapping of str to str, int or float
        With ``format`` and ``format_version``.
    arrays : mapping of str to ndarray of numbers
        Names may have parts, divided by slashes.

    Raises
    ------
    StoreError
        No permission, no space, no such folder.
    """

    def write(temporary: Path) -> None:
        with new_hdf5(temporary) as file:
            whole = {**attributes, ORDER: json.dumps(list(arrays))}
            for name, value in whole.items():
                file.attrs[name] = value
            for name, values in arrays.items():
                file[name] = values
            file.attrs[SEAL] = seal(whole, arrays)

    return replace_file(path, write)


def read_record(
    path: Path, what: str, file_format: str, versions: tuple[int, ...]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The attributes and arrays of a file, sealed or of a version before there were seals.

    Parameters
    ----------
    path : Path
    what : str
        What errors call it, e.g. ``"result"``.
    file_format : str
        The attribute ``format`` that it has to have.
    versions : tuple of int
        The values of ``format_version`` that can be read; those below the last may lack a seal.

    Raises
    ------
    StoreError
        No such file, another format or version, damaged, or with anything in it that reaches out of the file.
    """
    with opened(path, what) as file:
        attributes = plain_attributes(file)
        if attributes.get("format") != file_format or attributes.get("format_version") not in versions:
            raise StoreError(f"{path} is no {what} of this version of the kit")
        length = file.id.get_filesize()
        arrays: dict[str, NDArray[Any]] = {}
        for name in _names(file.id):
            node = plain_dataset(file, name)
            size = math.prod(node.shape) * node.dtype.itemsize
            if (node.get_offset() or 0) + size > length:
                raise StoreError(f"{path} is cut off: {name} has {size} bytes, the file {length}")
            arrays[name] = h5py.Dataset(node)[()]
            if len(arrays) > MOST_ARRAYS:
                raise ValueError(f"more than {MOST_ARRAYS} arrays")
        stated = attributes.pop(SEAL, None)
        sealed = stated is not None or attributes["format_version"] == versions[-1]
        if sealed and stated != seal(attributes, arrays):
            raise ValueError("its checksum is wrong")
        order = json.loads(attributes.pop(ORDER, "[]"))  # HDF5 lists them by name
        listed = {name: arrays[name] for name in order if name in arrays}
        return attributes, {**listed, **arrays}


def _names(group: Any, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """The paths of all datasets below a group; ValueError for a link that is not a hard one."""
    if depth > DEEPEST:
        raise ValueError("groups in groups in groups")
    for raw in group:
        name = prefix + raw.decode()
        if group.links.get_info(raw).type != h5py.h5l.TYPE_HARD:
            raise ValueError(f"{name} is a link out of its place")
        node = h5py.h5o.open(group, raw)
        if isinstance(node, h5py.h5g.GroupID):
            yield from _names(node, f"{name}/", depth + 1)
        else:
            yield name


def seal(attributes: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """A SHA-256 over all attributes, and the name, type, shape and values of every array."""
    digest = hashlib.sha256(json.dumps(dict(sorted(attributes.items()))).encode("utf-8", "surrogatepass"))
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name])
        plain = values.astype(values.dtype.newbyteorder("<"), copy=False)
        digest.update(json.dumps([name, plain.dtype.str, np.shape(arrays[name])]).encode())
        digest.update(plain.tobytes())
    return digest.hexdigest()
