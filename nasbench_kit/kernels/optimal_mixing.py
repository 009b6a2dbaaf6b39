"""Compiled loops of gene-pool optimal mixing (GOMEA and MO-GOMEA): the steps from one trial of each run to the next.

They do what the vectorised steps of `nasbench_kit.algorithms.mixing` do, with the same random numbers, run by run: most
runs are in different phases, so that vectorised steps are bound by calls for a few runs each. GOMEA is the case of a
single objective, a single cluster that optimises it, and an archive of one point. What becomes of the trials is in
`nasbench_kit.kernels.mixing_acceptance`.

Per step of 100 runs, about 15 members are planned (300 ns each, mostly random words, 2 ns each, and copies of donors),
110 sets are tried, and one population is clustered and its linkage learned (2 microseconds for GOMEA, 10 for MO-GOMEA).
That is 12 and 24 microseconds, and 5 more to unpack the arguments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, part
from nasbench_kit.kernels.linkage import learn
from nasbench_kit.kernels.mixing_rules import FILL, FORCE, MIX, places, uniform

__all__ = ["advance"]


@part
def _elite(run: int, draw: float, count: int, current: int, F: Any) -> int:
    """Place of a random point of a run's archive, or of the best in the objective of a cluster; -1 if it is empty."""
    if count == 0:
        return -1
    best = 0
    if current < 0:
        best = np.intp(draw * count)
    else:
        for place in range(count):
            if F[current, run, place] < F[current, run, best]:
                best = place
    return best


@part
def _sample(run: int, begin: int, end: int, states: Any, others: Any, X: Any) -> None:
    """Random genotypes of a run's new population, as `Streams.sample_of` draws them."""
    genes = len(others)
    for i in range(end - begin):
        for gene in range(genes):
            X[run, begin + i, gene] = np.uint8(uniform(states[run], i * genes + gene) * (others[gene] + 1))
    states[run] += np.uint64((end - begin) * genes) * np.uint64(0x9E3779B97F4A7C15)


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
def _from_pool(
    run: int,
    state: int,
    order: Any,
    cluster: int,
    pool_size: int,
    begin: int,
    X: Any,
    trees: Any,
    pools: Any,
    masks: Any,
    donors: Any,
) -> None:
    """Draw donors from a cluster of a run's population."""
    sets, genes = masks.shape[1:]
    for k in range(sets):
        donor = begin + pools[run, cluster, np.intp(uniform(state, sets + k) * pool_size)]
        for gene in range(genes):
            masks[run, k, gene] = trees[run, cluster, order[k], gene]
            donors[run, k, gene] = X[run, donor, gene]


@part
def _from_archive(
    run: int,
    state: int,
    order: Any,
    current: int,
    count: int,
    archive_X: Any,
    archive_F: Any,
    x: Any,
    masks: Any,
    donors: Any,
    old: Any,
) -> None:
    """Draw donors from a run's archive, and use the sets once more; ``old`` (sets, genes) is scratch space."""
    sets, genes = masks.shape[1:]
    for k in range(sets):
        for gene in range(genes):
            old[k, gene] = masks[run, k, gene]
    best = _elite(run, 0.0, count, current, archive_F)
    for k in range(sets):
        point = np.intp(uniform(state, sets + k) * count) if current < 0 else best
        for gene in range(genes):
            masks[run, k, gene] = old[order[k], gene]
            donors[run, k, gene] = archive_X[run, point, gene] if best >= 0 else x[run, gene]


@part
def _mutate(run: int, state: int, masks: Any, donors: Any, others: Any, rate: float) -> None:
    """Mutate the genes of donors that are exchanged."""
    sets, genes = masks.shape[1:]
    for k in range(sets):
        probability = rate
        if rate == 0:
            size = 0
            for gene in range(genes):
                size += masks[run, k, gene] != 0
            probability = 1 / max(size, 1)
        for gene in range(genes):
            if masks[run, k, gene]:
                draw = uniform(state, (3 + gene) * sets + k)
                if draw < probability:
                    step = min(1 + np.int64(draw / probability * others[gene]), others[gene])
                    donors[run, k, gene] = (donors[run, k, gene] + step) % (others[gene] + 1)


