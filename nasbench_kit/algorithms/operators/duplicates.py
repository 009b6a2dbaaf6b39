"""Elimination of duplicate genotypes or duplicate networks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.operators.selection import gather
from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.kernels.hashing import hash_rows
from nasbench_kit.kernels.sorting import repeats
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["POLICIES", "distinct_children", "first_different", "identities", "repeated"]

POLICIES = ("allow", "genotype", "network")
SURPLUS = 3  # factor by which children are oversampled when duplicates are eliminated


def distinct_children(
    children_of: Callable[[Genotypes], Genotypes],
    n: int,
    members: Genotypes,
    space: Space,
    random: Streams,
    policy: str,
) -> Genotypes:
    """Generate ``n`` children per run under a policy for duplicates: (runs, n, genes).

    Parameters
    ----------
    children_of : callable
        Generates at least ``n`` children of the members; called once if duplicates are allowed, else three times.
    n : int
        Number of children per run.
    members : ndarray of uint8, shape (runs, members, genes)
        Current population.
    space : Space
    random : Streams
        Source of the random genotypes that fill up if too few children are distinct.
    policy : {"allow", "genotype", "network"}
        Whether children may equal members or other children, as genotypes or as networks.
    """
    if policy == "allow":
        return children_of(members)[:, :n]
    surplus = [children_of(members)[:, :n] for _ in range(SURPLUS)]
    candidates = np.concatenate([*surplus, random.sample(space, n)], axis=1)
    return first_different(candidates, n, members, space, policy)


def identities(X: Genotypes, space: Space, policy: str) -> NDArray[np.uint64]:
    """Keys that are equal for duplicates under a policy: (runs, n, genes) to (runs, n).

    Keys of different genotypes collide with probability 2^-64 per pair.
    """
    flat = X.reshape(-1, space.genes)
    keys = space.key(flat) if policy == "network" else hash_rows(flat)
    return keys.reshape(X.shape[:2])


def first_different(candidates: Genotypes, n: int, known: Genotypes, space: Space, policy: str) -> Genotypes:
    """Return the first ``n`` candidates of each run that differ from ``known`` and from earlier candidates.

    Parameters
    ----------
    candidates : ndarray of uint8, shape (runs, k, genes)
        Valid genotypes in order of preference; k is at least n.
    n : int
        Number of candidates to return per run.
    known : ndarray of uint8, shape (runs, members, genes)
        Genotypes that candidates must differ from.
    space : Space
    policy : {"genotype", "network"}
        Whether to compare genotypes or networks.

    Returns
    -------
    ndarray of uint8, shape (runs, n, genes)
        If there are too few distinct candidates, the earliest duplicates are added.
    """
    return gather(candidates, repeated(candidates, known, space, policy).argsort(axis=1, kind="stable")[:, :n])


def repeated(candidates: Genotypes, known: Genotypes, space: Space, policy: str) -> NDArray[np.bool_]:
    """Whether each candidate equals one of ``known`` or an earlier candidate of its run: (runs, k).

    The parameters are those of `first_different`.
    """
    return repeats(identities(np.concatenate([known, candidates], axis=1), space, policy))[:, known.shape[1] :]
