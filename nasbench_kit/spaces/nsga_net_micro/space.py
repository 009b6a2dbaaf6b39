"""NSGA-Net's micro space (Lu et al. 2019, arXiv 1810.03522): a normal and a reduction cell of five nodes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.kernels.hashing import mix
from nasbench_kit.spaces.blocks.cell_pair import CELLS, CellPair
from nasbench_kit.spaces.blocks.cell_stack import stack_cost
from nasbench_kit.spaces.blocks.natives import whole_numbers
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nsga_net_micro.cost import SKELETONS

__all__ = ["OPERATIONS", "NSGANetMicro"]

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
NODES = 5


class NSGANetMicro(CellPair):
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
    nodes = NODES
    operations = OPERATIONS
    first_node = 0

    def key(self, X: ArrayLike) -> NDArray[np.uint64]:
        canonical = self.canonical(X)
        key = np.zeros(len(canonical), dtype=np.uint64)
        for gene in canonical.T:
            key = mix(key + gene.astype(np.uint64))
        return key

    def encode_one(self, native: Any) -> Sequence[int]:
        values = whole_numbers(native, "a native form")
        if values.shape != (len(CELLS), NODES, 2, 2):
            raise InvalidArchitecture(
                f"expected 2 cells of 5 nodes with 2 (input, operation) pairs, shape (2, 5, 2, 2), not {values.shape}"
            )
        genes = values.reshape(-1)
        wrong = np.flatnonzero((genes < 0) | (genes >= self._values))
        if len(wrong):
            cell, node, _, part = np.unravel_index(wrong[0], values.shape)
            raise InvalidArchitecture(
                f"the {('input', 'operation')[part]} {genes[wrong[0]]} of node {node} of the {CELLS[cell]} "
                f"cell is not one of 0 ... {self._values[wrong[0]] - 1}"
            )
        found: list[int] = genes.tolist()
        return found

    @cached_property
    def _values(self) -> NDArray[np.int64]:
        return np.array(self.cardinalities)

    def decode_one(self, row: Sequence[int]) -> list[Any]:
        nested: list[Any] = np.array(row).reshape(len(CELLS), NODES, 2, 2).tolist()
        return nested

    # ---------------------------------------------------------------- costs

    skeletons = SKELETONS

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        return stack_cost(self, rows, name, skeleton)
