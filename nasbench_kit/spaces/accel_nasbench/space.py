"""Accel-NASBench (Ahmad et al. 2024, arXiv 2404.08005): MnasNet's space, seven blocks of inverted residuals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.spaces.accel_nasbench.cost import BLOCKS, CHOICES, SKELETONS, network_cost
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["AccelNASBench"]

_NAMES = tuple(f"block{block}_{gene}" for block in range(BLOCKS) for gene in ("e", "k", "l", "se"))
_VALUES = tuple(values for choices in CHOICES for values in choices)


class AccelNASBench(Space):
    """The search space of Accel-NASBench: 36^6 * 48 = 104,485,552,128 genotypes, all of them different networks.

    Each of seven blocks has four genes: the expansion (1, 4, 6) and kernel size (3, 5) of its layers, their number (1 to 3,
    in block 5 also 4), and whether they have squeeze-and-excitation. Every value changes the shapes of the parameters, so no
    two genotypes are the same network.

    Examples
    --------
    >>> space = AccelNASBench()
    >>> genes = {"e": 6, "k": 3, "l": 2, "se": False}
    >>> x = space.encode([{f"block{block}_{gene}": value for block in range(7) for gene, value in genes.items()}])
    >>> x[0, :4], space.cost(x, "params", dataset="imagenet")
    (array([2, 0, 1, 0], dtype=uint8), array([4662088]))
    """

    name = "accel-nasbench"
    version = 1
    cardinalities = tuple(len(values) for values in _VALUES)
    networks = math.prod(cardinalities)

    @property
    def units(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """``"block"``: the four genes of each block."""
        return {**super().units, "block": tuple(tuple(range(4 * block, 4 * block + 4)) for block in range(BLOCKS))}

    @property
    def gene_names(self) -> tuple[str, ...]:
        return _NAMES

    @property
    def gene_values(self) -> tuple[tuple[str, ...] | range, ...]:
        return tuple(tuple(str(value).lower() for value in values) for values in _VALUES)

    def canonical_rows(self, rows: Genotypes) -> Genotypes:
        return rows.copy()

    def network_index(self, X: ArrayLike) -> NDArray[np.intp]:
        return self.number(self.check(X)).astype(np.intp)

    def encode_one(self, native: Any) -> Sequence[int]:
        if not isinstance(native, Mapping):
            raise InvalidArchitecture(f"a native form must be a dict, not {type(native).__name__}")
        if set(native) != set(_NAMES):
            wrong = next((name for name in native if name not in _NAMES), None)
            missing = next((name for name in _NAMES if name not in native), None)
            what = f"{wrong!r} is not a gene" if wrong is not None else f"{missing!r} is missing"
            raise InvalidArchitecture(
                f"expected the keys block0_e, block0_k, block0_l, block0_se, ... block6_se: {what}"
            )
        genes = []
        for name, values in zip(_NAMES, _VALUES, strict=True):
            value = native[name]
            if type(value) is not type(values[0]) or value not in values:
                said = ", ".join(str(known).lower() for known in values)
                raise InvalidArchitecture(f"{name} must be one of {said}, not {value!r}")
            genes.append(values.index(value))
        return genes

    def decode_one(self, row: Sequence[int]) -> dict[str, Any]:
        return {name: values[gene] for name, values, gene in zip(_NAMES, _VALUES, row, strict=True)}

    def diagrams_of(self, row: Sequence[int]) -> list[Diagram]:
        nodes = [Node("input"), Node("stem")]
        for block, choices in enumerate(CHOICES):
            e, k, layers, squeeze = (
                values[gene] for values, gene in zip(choices, row[4 * block : 4 * block + 4], strict=True)
            )
            nodes.append(Node(f"{layers} x MBConv e{e} k{k}{' SE' if squeeze else ''}", True))
        nodes += [Node("head"), Node("output")]
        return [Diagram(self.name, nodes, [Arrow(i, i + 1) for i in range(len(nodes) - 1)])]

    skeletons = SKELETONS

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        return network_cost(rows, name, skeleton)
