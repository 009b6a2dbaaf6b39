"""Read columns of CSV and Parquet files as text or numbers; errors name the offending row."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import MissingExtra, SourceError, UnknownName
from nasbench_kit.files import encoding_of
from nasbench_kit.loaders.source import head

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["cells_of", "numbers_of", "read_frame", "recognises", "whole_numbers_of"]

_PARQUET = b"PAR1"
_GZIP = b"\x1f\x8b"
_SEPARATORS = (",", ";", "\t")
MOST_ROWS = 2**25
MOST_VALUES = 2**28  # of the mapped columns of a Parquet file, those in lists included
MOST_RATIO = 100  # largest compression ratio accepted above `MOST_UNPACKED` bytes; tables reach 3 to 20
MOST_UNPACKED = 2**26
MOST_TEXT = 20_000  # characters of an architecture
_HEADER = 2**20  # bytes, the longest first line of a CSV
_NULLS = 4096  # bytes in which null bytes are looked for
MOST_DIGITS = 400  # characters of a number
LISTED = 20  # largest number of columns listed in a message
_DIGITS = r"[0-9]{1,20}"
_ODD_NUMBER = re.compile(r"[_\u0080-\uffff]")  # 9_0 and non-ASCII digits, which only Python accepts


def recognises(path: Path) -> bool:
    """Whether the file looks like CSV (plain or gzip-compressed) or Parquet."""
    start = head(path)
    if start.startswith((_PARQUET, _GZIP)):
        return True
    try:
        line = start.decode(_start_encoding(start), "ignore").split("\n", 1)[0]
    except UnicodeError:
        return False
    return "\x00" not in line and any(s in line for s in _SEPARATORS) and not line.lstrip().startswith(("{", "["))


def read_frame(path: Path, names: set[str]) -> pd.DataFrame:
    """Read the named columns of a file; all columns of a CSV as text, since an architecture may look like a number.

    Raises
    ------
    SourceError
        If a column is missing or appears twice, or the file cannot be read as a table.
    MissingExtra
        If the file is Parquet and pyarrow is not installed.
    """
    import pandas as pd

    try:
        if head(path, 4) == _PARQUET:
            return _read_parquet(path, names)
        return _read_csv(path, names)
    except (MissingExtra, SourceError):
        raise
    except EOFError as error:
        raise SourceError(f"{path} is truncated: its compressed data ends early; download it again") from error
    except pd.errors.ParserError as error:
        hint = ": rows have more fields than the header; name every column, or remove trailing separators"
        raise SourceError(
            f"{path} cannot be read as a table: {' '.join(str(error).split())[:500]}{hint if 'Expected' in str(error) else ''}"
        ) from error
    except Exception as error:  # pandas, pyarrow and zlib share no base class for parsing errors
        raise SourceError(f"{path} cannot be read as a table: {' '.join(str(error).split())[:500]}") from error


def _read_csv(path: Path, names: set[str]) -> pd.DataFrame:
    import pandas as pd

    encoding, start = _encoding(path)
    line = io.StringIO(start.decode(encoding, "replace")).readline()
    separator = max(_SEPARATORS, key=line.count)  # the first one in case of a tie
    header = next(csv.reader([line], delimiter=separator), [])
    _check_columns(path, names, header)
    # Read the header like any other row, so that a longer row is an error. Otherwise pandas would take the first field
    # as the index, shifting all values by one column; with ``usecols`` it would silently truncate the row.
    with _stream(path) as file:
        frame = pd.read_csv(file, dtype=str, encoding=encoding, sep=separator, header=None)
    frame = frame.iloc[1:, [header.index(name) for name in sorted(names)]].reset_index(drop=True)
    frame.columns = pd.Index(sorted(names))
    return frame


def _encoding(path: Path) -> tuple[str, bytes]:
    """The encoding of a CSV file, and its first bytes: UTF-16 if it has null bytes, Latin-1 if it is not UTF-8."""
    with _stream(path) as file:
        start = file.read(_HEADER)
        encoding = _start_encoding(start)
        if encoding == "utf-8":
            decoder = codecs.getincrementaldecoder(encoding)()
            try:
                decoder.decode(start)
                while block := file.read(_HEADER):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return "latin-1", start
    return encoding, start


def _start_encoding(start: bytes) -> str:
    """The encoding that the first bytes of a file suggest; UTF-16 without a byte-order mark has null bytes."""
    encoding = encoding_of(start)
    if encoding == "utf-8" and b"\x00" in start[:_NULLS]:
        odd, even = start[1:_NULLS:2].count(0), start[0:_NULLS:2].count(0)
        if max(odd, even) > 10 * min(odd, even):
            return "utf-16-le" if odd > even else "utf-16-be"
    return encoding


class _Bounded(io.RawIOBase):
    """The content of a gzip file, limited in proportion to the file size to guard against decompression bombs."""

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, 0
        self._file = gzip.open(path, "rb")  # noqa: SIM115 - closed in close()
        self._most = MOST_UNPACKED + MOST_RATIO * path.stat().st_size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._file.readinto(buffer)
        self._read += count
        if self._read > self._most:
            raise SourceError(
                f"{self._path} decompresses to more than {self._most:,} bytes, over {MOST_RATIO} times its size, which "
                "is suspicious: if it is a genuine table, decompress it first"
            )
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def _stream(path: Path) -> BinaryIO:
    """Open a CSV file for reading, decompressed if necessary."""
    if head(path, 2) != _GZIP:
        return path.open("rb")
    return io.BufferedReader(_Bounded(path))


def _read_parquet(path: Path, names: set[str]) -> pd.DataFrame:
    import pandas as pd

    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("reading Parquet", "parquet") from error
    about = pyarrow.parquet.read_metadata(path)
    _check_columns(path, names, about.schema.to_arrow_schema().names)
    if about.num_rows > MOST_ROWS:
        raise SourceError(f"{path} has {about.num_rows:,} rows; a table may have at most {MOST_ROWS:,}")
    columns = [about.row_group(g).column(c) for g in range(about.num_row_groups) for c in range(about.num_columns)]
    values = sum(column.num_values for column in columns if column.path_in_schema.split(".")[0] in names)
    if values > MOST_VALUES:  # lists of a few bytes may have very many
        raise SourceError(
            f"{path} has {values:,} values in the mapped columns; a table may have at most {MOST_VALUES:,}"
        )
    table = pyarrow.parquet.read_table(path, columns=sorted(names))
    nested = [name for name in table.column_names if pyarrow.types.is_nested(table.schema.field(name).type)]
    frame: pd.DataFrame = table.drop_columns(nested).to_pandas(ignore_metadata=True)  # an index is a column too
    for name in frame.select_dtypes("category"):
        frame[name] = frame[name].astype(object)
    for name in nested:  # pandas would make arrays of arrays of lists
        frame[name] = pd.Series(table[name].to_pylist(), index=frame.index, dtype=object)
    return frame


def _check_columns(path: Path, names: set[str], header: list[str]) -> None:
    for name in sorted(names):
        if name not in header:
            raise SourceError(f"{path}: {UnknownName('column', name, [known[:60] for known in header[:LISTED]])}")
        if header.count(name) > 1:
            raise SourceError(
                f"{path}: {header.count(name)} columns are named {name!r}: give each column a unique name"
            )


def cells_of(path: Path, column: pd.Series[Any]) -> tuple[list[Any], NDArray[np.intp]]:
    """The distinct cells of a column in the order of their appearance, and the number of each row's.

    Cells are strings, except nested ones of Parquet, which are lists, tuples and dicts and may be repeated.
    """
    import pandas as pd

    if column.dtype.kind == "O" and any(isinstance(cell, (list, tuple, dict)) for cell in column):
        return [cell if isinstance(cell, (list, tuple, dict)) else str(cell) for cell in column], np.arange(len(column))
    texts = column.fillna("").astype(str)
    long = np.flatnonzero(texts.str.len() > MOST_TEXT)
    if len(long):
        raise SourceError(
            f"{path}: row {long[0]}, column {column.name!r}: {len(texts.iloc[long[0]]):,} characters are too many for "
            "an architecture"
        )
    inverse, distinct = pd.factorize(texts)
    return distinct.tolist(), inverse


def whole_numbers_of(path: Path, column: pd.Series[Any]) -> NDArray[np.uint64]:
    """A column as non-negative integers below 2**64, parsed exactly."""
    if column.dtype.kind == "u" or (column.dtype.kind == "i" and (column >= 0).all()):
        return column.to_numpy(dtype=np.uint64)
    if column.dtype.kind == "O":
        texts = column.fillna("").astype(str)
        if texts.str.fullmatch(_DIGITS).all():
            with contextlib.suppress(OverflowError):  # 20 digits may be too many
                return texts.to_numpy(dtype=str).astype(np.uint64)
    numbers = numbers_of(path, column)
    wrong = np.flatnonzero(~(numbers == np.floor(numbers)) | (numbers < 0) | (numbers > 2**53))
    if len(wrong):
        at = int(wrong[0])
        found = f"{path}: row {at}, column {column.name!r}: {str(column.iloc[at])[:100]!r}"
        if numbers[at] > 2**53:
            raise SourceError(f"{found} is not an integer below 2**64 in digits")
        raise SourceError(f"{found} is not a non-negative integer")
    return numbers.astype(np.uint64)


def numbers_of(path: Path, column: pd.Series[Any]) -> NDArray[np.float64]:
    """A column as numbers, parsed exactly, in a new array; ``nan`` for empty cells."""
    if column.dtype.kind in "biuf":
        values = column.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    else:
        texts = column.fillna("nan").astype(str)
        try:
            if texts.str.contains(_ODD_NUMBER).any() or texts.str.len().max() > MOST_DIGITS:
                raise ValueError
            values = texts.to_numpy(dtype=str).astype(np.float64)
        except ValueError:
            at = next(i for i, text in enumerate(texts) if not _is_number(text))
            comma = "; use a decimal point" if "," in texts.iloc[at] else ""
            raise SourceError(
                f"{path}: row {at}, column {column.name!r}: {texts.iloc[at][:100]!r} is not a number{comma}"
            ) from None
    if np.isinf(values).any():
        at = int(np.flatnonzero(np.isinf(values))[0])
        raise SourceError(f"{path}: row {at}, column {column.name!r}: the value is infinite")
    return values


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return not _ODD_NUMBER.search(text) and len(text) <= MOST_DIGITS
