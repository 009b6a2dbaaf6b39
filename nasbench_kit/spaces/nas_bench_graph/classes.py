"""Equivalence classes of NAS-Bench-Graph's genotypes.

A node has a single input, so a network is a forest below its input, and the leaves are its outputs. A skip that has
readers, or that is the only reader of its input, passes its input on: it can be taken out. A skip that reads the output of
an operation beside other readers makes that output one of the network's outputs, and is kept. A skip that reads the
network's input beside other readers is no output, because the input has another dimension than the outputs of operations:
it is taken out. The benchmark puts skips that are taken out before the first node, in a chain, so that networks keep four
nodes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.nas_bench_graph.links import AUTOMORPHISMS, LINKS, NODES, RENUMBERED, Link

__all__ = ["OPERATIONS", "SKIP", "all_skips", "representatives", "used_nodes"]

OPERATIONS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")
SKIP = OPERATIONS.index("skip")


def representatives() -> NDArray[np.uint64]:
    """Flat index of the benchmark's own genotype of each genotype's network: (59049,) uint64.

    Which skips are taken out depends only on the link list and on which nodes are skips: 9 * 16 cases, each of which is
    worked out once for all genotypes that it covers.
    """
    operations = np.indices((len(OPERATIONS),) * NODES).reshape(NODES, -1).T
    pattern = (operations == SKIP) @ (1 << np.arange(NODES))
    found = np.empty((len(LINKS), len(operations)), dtype=np.uint64)
    for number, link in enumerate(LINKS):
        for bits in range(1 << NODES):
            covered = pattern == bits
            kept, shortened = _without_skips(link, [bool(bits >> node & 1) for node in range(NODES)])
            target, order = RENUMBERED[shortened]
            front = np.full((covered.sum(), NODES - len(kept)), SKIP)
            moved = np.concatenate([front, operations[covered][:, kept]], axis=1)[:, order]
            found[number, covered] = _least(target, moved)
    return found.ravel()


def _without_skips(link: Link, skip: Sequence[bool]) -> tuple[list[int], Link]:
    """The nodes (from 0) that are kept, in order, and the link list with all other nodes in a chain before them."""
    base = _bases(link, skip)
    kept = [
        node
        for node, source in enumerate(base)
        if source is not None and (not skip[node] or (source > 0 and base.count(source) > 1))
    ]
    front = NODES - len(kept)
    place = {0: front, **{node + 1: front + i for i, node in enumerate(kept, start=1)}}
    return kept, (*range(front), *(place[base[node] or 0] for node in kept))


def _bases(link: Link, skip: Sequence[bool]) -> list[int | None]:
    """What each node reads once skips with readers are taken out: 0 or a node from 1; None for those skips."""
    passed = [0]
    base: list[int | None] = []
    for node in range(NODES):
        source = passed[link[node]]
        inner = skip[node] and node + 1 in link
        passed.append(source if inner else node + 1)
        base.append(None if inner else source)
    return base


def _least(target: int, operations: NDArray[np.intp]) -> NDArray[np.uint64]:
    """The smallest flat index of genotypes of one link list after exchanging alike nodes: (n,)."""
    weights = len(OPERATIONS) ** np.arange(NODES - 1, -1, -1)
    least = np.min([operations[:, order] @ weights for order in AUTOMORPHISMS[target]], axis=0)
    numbers: NDArray[np.uint64] = (target * len(OPERATIONS) ** NODES + least).astype(np.uint64)
    return numbers


def used_nodes(link: Link, operations: Sequence[int]) -> list[bool]:
    """Whether each node contributes to an output: all but skips of the input that lead to no operation."""
    used = [False] * (NODES + 1)
    raw = [True] + [False] * NODES  # carries the network's input
    for node in range(1, NODES + 1):
        raw[node] = raw[link[node - 1]] and operations[node - 1] == SKIP
    for node in range(NODES, 0, -1):
        used[node] = used[node] or not raw[node]
        used[link[node - 1]] |= used[node]
    return used[1:]


def all_skips() -> NDArray[np.bool_]:
    """Whether each genotype consists of four skips, by flat index: (59049,)."""
    skips = np.zeros((len(LINKS), len(OPERATIONS) ** NODES), dtype=np.bool_)
    skips[:, -1] = True
    return skips.ravel()
