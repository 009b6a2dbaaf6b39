"""A comparison as one file: its results, the reported metric, and the problem if it can be reopened.

Of a table, the file also keeps what a comparison asks it: the noise-free values and the reported metric of every incumbent. So
tables, tests and curves need no store.
"""

from __future__ import annotations

import dataclasses
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.benchmark import TabularProblem, open_benchmark
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

Report = tuple[str, str, int | None]  # dataset, metric, epochs


@dataclasses.dataclass(frozen=True)
class Known:
    """What a file keeps of a table: values of every incumbent of a search on one objective.

    Attributes
    ----------
    X : ndarray of uint8, shape (n, genes)
        Distinct, sorted as `numpy.unique` does.
    F : ndarray of float64, shape (n, 1)
        Noise-free and minimised.
    reported : ndarray of float64, shape (n,), or None
    report : tuple of (dataset, metric, epochs), or None
        What that is.
    """

    X: Genotypes
    F: NDArray[np.float64]
    reported: NDArray[np.float64] | None = None
    report: Report | None = None

    def rows(self, X: Genotypes) -> NDArray[np.intp]:
        """The row of each genotype; -1 for one that is not there."""
        number = {row.tobytes(): i for i, row in enumerate(self.X)}
        return np.array([number.get(x.tobytes(), -1) for x in np.ascontiguousarray(X)], dtype=np.intp)


class StoredProblem(Problem):
    """What a file records of a problem that cannot be reopened: a function, real training, or a benchmark that is gone.

    Parameters
    ----------
    result : Result
        One of its results.
    known : Known, optional
        The values that the file keeps; nothing else can be evaluated.
    """

    def __init__(self, result: Result, known: Known | None = None) -> None:
        self.space, self._result, self._known = result.space, result, known
        self.objectives = result.objectives

    def __repr__(self) -> str:
        where = f"{self.gone}, which is not here" if self.gone else f"{self.space.name}, loaded from a file"
        return f"<problem {', '.join(self.objectives)} on {where}>"

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

    @property
    def gone(self) -> str:
        """The name of the benchmark that was searched; empty if it was none."""
        return Path(str(self.source["benchmark"])).name.removesuffix(".h5") if "benchmark" in self.source else ""

    @property
    def noisy(self) -> bool:
        """Whether an evaluation drew a stored trial, as far as the file tells."""
        return self.source.get("seed") == "random" and any(m.depends_on_seed for m in self.objective_metrics)

    def evaluate(self, X: Genotypes, epochs: int | None = None, draws: NDArray[np.float64] | None = None) -> Evaluation:
        if not self.gone:
            raise ValueError("this comparison was loaded from a file, which does not contain the problem's function")
        rows = np.full(len(X), -1) if self._known is None or epochs is not None else self._known.rows(X)
        if (rows < 0).any():
            self.needs_store(f"evaluating {(rows < 0).sum()} architectures whose values the file does not have")
        assert self._known is not None
        return Evaluation(self._known.F[rows], np.full(len(X), np.nan))

    def __call__(self, X: ArrayLike) -> NDArray[np.float64]:
        X = self.space.check(X)
        return self.evaluate(X).F if len(X) else np.empty((0, len(self.objectives)))

    def reported(self, X: Genotypes, report: Report) -> NDArray[np.float64]:
        """The reported metric of genotypes (n, genes): (n,); ``nan`` where the file does not have it."""
        values = np.full(len(X), np.nan)
        if self._known is not None and self._known.reported is not None and self._known.report == report:
            rows = self._known.rows(X)
            values = np.where(rows >= 0, self._known.reported[rows], np.nan) if len(self._known.X) else values
        return values

    def needs_store(self, what: str) -> None:
        """Raise StoreError, saying what needs the benchmark that is gone; nothing if there was none."""
        if self.gone:
            raise StoreError(
                f"{what} needs the benchmark that was searched, {self.gone}, which is not here, or is another one now: put it back "
                f"to {self.source['benchmark']} or into the store folder, and load the file again"
            )


def write_comparison(
    path: Path, results: dict[str, Result], report: Report | None, budget: Budget | None, problem: Problem
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
    known = _known(results, report, problem)
    if known is not None:
        arrays |= {"known/X": known.X, "known/F": known.F}
        if known.reported is not None:
            arrays["known/reported"] = known.reported
    return write_record(path, attributes, arrays)


def _known(results: dict[str, Result], report: Report | None, problem: Problem) -> Known | None:
    """What the file keeps of the problem, whether it is that of a table or was itself loaded from a file."""
    if isinstance(problem, StoredProblem):
        return problem._known
    if not isinstance(problem, TabularProblem) or len(problem.objectives) > 1:
        return None
    genes = problem.space.genes
    asked = [np.empty((0, genes), dtype=np.uint8)]
    for result in results.values():
        asked.append(result.rows["incumbent"][np.isfinite(result.rows["incumbent_F"])])
        asked.append(result.incumbents[np.isfinite(result.incumbent_values)])
    X = np.unique(np.concatenate(asked), axis=0)
    if report is None:
        return Known(X, problem(X))
    dataset, metric, epochs = report
    return Known(X, problem(X), problem.bench.query(X, metric, dataset=dataset, epochs=epochs), report)


def _read_known(arrays: dict[str, NDArray[Any]], result: Result, report: Report | None) -> Known | None:
    """What `_known` found, checked; ValueError if it is damaged."""
    if "known/X" not in arrays:
        return None
    X, F, reported = result.space.check(arrays["known/X"]), arrays["known/F"], arrays.get("known/reported")
    if F.dtype != np.float64 or F.shape != (len(X), 1):
        raise ValueError(f"known/F is {F.dtype} {F.shape}")
    if reported is not None and (reported.dtype != np.float64 or reported.shape != (len(X),)):
        raise ValueError(f"known/reported is {reported.dtype} {reported.shape}")
    return Known(X, F, reported, report)


def read_comparison(path: Path) -> tuple[Problem, dict[str, Result], Report | None, Budget | None]:
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
        first, report = next(iter(results.values())), tuple(report) if report else None
        problem = reopened(first, _read_known(arrays, first, report))
        return problem, results, report, None if budget is None else Budget(**budget)
    except UnknownName as error:
        raise StoreError(f"{path}: {error}") from error
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)[:500]
        raise StoreError(f"{path} is a damaged comparison ({reason}); compare again") from error


def reopened(result: Result, known: Known | None = None) -> Problem:
    """The problem that was searched: of the benchmark if it is still available, else what the file records."""
    source = result.source
    if "benchmark" not in source:
        return StoredProblem(result)
    there = Path(source["benchmark"])
    try:
        bench = open_benchmark(there if there.exists() else there.name.removesuffix(".h5"))
    except (UnknownName, StoreError):
        return StoredProblem(result, known)
    if bench.digest != source.get("digest", bench.digest):
        return StoredProblem(result, known)
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
