"""A comparison as one file: its results, the reported metric, and the problem if it can be reopened."""

from __future__ import annotations

import dataclasses
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.benchmark import open_benchmark
from nasbench_kit.errors import StoreError, UnknownName
from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.result_file import contents
from nasbench_kit.experiments.result_loading import result_from
from nasbench_kit.metrics import Metric
from nasbench_kit.problems import Evaluation, Problem, TestSelectionWarning
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.store.record import read_record, write_record

__all__ = ["FORMAT", "StoredProblem", "read_comparison", "reopened", "write_comparison"]

FORMAT = "nasbench-kit comparison"
VERSION = 1


class StoredProblem(Problem):
    """What a file records of a problem that cannot be reopened: a function, or real training. It cannot be evaluated."""

    def __init__(self, result: Result) -> None:
        self.space, self._result = result.space, result
        self.objectives = result.objectives

    @property
    def objective_metrics(self) -> tuple[Metric, ...]:
        return self._result.objective_metrics

    @property
    def bounds(self) -> NDArray[np.float64] | None:
        return self._result.bounds

    @property
    def front_bounds(self) -> NDArray[np.float64] | None:
        return self._result.bounds if self._result.front_bounds is None else self._result.front_bounds

    @property
    def source(self) -> dict[str, Any]:
        return self._result.source

    def evaluate(self, X: Genotypes, epochs: int | None = None, draws: NDArray[np.float64] | None = None) -> Evaluation:
        raise ValueError("this comparison was loaded from a file, which does not contain the problem's function")

    def __call__(self, X: ArrayLike) -> NDArray[np.float64]:
        return self.evaluate(self.space.check(X)).F


def write_comparison(
    path: Path, results: dict[str, Result], report: tuple[str, str, int | None] | None, budget: Budget | None
) -> Path:
    """Write results by name to one HDF5 file, all or nothing; raises StoreError."""
    attributes: dict[str, str | int | float] = {
        "format": FORMAT,
        "format_version": VERSION,
        "names": json.dumps(list(results)),
        "report": json.dumps(report),
        "budget": json.dumps(None if budget is None else dataclasses.asdict(budget)),
    }
    arrays: dict[str, NDArray[Any]] = {}
    for i, result in enumerate(results.values()):
        own, values = contents(result)
        attributes[f"result_{i}"] = json.dumps(own)
        arrays |= {f"result_{i}/{name}": array for name, array in values.items()}
    return write_record(path, attributes, arrays)


def read_comparison(
    path: Path,
) -> tuple[Problem, dict[str, Result], tuple[str, str, int | None] | None, Budget | None]:
    """The problem, the results, the report and the budget of a file.

    Raises
    ------
    StoreError
        No such file, not a comparison, or damaged.
    """
    attributes, arrays = read_record(path, "comparison", FORMAT, (VERSION,))
    try:
        names = json.loads(attributes["names"])
        report, budget = json.loads(attributes["report"]), json.loads(attributes["budget"])
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise ValueError("its names")
        if report is not None and [type(part) for part in report[:2]] != [str, str]:
            raise ValueError("its report")
        results = {}
        for i, name in enumerate(names):
            prefix = f"result_{i}/"
            own = {key.removeprefix(prefix): values for key, values in arrays.items() if key.startswith(prefix)}
            results[name] = result_from(json.loads(attributes[f"result_{i}"]), own)
        problem = reopened(next(iter(results.values())))
        return problem, results, tuple(report) if report else None, None if budget is None else Budget(**budget)
    except UnknownName as error:
        raise StoreError(f"{path}: {error}") from error
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)[:500]
        raise StoreError(f"{path} is a damaged comparison ({reason}); compare again") from error


def reopened(result: Result) -> Problem:
    """The problem that was searched: of the benchmark if it is still available, else what the file records."""
    source = result.source
    if "benchmark" not in source:
        return StoredProblem(result)
    there = Path(source["benchmark"])
    try:
        bench = open_benchmark(there if there.exists() else there.name.removesuffix(".h5"))
    except (UnknownName, StoreError):
        return StoredProblem(result)
    if bench.digest != source.get("digest", bench.digest):
        return StoredProblem(result)
    options = {name: source[name] for name in ("dataset", "epochs", "seed", "missing", "charge") if name in source}
    directions = {metric.name: metric.direction for metric in result.objective_metrics if metric.direction is not None}
    with warnings.catch_warnings():  # shown when the comparison was made
        warnings.simplefilter("ignore", TestSelectionWarning)
        return bench.problem(
            result.objectives,
            directions=directions,
            include_validation_time=source.get("include_validation_time", False),
            **options,
        )
