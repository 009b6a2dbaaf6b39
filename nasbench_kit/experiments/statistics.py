"""Statistics over the runs of several algorithms: location, spread, ranks, and significance of differences."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import UnknownName
from nasbench_kit.experiments.bootstrap import difference_interval, mean_interval

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SIGNIFICANT", "TEST", "compare_samples", "holm", "pairwise", "summarise", "vargha_delaney"]

SIGNIFICANT = 0.05
EXACT = 8  # runs up to which Mann-Whitney's distribution is enumerated, ties included
ALL = math.comb(2 * EXACT, EXACT)  # assignments of ranks: with this many resamples all of them are enumerated
TEST = "Brunner-Munzel and Mann-Whitney, Holm"


def vargha_delaney(x: ArrayLike, y: ArrayLike) -> float:
    """The probability that a value of x is below one of y, with ties counted half.

    Vargha and Delaney 2000, "A critique and improvement of the CL common language effect size statistics", where it is
    called A12 for values that are maximised.

    Parameters
    ----------
    x, y : array_like of float, shape (n,) and (m,)
        Minimised; ``inf`` counts as the worst value.

    Returns
    -------
    float
        0.5 if neither is better.

    Examples
    --------
    >>> vargha_delaney([1, 2], [2, 3])
    0.875
    """
    import scipy.stats  # half a second, which importing the package does not take

    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    ranks = scipy.stats.rankdata(np.concatenate([b, a]))
    return float((ranks[: len(b)].mean() - (len(b) + 1) / 2) / len(a))


def compare_samples(x: ArrayLike, y: ArrayLike) -> float:
    """The two-sided p-value for the null hypothesis that a run of one is better than a run of the other half of the time.

    The larger p-value of two rank tests. Brunner and Munzel's (2000, "The nonparametric Behrens-Fisher
    problem") allows for different spreads and for ties, but rejects too often at the small levels that a correction for
    many tests asks for, below some 50 runs. Mann and Whitney's U test does not, but takes the spreads to be equal: it
    rejects up to 9 % instead of 5 % where they differ. To reject only where both do keeps the level in either case. Up to 8
    runs the U test is exact, ties included; above it is the normal approximation with the correction for ties.

    Parameters
    ----------
    x, y : array_like of float, shape (n,) and (m,)
        Without ``nan``; ``inf`` is the worst value.

    Returns
    -------
    float
        ``nan`` if either sample has fewer than two values.
    """
    import scipy.stats  # half a second, which importing the package does not take

    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if min(len(a), len(b)) < 2:
        return float("nan")
    ranks = scipy.stats.rankdata(np.concatenate([a, b]))
    if ranks.min() == ranks.max():
        return 1.0
    first, second = ranks[: len(a)], ranks[len(a) :]
    if max(len(a), len(b)) > EXACT:
        whitney = scipy.stats.mannwhitneyu(first, second, method="asymptotic").pvalue
    elif len(np.unique(ranks)) == len(ranks):
        whitney = scipy.stats.mannwhitneyu(first, second, method="exact").pvalue
    else:
        whitney = scipy.stats.permutation_test(
            (first, second),
            lambda u, v, axis: u.mean(axis=axis) - v.mean(axis=axis),
            n_resamples=ALL,
            vectorized=True,
        ).pvalue
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # if all values of one sample lie below all of the other
        munzel = scipy.stats.brunnermunzel(first, second).pvalue
    return float(np.nanmax([whitney, munzel]))


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """P-values corrected for multiple testing: the family-wise error rate stays below the level.

    Holm 1979, "A simple sequentially rejective multiple test procedure".

    Parameters
    ----------
    p : array_like of float, shape (tests,)
        ``nan`` for tests that were not made; they do not count.

    Returns
    -------
    ndarray of float64, shape (tests,)

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    raw = np.asarray(p, dtype=np.float64)
    order = np.argsort(raw, kind="stable")[: np.count_nonzero(~np.isnan(raw))]
    corrected = np.full(len(raw), np.nan)
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(raw[order] * factors), 1.0)
    return corrected


