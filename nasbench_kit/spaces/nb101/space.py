"""NAS-Bench-101 (Ying et al. 2019, arXiv 1902.09635): cells of up to 7 vertices and 9 edges, operations on vertices."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.kernels.cells import BLOCK, as_floats, cell_classes
from nasbench_kit.spaces.blocks.natives import whole_numbers
from nasbench_kit.spaces.blocks.node_dag import NodeDAG
from nasbench_kit.spaces.forms import Form
from nasbench_kit.spaces.genotypes import Genotypes, as_rng
from nasbench_kit.spaces.nb101.cost import SKELETONS, network_cost
from nasbench_kit.spaces.nb101.hash_index import candidates, sorted_cells
from nasbench_kit.spaces.nb101.hashes import module_hash
from nasbench_kit.spaces.nb101.tables import (
    ARRANGEMENT_BITS,
    EDGES,
    INNER,
    INVALID,
    LABELS,
    MOST_EDGES,
    VERTICES,
    tables,
)

__all__ = ["NB101", "OPERATIONS"]

_NASLIB_OPERATIONS = ("input", "output", "maxpool3x3", "conv1x1-bn-relu", "conv3x3-bn-relu")
OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")


class NB101(NodeDAG):
    """The search space of NAS-Bench-101: 509,607,936 genotypes, 373,754,169 of them valid, 423,624 networks.

    Genes are the 21 edges of 7 vertices in the order 0->1, 0->2, 1->2, 0->3, ..., followed by the operations of the 5
    inner vertices: 0 conv3x3-bn-relu, 1 conv1x1-bn-relu, 2 maxpool3x3. A genotype is valid if the input reaches the
    output and at most 9 edges lie on paths between them.

    The canonical genotype is the graph stored in the official file, so the parameter counts of canonical genotypes
    equal the published ones.

    Examples
    --------
    >>> space = NB101()
    >>> X = space.encode([{"matrix": [[0, 1, 0], [0, 0, 1], [0, 0, 0]], "ops": ["input", "conv3x3-bn-relu", "output"]}])
    >>> print(space.module_hash(X)[0])
    b49ac8c578b4561d79ac7087988f1c61
    >>> space.network_index(X)
    array([1])
    """

    networks = 423_624

    def __init__(self) -> None:
        super().__init__(VERTICES, OPERATIONS, most_edges=MOST_EDGES, name="nb101")

    @property
    def mutation_rates(self) -> NDArray[np.float64]:
        """Rates of the authors' regularized evolution: edges 1 / 7, operations 1 / 5."""
        return np.repeat([1 / VERTICES, 1 / INNER], [EDGES, INNER])

    # ---------------------------------------------------------------- the same network

    def _classes(self, rows: Genotypes) -> NDArray[np.int32]:
        """Class of each row, `INVALID` for invalid genotypes: (n,)."""
        table = tables()
        return cell_classes(rows, table.of_mask, table.of_arrangement, table.of_labelling, ARRANGEMENT_BITS)

    @property
    def validity(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        return _VALIDITY_WEIGHTS, tables().is_valid

    def valid_rows(self, rows: Genotypes) -> NDArray[np.bool_]:
        valid = np.empty(len(rows), dtype=np.bool_)
        for start in range(0, len(rows), BLOCK):
            genes, inside = as_floats(rows[start : start + BLOCK])
            mask = genes[:, :EDGES] @ _EDGE_WEIGHTS
            found = tables().is_valid.take(mask.astype(np.intp), mode="clip")
            valid[start : start + BLOCK] = found if inside is None else found & inside
        return valid

    def network_index(self, X: ArrayLike) -> NDArray[np.intp]:
        """Index of each row's cell, 0 ... 423,623, in the order of the official enumeration: (n,).

        Cells are ordered by number of vertices, then edges, then operations. Exact, by table lookup. Raises
        InvalidArchitecture.
        """
        rows = self.as_rows(X)
        index = self._classes(rows)
        if len(index) and int(index.min()) == INVALID:
            self.refuse(rows, index == INVALID)
        return index.astype(np.intp)

    def key(self, X: ArrayLike) -> NDArray[np.uint64]:
        """`network_index` of each row: (n,) uint64."""
        return self.network_index(X).astype(np.uint64)

    def canonical(self, X: ArrayLike) -> Genotypes:
        return self.representatives(self.network_index(X))

    def representatives(self, index: ArrayLike) -> Genotypes:
        """Canonical genotypes of cells, by `network_index`: (n,) to (n, 26)."""
        index = np.atleast_1d(np.asarray(index))
        if index.size and not (index.min() >= 0 and index.max() < self.networks):
            raise InvalidArchitecture(f"the cells of {self.name} are numbered 0 ... {self.networks - 1}")
        table = tables()
        mask, inner = table.class_mask[index], table.class_inner[index].astype(np.intp)
        # move the output's column, which comes earlier in smaller cells, to the last place
        output = (inner + 1) * inner // 2
        into = mask >> output.astype(np.uint32)
        mask = mask & ((np.uint32(1) << output.astype(np.uint32)) - np.uint32(1))
        mask |= into << np.uint32(INNER * (INNER + 1) // 2)
        rows = np.empty((len(index), self.genes), dtype=np.uint8)
        rows[:, :EDGES] = mask[:, np.newaxis] >> np.arange(EDGES, dtype=np.uint32) & np.uint32(1)
        rows[:, EDGES:] = _GENES_OF[inner, table.class_labelling[index]]
        return rows

    def sample(self, n: int, rng: int | np.random.Generator) -> Genotypes:
        generator = as_rng(rng)
        masks = tables().valid_masks
        edges = masks[generator.integers(len(masks), size=n)]
        rows = np.empty((n, self.genes), dtype=np.uint8)
        rows[:, :EDGES] = edges[:, np.newaxis] >> np.arange(EDGES, dtype=np.uint32) & np.uint32(1)
        rows[:, EDGES:] = generator.integers(LABELS, size=(n, INNER), dtype=np.uint8)
        return rows

    def cells_by_hash(self) -> NDArray[np.intp]:
        """`network_index` of all cells in ascending order of their official hashes: (423624,)."""
        return sorted_cells(lambda cells: module_hash(self.representatives(cells)))

    def module_hash(self, X: ArrayLike) -> NDArray[np.str_]:
        """Official hash of each row's cell: (n,) strings of 32 hexadecimal digits.

        These are the keys of the published file (``hash_module`` of the official package).
        """
        index, where = np.unique(self.network_index(X), return_inverse=True)
        return module_hash(self.representatives(index))[where]

    def from_hash(self, hashes: Iterable[str]) -> Genotypes:
        """Canonical genotypes of cells by their official hashes: n strings of 32 hexadecimal digits to (n, 26).

        The inverse of `module_hash`, and about as fast.

        Raises
        ------
        InvalidArchitecture
            If a hash is not that of any cell; lists the first five.
        """
        texts = [str(text).strip().lower() for text in hashes]
        for i, text in enumerate(texts):
            if not re.fullmatch("[0-9a-f]{32}", text):
                raise InvalidArchitecture(
                    f"{self.name}: no. {i} {text[:60]!r}: a hash has 32 hexadecimal digits, as in the official file"
                )
        wanted = np.array(texts, dtype=np.str_)
        which, cells = candidates(wanted)
        right = module_hash(self.representatives(cells)) == wanted[which]
        index = np.full(len(texts), -1, dtype=np.intp)
        index[which[right]] = cells[right]
        wrong = np.flatnonzero(index < 0).tolist()
        if wrong:
            shown = ", ".join(f"no. {i} {texts[i]}" for i in wrong[:5])
            more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
            raise InvalidArchitecture(
                f"{self.name}: {len(wrong)} of {len(texts)} hashes belong to none of the {self.networks:,} cells: {shown}{more}"
            )
        return self.representatives(index)

    def from_naslib(self, tuples: Iterable[Any]) -> Genotypes:
        """Genotypes by NASLib's tuples, v * v entries of the matrix and v operations for v vertices: n to (n, 26).

        NASLib numbers the operations 0 input, 1 output, 2 maxpool3x3, 3 conv1x1-bn-relu, 4 conv3x3-bn-relu
        (``nasbench101/conversions.py`` of automl/NASLib).

        Raises
        ------
        InvalidArchitecture

        Examples
        --------
        >>> space = NB101()
        >>> X = space.from_naslib([(0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 4, 1)])
        >>> space.decode(space.canonical(X))[0]["ops"][1]
        'conv3x3-bn-relu'
        """
        natives = []
        for i, value in enumerate(tuples):
            row = whole_numbers(value, f"no. {i}")
            v = math.isqrt(row.size)
            if row.ndim != 1 or v < 2 or row.size != v * (v + 1) or row[-v:].min() < 0 or row[-v:].max() > 4:
                raise InvalidArchitecture(
                    f"{self.name}: no. {i} {str(row.tolist())[:120]}: a tuple of NASLib has v * v entries of the matrix and v "
                    "operations from 0 to 4"
                )
            ops = [_NASLIB_OPERATIONS[op] for op in row[-v:].tolist()]
            natives.append({"matrix": row[:-v].reshape(v, v).tolist(), "ops": ops})
        return self.encode(natives)

    @property
    def forms(self) -> dict[str, Form]:
        """``"hash"`` (see `from_hash`) and ``"naslib"`` (see `from_naslib`) too."""
        return {**super().forms, "hash": Form(self.from_hash, "text"), "naslib": Form(self.from_naslib)}

    # ---------------------------------------------------------------- costs

    skeletons = SKELETONS

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        return network_cost(rows, name, skeleton)


_EDGE_WEIGHTS = (2.0 ** np.arange(EDGES)).astype(np.float32)
_VALIDITY_WEIGHTS = np.append(2 ** np.arange(EDGES), np.zeros(INNER, dtype=np.int64))


def _genes_of() -> NDArray[np.uint8]:
    """Operation genes for each number of inner vertices and labelling; unused ones are 0."""
    table = np.zeros((INNER + 1, LABELS**INNER, INNER), dtype=np.uint8)
    for inner in range(INNER + 1):
        for i in range(inner):
            table[inner, :, i] = np.arange(LABELS**INNER) // LABELS ** (inner - 1 - i) % LABELS
    return table


_GENES_OF = _genes_of()
