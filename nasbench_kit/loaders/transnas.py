"""Read TransNAS-Bench-101's final validation metrics: a CSV file of all cells, or of all macro networks."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders import table
from nasbench_kit.loaders.mapping import ColumnMap, FileMap, TableMapping
from nasbench_kit.loaders.source import head, published_provenance
from nasbench_kit.store.schema import Table

__all__ = ["load", "recognises", "store_name"]

_ACCURACY, _SSIM, _LOSS = "valid_accuracy", "valid_ssim", "valid_neg_loss"
TASKS = {
    "class_scene": _ACCURACY,
    "class_object": _ACCURACY,
    "room_layout": _LOSS,
    "jigsaw": _ACCURACY,
    "segmentsemantic": _ACCURACY,
    "normal": _SSIM,
    "autoencoder": _SSIM,
}
_COLUMNS = tuple(
    {
        _ACCURACY: ColumnMap(task, task, _ACCURACY, scale=1.0),
        _SSIM: ColumnMap(task, task, _SSIM, direction="max", units="SSIM", range=(0.0, 1.0), split="valid"),
        _LOSS: ColumnMap(
            task, task, _LOSS, direction="max", units="negative loss", range=(-math.inf, 0.0), split="valid"
        ),
    }[metric]
    for task, metric in TASKS.items()
)
_NOTES = (
    "Validation metrics after the final epoch of one training per network and task. Files with the best epoch's values "
    "are in circulation, too. Missing: test and training metrics, other epochs, training times, parameters and inference "
    "times; the official file has them. segmentsemantic's accuracy is per pixel."
)


def recognises(path: Path) -> bool:
    """Whether the file is a CSV with a column of architectures and one per task."""
    return path.is_file() and {"arch", *TASKS} <= set(_first_rows(path)[0])


def store_name(path: Path) -> str:
    """``transnas-bench-101-micro`` or ``transnas-bench-101-macro``, by the file's first architecture."""
    return f"transnas-bench-101-{_kind(path)}"


def load(path: Path, *, partial: bool = False) -> Table:
    """Read a file.

    Parameters
    ----------
    path : Path
        ``micro_final_valid.csv.gz`` or ``macro_final_valid.csv.gz``, compressed or not.
    partial : bool
        Accept a file that lacks networks, or values of some of them, which are then ``nan``.

    Returns
    -------
    Table
        One dataset per task: ``valid_accuracy`` (percent) of class_scene, class_object, jigsaw and segmentsemantic,
        ``valid_ssim`` (0 to 1) of normal and autoencoder, ``valid_neg_loss`` of room_layout. All are maximised.

    Raises
    ------
    SourceError
        A column, or without ``partial`` a value, is missing; a value or an architecture is invalid; names the row.
    """
    mapping = TableMapping(f"transnas-{_kind(path)}", (FileMap(_COLUMNS, "arch"),))
    found = table.load(path, mapping=mapping, partial=partial)
    absent = _check_values(path, found, partial=partial)
    provenance = {
        **published_provenance([path], "transnas"),
        "notes": _NOTES,
        "missing_networks": found.provenance["missing_networks"],
        **({"missing_values": absent} if absent else {}),
    }
    return Table(found.space, found.architectures, found.metrics, provenance)


def _check_values(path: Path, found: Table, *, partial: bool) -> int:
    """Count the missing values; SourceError if there are any, unless ``partial``, or if accuracies are fractions."""
    columns = {task: found.metrics[task][metric].values for task, metric in TASKS.items()}
    absent = 0
    for task, values in columns.items():
        unknown = np.isnan(values)
        if unknown.any() and not partial:
            [native] = found.space.decode(found.architectures[unknown][:1])
            raise SourceError(
                f"{path}: column {task!r} has no value for {int(unknown.sum())} of {len(values)} architectures, the "
                f"first {native}: the file is damaged or only part of the table; to store it anyway, use --partial (partial=True)"
            )
        absent += int(unknown.sum())
    accuracies = np.array([values for task, values in columns.items() if TASKS[task] == _ACCURACY])
    known = accuracies[~np.isnan(accuracies)]
    if known.size and (known <= 1).all():
        raise SourceError(f"{path}: accuracies must be percentages, 0 to 100, but none of them is above 1")
    return absent


def _kind(path: Path) -> str:
    header, first = _first_rows(path)
    if "arch" not in header:
        raise SourceError(f"{path} has no column 'arch'; its columns are {', '.join(header[:20]) or 'none'}")
    where = header.index("arch")
    native = first[where] if where < len(first) else ""
    return "macro" if native.endswith("-basic") else "micro"


def _first_rows(path: Path) -> tuple[list[str], list[str]]:
    """The fields of the first two lines that are not blank; empty where there are none."""
    start = head(path)
    if start.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(path) as file:
                start = file.read(4096)
        except (OSError, EOFError, zlib.error):
            start = b""
    lines = [line for line in start.decode("utf-8", "replace").lstrip("\ufeff").splitlines() if line.strip()]
    rows = list(csv.reader(lines[:2]))
    rows += [[], []]
    return rows[0], rows[1]
