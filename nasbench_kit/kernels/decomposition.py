"""Kernels of decomposition (MOEA/D): a child of each run from two of its members, and the members that it replaces.

Compiled, a child takes 85 ns (four random words and two per group of genes, three tables and two members), and a
replacement 160 ns for two objectives: 20 neighbours, or all 100 members one time in ten, are compared with the child.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import compiled, enabled
from nasbench_kit.kernels.hashing import mix
from nasbench_kit.kernels.mating import Mating, crossed_and_mutated, mated

__all__ = ["REQUESTS", "UNKNOWN", "Subproblems", "children", "replace"]

UNKNOWN = 1e300  # finite stand-in for failed evaluations
MATING, TIES, VARIATION = 0, 4, 6  # first 32-bit word of each request; a request starts at a 64-bit word
REQUESTS = (3, 1)  # before those of `Mating`

Genotypes = NDArray[np.uint8]


class Subproblems(NamedTuple):
    """The subproblems of all runs.

    Attributes
    ----------
    weights : ndarray of float, shape (n, m)
    X : ndarray of uint8, shape (runs, n, genes)
        Members.
    F : ndarray of float, shape (m, runs, n)
        Their objective values, at most `UNKNOWN`. The objective axis comes first, so that reductions are vectorised
        over all members of all runs.
    ideal : ndarray of float, shape (m, runs)
        Best values seen.
    worst : ndarray of float, shape (m, runs)
        Worst known values of the members; nan where they have to be found out.
    """

    weights: NDArray[np.float64]
    X: Genotypes
    F: NDArray[np.float64]
    ideal: NDArray[np.float64]
    worst: NDArray[np.float64]


def children(
    how: Mating, words: NDArray[np.uint32], X: Genotypes, near: NDArray[np.intp], inside: float
) -> tuple[Genotypes, NDArray[np.intp], NDArray[np.bool_]]:
    """Cross and mutate two random members of each run.

    Parameters
    ----------
    how : Mating
    words : ndarray of uint32, shape (runs, k)
        Random words, those of `REQUESTS` and of ``how``.
    X : ndarray of uint8, shape (runs, n, genes)
        Members.
    near : ndarray of int, shape (neighbours,)
        The neighbourhood.
    inside : float
        Probability that parents come from the neighbourhood.

    Returns
    -------
    child : ndarray of uint8, shape (runs, 1, genes)
    parent : ndarray of int, shape (runs,)
        The first parent.
    from_near : ndarray of bool, shape (runs,)
        Whether the parents are of the neighbourhood.
    """
    if enabled():
        made: tuple[Genotypes, NDArray[np.intp], NDArray[np.bool_]] = _children(words, X, near, inside, *how.tables)
        return made
    n = X.shape[1]
    draws = words[:, MATING : MATING + 3] * np.float64(2.0**-32)
    from_near = draws[:, 0] < inside
    neighbours = near.take((draws[:, 1:] * len(near)).astype(np.intp), mode="clip")
    parents = np.where(from_near[:, np.newaxis], neighbours, (draws[:, 1:] * n).astype(np.intp))
    return mated(how, words[:, VARIATION:], X, parents), parents[:, 0], from_near


def replace(
    problems: Subproblems,
    x: Genotypes,
    f: NDArray[np.float64],
    near: NDArray[np.intp],
    from_near: NDArray[np.bool_],
    words: NDArray[np.uint32],
    most: int | None,
    tchebycheff: bool,
) -> None:
    """Replace members by a child of their run that is no worse; changes ``problems`` in place.

    Objectives are scaled by the best values seen by the run and the worst values of its members.

    Parameters
    ----------
    problems : Subproblems
    x : ndarray of uint8, shape (runs, genes)
        The children.
    f : ndarray of float, shape (runs, m)
        Their objective values.
    near : ndarray of int, shape (neighbours,)
        The neighbourhood.
    from_near : ndarray of bool, shape (runs,)
        Whether only neighbours are replaced.
    words : ndarray of uint32, shape (runs, k)
        The random words of the children.
    most : int, optional
        Maximum number of members replaced per run, drawn at random.
    tchebycheff : bool
        Whether members are compared by the largest weighted objective rather than the sum.
    """
    runs, n = problems.F.shape[1:]
    # order of members to replace: a random number hashed from a random word of the run and the member, and the member
    member_bits, bits = n.bit_length(), 63 - runs.bit_length()
    if enabled():
        limit = n if most is None else min(most, n)
        _replace(*problems, x, f, near, from_near, words, limit, 64 - bits, member_bits, tchebycheff)
        return
    values = np.minimum(f.T, UNKNOWN)
    ideal = np.minimum(problems.ideal, values, out=problems.ideal)
    worst = problems.F.max(axis=2)
    if worst.max() == UNKNOWN:
        worst = np.where(problems.F < UNKNOWN, problems.F, -UNKNOWN).max(axis=2)
    problems.worst.fill(np.nan)
    span = worst - ideal
    scale = 1 / np.where(span > 0, span, 1.0)
    new = (values - ideal) * scale
    flat = problems.F.reshape(len(values), -1)
    first = np.arange(runs) * n  # of the members of each run
    # the neighbours, and all members of the runs that left the neighbourhood
    place, no_worse = _no_worse(flat, first, near, new, ideal, scale, problems.weights, tchebycheff)
    no_worse &= from_near[:, np.newaxis]
    place = place[no_worse]
    far = np.flatnonzero(~from_near)
    if len(far):
        everywhere, no_worse = _no_worse(
            flat,
            first[far],
            np.arange(n),
            new[:, far],
            ideal[:, far],
            scale[:, far],
            problems.weights,
            tchebycheff,
        )
        place = np.concatenate([place, everywhere[no_worse]])
    run = place // n
    if most is not None:
        member = place - first[run]
        word = mix(words[run, TIES].astype(np.uint64) + (member.astype(np.uint64) << np.uint64(32)))
        # pack run, random number and member into one integer, which sorts fast
        key = (run << bits) | ((word >> np.uint64(64 - bits)).astype(np.int64) >> member_bits << member_bits) | member
        key.sort()
        run = key >> bits
        kept = np.ones(len(run), dtype=np.bool_)  # the first few of each run
        kept[most:] = run[most:] != run[:-most]
        key = key[kept]
        run = key >> bits
        place = first[run] + (key & (2**member_bits - 1))
    row = np.dtype((np.void, x.shape[1]))  # copied at once
    problems.X.view(row).reshape(-1)[place] = np.ascontiguousarray(x).view(row).reshape(-1).take(run)
    flat[:, place] = values[:, run]


def _no_worse(
    flat: NDArray[np.float64],
    first: NDArray[np.intp],
    members: NDArray[np.intp],
    new: NDArray[np.float64],
    ideal: NDArray[np.float64],
    scale: NDArray[np.float64],
    weights: NDArray[np.float64],
    tchebycheff: bool,
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Places of some members of some runs in ``flat`` (m, runs * n), and whether a child is no worse: (runs, members)."""
    place = first[:, np.newaxis] + members
    child, low, unit = new[..., np.newaxis], ideal[..., np.newaxis], scale[..., np.newaxis]
    weight = weights.take(members, axis=0).T
    for j, values in enumerate(flat):
        old = values.take(place, mode="clip")
        old -= low[j]
        old *= unit[j]
        old *= weight[j]
        part = child[j] * weight[j]
        if j == 0:
            found, best = old, part
        elif tchebycheff:
            found, best = np.maximum(found, old, out=found), np.maximum(best, part, out=best)
        else:
            found, best = np.add(found, old, out=found), np.add(best, part, out=best)
    return place, best <= found


