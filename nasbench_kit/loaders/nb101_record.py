"""Decode NAS-Bench-101's records, JSON containing base64 containing a protocol buffer, in batches.

Nearly all records share one byte layout, so whole batches are compared with that layout and the numbers are read from
fixed positions. A record with a different layout is parsed individually as JSON, base64 and a protocol buffer.
"""

from __future__ import annotations

import binascii
import json
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from nasbench_kit.errors import InvalidArchitecture, SourceError
from nasbench_kit.loaders import protobuf
from nasbench_kit.loaders.tfrecord import Records
from nasbench_kit.spaces import space
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nb101.space import OPERATIONS
from nasbench_kit.spaces.nb101.tables import EDGES, INNER

__all__ = ["EVALUATION", "Decoded", "decode"]

# fields 1 to 5 of an evaluation, all doubles: accuracies are fractions, the time is in seconds
EVALUATION = ("current_epoch", "training_time", "train_accuracy", "valid_accuracy", "test_accuracy")
EVALUATIONS = 3  # initial, halfway and final

_HEAD = len('["') + 32 + len('"')  # followed by a comma
_LINES = ((1, 77), (79, 155), (157, 213))  # base64 in the tail: lines of at most 76 characters, each ending with \n
_TAIL = len('"') + 208 + 3 * len("\\n") + len('"]')
_AROUND = [0, 77, 78, 155, 156, 213, 214, 215, 216]
_BETWEEN = np.frombuffer(b'"' + 3 * b"\\n" + b'"]', dtype=np.uint8)
_MIDDLE = re.compile(rb', ([1-9][0-9]{0,2}), "([01]+)", "([a-z0-9,-]+)", ')
_HEX = np.isin(np.arange(256), np.frombuffer(b"0123456789abcdef", dtype=np.uint8))
_FRAME = 2 + 9 * len(EVALUATION)  # bytes of an evaluation with its tag and length
_SEVEN_BITS = np.uint8(127)


@dataclass(frozen=True)
class Decoded:
    """The content of a batch of records.

    Attributes
    ----------
    hashes : ndarray of bytes, shape (n,)
        32 hexadecimal digits.
    epochs : ndarray of int64, shape (n,)
    cells : ndarray of uint8, shape (m, 26)
        The distinct cells among the records, as genotypes.
    cell : ndarray of int64, shape (n,)
        The index in ``cells`` of each record.
    params : ndarray of int64, shape (n,)
    evaluations : ndarray of float64, shape (n, 3, 5)
        The fields of `EVALUATION`: initial, halfway and final.
    """

    hashes: NDArray[np.bytes_]
    epochs: NDArray[np.int64]
    cells: Genotypes
    cell: NDArray[np.int64]
    params: NDArray[np.int64]
    evaluations: NDArray[np.float64]


class _Record(NamedTuple):
    digest: bytes
    epochs: int
    adjacency: bytes
    operations: bytes
    params: int
    evaluations: list[list[float]]


def decode(path: Path, records: Records) -> Decoded:
    """Decode a batch of records.

    Raises
    ------
    SourceError
        If a record is not a valid NAS-Bench-101 record; the message gives its byte offset and the reason.
    """
    hashes, params, evaluations, regular = _decode_alike(records)
    kinds: dict[tuple[bytes, bytes], int] = {}
    kind_of_middle: dict[bytes, tuple[int, int] | None] = {}
    epochs, cell = np.empty(len(records), dtype=np.int64), np.empty(len(records), dtype=np.int64)
    begins, ends = (records.starts + _HEAD).tolist(), (records.ends - _TAIL).tolist()
    for i, alike in enumerate(regular.tolist()):
        if alike:
            middle = records.buffer[begins[i] : ends[i]]
            try:
                kind = kind_of_middle[middle]
            except KeyError:
                match = _MIDDLE.fullmatch(middle)
                kind = match and (int(match[1]), kinds.setdefault((match[2], match[3]), len(kinds)))
                kind_of_middle[middle] = kind
            if kind is not None:
                epochs[i], cell[i] = kind
                continue
        try:
            record = _decode_one(records.payload(i))
        except ValueError as error:
            raise _error(path, records, i, str(error)) from error
        hashes[i], epochs[i], params[i], evaluations[i] = (
            record.digest,
            record.epochs,
            record.params,
            record.evaluations,
        )
        cell[i] = kinds.setdefault((record.adjacency, record.operations), len(kinds))
    cells = np.empty((len(kinds), EDGES + INNER), dtype=np.uint8)
    for k, (adjacency, operations) in enumerate(kinds):
        try:
            cells[k, :EDGES], cells[k, EDGES:] = _genes(adjacency, operations)
        except InvalidArchitecture as error:
            raise _error(path, records, int((cell == k).argmax()), str(error)) from error
    return Decoded(hashes, epochs, cells, cell, params, evaluations)


