"""Several algorithms on one problem: run, tabulate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nasbench_kit.algorithms import ALGORITHMS, Algorithm
from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.scale import scale_of
from nasbench_kit.experiments.search import search
from nasbench_kit.experiments.statistics import summarise
from nasbench_kit.metrics import minimised

__all__ = ["Comparison", "compare", "default_objective"]


def default_objective(metrics: Sequence[str]) -> str:
    """What a search selects on unless told: validation accuracy, and test accuracy only where there is no other."""
    for name in ("valid_accuracy", "test_accuracy"):
        if name in metrics:
            return name
    accuracies = [name for name in metrics if name.endswith("_accuracy")]
    return accuracies[0] if accuracies else metrics[0]


@dataclass(frozen=True)
class Comparison:
    """The results of several algorithms on one problem, by name.

    Attributes
    ----------
    problem : TabularProblem
    results : dict of str to Result
    report : tuple of (dataset, metric, epochs), or None
        What is reported of the incumbents besides the objective.
    """

    problem: TabularProblem
    results: dict[str, Result]
    report: tuple[str, str, int | None] | None

    @property
    def measure(self) -> str:
        """What decides the ranking: the regret in the objective, or the hypervolume of several."""
        return "hypervolume" if len(self.problem.objectives) > 1 else f"{self.problem.objectives[0]} regret"

    @property
    def optimum(self) -> float:
        """The best value of the single objective in the whole table, minimised."""
        return float(self.problem.bounds[0, 0])

    def final(self, result: Result) -> NDArray[np.float64]:
        """The deciding value of each run: (runs,)."""
        if len(self.problem.objectives) > 1:
            return result.hypervolume()
        return self.problem(result.incumbents)[:, 0] - self.optimum

    def regret(self, result: Result) -> NDArray[np.float64]:
        """The regret at every row of a result's trace: (rows,)."""
        values: NDArray[np.float64] = self.problem(result.rows["incumbent"])[:, 0] - self.optimum
        return values

    def front_hypervolume(self) -> float:
        """The hypervolume of the table's exact front, scaled as that of the archives."""
        front = self.problem.front()[1]
        scale = scale_of("front", self.problem.bounds, self.problem.front_bounds)
        return float(scale.hypervolume(front, np.zeros(len(front), dtype=np.int64), 1)[0])

    def reported(self, result: Result) -> NDArray[np.float64] | None:
        """The reported metric of each run's incumbent: (runs,); None where nothing is reported."""
        if self.report is None or len(self.problem.objectives) > 1:
            return None
        dataset, metric, epochs = self.report
        return result.best(metric, dataset=dataset, epochs=epochs)

    def best_reported(self) -> float:
        """The best value of the reported metric in the whole table."""
        assert self.report is not None
        dataset, metric, epochs = self.report
        bench = self.problem.bench
        values = bench.query(bench.architectures, [metric], dataset=dataset, epochs=epochs)
        return float(np.nanmin(minimised(values, [bench.metric(metric, dataset)])))

    def trains_partly(self, name: str) -> bool:
        """Whether an algorithm's evaluations are of different epoch budgets."""
        cls = ALGORITHMS.get(self.results[name].algorithm)
        return cls is not None and cls.needs_budgets

    def table(self) -> pd.DataFrame:
        """A row an algorithm, the best first: see `statistics.summarise`; then what is reported, and the clocks."""
        frame = summarise(
            {name: self.final(result) for name, result in self.results.items()},
            maximise=len(self.problem.objectives) > 1,
        )
        extra: dict[str, list[Any]] = {
            "evaluations": [],
            "unique_networks": [],
            "simulated_seconds": [],
            "wall_seconds": [],
        }
        reported = self.report is not None and len(self.problem.objectives) == 1
        if reported:
            assert self.report is not None
            extra = {self.report[1]: [], f"{self.report[1]}_sd": [], **extra}
        for name in frame.index:
            result = self.results[name]
            if reported:
                assert self.report is not None
                values = self.reported(result)
                assert values is not None
                values = values[np.isfinite(values)]
                extra[self.report[1]].append(values.mean() if len(values) else np.nan)
                extra[f"{self.report[1]}_sd"].append(values.std(ddof=1) if len(values) > 1 else np.nan)
            extra["evaluations"].append(float(result.evaluations.mean()))
            extra["unique_networks"].append(float(result.unique_networks.mean()))
            extra["simulated_seconds"].append(float(result.simulated_seconds.mean()))
            extra["wall_seconds"].append(result.wall_seconds)
        return frame.assign(**extra)


def compare(
    problem: TabularProblem,
    algorithms: Sequence[Algorithm],
    *,
    runs: int = 100,
    evaluations: int | None = None,
    unique_networks: int | None = None,
    simulated_seconds: float | None = None,
    seed: int = 0,
    clock: str = "evaluations",
    report: tuple[str, str, int | None] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Comparison:
    """Run several algorithms on one problem with the same budget.

    Parameters
    ----------
    problem : TabularProblem
    algorithms : sequence of Algorithm
        Two of the same kind are told apart by their settings.
    runs, evaluations, unique_networks, simulated_seconds, seed, clock
        As in ``nasbench_kit.search``.
    report : tuple of (dataset, metric, epochs), optional
        What is reported of the incumbents; ``test_accuracy`` of the dataset that is searched on, where it has one and
        the search does not select on it.
    progress : callable, optional
        Called with an algorithm's name and the share of its work that is done.

    Returns
    -------
    Comparison
    """
    names: list[str] = []
    for algorithm in algorithms:
        name = algorithm.name
        if sum(other.name == name for other in algorithms) > 1:
            name = repr(algorithm)
        names.append(name if name not in names else f"{name} ({names.count(name) + 1})")
    if report is None and "test_accuracy" in problem.bench.metrics(problem.dataset):
        report = (problem.dataset, "test_accuracy", None) if "test_accuracy" not in problem.objectives else None
    results = {}
    for name, algorithm in zip(names, algorithms, strict=True):
        results[name] = search(
            problem,
            algorithm,
            runs=runs,
            evaluations=evaluations,
            unique_networks=unique_networks,
            simulated_seconds=simulated_seconds,
            seed=seed,
            clock=clock,
            progress=_named(progress, name),
        )
    return Comparison(problem, results, report)


def _named(progress: Callable[[str, float], None] | None, name: str) -> Callable[[float], None] | None:
    return None if progress is None else lambda share: progress(name, share)
