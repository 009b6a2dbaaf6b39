"""Networks of stages, each a DAG of identical nodes: one bit per edge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.graphs.encoding import edge_list, edge_names, edges_to_matrix
from nasbench_kit.graphs.enumeration import Orders, least_masks
from nasbench_kit.spaces.blocks.natives import whole_numbers
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["StagedDAG", "all_stages", "fan_in", "sum_over_stages"]

MOST_NODES = 6  # per stage: all DAGs of a stage are enumerated, 2^15 for 6 nodes


class StagedDAG(Space):
    """A space of networks of several stages, each a DAG with one bit per possible edge.

    Besides its nodes, each stage has an input and an output. The input feeds every node with successors but no
    predecessor; every node with predecessors but no successor feeds the output. Nodes without edges are dropped.
    Source: Xie and Yuille 2017, Genetic CNN, arXiv 1703.01513, section 3.1.

    Parameters
    ----------
    stages : sequence of int
        Number of nodes of each stage, 2 to 6.
    skip : bool
        Whether each stage has an additional last bit that connects its input to its output. The bit has no effect if
        the stage has no edges.
    name : str
        Name of the space.

    Notes
    -----
    The native form is a list with one list of bits per stage, in the order e12, e13, e23, .... Two genotypes are the
    same network if the DAGs of each stage are isomorphic. This is decided once for all DAGs of a stage, by trying every
    order of the nodes. The canonical DAG is the one with the smallest mask, where e12 is the lowest bit.

    Examples
    --------
    >>> space = StagedDAG([3, 4])
    >>> space.canonical(space.encode([[[0, 1, 0], [0, 0, 0, 0, 0, 1]]]))  # one edge, whichever it is
    array([[1, 0, 0, 1, 0, 0, 0, 0, 0]], dtype=uint8)
    >>> space.networks  # 6 DAGs of three nodes, 31 of four
    186
    """

    version = 1

    def __init__(self, stages: Sequence[int], *, skip: bool = False, name: str = "staged-dag") -> None:
        self.name, self.stages, self.skip = name, tuple(stages), skip
        if not self.stages or not all(2 <= nodes <= MOST_NODES for nodes in self.stages):
            raise ValueError(f"{name}: each stage must have 2 to {MOST_NODES} nodes, not {self.stages}")
        lengths = [nodes * (nodes - 1) // 2 + skip for nodes in self.stages]
        self.cardinalities = (2,) * sum(lengths)
        ends = np.cumsum(lengths).tolist()
        #: Start and end of the genes of each stage.
        self.spans = tuple(zip([0, *ends[:-1]], ends, strict=True))

    @property
    def units(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        return {**super().units, "stage": tuple(tuple(range(start, end)) for start, end in self.spans)}

    @property
    def gene_names(self) -> tuple[str, ...]:
        joined = ("skip",) if self.skip else ()
        return tuple(
            f"stage {i} {name}"
            for i, nodes in enumerate(self.stages, start=1)
            for name in (*edge_names(nodes), *joined)
        )

    def canonical_rows(self, rows: Genotypes) -> Genotypes:
        canonical = np.empty_like(rows)
        for (start, end), nodes in zip(self.spans, self.stages, strict=True):
            least = _least(nodes, self.skip)[_masks(rows, start, end)]
            canonical[:, start:end] = least[:, np.newaxis] >> np.arange(end - start, dtype=np.uint32) & np.uint32(1)
        return canonical

    @property
    def networks(self) -> int:
        return math.prod(int(_index(nodes, self.skip).max()) + 1 for nodes in self.stages)

    def network_index(self, X: ArrayLike) -> NDArray[np.intp]:
        rows = self.check(X)
        index = np.zeros(len(rows), dtype=np.intp)
        for (start, end), nodes in zip(self.spans, self.stages, strict=True):
            of_mask = _index(nodes, self.skip)
            index = index * (int(of_mask.max()) + 1) + of_mask[_masks(rows, start, end)]
        return index

    # ---------------------------------------------------------------- native forms

    def encode_one(self, native: Any) -> Sequence[int]:
        if isinstance(native, (str, bytes, dict)) or not hasattr(native, "__len__") or len(native) != len(self.stages):
            raise InvalidArchitecture(f"a native form is a list of {len(self.stages)} lists of bits, one per stage")
        genes: list[int] = []
        for i, (stage, (start, end)) in enumerate(zip(native, self.spans, strict=True), start=1):
            bits = whole_numbers(stage, f"stage {i}")
            if bits.shape != (end - start,):
                raise InvalidArchitecture(f"stage {i} must have {end - start} bits, not shape {bits.shape}")
            if ((bits != 0) & (bits != 1)).any():
                raise InvalidArchitecture(f"stage {i} has a bit that is neither 0 nor 1")
            genes += bits.tolist()
        return genes

    def diagrams_of(self, row: Sequence[int]) -> list[Diagram]:
        found = []
        for number, ((start, end), nodes) in enumerate(zip(self.spans, self.stages, strict=True), start=1):
            edges = [edge for edge, bit in zip(edge_list(nodes), row[start:end], strict=False) if bit]
            sources, targets = {i for i, _ in edges}, {j for _, j in edges}
            arrows = [Arrow(0, 1 + i) for i in range(nodes) if i in sources - targets]
            arrows += [Arrow(1 + i, 1 + j) for i, j in edges]
            arrows += [Arrow(1 + j, 1 + nodes) for j in range(nodes) if j in targets - sources]
            if not edges or (self.skip and row[end - 1]):
                arrows.append(Arrow(0, 1 + nodes))
            inner = [Node(str(1 + i), used=i in sources | targets) for i in range(nodes)]
            found.append(Diagram(f"{self.name}, stage {number}", [Node("input"), *inner, Node("output")], arrows))
        return found

    def decode_one(self, row: Sequence[int]) -> list[list[int]]:
        return [list(row[start:end]) for start, end in self.spans]


def _masks(rows: Genotypes, start: int, end: int) -> NDArray[np.intp]:
    return (rows[:, start:end] @ (1 << np.arange(end - start))).astype(np.intp)


def sum_over_stages(rows: Genotypes, by_mask: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Sum a per-stage quantity, tabulated for all 2^bits masks of each stage: (n,)."""
    total, start = np.zeros(len(rows), dtype=np.int64), 0
    for figures in by_mask:
        end = start + len(figures).bit_length() - 1
        total += figures[_masks(rows, start, end)]
        start = end
    return total


