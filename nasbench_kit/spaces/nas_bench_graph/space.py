"""NAS-Bench-Graph (Qin et al. 2022, arXiv 2206.09166): graph neural networks of four nodes with one input each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture, UnknownName
from nasbench_kit.spaces.blocks.natives import whole_numbers
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nas_bench_graph.classes import OPERATIONS, SKIP, all_skips, representatives, used_nodes
from nasbench_kit.spaces.nas_bench_graph.links import LINKS, NODES, RENUMBERED

__all__ = ["NASBenchGraph"]

_RULES = ("exact", "published")
_TEXT = re.compile(r"Arch\(\s*\[([^\[\]]*)\]\s*,\s*\[([^\[\]]*)\]\s*\)")
_FORMS = (
    '{"link": [0, 1, 2, 1], "ops": ["gcn", "gin", "fc", "cheb"]}, a pair of the two lists, or the text Arch(link, ops)'
)
_DECIMAL = 10 ** np.arange(NODES, -1, -1, dtype=np.int64)  # place values of the benchmark's keys


class NASBenchGraph(Space):
    """The search space of NAS-Bench-Graph: 59,049 genotypes, of them 59,040 valid; 26,206 networks.

    Genes are the link list, 0 ... 8, and the operations of nodes 1 to 4: 0 gat, 1 gcn, 2 gin, 3 cheb, 4 sage, 5 arma, 6
    graph, 7 fc, 8 skip. Each node reads the network's input (0) or an earlier node; the nodes that no node reads are
    concatenated as the output. Four skips are invalid: a network without any operation, which the benchmark excludes.

    Native forms list the nodes in any order in which inputs come before their readers; `decode` gives one of the nine
    link lists of the benchmark.

    Examples
    --------
    >>> space = NASBenchGraph()
    >>> X = space.encode(["Arch([0, 1, 2, 1], ['gcn', 'gin', 'fc', 'cheb'])"])
    >>> X  # nodes 3 and 4 are exchanged, so that the link list is no. 6
    array([[6, 1, 2, 3, 7]], dtype=uint8)
    >>> space.decode(X)
    [{'link': [0, 1, 1, 2], 'ops': ['gcn', 'gin', 'cheb', 'fc']}]
    >>> space.official_key(X)
    array([61237])
    >>> space.decode(space.from_official_key(87072))
    [{'link': [0, 1, 2, 3], 'ops': ['fc', 'gat', 'fc', 'gin']}]
    """

    name = "nas-bench-graph"
    version = 1
    cardinalities = (len(LINKS),) + (len(OPERATIONS),) * NODES

    @property
    def units(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """``"part"``: the link list, and the four operations."""
        return {**super().units, "part": ((0,), (1, 2, 3, 4))}

    @property
    def gene_names(self) -> tuple[str, ...]:
        return ("link", *(f"node {node}" for node in range(1, NODES + 1)))

    @property
    def gene_values(self) -> tuple[tuple[str, ...] | range, ...]:
        return (tuple("".join(map(str, link)) for link in LINKS), *(OPERATIONS,) * NODES)

    # ---------------------------------------------------------------- validity

    @property
    def validity(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        return self.digit_weights.astype(np.int64), self._valid_numbers

    @cached_property
    def _valid_numbers(self) -> NDArray[np.bool_]:
        return ~all_skips()

    def valid_rows(self, rows: Genotypes) -> NDArray[np.bool_]:
        valid = super().valid_rows(rows)
        skips = rows[:, 1] == SKIP
        for operation in rows.T[2:]:  # faster than a reduction over four columns
            skips &= operation == SKIP
        return np.asarray(valid & ~skips)

    def why_invalid(self, row: NDArray[Any]) -> str:
        if np.array_equal(row[1:], [SKIP] * NODES) and 0 <= row[0] < len(LINKS):
            return "all four operations are skip, which the benchmark excludes"
        return super().why_invalid(row)

    # ---------------------------------------------------------------- the same network

    def canonical(self, X: ArrayLike, rule: str = "exact") -> Genotypes:
        """Canonical genotype of each row: the one under which the benchmark stores its network.

        Parameters
        ----------
        X : array_like of int, shape (n, 5) or (5,)
        rule : {"exact", "published"}
            ``"exact"``: networks are equal if they compute the same function of input and parameters.
            ``"published"``: the rule by which the authors chose what to train (architecture.py of their repository).
            Both have the same 26,206 classes, given that a skip of the network's input beside other nodes is no output,
            as the published rule implies; see the documentation.

        Returns
        -------
        ndarray of uint8, shape (n, 5)

        Raises
        ------
        InvalidArchitecture, UnknownName
        """
        return self.from_number(self.key(X, rule))

    def canonical_rows(self, rows: Genotypes) -> Genotypes:
        return self.canonical(rows)

    def key(self, X: ArrayLike, rule: str = "exact") -> NDArray[np.uint64]:
        """A 64-bit key of each row's network under ``rule`` (see `canonical`): (n,) uint64."""
        if rule not in _RULES:
            raise UnknownName("rule", rule, _RULES)
        return self._representatives[self.small_number(self.check(X))]

    @cached_property
    def _representatives(self) -> NDArray[np.uint64]:
        """Flat index of the canonical genotype of each of the 59,049 genotypes."""
        return representatives()

    # ---------------------------------------------------------------- the benchmark's keys

    def official_key(self, X: ArrayLike) -> NDArray[np.int64]:
        """Key under which the published files store the network of each row: (n,) int64.

        Its decimal digits are the genes of the canonical genotype: the link list and the four operations.
        """
        return self.canonical(X, "published") @ _DECIMAL

    def from_official_key(self, keys: ArrayLike) -> Genotypes:
        """Genotypes by the keys of the published files, the inverse of `official_key`: (n,) to (n, 5).

        Raises
        ------
        InvalidArchitecture
            If a value is not an integer whose decimal digits are a valid genotype.
        """
        numbers = np.atleast_1d(np.asarray(keys))
        if numbers.size and numbers.dtype.kind not in "iu":
            raise InvalidArchitecture(f"{self.name}: official keys must be integers, not {numbers.dtype}")
        if numbers.ndim != 1:
            raise InvalidArchitecture(f"{self.name}: official keys must have the shape (n,), not {numbers.shape}")
        wrong = (numbers < 0) | (numbers >= 10 * _DECIMAL[0])
        if wrong.any():
            raise InvalidArchitecture(f"{self.name}: {numbers[wrong][0]} is not an official key, 0 ... 88887")
        return self.check((numbers.astype(np.int64)[:, np.newaxis] // _DECIMAL % 10).astype(np.uint8))

    # ---------------------------------------------------------------- native forms

    def encode_one(self, native: Any) -> Sequence[int]:
        link, words = _parts(native)
        inputs = whole_numbers(link, "the link list")
        if inputs.shape != (NODES,):
            raise InvalidArchitecture(f"the link list must have {NODES} numbers, not the shape {inputs.shape}")
        if not isinstance(words, (list, tuple, np.ndarray)) or len(words) != NODES:
            raise InvalidArchitecture(f"expected a list of {NODES} operations")
        for node, source in enumerate(inputs.tolist(), start=1):
            if not 0 <= source < node:
                raise InvalidArchitecture(
                    f"node {node} reads {source}, not the input (0) or an earlier node; list nodes after what they read"
                )
        for word in words:
            if not isinstance(word, str) or word not in OPERATIONS:
                raise InvalidArchitecture(str(UnknownName("operation", word, OPERATIONS)))
        number, order = RENUMBERED[tuple(inputs.tolist())]
        return [number, *(OPERATIONS.index(words[node]) for node in order)]

    def decode_one(self, row: Sequence[int]) -> dict[str, list[Any]]:
        return {"link": list(LINKS[row[0]]), "ops": [OPERATIONS[gene] for gene in row[1:]]}

    def diagrams_of(self, row: Sequence[int]) -> list[Diagram]:
        link = LINKS[row[0]]
        used = used_nodes(link, row[1:])
        nodes = [Node(OPERATIONS[gene], True, there) for gene, there in zip(row[1:], used, strict=True)]
        arrows = [Arrow(source, node, used=used[node - 1]) for node, source in enumerate(link, start=1)]
        leaves = [node for node in range(1, NODES + 1) if node not in link]
        arrows += [Arrow(leaf, NODES + 1, used=used[leaf - 1]) for leaf in leaves]
        return [Diagram(self.name, [Node("input"), *nodes, Node("output")], arrows)]


def _parts(native: Any) -> tuple[Any, Any]:
    """The link list and the operations of any native form."""
    if isinstance(native, str):
        match = _TEXT.fullmatch(native.strip())
        if match is None:
            raise InvalidArchitecture(f"a native form is {_FORMS}")
        link, words = ([part.strip() for part in text.split(",")] for text in match.groups())
        if not all(re.fullmatch(r"\d{1,3}", number) for number in link):
            raise InvalidArchitecture(f"the link list must consist of numbers, not [{match[1]}]")
        return [int(number) for number in link], [word.strip("'\"") for word in words]
    if isinstance(native, Mapping) and set(native) == {"link", "ops"}:
        return native["link"], native["ops"]
    if isinstance(native, (list, tuple)) and len(native) == 2:
        return native[0], native[1]
    raise InvalidArchitecture(f"a native form is {_FORMS}")
