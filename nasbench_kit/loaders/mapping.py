"""Column mappings for tables: the space, the files and the meaning of their columns, from TOML or the command line."""

from __future__ import annotations

import dataclasses
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nasbench_kit.errors import SourceError, UnknownName
from nasbench_kit.files import decoded
from nasbench_kit.loaders.source import check_file
from nasbench_kit.metrics import Direction, Metric, Split, known_metric, split_of

__all__ = ["FACTS", "ColumnMap", "FileMap", "TableMapping", "read_mapping"]

FACTS = ("direction", "units", "range", "split", "depends_on_seed")  # fields that describe the metric itself

_COLUMN = re.compile(
    r"(?P<column>[^=]+)=(?P<dataset>[^/]+)/(?P<metric>[^@#*:]+)(@(?P<epochs>[0-9]{1,18}))?(#(?P<seed>[0-9]{1,18}))?(\*(?P<scale>[0-9.eE+-]+))?"
    r"(:(?P<direction>max|min))?"
)


@dataclass(frozen=True)
class ColumnMap:
    """The mapping of one column of a file.

    Attributes
    ----------
    column : str
    dataset : str
    metric : str
        One of the kit's names, e.g. ``valid_accuracy`` (percent), ``training_time`` (seconds for the whole budget).
    epochs : int, optional
        The epoch budget of the values.
    seed : int, optional
        The training seed of the values, if the file has no seed column.
    scale : float, optional
        The factor that converts the column to the metric's unit.
    direction : {"max", "min", "none"}, optional
        Whether higher or lower is better, or neither. Required for a name that the kit does not know and that looks like a metric
        to maximise. A metric without a direction can be an objective only if the search is given one.
    units : str, optional
    range : tuple of float, optional
        The lowest and highest possible values.
    split : {"train", "valid", "test", "none"}, optional
        The data split that the metric was measured on, if any.
    depends_on_seed : bool, optional
        Whether the value varies between trainings (default: whether the metric has a split or seeds).
    missing : float, optional
        A number in the file, such as -1, that means that there is no value. Empty cells always do.

    Omitted fields default to the kit's own description of the metric, if it has one.
    """

    column: str
    dataset: str
    metric: str
    epochs: int | None = None
    seed: int | None = None
    scale: float | None = None
    direction: Direction | Literal["none"] | None = None
    units: str | None = None
    range: tuple[float, float] | None = None
    split: Split | Literal["none"] | None = None
    depends_on_seed: bool | None = None
    missing: float | None = None

    def described(self, *, seeds: bool) -> Metric:
        """Description of the metric, given whether the file has ``seeds``; ValueError if it is inconsistent."""
        known = known_metric(self.metric)
        split = split_of(self.metric) if self.split is None else None if self.split == "none" else self.split
        about = known or Metric(self.metric, split=split, depends_on_seed=seeds or split is not None)
        given: dict[str, Any] = {name: getattr(self, name) for name in FACTS if getattr(self, name) is not None}
        for name in ("direction", "split"):
            given |= {name: None} if given.get(name) == "none" else {}
        return dataclasses.replace(about, **given)

    @classmethod
    def parse(cls, text: str) -> ColumnMap:
        """Read ``COLUMN=DATASET/METRIC[@EPOCHS][#SEED][*SCALE][:max|:min]``.

        Examples
        --------
        >>> ColumnMap.parse("acc=cifar10/test_accuracy@200")
        ColumnMap('acc', 'cifar10', 'test_accuracy', epochs=200)
        >>> ColumnMap.parse("auc=digits/val_auc*100:max")
        ColumnMap('auc', 'digits', 'val_auc', scale=100.0, direction='max')
        """
        match = _COLUMN.fullmatch(text.strip())
        if not match:
            raise SourceError(
                "a column mapping must have the form COLUMN=DATASET/METRIC[@EPOCHS][#SEED][*SCALE][:max|:min], "
                f"not {text!r}"
            )
        try:
            scale = float(match["scale"]) if match["scale"] else None
        except ValueError:
            raise SourceError(f"the scale of a column must be a number, not {match['scale']!r} in {text!r}") from None
        directions: dict[str | None, Direction] = {"max": "max", "min": "min"}
        return _meaningful(
            f"the column {text!r}",
            cls(
                match["column"],
                match["dataset"],
                match["metric"],
                epochs=int(match["epochs"]) if match["epochs"] else None,
                seed=int(match["seed"]) if match["seed"] else None,
                scale=scale,
                direction=directions.get(match["direction"]),
            ),
        )

    @property
    def shell(self) -> str:
        """The inverse of `parse`, without the direction: ``COLUMN=DATASET/METRIC[@EPOCHS][#SEED][*SCALE]``."""
        parts = (("@", self.epochs), ("#", self.seed), ("*", self.scale))
        rest = "".join(f"{sign}{value:g}" for sign, value in parts if value is not None)
        return f"{self.column}={self.dataset}/{self.metric}{rest}"

    def __repr__(self) -> str:
        given = [repr(getattr(self, name)) for name in ("column", "dataset", "metric")]
        options = [field.name for field in dataclasses.fields(self)[3:] if getattr(self, field.name) is not None]
        return f"ColumnMap({', '.join(given + [f'{name}={getattr(self, name)!r}' for name in options])})"


