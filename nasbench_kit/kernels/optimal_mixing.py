"""Compiled loops of gene-pool optimal mixing (GOMEA and MO-GOMEA): the steps from one trial of each run to the next.

They do what the vectorised steps of `nasbench_kit.algorithms.mixing` do, with the same random numbers, run by run: most
runs are in different phases, so that vectorised steps are bound by calls for a few runs each. GOMEA is the case of a
single objective, a single cluster that optimises it, and an archive of one point.

A trial takes about 100 ns: its random words (2 ns each, half of them for the mutation of a member's donors), the next
set of genes that changes anything, and what is compared with an archive of 10 to 30 points.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, part

__all__ = ["BEGIN", "DUE", "FILL", "FORCE", "FOUND", "FULL", "MIX", "Rules", "advance", "places", "take", "uniform"]

FILL, MIX, FORCE = range(3)  # phases of a run: fill a population, mix a member, forced improvement
DUE = -2  # as the last trial of a member: its trials have yet to be planned
FOUND, BEGIN, FULL = range(3)  # outcomes of `advance`: a trial; a generation to begin; a population to make

Runs = NDArray[np.intp]


class Rules(NamedTuple):
    """Settings of an algorithm.

    Attributes
    ----------
    first_population, turns : int
        As in `OptimalMixing`.
    others : ndarray of int, shape (genes,)
        Number of other alleles of each gene.
    mutates : bool
        Whether donors are mutated.
    rate : float
        Mutation probability of a donor's gene; 0 for 1 / size of the set.
    averages : bool
        Whether populations are compared by their averages, rather than point by point.
    archived : bool
        Whether trials are accepted that equal a point of the archive.
    """

    first_population: int
    turns: int
    others: NDArray[np.int64]
    mutates: bool
    rate: float
    averages: bool
    archived: bool


@part
def uniform(state: int, k: int) -> float:
    """The ``k``-th number in [0, 1) of a run's second stream, as `Streams.of` draws it."""
    word = np.uint64(state) + np.uint64(k + 1) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word ^= word >> np.uint64(31)
    return np.float64(word >> np.uint64(11)) * 2.0**-53  # type: ignore[no-any-return]


@part
def places(first_population: int, p: int) -> tuple[int, int]:
    """Begin and end of population ``p``."""
    return first_population * (2**p - 1), first_population * (2 ** (p + 1) - 1)


@part
def _elite(run: int, draw: float, archive: Any, current: int) -> int:
    """Place of a random point of a run's archive, or of the best in the objective of a cluster; -1 if it is empty."""
    if archive.count[run] == 0:
        return -1
    if current < 0:
        return np.intp(draw * archive.count[run])  # type: ignore[no-any-return]
    best = 0
    for place in range(archive.count[run]):
        if archive.F[current, run, place] < archive.F[current, run, best]:
            best = place
    return best


@part
def _plan(
    run: int, populations: Any, turn: Any, member: Any, clusters: Any, archive: Any, states: Any, rules: Any, old: Any
) -> None:
    """Plan the trials of a run's member: sets in random order, each with a (mutated) donor."""
    count, genes = member.masks.shape[1:]
    state = states[run]
    states[run] += np.uint64((3 + (genes if rules.mutates else 0)) * count) * np.uint64(0x9E3779B97F4A7C15)
    order, keys = np.empty(count, dtype=np.intp), np.empty(count)
    for k in range(count):
        key = uniform(state, k)
        place = k
        while place > 0 and keys[place - 1] > key:
            keys[place], order[place] = keys[place - 1], order[place - 1]
            place -= 1
        keys[place], order[place] = key, k
    member.spare[run] = uniform(state, 2 * count)
    mixed = turn.phase[run] == MIX
    place = turn.place[run]
    base = place - turn.member[run]
    cluster = np.intp(0)
    if mixed:
        cluster = clusters.own[run, turn.member[run]]
        clusters.current[run] = clusters.objective[run, cluster]
        member.x[run], member.f[run] = populations.X[run, place], populations.F[run, place]
    else:
        old[:] = member.masks[run]
    for k in range(count):
        draw = uniform(state, count + k)
        member.masks[run, k] = clusters.trees[run, cluster, order[k]] if mixed else old[order[k]]
        if mixed:
            donor = base + clusters.pools[run, cluster, np.intp(draw * clusters.pool_size[run])]
            member.donors[run, k] = populations.X[run, donor]
        else:
            point = _elite(run, draw, archive, clusters.current[run])
            member.donors[run, k] = archive.X[run, point] if point >= 0 else member.x[run]
        if rules.mutates:
            rate = rules.rate
            if rate == 0:
                rate = 1 / max(np.count_nonzero(member.masks[run, k]), 1)
            for gene in range(genes):
                if member.masks[run, k, gene]:
                    draw = uniform(state, (3 + gene) * count + k)
                    if draw < rate:
                        others = rules.others[gene]
                        step = min(1 + np.int64(draw / rate * others), others)
                        member.donors[run, k, gene] = (member.donors[run, k, gene] + step) % (others + 1)
    member.changed[run] = False
    member.last[run] = -1


