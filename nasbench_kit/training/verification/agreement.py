"""Statistical tests of whether a table's values and new trainings agree. Arrays in, p values out.

Single entries are tested by a moderated t test (Smyth 2004, Statistical Applications in Genetics and Molecular Biology
3(1)): a few seeds say little about the spread of a network, so its variance is shrunk towards that of networks of
similar accuracy. A sample as a whole is tested by a permutation test (Fisher): if the table is right, stored and new
values of an entry come from the same distribution, and all permutations of them are equally likely.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace

import numpy as np
import scipy  # whose parts are imported when they are first used
from numpy.typing import NDArray

__all__ = [
    "EntryComparison",
    "SampleComparison",
    "Spread",
    "compare_entries",
    "compare_sample",
    "holm",
    "measure_spread",
]

Floats = NDArray[np.float64]

NEIGHBOURS = 200  # networks of similar accuracy that the prior variance is estimated from
STRIDE = 20
FEWEST = 5  # minimum number of values, and of entries, for statistics over several
ARRANGEMENTS = 2000  # permutations of one entry that are enumerated; beyond that they are sampled
FREEDOMS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 40.0, 100.0)
ALLOWANCE = 1.35  # tolerated drop in log-likelihood: a one-sided test at 5 %
UNLIKE = 0.01  # p value below which a network's spread counts as different from that of its neighbours
EXCHANGES = 10_000  # permutations of a sample
EQUIVALENCE = 0.05  # level of each of the two one-sided tests


@dataclass(frozen=True)
class Spread:
    """How much trainings of the same network differ, as a function of accuracy.

    Attributes
    ----------
    levels : ndarray, shape (n,)
        Mean accuracy of each network with several trainings, ascending.
    variances : ndarray, shape (n,)
        Variance between its trainings, divided by the trend.
    degrees : ndarray, shape (n,)
        Degrees of freedom: its number of trainings minus one.
    floor : float
        The minimum variance, that of rounding to a whole number of images.
    trend : tuple of float
        Intercept and slope of log variance as a linear function of log(error in percent + 1).
    shared : float
        Variance of the seed effects shared by all networks, in units of the spread.
    """

    levels: Floats
    variances: Floats
    degrees: Floats
    floor: float
    trend: tuple[float, float] = (0.0, 0.0)
    shared: float = 0.0
    _priors: dict[tuple[int, int], tuple[float, float]] = field(default_factory=dict, repr=False, compare=False)

    def near(self, level: float) -> slice:
        """Return the slice of networks with an accuracy near this level."""
        count = min(NEIGHBOURS, len(self.levels))
        first = int(np.searchsorted(self.levels, level)) - count // 2
        first = min(max(first, 0), len(self.levels) - count)
        first -= first % STRIDE  # close levels share their neighbours, so that one fit serves them all
        return slice(first, first + count)

    def expected(self, levels: Floats) -> Floats:
        """Return the trend's variance at accuracy levels in percent."""
        found: Floats = np.exp(self.trend[0] + self.trend[1] * _log_error(levels))
        return found

    def scale(self, level: float) -> float:
        """Return the typical standard deviation at a level, or 1 if nothing is known."""
        if not len(self.levels):
            return 1.0
        near = self.near(level)
        usual = np.average(self.variances[near], weights=self.degrees[near]) * self.expected(np.array(level))
        return math.sqrt(max(float(usual), self.floor))

    def prior(self, level: float) -> tuple[float, float]:
        """Return the variance and degrees of freedom of the prior for variances at a level.

        Variances are modelled as draws of ``variance * F(degrees of each, degrees)`` (Smyth 2004, section 3). Of the
        degrees of freedom not rejected by a likelihood ratio test, the smallest are used, which is conservative when there
        are few variances. The degrees of freedom are 0 if there are too few variances to fit.
        """
        near = self.near(level)
        if (near.start, near.stop) not in self._priors:
            self._priors[near.start, near.stop] = self._fitted(near)
        variance, freedom = self._priors[near.start, near.stop]
        return max(variance * float(self.expected(np.array(level))), self.floor), freedom

    def _fitted(self, near: slice) -> tuple[float, float]:
        expected = self.expected(self.levels[near])
        variances, degrees = np.maximum(self.variances[near], self.floor / expected), self.degrees[near]
        if len(variances) < FEWEST:
            return 0.0, 0.0

        usual = math.log(float(np.average(variances, weights=degrees)))
        fits = []
        for freedom in FREEDOMS:
            # the logarithm of the density of F, its constants apart: `scipy.stats.f.logpdf` mostly checks its arguments
            first = freedom / 2 * math.log(freedom) + degrees / 2 * np.log(degrees)
            last = np.asarray(scipy.special.betaln(degrees / 2, freedom / 2), dtype=np.float64)

            def unlikely(size: float, m: float = freedom, first: Floats = first, last: Floats = last) -> float:
                x, n = variances / math.exp(size), degrees
                powers = scipy.special.xlogy(n / 2 - 1, x)
                densities = first + powers - ((n + m) / 2 * np.log(m + n * x) + last)
                return len(variances) * size - float(densities.sum())

            found = scipy.optimize.minimize_scalar(unlikely, bounds=(usual - 4, usual + 2), method="bounded")
            fits.append((float(found.fun), math.exp(found.x), freedom))
        best = min(fits)[0]
        return next((variance, freedom) for value, variance, freedom in fits if value <= best + ALLOWANCE)


