"""Quality indicators of one set of objective vectors, all minimised, against a reference front or the ideal point.

Distances depend on the units of the objectives: scale objectives of different units first, as
`nasbench_kit.metrics.named_indicators` does. Distances are Euclidean, and a mean is the plain mean of distances (p = 1), as
in moocore and pymoo.
"""

from __future__ import annotations

import functools
import itertools
import math

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.metrics.checks import check_values, set_and_front

__all__ = ["epsilon", "epsilon_multiplicative", "gd", "gd_plus", "igd", "igd_plus", "r2", "simplex_weights"]

MOST_WEIGHTS = 1000  # weight vectors of R2 for three and more objectives
CHUNK = 64  # points at once, so that their distances for all weight vectors fit into a cache


def gd(F: ArrayLike, front: ArrayLike) -> float:
    """Generational distance: the mean distance of the points of a set to the nearest point of a reference front.

    Parameters
    ----------
    F : array_like of float, shape (n, m)
        Minimised objective vectors; equal ones count once.
    front : array_like of float, shape (k, m)
        The reference front, for example `pareto_front` of a whole table.

    Returns
    -------
    float
        0 if every point lies on the front, even if there is only one: it measures convergence, not coverage. Not
        Pareto-compliant. Van Veldhuizen 1999, "Multiobjective evolutionary algorithms: classifications, analyses, and new
        innovations", who divided the root of the sum of squares by n instead.

    Raises
    ------
    ValueError
        If a value is ``nan``, a set is empty, or they have different numbers of objectives.

    Examples
    --------
    >>> gd([[1.0, 1.0], [4.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]])
    2.0
    """
    points, reference = set_and_front(F, front)
    return float(moocore.igd(reference, np.unique(points, axis=0)))


def gd_plus(F: ArrayLike, front: ArrayLike) -> float:
    """Modified generational distance: as `gd`, but only the objectives in which a point is worse count as distance.

    Parameters
    ----------
    F : array_like of float, shape (n, m)
        Minimised objective vectors; equal ones count once.
    front : array_like of float, shape (k, m)

    Returns
    -------
    float
        0 if every point is on the front or better. Ishibuchi et al. 2015, "Modified distance calculation in generational
        distance and inverted generational distance" (EMO).

    Raises
    ------
    ValueError
        As `gd`.
    """
    points, reference = set_and_front(F, front)
    # the distance from the front to the set, with the sides that are better swapped
    return float(moocore.igd_plus(reference, np.unique(points, axis=0), maximise=True))


def igd(F: ArrayLike, front: ArrayLike) -> float:
    """Inverted generational distance: the mean distance of the points of a reference front to the nearest point of a set.

    Parameters
    ----------
    F : array_like of float, shape (n, m)
        Minimised objective vectors.
    front : array_like of float, shape (k, m)
        The reference front, for example `pareto_front` of a whole table.

    Returns
    -------
    float
        0 if the set contains the front. Not Pareto-compliant, see `igd_plus`. Computed by moocore (Coello Coello and
        Reyes-Sierra 2004, "A study of the parallelization of a coevolutionary multi-objective evolutionary algorithm").

    Raises
    ------
    ValueError
        As `gd`.

    Examples
    --------
    >>> igd([[1.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]])
    1.0
    """
    return float(moocore.igd(*set_and_front(F, front)))


def igd_plus(F: ArrayLike, front: ArrayLike) -> float:
    """Modified inverted generational distance: as `igd`, but only objectives in which the set is worse count as distance.

    Parameters
    ----------
    F : array_like of float, shape (n, m)
        Minimised objective vectors.
    front : array_like of float, shape (k, m)

    Returns
    -------
    float
        Weakly Pareto-compliant. Computed by moocore (Ishibuchi et al. 2015, "Modified distance calculation in generational
        distance and inverted generational distance", EMO).

    Raises
    ------
    ValueError
        As `gd`.
    """
    return float(moocore.igd_plus(*set_and_front(F, front)))


def epsilon(F: ArrayLike, front: ArrayLike) -> float:
    """Additive epsilon indicator: by how much a set must be shifted to weakly dominate a reference front.

    Parameters
    ----------
    F : array_like of float, shape (n, m)
        Minimised objective vectors.
    front : array_like of float, shape (k, m)

    Returns
    -------
    float
        Weakly Pareto-compliant. Computed by moocore (Zitzler et al. 2003, "Performance assessment of multiobjective
        optimizers: an analysis and review", IEEE TEC 7(2)).

    Raises
    ------
    ValueError
        As `gd`.

    Examples
    --------
    >>> epsilon([[1.0, 3.0], [3.0, 1.0]], [[1.0, 1.0]])
    2.0
    """
    return float(moocore.epsilon_additive(*set_and_front(F, front)))


