"""Read NATS-Bench's files, topology and size: the ``-simple`` folder, its ``.tar``, and the single ``.pickle.pbz2``.

All are bz2-compressed pickles, and decompression takes most of the time. Architectures are read by one thread per core:
decompression releases the GIL, and takes twice as long as parsing. (Worker processes would require a
``if __name__ == "__main__"`` guard in every script that converts.)
"""

from __future__ import annotations

import bz2
import hashlib
import itertools
import queue
import re
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nasbench_kit.errors import SourceError
from nasbench_kit.kernels.cores import usable_cores
from nasbench_kit.loaders.nats_spaces import NATSSpace, is_pickle, space_in
from nasbench_kit.loaders.pickle_runs import Templates
from nasbench_kit.loaders.pickle_stack import Bytes
from nasbench_kit.loaders.pickle_streams import Item, read_stream
from nasbench_kit.loaders.pickle_values import MAX_ITEM
from nasbench_kit.loaders.pickles import read_pickle
from nasbench_kit.loaders.records import Record, Records, check_meta
from nasbench_kit.loaders.source import head, published_provenance
from nasbench_kit.loaders.tar import tar_members
from nasbench_kit.store.schema import Table

__all__ = ["is_single_file", "load", "recognises", "space_of", "store_name", "stream"]

MAX_PACKED = 2**21  # bytes of one compressed member; an architecture's record has 84 kB
MAX_MEMBERS = 2**16  # the official folders have 15,626 and 32,769
_MEMBER = re.compile(r"(\d{1,6}|meta)\.pickle\.pbz2")
_BZ2 = b"BZh"
_CHUNK = 2**20  # bytes decompressed at a time
_BLOCK_OF_BZ2 = 2**20  # bytes that hold one bz2 block, the smallest unit that can be decompressed


def recognises(path: Path) -> bool:
    """Whether this is a folder or tar archive of pickles with the official names, or the single compressed pickle."""
    if path.is_dir():
        return any(is_pickle(head(member.path)) for member in _of_folder(path)[:3])
    start = head(path, _BLOCK_OF_BZ2)
    if start[257:262] == b"ustar":
        return re.search(rb"(^|/)(\d{6}|meta)\.pickle\.pbz2\0", start) is not None
    return is_pickle(start)


def space_of(path: Path) -> NATSSpace:
    """Which of NATS-Bench's two search spaces a folder or file is about, from its first architecture."""
    if is_single_file(path):
        return space_in(head(path, _BLOCK_OF_BZ2))
    members = _of_folder(path) if path.is_dir() else _of_tar(path)
    return space_in(_packed(members[0])) if members else space_in(b"")


def store_name(path: Path) -> str:
    """The default name of the store, ``"nats"`` or ``"nats-size"``."""
    return space_of(path).benchmark


def load(
    path: Path, *, partial: bool = False, curves: bool = False, progress: Callable[[float], None] | None = None
) -> Table:
    """Read an official folder or file.

    Parameters
    ----------
    path : Path
    partial : bool
        Accept a source that lacks architectures, or the file ``meta.pickle.pbz2``.
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
        If the source is invalid; the message gives the member, the byte and, if applicable, the architecture and key.
    """
    about = space_of(path)
    records = Records(path, about.budgets, curves=curves, space=about.space())
    if is_single_file(path):
        meta = stream(path, records.taking(" decompressed", progress))
        check_meta(path, meta, records.names)
        provenance = published_provenance([path], about.benchmark)
    else:
        members = _of_folder(path) if path.is_dir() else _of_tar(path)
        digests = _read_members(path, members, records, partial, progress)
        provenance = _provenance(path, members, digests, about)
    return records.table(provenance, partial=partial)


def is_single_file(path: Path) -> bool:
    """Whether the path is a single file such as ``NATS-tss-v1_0-3ffb9.pickle.pbz2``, not a folder or archive."""
    return not path.is_dir() and head(path, len(_BZ2)) == _BZ2


def stream(path: Path, item: Item) -> dict[str, Any]:
    """Pass each architecture of the single file to ``item`` (see `read_stream`); returns the other entries."""
    with closing(_Unpacked(path)) as source:
        rest, end = read_stream(source, path, "arch2infos", item)
        if source.window(end):
            raise SourceError(f"{path}: byte {end} decompressed: the content ends here, but more bytes follow")
    return rest


