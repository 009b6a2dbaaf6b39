"""Simplex lattices: evenly spread weight vectors and reference directions."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["most_divisions", "simplex_lattice"]


def simplex_lattice(divisions: int, objectives: int) -> NDArray[np.float64]:
    """All vectors of multiples of 1 / divisions that sum to one, in lexicographic order: (n, objectives).

    Source: Das and Dennis 1998 (SIAM Journal on Optimization 8(3)).

    Examples
    --------
    >>> simplex_lattice(2, 2)
    array([[0. , 1. ],
           [0.5, 0.5],
           [1. , 0. ]])
    """
    cuts = np.array(list(itertools.combinations(range(divisions + objectives - 1), objectives - 1)))
    ends = np.full((len(cuts), 1), divisions + objectives - 1)
    parts = np.diff(np.concatenate([np.full((len(cuts), 1), -1), cuts, ends], axis=1), axis=1) - 1
    return parts / divisions


def most_divisions(n: int, objectives: int) -> int:
    """Divisions of the largest lattice with at most ``n`` vectors, but at least 1.

    Examples
    --------
    >>> most_divisions(100, 3), len(simplex_lattice(12, 3))
    (12, 91)
    """
    divisions = 1
    while math.comb(divisions + objectives, objectives - 1) <= n:
        divisions += 1
    return divisions
