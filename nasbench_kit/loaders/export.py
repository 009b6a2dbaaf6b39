"""Write a store as a CSV or Parquet file with the mapping that reads it again: the inverse of the loader `table`."""

from __future__ import annotations

import gzip
import json
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nasbench_kit.benchmark import Benchmark
from nasbench_kit.data import find_store
from nasbench_kit.errors import MissingExtra, UnknownName
from nasbench_kit.files import check_target, replace_file
from nasbench_kit.loaders.mapping import FACTS, ColumnMap
from nasbench_kit.metrics import Metric
from nasbench_kit.store.reader import Column, StoreFile
from nasbench_kit.store.schema import MEAN_SEED

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["export"]

SUFFIXES = (".csv", ".csv.gz", ".parquet")
ARCHITECTURE = "architecture"
MOST_HEADER = 2**20  # bytes; readers look for the end of a CSV file's first line in as many
# what a store states of itself and of the files it was made from; the mapping's store is made from another file
_OF_STORE = frozenset({"format", "format_version", "space", "space_version", "created", "kit_version"})
_OF_FILES = frozenset({"source", "sha256", "size", "published_file", "verified_by", "missing_networks"})


def export(
    bench: Benchmark | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    datasets: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
) -> Path:
    """Write a benchmark as one table, and beside it the mapping with which `nasbench_kit.convert` reads it again.

    There is one row per architecture, in native form, and one column for each stored value of a metric, named
    ``DATASET/METRIC@EPOCHS#SEED``; a mean over seeds has no ``#SEED``. Costs that follow from the architecture are columns
    too, which the mapping leaves out, because the kit computes them.

    Parameters
    ----------
    bench : Benchmark, str or path-like
        The benchmark, its name, or the path of its store.
    path : path-like
        The file to write: ``.csv``, ``.csv.gz`` or ``.parquet`` (extra ``parquet``). The mapping is beside it, with ``.toml``
        appended to its name. Existing files are replaced.
    datasets, metrics : sequence of str, optional
        Those to write. Default: all.

    Returns
    -------
    Path
        The mapping.

    Raises
    ------
    UnknownName
        If no dataset, or no metric of any of these datasets, has such a name.
    ValueError
        If the path has another suffix, or a CSV file would have too many columns.
    MissingExtra
        If pyarrow, which writes Parquet, is not installed.
    WriteError
        If the files cannot be written.

    Notes
    -----
    Values are written with all of their digits. What is read again is equal, as float64.
    """
    target = Path(path)
    suffix = next((suffix for suffix in SUFFIXES[::-1] if target.name.lower().endswith(suffix)), None)
    if suffix is None:
        raise ValueError(f"{target}: a table is written as {', '.join(SUFFIXES)}; give such a suffix")
    if suffix == ".parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            raise MissingExtra("writing Parquet", "parquet") from error
    mapping = target.with_name(f"{target.name}.toml")  # not that of a table from which the store may have been made
    for file in (target, mapping):
        check_target(file)
    if not isinstance(bench, Benchmark):
        bench = Benchmark(find_store(bench))
    store = StoreFile(bench.path)
    store.verify()  # a damaged value must not be passed on
    chosen = _chosen(bench, datasets, metrics)
    columns: dict[str, Any] = {ARCHITECTURE: store.space.decode_texts(store.architectures)}
    entries: list[str] = []
    for dataset, name in chosen:
        if name not in store.metrics.get(dataset, {}):
            columns[f"{dataset}/{name}"] = store.cost(store.architectures, name, dataset)
            continue
        stored = store.metrics[dataset][name]
        assert stored.metric is not None
        values = store.array(stored).reshape(len(store.keys), -1)
        if values.dtype.kind == "f":
            values = values.astype(np.float64)  # the digits of a float32 are read as another float64
        for position, column in enumerate(_columns(dataset, name, stored)):
            columns[column.column] = values[:, position]
            entries.append(_entry(column, stored.metric, seeds=stored.seeds is not None))
    if suffix != ".parquet" and sum(len(name.encode()) + 3 for name in columns) > MOST_HEADER:
        raise ValueError(f"{target}: {len(columns):,} columns are too many for CSV; write .parquet, or choose datasets")
    import pandas as pd

    frame = pd.DataFrame(columns, copy=False)
    replace_file(target, lambda file: _write(frame, file, suffix))
    text = _mapping(bench.name, store, target.name, entries, {f"{dataset}/{name}" for dataset, name in chosen})
    return replace_file(mapping, lambda file: file.write_text(text, encoding="utf-8"))