# -------------------------------------------------------------------- many members


@dataclass(frozen=True)
class _Member:
    """The location of one compressed pickle: a file, or part of a tar archive."""

    name: str
    index: int | None  # None for the meta file
    path: Path
    offset: int = 0
    size: int | None = None

    @property
    def where(self) -> str:
        return str(self.path) if self.size is None else f"{self.path}: byte {self.offset}, {self.name}"


def _member(name: str, path: Path, offset: int = 0, size: int | None = None) -> _Member | None:
    match = _MEMBER.fullmatch(name)
    return match and _Member(name, None if match[1] == "meta" else int(match[1]), path, offset, size)


def _of_folder(folder: Path) -> list[_Member]:
    """The pickles in a folder, the meta file first, then by index."""
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise SourceError(f"{folder} cannot be read: {error.strerror}") from error
    return _in_order(member for name in names if (member := _member(name, folder / name)))


def _in_order(members: Iterable[_Member]) -> list[_Member]:
    """The meta file first, then by index."""
    found = list(itertools.islice(members, MAX_MEMBERS + 1))
    if len(found) > MAX_MEMBERS:
        raise SourceError(f"{found[-1].where}: more than {MAX_MEMBERS} records, which no official folder has")
    return sorted(found, key=lambda member: -1 if member.index is None else member.index)


def _of_tar(path: Path) -> list[_Member]:
    """The pickles in a tar archive, the meta file first, then by index."""
    return _in_order(_tar_members(path))


def _tar_members(path: Path) -> Iterator[_Member]:
    """The pickles in a tar archive, in archive order."""
    with path.open("rb") as file:
        for name, start, length in tar_members(path, file, path.stat().st_size):
            member = _member(name, path, start, length)
            if member:
                yield member


def _read_members(
    path: Path, members: list[_Member], records: Records, partial: bool, progress: Callable[[float], None] | None
) -> list[str]:
    """Read all members into ``records``; returns their SHA-256 digests."""
    if not members:
        raise SourceError(f"{path} contains no files named like 000000.pickle.pbz2")
    templates = Templates()
    digests = []
    if members[0].index is None:
        meta, digest = _read_member(members[0], templates)
        check_meta(members[0].where, meta, records.names)
        digests.append(digest)
    elif not partial:
        raise SourceError(f"{path} lacks meta.pickle.pbz2; to store it anyway, use --partial (partial=True)")

    def read(member: _Member) -> tuple[Record, str]:
        content, digest = _read_member(member, templates)
        return records.read(member.index, content, member.where), digest

    numbered = members[len(digests) :]
    with closing(_in_threads(read, numbered)) as results:
        for done, (member, (record, digest)) in enumerate(zip(numbered, results, strict=True)):
            records.add(records.check_index(member.index, member.where), record)
            digests.append(digest)
            if progress and done % 50 == 0:
                progress(done / len(numbered))
    return digests


def _read_member(member: _Member, templates: Templates) -> tuple[Any, str]:
    """The value of one compressed pickle, and the SHA-256 of its compressed bytes."""
    where, packed = member.where, _packed(member)
    if len(packed) > MAX_PACKED:
        raise SourceError(f"{where}: more than {MAX_PACKED} bytes, which is too large for a record of an architecture")
    content = bytearray()
    for chunk in _unpack([packed], where):
        content += chunk
        if len(content) > MAX_ITEM:
            raise SourceError(
                f"{where}: more than {MAX_ITEM} bytes decompressed, which is too large for a record of an architecture"
            )
    value, end = read_pickle(Bytes(bytes(content)), where, templates=templates)
    if end < len(content):
        raise SourceError(
            f"{where}: byte {end} decompressed: the content ends here, but {len(content) - end} bytes follow"
        )
    return value, hashlib.sha256(packed).hexdigest()


def _packed(member: _Member) -> bytes:
    """The compressed bytes of a member, at most one more than `MAX_PACKED`."""
    try:
        with member.path.open("rb") as file:
            file.seek(member.offset)
            return file.read(MAX_PACKED + 1 if member.size is None else min(member.size, MAX_PACKED + 1))
    except OSError as error:
        raise SourceError(f"{member.where} cannot be read: {error.strerror}") from error


