"""Compiled loops of gene-pool optimal mixing (GOMEA and MO-GOMEA): the steps from one trial of each run to the next.

They do what the vectorised steps of `nasbench_kit.algorithms.mixing` do, with the same random numbers, run by run: most
runs are in different phases, so that vectorised steps are bound by calls for a few runs each. GOMEA is the case of a
single objective, a single cluster that optimises it, and an archive of one point.

A trial takes about 100 ns: its random words (2 ns each, half of them for the mutation of a member's donors), the next
set of genes that changes anything, and what is compared with an archive of 10 to 30 points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, part
from nasbench_kit.kernels.linkage import begin_generation
from nasbench_kit.kernels.mixing_rules import DUE, FILL, FORCE, MIX, Rules, places, uniform

__all__ = ["advance", "take"]


@part
def _elite(run: int, draw: float, archive: Any, current: int) -> int:
    """Place of a random point of a run's archive, or of the best in the objective of a cluster; -1 if it is empty."""
    count = archive.each[run].count
    if count == 0:
        return -1
    best = 0
    if current < 0:
        best = np.intp(draw * count)
    else:
        for place in range(count):
            if archive.F[current, run, place] < archive.F[current, run, best]:
                best = place
    return best


@part
def _order(state: int, order: Any, keys: Any) -> None:
    """Random order of a member's sets; ``keys`` is scratch space."""
    for k in range(len(order)):
        key = uniform(state, k)
        place = k
        while place > 0 and keys[place - 1] > key:
            keys[place], order[place] = keys[place - 1], order[place - 1]
            place -= 1
        keys[place], order[place] = key, k


@part
def _mutate(state: int, k: int, mask: Any, donor: Any, sets: int, rules: Any) -> None:
    """Mutate the genes of a donor that are exchanged."""
    rate = rules.rate
    if rate == 0:
        size = 0
        for gene in range(len(mask)):
            size += mask[gene] != 0
        rate = 1 / max(size, 1)
    for gene in range(len(mask)):
        if mask[gene]:
            draw = uniform(state, (3 + gene) * sets + k)
            if draw < rate:
                others = rules.others[gene]
                step = min(1 + np.int64(draw / rate * others), others)
                donor[gene] = (donor[gene] + step) % (others + 1)


@part
def _plan(
    run: int,
    populations: Any,
    turn: Any,
    member: Any,
    clusters: Any,
    archive: Any,
    states: Any,
    rules: Any,
    scratch: Any,
) -> None:
    """Plan the trials of a run's member: sets in random order, each with a (mutated) donor."""
    order, keys, old = scratch
    sets, genes = old.shape
    state = states[run]
    states[run] += np.uint64((3 + (genes if rules.mutates else 0)) * sets) * np.uint64(0x9E3779B97F4A7C15)
    _order(state, order, keys)
    now, cluster_of = turn.each[run], clusters.each[run]
    member.each[run].spare = uniform(state, 2 * sets)
    masks, donors, x = member.masks[run], member.donors[run], member.x[run]
    X, base = populations.X[run], now.place - now.member
    if now.phase == MIX:
        cluster = clusters.own[run, now.member]
        cluster_of.current = clusters.objective[run, cluster]
        for gene in range(genes):
            x[gene] = X[now.place, gene]
        for objective in range(member.f.shape[1]):
            member.f[run, objective] = populations.F[run, now.place, objective]
        tree, pool = clusters.trees[run, cluster], clusters.pools[run, cluster]
        for k in range(sets):
            donor = base + pool[np.intp(uniform(state, sets + k) * cluster_of.pool_size)]
            for gene in range(genes):
                masks[k, gene] = tree[order[k], gene]
                donors[k, gene] = X[donor, gene]
    else:
        for k in range(sets):
            for gene in range(genes):
                old[k, gene] = masks[k, gene]
        best = _elite(run, 0.0, archive, cluster_of.current)
        for k in range(sets):
            point = best
            if cluster_of.current < 0 and best >= 0:
                point = np.intp(uniform(state, sets + k) * archive.each[run].count)
            for gene in range(genes):
                masks[k, gene] = old[order[k], gene]
                donors[k, gene] = archive.X[run, point, gene] if point >= 0 else x[gene]
    if rules.mutates:
        for k in range(sets):
            _mutate(state, k, masks[k], donors[k], sets, rules)
    member.each[run].changed = False
    member.each[run].last = -1