def _error(path: Path, records: Records, i: int, reason: str) -> SourceError:
    return SourceError(f"{path}: the record at byte {records.offsets[i]} is not a NAS-Bench-101 record: {reason}")


# ---------------------------------------------------------------- records in the common layout


def _decode_alike(
    records: Records,
) -> tuple[NDArray[np.bytes_], NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Hashes, params and evaluations of all records in the common layout, and a mask of those records."""
    n = len(records)
    hashes = np.zeros(n, dtype="S32")
    params = np.zeros(n, dtype=np.int64)
    evaluations = np.zeros((n, EVALUATIONS, len(EVALUATION)))
    regular = np.zeros(n, dtype=np.bool_)
    data = np.frombuffer(records.buffer, dtype=np.uint8)
    these = np.flatnonzero(records.ends - records.starts > _HEAD + _TAIL)
    if not len(these):
        return hashes, params, evaluations, regular
    heads = sliding_window_view(data, _HEAD)[records.starts[these]]
    tails = sliding_window_view(data, _TAIL)[records.ends[these] - _TAIL]
    digests = np.ascontiguousarray(heads[:, 2:-1])
    good = (
        (heads[:, 0] == ord("[")) & (heads[:, 1] == ord('"')) & (heads[:, -1] == ord('"')) & _HEX[digests].all(axis=1)
    )
    good &= (tails[:, _AROUND] == _BETWEEN).all(axis=1)
    these, digests = these[good], digests[good]
    messages, lengths = _base64(np.concatenate([tails[good, start:end] for start, end in _LINES], axis=1))
    found, values, counts = _numbers(messages, lengths)
    these = these[: len(found)][found]
    hashes[these] = digests[: len(found)][found].view("S32")[:, 0]
    params[these], evaluations[these] = counts[found], values[found]
    regular[these] = True
    return hashes, params, evaluations, regular


def _base64(texts: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Decode base64 strings of equal length, (n, 4 k), to messages, (n, 3 k), and their lengths; no rows on error."""
    # padding stands for zero bits: replaced by the zero digit, all rows can be decoded as one string
    padding = texts[:, -2:] == ord("=")
    texts[:, -2:][padding] = ord("A")
    try:
        content = binascii.a2b_base64(texts.tobytes(), strict_mode=True)
    except binascii.Error:
        content = b""
    width = texts.shape[1] // 4 * 3
    messages = np.frombuffer(content, dtype=np.uint8).reshape(-1, width)
    return messages, width - np.where(padding[:, 1], padding.sum(axis=1), 0)


def _numbers(
    messages: NDArray[np.uint8], lengths: NDArray[np.intp]
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.int64]]:
    """Mask of the messages made up of three evaluations of five doubles, params and total time; and their values."""
    n, end = len(messages), EVALUATIONS * _FRAME
    lengths = lengths[:n]
    frames = messages[:, :end].reshape(n, EVALUATIONS, _FRAME)
    doubles = frames[:, :, 2:].reshape(n, EVALUATIONS, len(EVALUATION), 9)
    tags = [number << 3 | protobuf.DOUBLE for number in range(1, 1 + len(EVALUATION))]
    good = (frames[:, :, 0] == (1 << 3 | protobuf.MESSAGE)).all(axis=1) & (frames[:, :, 1] == _FRAME - 2).all(axis=1)
    good &= (doubles[..., 0] == np.array(tags, dtype=np.uint8)).all(axis=(1, 2))
    values = np.ascontiguousarray(doubles[..., 1:]).view("<f8")[..., 0]
    # params is a varint of three or four bytes, and the total time comes last
    long = messages[:, end + 3] > _SEVEN_BITS
    count = np.zeros(n, dtype=np.int64)
    for i in range(4):
        digit = messages[:, end + 1 + i]
        good &= (digit > _SEVEN_BITS) == (long if i == 2 else i < 2)
        count += np.where(long | (i < 3), digit & _SEVEN_BITS, 0).astype(np.int64) << 7 * i
    good &= (messages[:, end] == (2 << 3 | protobuf.VARINT)) & (lengths == np.where(long, end + 14, end + 13))
    good &= np.where(long, messages[:, end + 5], messages[:, end + 4]) == (3 << 3 | protobuf.DOUBLE)
    return good, values, count


