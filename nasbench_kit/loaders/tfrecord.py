"""Reader for the TFRecord container, in batches of records.

A record consists of its length (uint64), the masked CRC-32C of these eight bytes, the payload, and the payload's masked
CRC-32C, all little-endian (TensorFlow's ``record_writer.h``). Every checksum is verified. Payloads are not interpreted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import MissingExtra, SourceError, UnknownName

__all__ = ["READERS", "Records", "read_records"]

READERS = ("builtin", "tensorflow")
HEADER, FOOTER = 12, 4  # bytes around a payload
MAX_RECORD = 2**20  # bytes; a larger length means damage and would exhaust memory
_BLOCK = 2**24
_MASK_DELTA = np.uint64(0xA282EAD8)
_AGAIN = "the file is damaged, download it again"


@dataclass(frozen=True)
class Records:
    """A batch of records from a file.

    Attributes
    ----------
    buffer : bytes
        Their payloads, possibly with other bytes in between.
    starts, ends : ndarray of int64, shape (n,)
        Start and end of each payload in ``buffer``.
    offsets : ndarray of int64, shape (n,)
        Byte offset of each record in the file.
    """

    buffer: bytes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def payload(self, i: int) -> bytes:
        """The payload of record ``i``."""
        return self.buffer[self.starts[i] : self.ends[i]]


def read_records(path: Path, reader: str = "builtin") -> Iterator[Records]:
    """Yield the records of a file in order, in batches of about 10^4.

    Parameters
    ----------
    path : Path
    reader : {"builtin", "tensorflow"}
        Implementation to use; ``"tensorflow"`` uses ``tf.data.TFRecordDataset`` and needs the extra of that name. Both
        yield the same records.

    Raises
    ------
    SourceError
        A wrong checksum, an implausible length or a truncated record; the message gives the byte offset.
    """
    if reader not in READERS:
        raise UnknownName("reader", reader, READERS)
    return _read(path) if reader == "builtin" else _read_by_tensorflow(path)


def _read(path: Path) -> Iterator[Records]:
    rest, offset = b"", 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            buffer = rest + block
            starts, ends, end = _frames(buffer)
            records = Records(buffer, starts, ends, offset + starts - HEADER)
            _check(path, records)
            if len(records):
                yield records
            rest, offset = buffer[end:], offset + end
            _check_next_length(path, rest, offset)
    if rest:
        raise SourceError(
            f"{path} ends at byte {offset + len(rest)}, within the record that begins at byte {offset}; the download is "
            "incomplete, download it again"
        )


def _frames(buffer: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Starts and ends of the payloads complete in ``buffer``, and the end of the last complete record."""
    starts: list[int] = []
    ends: list[int] = []
    begin, size = 0, len(buffer)
    while begin + HEADER <= size:
        start = begin + HEADER
        end = start + int.from_bytes(buffer[begin : begin + 8], "little")
        if end + FOOTER > size:
            break
        starts.append(start)
        ends.append(end)
        begin = end + FOOTER
    return np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64), begin


def _check(path: Path, records: Records) -> None:
    """Raise SourceError for the first record with a wrong checksum."""
    data = np.frombuffer(records.buffer, dtype=np.uint8)
    lengths = records.starts - HEADER
    wrong_length = _masked(records.buffer, lengths, lengths + 8) != _words(data, lengths + 8)
    wrong_payload = _masked(records.buffer, records.starts, records.ends) != _words(data, records.ends)
    wrong = wrong_length | wrong_payload
    if wrong.any():
        i = int(wrong.argmax())
        part = "length" if wrong_length[i] else "payload"
        raise SourceError(
            f"{path}: the checksum of the {part} of the record at byte {records.offsets[i]} is wrong; {_AGAIN}"
        )


def _check_next_length(path: Path, rest: bytes, offset: int) -> None:
    """Raise SourceError if the incomplete record in ``rest`` has a wrong or implausible length."""
    if len(rest) < HEADER:
        return
    zero = np.array([0])
    if _masked(rest, zero, zero + 8)[0] != int.from_bytes(rest[8:HEADER], "little"):
        raise SourceError(f"{path}: the checksum of the length of the record at byte {offset} is wrong; {_AGAIN}")
    length = int.from_bytes(rest[:8], "little")
    if length > MAX_RECORD:
        raise SourceError(
            f"{path}: the record at byte {offset} has {length} bytes, more than the maximum of {MAX_RECORD}; {_AGAIN}"
        )


def _masked(buffer: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The masked CRC-32C of each range of a buffer."""
    from google_crc32c import value

    found = [value(buffer[start:end]) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    crc = np.array(found, dtype=np.uint64)
    low = np.uint64(0xFFFFFFFF)
    rotated: NDArray[np.uint64] = crc >> np.uint64(15) | crc << np.uint64(17) & low
    masked: NDArray[np.uint64] = (rotated + _MASK_DELTA) & low
    return masked


def _words(data: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The little-endian 32-bit words at the given positions."""
    words: NDArray[np.uint32] = data[at[:, np.newaxis] + np.arange(4)].view("<u4")[:, 0]
    return words.astype(np.uint64)


def _read_by_tensorflow(path: Path) -> Iterator[Records]:
    try:
        import tensorflow as tf
    except ImportError as error:
        raise MissingExtra("the reader tensorflow", "tensorflow") from error
    offset = 0
    batches: Any = tf.data.TFRecordDataset(str(path), buffer_size=_BLOCK).batch(2**14).as_numpy_iterator()
    while True:
        try:
            payloads = next(batches, None)
        except tf.errors.OpError as error:
            reason = re.sub(r"\{\{.*?\}\}|\[Op:.*", "", str(error.message), flags=re.DOTALL).strip()
            raise SourceError(f"{path}: at or after byte {offset}: {reason}; {_AGAIN}") from error
        if payloads is None:
            return
        ends = np.cumsum([len(payload) for payload in payloads], dtype=np.int64)
        starts = np.concatenate([[0], ends[:-1]])
        offsets = offset + starts + np.arange(len(payloads)) * (HEADER + FOOTER)
        yield Records(b"".join(payloads), starts, ends, offsets)
        offset = int(offsets[-1] + ends[-1] - starts[-1]) + HEADER + FOOTER
