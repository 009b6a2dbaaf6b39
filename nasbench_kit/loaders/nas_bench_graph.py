"""Loader for NAS-Bench-Graph's files: ``cora.bench``, ``arxiv.bench``, ..., one a dataset, in a folder or alone."""

from __future__ import annotations

import hashlib
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.data.catalogue import source
from nasbench_kit.errors import SourceError, one_line
from nasbench_kit.loaders.pickle_rows import Rows, read_rows
from nasbench_kit.loaders.pickle_values import MAX_ITEM
from nasbench_kit.loaders.source import check_file, head, published_provenance
from nasbench_kit.metrics import Metric
from nasbench_kit.spaces.nas_bench_graph.space import NASBenchGraph
from nasbench_kit.store.schema import MetricColumn, Table

__all__ = ["DATASETS", "STORE_NAME", "load", "recognises"]

STORE_NAME = "nas-bench-graph"
DATASETS = ("cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "arxiv", "proteins")
PROTEINS = "proteins"  # the only dataset of two classes, with fewer operations
PROTEIN_OPERATIONS = (1, 4, 5, 7, 8)  # gcn, sage, arma, fc, skip
_SUFFIX = ".bench"
_FIELDS = ("valid_perf", "perf", "latency", "para")
_START = re.compile(rb"\x80[\x02-\x05].{0,40}valid_perf", re.DOTALL)
_POSITIVE = (0.0, np.inf)
MOST = 1e6  # seconds, and millions of parameters
ROUNDING = 1e-2  # of three times the parameters

_ACCURACIES = ("valid_accuracy", "test_accuracy")
_PERFORMANCES = {
    f"{split}_performance": Metric(f"{split}_performance", "ROC AUC", "max", (0.0, 1.0), split, depends_on_seed=True)
    for split in ("valid", "test")
}
_LATENCY = Metric("latency", "ms", "min", _POSITIVE)

_NOTES = (
    "All values are means of three trainings; the single trainings and epochs are not in these files. Performance on "
    "proteins is ROC AUC, and its 2,021 networks are those of gcn, sage, arma, fc and skip. On physics, some means of params "
    "are not whole: the three networks differed in size."
)


def recognises(path: Path) -> bool:
    """Whether this is a pickle that starts like the official ones, or a folder with one under an official name."""
    if path.is_dir():
        return any(_START.match(head(file, 80)) for file in _of_folder(path).values())
    return _START.match(head(path, 80)) is not None


def load(path: Path, *, partial: bool = False) -> Table:
    """Read the official files.

    Every record is checked: its key must be that of a network in the published form, its performances fractions, its
    latency and parameters positive.

    Parameters
    ----------
    path : Path
        The folder of the files, or one of them.
    partial : bool
        Accept a single file, a folder that lacks files, or files that lack networks.

    Returns
    -------
    Table
        A dataset for each file, named like it: ``valid_accuracy`` and ``test_accuracy`` (on proteins
        ``valid_performance`` and ``test_performance``), ``latency`` and ``params``.

    Raises
    ------
    SourceError
        A file is damaged, under another file's name, or not in the expected format; the message gives its path, and the
        key or byte offset.
    """
    files = _of_folder(path) if path.is_dir() else {_dataset_of(path): path}
    if not files:
        raise SourceError(f"{path} has none of the files {', '.join(name + _SUFFIX for name in DATASETS)}")
    lacking = [name + _SUFFIX for name in DATASETS if name not in files]
    if lacking and not partial:
        raise SourceError(
            f"{path} lacks {len(lacking)} of the {len(DATASETS)} files: {', '.join(lacking)}; to store the others anyway, use "
            "--partial (partial=True)"
        )
    digests, read = {}, {}
    for name, file in files.items():
        content = _content(file)
        digests[name] = hashlib.sha256(content).hexdigest()
        _check_identity(file, name, digests)
        read[name] = _checked(file, _networks(name == PROTEINS), read_rows(file, content), partial)
    keys = np.unique(np.concatenate([found for found, _ in read.values()]))
    missing = sum(_networks(name == PROTEINS).size - found.size for name, (found, _) in read.items())
    provenance = {
        **(_of_files(path, files, digests) if path.is_dir() else published_provenance([path], STORE_NAME)),
        "notes": _NOTES,
        "missing_files": ", ".join(lacking) or "none",
        "missing_records": int(missing),
    }
    metrics = {name: _metrics(name, rows, keys) for name, rows in read.items()}
    graph = NASBenchGraph()
    return Table(graph, graph.from_official_key(keys), metrics, provenance)


def _of_folder(folder: Path) -> dict[str, Path]:
    """The official files in a folder, by dataset."""
    files = {name: folder / (name + _SUFFIX) for name in DATASETS}
    return {name: file for name, file in files.items() if os.path.exists(file)}  # noqa: PTH110 - False, not an error, in a folder that cannot be read


def _dataset_of(path: Path) -> str:
    """The dataset of a single file: that of the published file that it is, else what its name says."""
    published = source(STORE_NAME).identify(path)
    name = (published.name if published else path.name).removesuffix(_SUFFIX)
    if name not in DATASETS:
        raise SourceError(
            f"{path}: the content does not say its dataset, so that the name must be the official one, one of "
            f"{', '.join(known + _SUFFIX for known in DATASETS)}"
        )
    return name


def _content(file: Path) -> bytes:
    check_file(file)
    size = file.stat().st_size
    if size > MAX_ITEM:
        raise SourceError(f"{file} has {size} bytes, but the official files have 2 MB: this is a different file")
    return file.read_bytes()


def _check_identity(file: Path, dataset: str, digests: dict[str, str]) -> None:
    """Raise SourceError if a file, the last of ``digests``, is another published one, or one that was read already."""
    digest = digests[dataset]
    for published in source(STORE_NAME).files:
        if published.sha256 == digest and published.name != dataset + _SUFFIX:
            raise SourceError(f"{file} is the published {published.name}: give each file its own name again")
    for other, theirs in digests.items():
        if other != dataset and theirs == digest:
            raise SourceError(f"{file} has the same content as {other}{_SUFFIX}; download both again")


@cache
def _networks(proteins: bool) -> NDArray[np.int64]:
    """The official keys of all networks of the space, or of those with the operations of proteins alone; ascending."""
    graph = NASBenchGraph()
    keys = np.unique(graph.official_key(graph.from_number(np.flatnonzero(graph.validity[1]))))
    operations = graph.from_official_key(keys)[:, 1:]
    return keys[np.isin(operations, PROTEIN_OPERATIONS).all(axis=1)] if proteins else keys


def _checked(file: Path, networks: NDArray[np.int64], rows: Rows, partial: bool) -> Rows:
    """The records of a file in the order of their keys; SourceError if one is not what a record of these networks is."""
    keys, values = rows
    if set(values) != set(_FIELDS):
        raise SourceError(f"{file}: expected records of {', '.join(_FIELDS)}, not of {', '.join(list(values)[:8])}")
    unknown = keys[~np.isin(keys, networks)]
    if unknown.size:
        raise SourceError(f"{file}: key {unknown[0]} is not that of a network in the benchmark's form")
    for name in _FIELDS:
        column = values[name]
        fraction = name in ("valid_perf", "perf")
        right = (column >= 0) & (column <= 1) if fraction else (column > 0) & (column < MOST)
        if not right.all():
            at = int(np.argmin(right))
            expected = "a fraction from 0 to 1" if fraction else f"positive and below {MOST:.0f}"
            raise SourceError(f"{file}: key {keys[at]}: {name} must be {expected}, not {column[at]}")
    if keys.size < networks.size and not partial:
        raise SourceError(
            f"{file} lacks {networks.size - keys.size} of the {networks.size} networks: it is only part of the table; to "
            "store it anyway, use --partial (partial=True)"
        )
    order = np.argsort(keys)
    return keys[order], {name: column[order] for name, column in values.items()}


def _metrics(dataset: str, rows: Rows, keys: NDArray[np.int64]) -> dict[str, MetricColumn]:
    """The columns of a dataset for all stored networks, ``nan`` where the file has none."""
    found, values = rows
    place = np.searchsorted(keys, found)

    def column(of_file: NDArray[Any], about: Metric | None = None) -> MetricColumn:
        if found.size == keys.size:
            return MetricColumn(of_file, about=about)
        stored = np.full(keys.size, np.nan)
        stored[place] = of_file
        return MetricColumn(stored, about=about)

    performances = [values["valid_perf"], values["perf"]]
    if dataset == PROTEINS:
        measured = {name: column(v, _PERFORMANCES[name]) for name, v in zip(_PERFORMANCES, performances, strict=True)}
    else:
        measured = {name: column(100 * v) for name, v in zip(_ACCURACIES, performances, strict=True)}
    latency, params = column(1000 * values["latency"], _LATENCY), column(_counts(values["para"]))
    return {**measured, "latency": latency, "params": params}


def _counts(millions: NDArray[np.float64]) -> NDArray[Any]:
    """Parameters of means of three trainings: thirds of whole numbers, without the rounding of the file's millions."""
    thirds = 3e6 * millions
    whole = np.rint(thirds)
    counts = np.where(abs(thirds - whole) < ROUNDING, whole, thirds) / 3
    return counts.astype(np.uint32) if (counts == np.rint(counts)).all() and counts.max() < 2**32 else counts


def _of_files(folder: Path, files: dict[str, Path], digests: dict[str, str]) -> dict[str, Any]:
    """Provenance of a folder; its checksum is that of the output of ``sha256sum *.bench``."""
    known = {file.sha256: file for file in source(STORE_NAME).files}
    published = [known[digest] for digest in digests.values() if digest in known]
    listing = "".join(f"{digests[name]}  {name}{_SUFFIX}\n" for name in sorted(digests))
    return {
        **published_provenance([], STORE_NAME),
        "source": one_line(folder.resolve().name),
        "sha256": hashlib.sha256(listing.encode()).hexdigest(),
        "size": sum(file.stat().st_size for file in files.values()),
        "published_file": ", ".join(file.name for file in published) or "none that is known",
        "verified_by": "; ".join(dict.fromkeys(file.evidence for file in published)) or "their content alone",
    }
