"""The loops themselves. Importing this module needs Numba; `nasbench_kit.compiled.load` does it.

No loop rounds otherwise than NumPy: there is no ``fastmath``, and products are not fused with sums. Each names the code that it
stands in for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

Loop = TypeVar("Loop", bound=Callable[..., Any])


def _compiled(loop: Loop) -> Loop:
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(loop)  # type: ignore[no-any-return]
    except RuntimeError:  # no folder that may be written to: compiled anew in each process
        return numba.njit(**options)(loop)  # type: ignore[no-any-return]


@_compiled
def survival_keys(
    F: NDArray[np.float64],
    order: NDArray[np.intp],
    enough: int,
    ties: NDArray[np.uint32],
    crowding: int,
    tie: int,
    place: int,
) -> NDArray[np.int64]:
    """The numbers that `nasbench_kit.algorithms.nsga2.survivors` sorts, for two objectives.

    Parameters
    ----------
    F : ndarray of float, shape (runs, points, 2)
    order : ndarray of int, shape (runs, points)
        Positions in ``F.reshape(-1, 2)``: each run's points by ascending objectives.
    enough : int
        Once a run has so many points ranked, those left in it share the next rank, and have no distance.
    ties : ndarray of uint32, shape (runs, points)
    crowding, tie, place : int
        Bits for the crowding distance, for the tie and for the place in the order, below those of the rank.

    Returns
    -------
    ndarray of int, shape (runs, points)
    """
    runs, points = order.shape
    values = F.reshape(-1, 2)
    keys = np.empty((runs, points), dtype=np.int64)
    along_first, along_second = np.empty(points), np.empty(points)
    begin = np.empty(points + 1, dtype=np.int64)  # where those points begin that are equal to the k-th different one
    first, second = np.empty(points), np.empty(points)  # of different points
    left, front = np.empty(points, dtype=np.int64), np.empty(points, dtype=np.int64)
    key = np.empty(points, dtype=np.int64)  # rank and distance
    unit, most = 2.0**crowding / 4, 3.0  # of a distance, of two objectives
    for run in range(runs):
        for i in range(points):
            along_first[i] = values[order[run, i], 0]
            along_second[i] = values[order[run, i], 1]
        k = 0
        begin[0] = 0
        for i in range(1, points):  # without a branch: which points are equal cannot be foreseen
            begin[k + 1] = i
            k += np.int64(along_first[i] != along_first[i - 1]) | np.int64(along_second[i] != along_second[i - 1])
        begin[k + 1] = points
        different = k + 1
        remaining = 0
        for k in range(different):
            first[k], second[k] = along_first[begin[k]], along_second[begin[k]]
            left[remaining] = k
            remaining += np.int64(np.isfinite(first[k] + second[k]))
        key[:] = ((points + 1) << crowding) - 1  # of those that are unknown
        rank = ranked = 0
        while remaining and ranked < enough:
            # a point is on this front where its second objective lies below that of every point before it
            lowest = np.inf
            members = others = 0
            for i in range(remaining):
                k = left[i]
                ahead = np.int64(second[k] < lowest)
                lowest = min(lowest, second[k])
                front[members] = left[others] = k
                members += ahead
                others += 1 - ahead
            remaining = others
            span_first = abs(first[front[members - 1]] - first[front[0]])
            span_second = abs(second[front[members - 1]] - second[front[0]])
            scale_first = 1 / span_first if span_first > 0 else 0.0
            scale_second = 1 / span_second if span_second > 0 else 0.0
            none = ((rank + 1) << crowding) - 1  # at no distance
            before = np.inf
            for i in range(members):
                k = front[i]
                after = np.inf
                if i + 1 < members:
                    after = abs(first[front[i + 1]] - first[k]) * scale_first
                    after += abs(second[front[i + 1]] - second[k]) * scale_second
                start, stop = begin[k], begin[k + 1]
                if stop - start == 1:
                    key[start] = none - np.int64(min(before + after, most) * unit)
                else:  # of equal points the first has a neighbour before it, the last has one after it
                    key[start:stop] = none
                    key[start] -= np.int64(min(before, most) * unit)
                    key[stop - 1] -= np.int64(min(after, most) * unit)
                before = after
                ranked += stop - start
            rank += 1
        for i in range(remaining):
            key[begin[left[i]] : begin[left[i] + 1]] = ((rank + 1) << crowding) - 1
        for i in range(points):
            keys[run, i] = (key[i] << tie | np.int64(ties[run, i] >> np.uint32(32 - tie))) << place | i
    return keys


@_compiled
def note_small(
    X: NDArray[np.uint8],
    weights: NDArray[np.int64],
    counted: NDArray[np.bool_],
    genotype_seen: NDArray[np.bool_],
    network_of_number: NDArray[np.int32],
    network_seen: NDArray[np.uint8],
    networks: NDArray[np.int64],
) -> NDArray[np.intp]:
    """`nasbench_kit.experiments.seen.Seen.note` where every genotype and every network has a flag.

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, batch, genes)
    weights : ndarray of int, shape (genes,)
        Of the digits of a genotype's number.
    counted : ndarray of bool, shape (runs, batch) or (0, 0)
        Which to note; all where it is empty.
    genotype_seen : ndarray of bool, shape (runs, genotypes)
        Is changed.
    network_of_number : ndarray of int, shape (genotypes,)
    network_seen : ndarray of uint8, shape (runs, networks)
        Is changed.
    networks : ndarray of int, shape (runs,)
        How many each run has seen; is changed.

    Returns
    -------
    ndarray of int, shape (k,)
        Positions in (runs * batch) of the genotypes that are new.
    """
    runs, batch, genes = X.shape
    some = counted.size > 0
    chosen = np.empty(runs * batch, dtype=np.intp)
    k = 0
    for run in range(runs):
        for i in range(batch):
            number = 0
            for gene in range(genes):
                number += X[run, i, gene] * weights[gene]
            if genotype_seen[run, number] or (some and not counted[run, i]):
                continue
            genotype_seen[run, number] = True
            chosen[k] = run * batch + i
            k += 1
            network = network_of_number[number]
            networks[run] += 1 - network_seen[run, network]
            network_seen[run, network] = 1
    return chosen[:k].copy()


@_compiled
def flag_bits(
    run: NDArray[np.intp],
    network: NDArray[np.intp],
    flags: NDArray[np.uint8],
    networks: int,
    counts: NDArray[np.int64],
) -> None:
    """Set a bit for each run and network, and count for each run those that were not set; `Seen.note`.

    Parameters
    ----------
    run, network : ndarray of int, shape (k,)
    flags : ndarray of uint8
        Bit ``run * networks + network`` of these is the network's; is changed.
    networks : int
    counts : ndarray of int, shape (runs,)
        Is changed.
    """
    for i in range(len(run)):
        place = run[i] * networks + network[i]
        bit = np.uint8(1 << (place & 7))
        if not flags[place >> 3] & bit:
            flags[place >> 3] |= bit
            counts[run[i]] += 1


@_compiled
def outcomes(
    first: NDArray[np.uint32], second: NDArray[np.uint32], stay: NDArray[np.uint32], alias: NDArray[np.intp]
) -> NDArray[np.intp]:
    """`nasbench_kit.algorithms.letters.AliasTable.outcomes` of flat arrays: (n,) twice to (n,)."""
    outcome = np.empty(len(first), dtype=np.intp)
    scale = len(stay) * 2.0**-32
    for i in range(len(first)):
        slot = np.intp(first[i] * scale)
        outcome[i] = slot if second[i] < stay[slot] else alias[slot]
    return outcome


@_compiled
def integers(words: NDArray[np.uint64], used: int, count: int, high: int) -> NDArray[np.intp]:
    """`nasbench_kit.algorithms.streams.Streams.integers` below the same number: (runs, count).

    Parameters
    ----------
    words : ndarray of uint64, shape (runs, n)
    used : int
        How many words of each run are used up.
    count, high : int
    """
    runs = len(words)
    drawn = np.empty((runs, count), dtype=np.intp)
    scale = high * 2.0**-32
    low = np.uint64(2**32 - 1)
    for run in range(runs):
        for i in range(count // 2):
            word = words[run, used + i]
            drawn[run, 2 * i] = np.intp((word & low) * scale)
            drawn[run, 2 * i + 1] = np.intp((word >> np.uint64(32)) * scale)
        if count % 2:
            drawn[run, count - 1] = np.intp((words[run, used + count // 2] & low) * scale)
    return drawn


@_compiled
def mutate_one_gene(
    parents: NDArray[np.uint8],
    slots: NDArray[np.uint32],
    coins: NDArray[np.uint32],
    stay: NDArray[np.uint32],
    alias: NDArray[np.intp],
    changes: NDArray[np.intp],
    cardinalities: NDArray[np.uint8],
    weights: NDArray[np.int64],
    valid: NDArray[np.bool_],
) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """The first valid child of each parent's draws, as in `nasbench_kit.algorithms.operators.mutate_one_gene`.

    Parameters
    ----------
    parents : ndarray of uint8, shape (n, genes)
        Valid ones.
    slots, coins : ndarray of uint32, shape (n, attempts)
        Random words.
    stay, alias : ndarray, shape (k,)
        Of the `AliasTable` of the changes.
    changes : ndarray of int, shape (k, 2)
        A gene, and how many values on it goes.
    cardinalities : ndarray of uint8, shape (genes,)
    weights, valid : ndarray
        As ``space.validity`` has them.

    Returns
    -------
    children : ndarray of uint8, shape (n, genes)
    missing : ndarray of int
        Which of them have no valid child among their draws, and are their parents.
    """
    n, genes = parents.shape
    children = parents.copy()
    missing = np.empty(n, dtype=np.intp)
    without = 0
    scale = len(stay) * 2.0**-32
    for i in range(n):
        number = 0
        for gene in range(genes):
            number += parents[i, gene] * weights[gene]
        found = False
        for attempt in range(slots.shape[1]):
            slot = np.intp(slots[i, attempt] * scale)
            change = slot if coins[i, attempt] < stay[slot] else alias[slot]
            gene = changes[change, 0]
            old = np.int64(parents[i, gene])
            value = old + changes[change, 1]
            if value >= cardinalities[gene]:
                value -= cardinalities[gene]
            if valid[number + (value - old) * weights[gene]]:
                children[i, gene] = value
                found = True
                break
        missing[without] = i
        without += not found
    return children, missing[:without].copy()


@_compiled
def cell_classes(
    rows: NDArray[np.uint8],
    highest: NDArray[np.uint8],
    of_mask: NDArray[np.uint32],
    of_arrangement: NDArray[np.uint8],
    of_labelling: NDArray[np.int32],
    arrangement_bits: int,
) -> NDArray[np.int32]:
    """`nasbench_kit.spaces.nb101.NB101Space._classes`: (n, 26) to (n,), -1 where a row is no valid genotype."""
    classes = np.empty(len(rows), dtype=np.int32)
    low = np.uint32(2**arrangement_bits - 1)
    for i in range(len(rows)):
        outside = np.uint8(0)
        for gene in range(26):
            outside |= np.uint8(rows[i, gene] > highest[gene])
        mask = np.uint32(0)
        for gene in range(21):
            mask |= np.uint32(rows[i, gene]) << np.uint32(gene)
        if outside:
            classes[i] = -1
            continue
        operations = 0
        for gene in range(21, 26):
            operations = 3 * operations + np.int64(rows[i, gene])
        entry = of_mask[np.int64(mask)]
        arranged = np.int64(entry & low) * 243 + operations
        classes[i] = of_labelling[np.int64(entry >> np.uint32(arrangement_bits)) + np.int64(of_arrangement[arranged])]
    return classes


@_compiled
def nondominated(F: NDArray[np.float64], group: NDArray[np.int64], groups: int) -> NDArray[np.intp]:
    """`nasbench_kit.indicators.nondominated` of two objectives: (n, 2) and (n,) to (k,).

    Each group's front is kept in order while its points are looked at in turn: O(n log n), for most are dominated.
    """
    n = len(F)
    begin = np.zeros(groups + 1, dtype=np.intp)
    for i in range(n):
        begin[group[i] + 1] += 1
    for k in range(groups):
        begin[k + 1] += begin[k]
    members = np.empty(n, dtype=np.intp)  # group after group
    filled = begin[:-1].copy()
    for i in range(n):
        members[filled[group[i]]] = i
        filled[group[i]] += 1
    kept = np.empty(n, dtype=np.intp)
    total = 0
    for k in range(groups):
        size = 0  # the front is kept[total : total + size]
        for i in members[begin[k] : begin[k + 1]]:
            first, second = F[i, 0], F[i, 1]
            low, high = 0, size
            while low < high:  # how many of the front have no higher first objective
                middle = (low + high) // 2
                if F[kept[total + middle], 0] <= first:
                    low = middle + 1
                else:
                    high = middle
            if low and F[kept[total + low - 1], 1] <= second:
                continue
            # it takes the place of those that it dominates: one before it with the same first objective, and some behind it
            start = low
            if low and F[kept[total + low - 1], 0] == first:
                start -= 1
            stop = low
            while stop < size and F[kept[total + stop], 1] >= second:
                stop += 1
            if stop == start:
                for j in range(total + size, total + start, -1):
                    kept[j] = kept[j - 1]
            elif stop > start + 1:
                for j in range(total + stop, total + size):
                    kept[j - (stop - start - 1)] = kept[j]
            kept[total + start] = i
            size += 1 - (stop - start)
        total += size
    return kept[:total].copy()


@_compiled
def pair_codes(bits: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Whole numbers from 0 that are ordered as two columns of floats are: `nasbench_kit.sorting.whole_numbers`.

    Parameters
    ----------
    bits : ndarray of uint64, shape (n, 2)
        Of the floats, without -0.0.

    Returns
    -------
    codes : ndarray of uint64, shape (2, n)
        Not yet without the bits that all of them share.
    used : ndarray of uint64, shape (2,)
        The bits that some code has.
    """
    n = len(bits)
    codes = np.empty((2, n), dtype=np.uint64)
    used = np.zeros(2, dtype=np.uint64)
    sign = np.uint64(2**63)
    for column in range(2):
        least = np.uint64(2**64 - 1)
        for i in range(n):
            word = bits[i, column]
            code = word ^ (sign | np.uint64(np.int64(word) >> np.int64(63)))
            codes[column, i] = code
            least = min(least, code)
        some = np.uint64(0)
        for i in range(n):
            codes[column, i] -= least
            some |= codes[column, i]
        used[column] = some
    return codes, used