@part
def _next_trial(run: int, member: Any, trial: Any) -> bool:
    """Whether one of a run's planned trials changes anything; the first of them is stored."""
    masks, donors, x, found = member.masks[run], member.donors[run], member.x[run], trial[run]
    sets, genes = masks.shape
    for k in range(member.each[run].last + 1, sets):
        changes = np.uint8(0)
        for gene in range(genes):
            change = (donors[k, gene] ^ x[gene]) & masks[k, gene]
            found[gene] = x[gene] ^ change
            changes |= change
        if changes:
            member.each[run].last = k
            return True
    member.each[run].last = sets
    return False


@part
def _sum_of_few(values: Any) -> float:
    """Sum of at most 128 values, in the order of NumPy's ``sum``."""
    whole = len(values) - len(values) % 8
    total = 0.0
    if whole:
        parts = values[:8].copy()
        for i in range(8, whole):
            parts[i % 8] += values[i]
        total = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]))
    for i in range(whole, len(values)):
        total += values[i]
    return total


@part
def _sum(values: Any) -> float:
    """Sum of values in the order of NumPy's ``sum``: halves of more than 128 are summed on their own."""
    begins, ends = np.zeros(64, dtype=np.intp), np.full(64, len(values))
    halves = np.zeros(64, dtype=np.intp)  # of the sums that are under way, how many halves have been summed
    first = np.zeros(64)  # sum of the first half
    depth = 0
    while True:
        begin, end = begins[depth], ends[depth]
        if halves[depth] == 0 and end - begin > 128:
            half = begin + (end - begin) // 2 - (end - begin) // 2 % 8
            depth += 1
            begins[depth], ends[depth], halves[depth] = begin, half, 0
            continue
        total = _sum_of_few(values[begin:end])
        while depth and halves[depth - 1] == 1:
            depth -= 1
            total += first[depth]
        if depth == 0:
            return total
        # the second half of the sum above
        depth -= 1
        first[depth], halves[depth] = total, 1
        begin, end = ends[depth + 1], ends[depth]
        depth += 1
        begins[depth], ends[depth], halves[depth] = begin, end, 0


@part
def _covered(F: Any, begin: int, end: int, first: int, last: int) -> bool:
    """Whether the points ``begin`` to ``end`` have one that is at least as good for each of ``first`` to ``last``."""
    for i in range(first, last):
        below = False
        for j in range(begin, end):
            below = True
            for objective in range(F.shape[1]):
                below = below and F[j, objective] <= F[i, objective]
            if below:
                break
        if not below:
            return False
    return True


@part
def _give_up(run: int, own: int, populations: Any, rules: Any) -> None:
    """Abandon populations of a run after a generation of population ``own``."""
    begin, end = places(rules.first_population, own)
    X, F, alive = populations.X[run], populations.F[run], populations.alive[run]
    if not rules.averages:
        for p in range(own):
            first, last = places(rules.first_population, p)
            alive[p] = alive[p] and not _covered(F, begin, end, first, last)
        return
    given_up = own + 1  # number of populations
    for i in range(begin + 1, end):
        for gene in range(X.shape[1]):
            if X[i, gene] != X[begin, gene]:
                given_up = 0
    if given_up == 0:
        # a smaller population that is no better on average than a larger one will not catch up
        mean = _sum(F[begin:end, 0]) / (end - begin)
        for p in range(own):
            first, last = places(rules.first_population, p)
            if mean <= _sum(F[first:last, 0]) / (last - first):
                given_up = p + 1
    for p in range(given_up):
        alive[p] = False


