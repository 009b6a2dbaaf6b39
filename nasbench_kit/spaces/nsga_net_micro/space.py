"""NSGA-Net's micro space (Lu et al. 2019, arXiv 1810.03522): a normal and a reduction cell of five nodes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.kernels.hashing import mix
from nasbench_kit.spaces.blocks.natives import whole_numbers
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nsga_net_micro.cost import SKELETONS, network_cost

__all__ = ["CELLS", "NODES", "OPERATIONS", "NSGANetMicro"]

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
    "sep_conv_7x7",
    "conv_7x1_1x7",
)
CELLS, NODES, INPUTS = 2, 5, 2
CELL_GENES = NODES * 4


class NSGANetMicro(Space):
    """NSGA-Net's micro space: about 3.3e30 genotypes.

    A genotype encodes a normal and a reduction cell of five nodes each. A node sums two halves, each an (input,
    operation) pair of genes. The inputs available to node k (from 0) are 0 and 1, the cell's own inputs, and 2 ... k +
    1, the preceding nodes; both halves may use the same input. Operations are indices into `OPERATIONS`. Nodes that no
    other node uses are concatenated as the cell's output, so every node is used.

    Two genotypes are the same network if their cells agree up to exchanging the halves of nodes and renumbering nodes.
    The canonical genotype is the lexicographically smallest. Since flat indices do not fit into 64 bits, `key` is a
    hash of the canonical genotype; two networks collide with probability 2^-64.

    Examples
    --------
    >>> space = NSGANetMicro()
    >>> normal = [[[0, 2], [0, 0]], [[0, 7], [0, 2]], [[0, 3], [1, 3]], [[1, 7], [3, 3]], [[1, 2], [3, 4]]]
    >>> reduction = [[[0, 2], [1, 6]], [[0, 1], [1, 3]], [[1, 7], [1, 6]], [[3, 0], [1, 1]], [[3, 0], [1, 7]]]
    >>> X = space.encode([[normal, reduction]])
    >>> X[0, :20]
    array([0, 2, 0, 0, 0, 7, 0, 2, 0, 3, 1, 3, 1, 7, 3, 3, 1, 2, 3, 4], dtype=uint8)
    >>> space.decode(space.canonical(X))[0][0]
    [[[0, 0], [0, 2]], [[0, 2], [0, 7]], [[0, 3], [1, 3]], [[1, 2], [3, 4]], [[1, 7], [3, 3]]]
    """

    name = "nsga-net-micro"
    version = 1
    cardinalities = tuple(
        value
        for _ in range(CELLS)
        for node in range(NODES)
        for _ in range(2)
        for value in (node + INPUTS, len(OPERATIONS))
    )
    networks = None

    @property
    def units(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """``"cell"``, ``"node"`` (both halves), and ``"half"`` (an input with its operation)."""
        return {
            **super().units,
            **{
                name: tuple(tuple(range(i, i + size)) for i in range(0, self.genes, size))
                for name, size in (("cell", CELL_GENES), ("node", 4), ("half", 2))
            },
        }

    @property
    def gene_names(self) -> tuple[str, ...]:
        return tuple(
            f"{cell} node {node} {which} {part}"
            for cell in ("normal", "reduction")
            for node in range(NODES)
            for which in ("first", "second")
            for part in ("input", "operation")
        )

    @property
    def gene_values(self) -> tuple[tuple[str, ...] | range, ...]:
        return tuple(OPERATIONS if gene % 2 else range(values) for gene, values in enumerate(self.cardinalities))

    def canonical_rows(self, rows: Genotypes) -> Genotypes:
        return _canonical_cells(rows.reshape(CELLS * len(rows), NODES, 2, 2)).reshape(rows.shape)

    def key(self, X: ArrayLike) -> NDArray[np.uint64]:
        canonical = self.canonical(X)
        key = np.zeros(len(canonical), dtype=np.uint64)
        for gene in canonical.T:
            key = mix(key + gene.astype(np.uint64))
        return key

    def encode_one(self, native: Any) -> Sequence[int]:
        values = whole_numbers(native, "a native form")
        if values.shape != (CELLS, NODES, 2, 2):
            raise InvalidArchitecture(
                f"expected 2 cells of 5 nodes with 2 (input, operation) pairs, shape (2, 5, 2, 2), not {values.shape}"
            )
        genes = values.reshape(-1)
        wrong = np.flatnonzero((genes < 0) | (genes >= self._values))
        if len(wrong):
            cell, node, _, part = np.unravel_index(wrong[0], values.shape)
            raise InvalidArchitecture(
                f"the {('input', 'operation')[part]} {genes[wrong[0]]} of node {node} of the {('normal', 'reduction')[cell]} "
                f"cell is not one of 0 ... {self._values[wrong[0]] - 1}"
            )
        found: list[int] = genes.tolist()
        return found

    @cached_property
    def _values(self) -> NDArray[np.int64]:
        return np.array(self.cardinalities)

    def diagrams_of(self, row: Sequence[int]) -> list[Diagram]:
        found = []
        for name, cell in zip(("normal", "reduction"), self.decode_one(row), strict=True):
            arrows = [
                Arrow(source, node, OPERATIONS[operation])
                for node, halves in enumerate(cell, start=INPUTS)
                for source, operation in halves
            ]
            taken = {arrow.source for arrow in arrows}
            output = INPUTS + NODES
            arrows += [Arrow(node, output) for node in range(INPUTS, output) if node not in taken]
            nodes = [Node("input 0"), Node("input 1"), *(Node(str(i)) for i in range(INPUTS, output)), Node("concat")]
            found.append(Diagram(f"{self.name}, {name} cell", nodes, arrows))
        return found

    def decode_one(self, row: Sequence[int]) -> list[Any]:
        nested: list[Any] = np.array(row).reshape(CELLS, NODES, 2, 2).tolist()
        return nested

    # ---------------------------------------------------------------- costs

    skeletons = SKELETONS

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        return network_cost(rows, name, skeleton)


def _canonical_cells(cells: Genotypes) -> Genotypes:
    """Lexicographically smallest numbering of each cell: (n, 5, 2, 2) to (n, 5, 2, 2).

    Built greedily: among the nodes whose inputs are already numbered, the one with the smallest code comes next. In
    case of ties, the best choice depends on later nodes, so all orders are tried for such cells.
    """
    n = len(cells)
    sources, operations = cells[..., 0].astype(np.int64), cells[..., 1].astype(np.int64)
    number = np.full((n, NODES + INPUTS), -1)  # new number of each input and node, -1 if not numbered yet
    number[:, :INPUTS] = range(INPUTS)
    row = np.arange(n)
    best = np.empty((n, NODES), dtype=np.int64)
    unclear = np.zeros(n, dtype=np.bool_)
    for place in range(NODES):
        code = _codes(
            np.take_along_axis(number, sources.reshape(n, 2 * NODES), axis=1).reshape(n, NODES, 2), operations
        )
        code[number[:, INPUTS:] >= 0] = _LATE  # numbered already
        first = code.argmin(axis=1)
        best[:, place] = code[row, first]
        unclear |= (code == best[:, place, np.newaxis]).sum(axis=1) > 1
        number[row, INPUTS + first] = INPUTS + place
    if unclear.any():
        which = np.flatnonzero(unclear)
        sources, operations = sources[which], operations[which]
        least = np.full((len(which), NODES), _LATE)
        for order in itertools.permutations(range(NODES)):
            place_of = np.array([0, 1, *(INPUTS + np.argsort(order))])
            code = _codes(place_of[sources], operations)[:, order]
            # an order is admissible only if every node comes after its inputs
            latest = place_of[sources].max(axis=2)[:, order]
            possible = (latest < INPUTS + np.arange(NODES)).all(axis=1)
            differs = (code != least).argmax(axis=1)[:, np.newaxis]
            less = np.take_along_axis(code, differs, axis=1) < np.take_along_axis(least, differs, axis=1)
            better = possible & less[:, 0]
            least[better] = code[better]
        best[which] = least
    halves = np.stack([best // _BASE, best % _BASE], axis=2)
    return np.stack([halves // len(OPERATIONS), halves % len(OPERATIONS)], axis=3).astype(np.uint8)


_BASE = 64  # exceeds every (input, operation) code, at most 6 * 9 + 8
_LATE = np.iinfo(np.int64).max


def _codes(sources: NDArray[np.int64], operations: NDArray[np.int64]) -> NDArray[np.int64]:
    """Code of each node: its two halves sorted, the smaller most significant; `_LATE` if a source is -1."""
    halves = sources * len(OPERATIONS) + operations
    codes = halves.min(axis=2) * _BASE + halves.max(axis=2)
    return np.where((sources < 0).any(axis=2), _LATE, codes)
