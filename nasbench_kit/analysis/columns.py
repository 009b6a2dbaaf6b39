"""Columns of a table as the analyses see them: which metrics measure a trained network, and their values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark import Benchmark, Seed
from nasbench_kit.metrics import PROXY, Metric, known_metric
from nasbench_kit.spaces.genotypes import SMALL_SIZE

__all__ = ["Columns"]

COST_UNITS = frozenset({"s", "ms", "mJ", "count", "multiply-adds", "1e6 multiply-adds", "images/s"})


class Columns:
    """The metrics of a table, divided into measures of quality and the rest, with values of all its architectures.

    Parameters
    ----------
    bench : Benchmark
    datasets : tuple of str
        Those to be analysed.
    """

    def __init__(self, bench: Benchmark, datasets: tuple[str, ...]) -> None:
        self.bench, self.datasets = bench, datasets
        self._values: dict[tuple[str, str, int | None, Seed], NDArray[np.float64]] = {}

    def values(self, dataset: str, metric: str, epochs: int | None = None, seed: Seed = "mean") -> NDArray[np.float64]:
        """A metric of every record in its own unit, (n,); by default at its largest budget."""
        key = (dataset, metric, epochs, seed)
        if key not in self._values:
            bench = self.bench
            if bench.space.size > SMALL_SIZE and metric not in bench.costs(dataset):
                self._values[key] = bench.rows(metric, dataset, epochs, seed)[:-1]  # no look-up of every architecture
            else:
                self._values[key] = bench.query(bench.architectures, metric, dataset=dataset, epochs=epochs, seed=seed)
        return self._values[key]

    def fitness(self, dataset: str, metric: str, epochs: int | None = None, seed: Seed = "mean") -> NDArray[np.float64]:
        """A metric that has a direction, as a gain to be maximised, (n,)."""
        return -self.bench.metric(metric, dataset).minimised(self.values(dataset, metric, epochs, seed))

    def directed(self, dataset: str) -> list[Metric]:
        """The metrics of which it is known whether more or less is better; only these are ranked."""
        found = [self.bench.metric(name, dataset) for name in self.bench.metrics(dataset)]
        return [metric for metric in found if metric.direction is not None]

    def qualities(self, dataset: str) -> list[Metric]:
        """The metrics that say how good a trained network is, on validation or test data if there are any.

        Those with a data split; where no metric has one, those that are neither costs nor proxies.
        """
        directed = self.directed(dataset)
        for wanted in (("valid", "test"), ("train",)):
            found = [metric for metric in directed if metric.split in wanted]
            if found:
                return found
        return [metric for metric in directed if not self._is_cost(metric, dataset)]

    def predictors(self, dataset: str) -> list[Metric]:
        """Costs, proxies, and other metrics that are not measured on a data split."""
        qualities = set(self.qualities(dataset))
        return [metric for metric in self.directed(dataset) if metric not in qualities and metric.split is None]

    def _is_cost(self, metric: Metric, dataset: str) -> bool:
        named = known_metric(metric.name)
        known = named is not None and not named.depends_on_seed
        return known or metric.name in self.bench.costs(dataset) or metric.units in COST_UNITS

    def kind(self, metric: Metric, dataset: str) -> str:
        """What a predictor is: ``"proxy"``, the score of a training-free proxy, ``"cost"`` or ``"other"``."""
        if metric.name.startswith(PROXY):
            return "proxy"
        return "cost" if self._is_cost(metric, dataset) else "other"