def _in_threads(
    function: Callable[[_Member], tuple[Record, str]], members: Iterable[_Member]
) -> Generator[tuple[Record, str], None, None]:
    """An ordered ``map`` with one thread per core that works only a little ahead of the consumer."""
    workers = usable_cores()
    waiting: queue.SimpleQueue[Future[tuple[Record, str]]] = queue.SimpleQueue()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for member in members:
                waiting.put(pool.submit(function, member))
                if waiting.qsize() >= 4 * workers:
                    yield waiting.get().result()
            while not waiting.empty():
                yield waiting.get().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _provenance(path: Path, members: list[_Member], digests: list[str], about: NATSSpace) -> dict[str, Any]:
    known = [
        about.known[member.name] == digest
        for member, digest in zip(members, digests, strict=True)
        if member.name in about.known
    ]
    members_known = f"{sum(known)} of the {len(about.known)} members whose SHA-256 is known are the published ones"
    if path.is_file():
        return {**published_provenance([path], about.benchmark), "known_members": members_known}
    # the checksum of a folder is that of the output of `sha256sum *.pickle.pbz2`
    named = sorted((member.name, digest) for member, digest in zip(members, digests, strict=True))
    listing = "".join(f"{digest}  {name}\n" for name, digest in named)
    size = sum(member.path.stat().st_size for member in members)
    return {
        **published_provenance([], about.benchmark),
        "source": path.resolve().name,
        "sha256": hashlib.sha256(listing.encode()).hexdigest(),
        "size": size,
        "known_members": members_known,
    }


# -------------------------------------------------------------------- bz2


def _unpack(chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    """Decompress one or more bz2 streams, at most `_CHUNK` bytes at a time; the last one must be complete."""
    decompressor = bz2.BZ2Decompressor()
    position = 0
    for chunk in chunks:
        data = chunk
        while data or not (decompressor.needs_input or decompressor.eof):
            if decompressor.eof:
                decompressor = bz2.BZ2Decompressor()
            try:
                content = decompressor.decompress(data, max_length=_CHUNK)
            except (OSError, ValueError) as error:
                raise SourceError(
                    f"{where}: byte {position} and following: invalid bz2 data; the file is damaged, download it again"
                ) from error
            data = decompressor.unused_data if decompressor.eof else b""
            if content:
                yield content
        position += len(chunk)
    if not decompressor.eof:
        raise SourceError(f"{where} ends at byte {position}, in the middle of its compressed data; download it again")


class _Unpacked:
    """The decompressed bytes of a bz2 file, read sequentially; a thread decompresses ahead of the reader."""

    seekable = False

    def __init__(self, path: Path) -> None:
        self.size: int | None = None
        self._path = path
        self._buffer = bytearray()
        self._base = 0
        self._ahead: queue.Queue[bytes | Exception | None] = queue.Queue(maxsize=16)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._fill, daemon=True)
        self._thread.start()

    def window(self, offset: int) -> bytes:
        """See `nasbench_kit.loaders.pickle_stack.ByteSource`; offsets must not decrease."""
        del self._buffer[: offset - self._base]
        self._base = offset
        while self.size is None and len(self._buffer) < 2 * MAX_ITEM:
            chunk = self._ahead.get()
            if isinstance(chunk, Exception):
                raise chunk
            if chunk is None:
                self.size = self._base + len(self._buffer)
            else:
                self._buffer += chunk
        return bytes(self._buffer[: 2 * MAX_ITEM])

    def close(self) -> None:
        """Stop the thread."""
        self._closed.set()
        while not self._ahead.empty():
            self._ahead.get_nowait()
        self._thread.join()

    def _fill(self) -> None:
        def chunks() -> Iterator[bytes]:
            with self._path.open("rb") as file:
                while not self._closed.is_set() and (chunk := file.read(_CHUNK)):
                    yield chunk

        try:
            for content in _unpack(chunks(), str(self._path)):
                if not self._put(content):
                    return
            self._put(None)
        except SourceError as error:
            self._put(error)
        except OSError as error:
            self._put(SourceError(f"{self._path} cannot be read: {error.strerror}"))
        except Exception as error:  # otherwise the reader would wait forever
            self._put(error)

    def _put(self, what: bytes | Exception | None) -> bool:
        """Pass an item to the reader; returns False once the reader has closed."""
        while not self._closed.is_set():
            try:
                self._ahead.put(what, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False
