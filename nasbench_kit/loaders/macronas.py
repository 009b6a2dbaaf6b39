"""Loader for MacroNAS' JSON files ``benchmark_cifar10_dataset.json`` and ``benchmark_cifar100_dataset.json``.

Each file is a single 442 MB line: one object with 4,782,969 records that differ only in their digits. Long runs of records
are therefore matched with one regular expression and their numbers parsed together; records that are formatted differently
are parsed individually.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.source import head, published_provenance
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.macronas.space import MacroNAS
from nasbench_kit.store.schema import MetricColumn, Table

__all__ = ["load", "recognises", "store_name"]

DATASETS = ("cifar100", "cifar10")  # the longer name first, because it contains the other
FIELDS = {"MMACs": "mmacs", "Params": "params", "val_acc": "valid_accuracy", "test_acc": "test_accuracy"}
LAYERS = 14
MAX_RECORD = 2**12  # bytes; official records have at most 94
_BLOCK = 2**23
_MOST_SINGLE = 2**14  # individually parsed records are checked in batches of this size
_ANY_NUMBER = 1e15

_KEY = rb'"[I12]{14}"'
_NUMBER = rb"[0-9]{1,12}\.[0-9]{1,24}"
_RECORD = _KEY + (
    rb': \{"MMACs": '
    + _NUMBER
    + rb', "Params": [0-9]{1,15}, "val_acc": '
    + _NUMBER
    + rb', "test_acc": '
    + _NUMBER
    + rb"\}"
)
# each match includes its trailing separator, so the last record is parsed individually
_ALIKE = re.compile(rb"(?:" + _RECORD + rb", )*+")
_ONE = re.compile(rb'\s*"([^"\\]{1,64})"\s*:\s*(\{[^{}]*\})\s*([,}])\s*')
_START = re.compile(rb"\s*\{\s*" + _KEY + rb"\s*:\s*\{")
_OPEN = re.compile(rb"\s*\{\s*")
_KEPT = b"0123456789.,"
_TO_SPACES = bytes.maketrans(b",", b" ")
_OTHERS = bytes(set(range(256)) - set(_KEPT))
_CUT = "the download is incomplete or damaged; download it again"


@dataclass(frozen=True)
class _Stretch:
    """Consecutive records: the byte offset of the first, their keys and their `FIELDS`."""

    offset: int
    keys: NDArray[np.uint8]  # (n, 14) characters
    numbers: NDArray[np.float64]  # (n, 4)


def recognises(path: Path) -> bool:
    """Whether the file starts like the official ones: an object keyed by 14 characters of I, 1, 2."""
    return _START.match(head(path)) is not None


def store_name(path: Path) -> str:
    """``macronas-cifar10`` or ``macronas-cifar100``, determined from the costs of the first record."""
    return f"macronas-{_dataset_of(path, next(_stretches(path)))}"


def load(path: Path, *, partial: bool = False, progress: Callable[[float], None] = lambda share: None) -> Table:
    """Read an official file.

    Every record is checked: MMACs and params must match the network's definition, accuracies must be percentages, and all
    genotypes of a network must have the same accuracies.

    Parameters
    ----------
    path : Path
    partial : bool
        Accept a file with missing genotypes.
    progress : callable
        Called periodically with the fraction read, 0 to 1.

    Returns
    -------
    Table
        Dataset ``cifar10`` or ``cifar100``, determined from the costs. One row per canonical genotype, with
        ``valid_accuracy`` and ``test_accuracy`` (percent), ``mmacs`` (1e6), ``params`` and ``flops``.

    Raises
    ------
    SourceError
        The file is damaged or not in the expected format; the message gives the key or byte offset.
    """
    space = MacroNAS()
    # indexed by genotype and canonical genotype; np.zeros takes no memory until written
    seen, known = np.zeros(space.size, dtype=np.bool_), np.zeros(space.size, dtype=np.bool_)
    accuracies = np.zeros((space.size, 2))
    dataset, size = "", path.stat().st_size
    for stretch in _stretches(path):
        dataset = dataset or _named_dataset(path, _dataset_of(path, stretch))
        rows = _rows(stretch)
        _check(path, space, stretch, rows, dataset)
        number = space.small_number(rows)
        again = seen[number] | _repeated(number)
        if again.any():
            raise _error(path, stretch, int(again.argmax()), "it appears twice")
        seen[number] = True
        _file(path, stretch, space.key(rows).astype(np.intp), known, accuracies)
        progress(stretch.offset / size)
    missing = space.size - int(seen.sum())
    if missing and not partial:
        raise SourceError(
            f"{path} lacks {missing} of the {space.size} genotypes of macronas; to store an incomplete table, pass --partial "
            "(partial=True)"
        )
    networks = np.flatnonzero(known)
    architectures = space.from_number(networks)
    metrics = {
        "valid_accuracy": MetricColumn(accuracies[networks, 0]),
        "test_accuracy": MetricColumn(accuracies[networks, 1]),
        **{
            name: MetricColumn(space.cost(architectures, name, dataset=dataset))
            for name in ("mmacs", "params", "flops")
        },
    }
    provenance = {
        **published_provenance([path], "macronas"),
        "notes": "The weights come from one supernet: one value per network, without epochs, seeds or training times. Each row "
        "represents all genotypes of its network; the file gives them identical values.",
        "missing_genotypes": missing,
    }
    return Table(space, architectures, {dataset: metrics}, provenance)


# ---------------------------------------------------------------- checks


def _rows(stretch: _Stretch) -> Genotypes:
    letter = np.zeros(256, dtype=np.uint8)
    letter[ord("1")], letter[ord("2")] = 1, 2
    return letter[stretch.keys]


def _error(path: Path, stretch: _Stretch, i: int, reason: str) -> SourceError:
    key = stretch.keys[i].tobytes().decode()
    return SourceError(f"{path}: key {key!r} (in the records starting at byte {stretch.offset}): {reason}")


def _check(path: Path, space: MacroNAS, stretch: _Stretch, rows: Genotypes, dataset: str) -> None:
    for column, field in zip(stretch.numbers.T, ("MMACs", "Params"), strict=False):
        exact = space.cost(rows, FIELDS[field], dataset=dataset)
        wrong = column != exact
        if wrong.any():
            i = int(wrong.argmax())
            raise _error(path, stretch, i, f"{field} is {column[i]:.15g}, but the network has {exact[i]} on {dataset}")
    accuracies = stretch.numbers[:, 2:]
    wrong = (~((accuracies >= 0) & (accuracies <= 100))).any(axis=1)
    if wrong.any():
        i = int(wrong.argmax())
        raise _error(path, stretch, i, f"accuracies must be percentages from 0 to 100, not {accuracies[i].tolist()}")


def _repeated(number: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Mask of the numbers that occurred earlier in the array."""
    repeated = np.ones(len(number), dtype=np.bool_)
    repeated[np.unique(number, return_index=True)[1]] = False
    return repeated


