"""Quality indicators of sets of objective vectors, all minimised.

The sets of many runs are processed at once, as one flat array of points with a run number for each. Domination and the
hypervolume live here; indicators against a reference front come from `nasbench_kit.metrics.front_indicators`.
"""

from __future__ import annotations

import itertools

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.kernels.domination import first_fronts
from nasbench_kit.metrics.checks import check_values
from nasbench_kit.metrics.front_indicators import epsilon, epsilon_multiplicative, gd, gd_plus, igd, igd_plus, r2

__all__ = [
    "epsilon",
    "epsilon_multiplicative",
    "gd",
    "gd_plus",
    "group_hypervolume",
    "hypervolume",
    "hypervolume_contributions",
    "igd",
    "igd_plus",
    "most_hypervolume",
    "nondominated",
    "pareto_front",
    "r2",
]


def pareto_front(F: ArrayLike) -> NDArray[np.intp]:
    """Indices of the Pareto front, one per distinct objective vector, sorted by the first objective.

    Parameters
    ----------
    F : array_like of float, shape (n, m)
        Objective values, minimised. Rows with ``nan`` are ignored.

    Returns
    -------
    ndarray of int, shape (k,)
        Of equal rows, the first is returned.

    Examples
    --------
    >>> pareto_front([[3, 1], [1, 3], [2, 2], [3, 3], [2, 2]])
    array([1, 2, 0])
    """
    values = np.asarray(F, dtype=np.float64)
    if not len(values):
        return np.empty(0, dtype=np.intp)
    rows = np.flatnonzero(~np.isnan(values).any(axis=1))
    return rows[nondominated(values[rows], np.zeros(len(rows), dtype=np.int64))]


def nondominated(F: NDArray[np.float64], group: NDArray[np.int64], settled: int = 0) -> NDArray[np.intp]:
    """Indices of the non-dominated points of each group, one per distinct vector.

    Parameters
    ----------
    F : ndarray of float, shape (n, m)
        Objective values, minimised; ``inf`` is treated like any other value.
    group : ndarray of int, shape (n,)
        Group of each point, e.g. its run.
    settled : int
        The first points, as many as this, are known to be what this function returned for some points of their groups,
        which saves time.

    Returns
    -------
    ndarray of int, shape (k,)
        Sorted by group, then by ascending objectives. Takes O(n log n) for two objectives; with more, moocore
        (M. López-Ibáñez et al.) is called for each group.

    Raises
    ------
    ValueError
        If a value is ``nan``.
    """
    check_values(F)
    if not len(F):
        return np.empty(0, dtype=np.intp)
    return first_fronts(F, group, settled)


def hypervolume(F: ArrayLike, ref: ArrayLike) -> float:
    """Hypervolume: the volume dominated by a set of objective vectors, bounded by a reference point.

    Parameters
    ----------
    F : array_like of float, shape (n, m)
        Objective values, minimised.
    ref : array_like of float, shape (m,)
        Reference point. Points that are not better than it in every objective contribute nothing.

    Returns
    -------
    float
        Computed by moocore (Fonseca, Paquete and López-Ibáñez 2006).

    Raises
    ------
    ValueError
        If a value is ``nan``, or the reference point has a different number of objectives.

    Examples
    --------
    >>> hypervolume([[1, 2], [2, 1]], ref=[3, 3])
    3.0
    """
    values, reference = np.asarray(F, dtype=np.float64), np.asarray(ref, dtype=np.float64)
    if not len(values):
        return 0.0
    check_values(values, reference)
    return float(moocore.hypervolume(values, ref=reference))