def _chosen(bench: Benchmark, datasets: Sequence[str] | None, metrics: Sequence[str] | None) -> list[tuple[str, str]]:
    for dataset in datasets or ():
        if dataset not in bench.datasets:
            raise UnknownName("dataset", dataset, bench.datasets)
    wanted = [dataset for dataset in bench.datasets if datasets is None or dataset in datasets]
    known = [(dataset, name) for dataset in wanted for name in bench.metrics(dataset)]
    for name in metrics or ():
        if name not in {metric for _, metric in known}:
            raise UnknownName("metric", name, dict.fromkeys(metric for _, metric in known))
    return [(dataset, name) for dataset, name in known if metrics is None or name in metrics]


def _columns(dataset: str, name: str, stored: Column) -> Iterator[ColumnMap]:
    """The columns of a metric, in the order of its values."""
    scale = 1.0 if stored.metric is not None and stored.metric.units == "percent" else None  # percent however small
    for epochs in stored.epochs or (None,):
        for seed in stored.seeds or (MEAN_SEED,):
            text = f"{dataset}/{name}{'' if epochs is None else f'@{epochs}'}{'' if seed == MEAN_SEED else f'#{seed}'}"
            yield ColumnMap(text, dataset, name, epochs, None if seed == MEAN_SEED else seed, scale)


def _entry(column: ColumnMap, metric: Metric, *, seeds: bool) -> str:
    """A column's line in the mapping, with what the kit does not know of the metric by its name."""
    given = {field: getattr(column, field) for field in ("column", "dataset", "metric", "epochs", "seed", "scale")}
    if column.described(seeds=seeds) != metric or metric.direction is None:
        given |= {field: getattr(metric, field) for field in FACTS}
        given |= {field: given[field] or "none" for field in ("direction", "split")}
    return _toml({name: value for name, value in given.items() if value is not None})


def _write(frame: pd.DataFrame, path: Path, suffix: str) -> None:
    with path.open("wb") as file:
        if suffix == ".parquet":
            frame.to_parquet(file, engine="pyarrow", index=False)
        elif suffix == ".csv.gz":  # without a name and a time, so that the same table gives the same bytes
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
                frame.to_csv(packed, index=False, lineterminator="\n")
        else:
            frame.to_csv(file, index=False, lineterminator="\n")


def _mapping(name: str, store: StoreFile, file: str, entries: Sequence[str], written: set[str]) -> str:
    provenance = {key: value for key, value in store.attributes.items() if key not in _OF_STORE | _OF_FILES}
    if "sources" in provenance:
        provenance["sources"] = _sources(provenance["sources"], written)
    provenance["exported_from"] = {
        "benchmark": name,
        **{key: store.attributes[key] for key in ("source", "sha256") if key in store.attributes},
    }
    lines = [f"space = {_toml(store.space.name)}", "", "[provenance]"]
    lines += [f"{_toml(key)} = {_toml(value)}" for key, value in provenance.items()]
    lines += ["", "[[table]]", f"file = {_toml(file)}", f"architecture = {_toml(ARCHITECTURE)}", "column = ["]
    return "\n".join([*lines, *(f"  {entry}," for entry in entries), "]", ""])


def _sources(listed: Any, written: set[str]) -> Any:
    """The sources of a store to which side tables were joined, without columns that are not written."""
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        return listed
    found = [{**entry, "columns": [name for name in entry.get("columns", ()) if name in written]} for entry in listed]
    return [entry for entry in found if entry["columns"]]


def _toml(value: Any) -> str:
    """A value as TOML, which has no null: fields without a value are left out."""
    if isinstance(value, str):
        # JSON's escapes are TOML's, which wants one more
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value).lower()
    if isinstance(value, dict):
        fields = (f"{_toml(str(key))} = {_toml(item)}" for key, item in value.items() if item is not None)
        return f"{{ {', '.join(fields)} }}"
    if isinstance(value, (list, tuple, np.ndarray)):
        return f"[{', '.join(_toml(item) for item in value if item is not None)}]"
    return str(int(value))