@_compiled
def low_keys(
    codes: NDArray[np.uint64],
    shift_first: int,
    shift_second: int,
    rest: int,
    second_bits: int,
    place: int,
    keys: NDArray[Any],
) -> None:
    """The second numbers and the last ``rest`` bits of the first, with their places in their rows: into keys (rows, n)."""
    rows, n = keys.shape
    some = np.uint64(2**rest - 1)
    for row in range(rows):
        for i in range(n):
            low = codes[1, row * n + i] >> np.uint64(shift_second)
            if rest:
                low |= (codes[0, row * n + i] >> np.uint64(shift_first) & some) << np.uint64(second_bits)
            keys[row, i] = low << np.uint64(place) | np.uint64(i)


@_compiled
def high_keys(low: NDArray[Any], codes: NDArray[np.uint64], shift: int, place: int) -> NDArray[np.uint64]:
    """The first numbers in the order of the sorted keys (rows, n), with their places in this order: (rows, n)."""
    rows, n = low.shape
    keys = np.empty((rows, n), dtype=np.uint64)
    places = np.uint64(2**place - 1)
    for row in range(rows):
        for i in range(n):
            where = row * n + np.intp(np.uint64(low[row, i]) & places)
            keys[row, i] = codes[0, where] >> np.uint64(shift) << np.uint64(place) | np.uint64(i)
    return keys


@_compiled
def places_by_both(low: NDArray[Any], high: NDArray[np.uint64], place: int) -> NDArray[np.intp]:
    """The order by the first numbers, then by what `low` is sorted by, as positions in the flat rows: (rows, n)."""
    rows, n = low.shape
    order = np.empty((rows, n), dtype=np.intp)
    places = np.uint64(2**place - 1)
    for row in range(rows):
        for i in range(n):
            by_low = low[row, np.intp(high[row, i] & places)]
            order[row, i] = row * n + np.intp(np.uint64(by_low) & places)
    return order
