"""Facts about a whole table that publications state, by name: extremes, counts, fronts, local optima."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.analysis.landscape import fitness_distance_correlation, strict_local_maxima
from nasbench_kit.benchmark import Benchmark
from nasbench_kit.metrics import minimised
from nasbench_kit.metrics.indicators import hypervolume

__all__ = ["FACTS", "Column", "FactKind"]


@dataclass(frozen=True)
class Column:
    """The metrics of a table that a fact is about, as means over the stored trials.

    Attributes
    ----------
    bench : Benchmark
    metrics : tuple of str
    dataset : str or None
    epochs : int or None
    threshold : float or None
    optimum : str or None
        The native form of the architecture that counts as the optimum; needed if several are equally good.
    ideal, nadir : tuple of float
        The value of each metric, in its own unit, that is 0 and 1 when scaled.
    reference : float
        The reference point in each scaled metric.
    """

    bench: Benchmark
    metrics: tuple[str, ...]
    dataset: str | None = None
    epochs: int | None = None
    threshold: float | None = None
    optimum: str | None = None
    ideal: tuple[float, ...] = ()
    nadir: tuple[float, ...] = ()
    reference: float = 1.0

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The first metric of every record, (n,)."""
        return self.bench.query(
            self.bench.architectures, self.metrics[0], dataset=self.dataset, epochs=self.epochs, seed="mean"
        )

    @property
    def others(self) -> NDArray[np.float64]:
        """The second metric of every record, (n,)."""
        return replace(self, metrics=self.metrics[1:]).values

    @cached_property
    def fitness(self) -> NDArray[np.float64]:
        """`values` as a gain to be maximised, (n,)."""
        return -self.bench.metric(self.metrics[0], self.dataset).minimised(self.values)


def best(column: Column) -> float:
    """The best value of the metric."""
    return float(column.values[np.nanargmax(column.fitness)])


def best_architecture(column: Column) -> tuple[str, ...]:
    """The native forms of the architectures with the best value, which may be several."""
    found = column.bench.architectures[column.fitness == np.nanmax(column.fitness)]
    return tuple(map(str, column.bench.space.decode(found)))


def mean_minus_best(column: Column) -> float:
    """The mean over all architectures minus the best value."""
    return float(np.nanmean(column.values) - best(column))


def architectures_as_good(column: Column) -> float:
    """The number of architectures whose value is the threshold or better."""
    assert column.threshold is not None
    limit = -column.bench.metric(column.metrics[0], column.dataset).minimised(np.array(column.threshold))
    return float((column.fitness >= limit).sum())


def front_points(column: Column) -> float:
    """The number of distinct points of the exact Pareto front of the metrics."""
    return float(len(column.bench.front(column.metrics, dataset=column.dataset, epochs=column.epochs)[1]))


def front_hypervolume(column: Column) -> float:
    """The hypervolume of the exact Pareto front, as a share of the box between the ideal and the reference point."""
    bench, dataset = column.bench, column.dataset
    metrics = [bench.metric(name, dataset) for name in column.metrics]
    _, values = bench.front(column.metrics, dataset=dataset, epochs=column.epochs)
    low, high = (minimised(np.array([point]), metrics)[0] for point in (column.ideal, column.nadir))
    if (high <= low).any():
        raise ValueError(f"nadir {list(column.nadir)} must be worse than ideal {list(column.ideal)} in each metric")
    reference = np.full(len(metrics), column.reference)
    return hypervolume((minimised(values, metrics) - low) / (high - low), reference) / float(reference.prod())


def spearman(column: Column) -> float:
    """Spearman's rank correlation of two metrics, over the architectures that have both."""
    return _rank_agreement(column)[0]


def kendall(column: Column) -> float:
    """Kendall's tau-b of two metrics, over the architectures that have both."""
    return _rank_agreement(column)[1]


def _rank_agreement(column: Column) -> tuple[float, float]:
    # half a second, which importing the package does not take
    from nasbench_kit.metrics.rank_correlation import rank_agreement

    return rank_agreement(column.values, column.others)


def strict_local_optima(column: Column) -> float:
    """The number of architectures that are better than all that differ in one gene; see `strict_local_maxima`."""
    return float(strict_local_maxima(column.bench.space, column.bench.architectures, column.fitness).sum())


def distance_correlation(column: Column) -> float:
    """Correlation of the metric with the distance to the optimum; see `fitness_distance_correlation`."""
    optimum = None if column.optimum is None else column.bench.space.encode([column.optimum])[0]
    return fitness_distance_correlation(column.bench.architectures, column.fitness, optimum)


@dataclass(frozen=True)
class FactKind:
    """How a fact is computed, and what it needs to be told.

    Attributes
    ----------
    compute : callable
        A `Column` to a number; for ``text``, to the names that are right.
    needs, takes : tuple of str
        The attributes of `Column` that must and may be given, besides metrics, dataset and epochs.
    text : bool
        Whether the answer is a name.
    many : bool
        Whether the fact is about several metrics.
    """

    compute: Callable[[Column], float | tuple[str, ...]]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    text: bool = False
    many: bool = False


#: The quantities that a recipe can state of a table.
FACTS: dict[str, FactKind] = {
    "best": FactKind(best),
    "best_architecture": FactKind(best_architecture, text=True),
    "mean_minus_best": FactKind(mean_minus_best),
    "architectures_as_good": FactKind(architectures_as_good, needs=("threshold",)),
    "front_points": FactKind(front_points, many=True),
    "front_hypervolume": FactKind(front_hypervolume, needs=("ideal", "nadir"), takes=("reference",), many=True),
    "spearman": FactKind(spearman, many=True),
    "kendall": FactKind(kendall, many=True),
    "strict_local_optima": FactKind(strict_local_optima),
    "distance_correlation": FactKind(distance_correlation, takes=("optimum",)),
}
