"""Populations without duplicates: the same genotype, or the same network in another encoding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.operators.operators import gather
from nasbench_kit.kernels.hashing import hash_rows
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["POLICIES", "first_different", "identities"]

POLICIES = ("allow", "genotype", "network")


def identities(X: Genotypes, space: Space, policy: str) -> NDArray[np.uint64]:
    """Equal for duplicates by a policy: (runs, n, genes) to (runs, n). Genotypes to within a chance of 2^-64 a pair."""
    flat = X.reshape(-1, space.genes)
    keys = space.key(flat) if policy == "network" else hash_rows(flat)
    return keys.reshape(X.shape[:2])


def first_different(candidates: Genotypes, n: int, known: Genotypes, space: Space, policy: str) -> Genotypes:
    """The first ``n`` candidates of each run that neither ``known`` nor an earlier candidate equals.

    Parameters
    ----------
    candidates : ndarray of uint8, shape (runs, k, genes)
        Valid genotypes, the preferred first; k is at least n.
    n : int
    known : ndarray of uint8, shape (runs, members, genes)
    space : Space
    policy : {"genotype", "network"}

    Returns
    -------
    ndarray of uint8, shape (runs, n, genes)
        Where too few differ, the earliest duplicates fill up.
    """
    keys = identities(np.concatenate([known, candidates], axis=1), space, policy)
    order = keys.argsort(axis=1, kind="stable")
    ordered = np.take_along_axis(keys, order, axis=1)
    again = np.zeros(keys.shape, dtype=np.bool_)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    duplicate = np.zeros_like(again)
    np.put_along_axis(duplicate, order, again, axis=1)
    return gather(candidates, duplicate[:, known.shape[1] :].argsort(axis=1, kind="stable")[:, :n])
