"""Read any CSV or Parquet file with an architecture column, given a mapping of its columns."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders import frames
from nasbench_kit.loaders.architectures import architectures_of
from nasbench_kit.loaders.frames import numbers_of, read_frame, whole_numbers_of
from nasbench_kit.loaders.mapping import ColumnMap, FileMap, TableMapping, read_mapping
from nasbench_kit.loaders.source import check_complete, check_file, file_provenance
from nasbench_kit.metrics import Metric, known_metric, looks_like_gain
from nasbench_kit.spaces import Space, space
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.store.schema import MEAN_SEED, MetricColumn, Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load", "read", "recognises"]


def recognises(path: Path) -> bool:
    """Whether the file looks like CSV or Parquet; true for any folder, which may contain such files."""
    return path.is_dir() or frames.recognises(path)


def load(source: Path, *, mapping: TableMapping | str | os.PathLike[str] | None = None, partial: bool = False) -> Table:
    """Read one or more files as described by a mapping.

    Parameters
    ----------
    source : Path
        The file, or the folder that contains the files named by the mapping.
    mapping : TableMapping, or the path of a TOML file
        Required.
    partial : bool
        Accept files that lack a record for some networks of the space.

    Returns
    -------
    Table
        A metric has a seed axis if a file has a seed column, or columns for single seeds. Values without a seed are
        means over trials.

    Raises
    ------
    SourceError
        If a column is missing, a value is not a number or outside its metric's range, an architecture is invalid or
        appears twice, or a metric looks like one to maximise but has no direction.
    UnknownName
        If the space does not exist.
    """
    table = read(source, mapping)
    missing = check_complete(source, table.space, table.architectures, partial=partial, all_genotypes=False)
    return dataclasses.replace(table, provenance={**table.provenance, "missing_networks": missing})


def read(source: Path, mapping: TableMapping | str | os.PathLike[str] | None, space_name: str | None = None) -> Table:
    """Read one or more files as described by a mapping, however many networks they lack; see `load`.

    Parameters
    ----------
    source : Path
    mapping : TableMapping, or the path of a TOML file
    space_name : str, optional
        The space that the mapping must be for.
    """
    if mapping is None:
        raise SourceError(
            f"{source}: a table needs a mapping of its columns: give a mapping file (mapping='....toml', --mapping), or "
            "--space, --architecture and --column"
        )
    if not isinstance(mapping, TableMapping):
        mapping = read_mapping(Path(mapping))
    if space_name not in (None, mapping.space):
        raise SourceError(f"{source}: the mapping is for the space {mapping.space}, but the store is for {space_name}")
    target = space(mapping.space)
    _check_directions(source, mapping)
    paths = [_path_of(source, file, len(mapping.files)) for file in mapping.files]
    pieces = [_read_file(path, file, target) for path, file in zip(paths, mapping.files, strict=True)]
    architectures, position = target.distinct(np.concatenate([piece.rows for piece in pieces]))
    offsets = np.cumsum([0, *(len(piece.rows) for piece in pieces)])
    entries = [
        (column, position[start : start + len(piece.rows)], piece)
        for start, piece in zip(offsets, pieces, strict=False)
        for column in piece.columns
    ]
    metrics: dict[str, dict[str, MetricColumn]] = {}
    for dataset, name in dict.fromkeys((column.dataset, column.metric) for column, _, _ in entries):
        chosen = [entry for entry in entries if (entry[0].dataset, entry[0].metric) == (dataset, name)]
        metrics.setdefault(dataset, {})[name] = _metric(source, f"{dataset}/{name}", len(architectures), chosen)
    return Table(target, architectures, metrics, {**file_provenance(paths), **mapping.provenance})


@dataclass(frozen=True)
class _Piece:
    """The content of one file: genotypes, seeds and the values of the mapped columns, by row."""

    path: Path
    rows: Genotypes
    seeds: NDArray[np.int64] | None
    columns: tuple[ColumnMap, ...]
    values: dict[ColumnMap, NDArray[np.float64]]


def _check_directions(source: Path, mapping: TableMapping) -> None:
    """Require a direction for unknown metrics that look like ones to maximise; by default, lower would be better."""
    for column in (column for file in mapping.files for column in file.columns):
        if column.direction is None and known_metric(column.metric) is None and looks_like_gain(column.metric):
            raise SourceError(
                f"{source}: {column.dataset}/{column.metric} looks like a metric to maximise but has no direction: add "
                f'direction = "max" (or "min") to the mapping of column {column.column!r}; in the shell --column '
                f"'{column.shell}:max'"
            )


def _path_of(source: Path, file: FileMap, count: int) -> Path:
    if source.is_dir():
        if file.file is None:
            raise SourceError(f"{source} is a folder: the mapping must name the file of every table (file = '...')")
        path = source / file.file
        if not path.resolve().is_relative_to(source.resolve()):
            raise SourceError(
                f"{source}: the file {file.file!r} of the mapping is outside this folder: name a file inside it"
            )
    elif count > 1:
        raise SourceError(f"{source}: the mapping has {count} tables; give the folder that contains their files")
    else:
        path = source
    check_file(path)
    return path


def _read_file(path: Path, mapping: FileMap, target: Space) -> _Piece:
    names = {mapping.architecture, *(column.column for column in mapping.columns)}
    names |= {mapping.seed} if mapping.seed else set()
    frame = read_frame(path, names)
    if not len(frame):
        raise SourceError(f"{path} has no rows")
    rows = architectures_of(path, frame[mapping.architecture], mapping.form, target)
    seeds = None if mapping.seed is None else _seeds_of(path, frame[mapping.seed])
    values = {}
    for column in mapping.columns:
        numbers = numbers_of(path, frame[column.column])
        if column.missing is not None:
            numbers[numbers == column.missing] = np.nan
        values[column] = numbers if column.scale is None else numbers * column.scale
        _check_range(path, column, values[column])
    return _Piece(path, rows, seeds, mapping.columns, values)


def _seeds_of(path: Path, column: pd.Series[Any]) -> NDArray[np.int64]:
    seeds = whole_numbers_of(path, column)
    wrong = np.flatnonzero(seeds >= 2**63)
    if len(wrong):
        raise SourceError(f"{path}: row {wrong[0]}, column {column.name!r}: a seed must be below 2**63")
    return seeds.astype(np.int64)


def _check_range(path: Path, column: ColumnMap, values: NDArray[np.float64]) -> None:
    """Raise SourceError for values outside their metric's range, or fractions where percentages are expected."""
    about = column.described(seeds=False)
    outside = np.flatnonzero(about.outside(values))
    if len(outside):
        low, high = about.range
        raise SourceError(
            f"{path}: row {outside[0]}, column {column.column!r}: {about.name} is {values[outside[0]]}, outside its "
            f"range {low:g} to {high:g}{' percent' if about.units == 'percent' else ''}; set the column's scale = ..., its "
            "range = [lowest, highest], or missing = ... if it stands for no value"
        )
    highest = np.nanmax(values, initial=0.0)
    if about.units == "percent" and column.scale is None and 0 < highest <= 1:
        raise SourceError(
            f"{path}: column {column.column!r}: the values of {about.name} lie between 0 and {highest:g}, but its unit "
            "is percent: set scale = 100 (*100 in --column), or scale = 1 if these are percentages"
        )