def group_hypervolume(
    F: NDArray[np.float64], group: NDArray[np.int64], groups: int, ref: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Hypervolume of the non-dominated points of each group.

    Parameters
    ----------
    F : ndarray of float, shape (n, m)
        Non-dominated points, sorted by group and ascending objectives as by `nondominated`.
    group : ndarray of int, shape (n,)
        Group of each point.
    groups : int
        Number of groups; groups without points have hypervolume 0.
    ref : ndarray of float, shape (m,)
        Reference point.

    Returns
    -------
    ndarray of float, shape (groups,)

    Raises
    ------
    ValueError
        If a value is ``nan``, or the reference point has a different number of objectives.
    """
    check_values(F, ref)
    inside = (ref > F).all(axis=1)
    F, group = F[inside], group[inside]
    if F.shape[1] == 2:
        if not len(F):
            return np.zeros(groups)
        ceiling = np.empty(len(F))
        ceiling[1:] = np.where(group[1:] == group[:-1], F[:-1, 1], ref[1])
        ceiling[0] = ref[1]
        areas = (ref[0] - F[:, 0]) * (ceiling - F[:, 1])
        return np.bincount(group, weights=areas, minlength=groups).astype(np.float64)
    bounds = np.searchsorted(group, np.arange(groups + 1)).tolist()
    volume = moocore.Hypervolume(ref)
    return np.array([volume(F[a:b]) if a < b else 0.0 for a, b in itertools.pairwise(bounds)])


def hypervolume_contributions(
    F: NDArray[np.float64], group: NDArray[np.int64], ref: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The hypervolume that each point alone contributes to its group: what the group would lose without it.

    Parameters
    ----------
    F : ndarray of float, shape (n, m)
        Objective values, minimised, in any order.
    group : ndarray of int, shape (n,)
        Group of each point, e.g. its run.
    ref : ndarray of float, shape (m,)
        Reference point.

    Returns
    -------
    ndarray of float, shape (n,)
        0 for points that are dominated within their group, that have an equal in it, or that are not better than the
        reference point in every objective. Dominated points are left out of what the others contribute. Computed by
        moocore (Guerreiro and Fonseca 2018, "Computing and updating hypervolume contributions in up to four dimensions").

    Raises
    ------
    ValueError
        If a value is ``nan``, or the reference point has a different number of objectives.

    Examples
    --------
    >>> F = np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 3.0]])
    >>> hypervolume_contributions(F, np.zeros(3, dtype=np.int64), np.array([4.0, 4.0]))
    array([2., 2., 0.])
    """
    check_values(F, ref)
    adds = np.zeros(len(F))
    order = np.argsort(group, kind="stable")
    order = order[(F[order] < ref).all(axis=1)]
    for part in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        if len(part):
            adds[part] = moocore.hv_contributions(F[part], ref=ref)
    return adds


def most_hypervolume(F: NDArray[np.float64], group: NDArray[np.int64], size: int) -> NDArray[np.intp]:
    """Reduce each group to ``size`` points by repeatedly removing the one with the least hypervolume contribution.

    Points that are best in an objective are removed last. Objectives are scaled by the range of each group.

    Parameters
    ----------
    F : ndarray of float, shape (n, m)
        Non-dominated points, sorted by group and ascending objectives as by `nondominated`.
    group : ndarray of int, shape (n,)
        Group of each point.
    size : int
        Maximum number of points per group.

    Returns
    -------
    ndarray of int, shape (k,)
        Indices of the remaining points, ascending. Two objectives are vectorised over groups; with more, moocore
        computes the contributions of each group.

    Raises
    ------
    ValueError
        If a value is ``nan``.

    Examples
    --------
    >>> F = np.array([[0.0, 4.0], [1.0, 2.0], [1.1, 1.9], [4.0, 0.0]])
    >>> most_hypervolume(F, np.zeros(4, dtype=np.int64), 3)
    array([0, 2, 3])
    """
    check_values(F)
    kept = np.arange(len(F))
    while True:
        count = np.bincount(group[kept])
        crowded = (count > size)[group[kept]]
        if not crowded.any():
            return kept
        adds = np.where(crowded, _contributions(F[kept], group[kept]), np.inf)
        order = np.lexsort((adds, group[kept]))  # stable: of equal points, the first is removed
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = group[kept][order][1:] != group[kept][order][:-1]
        out = order[first]
        kept = np.delete(kept, out[crowded[out]])


def _contributions(F: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Exclusive hypervolume contribution of each point, with objectives scaled to the group's range: (n,)."""
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    low, high = np.minimum.reduceat(F, starts), np.maximum.reduceat(F, starts)
    number = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(F)]))
    scaled = (F - low[number]) / np.where(high > low, high - low, 1.0)[number]
    if F.shape[1] == 2:
        adds = np.full(len(F), np.inf)  # the ends
        inner = (number[2:] == number[:-2]).nonzero()[0] + 1
        adds[inner] = (scaled[inner + 1, 0] - scaled[inner, 0]) * (scaled[inner - 1, 1] - scaled[inner, 1])
        return adds
    parts = np.split(scaled, starts[1:])
    adds = np.concatenate([moocore.hv_contributions(part, ref=np.full(F.shape[1], 1.1)) for part in parts])
    ends = (scaled == 0).any(axis=1)
    return np.where(ends, adds + 2.0, adds)
