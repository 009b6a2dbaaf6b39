"""MacroNAS' JSON files (``benchmark_cifar10_dataset.json``, ``benchmark_cifar100_dataset.json``) -> a table.

Such a file is one object on one line, 442 MB with 4,782,969 records that are alike but for their digits. So stretches of it
are matched as a whole, and their numbers are parsed together; a record that is written differently is parsed by itself.
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

DATASETS = ("cifar100", "cifar10")  # the longer name first: it contains the other
FIELDS = {"MMACs": "mmacs", "Params": "params", "val_acc": "valid_accuracy", "test_acc": "test_accuracy"}
LAYERS = 14
MAX_RECORD = 2**12  # bytes; the official ones have 94 at most
_BLOCK = 2**23
_MOST_SINGLE = 2**14  # records that are parsed one by one are checked together
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
_ALIKE = re.compile(rb"(?:" + _RECORD + rb", )*+")  # each with the next one's separator: the last goes by itself
_ONE = re.compile(rb'\s*"([^"\\]{1,64})"\s*:\s*(\{[^{}]*\})\s*([,}])\s*')
_START = re.compile(rb"\s*\{\s*" + _KEY + rb"\s*:\s*\{")
_OPEN = re.compile(rb"\s*\{\s*")
_KEPT = b"0123456789.,"
_TO_SPACES = bytes.maketrans(b",", b" ")
_OTHERS = bytes(set(range(256)) - set(_KEPT))
_CUT = "the download broke off or was damaged, get it again"


@dataclass(frozen=True)
class _Stretch:
    """Some records one after another: the byte of the first, their keys and their `FIELDS`."""

    offset: int
    keys: NDArray[np.uint8]  # (n, 14) letters
    numbers: NDArray[np.float64]  # (n, 4)


def recognises(path: Path) -> bool:
    """Whether the file begins as the official ones do: an object keyed by 14 characters of I, 1, 2."""
    return _START.match(head(path)) is not None


def store_name(path: Path) -> str:
    """``macronas-cifar10`` or ``macronas-cifar100``, by the costs of the first record."""
    return f"macronas-{_dataset_of(path, next(_stretches(path)))}"


def load(path: Path, *, partial: bool = False, progress: Callable[[float], None] = lambda share: None) -> Table:
    """Read an official file.

    Every record is checked: MMACs and params against the definition of the network, the range of its accuracies, and
    that all genotypes of a network have the same ones.

    Parameters
    ----------
    path : Path
    partial : bool
        Accept a file that lacks genotypes.
    progress : callable
        Gets the share that is read, 0 to 1, from time to time.

    Returns
    -------
    Table
        Dataset ``cifar10`` or ``cifar100``, told apart by the costs; rows the canonical genotypes: ``valid_accuracy``
        and ``test_accuracy`` (percent), ``mmacs`` (1e6), ``params``, ``flops``.

    Raises
    ------
    SourceError
        With the key or the byte where the file is not what it claims to be.
    """
    space = MacroNAS()
    # by the number of the genotype, and of the canonical one: zeros take no memory before they are written
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
            f"{path} lacks {missing} of the {space.size} genotypes of macronas; the file is a part of the table: to store "
            "what is there, say so with --partial (partial=True)"
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
        "notes": "The weights come from one supernet: one value a network, without epochs, seeds or training times. A row "
        "stands for all genotypes of its network, which the file gives the same values.",
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
    return SourceError(f"{path}: key {key!r} (among the records from byte {stretch.offset} on): {reason}")


def _check(path: Path, space: MacroNAS, stretch: _Stretch, rows: Genotypes, dataset: str) -> None:
    for column, field in zip(stretch.numbers.T, ("MMACs", "Params"), strict=False):
        exact = space.cost(rows, FIELDS[field], dataset=dataset)
        wrong = column != exact
        if wrong.any():
            i = int(wrong.argmax())
            raise _error(path, stretch, i, f"{field} is {column[i]:.15g}, the network has {exact[i]} on {dataset}")
    accuracies = stretch.numbers[:, 2:]
    wrong = (~((accuracies >= 0) & (accuracies <= 100))).any(axis=1)
    if wrong.any():
        i = int(wrong.argmax())
        raise _error(path, stretch, i, f"an accuracy is a percentage, 0 to 100, unlike one of {accuracies[i].tolist()}")


def _repeated(number: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Where a number stands that has stood before."""
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
    """Put the accuracies of new networks into their places, and compare those of the others."""
    found = stretch.numbers[:, 2:]
    new = ~known[network]
    accuracies[network[new]] = found[new]
    known[network] = True
    kept = accuracies[network]
    wrong = (found != kept).any(axis=1)
    if wrong.any():
        i = int(wrong.argmax())
        others = f"another genotype of its network {kept[i].tolist()}"
        raise _error(path, stretch, i, f"its accuracies are {found[i].tolist()}, those of {others}")