@part
def _next_trial(run: int, after: int, masks: Any, donors: Any, x: Any, trial: Any) -> int:
    """The first of a run's planned trials after another that changes anything, which is stored; else their number."""
    sets, genes = masks.shape[1:]
    for k in range(after + 1, sets):
        changes = np.uint8(0)
        for gene in range(genes):
            change = (donors[run, k, gene] ^ x[run, gene]) & masks[run, k, gene]
            trial[run, gene] = x[run, gene] ^ change
            changes |= change
        if changes:
            return k
    return sets  # type: ignore[no-any-return]


@part
def _sum_of_few(run: int, begin: int, end: int, F: Any) -> float:
    """Sum of at most 128 values of a run, in the order of NumPy's ``sum``."""
    whole = end - (end - begin) % 8
    total = 0.0
    if whole > begin:
        parts = np.zeros(8)
        for i in range(begin, whole):
            parts[(i - begin) % 8] += F[run, i, 0]
        total = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]))
    for i in range(whole, end):
        total += F[run, i, 0]
    return total


@part
def _mean(run: int, begin: int, end: int, F: Any) -> float:
    """Mean of values of a run, summed as NumPy does: halves of more than 128 are summed on their own."""
    n = end - begin
    if n <= 128:
        return _sum_of_few(run, begin, end, F) / n
    begins, ends = np.full(64, begin), np.full(64, end)
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
        total = _sum_of_few(run, begin, end, F)
        while depth and halves[depth - 1] == 1:
            depth -= 1
            total += first[depth]
        if depth == 0:
            return total / n
        # the second half of the sum above
        depth -= 1
        first[depth], halves[depth] = total, 1
        begin, end = ends[depth + 1], ends[depth]
        depth += 1
        begins[depth], ends[depth], halves[depth] = begin, end, 0


@part
def _covered(run: int, begin: int, end: int, first: int, last: int, F: Any) -> bool:
    """Whether the points ``begin`` to ``end`` have one that is at least as good for each of ``first`` to ``last``."""
    for i in range(first, last):
        below = False
        for j in range(begin, end):
            below = True
            for objective in range(F.shape[2]):
                below = below and F[run, j, objective] <= F[run, i, objective]
            if below:
                break
        if not below:
            return False
    return True


@part
def _give_up(run: int, own: int, first_population: int, averages: bool, X: Any, F: Any, alive: Any) -> None:
    """Abandon populations of a run after a generation of population ``own``."""
    begin, end = places(first_population, own)
    if not averages:
        for p in range(own):
            first, last = places(first_population, p)
            alive[run, p] = alive[run, p] and not _covered(run, begin, end, first, last, F)
        return
    given_up = own + 1  # number of populations
    for i in range(begin + 1, end):
        for gene in range(X.shape[2]):
            if X[run, i, gene] != X[run, begin, gene]:
                given_up = 0
    if given_up == 0:
        # a smaller population that is no better on average than a larger one will not catch up
        mean = _mean(run, begin, end, F)
        for p in range(own):
            first, last = places(first_population, p)
            if mean <= _mean(run, first, last, F):
                given_up = p + 1
    for p in range(given_up):
        alive[run, p] = False