# ---------------------------------------------------------------- individual records


def _decode_one(payload: bytes) -> _Record:
    """Decode any single record; ValueError with the reason if it is invalid."""
    try:
        record = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not valid JSON ({error})") from error
    if not isinstance(record, list) or len(record) != 5:
        raise ValueError("expected a list of five: hash, epochs, adjacency, operations, metrics")
    digest, epochs, adjacency, operations, metrics = record
    if not all(isinstance(text, str) and text.isascii() for text in (digest, adjacency, operations, metrics)):
        raise ValueError("hash, adjacency, operations and metrics must be ASCII strings")
    if not re.fullmatch("[0-9a-f]{32}", digest):
        raise ValueError(f"the hash {digest!r:.60} is not 32 hexadecimal digits")
    if type(epochs) is not int or not 0 < epochs < 1000:
        raise ValueError(f"epochs must be an integer from 1 to 999, not {epochs!r:.60}")
    try:
        message = binascii.a2b_base64(metrics.replace("\n", ""), strict_mode=True)
    except binascii.Error as error:
        raise ValueError(f"the metrics are not valid base64 ({error})") from error
    params, evaluations = _metrics(message)
    return _Record(digest.encode(), epochs, adjacency.encode(), operations.encode(), params, evaluations)


def _metrics(message: bytes) -> tuple[int, list[list[float]]]:
    """Parse ``ModelMetrics`` into params and evaluations, skipping the extra fields of related formats."""
    params: object = None
    evaluations: list[list[float]] = []
    for number, wire_type, value in protobuf.fields(message):
        if number == 1 and wire_type == protobuf.MESSAGE:
            assert isinstance(value, bytes)
            evaluation = {n: v for n, w, v in protobuf.fields(value) if w == protobuf.DOUBLE}
            if missing := [name for n, name in enumerate(EVALUATION, start=1) if n not in evaluation]:
                raise ValueError(f"evaluation {len(evaluations)} has no double for {missing[0]}")
            evaluations.append([float(evaluation[n]) for n in range(1, 1 + len(EVALUATION))])
        elif number == 2 and wire_type == protobuf.VARINT:
            params = value
    if len(evaluations) != EVALUATIONS or not isinstance(params, int) or params >= 2**31:
        raise ValueError(
            f"expected {EVALUATIONS} evaluations and the number of params, not {len(evaluations)} and {params!r}"
        )
    return params, evaluations


# ---------------------------------------------------------------- cells


def _genes(adjacency: bytes, operations: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The edge genes and operation genes of a cell; raises InvalidArchitecture."""
    edges, (letters, inner) = _edges(adjacency), _letters(operations)
    vertices = math.isqrt(len(adjacency))
    if inner + 2 != vertices:
        raise InvalidArchitecture(f"the adjacency has {vertices} vertices, but there are {inner + 2} operations")
    return edges, letters


@lru_cache(maxsize=2**13)
def _edges(adjacency: bytes) -> NDArray[np.uint8]:
    v = math.isqrt(len(adjacency))
    if v * v != len(adjacency) or v < 2 or not set(adjacency) <= set(b"01"):
        raise InvalidArchitecture(f"the adjacency must be v * v characters 0 and 1, not {adjacency.decode()!r:.60}")
    matrix = (np.frombuffer(adjacency, dtype=np.uint8).reshape(v, v) - ord("0")).tolist()
    ops = ["input", *[OPERATIONS[0]] * (v - 2), "output"]
    genotype = space("nb101").encode([{"matrix": matrix, "ops": ops}])
    return space("nb101").check(genotype)[0, :EDGES]


@lru_cache(maxsize=2**10)
def _letters(operations: bytes) -> tuple[NDArray[np.uint8], int]:
    """The operation genes, 0 for missing vertices, and the number of inner vertices."""
    words = operations.decode().split(",")
    inner = words[1:-1]
    if words[0] != "input" or words[-1] != "output" or len(inner) > INNER or not set(inner) <= set(OPERATIONS):
        raise InvalidArchitecture(
            f"the operations must be input, up to {INNER} of {', '.join(OPERATIONS)}, and output, "
            f"not {operations.decode()!r:.99}"
        )
    genes = [OPERATIONS.index(word) for word in inner] + [0] * (INNER - len(inner))
    return np.array(genes, dtype=np.uint8), len(inner)