def _file(
    path: Path,
    stretch: _Stretch,
    network: NDArray[np.intp],
    known: NDArray[np.bool_],
    accuracies: NDArray[np.float64],
) -> None:
    """Store the accuracies of new networks and compare those of known ones."""
    found = stretch.numbers[:, 2:]
    new = ~known[network]
    accuracies[network[new]] = found[new]
    known[network] = True
    kept = accuracies[network]
    wrong = (found != kept).any(axis=1)
    if wrong.any():
        i = int(wrong.argmax())
        others = f"of another genotype of the same network {kept[i].tolist()}"
        raise _error(path, stretch, i, f"its accuracies are {found[i].tolist()}, but those {others}")


def _dataset_of(path: Path, stretch: _Stretch) -> str:
    """The dataset for which the network has the params of the first record."""
    row, params = _rows(stretch)[:1], stretch.numbers[0, 1]
    costs = {name: int(MacroNAS().cost(row, "params", dataset=name)[0]) for name in DATASETS}
    for name, cost in costs.items():
        if cost == params:
            return name
    text = ", ".join(f"{cost} on {name}" for name, cost in costs.items())
    raise _error(path, stretch, 0, f"Params is {params:.15g}, but the network has {text}")


def _named_dataset(path: Path, dataset: str) -> str:
    """The dataset; raises SourceError if the file's name says otherwise."""
    named = next((name for name in DATASETS if name in path.name.lower()), dataset)
    if named != dataset:
        raise SourceError(
            f"{path} is named after {named} but holds the networks of {dataset} (according to the Params from byte 0 on); "
            "rename it, or download the other file"
        )
    return dataset