@compiled
def _children(
    words: NDArray[np.uint32],
    X: NDArray[np.uint8],
    near: NDArray[np.intp],
    inside: float,
    masks: NDArray[np.uint8],
    sizes: NDArray[np.int64],
    steps: NDArray[np.uint8],
    stay: NDArray[np.uint32],
    alias: NDArray[np.intp],
    cardinalities: NDArray[np.int64],
) -> tuple[NDArray[np.uint8], NDArray[np.intp], NDArray[np.bool_]]:
    """Compiled version of `children`."""
    runs, n, genes = X.shape
    child = np.empty((runs, 1, genes), dtype=np.uint8)
    parent = np.empty(runs, dtype=np.intp)
    from_near = np.empty(runs, dtype=np.bool_)
    unit = 2.0**-32
    for run in range(runs):
        from_near[run] = words[run, MATING] * unit < inside
        first, second = words[run, MATING + 1] * unit, words[run, MATING + 2] * unit
        if from_near[run]:
            a, b = near[np.intp(first * len(near))], near[np.intp(second * len(near))]
        else:
            a, b = np.intp(first * n), np.intp(second * n)
        parent[run] = a
        crossed_and_mutated(
            child,
            X,
            run,
            a,
            b,
            True,
            words,
            VARIATION,
            masks,
            sizes,
            steps,
            stay,
            alias,
            cardinalities,
        )
    return child, parent, from_near