def measure_spread(trials: Floats, step: float) -> Spread:
    """Measure the spread of a table, or of new trainings if the table has single values.

    Parameters
    ----------
    trials : ndarray, shape (n, seeds)
        ``nan`` where a training is missing. Rows with fewer than two values are ignored.
    step : float
        Accuracy difference of a single image, in percentage points.

    Returns
    -------
    Spread
    """
    counts = (~np.isnan(trials)).sum(axis=1)
    kept, degrees = trials[counts > 1], counts[counts > 1] - 1.0
    if not len(kept):
        return Spread(np.empty(0), np.empty(0), np.empty(0), step**2 / 12)
    levels, variances = np.nanmean(kept, axis=1), np.nanvar(kept, axis=1, ddof=1)
    order = np.argsort(levels, kind="stable")
    kept, levels, variances, degrees = kept[order], levels[order], variances[order], degrees[order]
    least = step**2 / 12
    trend = (0.0, 0.0)
    if np.ptp(_log_error(levels)) > 0:
        slope, intercept = np.polyfit(_log_error(levels), np.log(np.maximum(variances, least)), 1)
        trend = float(intercept), float(slope)
    spread = Spread(levels, variances, degrees, least, trend)
    spread = replace(spread, variances=variances / spread.expected(levels))
    return replace(spread, shared=_shared(kept, spread))


def _log_error(levels: Floats) -> Floats:
    found: Floats = np.log(np.maximum(101.0 - levels, 1.0))
    return found


def _shared(trials: Floats, spread: Spread) -> float:
    """Return the variance of the seed effects: how much more seed means over all networks differ than by chance."""
    complete = ~np.isnan(trials).any(axis=1)
    if complete.sum() < NEIGHBOURS:
        return 0.0
    sums = np.cumsum(np.concatenate([[0.0], spread.variances]))
    near = [spread.near(level) for level in spread.levels[complete]]
    local = np.array([(sums[window.stop] - sums[window.start]) / (window.stop - window.start) for window in near])
    usual = np.maximum(local * spread.expected(spread.levels[complete]), spread.floor)
    scaled = trials[complete] / np.sqrt(usual)[:, np.newaxis]
    return max(0.0, float(scaled.mean(axis=0).var(ddof=1)) - 1 / int(complete.sum()))


@dataclass(frozen=True)
class EntryComparison:
    """Comparison of each entry on its own; arrays of shape (n,), ``nan`` where undefined.

    Attributes
    ----------
    difference : ndarray
        Mean of the new trainings minus mean of the table.
    error : ndarray
        Standard error of the difference.
    degrees : ndarray
        Degrees of freedom of the t distribution.
    p : ndarray
        Probability of a difference at least as large if the table is right.
    low, high : ndarray
        The 90 % interval of the difference. If it lies within a margin, two one-sided tests at 5 % show equivalence.
    """

    difference: Floats
    error: Floats
    degrees: Floats
    p: Floats
    low: Floats
    high: Floats

    def tolerance(self, level: float) -> Floats:
        """Return the smallest difference for which ``p`` is below a level."""
        found: Floats = self.error * scipy.stats.t.isf(level / 2, self.degrees)
        return found


