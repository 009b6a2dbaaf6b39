"""TransNAS-Bench-101's cells (Duan et al. 2021, arXiv 2105.11871): 4 nodes with operations on their 6 edges."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.graphs import edge_names, edge_paths, edges_to_matrix, on_a_path
from nasbench_kit.kernels.hashing import mix
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nb201.classes import exact_signatures, first_of_each
from nasbench_kit.spaces.nb201.cost import EDGES
from nasbench_kit.spaces.transnas_micro.cost import NONE, OPERATIONS, SKELETONS, SKIP, network_cost

__all__ = ["TransNASMicro"]

_NATIVE = re.compile(r"64-41414-([0-3])_([0-3]{2})_([0-3]{3})")
_REDUCTION = 5  # stands for a skip that changes the resolution: a convolution with parameters of its own


class TransNASMicro(Space):
    """The cell space of TransNAS-Bench-101: 4,096 genotypes, 1,642 networks.

    Genes are the operations of the edges 0->1, 0->2, 1->2, 0->3, 1->3, 2->3: 0 none, 1 skip_connect, 2 nor_conv_1x1,
    3 nor_conv_3x3. A node is the sum of its inputs.

    Two cells are the same network if they compute the same function of their parameters, up to renaming convolutions, in
    all modules of the network. In the first cell of a module that halves the resolution, edges from the input have
    stride 2, and a skip among them is a convolution. A cell that is the same as another one elsewhere may differ there.

    A native form is ``"64-41414-a_bc_def"``, or the list of its last six digits, as NASLib has it.

    Examples
    --------
    >>> space = TransNASMicro()
    >>> X = space.encode(["64-41414-1_30_321", [1, 3, 0, 3, 2, 1]])
    >>> X
    array([[1, 3, 0, 3, 2, 1],
           [1, 3, 0, 3, 2, 1]], dtype=uint8)
    """

    name = "transnas-micro"
    version = 1
    cardinalities = (len(OPERATIONS),) * len(EDGES)

    @property
    def units(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """``"node"``: the incoming edges of each node."""
        return {**super().units, "node": ((0,), (1, 2), (3, 4, 5))}

    @property
    def gene_names(self) -> tuple[str, ...]:
        return edge_names(4)

    @property
    def gene_values(self) -> tuple[tuple[str, ...] | range, ...]:
        return (OPERATIONS,) * self.genes

    def paths(self, rows: Genotypes, longest: int) -> NDArray[np.bool_]:
        return edge_paths(edges_to_matrix(rows), len(OPERATIONS) - 1, longest)

    # ---------------------------------------------------------------- the same network

    def canonical_rows(self, rows: Genotypes) -> Genotypes:
        return self.from_number(self._representatives[self.small_number(rows)])

    @cached_property
    def _representatives(self) -> NDArray[np.uint64]:
        """Flat index of the canonical genotype of each genotype: the smallest one of its class."""
        rows = self.all()
        reducing = rows.copy()
        from_input = [edge for edge, (source, _) in enumerate(EDGES) if source == 0]
        reducing[:, from_input] = np.where(rows[:, from_input] == SKIP, _REDUCTION, rows[:, from_input])
        return first_of_each(mix(exact_signatures(rows)) + exact_signatures(reducing))

    # ---------------------------------------------------------------- native forms

    def encode_one(self, native: Any) -> Sequence[int]:
        if isinstance(native, (list, tuple)):
            if len(native) != self.genes or not all(type(digit) is int and 0 <= digit < 4 for digit in native):
                raise InvalidArchitecture("a list must have six digits from 0 to 3, those of 64-41414-a_bc_def")
            return list(native)
        if not isinstance(native, str):
            raise InvalidArchitecture(f"a native form must be a string, not {type(native).__name__}")
        match = _NATIVE.fullmatch(native.strip())
        if not match:
            raise InvalidArchitecture("expected 64-41414-a_bc_def with digits from 0 to 3")
        return [int(digit) for digit in "".join(match.groups())]

    def decode_one(self, row: Sequence[int]) -> str:
        a, b, c, d, e, f = row
        return f"64-41414-{a}_{b}{c}_{d}{e}{f}"

    def diagrams_of(self, row: Sequence[int]) -> list[Diagram]:
        there = np.zeros((1, 4, 4), dtype=np.bool_)
        for (i, j), gene in zip(EDGES, row, strict=True):
            there[0, i, j] = gene != NONE
        used = on_a_path(there)[0].tolist()
        nodes = [Node("input"), Node("1", used=used[1]), Node("2", used=used[2]), Node("output")]
        arrows = [
            Arrow(i, j, OPERATIONS[gene], used[i] and used[j])
            for (i, j), gene in zip(EDGES, row, strict=True)
            if gene != NONE
        ]
        return [Diagram(self.name, nodes, arrows)]

    # ---------------------------------------------------------------- costs

    skeletons = SKELETONS

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        return network_cost(rows, name, skeleton)
