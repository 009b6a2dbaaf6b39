"""Compiled loop that accepts the trials of optimal mixing (GOMEA and MO-GOMEA), and keeps its archives.

As for `nasbench_kit.kernels.optimal_mixing`, the vectorised form is in `nasbench_kit.algorithms`, with the same bits. A
trial takes 10 ns, and 50 with an archive of 10 to 20 points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, part
from nasbench_kit.kernels.mixing_rules import FILL, FORCE, MIX

__all__ = ["take"]


@part
def _spread(run: int, place: int, trial: Any, count: int, X: Any) -> None:
    """Of two genotypes with equal objective values, keep the one farther from the rest of the archive."""
    genes = X.shape[2]
    nearest = old_nearest = genes + 1
    for other in range(count):
        if other != place:
            distance = old_distance = 0
            for gene in range(genes):
                distance += X[run, other, gene] != trial[run, gene]
                old_distance += X[run, other, gene] != X[run, place, gene]
            nearest, old_nearest = min(nearest, distance), min(old_nearest, old_distance)
    if nearest > old_nearest:
        for gene in range(genes):
            X[run, place, gene] = trial[run, gene]


@part
def _cover(run: int, values: Any, count: int, F: Any) -> int:
    """Place of the first point of a run's archive that is at least as good as a trial; ``count`` if there is none."""
    for place in range(count):
        covers = True
        for objective in range(len(F)):
            covers = covers and F[objective, run, place] <= values[run, objective]
        if covers:
            return place
    return count


@part
def _join(run: int, trial: Any, values: Any, count: int, X: Any, F: Any) -> int:
    """Add a trial to its run's archive instead of the points that it dominates, and return their new number."""
    m, genes = len(F), X.shape[2]
    kept = 0
    for place in range(count):
        dominated = True
        for objective in range(m):
            dominated = dominated and values[run, objective] <= F[objective, run, place]
        if dominated:
            continue
        if kept < place:
            for gene in range(genes):
                X[run, kept, gene] = X[run, place, gene]
            for objective in range(m):
                F[objective, run, kept] = F[objective, run, place]
        kept += 1
    for gene in range(genes):
        X[run, kept, gene] = trial[run, gene]
    for objective in range(m):
        F[objective, run, kept] = values[run, objective]
        for place in range(kept + 1, count):
            F[objective, run, place] = np.inf
    return kept + 1


@compiled
def take(
    trial: NDArray[np.uint8],
    values: NDArray[np.float64],
    archived: bool,
    each_turn: Any,
    population_F: NDArray[np.float64],
    member: Any,
    each_cluster: Any,
    archive: Any,
) -> int:
    """Note the objective values (runs, m) of all runs' trials, and accept those trials that the algorithm accepts.

    Other parameters are as for `optimal_mixing.advance`. Returns the maximum number of points of an archive.
    """
    each_member, x, f, masks, _, _, _ = member
    each_archive, X, F = archive
    runs, m = values.shape
    genes, most = X.shape[2], 0
    for run in range(runs):
        now, one, current, of_archive = each_turn[run], each_member[run], each_cluster[run].current, each_archive[run]
        better = equal = False
        known = True
        for objective in range(m):
            known = known and np.isfinite(values[run, objective])
        if m == 1:
            better = values[run, 0] < F[0, run, 0]
            if better:
                F[0, run, 0] = values[run, 0]
                for gene in range(genes):
                    X[run, 0, gene] = trial[run, gene]
        elif known:  # failed evaluations never enter the archive
            place = _cover(run, values, of_archive.count, F)
            better = place == of_archive.count
            if better:
                of_archive.count = _join(run, trial, values, of_archive.count, X, F)
            else:
                equal = True
                for objective in range(m):
                    equal = equal and F[objective, run, place] == values[run, objective]
                if equal:
                    _spread(run, place, trial, of_archive.count, X)
        most = max(most, of_archive.count)
        if better:
            now.improved = True
        if now.phase == FILL:
            for objective in range(m):
                population_F[run, now.place, objective] = values[run, objective]
            now.place += 1
            continue
        not_worse, lower = True, False
        for objective in range(m):
            if current < 0 or objective == current:
                not_worse = not_worse and values[run, objective] <= f[run, objective]
                lower = lower or values[run, objective] < f[run, objective]
        accepted = not_worse and (now.phase == MIX or lower)
        if current < 0:
            accepted = accepted or better or (now.phase == MIX and archived and equal)
        if accepted:
            for objective in range(m):
                f[run, objective] = values[run, objective]
            for gene in range(genes):
                x[run, gene] = trial[run, gene]
            one.changed = True
            if now.phase == FORCE:
                one.last = masks.shape[1]  # stop after the first improvement
    return most