def _metric(
    source: Path, name: str, count: int, entries: list[tuple[ColumnMap, NDArray[np.intp], _Piece]]
) -> MetricColumn:
    """Collect the values of one metric, from one or more columns and files, on its epoch and seed axes."""
    budgets = {column.epochs for column, _, _ in entries}
    if None in budgets and len(budgets) > 1:
        raise SourceError(f"{source}: {name} is given both with and without an epoch budget")
    epochs = sorted(budget for budget in budgets if budget is not None)
    seeds: set[int] = set()
    for column, _, piece in entries:
        if column.seed is not None and piece.seeds is not None:
            raise SourceError(
                f"{source}: {name}: {piece.path.name} has a seed column, so {column.column!r} cannot have a seed too"
            )
        seeds |= (
            set(piece.seeds.tolist())
            if piece.seeds is not None
            else {MEAN_SEED if column.seed is None else column.seed}
        )
    axis = sorted(seeds)
    values = np.full((count, max(len(epochs), 1), len(axis)), np.nan)
    for column, rows, piece in entries:
        e = epochs.index(column.epochs) if column.epochs is not None else 0
        if piece.seeds is not None:
            s = np.searchsorted(axis, piece.seeds)
        else:
            s = np.full(len(rows), axis.index(MEAN_SEED if column.seed is None else column.seed))
        cell = rows * len(axis) + s
        unique, first, counts = np.unique(cell, return_index=True, return_counts=True)
        if len(unique) < len(cell):
            again = int(first[counts > 1][0])
            raise SourceError(
                f"{piece.path}: the architecture of row {again} appears twice for {name}; if the file has several trials "
                "per architecture, name its seed column (seed = ...)"
            )
        if not np.isnan(values[rows, e, s]).all():
            raise SourceError(
                f"{source}: {name} is given twice for the same budget and seed, the second time by {column.column!r}"
            )
        values[rows, e, s] = piece.values[column]
    known = ~np.isnan(values)
    if MEAN_SEED in axis and len(axis) > 1 and (known[:, :, 0] & known[:, :, 1:].any(axis=2)).any():
        raise SourceError(f"{source}: {name} is given for single seeds and as a mean over seeds for the same budget")
    about = _one_description(source, name, [column for column, _, _ in entries], seeds=axis != [MEAN_SEED])
    if axis == [MEAN_SEED]:
        values = values[:, :, 0] if epochs else values[:, 0, 0]
        return MetricColumn(values, tuple(epochs) if epochs else None, about=about)
    if not epochs:
        raise SourceError(f"{source}: {name} has seeds, so its columns need an epoch budget")
    return MetricColumn(values, tuple(epochs), tuple(axis), about)


def _one_description(source: Path, name: str, columns: list[ColumnMap], *, seeds: bool) -> Metric:
    """Merge the descriptions of a metric from all of its columns; SourceError if they contradict each other."""
    given: dict[str, Any] = {}
    for column in columns:
        for field in ("direction", "units", "range", "split", "depends_on_seed"):
            value = getattr(column, field)
            if value is not None and given.setdefault(field, value) != value:
                raise SourceError(
                    f"{source}: {name} has the {field} {given[field]!r} in one column but {value!r} in another"
                )
    return dataclasses.replace(columns[0], **given).described(seeds=seeds)