def fan_in(edges: Genotypes, nodes: int) -> NDArray[np.int64]:
    """Number of inputs of each node of a stage and of its output: (n, edges) to (n, nodes + 1).

    A node without predecessors has one input, that of the stage. A node without any edge is dropped and has none. The
    output of a stage without edges has none.
    """
    matrix = edges_to_matrix(edges) != 0
    predecessors, followed = matrix.sum(axis=1), matrix.any(axis=2)
    inputs = np.where(followed, np.maximum(predecessors, 1), predecessors)
    last = ((predecessors > 0) & ~followed).sum(axis=1)
    return np.asarray(np.concatenate([inputs, last[:, np.newaxis]], axis=1))


def all_stages(nodes: int) -> Genotypes:
    """All possible stages with this many nodes, in mask order: (2^edges, edges)."""
    edges = nodes * (nodes - 1) // 2
    masks = np.arange(2**edges, dtype=np.uint32)
    return np.asarray(masks[:, np.newaxis] >> np.arange(edges, dtype=np.uint32) & np.uint32(1), dtype=np.uint8)


@cache
def _least(nodes: int, skip: bool) -> NDArray[np.uint32]:
    """Canonical mask of every mask of a stage."""
    edges = nodes * (nodes - 1) // 2
    least, _ = least_masks(Orders(nodes), np.arange(2**edges, dtype=np.uint32))
    if not skip:
        return least
    joined = least | np.uint32(1 << edges)
    joined[0] = 0
    return np.concatenate([least, joined])


@cache
def _index(nodes: int, skip: bool) -> NDArray[np.intp]:
    """Class index of every mask of a stage, in the order of canonical masks."""
    index: NDArray[np.intp] = np.unique(_least(nodes, skip), return_inverse=True)[1]
    return index
