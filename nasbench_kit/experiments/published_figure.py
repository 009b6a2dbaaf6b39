"""A published figure, and how far ours may be from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["TEST", "PublishedFigure", "Tolerance", "beside_published", "verdict"]

TEST = "Welch's t"
Z = 1.96  # standard errors of a 95 % interval


@dataclass(frozen=True)
class PublishedFigure:
    """A figure as it is printed: a mean over runs, perhaps with its standard deviation, or a single value.

    Attributes
    ----------
    mean : float
    sd : float or None
    decimals : int
        The number of decimals that are printed.
    """

    mean: float
    sd: float | None = None
    decimals: int = 0

    @property
    def rounding(self) -> float:
        """Half a unit of the last digit that is printed."""
        return 0.5 * 10.0**-self.decimals


@dataclass(frozen=True)
class Tolerance:
    """How far from a published figure still agrees with it.

    Attributes
    ----------
    unit : {"sd", "relative", "absolute"}
        Published standard deviations, a share of the published figure, or the figure's own unit.
    value : float
    """

    unit: Literal["sd", "relative", "absolute"]
    value: float

    def margin(self, published: PublishedFigure) -> float:
        """The tolerance in the figure's own unit, with what rounding of the published figure hides."""
        unit = 1.0
        if self.unit == "sd":
            assert published.sd is not None
            unit = published.sd
        elif self.unit == "relative":
            unit = abs(published.mean)
        return self.value * unit + published.rounding

    def __str__(self) -> str:
        if self.unit == "relative":
            return f"{100 * self.value:g} %"
        return f"{self.value:g} sd" if self.unit == "sd" else f"{self.value:g}" if self.value else "the digits printed"


def verdict(difference: float, allowed: float, published: PublishedFigure) -> str:
    """``"agrees"`` or ``"differs"``."""
    # a part in 1e9 for the rounding of our own arithmetic
    return "agrees" if abs(difference) <= allowed + 1e-9 * max(1.0, abs(published.mean)) else "differs"


def beside_published(
    values: NDArray[np.float64], published: PublishedFigure, tolerance: Tolerance, published_runs: int | None
) -> dict[str, Any]:
    """Compare the runs of a search with a published mean.

    The verdict is by size, not by significance: ours agrees if the difference of the means is at most the tolerance, or at
    most 1.96 standard errors of that difference where few runs make these wider.

    Parameters
    ----------
    values : ndarray of float64, shape (runs,)
        ``nan`` for a run without a value. Our figure then differs: a mean of the others would flatter it.
    published : PublishedFigure
    tolerance : Tolerance
    published_runs : int or None
        The number of runs behind the published figure.

    Returns
    -------
    dict
        ``ours``, ``ours_sd``, ``n``, ``runs``, ``published``, ``published_sd``, ``published_runs``, ``decimals``, ``difference``,
        ``difference_sd`` (in published standard deviations), ``allowed``, ``standard_error`` (of the difference; of our mean
        alone if the published one is unknown), ``test`` and ``p`` (Welch's test from means, standard deviations and numbers
        of runs, where the publication states all three), ``verdict``.
    """
    known = values[np.isfinite(values)]
    mean = float(known.mean()) if len(known) else math.nan
    sd = float(known.std(ddof=1)) if len(known) > 1 else math.nan
    variance = sd**2 / len(known) if len(known) else math.nan
    stated = published.sd is not None and published_runs is not None and published_runs > 1
    p = math.nan
    if stated:
        assert published.sd is not None
        assert published_runs is not None
        variance += published.sd**2 / published_runs
        if len(known) > 1 and (sd > 0 or published.sd > 0):
            import scipy.stats  # half a second, which importing the package does not take

            found = scipy.stats.ttest_ind_from_stats(
                mean, sd, len(known), published.mean, published.sd, published_runs, equal_var=False
            )
            p = float(found.pvalue)
    error = math.sqrt(variance)
    margin = tolerance.margin(published)
    allowed = margin if math.isnan(error) else max(margin, Z * error)
    difference = mean - published.mean
    complete = len(known) == len(values)
    return {
        "ours": mean,
        "ours_sd": sd,
        "n": len(known),
        "runs": len(values),
        "published": published.mean,
        "published_sd": math.nan if published.sd is None else published.sd,
        "published_runs": math.nan if published_runs is None else float(published_runs),
        "decimals": published.decimals,
        "difference": difference,
        "difference_sd": difference / published.sd if published.sd else math.nan,
        "allowed": allowed,
        "standard_error": error,
        "test": TEST if stated else "",
        "p": p,
        "verdict": verdict(difference, allowed, published) if complete else "differs",
    }
