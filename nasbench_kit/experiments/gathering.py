"""Comparisons from files: those that ``Comparison.save`` wrote, and results of single algorithms on the same problem."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from nasbench_kit.algorithms import ALGORITHMS
from nasbench_kit.errors import StoreError
from nasbench_kit.experiments.comparison import Comparison, load_comparison
from nasbench_kit.experiments.comparison_file import FORMAT, reopened
from nasbench_kit.experiments.names import short_name, unused
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.result_loading import load_result
from nasbench_kit.experiments.sweep_folder import MANIFEST
from nasbench_kit.store.record import record_format

__all__ = ["comparisons_of"]


def comparisons_of(paths: Sequence[str | os.PathLike[str]]) -> dict[str, Comparison]:
    """Read comparisons from files and folders, by heading.

    Results of the same benchmark, dataset and objectives are compared with each other. A folder stands for the ``.h5`` files in
    it, that of a sweep for its complete searches.

    Raises
    ------
    StoreError
        A file is missing, damaged, or neither a comparison nor a result, or a folder has none.
    """
    found: dict[str, Comparison] = {}
    groups: dict[str, dict[str, Result]] = {}
    for path in _files([Path(path) for path in paths]):
        if record_format(path) == FORMAT:
            found[unused(path.stem, found)] = load_comparison(path)
            continue
        result = load_result(path)
        problem = {**result.source, "benchmark": Path(str(result.source.get("benchmark", ""))).name}
        key = json.dumps([result.space.name, result.objectives, problem], sort_keys=True, default=str)
        members = groups.setdefault(key, {})
        members[unused(_name(result, path), members)] = result
    for results in groups.values():
        first = next(iter(results.values()))
        budgets = {result.budget for result in results.values()}
        heading = ", ".join([_place(first), *first.objectives])
        found[unused(heading, found)] = Comparison(
            reopened(first), results, _report(first), first.budget if len(budgets) == 1 else None
        )
    return found


def _files(paths: list[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        own = path / "results" if (path / MANIFEST).exists() else path
        inside = sorted(own.glob("*.h5")) if path.is_dir() else [path]
        if not inside:
            raise StoreError(f"{path} has no results: it is a folder without .h5 files")
        files += inside
    return files


def _place(result: Result) -> str:
    name = Path(str(result.source["benchmark"])).stem if "benchmark" in result.source else result.space.name
    dataset = result.source.get("dataset")
    return f"{name}/{dataset}" if dataset else name


def _report(result: Result) -> tuple[str, str, int | None] | None:
    """What `compare` reports by default: the test accuracy of the dataset that was searched."""
    if "benchmark" not in result.source or len(result.objectives) > 1 or "test_accuracy" in result.objectives:
        return None
    try:
        known = result.benchmark.metrics(result.source["dataset"])
    except (ValueError, KeyError, StoreError):  # the store is gone: what the result itself has is enough
        return None
    return (result.source["dataset"], "test_accuracy", None) if "test_accuracy" in known else None


def _name(result: Result, path: Path) -> str:
    """The algorithm's name and its settings that differ from the defaults; for a user's own, the name of the file."""
    cls = ALGORITHMS.get(result.algorithm)
    if cls is None:
        return path.stem
    try:
        return short_name(cls(**result.settings))
    except (TypeError, ValueError):  # of another version of the kit
        return path.stem
