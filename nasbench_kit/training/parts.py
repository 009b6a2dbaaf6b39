"""Resumable work in parts: a folder with one file per finished part, and the identity of the work."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import StoreError
from nasbench_kit.files import replace_file

__all__ = ["CLAIM", "Part", "PartsFolder", "divide", "read_claim", "read_part"]

CLAIM = "claim.json"
DIGEST = "sha256"  # name of the array with the checksum of all others in a part


@dataclasses.dataclass(frozen=True)
class Part:
    """A unit of work that is completed as a whole or not at all: some of the networks with some of the seeds."""

    number: int
    networks: slice
    seeds: slice


def divide(networks: int, seeds: int, networks_a_part: int | None) -> list[Part]:
    """Divide the work into parts of several networks with all seeds, or for None into single trainings."""
    if networks_a_part is None:
        pairs = ((i, j) for i in range(networks) for j in range(seeds))
        return [Part(number, slice(i, i + 1), slice(j, j + 1)) for number, (i, j) in enumerate(pairs)]
    starts = range(0, networks, networks_a_part)
    return [Part(i, slice(start, start + networks_a_part), slice(0, seeds)) for i, start in enumerate(starts)]


class PartsFolder:
    """A folder of finished parts, created if missing.

    Parameters
    ----------
    path : Path
    identity : mapping
        Plain values that determine the parts. A folder that already has parts with a different identity is refused.
    circumstances : mapping
        Plain values that are recorded when the work starts, but never compared.

    Raises
    ------
    StoreError
        If the folder cannot be created or read, or holds parts of other work; the message names the difference.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any], circumstances: Mapping[str, Any]) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            begun = any(f.is_file() and f.name != CLAIM and f.suffix != ".tmp" for f in path.rglob("*"))
            found = read_claim(path) if (path / CLAIM).exists() else {}
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"{path}, the folder for finished parts, cannot be used: {error.strerror}") from error
        there, now = dict(_flat(found)), dict(_flat(identity))
        different = [name for name in now if there.get(name) != now[name]]
        if different and begun:
            name = different[0]
            raise StoreError(
                f"{path} holds parts of other work: {name} is {there.get(name)!r} there and {now[name]!r} now; give "
                "another --output or delete the folder"
            )
        if different:
            found = {**identity, **circumstances}
            content = json.dumps(found, indent=1).encode()
            replace_file(path / CLAIM, lambda temporary: temporary.write_bytes(content), StoreError)
        self.claim: dict[str, Any] = found

    def done(self, kind: str) -> set[int]:
        """Return the numbers of the finished parts of a kind."""
        numbers = (path.stem.removeprefix(f"{kind}-") for path in self.path.glob(f"{kind}-*.npz"))
        return {int(number) for number in numbers if number.isdecimal()}

    def write(self, kind: str, number: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Save a finished part; raises StoreError if it cannot be written."""
        image = io.BytesIO()
        np.savez(image, allow_pickle=False, **arrays, **{DIGEST: _digest(arrays)})
        replace_file(self._file(kind, number), lambda temporary: temporary.write_bytes(image.getbuffer()), StoreError)

    def read(self, kind: str, number: int) -> dict[str, NDArray[Any]]:
        """Load a finished part; raises StoreError if it is damaged."""
        return read_part(self._file(kind, number))

    def checkpoints(self, folder: Path, number: int) -> Path:
        """Return the folder of one part's checkpoints; ``folder`` is that of all parts."""
        return folder / f"part-{number:06d}"

    def remove_checkpoints(self, folder: Path, number: int) -> None:
        """Delete the checkpoints of a finished part."""
        shutil.rmtree(self.checkpoints(folder, number), ignore_errors=True)

    def _file(self, kind: str, number: int) -> Path:
        return self.path / f"{kind}-{number:06d}.npz"


def read_claim(path: Path) -> dict[str, Any]:
    """Return what the folder ``path`` states about its work; raises StoreError if it is damaged, OSError if there is none."""
    claim = path / CLAIM
    try:
        found = json.loads(claim.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{claim} is damaged; delete the folder to start again") from error
    if not isinstance(found, dict):
        raise StoreError(f"{claim} is damaged; delete the folder to start again")
    return found


def read_part(path: Path) -> dict[str, NDArray[Any]]:
    """Load the file of a finished part; raises StoreError if it is damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as part:
            arrays = {name: part[name] for name in part.files}
        if not np.array_equal(arrays.pop(DIGEST, None), _digest(arrays)):
            raise ValueError("wrong checksum")
        return arrays
    except Exception as error:  # zipfile and NumPy can raise almost anything on damaged files
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise StoreError(f"{path} is damaged: {reason}; delete it to redo this part") from error


def _digest(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:
    """Return the SHA-256 of the names, types, shapes and values of arrays: (32,)."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name])
        digest.update(json.dumps([name, values.dtype.str, np.shape(arrays[name])]).encode())
        digest.update(values.tobytes())
    return np.frombuffer(digest.digest(), dtype=np.uint8)


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested values with their full names."""
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", inner
