"""How much the training seed matters, beside the differences between architectures."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.analysis.columns import Columns
from nasbench_kit.metrics.rank_correlation import rank_agreement

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["noise_between_seeds"]

MOST_SEEDS = 5  # compared in pairs


def noise_between_seeds(columns: Columns) -> pd.DataFrame:
    """Compare trainings of the same architecture with different architectures.

    Parameters
    ----------
    columns : Columns

    Returns
    -------
    pandas.DataFrame
        One row per metric with a direction and budget of which several trials are stored. Columns ``dataset``,
        ``metric``, ``epochs``, ``seeds``, ``architectures`` (with at least two trials);

        ``sd_within``
            Standard deviation of the trials of one architecture, in the metric's unit: the square root of the mean of
            the unbiased variances.
        ``sd_between``
            Standard deviation of the architectures' true values: that of their means, less what their noise contributes.
        ``noise_share``
            The noise's share of the variance of a single trial, sd_within² / (sd_within² + sd_between²): one minus the intraclass
            correlation ICC(1) of Shrout and Fleiss 1979, Intraclass correlations (Psychological Bulletin 86).
        ``spearman``, ``kendall``
            Rank correlation between two seeds, averaged over the pairs of the first five seeds.
    """
    import pandas as pd

    bench, rows = columns.bench, []
    for dataset in columns.datasets:
        for metric in columns.directed(dataset):
            seeds = bench.seeds(dataset, metric.name)
            if len(seeds) < 2:
                continue
            for epochs in bench.epochs(dataset, metric.name) or (None,):
                trials = np.stack([columns.values(dataset, metric.name, epochs, seed) for seed in seeds], axis=1)
                several = int(((~np.isnan(trials)).sum(axis=1) > 1).sum())
                if several:
                    row = {"dataset": dataset, "metric": metric.name, "epochs": epochs, "seeds": len(seeds)}
                    rows.append({**row, "architectures": several, **_noise(trials), **_pairs(trials)})
    names = ["dataset", "metric", "epochs", "seeds", "architectures", "sd_within", "sd_between", "noise_share"]
    frame = pd.DataFrame(rows, columns=[*names, "spearman", "kendall"])
    return frame.astype({"epochs": "Int64"})


def _noise(trials: NDArray[np.float64]) -> dict[str, float]:
    """Standard deviations within and between architectures from trials (n, seeds), ``nan`` where there is none."""
    known = np.isfinite(trials)
    count = known.sum(axis=1)
    trials, known, count = trials[count > 1], known[count > 1], count[count > 1]
    if not len(trials):
        return {"sd_within": np.nan, "sd_between": np.nan, "noise_share": np.nan}
    mean = np.where(known, trials, 0).sum(axis=1) / count
    squares = np.where(known, trials - mean[:, np.newaxis], 0) ** 2
    variance = squares.sum(axis=1) / (count - 1)
    within = float(variance.mean())
    # the mean of k trials varies by the noise's variance / k, too
    between = max(float(mean.var(ddof=1) - (variance / count).mean()), 0.0) if len(mean) > 1 else np.nan
    total = within + between
    share = within / total if total else np.nan
    return {"sd_within": within**0.5, "sd_between": between**0.5, "noise_share": share}


def _pairs(trials: NDArray[np.float64]) -> dict[str, float]:
    pairs = combinations(range(min(trials.shape[1], MOST_SEEDS)), 2)
    found = np.array([rank_agreement(trials[:, i], trials[:, j]) for i, j in pairs])
    defined = found[~np.isnan(found).any(axis=1)]
    spearman, kendall = defined.mean(axis=0) if len(defined) else (np.nan, np.nan)
    return {"spearman": float(spearman), "kendall": float(kendall)}