@part
def _end_of_generation(run: int, populations: Any, turn: Any, rules: Any) -> bool:
    """End a run's generation, choose its next population, and return whether that has yet to be made."""
    now = turn.each[run]
    own = now.population
    begin, end = places(rules.first_population, own)
    populations.generations[run, own] += 1
    populations.stretch[run, own] = 0 if now.improved else populations.stretch[run, own] + 1
    for place in range(begin, end):
        for gene in range(populations.X.shape[2]):
            populations.X[run, place, gene] = populations.next_X[run, place, gene]
        for objective in range(populations.F.shape[2]):
            populations.F[run, place, objective] = populations.next_F[run, place, objective]
    _give_up(run, own, populations, rules)
    rest = populations.generations[run, own] % rules.turns
    p = own + 1
    if not populations.alive[run, own] or (rest != 0 and now.tried):
        p = 0
        while p < now.filled and not populations.alive[run, p]:
            p += 1
    now.population = p
    return p >= now.filled  # type: ignore[no-any-return]


@part
def _end_of_member(run: int, populations: Any, turn: Any, member: Any, clusters: Any, archive: Any) -> bool:
    """Begin a member's forced improvement, or end the member; returns whether it was the last of its population."""
    now, changed = turn.each[run], member.each[run].changed
    forced = now.phase == FORCE
    if not forced and (not changed or now.impatient):
        now.phase = FORCE
        return False
    now.phase = MIX
    x, f, place = member.x[run], member.f[run], now.place
    if forced and not changed:
        point = _elite(run, member.each[run].spare, archive, clusters.each[run].current)
        if point >= 0:
            for gene in range(len(x)):
                x[gene] = archive.X[run, point, gene]
            for objective in range(len(f)):
                f[objective] = archive.F[objective, run, point]
    for gene in range(len(x)):
        populations.next_X[run, place, gene] = x[gene]
    for objective in range(len(f)):
        populations.next_F[run, place, objective] = f[objective]
    now.place += 1
    now.member += 1
    return now.place == now.end  # type: ignore[no-any-return]


@compiled
def advance(
    waiting: NDArray[np.intp],
    trial: NDArray[np.uint8],
    states: NDArray[np.uint64],
    rules: Rules,
    logs: NDArray[np.float64],
    populations: Any,
    turn: Any,
    member: Any,
    clusters: Any,
    archive: Any,
) -> NDArray[np.intp]:
    """Advance runs to their next trials.

    Parameters
    ----------
    waiting : ndarray of int, shape (k,)
        The runs.
    trial : ndarray of uint8, shape (runs, genes)
        Their trials, modified in place.
    states : ndarray of uint64, shape (runs,)
        States of the runs' second streams, modified in place.
    rules : Rules
    logs : ndarray of float, shape (populations, members + 1)
        For each population, p log p of the shares 0, 1, ... of the members of a pool.
    populations, turn, member, clusters, archive
        Arrays of `nasbench_kit.algorithms.mixing_state`, modified in place.

    Returns
    -------
    ndarray of int, shape (n,)
        Those of the runs that need a new population.
    """
    sets, genes = member.masks.shape[1:]
    scratch = np.empty(sets, dtype=np.intp), np.empty(sets), np.empty((sets, genes), dtype=np.uint8)
    full = np.empty(len(waiting), dtype=np.intp)
    count = 0
    for run in waiting:
        now = turn.each[run]
        if now.phase == FILL and now.place < now.end:
            for gene in range(genes):
                trial[run, gene] = populations.X[run, now.place, gene]
            continue
        begins = now.phase == FILL
        while True:
            if begins:
                begin_generation(run, populations, turn, clusters, states, rules, logs)
                begins = False
                member.each[run].last = DUE
            if member.each[run].last == DUE:
                _plan(run, populations, turn, member, clusters, archive, states, rules, scratch)
            if _next_trial(run, member, trial):
                now.tried = True
                break
            member.each[run].last = DUE
            if _end_of_member(run, populations, turn, member, clusters, archive):
                if _end_of_generation(run, populations, turn, rules):
                    full[count] = run
                    count += 1
                    break
                begins = True
    return full[:count].copy()


