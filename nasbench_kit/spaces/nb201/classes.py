"""Which cells of NAS-Bench-201 are the same network: exactly, and by the benchmark's own strings."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.hashing import mix
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nb201.cost import CONV1, CONV3, EDGES, NONE, OPERATIONS, POOL, SKIP

__all__ = ["exact_signatures", "first_of_each", "string_signatures"]


def first_of_each(signatures: NDArray[Any]) -> NDArray[np.uint64]:
    """The position of the first row with the same signature, for each row: (n,)."""
    _, first, inverse = np.unique(signatures, return_index=True, return_inverse=True)
    representatives: NDArray[np.uint64] = first[inverse].astype(np.uint64)
    return representatives


def string_signatures(*, zeroes: bool) -> NDArray[np.str_]:
    """The official string of every genotype in order of its number (TopologyStructure.to_unique_str), skips propagated.

    A node's string joins its inputs' strings, sorted, with '+'. With ``zeroes`` an input through ``none``, or from a
    node whose whole string is '#', is '#', which stays in the join.
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
            # each input of the last node has only five values
            last = [[term(op, source) for op in range(5)] for source in ("0", one, two)]
            signatures += ["+".join(sorted(terms)) for terms in itertools.product(*last)]
    return np.array(signatures)


def exact_signatures(rows: Genotypes) -> NDArray[np.uint64]:
    """A 64-bit signature of each row's network: equal where the cells are the same function of their parameters.

    A node's value is a multiset of terms (k, base): the base is the cell's input or one convolution with its own
    parameters, k counts the average poolings passed (pooling without padding is linear, so it distributes over
    sums). Two cells are the same network iff their output's multisets agree up to renaming of the convolutions.
    A convolution of an empty value is a constant (its batch norm's shift), which pooling leaves alone; a 1x1
    convolution of nothing but constants is one too.

    Renaming is taken out by colours: a convolution's colour is hashed from what it is applied to, then from where
    its output is used, twice over. That this separates all non-isomorphic cells holds for this space by exhaustion
    (the tests compare with all permutations), not in general.
    """
    n = len(rows)
    poolings, bases = 4, 7  # a path has at most 3 edges; the bases are the input and 6 edges
    genes = rows.T
    conv = (genes == CONV1) | (genes == CONV3)
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

    # what each convolution is applied to; a constant keeps its operation, since the parameters behind it are to match
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
