"""Read untrusted HDF5 files safely.

Nothing outside the file is followed, and nothing larger than the file is read. Soft and external links, external and
virtual storage, and string-array attributes are rejected.
"""

from __future__ import annotations

import contextlib
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nasbench_kit.errors import StoreError

__all__ = ["opened", "opens_in_time", "plain_attributes", "plain_dataset"]

MOST_ATTRIBUTES = 1000


@contextlib.contextmanager
def opened(path: Path, what: str) -> Iterator[h5py.File]:
    """Open a file for reading and convert every error into a StoreError.

    Parameters
    ----------
    path : Path
    what : str
        What error messages call the file: ``"store"`` or ``"result"``.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise StoreError(f"{path}: no such file") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # the path contains a null byte
        raise StoreError(f"{path} is not a valid file name: {error}") from error
    if not stat.S_ISREG(mode):  # opening a pipe would block forever
        raise StoreError(f"{path} is not a regular file")
    try:
        with _opened_unlocked(path) as file:
            yield file
    except StoreError:
        raise
    except OSError as error:
        if isinstance(error, PermissionError):
            raise StoreError(f"{path} cannot be read: permission denied") from error
        if any(sign in str(error) for sign in _WRITERS):
            raise StoreError(f"{path} is open for writing in another program: close it there and try again") from error
        raise StoreError(
            f"{path} is not a {what}: not an HDF5 file, truncated, or still being written ({error}); {_AGAIN[what]}"
        ) from error
    except (
        KeyError,
        ValueError,
        RuntimeError,
        TypeError,
        AttributeError,
        IndexError,
        OverflowError,
        RecursionError,
    ) as error:
        raise StoreError(f"{path} is a damaged {what} ({str(error)[:500]}); {_AGAIN[what]}") from error


def _opened_unlocked(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r", locking=False)  # files are written once, so there is no writer to lock out
    except OSError as error:
        if "locking flag values don't match" not in str(error):
            raise
        file = h5py.File(path, "r")  # as it is open in this process, by xarray for example
        if file.mode != "r":  # HDF5 shares the mode of what is open
            file.close()
            raise
        return file


# HDF5's messages for a file that another program has open, or left open, for writing
_WRITERS = ("flag values don't match", "already open for write", "lock file")

_AGAIN = {"store": "convert its source again", "result": "run the search again", "comparison": "compare again"}


def opens_in_time(path: Path, seconds: float = 60.0) -> None:
    """Try to open a store in a separate process, since a crafted file can make HDF5 hang or crash the interpreter.

    Raises
    ------
    StoreError
        If that process crashes or does not finish within ``seconds``. Any other fault is reported on actual opening.
    """
    program = "import sys; from nasbench_kit.store import StoreFile; StoreFile(__import__('pathlib').Path(sys.argv[1]))"
    command = [sys.executable, "-c", program, str(path)]
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise StoreError(f"{path} is a damaged store: HDF5 did not open it within {seconds:g} s") from None
    if ended.returncode < 0:
        raise StoreError(f"{path} is a damaged store: HDF5 crashes on opening it (signal {-ended.returncode})")


def plain_attributes(node: Any) -> dict[str, Any]:
    """The attributes of a file or group as Python values; ValueError unless all are scalar strings or numbers."""
    attributes = node.attrs  # every access creates a new object
    names = list(attributes)
    if len(names) > MOST_ATTRIBUTES:
        raise ValueError(f"{len(names)} attributes")
    found: dict[str, Any] = {}
    for name in names:
        identifier = attributes.get_id(name)
        dtype = identifier.dtype
        if identifier.shape != () or dtype.kind not in "OSUbiuf":
            raise ValueError(f"the attribute {name!r} is not a scalar string or number")
        if dtype.kind == "O" and h5py.check_string_dtype(dtype) is not None:  # h5py's own way takes twice as long
            text = np.empty((), dtype=dtype)
            identifier.read(text)
            found[name] = bytes(text[()]).decode("utf-8", "surrogateescape")
            continue
        value = attributes[name]
        value = value.item() if isinstance(value, np.generic) else value
        if not isinstance(value, (str, bool, int, float)):
            raise ValueError(f"the attribute {name!r} is not a scalar string or number")
        found[name] = value
    return found


def plain_dataset(file: h5py.File, name: str, groups: dict[str, Any] | None = None) -> h5py.h5d.DatasetID:
    """Open a contiguous numeric dataset stored in the file itself; ValueError for anything else.

    Parameters
    ----------
    file : h5py.File
    name : str
        The path of the dataset; every component must be a hard link.
    groups : dict of str to GroupID, optional
        Groups already opened; updated in place.
    """
    parent, _, leaf = name.rpartition("/")
    group = _plain_group(file, parent, {} if groups is None else groups)
    _check_link(group, leaf, name)
    node = h5py.h5d.open(group, leaf.encode())  # h5py's high-level API would take most of a millisecond
    if node.get_offset() is None:  # only contiguous data in the file itself has one, unless there is no data
        layout = node.get_create_plist()
        if layout.get_layout() != h5py.h5d.CONTIGUOUS or layout.get_external_count():
            raise ValueError(
                f"{name} is not contiguous: columns of a store are neither chunked, compressed nor external"
            )
    if node.dtype.kind not in "biuf" or node.dtype.hasobject:
        raise ValueError(f"{name} has the type {node.dtype}, not a numeric type")
    return node


def _plain_group(file: h5py.File, path: str, groups: dict[str, Any]) -> Any:
    """Open a group whose path consists of hard links."""
    if not path:
        return file.id
    if path not in groups:
        parent, _, leaf = path.rpartition("/")
        above = _plain_group(file, parent, groups)
        _check_link(above, leaf, path)
        groups[path] = h5py.h5g.open(above, leaf.encode())
    return groups[path]


def _check_link(group: Any, leaf: str, path: str) -> None:
    if group.links.get_info(leaf.encode()).type != h5py.h5l.TYPE_HARD:
        raise ValueError(f"{path} is a soft or external link")
