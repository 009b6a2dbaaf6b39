"""Learning curves of a table, and how well the first epochs rank its networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.benchmark.benchmark import Benchmark
from nasbench_kit.metrics.learning_curves import last_value, mean_of_curve, power_law, training_speed
from nasbench_kit.metrics.rank_correlation import rank_agreement

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["curve_agreement", "curves"]


def curves(
    bench: Benchmark, X: ArrayLike, metric: str, *, dataset: str | None = None, until: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Learning curves of architectures, averaged over the stored seeds.

    Parameters
    ----------
    bench : Benchmark
        A table whose epoch budgets are points of a single training run. The budgets of NAS-Bench-101 and NAS-Bench-201
        are separate trainings with separate schedules, so their values do not form a curve.
    X : array_like of int, shape (n, genes)
    metric : str
    dataset : str, optional
    until : int, optional
        The last known epoch (default: all epochs).

    Returns
    -------
    epochs : ndarray of int, shape (e,)
    values : ndarray of float64, shape (n, e)
    """
    epochs = [epoch for epoch in bench.epochs(dataset, metric) if until is None or epoch <= until]
    if not epochs:
        raise ValueError(f"{bench.name} has no {metric} up to epoch {until}")
    values = [bench.query(X, metric, dataset=dataset, epochs=epoch) for epoch in epochs]
    return np.array(epochs), np.stack(values, axis=1)


def curve_agreement(
    bench: Benchmark, *, dataset: str | None = None, metric: str = "valid_accuracy", loss: str = "train_loss"
) -> pd.DataFrame:
    """Rank correlation of each estimator with the final metric, for every number of known epochs.

    Parameters
    ----------
    bench : Benchmark
        As in `curves`.
    dataset : str, optional
    metric : str
        The metric to estimate, at the largest budget.
    loss : str
        The loss that `training_speed` sums; that estimator is left out if the table does not have it.

    Returns
    -------
    pandas.DataFrame
        Columns ``estimator``, ``epochs``, ``share`` (fraction of a full training), ``spearman`` and ``kendall``. One
        row per estimator and budget below the largest.
    """
    import pandas as pd

    X = bench.architectures
    epochs, values = curves(bench, X, metric, dataset=dataset)
    final, rows = values[:, -1], []
    for i, epoch in enumerate(epochs[:-1].tolist(), start=1):
        known = values[:, :i]
        estimates = {
            "last value": last_value(known),
            "mean of curve": mean_of_curve(known),
            "power law": power_law(known, epochs[:i], float(epochs[-1])),
        }
        if loss in bench.metrics(dataset):
            losses = curves(bench, X, loss, dataset=dataset, until=epoch)[1]
            estimates["training speed"] = training_speed(losses)
            estimates["training speed, last epoch"] = training_speed(losses, last=1)
        for name, estimate in estimates.items():
            rho, tau = rank_agreement(estimate, final)
            rows.append((name, epoch, epoch / epochs[-1], rho, tau))
    return pd.DataFrame(rows, columns=["estimator", "epochs", "share", "spearman", "kendall"])
