"""What is compared of each result: final values, values over time, and what is reported of incumbents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms import ALGORITHMS
from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.experiments.archive_quality import exact_front
from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.comparison_file import StoredProblem
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.scale import scale_of
from nasbench_kit.metrics.named_indicators import HYPERVOLUME, INDICATORS
from nasbench_kit.problems import Problem

__all__ = ["ComparedValues"]


@dataclass(frozen=True, eq=False)
class ComparedValues:
    """The values by which `Comparison` compares its results; see there for the attributes."""

    problem: Problem
    results: dict[str, Result]
    report: tuple[str, str, int | None] | None = None
    budget: Budget | None = None
    indicator: str = HYPERVOLUME

    @property
    def maximise(self) -> bool:
        """Whether higher final values are better."""
        return self.many and INDICATORS[self.indicator].maximise

    @property
    def many(self) -> bool:
        """Whether there are several objectives."""
        return len(self.problem.objectives) > 1

    @property
    def measure(self) -> str:
        """What determines the ranking: the indicator for several objectives; for one, the regret, or its value if the optimum
        is unknown."""
        if self.many:
            return self.indicator
        return f"{self.problem.objectives[0]} regret" if self.optimum is not None else self.problem.objectives[0]

    @property
    def optimum(self) -> float | None:
        """The optimum of the single objective, minimised; None if unknown."""
        return None if self.problem.bounds is None else float(self.problem.bounds[0, 0])

    @property
    def clock(self) -> str | None:
        """The clock of the traces; None if they differ."""
        clocks = {result.clock for result in self.results.values()}
        return clocks.pop() if len(clocks) == 1 else None

    @property
    def missing_store(self) -> str:
        """The name of the benchmark that was searched, if the comparison was loaded without it; else empty."""
        return self.problem.gone if isinstance(self.problem, StoredProblem) else ""

    def final(self, result: Result) -> NDArray[np.float64]:
        """The final value of each run, (runs,): indicator, regret or objective value; ``inf`` for a run that found nothing."""
        if self.many:
            return result.indicator(self.indicator, self._reference_front)
        return self._values(result.incumbents, result.incumbent_values)

    @cached_property
    def _reference_front(self) -> NDArray[np.float64] | None:
        """The front that the indicator compares with; None if it needs none."""
        return exact_front(self.problem) if INDICATORS[self.indicator].needs_front else None

    def regret(self, result: Result) -> NDArray[np.float64]:
        """The regret at every row of a result's trace, or the value if the optimum is unknown: (rows,)."""
        return self._values(result.rows["incumbent"], result.rows["incumbent_F"])

    def _values(self, incumbents: NDArray[np.uint8], F: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of incumbents without the noise of single trainings: (n,)."""
        values = np.where(np.isfinite(F), F, np.inf)
        if self.problem.noisy:
            found = np.flatnonzero(np.isfinite(F))
            values[found] = self.problem(incumbents[found])[:, 0]
        if self.optimum is None:
            return values
        regret = values - self.optimum
        if len(regret) and regret.min() < -1e-9 * max(1.0, abs(self.optimum)):
            raise ValueError(
                f"a run found {values.min():g}, which is better than the optimum given by the bounds, {self.optimum:g}: "
                "correct the problem's bounds=, or omit them"
            )
        return np.maximum(regret, 0.0)

    def progress(self, result: Result) -> NDArray[np.float64]:
        """What is minimised, at every row of a result's trace: regret, value, the hypervolume missing of the exact front's
        (without a table, the negated hypervolume), or another indicator: (rows,).

        Raises
        ------
        ValueError
            The traces do not have the indicator.
        """
        if not self.many:
            return self.regret(result)
        if self.indicator not in result.rows:
            raise ValueError(
                f"the traces do not have {self.indicator}: compare or search again with indicators={self.indicator!r}"
            )
        if not self.maximise:
            return result.rows[self.indicator]
        whole = self.front_hypervolume()
        volume = result.rows["hypervolume"]
        return -volume if whole is None else np.maximum(whole - volume, 0.0)

    def front_hypervolume(self) -> float | None:
        """The hypervolume of the exact front, on the scale of the archives; None without a table."""
        if not isinstance(self.problem, TabularProblem):
            return None
        front = self.problem.front()[1]
        scale = scale_of("front", self.problem.bounds, self.problem.front_bounds)
        return float(scale.hypervolume(front, np.zeros(len(front), dtype=np.int64), 1)[0])

    def reported(self, result: Result) -> NDArray[np.float64] | None:
        """The reported metric of each run's incumbent: (runs,); None if nothing is reported.

        Without the benchmark, it is what the file has; ``nan`` if an older one does not.
        """
        if self.report is None or self.many:
            return None
        if self.missing_store and "benchmark" not in vars(result):
            assert isinstance(self.problem, StoredProblem)
            values = self.problem.reported(result.incumbents, self.report)
            return np.where(np.isfinite(result.incumbent_values), values, np.nan)
        dataset, metric, epochs = self.report
        return result.best(metric, dataset=dataset, epochs=epochs)

    def best_reported(self) -> float:
        """The best value of the reported metric in the whole table, minimised."""
        assert self.report is not None
        assert isinstance(self.problem, TabularProblem)
        dataset, metric, epochs = self.report
        bench = self.problem.bench
        values = bench.query(bench.architectures, metric, dataset=dataset, epochs=epochs)
        return float(np.nanmin(bench.metric(metric, dataset).minimised(values)))

    def trains_partly(self, name: str) -> bool:
        """Whether an algorithm evaluates at several epoch budgets."""
        cls = ALGORITHMS.get(self.results[name].algorithm)
        return cls is not None and cls.needs_budgets

    def finals(self) -> dict[str, NDArray[np.float64]]:
        """The final values of every result by name: (runs,) each."""
        return {name: self.final(result) for name, result in self.results.items()}