@dataclass(frozen=True)
class FileMap:
    """The mapping of one file: its architecture column and form (see `Space.forms`), seed column and metric columns."""

    columns: tuple[ColumnMap, ...]
    architecture: str
    form: str = "native"
    seed: str | None = None
    file: str | None = None


@dataclass(frozen=True)
class TableMapping:
    """The mapping of a table: the space, one or more files, and their provenance."""

    space: str
    files: tuple[FileMap, ...]
    name: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


def read_mapping(path: Path) -> TableMapping:
    """Read a mapping from a TOML file (see ``docs/tables.md`` for the format).

    Raises
    ------
    SourceError
        If the file is not valid TOML, or a field is missing, unknown or has the wrong type.
    """
    check_file(path)
    try:
        content = tomllib.loads(decoded(path.read_bytes()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"{path} is not valid TOML: {str(error)[:500]}") from error
    _known(f"{path}", content, {"space", "name", "table", "provenance"}, {"space", "table"})
    _typed(f"{path}", content, {"space": str, "name": str, "provenance": dict})
    if "name" in content and not re.fullmatch(r"[\w.+-]+", content["name"]):
        raise SourceError(
            f"{path}: name is used as a file name and may contain only letters, digits, '.', '_', '+' and '-', "
            f"not {content['name']!r}"
        )
    tables = content["table"] if isinstance(content["table"], list) else [content["table"]]
    files = []
    for i, table in enumerate(tables):
        where = f"{path}: table {i}"
        _known(where, table, {"file", "architecture", "form", "seed", "column"}, {"architecture", "column"})
        _typed(where, table, {"file": str, "architecture": str, "form": str, "seed": str, "column": list})
        columns = []
        for entry in table["column"]:
            if isinstance(entry, str):
                columns.append(ColumnMap.parse(entry))
                continue
            columns.append(_column_map(f"{where}, column {len(columns)}", entry))
        rest = {key: value for key, value in table.items() if key != "column"}
        files.append(FileMap(tuple(columns), **rest))
    return TableMapping(content["space"], tuple(files), content.get("name"), content.get("provenance", {}))


def _typed(where: str, table: dict[str, Any], types: Mapping[str, type]) -> None:
    """Raise SourceError for a field of the wrong type."""
    words: dict[type, str] = {str: "text", list: "a list", dict: "a table of fields"}
    for name, kind in types.items():
        if name in table and not isinstance(table[name], kind):
            raise SourceError(f"{where}: {name} must be {words[kind]}, not {table[name]!r}")


def _column_map(where: str, entry: Any) -> ColumnMap:
    """Build a column mapping from its TOML entry, checking the type of every field."""
    fields = [field.name for field in dataclasses.fields(ColumnMap)]
    _known(where, entry, set(fields), {"column", "dataset", "metric"})
    for name, value in entry.items():
        types, words = _FIELDS[name]
        if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
            raise SourceError(f"{where}: {name} must be {words}, not {value!r}")
    if "range" in entry:
        ends = entry["range"]
        if len(ends) != 2 or not all(type(end) in (int, float) for end in ends):
            raise SourceError(f"{where}: range must be two numbers, the lowest and the highest value, not {ends!r}")
        entry = {**entry, "range": (float(ends[0]), float(ends[1]))}
    return _meaningful(where, ColumnMap(**entry))


def _meaningful(where: str, column: ColumnMap) -> ColumnMap:
    """Return the column if its fields have valid values; SourceError otherwise."""
    if column.epochs is not None and not 1 <= column.epochs < 2**63:
        raise SourceError(f"{where}: epochs must be at least 1 and below 2**63, not {column.epochs}")
    if column.seed is not None and not 0 <= column.seed < 2**63:
        raise SourceError(f"{where}: seed must be at least 0 and below 2**63, not {column.seed}")
    if column.scale is not None and not (math.isfinite(column.scale) and column.scale):
        raise SourceError(f"{where}: scale must be finite and not 0, not {column.scale}")
    try:
        column.described(seeds=False)
    except ValueError as error:
        raise SourceError(f"{where}: {error}") from error
    return column


_FIELDS: dict[str, tuple[Any, str]] = {
    "column": (str, "text"),
    "dataset": (str, "text"),
    "metric": (str, "text"),
    "epochs": (int, "an integer"),
    "seed": (int, "an integer"),
    "scale": ((int, float), "a number"),
    "direction": (str, "'max', 'min' or 'none'"),
    "units": (str, "text"),
    "range": (list, "two numbers, the lowest and the highest value"),
    "split": (str, "'train', 'valid', 'test' or 'none'"),
    "depends_on_seed": (bool, "true or false"),
    "missing": ((int, float), "a number"),
}


def _known(where: str, table: Any, known: set[str], needed: set[str]) -> None:
    if not isinstance(table, dict):
        raise SourceError(f"{where}: expected a table of fields, not {table!r}")
    for name in table:
        if name not in known:
            raise SourceError(f"{where}: {UnknownName('field', name, sorted(known))}")
    for name in sorted(needed - set(table)):
        raise SourceError(f"{where}: the field {name!r} is missing")