# ---------------------------------------------------------------- parsing


def _stretches(path: Path) -> Iterator[_Stretch]:
    """Yield the records of a file in order; raises SourceError at the first byte outside a record."""
    single: list[tuple[bytes, list[float]]] = []
    with path.open("rb") as file:
        buffer = file.read(_BLOCK)
        opened = _OPEN.match(buffer)
        if opened is None:
            raise SourceError(f"{path}: byte 0 does not start a JSON object of records")
        offset, position, single_offset = 0, opened.end(), 0
        more, last = True, False
        while more:
            if not last and len(buffer) - position < MAX_RECORD:
                block = file.read(_BLOCK)
                last = not block
                buffer, offset, position = buffer[position:] + block, offset + position, 0
            match = _ALIKE.match(buffer, position)
            assert match is not None
            if single and (match.end() > position or len(single) >= _MOST_SINGLE):
                yield _together(single, single_offset)
                single = []
            if match.end() > position:
                yield _parse(buffer[position : match.end()], offset + position)
                position = match.end()
                if not last:
                    continue
            if not single:
                single_offset = offset + position
            record, position, more = _parse_one(path, buffer, position, offset)
            single.append(record)
        rest = buffer[position:] + file.read(1)
    yield _together(single, single_offset)
    if rest:
        raise SourceError(f"{path}: the object ends before byte {offset + position}, but more data follows; {_CUT}")


def _parse(text: bytes, offset: int) -> _Stretch:
    """Parse consecutive records in the usual format."""
    data = np.frombuffer(text, dtype=np.uint8).copy()
    braces = np.flatnonzero(data == ord("{"))
    places = braces[:, np.newaxis] - len('": ') - LAYERS + np.arange(LAYERS)
    keys = data[places]
    data[places] = ord("I")  # so that only the digits of numbers remain
    numbers = np.fromstring(data.tobytes().translate(_TO_SPACES, _OTHERS), dtype=np.float64, sep=" ")
    return _Stretch(offset, keys, numbers.reshape(len(keys), len(FIELDS)))


def _together(records: list[tuple[bytes, list[float]]], offset: int) -> _Stretch:
    keys = np.frombuffer(b"".join(key for key, _ in records), dtype=np.uint8).reshape(-1, LAYERS)
    return _Stretch(offset, keys, np.array([numbers for _, numbers in records]))


def _parse_one(path: Path, buffer: bytes, position: int, offset: int) -> tuple[tuple[bytes, list[float]], int, bool]:
    """Parse one record in any JSON formatting: the record, its end, and whether another must follow."""
    place = f"{path}: byte {offset + position}"
    match = _ONE.match(buffer, position, position + MAX_RECORD)
    if match is None:
        if len(buffer) - position < MAX_RECORD:
            raise SourceError(f"{place} of {path.stat().st_size}: incomplete record; {_CUT}")
        found = buffer[position : position + 40]
        raise SourceError(f'{place}: expected a record like "I1...": {{"MMACs": ...}}, not {found!r}')
    key, text, separator = match.groups()
    if not re.fullmatch(rb"[I12]{14}", key):
        raise SourceError(f"{place}: the key {key.decode(errors='replace')!r} is not {LAYERS} characters of I, 1, 2")
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except ValueError as error:
        raise SourceError(f"{place}: the record of {key.decode()} is not valid JSON ({error}); {_CUT}") from error
    record = dict(pairs)
    if len(pairs) != len(FIELDS) or set(record) != set(FIELDS):
        raise SourceError(
            f"{place}: the record of {key.decode()} has {[name for name, _ in pairs]}, not {list(FIELDS)}"
        )
    if not all(type(value) in (int, float) and abs(value) < _ANY_NUMBER for value in record.values()):
        raise SourceError(f"{place}: the record of {key.decode()} has non-numeric values: {record!r:.200}")
    return (key, [float(record[name]) for name in FIELDS]), match.end(), separator == b","