@compiled
def _replace(
    weights: NDArray[np.float64],
    X: NDArray[np.uint8],
    F: NDArray[np.float64],
    ideal: NDArray[np.float64],
    worst: NDArray[np.float64],
    x: NDArray[np.uint8],
    f: NDArray[np.float64],
    near: NDArray[np.intp],
    from_near: NDArray[np.bool_],
    words: NDArray[np.uint32],
    most: int,
    shift: int,
    member_bits: int,
    tchebycheff: bool,
) -> None:
    """Compiled version of `replace`."""
    m, runs, n = F.shape
    value, old, found, best = np.empty(m), np.empty(n), np.empty(n), np.empty(n)
    chosen = np.empty(n, dtype=np.intp)
    keys = np.empty(n, dtype=np.int64)  # of those chosen, ascending
    ordered = np.empty((2, m, n))  # weights of all members, and of the neighbours
    for j in range(m):
        for i in range(n):
            ordered[0, j, i] = weights[i, j]
        for i in range(len(near)):
            ordered[1, j, i] = weights[near[i], j]
    for run in range(runs):
        side = np.intp(from_near[run])
        pool = len(near) if side else n
        for i in range(pool):
            found[i] = best[i] = 0.0  # of the member, of the child
        for j in range(m):
            value[j] = min(f[run, j], UNKNOWN)
            ideal[j, run] = min(ideal[j, run], value[j])
            if np.isnan(worst[j, run]):
                worst[j, run] = -UNKNOWN
                for i in range(n):
                    if F[j, run, i] < UNKNOWN:
                        worst[j, run] = max(worst[j, run], F[j, run, i])
            low = ideal[j, run]
            scale = 1 / (worst[j, run] - low) if worst[j, run] > low else 1.0
            new = (value[j] - low) * scale
            if side:
                for i in range(pool):
                    old[i] = F[j, run, near[i]]
            else:
                for i in range(pool):
                    old[i] = F[j, run, i]
            for i in range(pool):
                a, b = new * ordered[side, j, i], (old[i] - low) * scale * ordered[side, j, i]
                if tchebycheff:
                    best[i], found[i] = a if a > best[i] else best[i], b if b > found[i] else found[i]
                else:
                    best[i], found[i] = best[i] + a, found[i] + b
        count = 0
        for i in range(pool):
            if not best[i] <= found[i]:
                continue
            member = near[i] if side else i
            key = np.int64(0)
            if most < n:
                # the hash of `kernels.hashing.mix`
                word = np.uint64(words[run, TIES]) + (np.uint64(member) << np.uint64(32))
                word += np.uint64(0x9E3779B97F4A7C15)
                word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
                word ^= word >> np.uint64(31)
                key = np.int64(word >> np.uint64(shift)) >> member_bits << member_bits | member
            if count == most:
                if key > keys[count - 1]:
                    continue
                count -= 1
            place = count
            while place > 0 and keys[place - 1] > key:
                keys[place], chosen[place] = keys[place - 1], chosen[place - 1]
                place -= 1
            keys[place], chosen[place] = key, member
            count += 1
        for k in range(count):
            member = chosen[k]
            X[run, member] = x[run]
            for j in range(m):
                if F[j, run, member] == worst[j, run]:
                    worst[j, run] = np.nan
                F[j, run, member] = value[j]
        for j in range(m):
            # a nan stays one
            if count and UNKNOWN > value[j] > worst[j, run]:
                worst[j, run] = value[j]