def compare_entries(table: Floats, measured: Floats, spread: Spread) -> EntryComparison:
    """Apply the moderated t test to every entry.

    If the trainings of a network differ far more than those of its neighbours, only its own spread is used (following
    Phipson et al. 2016, Annals of Applied Statistics 10(2)). Otherwise a single diverging training would contradict a
    correct table.

    Parameters
    ----------
    table : ndarray, shape (n, stored seeds)
        ``nan`` where the table has no value.
    measured : ndarray, shape (n, new seeds)
    spread : Spread

    Returns
    -------
    EntryComparison
    """
    n = len(table)
    difference, error, degrees = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    for i in range(n):
        old, new = table[i][~np.isnan(table[i])], measured[i]
        if not len(old):
            continue
        difference[i] = new.mean() - old.mean()
        variance, freedom = spread.prior(float(np.concatenate([old, new]).mean()))
        own = len(old) + len(new) - 2
        if own + freedom == 0:
            continue
        squares = ((old - old.mean()) ** 2).sum() + ((new - new.mean()) ** 2).sum()
        if own and freedom and scipy.stats.f.sf(squares / own / variance, own, freedom) < UNLIKE:
            freedom = 0.0  # a training has diverged: the neighbours say nothing about this network
        pooled = max((freedom * variance + squares) / (freedom + own), spread.floor)
        error[i], degrees[i] = math.sqrt(pooled * (1 / len(old) + 1 / len(new))), freedom + own
    with np.errstate(invalid="ignore"):
        p = 2 * np.asarray(scipy.stats.t.sf(np.abs(difference) / error, degrees))
        reach = error * scipy.stats.t.isf(EQUIVALENCE, degrees)
    return EntryComparison(difference, error, degrees, p, difference - reach, difference + reach)


@dataclass(frozen=True)
class SampleComparison:
    """Comparison of a sample as a whole.

    Attributes
    ----------
    shift : float
        Mean difference, new trainings minus table, with entries weighted by the inverse of their typical spread.
    reach : float
        Half-width of the 90 % interval of the shift.
    correlation : float
        Spearman's rank correlation between the means of the table and of the new trainings.
    expected_correlation : float
        Median of the correlation over permutations.
    scatter : float
        Root mean square of the differences, in units expected from the typical spread.
    spread : float
        Geometric mean over the entries of the ratio of standard deviations, new trainings to table. ``nan`` if one side
        has single values.
    p : dict of str to float
        p values of ``shift`` (two-sided), ``order`` (correlation too low), ``scatter`` (squared differences too large)
        and ``spread`` (ratio of standard deviations, two-sided). ``nan`` if there are too few values.
    """

    shift: float
    reach: float
    correlation: float
    expected_correlation: float
    scatter: float
    spread: float
    p: dict[str, float]


