"""Read a pickled dict of records by integer, all of them dicts of the same names to numbers, as arrays.

Such files consist of one record after the other that differ only in their key, numbers and memo entries. Where this holds
for the rest of a pickle, only what comes before and one such record are read by `read_pickle`, which finds out the names and
refuses all that it always refuses; the numbers of the other records are taken from the bytes at once. Every other pickle is
read by `read_pickle` as a whole, which takes five times as long.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.pickle_stack import Bytes
from nasbench_kit.loaders.pickle_values import shown
from nasbench_kit.loaders.pickles import read_pickle

__all__ = ["Rows", "read_rows"]

Rows = tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]  # keys (n,), and for each name the values (n,)

# a record from its memo number on: BINGET of a name, then BINFLOAT or a NumPy scalar of 8 bytes, and SETITEMS
_KEY = rb"(K.|M..|J....)"  # BININT1, BININT2, BININT
_PUT = rb"r...."  # LONG_BINPUT; pickles begin with shorter ones, up to number 255
_SCALAR = rb"h.h.C\x08........" + _PUT + rb"\x86" + _PUT + b"R" + _PUT
_RECORD = re.compile(_KEY + rb"(\}" + _PUT + rb"\((?:h.(?:G........|" + _SCALAR + rb")){1,64}u)", re.DOTALL)
_TOKEN = re.compile(rb"(?P<put>r....)|G(?P<float>........)|C\x08(?P<scalar>........)|h.|[}(\x86Ru]", re.DOTALL)
_BATCH = rb"u\("  # after every 1,000 records
_END = b"u."


def read_rows(path: Path, content: bytes) -> Rows:
    """Read the records of a pickle.

    Parameters
    ----------
    path : Path
        For error messages.
    content : bytes

    Returns
    -------
    keys : ndarray of int64, shape (n,)
        In the order of the file.
    values : dict of str to ndarray of float64, shape (n,)

    Raises
    ------
    SourceError
        The content is not a complete pickle of at least one such record; the message gives the byte offset or the key.
    """
    rows = _alike(path, content)
    if rows is None:
        value, end = read_pickle(Bytes(content), path)
        if end < len(content):
            raise SourceError(f"{path}: byte {end}: the pickle ends here, but {len(content) - end} bytes follow")
        rows = _columns(path, value)
    return rows


def _alike(path: Path, content: bytes) -> Rows | None:
    """The records if all after the first few are alike; None if they are not, or if anything is wrong."""
    first = _RECORD.search(content)
    if first is None:
        return None
    pattern, numbers, puts = _template(first[2])
    record = re.compile(_KEY + b"(" + pattern + b")", re.DOTALL)
    whole = re.compile(b"(?:" + _KEY + pattern + b"|" + _BATCH + b")*" + re.escape(_END), re.DOTALL)
    if whole.fullmatch(content, first.start()) is None:
        return None
    try:
        value, _ = read_pickle(Bytes(content[: first.end()] + _END), path)
        keys, values = _columns(path, value)
    except SourceError:  # said again with the right place when the whole is read
        return None
    names = value[list(value)[-1]]  # in the order of this record, which need not be that of the first
    if len(numbers) != len(names):
        return None
    found = record.findall(content, first.end())
    data = np.frombuffer(first[2] + b"".join(body for _, body in found), dtype=np.uint8).reshape(1 + len(found), -1)
    memo = np.stack([data[:, at : at + 4].copy().view("<u4")[:, 0] for at in puts], axis=1).ravel().astype(np.int64)
    if memo[0] < 256 or (np.diff(memo) != 1).any():  # a name's memo entry, below 256, is never written again
        return None
    rest = b"".join(key[1:].ljust(4, b"\0") for key, _ in found)
    keys = np.concatenate([keys, np.frombuffer(rest, dtype="<i4")])
    for (at, order), name in zip(numbers, names, strict=True):
        more = data[1:, at : at + 8].copy().view(f"{order}f8")[:, 0]
        values[name] = np.concatenate([values[name], more])
    return (keys, values) if len(np.unique(keys)) == len(keys) else None


def _template(record: bytes) -> tuple[bytes, list[tuple[int, str]], list[int]]:
    """A pattern of records alike; the offset and byte order of each number in them, and the offset of each memo number."""
    pattern, numbers, puts = b"", [], []
    for token in _TOKEN.finditer(record):
        match token.lastgroup:
            case "put":
                pattern += _PUT
                puts.append(token.start() + 1)
            case "float":
                pattern += b"G" + 8 * b"."
                numbers.append((token.start() + 1, ">"))
            case "scalar":
                pattern += rb"C\x08" + 8 * b"."
                numbers.append((token.start() + 2, "<"))
            case _:
                pattern += re.escape(token[0])
    return pattern, numbers, puts


def _columns(path: Path, value: Any) -> Rows:
    """The records of a dict as arrays."""
    if not isinstance(value, dict) or not value:
        raise SourceError(f"{path}: expected a dict of records, not {shown(value)}")
    names = next((tuple(record) for record in value.values() if isinstance(record, dict)), ())
    rows = []
    for key, record in value.items():
        if type(key) is not int or not -(2**31) <= key < 2**31:
            raise SourceError(f"{path}: the key of a record must be a small integer, not {shown(key)}")
        if not isinstance(record, dict) or not record or set(record) != set(names):
            raise SourceError(f"{path}: key {key}: expected a record of {_listed(names)}, not {_listed(record)}")
        for name in names:
            if type(name) is not str or type(record[name]) is not float:
                raise SourceError(f"{path}: key {key}: {shown(name)} must be a number, not {shown(record[name])}")
        rows.append([record[name] for name in names])
    table = np.array(rows, dtype=np.float64)
    return np.array(list(value), dtype=np.int64), {name: table[:, i] for i, name in enumerate(names)}


def _listed(record: Any) -> str:
    if not isinstance(record, (dict, tuple)):
        return shown(record)
    return ", ".join(shown(name) for name in list(record)[:8]) or "nothing"