def _dataset_of(path: Path, stretch: _Stretch) -> str:
    """The dataset whose network has the params of the first record."""
    row, params = _rows(stretch)[:1], stretch.numbers[0, 1]
    costs = {name: int(MacroNAS().cost(row, "params", dataset=name)[0]) for name in DATASETS}
    for name, cost in costs.items():
        if cost == params:
            return name
    text = ", ".join(f"{cost} on {name}" for name, cost in costs.items())
    raise _error(path, stretch, 0, f"Params is {params:.15g}, the network has {text}")


def _named_dataset(path: Path, dataset: str) -> str:
    """The dataset, unless the file's name says another one."""
    named = next((name for name in DATASETS if name in path.name.lower()), dataset)
    if named != dataset:
        raise SourceError(
            f"{path} holds the networks of {dataset} (their Params from byte 0 on say so) under a name that says {named}; "
            "rename it, or get the other file"
        )
    return dataset


# ---------------------------------------------------------------- parsing


def _stretches(path: Path) -> Iterator[_Stretch]:
    """The records of a file in order; raises SourceError at the first byte that belongs to none."""
    single: list[tuple[bytes, list[float]]] = []
    with path.open("rb") as file:
        buffer = file.read(_BLOCK)
        opened = _OPEN.match(buffer)
        if opened is None:
            raise SourceError(f"{path}: byte 0 is not the beginning of a JSON object of records")
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
        raise SourceError(f"{path}: the object ends before byte {offset + position}, but the file goes on; {_CUT}")


def _parse(text: bytes, offset: int) -> _Stretch:
    """Records that are written as all are."""
    data = np.frombuffer(text, dtype=np.uint8).copy()
    braces = np.flatnonzero(data == ord("{"))
    places = braces[:, np.newaxis] - len('": ') - LAYERS + np.arange(LAYERS)
    keys = data[places]
    data[places] = ord("I")  # leaves digits in numbers alone
    numbers = np.fromstring(data.tobytes().translate(_TO_SPACES, _OTHERS), dtype=np.float64, sep=" ")
    return _Stretch(offset, keys, numbers.reshape(len(keys), len(FIELDS)))


def _together(records: list[tuple[bytes, list[float]]], offset: int) -> _Stretch:
    keys = np.frombuffer(b"".join(key for key, _ in records), dtype=np.uint8).reshape(-1, LAYERS)
    return _Stretch(offset, keys, np.array([numbers for _, numbers in records]))


def _parse_one(path: Path, buffer: bytes, position: int, offset: int) -> tuple[tuple[bytes, list[float]], int, bool]:
    """The record at a position, however it is written; where it ends, and whether more should follow."""
    place = f"{path}: at byte {offset + position}"
    match = _ONE.match(buffer, position, position + MAX_RECORD)
    if match is None:
        if len(buffer) - position < MAX_RECORD:
            raise SourceError(f"{place} of {path.stat().st_size} there is no whole record; {_CUT}")
        found = buffer[position : position + 40]
        raise SourceError(f'{place} a record like "I1...": {{"MMACs": ...}} is expected, not {found!r}')
    key, text, separator = match.groups()
    if not re.fullmatch(rb"[I12]{14}", key):
        raise SourceError(f"{place} the key {key.decode(errors='replace')!r} is not {LAYERS} characters of I, 1, 2")
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except ValueError as error:
        raise SourceError(f"{place} the record of {key.decode()} is no valid JSON ({error}); {_CUT}") from error
    record = dict(pairs)
    if len(pairs) != len(FIELDS) or set(record) != set(FIELDS):
        raise SourceError(f"{place} the record of {key.decode()} has {[name for name, _ in pairs]}, not {list(FIELDS)}")
    if not all(type(value) in (int, float) and abs(value) < _ANY_NUMBER for value in record.values()):
        raise SourceError(f"{place} the record of {key.decode()} has something other than numbers: {record!r:.200}")
    return (key, [float(record[name]) for name in FIELDS]), match.end(), separator == b","