@part
def _next_trial(run: int, member: Any, trial: Any) -> bool:
    """Whether one of a run's planned trials changes anything; the first of them is stored."""
    count, genes = member.masks.shape[1:]
    for k in range(member.last[run] + 1, count):
        changes = np.uint8(0)
        for gene in range(genes):
            change = (member.donors[run, k, gene] ^ member.x[run, gene]) & member.masks[run, k, gene]
            trial[run, gene] = member.x[run, gene] ^ change
            changes |= change
        if changes:
            member.last[run] = k
            return True
    member.last[run] = count
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
def _given_up(run: int, own: int, populations: Any, rules: Any) -> None:
    """Abandon populations of a run after a generation of population ``own``."""
    begin, end = places(rules.first_population, own)
    X, F = populations.X[run], populations.F[run]
    if rules.averages:
        if (X[begin:end] == X[begin]).all():
            populations.alive[run, : own + 1] = False  # converged; smaller populations have been overtaken
            return
        # a smaller population that is no better on average than a larger one will not catch up
        mean = _sum(F[begin:end, 0]) / (end - begin)
        for p in range(own - 1, -1, -1):
            first, last = places(rules.first_population, p)
            if mean <= _sum(F[first:last, 0]) / (last - first):
                populations.alive[run, : p + 1] = False
                return
        return
    for p in range(own):
        if not populations.alive[run, p]:
            continue
        first, last = places(rules.first_population, p)
        covered = True
        for i in range(first, last):
            below = False
            for j in range(begin, end):
                below = True
                for objective in range(F.shape[1]):
                    below = below and F[j, objective] <= F[i, objective]
                if below:
                    break
            if not below:
                covered = False
                break
        if covered:
            populations.alive[run, p] = False


@part
def _end_of_generation(run: int, populations: Any, turn: Any, rules: Any) -> bool:
    """End a run's generation, choose its next population, and return whether that has yet to be made."""
    own = turn.population[run]
    begin, end = places(rules.first_population, own)
    populations.generations[run, own] += 1
    populations.stretch[run, own] = 0 if turn.improved[run] else populations.stretch[run, own] + 1
    populations.X[run, begin:end] = populations.next_X[run, begin:end]
    populations.F[run, begin:end] = populations.next_F[run, begin:end]
    _given_up(run, own, populations, rules)
    rest = populations.generations[run, own] % rules.turns
    if populations.alive[run, own] and (rest == 0 or not turn.tried[run]):
        turn.population[run] = own + 1
    else:
        p = 0
        while p < turn.filled[run] and not populations.alive[run, p]:
            p += 1
        turn.population[run] = p
    return turn.population[run] >= turn.filled[run]  # type: ignore[no-any-return]


