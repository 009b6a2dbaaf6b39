"""Read NAS-Bench-201's official files (``NAS-Bench-201-v1_1-096897.pth``, ``-v1_0-e61699.pth``) without torch.

A ``.pth`` file is a pickle in a torch.save container: the legacy format (a sequence of pickles) or, since PyTorch 1.6,
a zip archive. Nothing is ever unpickled; see `nasbench_kit.loaders.pickles`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.pickle_streams import Item, read_stream
from nasbench_kit.loaders.pickle_values import MAX_ITEM, shown
from nasbench_kit.loaders.pickles import read_pickle
from nasbench_kit.loaders.records import Records, check_meta
from nasbench_kit.loaders.source import head, published_provenance
from nasbench_kit.spaces.nb201.space import NB201
from nasbench_kit.store.schema import Table

__all__ = ["STORE_NAME", "load", "recognises", "stream"]

STORE_NAME = "nb201"
BUDGETS = {"less": 12, "full": 200}

_MAGIC = 0x1950A86A20F9469CFC6C  # the magic number of torch.save, stored as a pickled integer
_LEGACY = b"\x80\x02\x8a\x0a" + _MAGIC.to_bytes(10, "little") + b"."
_PROTOCOL = 1001
_ZIP = b"PK\x03\x04"
_LOCAL_HEADER = 30  # bytes before a zip member's name
_DIRECTORY = 2**16  # bytes, the largest zip directory accepted; torch.save writes a few hundred


def recognises(path: Path) -> bool:
    """Whether torch.save wrote the file: it has the magic number, or is a zip archive with a ``data.pkl``."""
    start = head(path, 1024)  # torch.save names the archive's folder after the file, and the name may be long
    return start.startswith(_LEGACY) or (start.startswith(_ZIP) and b"/data.pkl" in start)


def load(
    path: Path, *, partial: bool = False, curves: bool = False, progress: Callable[[float], None] | None = None
) -> Table:
    """Read an official file, one architecture at a time.

    Parameters
    ----------
    path : Path
    partial : bool
        Accept a file that lacks architectures.
    curves : bool
        Also store the values after every epoch, as separate datasets (``cifar10-valid-curves-200``, ...).
    progress : callable, optional
        Called periodically with the fraction read.

    Returns
    -------
    Table
        See `nasbench_kit.loaders.records.Records.table`.

    Raises
    ------
    SourceError
        If the file is invalid; the message gives the byte offset and, if applicable, the architecture and key.
    """
    records = Records(path, BUDGETS, curves=curves, space=NB201())
    check_meta(path, stream(path, records.taking("", progress)), records.names)
    return records.table(
        {
            **published_provenance([path], "nb201"),
        },
        partial=partial,
    )


def stream(path: Path, item: Item) -> dict[str, Any]:
    """Pass each architecture's index, states and byte offset to ``item``; returns the other entries of the dict."""
    try:
        with path.open("rb") as file:
            start, end = _zip_member(path) if head(path, len(_ZIP)) == _ZIP else (0, path.stat().st_size)
            source = _Part(file, end)
            is_zip = start > 0
            if not is_zip:
                start = _legacy_start(source, path)
            rest, after = read_stream(source, path, "arch2infos", item, start=start)
            if not is_zip:
                keys, after = read_pickle(source, path, start=after)
                if keys != []:
                    raise SourceError(
                        f"{path}: byte {after}: the file contains tensors, which a table of results does not"
                    )
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error
    if after < end:
        raise SourceError(f"{path}: byte {after}: the content ends here, but {end - after} bytes follow")
    return rest


class _Part:
    """A file up to the byte ``size``; read rather than memory-mapped, as mapped pages count as resident memory."""

    seekable = True

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self.size = file, size

    def window(self, offset: int) -> bytes:
        """See `nasbench_kit.loaders.pickle_stack.ByteSource`."""
        self._file.seek(offset)
        return self._file.read(max(0, min(2 * MAX_ITEM, self.size - offset)))


def _legacy_start(source: _Part, path: Path) -> int:
    """The offset of the content, which follows three small pickles."""
    magic, end = read_pickle(source, path)
    if magic != _MAGIC:
        raise SourceError(f"{path}: byte 0: expected torch.save's magic number {_MAGIC:#x}, not {shown(magic)}")
    protocol, after = read_pickle(source, path, start=end)
    if protocol != _PROTOCOL:
        raise SourceError(f"{path}: byte {end}: expected torch.save's protocol {_PROTOCOL}, not {shown(protocol)}")
    system, start = read_pickle(source, path, start=after)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise SourceError(
            f"{path}: byte {after}: expected the description of a little-endian system, not {shown(system)}"
        )
    return start


def _zip_member(path: Path) -> tuple[int, int]:
    """The start and end offsets of the pickle in a zip archive."""
    try:
        if _directory_size(path) > _DIRECTORY:
            raise SourceError(f"{path}: the archive's directory is larger than torch.save ever writes")
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith("/data.pkl")]
            if len(members) != 1:
                raise SourceError(f"{path}: the archive has {len(members)} members named data.pkl, not one")
            (member,) = members
        if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
            raise SourceError(f"{path}: {member.filename} is compressed or encrypted, which torch.save never does")
        with path.open("rb") as file:
            file.seek(member.header_offset)
            header = file.read(_LOCAL_HEADER)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(
            f"{path} is not a complete zip archive ({error}): no valid directory up to byte {path.stat().st_size}; "
            "the download is incomplete or damaged, download it again"
        ) from error
    if len(header) < _LOCAL_HEADER or not header.startswith(_ZIP):
        raise SourceError(
            f"{path}: byte {member.header_offset}: {member.filename} is not where the directory says; the archive "
            "is damaged"
        )
    lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    start = member.header_offset + _LOCAL_HEADER + lengths
    end = start + member.file_size
    if end > path.stat().st_size:
        raise SourceError(f"{path}: byte {start}: {member.filename} ends beyond the file's end; the archive is damaged")
    return start, end


def _directory_size(path: Path) -> int:
    """The directory size that a zip archive declares, to reject absurd sizes before reading; 0 if undeclared."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2**16 - 2**8))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0:
        return 0
    if tail[max(end - 76, 0) :].startswith(b"PK\x06\x06"):  # the zip64 record and its locator come before
        return int.from_bytes(tail[end - 36 : end - 28], "little")
    return int.from_bytes(tail[end + 12 : end + 16], "little")