@part
def _equals(run: int, place: int, x: Any, archive: Any) -> None:
    """Of two genotypes with equal objective values, keep the one farther from the rest of the archive."""
    X, genes, points = archive.X[run], len(x), archive.each[run].count
    nearest = old_nearest = genes + 1
    same = True
    for gene in range(genes):
        same = same and X[place, gene] == x[gene]
    if same:
        return
    for other in range(points):
        if other != place:
            distance = old_distance = 0
            for gene in range(genes):
                distance += X[other, gene] != x[gene]
                old_distance += X[other, gene] != X[place, gene]
            nearest, old_nearest = min(nearest, distance), min(old_nearest, old_distance)
    if nearest > old_nearest:
        for gene in range(genes):
            X[place, gene] = x[gene]


@part
def _joins(run: int, x: Any, f: Any, archive: Any) -> bool:
    """Add a trial to its run's archive if no point is at least as good, and return whether it was added."""
    F, count = archive.F, archive.each[run].count
    for objective in range(len(F)):
        if not np.isfinite(f[objective]):  # failed evaluations never enter the archive
            return False
    for place in range(count):
        covered = equal = True
        for objective in range(len(F)):
            covered = covered and F[objective, run, place] <= f[objective]
            equal = equal and F[objective, run, place] == f[objective]
        if covered:
            archive.each[run].equalled = equal
            if equal:
                _equals(run, place, x, archive)
            return False
    kept = 0
    for place in range(count):
        worse = True
        for objective in range(len(F)):
            worse = worse and f[objective] <= F[objective, run, place]
        if worse:
            continue
        if kept < place:
            for gene in range(len(x)):
                archive.X[run, kept, gene] = archive.X[run, place, gene]
            for objective in range(len(F)):
                F[objective, run, kept] = F[objective, run, place]
        kept += 1
    for gene in range(len(x)):
        archive.X[run, kept, gene] = x[gene]
    for objective in range(len(F)):
        F[objective, run, kept] = f[objective]
        for place in range(kept + 1, count):
            F[objective, run, place] = np.inf
    archive.each[run].count = kept + 1
    return True


@compiled
def take(
    trial: NDArray[np.uint8],
    values: NDArray[np.float64],
    rules: Rules,
    populations: Any,
    turn: Any,
    member: Any,
    clusters: Any,
    archive: Any,
) -> int:
    """Note the objective values (runs, m) of all runs' trials, and accept those trials that the algorithm accepts.

    Parameters are as for `advance`. Returns the maximum number of points of an archive.
    """
    runs, m = values.shape
    most = 0
    for run in range(runs):
        x, f = trial[run], values[run]
        now, own, current = turn.each[run], member.f[run], clusters.each[run].current
        archive.each[run].equalled = False
        if m == 1:
            better = f[0] < archive.F[0, run, 0]
            if better:
                archive.F[0, run, 0] = f[0]
                for gene in range(len(x)):
                    archive.X[run, 0, gene] = x[gene]
        else:
            better = _joins(run, x, f, archive)
        most = max(most, archive.each[run].count)
        if better:
            now.improved = True
        if now.phase == FILL:
            for objective in range(m):
                populations.F[run, now.place, objective] = f[objective]
            now.place += 1
            continue
        not_worse, lower = True, False
        for objective in range(m):
            if current < 0 or objective == current:
                not_worse = not_worse and f[objective] <= own[objective]
                lower = lower or f[objective] < own[objective]
        accepted = not_worse and (now.phase == MIX or lower)
        if current < 0:
            equalled = rules.archived and archive.each[run].equalled
            accepted = accepted or better or (now.phase == MIX and equalled)
        if accepted:
            for objective in range(m):
                own[objective] = f[objective]
            for gene in range(len(x)):
                member.x[run, gene] = x[gene]
            member.each[run].changed = True
            if now.phase == FORCE:
                member.each[run].last = member.masks.shape[1]  # stop after the first improvement
    return most
