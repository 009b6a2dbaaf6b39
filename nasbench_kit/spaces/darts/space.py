"""The search space of DARTS (Liu et al. 2019, arXiv 1806.09055): a normal and a reduction cell of four nodes.

Operations are in the order of NAS-Bench-301 (Zela et al. 2022, arXiv 2008.09777), which uses this space.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.spaces.blocks.cell_pair import CellPair
from nasbench_kit.spaces.blocks.cell_stack import stack_cost
from nasbench_kit.spaces.darts.cost import SKELETONS
from nasbench_kit.spaces.darts.natives import NODES, OPERATIONS, genes_of, genotype_text
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["DARTS"]


class DARTS(CellPair):
    """The search space of DARTS: about 2.8e20 valid genotypes, of about 1.1e18 architectures.

    A genotype encodes a normal and a reduction cell of four nodes each. A node sums two halves, each an (input,
    operation) pair of genes, with different inputs. The inputs available to a node are 0 and 1, the cell's own inputs,
    and the preceding nodes; the nodes are 2 to 5. Operations are indices into `OPERATIONS`. The cell's output
    concatenates its four nodes.

    Two genotypes are the same network if their cells agree up to exchanging the halves of nodes and renumbering nodes,
    in any order in which every node comes after its inputs. Renumbering permutes the channels of a cell's output, which
    the 1x1 convolutions that read it, or the classifier, absorb. The canonical genotype is the lexicographically
    smallest. Sums that are only equal because addition is associative, as when a skip connection copies a node, are
    different networks here.

    With repeated inputs there are 6.9e21 genotypes, whose flat indices do not fit into 64 bits. Canonical genotypes do:
    `key` is the flat index among genotypes whose halves are in order, and two networks never collide.

    Native forms are the text or named tuple ``Genotype(normal=[("sep_conv_3x3", 0), ...], normal_concat=[2, 3, 4, 5],
    reduce=[...], reduce_concat=[2, 3, 4, 5])`` of the DARTS code, with two (operation, input) pairs per node; a dict with
    these keys; and NASLib's compact form, a pair of lists of eight (input, operation) pairs of numbers, also as text.

    Examples
    --------
    >>> space = DARTS()
    >>> compact = [[(0, 0), (1, 5), (1, 1), (0, 1), (1, 3), (0, 3), (1, 3), (3, 2)]] * 2
    >>> X = space.encode([compact])
    >>> X[0, :16]
    array([0, 0, 1, 5, 1, 1, 0, 1, 1, 3, 0, 3, 1, 3, 3, 2], dtype=uint8)
    >>> space.decode(space.canonical(X))[0][:81]
    "Genotype(normal=[('max_pool_3x3', 0), ('dil_conv_3x3', 1), ('avg_pool_3x3', 0), ("
    """

    name = "darts"
    version = 1
    nodes = NODES
    operations = OPERATIONS
    distinct_inputs = True
    concatenates_all = True

    def key(self, X: ArrayLike) -> NDArray[np.uint64]:
        nodes = self.by_node(self.canonical(X)).astype(np.uint64)
        key = np.zeros(len(nodes), dtype=np.uint64)
        for cell in range(nodes.shape[1]):
            for node in range(NODES):
                first, one, second, other = nodes[:, cell, node].T
                # pairs of inputs, in the order 01, 02, 12, 03, 13, 23, ...
                pair = second * (second - np.uint64(1)) // np.uint64(2) + first
                for value, values in ((pair, (node + 2) * (node + 1) // 2), (one, 7), (other, 7)):
                    key = key * np.uint64(values) + value
        return key

    # ---------------------------------------------------------------- native forms

    def encode_one(self, native: Any) -> Sequence[int]:
        return genes_of(native)

    def decode_one(self, row: Sequence[int]) -> str:
        return genotype_text(row)

    # ---------------------------------------------------------------- costs

    skeletons = SKELETONS

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        return stack_cost(self, rows, name, skeleton)
