"""Predictions of a surrogate as objectives of a search."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.metrics import Metric, minimised
from nasbench_kit.problems import Evaluation, Problem, check_objectives, warn_of_test_data
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.surrogates.predictions import Predictions

__all__ = ["SurrogateProblem"]

TIME = "training_time"


class SurrogateProblem(Problem):
    """Metrics of a surrogate benchmark as objectives; created by ``SurrogateBenchmark.problem``.

    With ``seed="random"``, an evaluation answers with a member of the ensemble that is drawn from the run's own stream.
    The simulated time is the predicted ``training_time``; unknown without a model of it.
    """

    def __init__(
        self,
        bench: Predictions,
        metrics: tuple[Metric, ...],
        dataset: str,
        seed: int | Literal["mean", "random"],
        bounds: ArrayLike | None = None,
    ) -> None:
        self.objectives = tuple(metric.name for metric in metrics)
        check_objectives(self.objectives)
        for metric in metrics:
            metric.minimised(np.empty(0))  # so that a metric without a direction fails now, not during the search
        self.bench, self.space, self.dataset, self.seed = bench, bench.space, dataset, seed
        self._metrics = metrics
        self._bounds = self._minimised_bounds(bounds)
        warn_of_test_data(metrics, bench.name, stacklevel=3)

    def _minimised_bounds(self, bounds: ArrayLike | None) -> NDArray[np.float64] | None:
        """Bounds in the metrics' own units, best first, as bounds of the minimised objectives."""
        if bounds is None:
            return None
        given = np.asarray(bounds, dtype=np.float64)
        if given.shape != (2, len(self.objectives)):
            raise ValueError(f"bounds must have the shape (2, {len(self.objectives)}), not {given.shape}")
        found = minimised(given, self._metrics)
        if not (found[0] < found[1]).all():
            raise ValueError("bounds must be the best and the worst value of each objective, in that order")
        return found

    def __repr__(self) -> str:
        return f"<problem {', '.join(self.objectives)} on {self.bench.name}/{self.dataset}, a surrogate>"

    @property
    def objective_metrics(self) -> tuple[Metric, ...]:
        return self._metrics

    @property
    def bounds(self) -> NDArray[np.float64] | None:
        return self._bounds

    @property
    def noisy(self) -> bool:
        return self.seed == "random" and any(self.bench.seeds(self.dataset, name) for name in self.objectives)

    @property
    def source(self) -> dict[str, Any]:
        return {
            "surrogate": self.bench.name,
            "sha256": self.bench.info["sha256"],
            "dataset": self.dataset,
            "seed": self.seed,
        }

    def __call__(self, X: ArrayLike) -> NDArray[np.float64]:
        """Noise-free objective values (n, m): with ``seed="random"``, the mean of the members."""
        seed = "mean" if self.seed == "random" else self.seed
        values = self.bench.query(X, self.objectives, dataset=self.dataset, seed=seed)
        return minimised(values, self._metrics)

    def metrics(self, X: Genotypes) -> dict[str, NDArray[np.float64]]:
        names = self.bench.metrics(self.dataset)
        values = self.bench.query(X, names, dataset=self.dataset)
        return {name: values[:, i] for i, name in enumerate(names)}

    def evaluate(self, X: Genotypes, epochs: int | None = None, draws: NDArray[np.float64] | None = None) -> Evaluation:
        if self.noisy:
            if draws is None:
                raise ValueError(
                    f"{self!r} draws a member for every genotype: give draws=, one number in [0, 1) per genotype"
                )
            values = self.bench.drawn(X, self.objectives, self.dataset, draws)
        else:
            seed = "mean" if self.seed == "random" else self.seed
            values = self.bench.query(X, self.objectives, dataset=self.dataset, seed=seed)
        F = minimised(values, self._metrics)
        seconds = np.full(len(X), np.nan)
        if TIME in self.bench.metrics(self.dataset):
            seconds = self.bench.query(X, TIME, dataset=self.dataset)
        return Evaluation(np.where(np.isfinite(F), F, np.inf), seconds)