@compiled
def advance(
    waiting: Runs,
    trial: NDArray[np.uint8],
    populations: Any,
    turn: Any,
    member: Any,
    clusters: Any,
    archive: Any,
    states: NDArray[np.uint64],
    rules: Any,
) -> NDArray[np.intp]:
    """Advance runs to their next trials.

    Parameters
    ----------
    waiting : ndarray of int, shape (k,)
        The runs.
    trial : ndarray of uint8, shape (runs, genes)
        Their trials, modified in place.
    populations, turn, member, clusters, archive
        Arrays of `nasbench_kit.algorithms.mixing_state`, modified in place.
    states : ndarray of uint64, shape (runs,)
        States of the runs' second streams, modified in place.
    rules : Rules

    Returns
    -------
    ndarray of int, shape (k,)
        `FOUND`, `BEGIN` or `FULL` for each run.
    """
    outcome = np.empty(len(waiting), dtype=np.intp)
    old = np.empty(member.masks.shape[1:], dtype=np.uint8)
    for i in range(len(waiting)):
        run = waiting[i]
        outcome[i] = FOUND
        due = member.last[run] == DUE
        if turn.phase[run] == FILL:
            if turn.place[run] == turn.end[run]:
                outcome[i] = BEGIN
            else:
                trial[run] = populations.X[run, turn.place[run]]
            continue
        while True:
            if due:
                _plan(run, populations, turn, member, clusters, archive, states, rules, old)
            due = True
            if _next_trial(run, member, trial):
                turn.tried[run] = True
                break
            forced, changed = turn.phase[run] == FORCE, member.changed[run]
            if not forced and (not changed or turn.impatient[run]):
                turn.phase[run] = FORCE
                continue
            turn.phase[run] = MIX
            if forced and not changed:
                point = _elite(run, member.spare[run], archive, clusters.current[run])
                if point >= 0:
                    member.x[run] = archive.X[run, point]
                    for objective in range(len(archive.F)):
                        member.f[run, objective] = archive.F[objective, run, point]
            place = turn.place[run]
            populations.next_X[run, place], populations.next_F[run, place] = member.x[run], member.f[run]
            turn.place[run] += 1
            turn.member[run] += 1
            if turn.place[run] == turn.end[run]:
                outcome[i] = FULL if _end_of_generation(run, populations, turn, rules) else BEGIN
                break
    return outcome


@part
def _equals(run: int, place: int, x: Any, archive: Any) -> None:
    """Of two genotypes with equal objective values, keep the one farther from the rest of the archive."""
    X, genes = archive.X[run], len(x)
    nearest = old_nearest = genes + 1
    same = True
    for gene in range(genes):
        same = same and X[place, gene] == x[gene]
    if same:
        return
    for other in range(archive.count[run]):
        if other != place:
            distance = old_distance = 0
            for gene in range(genes):
                distance += X[other, gene] != x[gene]
                old_distance += X[other, gene] != X[place, gene]
            nearest, old_nearest = min(nearest, distance), min(old_nearest, old_distance)
    if nearest > old_nearest:
        X[place] = x


@part
def _joins(run: int, x: Any, f: Any, archive: Any) -> bool:
    """Add a trial to its run's archive if no point is at least as good, and return whether it was added."""
    F, count = archive.F, archive.count[run]
    for objective in range(len(F)):
        if not np.isfinite(f[objective]):  # failed evaluations never enter the archive
            return False
    for place in range(count):
        covered = equal = True
        for objective in range(len(F)):
            covered = covered and F[objective, run, place] <= f[objective]
            equal = equal and F[objective, run, place] == f[objective]
        if covered:
            archive.equalled[run] = equal
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
            archive.X[run, kept] = archive.X[run, place]
            F[:, run, kept] = F[:, run, place]
        kept += 1
    archive.X[run, kept], F[:, run, kept] = x, f
    F[:, run, kept + 1 : count] = np.inf
    archive.count[run] = kept + 1
    return True


@compiled
def take(
    trial: NDArray[np.uint8],
    values: NDArray[np.float64],
    populations: Any,
    turn: Any,
    member: Any,
    clusters: Any,
    archive: Any,
    rules: Rules,
) -> int:
    """Note the objective values (runs, m) of all runs' trials, and accept those trials that the algorithm accepts.

    Parameters are as for `advance`. Returns the maximum number of points of an archive.
    """
    runs, m = values.shape
    most = np.intp(0)
    for run in range(runs):
        x, f = trial[run], values[run]
        archive.equalled[run] = False
        if m == 1:
            better = f[0] < archive.F[0, run, 0]
            if better:
                archive.X[run, 0], archive.F[0, run, 0] = x, f[0]
        else:
            better = _joins(run, x, f, archive)
        most = max(most, archive.count[run])
        if better:
            turn.improved[run] = True
        phase, current = turn.phase[run], clusters.current[run]
        if phase == FILL:
            populations.F[run, turn.place[run]] = f
            turn.place[run] += 1
            continue
        not_worse, lower = True, False
        for objective in range(m):
            if current < 0 or objective == current:
                not_worse = not_worse and f[objective] <= member.f[run, objective]
                lower = lower or f[objective] < member.f[run, objective]
        accepted = not_worse and (phase == MIX or lower)
        if current < 0:
            accepted = accepted or better or (phase == MIX and rules.archived and archive.equalled[run])
        if accepted:
            member.x[run], member.f[run] = x, f
            member.changed[run] = True
            if phase == FORCE:
                member.last[run] = member.masks.shape[1]  # stop after the first improvement
    return most  # type: ignore[no-any-return]