def epsilon_multiplicative(F: ArrayLike, front: ArrayLike) -> float:
    """Multiplicative epsilon indicator: the factor by which a set must be divided to weakly dominate a reference front.

    Parameters
    ----------
    F : array_like of float, shape (n, m)
        Minimised objective vectors, all values above 0.
    front : array_like of float, shape (k, m)
        All values above 0.

    Returns
    -------
    float
        1 if the set contains the front. Does not depend on the units of the objectives. Weakly Pareto-compliant. Computed
        by moocore (Zitzler et al. 2003, as `epsilon`).

    Raises
    ------
    ValueError
        If a value is 0 or less, or as in `gd`.

    Examples
    --------
    >>> epsilon_multiplicative([[1.0, 3.0], [3.0, 1.0]], [[1.0, 1.0]])
    3.0
    """
    points, reference = set_and_front(F, front)
    for what, values in (("set", points), ("reference front", reference)):
        if values.min() <= 0:
            raise ValueError(
                f"the multiplicative epsilon needs values above 0, and the {what} has {values.min():g}: use the additive one"
            )
    return float(moocore.epsilon_mult(points, reference))


def r2(F: ArrayLike, ideal: ArrayLike, weights: ArrayLike | None = None) -> float:
    """R2 indicator: the mean over weight vectors of the best weighted Tchebycheff distance to the ideal point.

    For weights w, it is the mean over w of the minimum over the points a of the maximum over the objectives j of
    ``w[j] * max(a[j] - ideal[j], 0)``.

    Parameters
    ----------
    F : array_like of float, shape (n, m)
        Minimised objective vectors.
    ideal : array_like of float, shape (m,)
        The ideal or a utopian point; what is better than it counts as equal to it.
    weights : array_like of float, shape (w, m), optional
        Weight vectors, at least 0 and each with sum 1. Default: all (w, 1 - w) for two objectives, i.e. the integral over w
        from 0 to 1; for three and more, `simplex_weights`.

    Returns
    -------
    float
        Weakly Pareto-compliant. Hansen and Jaszkiewicz 1998, "Evaluating the quality of approximations to the
        non-dominated set"; in this unary form Brockhoff, Wagner and Trautmann 2012, "On the properties of the R2
        indicator" (GECCO). The integral is computed by moocore (Schäpermeier and Kerschke 2025, "R2 v2: the
        Pareto-compliant R2 indicator for better benchmarking in bi-objective optimization").

    Raises
    ------
    ValueError
        If a value is ``nan``, the set is empty, or shapes do not fit.

    Examples
    --------
    >>> r2([[0.0, 0.5]], [0.0, 0.0])
    0.25
    >>> r2([[2.0, 1.0], [1.0, 3.0]], [0.0, 0.0], weights=[[1.0, 0.0], [0.5, 0.5]])
    1.0
    """
    points, origin = np.atleast_2d(np.asarray(F, dtype=np.float64)), np.asarray(ideal, dtype=np.float64)
    if not points.size or points.ndim != 2:
        raise ValueError(f"a set (n, m) of at least one point is expected, not {points.shape}")
    check_values(points, origin)
    lack = np.maximum(points - origin, 0.0)
    m = points.shape[1]
    if weights is None:
        return unit_r2(lack)
    given = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    if given.ndim != 2 or not given.size or given.shape[1] != m:
        raise ValueError(f"weights (w, {m}) are expected, not {given.shape}")
    if not ((given >= 0).all() and np.allclose(given.sum(axis=1), 1.0)):
        raise ValueError("weight vectors must be at least 0, with sum 1 each")
    return _discrete_r2(lack, given)


def unit_r2(lack: NDArray[np.float64]) -> float:
    """`r2` for the default weights, of points (n, m) as distances from the ideal point, all at least 0."""
    if lack.shape[1] == 2:
        return float(moocore.r2_exact(lack, ref=np.zeros(2)))
    return _discrete_r2(lack, simplex_weights(lack.shape[1]))


def _discrete_r2(lack: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    best = np.full(len(weights), np.inf)
    for some in np.array_split(lack, range(CHUNK, len(lack), CHUNK)):
        farthest = np.outer(weights[:, 0], some[:, 0])
        for j in range(1, lack.shape[1]):
            np.maximum(farthest, np.outer(weights[:, j], some[:, j]), out=farthest)
        np.minimum(best, farthest.min(axis=1), out=best)
    return float(best.mean())


@functools.lru_cache(maxsize=8)
def simplex_weights(objectives: int, most: int = MOST_WEIGHTS) -> NDArray[np.float64]:
    """Evenly spaced weight vectors: the largest simplex lattice of at most ``most`` vectors, at least the unit vectors.

    Das and Dennis 1998, "Normal-boundary intersection", SIAM Journal on Optimization 8(3).

    Parameters
    ----------
    objectives, most : int

    Returns
    -------
    ndarray of float64, shape (weights, objectives)
        Read-only. Each row sums to 1.

    Examples
    --------
    >>> simplex_weights(2, most=3).tolist()
    [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    """
    divisions = 1
    while math.comb(divisions + objectives, objectives - 1) <= most and objectives > 1:
        divisions += 1
    bars = np.array(list(itertools.combinations(range(divisions + objectives - 1), objectives - 1)), dtype=np.int64)
    ends = np.full((len(bars), 1), divisions + objectives - 1)
    counts = np.diff(np.concatenate([np.full_like(ends, -1), bars.reshape(len(bars), -1), ends], axis=1), axis=1) - 1
    weights: NDArray[np.float64] = counts / divisions
    weights.setflags(write=False)  # callers share it
    return weights
