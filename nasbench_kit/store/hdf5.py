"""HDF5 files that somebody else may have written: opened and read without trusting what they say.

Nothing is followed out of the file, and nothing is read whose size the file's own length does not allow: no soft or external
links, no external or virtual storage, no arrays of texts as attributes.
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
    """A file opened for reading; everything that goes wrong with it is a StoreError that calls it ``what``.

    Parameters
    ----------
    path : Path
    what : str
        ``"store"`` or ``"result"``.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise StoreError(f"{path}: there is no such file") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # a zero byte in it
        raise StoreError(f"{path} is no name of a file: {error}") from error
    if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
        raise StoreError(f"{path} is not a file")
    try:
        with h5py.File(path, "r", locking=False) as file:  # written once: no writer to keep out
            yield file
    except StoreError:
        raise
    except OSError as error:
        if isinstance(error, PermissionError):
            raise StoreError(f"{path} cannot be read: no permission") from error
        if any(sign in str(error) for sign in _WRITERS):
            raise StoreError(
                f"{path} is open for writing in another program: close it there, then try again"
            ) from error
        raise StoreError(
            f"{path} is no {what}: it is not an HDF5 file, or it is cut off or still being written ({error}); {_AGAIN[what]}"
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


# what HDF5 says of a file that somebody else has open, or left open, for writing
_WRITERS = ("flag values don't match", "already open for write", "lock file")

_AGAIN = {"store": "convert its source again", "result": "run the search again", "comparison": "compare again"}


def opens_in_time(path: Path, seconds: float = 60.0) -> None:
    """Open a store in a process of its own first: a crafted file can make HDF5 hang or crash, which nothing can catch.

    Raises
    ------
    StoreError
        Where that process crashes, or does not end within ``seconds``. Any other fault is left to the opening itself.
    """
    program = "import sys; from nasbench_kit.store import StoreFile; StoreFile(__import__('pathlib').Path(sys.argv[1]))"
    command = [sys.executable, "-c", program, str(path)]
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise StoreError(f"{path} is a damaged store: HDF5 has not opened it within {seconds:g} s") from None
    if ended.returncode < 0:
        raise StoreError(f"{path} is a damaged store: HDF5 crashes when it opens it (signal {-ended.returncode})")


def plain_attributes(node: Any) -> dict[str, Any]:
    """The attributes of a file or group as Python values: single texts and numbers; ValueError for anything else."""
    attributes = node.attrs  # each call of it is a new object
    names = list(attributes)
    if len(names) > MOST_ATTRIBUTES:
        raise ValueError(f"{len(names)} attributes")
    found = {}
    for name in names:
        identifier = attributes.get_id(name)
        if identifier.shape != () or identifier.dtype.kind not in "OSUbiuf":
            raise ValueError(f"the attribute {name!r} is no single text or number")
        value = attributes[name]
        value = value.item() if isinstance(value, np.generic) else value
        if not isinstance(value, (str, bool, int, float)):
            raise ValueError(f"the attribute {name!r} is no single text or number")
        found[name] = value
    return found


def plain_dataset(file: h5py.File, name: str, seen: set[str] | None = None) -> h5py.h5d.DatasetID:
    """A dataset of numbers that lies in the file itself, in one piece; ValueError for anything else.

    Parameters
    ----------
    file : h5py.File
    name : str
        Its path, each part of which is a hard link.
    seen : set of str, optional
        Groups whose links are known to be hard; added to.
    """
    links, seen = file.id.links, set() if seen is None else seen
    parts = name.split("/")
    for end in range(1, len(parts) + 1):
        part = "/".join(parts[:end])
        if part not in seen and links.get_info(part.encode()).type != h5py.h5l.TYPE_HARD:
            raise ValueError(f"{part} is a link out of its place")
        if end < len(parts):
            seen.add(part)
    node = h5py.h5d.open(file.id, name.encode())  # h5py's own layer above this one costs most of a millisecond
    layout = node.get_create_plist()
    if layout.get_layout() != h5py.h5d.CONTIGUOUS or layout.get_external_count():
        raise ValueError(f"{name} is not contiguous and uncompressed, as a store's columns are")
    if node.dtype.kind not in "biuf" or node.dtype.hasobject:
        raise ValueError(f"{name} holds {node.dtype}, not numbers")
    return node