def compare_sample(
    table: Floats, measured: Floats, spread: Spread, rng: np.random.Generator, *, exchanges: int = EXCHANGES
) -> SampleComparison:
    """Test a sample by permuting stored and new values within its entries.

    The tests are valid for any distribution of the values. Only the part of the shift shared by all trainings with the
    same seed is not exchangeable; it is modelled by normal noise with the variance observed in the table.

    Parameters
    ----------
    table : ndarray, shape (n, stored seeds)
        ``nan`` where the table has no value.
    measured : ndarray, shape (n, new seeds)
    spread : Spread
    rng : numpy.random.Generator
    exchanges : int
        Number of permutations.

    Returns
    -------
    SampleComparison
    """
    known = ~np.isnan(table).all(axis=1)
    rows = [(old[~np.isnan(old)], new) for old, new in zip(table[known], measured[known], strict=True)]
    n = len(rows)
    if n < FEWEST:
        nothing = dict.fromkeys(("shift", "order", "scatter", "spread"), np.nan)
        return SampleComparison(np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, nothing)
    old_means, new_means = np.empty((n, exchanges + 1)), np.empty((n, exchanges + 1))
    scatter, ratio = np.zeros(exchanges + 1), np.zeros(exchanges + 1)
    scales = np.array([spread.scale(float(np.concatenate(row).mean())) for row in rows])
    tell_spread = [min(len(old), len(new)) > 1 for old, new in rows]
    for i, (old, new) in enumerate(rows):
        values = np.concatenate([old, new])
        first = _arrangements(len(values), len(old), rng)
        chosen = first[np.concatenate([[0], rng.integers(len(first), size=exchanges)])]
        sums, squares = chosen @ values, chosen @ values**2
        rest, rest_squares = values.sum() - sums, (values**2).sum() - squares
        k, m = len(old), len(new)
        old_means[i], new_means[i] = sums / k, rest / m
        scatter += ((new_means[i] - old_means[i]) / scales[i]) ** 2 / (1 / k + 1 / m)
        if tell_spread[i]:
            # adding a share of the typical variance limits the influence of values that are equal by chance
            least = scales[i] ** 2 / 10 + spread.floor
            old_variance = np.maximum(squares - sums**2 / k, 0) / (k - 1)
            new_variance = np.maximum(rest_squares - rest**2 / m, 0) / (m - 1)
            ratio += np.log((new_variance + least) / (old_variance + least))
    weights = 1 / scales / (1 / scales).sum()
    shifts = weights @ (new_means - old_means)
    counts = 1 / np.mean([len(old) for old, _ in rows]) + 1 / measured.shape[1]
    noise = rng.normal(0, math.sqrt(spread.shared * counts) * n / float((1 / scales).sum()), exchanges)
    null = np.abs(shifts[1:] + noise)
    correlations = _correlations(old_means, new_means)
    p = {
        "shift": _p(null, abs(shifts[0])),
        "order": _p(-correlations[1:], -correlations[0]),
        "scatter": _p(scatter[1:], scatter[0]),
        "spread": np.nan,
    }
    if sum(tell_spread) >= FEWEST:
        p["spread"] = min(1.0, 2 * min(_p(ratio[1:], ratio[0]), _p(-ratio[1:], -ratio[0])))
    return SampleComparison(
        shift=float(shifts[0]),
        reach=float(np.quantile(null, 1 - 2 * EQUIVALENCE)),
        correlation=float(correlations[0]),
        expected_correlation=float(np.median(correlations[1:])),
        scatter=math.sqrt(scatter[0] / n),
        spread=math.exp(ratio[0] / sum(tell_spread) / 2) if any(tell_spread) else np.nan,
        p=p,
    )


def holm(p: Floats) -> Floats:
    """Adjust p values for multiple testing, controlling the family-wise error rate (Holm 1979).

    ``nan`` means no test, and stays ``nan``.
    """
    adjusted = np.full(len(p), np.nan)
    tests = np.flatnonzero(~np.isnan(p))
    order = tests[np.argsort(p[tests], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def _arrangements(values: int, taken: int, rng: np.random.Generator) -> Floats:
    """Return masks of the values taken as the table's, (arrangements, values) of 0 and 1, the actual ones first."""
    if math.comb(values, taken) <= ARRANGEMENTS:
        sets = np.array(list(itertools.combinations(range(values), taken)))
    else:
        random = rng.random((ARRANGEMENTS, values)).argsort(axis=1)[:, :taken]
        sets = np.concatenate([np.arange(taken)[np.newaxis], random])
    chosen = np.zeros((len(sets), values))
    np.put_along_axis(chosen, sets, 1.0, axis=1)
    return chosen


def _correlations(x: Floats, y: Floats) -> Floats:
    """Return Spearman's rank correlation of two arrays by column, (columns,); 1 where all values are equal."""
    found = np.ones(x.shape[1])
    block = max(1, 1_000_000 // len(x))
    for start in range(0, x.shape[1], block):
        part = slice(start, start + block)
        a, b = (scipy.stats.rankdata(np.round(values[:, part], 9), axis=0) for values in (x, y))
        a, b = a - a.mean(axis=0), b - b.mean(axis=0)
        size = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
        found[part] = np.divide((a * b).sum(axis=0), size, out=np.ones(a.shape[1]), where=size > 0)
    return found


def _p(null: Floats, found: float) -> float:
    """Return the p value of a permutation test; the observed value counts as one of the permutations."""
    return float((1 + (null >= found - 1e-9).sum()) / (1 + len(null)))