def pairwise(samples: Mapping[str, ArrayLike], *, maximise: bool, baseline: str | None = None) -> pd.DataFrame:
    """Compare every pair of algorithms, or each algorithm with a baseline.

    Parameters
    ----------
    samples : mapping of str to array_like of float, shape (runs,)
        The final value of each run; runs of different algorithms are independent. A run with an infinite or ``nan`` value
        failed, which is worse than any value.
    maximise : bool
        Whether higher is better.
    baseline : str, optional
        Compare with this algorithm only: fewer tests, hence more power. Choose it before looking at the results.

    Returns
    -------
    pandas.DataFrame
        One row per pair: ``a``, ``b``; ``difference`` (mean of a less that of b) with its 95 % interval ``low`` and ``high``
        (BCa bootstrap), all ``nan`` if a run failed, since a mean without the failures would be biased; ``a12``, the
        probability that a run of a is better than one of b (`vargha_delaney`); ``p`` (`compare_samples`, corrected by
        `holm` over all rows), ``nan`` for a single run; ``better``, which one is where p < 0.05, else empty; ``test``, the
        test's name.

    Raises
    ------
    UnknownName
        The baseline does not exist.
    """
    import pandas as pd

    if baseline is not None and baseline not in samples:
        raise UnknownName("algorithm", baseline, samples)
    loss = {name: _loss(sample, maximise) for name, sample in samples.items()}
    names = list(loss)
    if baseline is None:
        pairs = list(itertools.combinations(names, 2))
    else:
        pairs = [(name, baseline) for name in names if name != baseline]
    corrected = holm([compare_samples(loss[a], loss[b]) for a, b in pairs])
    rows = []
    for (a, b), p in zip(pairs, corrected, strict=True):
        x, y = loss[a], loss[b]
        difference, low, high = float("nan"), float("nan"), float("nan")
        if len(x) and len(y) and np.isfinite(x).all() and np.isfinite(y).all():
            x, y = (-x, -y) if maximise else (x, y)
            difference = float(x.mean() - y.mean())
            low, high = difference_interval(x, y)
        a12 = vargha_delaney(loss[a], loss[b])
        better = "" if not p < SIGNIFICANT else a if a12 > 0.5 else b
        rows.append((a, b, difference, low, high, a12, p, better, "none: a single run" if np.isnan(p) else TEST))
    return pd.DataFrame(
        rows, columns=pd.Index(["a", "b", "difference", "low", "high", "a12", "p", "better", "test"])
    ).astype(dict.fromkeys(("difference", "low", "high", "a12", "p"), float))


def summarise(samples: Mapping[str, ArrayLike], *, maximise: bool, baseline: str | None = None) -> pd.DataFrame:
    """One row per algorithm, the best first.

    Parameters
    ----------
    samples, maximise, baseline
        As in `pairwise`.

    Returns
    -------
    pandas.DataFrame
        Indexed by algorithm. ``n`` of the ``runs`` have a value; ``mean``, ``sd``, ``low`` and ``high`` (95 % interval of
        the mean, BCa bootstrap) are of those. ``median`` is of all runs, infinite where half of them failed. ``beats`` is
        the probability that a run is better than one of another algorithm, equal ones counted half: the mean of its A12
        against each of the others. ``rank`` is by that; equals share the lower. ``p`` (from `pairwise`) and ``verdict``
        ("better", "worse", "n.s." or "one run") are against the baseline, whose own verdict is "baseline"; where there
        is none, against the first row, whose verdict is "first", corrected for all pairs since it was not chosen
        beforehand.
    """
    import pandas as pd
    import scipy.stats  # half a second, which importing the package does not take

    pairs = pairwise(samples, maximise=maximise, baseline=baseline)
    values = {name: np.asarray(sample, dtype=np.float64) for name, sample in samples.items()}
    loss = {name: _loss(sample, maximise) for name, sample in values.items()}
    beats = {
        name: float(np.mean([vargha_delaney(loss[name], loss[other]) for other in loss if other != name] or [np.nan]))
        for name in loss
    }
    order = sorted(loss, key=lambda name: -np.nan_to_num(beats[name]))
    rank = scipy.stats.rankdata([-np.round(np.nan_to_num(beats[name]), 12) for name in order], method="min")
    reference = order[0] if baseline is None else baseline
    rows = []
    for name, place in zip(order, rank, strict=True):
        known = values[name][np.isfinite(values[name])]
        low, high = mean_interval(known)
        p, verdict = _against(pairs, name, reference, "first" if baseline is None else "baseline")
        median = float(np.median(loss[name])) if len(loss[name]) else float("nan")
        rows.append(
            {
                "runs": len(values[name]),
                "n": len(known),
                "mean": float(known.mean()) if len(known) else float("nan"),
                "sd": float(known.std(ddof=1)) if len(known) > 1 else float("nan"),
                "median": -median if maximise else median,
                "low": float(low),
                "high": float(high),
                "beats": beats[name],
                "rank": int(place),
                "p": p,
                "verdict": verdict,
            }
        )
    return pd.DataFrame(rows, index=pd.Index(order, name="algorithm"))


def _loss(sample: ArrayLike, maximise: bool) -> NDArray[np.float64]:
    """Values to minimise, ``inf`` for failed runs."""
    x = np.asarray(sample, dtype=np.float64)
    return np.where(np.isfinite(x), -x if maximise else x, np.inf)


def _against(pairs: pd.DataFrame, name: str, reference: str, title: str) -> tuple[float, str]:
    """The p-value of an algorithm against the reference, and the verdict."""
    if name == reference:
        return float("nan"), title
    row = pairs[((pairs["a"] == name) & (pairs["b"] == reference)) | ((pairs["a"] == reference) & (pairs["b"] == name))]
    p, better = float(row["p"].iloc[0]), str(row["better"].iloc[0])
    if np.isnan(p):
        return p, "one run"
    return p, "n.s." if not better else "better" if better == name else "worse"
