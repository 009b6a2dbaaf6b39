"""How far rankings of the architectures agree: between epoch budgets, between datasets, between validation and test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.analysis.columns import Columns
from nasbench_kit.metrics import Metric
from nasbench_kit.metrics.rank_correlation import rank_agreement

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["between_budgets", "between_datasets", "between_splits", "with_quality"]

MOST_BUDGETS = 8  # compared in pairs; of a longer learning curve, this many points on a logarithmic grid


def between_budgets(columns: Columns) -> pd.DataFrame:
    """Rank correlation of each metric between epoch budgets.

    Parameters
    ----------
    columns : Columns

    Returns
    -------
    pandas.DataFrame
        Columns ``dataset``, ``metric``, ``epochs``, ``more_epochs``, ``architectures`` (with both values), ``spearman``,
        ``kendall``. If a metric has more than 8 budgets, 8 of them on a logarithmic grid are compared, the smallest and
        the largest among them.
    """
    rows = []
    for dataset, metric in _measured(columns):
        for fewer, more in combinations(_chosen(columns.bench.epochs(dataset, metric.name)), 2):
            x, y = (columns.fitness(dataset, metric.name, epochs) for epochs in (fewer, more))
            rows.append((dataset, metric.name, fewer, more, *_agreement(x, y)))
    return _frame(rows, "dataset", "metric", "epochs", "more_epochs")


def between_datasets(columns: Columns) -> pd.DataFrame:
    """Rank correlation of each measure of quality between datasets, at its largest budget.

    Parameters
    ----------
    columns : Columns

    Returns
    -------
    pandas.DataFrame
        Columns ``dataset``, ``metric``, ``other_dataset``, ``other_metric``, ``architectures``, ``spearman``,
        ``kendall``. Metrics are compared if they have the same name, or, where a dataset has no metric of that name, if
        they have the same data split. Both are turned so that more is better.
    """
    rows = []
    for one, other in combinations(columns.datasets, 2):
        for mine in columns.qualities(one):
            for theirs in _counterparts(mine, columns.qualities(other), columns.qualities(one)):
                x, y = columns.fitness(one, mine.name), columns.fitness(other, theirs.name)
                rows.append((one, mine.name, other, theirs.name, *_agreement(x, y)))
    return _frame(rows, "dataset", "metric", "other_dataset", "other_metric")


def between_splits(columns: Columns) -> pd.DataFrame:
    """Rank correlation between validation and test metrics of the same dataset, each at its largest budget.

    Parameters
    ----------
    columns : Columns

    Returns
    -------
    pandas.DataFrame
        Columns ``dataset``, ``valid``, ``test`` (names of metrics), ``architectures``, ``spearman``, ``kendall``. Both
        are turned so that more is better.
    """
    rows = []
    for dataset in columns.datasets:
        qualities = columns.qualities(dataset)
        for valid in (metric for metric in qualities if metric.split == "valid"):
            for test in (metric for metric in qualities if metric.split == "test"):
                x, y = columns.fitness(dataset, valid.name), columns.fitness(dataset, test.name)
                rows.append((dataset, valid.name, test.name, *_agreement(x, y)))
    return _frame(rows, "dataset", "valid", "test")


def with_quality(columns: Columns) -> pd.DataFrame:
    """Rank correlation of costs and training-free proxies with every measure of quality, at the largest budget.

    Parameters
    ----------
    columns : Columns

    Returns
    -------
    pandas.DataFrame
        Columns ``dataset``, ``metric``, ``kind`` (``"cost"``, ``"proxy"`` or ``"other"``), ``quality``, ``architectures``,
        ``spearman``, ``kendall``. The metric is taken as it is and the quality turned so that more is better: a positive
        correlation means that networks with more of it are better.
    """
    rows = []
    for dataset in columns.datasets:
        for metric in columns.predictors(dataset):
            for quality in columns.qualities(dataset):
                x, y = columns.values(dataset, metric.name), columns.fitness(dataset, quality.name)
                rows.append((dataset, metric.name, columns.kind(metric, dataset), quality.name, *_agreement(x, y)))
    return _frame(rows, "dataset", "metric", "kind", "quality")


def _measured(columns: Columns) -> Iterator[tuple[str, Metric]]:
    """The metrics whose budgets are compared: all with a direction, except costs and proxies."""
    for dataset in columns.datasets:
        left_out = set(columns.predictors(dataset))
        yield from ((dataset, metric) for metric in columns.directed(dataset) if metric not in left_out)


def _chosen(budgets: tuple[int, ...]) -> list[int]:
    if len(budgets) <= MOST_BUDGETS:
        return list(budgets)
    grid = np.geomspace(1, len(budgets), MOST_BUDGETS).round().astype(int)
    return [budgets[i - 1] for i in dict.fromkeys(grid.tolist())]


def _counterparts(metric: Metric, theirs: list[Metric], mine: list[Metric]) -> list[Metric]:
    same = [other for other in theirs if other.name == metric.name]
    if same:
        return same
    shared = {other.name for other in mine}
    return [other for other in theirs if other.split == metric.split and other.name not in shared]


def _agreement(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[int, float, float]:
    """The number of architectures with both values, Spearman's rho and Kendall's tau-b."""
    return int((~(np.isnan(x) | np.isnan(y))).sum()), *rank_agreement(x, y)


def _frame(rows: Sequence[tuple[object, ...]], *names: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=[*names, "architectures", "spearman", "kendall"])
