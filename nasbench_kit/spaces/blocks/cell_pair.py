"""Spaces of two cells, a normal and a reduction cell, whose nodes combine two (input, operation) halves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.compiling import enabled
from nasbench_kit.spaces.blocks.cell_numbering import INPUTS, canonical_cells, canonical_loop
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["CELLS", "INPUTS", "Cell", "CellPair"]

CELLS = ("normal", "reduction")
HALVES = ("first", "second")


@dataclass(frozen=True)
class Cell:
    """One cell of a genotype.

    Attributes
    ----------
    halves : tuple
        For each node, its two (input, operation) pairs. Inputs 0 and 1 are the cell's own; 2 is the first node.
    joins : tuple of str
        How each node combines its halves: ``"sum"`` or ``"concatenation"``.
    output : tuple of int
        The nodes that the output concatenates, numbered as inputs are.
    """

    halves: tuple[tuple[tuple[int, str], ...], ...]
    joins: tuple[str, ...]
    output: tuple[int, ...]


class CellPair(Space):
    """A space of a normal and a reduction cell of a few nodes each.

    The genes of a node are an input and an operation for its first half, the same for its second half, and, if there
    is a choice, how the halves are combined. The inputs available to a node are 0 and 1, the cell's own inputs, and
    the preceding nodes, numbered from 2.

    Attributes
    ----------
    nodes : int
        Nodes per cell.
    operations : tuple of str
    joins : tuple of str
        Ways to combine two halves. With a single one, nodes have no gene for it.
    distinct_inputs : bool
        Whether the two inputs of a node must differ.
    concatenates_all : bool
        Whether a cell's output concatenates all nodes, rather than those that no other node uses.
    first_node : int
        Number of the first node in the names of genes.
    """

    nodes: int
    operations: tuple[str, ...]
    joins: tuple[str, ...] = ("sum",)
    distinct_inputs = False
    concatenates_all = False
    first_node = INPUTS
    networks = None

    @cached_property
    def cardinalities(self) -> tuple[int, ...]:  # type: ignore[override]
        combined = (len(self.joins),) if len(self.joins) > 1 else ()
        return tuple(
            value
            for _ in CELLS
            for node in range(self.nodes)
            for value in (*(node + INPUTS, len(self.operations)) * 2, *combined)
        )

    @property
    def node_genes(self) -> int:
        """Genes per node."""
        return 4 + (len(self.joins) > 1)

    @property
    def units(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """``"cell"``, ``"node"`` (all of its genes), and ``"half"`` (an input with its operation)."""
        nodes = self._split(self.node_genes)
        size = self.nodes * self.node_genes
        return {
            **super().units,
            "cell": self._split(size),
            "node": nodes,
            # what combines the halves is a unit of its own
            "half": tuple(unit for node in nodes for unit in (node[:2], node[2:4], node[4:]) if unit),
        }

    def _split(self, size: int) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(range(i, i + size)) for i in range(0, self.genes, size))

    @property
    def gene_names(self) -> tuple[str, ...]:
        parts = [f"{half} {part}" for half in HALVES for part in ("input", "operation")]
        parts += ["combination"][: self.node_genes - 4]
        nodes = range(self.first_node, self.first_node + self.nodes)
        return tuple(f"{cell} node {node} {part}" for cell in CELLS for node in nodes for part in parts)

    @property
    def gene_values(self) -> tuple[tuple[str, ...] | range, ...]:
        meanings = (None, self.operations, None, self.operations, self.joins)
        return tuple(
            meanings[gene % self.node_genes] or range(values) for gene, values in enumerate(self.cardinalities)
        )

    def by_node(self, rows: Genotypes) -> Genotypes:
        """Genes by cell and node: (n, genes) to (n, 2, nodes, genes of a node)."""
        return rows.reshape(len(rows), len(CELLS), self.nodes, self.node_genes)

    # ---------------------------------------------------------------- validity

    @property
    def unconstrained(self) -> bool:
        return not self.distinct_inputs

    def valid_rows(self, rows: Genotypes) -> NDArray[np.bool_]:
        inside = np.asarray((rows < np.array(self.cardinalities, dtype=np.uint8)).all(axis=1))
        if not self.distinct_inputs:
            return inside
        nodes = self.by_node(rows)
        return np.asarray(inside & (nodes[..., 0] != nodes[..., 2]).all(axis=(1, 2)))

    def why_invalid(self, row: NDArray[Any]) -> str:
        if ((row >= 0) & (row < np.array(self.cardinalities)) & (row == np.floor(row))).all():
            nodes = row.reshape(len(CELLS), self.nodes, self.node_genes)
            for cell, node in np.argwhere(nodes[..., 0] == nodes[..., 2]):
                return (
                    f"both inputs of node {self.first_node + node} of the {CELLS[cell]} cell are "
                    f"{int(nodes[cell, node, 0])}; they must differ"
                )
        return super().why_invalid(row)

    def _draw(self, n: int, generator: np.random.Generator) -> Genotypes:
        if not self.distinct_inputs:
            return super()._draw(n, generator)
        # the second input is one of the others: none of the draws is invalid
        others = np.array(self.cardinalities)
        second = slice(2, None, self.node_genes)
        others[second] -= 1
        rows = generator.integers(0, others, size=(n, self.genes), dtype=np.uint8)
        rows[:, second] += rows[:, second] >= rows[:, 0 :: self.node_genes]
        return rows

    # ---------------------------------------------------------------- sameness

    def canonical_rows(self, rows: Genotypes) -> Genotypes:
        if enabled():
            forms = np.empty(rows.shape, dtype=np.uint8)
            by_cell = (len(CELLS) * len(rows), self.nodes * self.node_genes)
            canonical_loop(np.ascontiguousarray(rows).reshape(by_cell), self.node_genes, forms.reshape(by_cell))
            return forms
        cells = self.by_node(rows).reshape(-1, self.nodes, self.node_genes).astype(np.int64)
        joins = cells[..., 4] if len(self.joins) > 1 else np.zeros(cells.shape[:2], dtype=np.int64)
        sources, operations, joins = canonical_cells(
            cells[..., 0:4:2], cells[..., 1:4:2], joins, labels=(len(self.operations), len(self.joins))
        )
        found = np.empty(cells.shape, dtype=np.uint8)
        found[..., 0:4:2], found[..., 1:4:2] = sources, operations
        if len(self.joins) > 1:
            found[..., 4] = joins
        return found.reshape(rows.shape)

    # ---------------------------------------------------------------- one genotype

    def cells(self, row: Sequence[int]) -> tuple[Cell, Cell]:
        """The normal and the reduction cell of one valid genotype."""
        size = self.nodes * self.node_genes
        normal, reduction = (self._cell(row[start : start + size]) for start in (0, size))
        return normal, reduction

    def _cell(self, genes: Sequence[int]) -> Cell:
        halves, joins = [], []
        for i in range(0, len(genes), self.node_genes):
            first, one, second, other, *join = (int(gene) for gene in genes[i : i + self.node_genes])
            halves.append(((first, self.operations[one]), (second, self.operations[other])))
            joins.append(self.joins[join[0] if join else 0])
        taken = {source for node in halves for source, _ in node}
        output = tuple(
            node for node in range(INPUTS, INPUTS + self.nodes) if self.concatenates_all or node not in taken
        )
        return Cell(tuple(halves), tuple(joins), output)

    def diagrams_of(self, row: Sequence[int]) -> list[Diagram]:
        found = []
        last = INPUTS + self.nodes
        for name, cell in zip(CELLS, self.cells(row), strict=True):
            arrows = [
                Arrow(source, node, operation)
                for node, halves in enumerate(cell.halves, start=INPUTS)
                for source, operation in halves
            ]
            arrows += [Arrow(node, last) for node in cell.output]
            labels = [str(node) for node in range(INPUTS, last)]
            if len(self.joins) > 1:
                labels = [f"{label}: {join}" for label, join in zip(labels, cell.joins, strict=True)]
            nodes = [Node("input 0"), Node("input 1"), *map(Node, labels), Node("concat")]
            found.append(Diagram(f"{self.name}, {name} cell", nodes, arrows))
        return found
