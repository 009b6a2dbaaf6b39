"""NAS-Bench-201's own files (``NAS-Bench-201-v1_1-096897.pth``, ``-v1_0-e61699.pth``) -> a table, without torch.

A ``.pth`` is a pickle in a container of torch.save's: the legacy one (a sequence of pickles) or, since PyTorch 1.6, a zip
archive. Neither is ever unpickled: see `nasbench_kit.loaders.pickles`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.pickle_streams import Item, read_stream
from nasbench_kit.loaders.pickles import MAX_ITEM, read_pickle, shown
from nasbench_kit.loaders.records import Records, check_meta
from nasbench_kit.loaders.source import head, published_provenance
from nasbench_kit.store.schema import Table

__all__ = ["STORE_NAME", "load", "recognises", "stream"]

STORE_NAME = "nb201"
BUDGETS = {"less": 12, "full": 200}

_MAGIC = 0x1950A86A20F9469CFC6C  # torch.save's, a pickled number
_LEGACY = b"\x80\x02\x8a\x0a" + _MAGIC.to_bytes(10, "little") + b"."
_PROTOCOL = 1001
_ZIP = b"PK\x03\x04"
_LOCAL_HEADER = 30  # bytes before a zip member's name
_DIRECTORY = 2**16  # bytes of a zip archive's directory; torch.save's has a few hundred


def recognises(path: Path) -> bool:
    """Whether the file is what torch.save writes: its magic number, or a zip archive with a ``data.pkl``."""
    start = head(path, 1024)  # the archive is named after the file, however long that name is
    return start.startswith(_LEGACY) or (start.startswith(_ZIP) and b"/data.pkl" in start)


def load(
    path: Path, *, partial: bool = False, curves: bool = False, progress: Callable[[float], None] | None = None
) -> Table:
    """Read an official file, one architecture after the other.

    Parameters
    ----------
    path : Path
    partial : bool
        Accept a file that lacks architectures.
    curves : bool
        Store the values after every epoch as well, under datasets of their own (``cifar10-valid-curves-200``, ...).
    progress : callable, optional
        Gets the share that was read, now and then.

    Returns
    -------
    Table
        See `nasbench_kit.loaders.records.Records.table`.

    Raises
    ------
    SourceError
        With the byte offset, and where one is concerned the architecture and key, at which the file is not what it
        claims to be.
    """
    records = Records(path, BUDGETS, curves=curves)
    check_meta(path, stream(path, records.taking("", progress)), records.names)
    return records.table(
        {
            **published_provenance([path], "nb201"),
        },
        partial=partial,
    )


def stream(path: Path, item: Item) -> dict[str, Any]:
    """Give each architecture's index, states and byte offset to ``item``; returns the other entries of the file's dict."""
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
                        f"{path}: byte {after}: the file has tensors of its own, a table of results has none"
                    )
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error
    if after < end:
        raise SourceError(f"{path}: byte {after}: the content ends here, but {end - after} bytes follow")
    return rest


class _Part:
    """A file up to the byte ``size``. It is read, not mapped: mapped pages count as the process's memory."""

    seekable = True

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self.size = file, size

    def window(self, offset: int) -> bytes:
        """See `nasbench_kit.loaders.pickles.Source`."""
        self._file.seek(offset)
        return self._file.read(max(0, min(2 * MAX_ITEM, self.size - offset)))


def _legacy_start(source: _Part, path: Path) -> int:
    """Where the content begins: behind three small pickles."""
    magic, end = read_pickle(source, path)
    if magic != _MAGIC:
        raise SourceError(f"{path}: byte 0: {_MAGIC:#x} is expected, as torch.save begins a file, not {shown(magic)}")
    protocol, after = read_pickle(source, path, start=end)
    if protocol != _PROTOCOL:
        raise SourceError(f"{path}: byte {end}: torch.save's protocol {_PROTOCOL} is expected, not {shown(protocol)}")
    system, start = read_pickle(source, path, start=after)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise SourceError(
            f"{path}: byte {after}: a description of a little-endian system is expected, not {shown(system)}"
        )
    return start


def _zip_member(path: Path) -> tuple[int, int]:
    """The first byte of the pickle in a zip archive, and the byte after it."""
    try:
        if _directory_size(path) > _DIRECTORY:
            raise SourceError(f"{path}: the archive's directory is larger than torch.save's ever is")
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith("/data.pkl")]
            if len(members) != 1:
                raise SourceError(f"{path}: the archive has {len(members)} members data.pkl, not one")
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
            f"{path} is no complete zip archive ({error}): its directory is looked for up to byte {path.stat().st_size}; "
            "the download broke off or was damaged, get it again"
        ) from error
    if len(header) < _LOCAL_HEADER or not header.startswith(_ZIP):
        raise SourceError(
            f"{path}: byte {member.header_offset}: {member.filename} is not where the archive says; it is damaged"
        )
    lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    start = member.header_offset + _LOCAL_HEADER + lengths
    end = start + member.file_size
    if end > path.stat().st_size:
        raise SourceError(f"{path}: byte {start}: {member.filename} ends behind the file's end; it is damaged")
    return start, end


def _directory_size(path: Path) -> int:
    """What a zip archive says of its directory's size, so that no absurd one is read; 0 where it says nothing."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2**16 - 2**8))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0:
        return 0
    if tail[max(end - 76, 0) :].startswith(b"PK\x06\x06"):  # zip64's record, then its locator, stand before
        return int.from_bytes(tail[end - 36 : end - 28], "little")
    return int.from_bytes(tail[end + 12 : end + 16], "little")
