"""Ranks of algorithms over several problems: Friedman's test, critical differences, and post-hoc tests.

Demsar 2006, Statistical comparisons of classifiers over multiple data sets (JMLR 7).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import UnknownName
from nasbench_kit.experiments.statistics import SIGNIFICANT, holm

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Friedman", "critical_difference", "friedman", "posthoc", "ranks_of"]


@dataclass(frozen=True)
class Friedman:
    """Friedman's test of the hypothesis that all algorithms are equally good.

    Attributes
    ----------
    statistic : float
        Iman and Davenport's F, which is less conservative than Friedman's chi-squared.
    p : float
        Never below the probability that all problems have the same order by chance; ``nan`` for a single problem.
    problems, algorithms : int
    critical_difference : float
        Mean ranks that differ by at least this much differ significantly (Nemenyi, 5 %); ``nan`` for a single problem.
    """

    statistic: float
    p: float
    problems: int
    algorithms: int
    critical_difference: float


def ranks_of(scores: ArrayLike) -> NDArray[np.float64]:
    """The rank of each algorithm on each problem, 1 the best; equal ones share the mean.

    Parameters
    ----------
    scores : array_like of float, shape (problems, algorithms)
        Lower is better; ``inf`` is the worst.

    Returns
    -------
    ndarray of float64, shape (problems, algorithms)

    Examples
    --------
    >>> ranks_of([[0.1, 0.3, 0.1]]).tolist()
    [[1.5, 3.0, 1.5]]
    """
    import scipy.stats  # half a second, which importing the package does not take

    ranks: NDArray[np.float64] = scipy.stats.rankdata(np.asarray(scores, dtype=np.float64), axis=1)
    return ranks


def friedman(ranks: NDArray[np.float64]) -> Friedman:
    """Friedman's test with Iman and Davenport's correction, from ranks (problems, algorithms)."""
    import scipy.stats  # half a second, which importing the package does not take

    problems, algorithms = ranks.shape
    if problems < 2 or algorithms < 2:
        return Friedman(math.nan, math.nan, problems, algorithms, math.nan)
    # the statistic with ties, as in scipy.stats.friedmanchisquare, which wants three algorithms
    ties = sum(float((count**3 - count).sum()) for count in (np.unique(row, return_counts=True)[1] for row in ranks))
    correction = 1 - ties / (problems * (algorithms**3 - algorithms))
    if correction == 0:  # all are equal everywhere
        return Friedman(0.0, 1.0, problems, algorithms, critical_difference(problems, algorithms))
    sums = ranks.sum(axis=0)
    chi2 = 12 / (problems * algorithms * (algorithms + 1)) * float((sums**2).sum()) - 3 * problems * (algorithms + 1)
    chi2 /= correction
    rest = problems * (algorithms - 1) - chi2
    statistic = (problems - 1) * chi2 / rest if rest > 1e-9 else math.inf
    p = float(scipy.stats.f.sf(statistic, algorithms - 1, (algorithms - 1) * (problems - 1)))
    # where all problems agree, F is infinite; the same order by chance has this probability
    p = max(p, float(math.factorial(algorithms)) ** (1 - problems))
    return Friedman(statistic, p, problems, algorithms, critical_difference(problems, algorithms))


def critical_difference(problems: int, algorithms: int, level: float = SIGNIFICANT) -> float:
    """The difference of mean ranks from which on two algorithms differ significantly by Nemenyi's test.

    Examples
    --------
    >>> round(critical_difference(14, 4), 2)
    1.25
    """
    import scipy.stats  # half a second, which importing the package does not take

    q = float(scipy.stats.studentized_range.ppf(1 - level, algorithms, np.inf)) / math.sqrt(2)
    return q * math.sqrt(algorithms * (algorithms + 1) / (6 * problems))


def posthoc(mean_ranks: pd.Series, problems: int, baseline: str | None = None) -> pd.DataFrame:
    """Compare mean ranks of all pairs, or of each algorithm with a baseline, corrected by Holm.

    Parameters
    ----------
    mean_ranks : Series of float
        By algorithm.
    problems : int
    baseline : str, optional

    Returns
    -------
    pandas.DataFrame
        ``a``, ``b``, ``difference`` of the mean ranks, ``p`` (normal approximation, Demsar 2006, section 3.2.2, corrected by
        Holm over all rows), and ``better``, which one is where p < 0.05, else empty.

    Raises
    ------
    UnknownName
        The baseline does not exist.
    """
    import pandas as pd
    import scipy.stats  # half a second, which importing the package does not take

    names = [str(name) for name in mean_ranks.index]
    if baseline is not None and baseline not in names:
        raise UnknownName("algorithm", baseline, names)
    if baseline is None:
        pairs = list(itertools.combinations(names, 2))
    else:
        pairs = [(name, baseline) for name in names if name != baseline]
    error = math.sqrt(len(names) * (len(names) + 1) / (6 * problems))
    difference = np.array([float(mean_ranks[a] - mean_ranks[b]) for a, b in pairs])
    p = holm(2 * scipy.stats.norm.sf(np.abs(difference) / error)) if problems > 1 else np.full(len(pairs), np.nan)
    better = [
        "" if not value < SIGNIFICANT else a if gap < 0 else b
        for (a, b), gap, value in zip(pairs, difference, p, strict=True)
    ]
    columns = {
        "a": [a for a, _ in pairs],
        "b": [b for _, b in pairs],
        "difference": difference,
        "p": p,
        "better": better,
    }
    return pd.DataFrame(columns)
