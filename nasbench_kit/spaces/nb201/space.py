"""NAS-Bench-201 (Dong and Yang 2020, arXiv 2001.00326): a cell of 4 nodes with operations on its 6 edges.

A node is the sum of its inputs. Also the topology space of NATS-Bench (arXiv 2009.00437).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture, UnknownName
from nasbench_kit.graphs import edge_names, edge_paths, edges_to_matrix, on_a_path
from nasbench_kit.spaces.blocks.natives import whole_numbers
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.spaces.forms import Form
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nb201.classes import exact_signatures, first_of_each, string_signatures
from nasbench_kit.spaces.nb201.cost import EDGES, NONE, OPERATIONS, SKELETONS, network_cost

__all__ = ["NB201"]

_RULES = ("exact", "published", "skip")

# NASLib's numbering: the gene of each of its operations, and the position of each gene's edge in its order
_NASLIB_OPERATIONS = np.array([1, 0, 3, 2, 4], dtype=np.uint8)
_NASLIB_EDGES = [0, 1, 3, 2, 4, 5]


# the usual way of writing, |a~0|+|b~0|c~1|+|d~0|e~1|f~2|, split at its bars: where the items are, and the gene of each
_ITEMS = (1, 3, 4, 6, 7, 8)
_GENES = [{f"{operation}~{i}": gene for gene, operation in enumerate(OPERATIONS)} for i, _ in EDGES]


class NB201(Space):
    """The search space of NAS-Bench-201: 15,625 genotypes, 5,524 networks.

    Genes are the operations of the edges 0->1, 0->2, 1->2, 0->3, 1->3, 2->3: 0 none, 1 skip_connect, 2 nor_conv_1x1,
    3 nor_conv_3x3, 4 avg_pool_3x3.

    Examples
    --------
    >>> space = NB201()
    >>> space.encode(["|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"])
    array([[3, 0, 1, 4, 0, 2]], dtype=uint8)
    >>> space.canonical([3, 0, 1, 4, 0, 2])  # the convolution may come before or after the skip
    array([[0, 3, 0, 4, 0, 2]], dtype=uint8)
    """

    name = "nb201"
    version = 1
    cardinalities = (5,) * 6

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

    def canonical(self, X: ArrayLike, rule: str = "exact") -> Genotypes:
        """Canonical genotype of each row: the one with the smallest flat index in its class.

        Parameters
        ----------
        X : array_like of int, shape (n, 6) or (6,)
        rule : {"exact", "published", "skip"}
            ``"exact"``: networks are equal if they compute the same function of input and parameters (5,524 classes).
            ``"published"``: the benchmark's own string with skips and zeroes propagated (6,466 classes; it separates
            some equal networks, and cannot distinguish one convolution used twice from two convolutions).
            ``"skip"``: the benchmark's finer string with only skips propagated (12,751 classes).

        Returns
        -------
        ndarray of uint8, shape (n, 6)

        Raises
        ------
        InvalidArchitecture, UnknownName
        """
        rows = self.check(X)
        return self.from_number(self._representatives(rule)[self.number(rows)])

    def canonical_rows(self, rows: Genotypes) -> Genotypes:
        return self.canonical(rows)

    def key(self, X: ArrayLike, rule: str = "exact") -> NDArray[np.uint64]:
        """A 64-bit key of each row's network under ``rule`` (see `canonical`): (n,) uint64."""
        keys: NDArray[np.uint64] = self._representatives(rule)[self.number(self.check(X))]
        return keys

    def _representatives(self, rule: str) -> NDArray[np.uint64]:
        """Flat index of the canonical genotype of each of the 15,625 genotypes."""
        if rule == "exact":
            return self._exact_representatives
        if rule == "published":
            return self._published_representatives
        if rule == "skip":
            return self._skip_representatives
        raise UnknownName("rule", rule, _RULES)

    @cached_property
    def _exact_representatives(self) -> NDArray[np.uint64]:
        return first_of_each(exact_signatures(self.all()))

    @cached_property
    def _published_representatives(self) -> NDArray[np.uint64]:
        return first_of_each(string_signatures(zeroes=True))

    @cached_property
    def _skip_representatives(self) -> NDArray[np.uint64]:
        return first_of_each(string_signatures(zeroes=False))

    # ---------------------------------------------------------------- native forms

    def encode_one(self, native: Any) -> Sequence[int]:
        if not isinstance(native, str):
            raise InvalidArchitecture(f"a native form must be a string, not {type(native).__name__}")
        parts = native.strip().split("|")
        if len(parts) == 10 and parts[2] == parts[5] == "+" and not parts[0] and not parts[9]:
            try:
                return [genes[part] for genes, part in zip(_GENES, (parts[i] for i in _ITEMS), strict=True)]
            except KeyError:
                pass  # the reason is found below
        return self._encode_by_parts(native)

    def _encode_by_parts(self, native: str) -> Sequence[int]:
        """As `encode_one`, for any way of writing, and with the reason for what cannot be read."""
        nodes = native.strip().split("+")
        if len(nodes) != 3:
            raise InvalidArchitecture(f"expected 3 nodes joined by '+', not {len(nodes)}")
        genes = []
        for target, node in enumerate(nodes, start=1):
            parts = node.split("|")
            if len(parts) != target + 2 or parts[0] or parts[-1]:
                raise InvalidArchitecture(
                    f"node {target} must have {target} 'operation~source' items between '|', not {node!r}"
                )
            for source, part in enumerate(parts[1:-1]):
                match = re.fullmatch(r"(\w+)~(\d+)", part)
                if not match or int(match[2]) != source:
                    raise InvalidArchitecture(f"expected 'operation~{source}' in node {target}, not {part!r}")
                if match[1] not in OPERATIONS:
                    raise InvalidArchitecture(str(UnknownName("operation", match[1], OPERATIONS)))
                genes.append(OPERATIONS.index(match[1]))
        return genes

    def decode_one(self, row: Sequence[int]) -> str:
        op = [OPERATIONS[gene] for gene in row]
        return f"|{op[0]}~0|+|{op[1]}~0|{op[2]}~1|+|{op[3]}~0|{op[4]}~1|{op[5]}~2|"

    @property
    def forms(self) -> dict[str, Form]:
        """``"official_index"`` (see `from_official_index`) and ``"naslib"`` (see `from_naslib`) too."""
        return {
            **super().forms,
            "official_index": Form(self.from_official_index, "numbers"),
            "naslib": Form(self.from_naslib),
        }

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

    @cached_property
    def _number_of_official_index(self) -> NDArray[np.uint64]:
        order = list(range(self.size))
        random.Random(88).shuffle(order)
        return np.array(order, dtype=np.uint64)

    def from_official_index(self, index: ArrayLike) -> Genotypes:
        """Genotypes by the benchmark's own architecture index, 0 ... 15,624: (n,) to (n, 6).

        The official order is the product of the operations, shuffled by Python's ``random`` with seed 88.
        """
        indices = np.atleast_1d(np.asarray(index))
        if indices.size and not (indices.min() >= 0 and indices.max() < self.size):
            raise InvalidArchitecture("an official index of NAS-Bench-201 must be one of 0 ... 15624")
        return self.from_number(self._number_of_official_index[indices])

    def official_index(self, X: ArrayLike) -> NDArray[np.int64]:
        """Architecture index of each row in the benchmark's own order: (n,) int64."""
        inverse = np.empty(self.size, dtype=np.int64)
        inverse[self._number_of_official_index.astype(np.int64)] = np.arange(self.size)
        return inverse[self.number(self.check(X))]

    def from_naslib(self, tuples: Iterable[Any]) -> Genotypes:
        """Genotypes by NASLib's tuples of six operation indices: n tuples to (n, 6).

        NASLib numbers the operations 0 skip_connect, 1 none, 2 nor_conv_3x3, 3 nor_conv_1x1, 4 avg_pool_3x3, and orders
        the edges by their sources: 0->1, 0->2, 0->3, 1->2, 1->3, 2->3 (``nasbench201/conversions.py`` of automl/NASLib).

        Raises
        ------
        InvalidArchitecture

        Examples
        --------
        >>> NB201().decode(NB201().from_naslib([(4, 3, 3, 0, 1, 2)]))
        ['|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|none~1|nor_conv_3x3~2|']
        """
        rows = [whole_numbers(value, f"no. {i}") for i, value in enumerate(tuples)]
        for i, row in enumerate(rows):
            if row.shape != (self.genes,) or row.min() < 0 or row.max() >= len(OPERATIONS):
                raise InvalidArchitecture(
                    f"no. {i} must be six integers from 0 to {len(OPERATIONS) - 1}, in NASLib's order, not {row.tolist()}"
                )
        found = np.array(rows, dtype=np.intp).reshape(len(rows), self.genes)
        return _NASLIB_OPERATIONS[found][:, _NASLIB_EDGES]

    # ---------------------------------------------------------------- costs

    skeletons = SKELETONS

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        return network_cost(rows, name, skeleton)
