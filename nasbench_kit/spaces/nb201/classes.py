"""Equivalence classes of NAS-Bench-201 cells: exact, and by the benchmark's own strings."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.hashing import mix
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nb201.cost import CONV1, EDGES, NONE, OPERATIONS, POOL, SKIP

__all__ = ["exact_signatures", "first_of_each", "string_signatures"]


def first_of_each(signatures: NDArray[Any]) -> NDArray[np.uint64]:
    """For each row, the position of the first row with the same signature: (n,)."""
    _, first, inverse = np.unique(signatures, return_index=True, return_inverse=True)
    representatives: NDArray[np.uint64] = first[inverse].astype(np.uint64)
    return representatives


def string_signatures(*, zeroes: bool) -> NDArray[np.str_]:
    """Official string of every genotype, by flat index, with skips propagated (TopologyStructure.to_unique_str).

    A node's string joins the sorted strings of its inputs with '+'. With ``zeroes``, an input through ``none``, or from
    a node whose whole string is '#', becomes '#', which is kept in the join.
    """

    def term(op: int, source: str) -> str:
        if zeroes and (op == NONE or source == "#"):
            return "#"
        return source if op == SKIP else f"({source})@{OPERATIONS[op]}"

    signatures = []
    for first in range(5):
        one = term(first, "0")
        for ops in itertools.product(range(5), repeat=2):
            two = "+".join(sorted(map(term, ops, ("0", one))))
            # each input of the last node can take only five values
            last = [[term(op, source) for op in range(5)] for source in ("0", one, two)]
            signatures += ["+".join(sorted(terms)) for terms in itertools.product(*last)]
    return np.array(signatures)


def exact_signatures(rows: Genotypes) -> NDArray[np.uint64]:
    """A 64-bit signature of each row's network: equal iff the cells compute the same function of their parameters.

    The value of a node is a multiset of terms (k, base). The base is the cell's input or a convolution with its own
    parameters; k counts the average poolings applied (pooling that excludes padding is linear, so it distributes over
    sums). Two cells are the same network iff the multisets of their outputs agree up to renaming of the convolutions.
    A convolution of an empty value is a constant (the shift of its batch norm), which pooling does not change; a 1x1
    convolution of only constants is constant as well.

    Renaming is factored out by colour refinement: the colour of a convolution is hashed from its argument and from the
    uses of its output, in two rounds. That this separates all non-isomorphic cells has been verified exhaustively for
    this space (the tests compare with all permutations); it does not hold in general.
    """
    n = len(rows)
    poolings, bases = 4, 7  # a path has at most 3 edges; the bases are the input and 6 edges
    genes = rows.T
    conv = (genes >= CONV1) & (genes != POOL)  # values above the operations stand for further kinds of convolutions
    values = np.zeros((4, bases, poolings, n), dtype=np.uint64)
    values[0, 0, 0] = 1
    constant = np.zeros((bases, n), dtype=np.bool_)
    for edge, (source, target) in enumerate(EDGES):
        value, op, base = values[source], genes[edge], 1 + edge
        moving = np.where(constant[:, None], 0, value)
        pooled = value - moving
        pooled[:, 1:] += moving[:, :-1]
        values[target] += np.where(op == SKIP, value, 0) + np.where(op == POOL, pooled, 0)
        values[target, base, 0] += conv[edge]
        empty = ~value.any(axis=(0, 1))
        constant[base] = conv[edge] & (empty | ((op == CONV1) & ~moving.any(axis=(0, 1))))

    # arguments of the convolutions; a constant keeps its operation, because the parameters behind it must match
    arguments = [np.where(constant[1 + e], 0, values[source]) for e, (source, _) in enumerate(EDGES)]
    output = values[3]
    position = mix(np.arange(1, 1 + poolings, dtype=np.uint64))[:, None]
    usage = np.zeros((bases, n), dtype=np.uint64)
    for _ in range(2):
        colour = np.zeros((bases, n), dtype=np.uint64)
        terms = np.zeros((bases, poolings, n), dtype=np.uint64)  # the hash of (k, base)
        terms[0] = mix(position + np.uint64(11))
        for edge in range(6):
            base = 1 + edge
            applied = (arguments[edge][:base] * terms[:base]).sum(axis=(0, 1))
            colour[base] = mix(mix(applied + genes[edge]) + usage[base])
            terms[base] = mix(position + colour[base])
        usage = (output * position).sum(axis=1)
        for edge in reversed(range(6)):
            base = 1 + edge
            outer = np.where(usage[base] > 0, mix(usage[base] + colour[base]), 0) * conv[edge]
            usage[:base] += (arguments[edge][:base] * (position * outer)).sum(axis=1)
        usage = mix(usage) * (usage > 0)
    return mix((output * terms).sum(axis=(0, 1)))
