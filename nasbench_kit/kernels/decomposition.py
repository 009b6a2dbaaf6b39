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
from nasbench_kit.kernels.variation import outcomes, stepped

__all__ = ["UNKNOWN", "Children", "Subproblems", "children", "replace"]

UNKNOWN = 1e300  # finite stand-in for failed evaluations
MATING, TIES, CUTS, STEPS = 0, 4, 6, 8  # first 32-bit word of each request; a request starts at a 64-bit word

Genotypes = NDArray[np.uint8]
Groups = list[tuple[Genotypes, NDArray[np.uint32], NDArray[np.intp]]]


class Children:
    """How children are made.

    Parameters
    ----------
    mating : float
        Probability that parents come from the neighbourhood.
    masks : ndarray of uint8, shape (k, genes)
        Masks of 255 for the genes that may come from the second parent; one of those after the first is drawn.
    groups : list of tuples of ndarrays
        Groups of adjacent genes that mutate together: all combinations of steps (c, width), and an alias table of them
        (``stay`` and ``alias``, as for `outcomes`).
    cardinalities : tuple of int
        Number of alleles of each gene.

    Attributes
    ----------
    requests : tuple of int
        Numbers of random 32-bit words of each request.
    """

    def __init__(self, mating: float, masks: Genotypes, groups: Groups, cardinalities: tuple[int, ...]) -> None:
        self.mating, self.masks, self.groups, self.cardinalities = mating, masks, groups, cardinalities
        self.requests = (3, 1, 1) + (1, 1) * len(groups)
        # for the compiled version: all tables one after the other, and where each group begins
        self.steps = np.concatenate([rows.ravel() for rows, _, _ in groups])
        self.stay = np.concatenate([stay for _, stay, _ in groups])
        self.alias = np.concatenate([alias for _, _, alias in groups])
        self.sizes = np.array([rows.shape for rows, _, _ in groups], dtype=np.int64)
        self.values = np.array(cardinalities, dtype=np.int64)


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
    how: Children, words: NDArray[np.uint32], X: Genotypes, near: NDArray[np.intp]
) -> tuple[Genotypes, NDArray[np.intp], NDArray[np.bool_]]:
    """Cross and mutate two random members of each run.

    Parameters
    ----------
    how : Children
    words : ndarray of uint32, shape (runs, k)
        Random words.
    X : ndarray of uint8, shape (runs, n, genes)
        Members.
    near : ndarray of int, shape (neighbours,)
        The neighbourhood.

    Returns
    -------
    child : ndarray of uint8, shape (runs, 1, genes)
    parent : ndarray of int, shape (runs,)
        The first parent.
    from_near : ndarray of bool, shape (runs,)
        Whether the parents are of the neighbourhood.
    """
    if enabled():
        made: tuple[Genotypes, NDArray[np.intp], NDArray[np.bool_]] = _children(
            words, X, near, how.mating, how.masks, how.sizes, how.steps, how.stay, how.alias, how.values
        )
        return made
    runs, n, genes = X.shape
    draws = words[:, MATING : MATING + 3] * np.float64(2.0**-32)
    from_near = draws[:, 0] < how.mating
    inside = near.take((draws[:, 1:] * len(near)).astype(np.intp), mode="clip")
    parents = np.where(from_near[:, np.newaxis], inside, (draws[:, 1:] * n).astype(np.intp))
    mates = X.reshape(-1, genes).take(parents + (np.arange(runs) * n)[:, np.newaxis], axis=0, mode="clip")
    cut = 1 + (words[:, CUTS] * ((len(how.masks) - 1) * 2.0**-32)).astype(np.intp)
    child = mates[:, 1] ^ mates[:, 0]
    child &= how.masks.take(cut, axis=0, mode="clip")
    child ^= mates[:, 0]
    parts = [
        rows.take(outcomes(words[:, at], words[:, at + 2], stay, alias), axis=0, mode="clip")
        for at, (rows, stay, alias) in zip(range(STEPS, words.shape[1], 4), how.groups, strict=True)
    ]
    steps = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    return stepped(child, steps, how.cardinalities)[:, np.newaxis], parents[:, 0], from_near


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
    mating: float,
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
        from_near[run] = words[run, MATING] * unit < mating
        first, second = words[run, MATING + 1] * unit, words[run, MATING + 2] * unit
        if from_near[run]:
            a, b = near[np.intp(first * len(near))], near[np.intp(second * len(near))]
        else:
            a, b = np.intp(first * n), np.intp(second * n)
        parent[run] = a
        cut = 1 + np.intp(words[run, CUTS] * ((len(masks) - 1) * unit))
        gene = row = table = 0
        for group in range(len(sizes)):
            count, width = sizes[group]
            word = STEPS + 4 * group
            slot = np.intp(words[run, word] * (count * unit))
            if words[run, word + 2] >= stay[table + slot]:
                slot = alias[table + slot]
            for i in range(width):
                old = X[run, a, gene] ^ (X[run, a, gene] ^ X[run, b, gene]) & masks[cut, gene]
                value = np.int64(old) + steps[row + slot * width + i]
                child[run, 0, gene] = value - cardinalities[gene] if value >= cardinalities[gene] else value
                gene += 1
            row += count * width
            table += count
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