@compiled
def advance(
    waiting: NDArray[np.intp],
    trial: NDArray[np.uint8],
    states: NDArray[np.uint64],
    rules: Any,
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
    rules : tuple
        `Rules`.
    logs : ndarray of float, shape (populations, members + 1)
        For each population, p log p of the shares 0, 1, ... of the members of a pool.
    populations, turn, member, clusters, archive
        Arrays of `nasbench_kit.algorithms.mixing_state` as tuples, modified in place.

    Returns
    -------
    ndarray of int, shape (n,)
        Those of the runs that need a new population which the loop cannot make.
    """
    first_population, turns, others, samples, mutates, rate, averages, _ = rules
    X, F, next_X, next_F, alive, generations, stretch = populations
    (each_turn,), (each_member, x, f, masks, donors, _, _) = turn, member
    each_cluster, trees, pools, objective_of, own_cluster = clusters
    each_archive, archive_X, archive_F = archive
    sets, genes = masks.shape[1:]
    words = np.uint64((3 + (genes if mutates else 0)) * sets) * np.uint64(0x9E3779B97F4A7C15)
    order, keys, old = np.empty(sets, dtype=np.intp), np.empty(sets), np.empty((sets, genes), dtype=np.uint8)
    full = np.empty(len(waiting), dtype=np.intp)
    count = 0
    for run in waiting:
        now, one, cluster_of, points = each_turn[run], each_member[run], each_cluster[run], each_archive[run].count
        if now.phase == FILL and now.place < now.end:
            for gene in range(genes):
                trial[run, gene] = X[run, now.place, gene]
            continue
        begins, due = now.phase == FILL, False
        while True:
            if begins:
                p = now.population
                begin, end = places(first_population, p)
                size = learn(run, begin, end, p, states, others, logs, X, F, trees, pools, objective_of, own_cluster)
                cluster_of.pool_size = size
                patience, power = 1, 10  # 1 + log10(n), rounded down
                while power <= end - begin:
                    patience, power = patience + 1, 10 * power
                now.impatient = stretch[run, p] > patience
                now.place, now.end, now.member, now.phase = begin, end, 0, MIX
                now.improved = False
                now.tried = False
                due = True
            if due:
                # plan the trials of the member: sets in random order, each with a (mutated) donor
                state = states[run]
                states[run] += words
                _order(state, order, keys)
                one.spare = uniform(state, 2 * sets)
                one.changed = False
                one.last = -1
                if now.phase == MIX:
                    cluster = own_cluster[run, now.member]
                    cluster_of.current = objective_of[run, cluster]
                    for gene in range(genes):
                        x[run, gene] = X[run, now.place, gene]
                    for objective in range(f.shape[1]):
                        f[run, objective] = F[run, now.place, objective]
                    begin = now.place - now.member
                    size = cluster_of.pool_size
                    _from_pool(run, state, order, cluster, size, begin, X, trees, pools, masks, donors)
                else:
                    current = cluster_of.current
                    _from_archive(run, state, order, current, points, archive_X, archive_F, x, masks, donors, old)
                if mutates:
                    _mutate(run, state, masks, donors, others, rate)
            one.last = _next_trial(run, one.last, masks, donors, x, trial)
            if one.last < sets:
                now.tried = True
                break
            begins, due = False, True
            # end the member, or begin its forced improvement
            forced = now.phase == FORCE
            if not forced and (not one.changed or now.impatient):
                now.phase = FORCE
                continue
            now.phase = MIX
            if forced and not one.changed:
                point = _elite(run, one.spare, points, cluster_of.current, archive_F)
                if point >= 0:
                    for gene in range(genes):
                        x[run, gene] = archive_X[run, point, gene]
                    for objective in range(f.shape[1]):
                        f[run, objective] = archive_F[objective, run, point]
            for gene in range(genes):
                next_X[run, now.place, gene] = x[run, gene]
            for objective in range(f.shape[1]):
                next_F[run, now.place, objective] = f[run, objective]
            now.place += 1
            now.member += 1
            if now.place < now.end:
                continue
            # end the generation, and choose the next population
            p = now.population
            generations[run, p] += 1
            stretch[run, p] = 0 if now.improved else stretch[run, p] + 1
            for place in range(now.place - now.member, now.end):
                for gene in range(genes):
                    X[run, place, gene] = next_X[run, place, gene]
                for objective in range(f.shape[1]):
                    F[run, place, objective] = next_F[run, place, objective]
            _give_up(run, p, first_population, averages, X, F, alive)
            if alive[run, p] and (generations[run, p] % turns == 0 or not now.tried):
                p += 1
            else:
                p = 0
                while p < now.filled and not alive[run, p]:
                    p += 1
            now.population = p
            if p == now.filled and samples and p < alive.shape[1]:
                begin, end = places(first_population, p)
                _sample(run, begin, end, states, others, X)
                now.place, now.end, now.member, now.phase = begin, end, 0, FILL
                now.filled += 1
                alive[run, p] = True
                for gene in range(genes):
                    trial[run, gene] = X[run, begin, gene]
                break
            if p == now.filled:
                full[count] = run
                count += 1
                break
            begins = True
    return full[:count].copy()
