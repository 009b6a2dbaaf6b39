"""NATS-Bench's size search space (Dong et al. 2021, arXiv 2009.00437): the channels of five layers around a fixed cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.spaces.blocks.chain import Chain
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.spaces.forms import Form
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nats_size.cost import LAYERS, SKELETONS, network_cost

__all__ = ["NATSSize"]

CHANNELS = tuple(range(8, 65, 8))


class NATSSize(Chain):
    """The size search space of NATS-Bench: 32,768 genotypes, all of them different networks.

    Each gene is a layer's number of channels, 8 to 64 in steps of 8. The official architecture index is the flat index.

    Examples
    --------
    >>> space = NATSSize()
    >>> x = space.encode(["8:8:8:16:32"])
    >>> space.official_index(x), space.cost(x, "params", dataset="cifar10")
    (array([11]), array([49202]))
    """

    def __init__(self) -> None:
        super().__init__(len(LAYERS), [str(channels) for channels in CHANNELS], name="nats-size")

    @property
    def gene_names(self) -> tuple[str, ...]:
        return tuple(f"{layer} {1 + LAYERS[:i].count(layer)}" for i, layer in enumerate(LAYERS))

    def encode_one(self, native: Any) -> Sequence[int]:
        if not isinstance(native, str):
            raise InvalidArchitecture(f"a native form must be a string, not {type(native).__name__}")
        parts = native.strip().split(":")
        if len(parts) != self.genes or not all(part in self.choices for part in parts):
            raise InvalidArchitecture(f"expected {self.genes} numbers of {', '.join(self.choices)}, joined by ':'")
        return [self.choices.index(part) for part in parts]

    def decode_one(self, row: Sequence[int]) -> str:
        return ":".join(self.choices[gene] for gene in row)

    def diagrams_of(self, row: Sequence[int]) -> list[Diagram]:
        words = [f"{layer}, {self.choices[gene]}" for layer, gene in zip(LAYERS, row, strict=True)]
        nodes = [
            Node("input"),
            Node(f"stem, {self.choices[row[0]]}"),
            *(Node(word, True) for word in words),
            Node("output"),
        ]
        return [Diagram(self.name, nodes, [Arrow(i, i + 1) for i in range(len(nodes) - 1)])]

    @property
    def forms(self) -> dict[str, Form]:
        """``"official_index"`` (see `from_official_index`) too."""
        return {**super().forms, "official_index": Form(self.from_official_index, "numbers")}

    def from_official_index(self, index: ArrayLike) -> Genotypes:
        """Genotypes by the benchmark's own architecture index, 0 ... 32,767: (n,) to (n, 5)."""
        indices = np.atleast_1d(np.asarray(index))
        if indices.size and not (indices.min() >= 0 and indices.max() < self.size):
            raise InvalidArchitecture(
                f"an official index of NATS-Bench's size space must be one of 0 ... {self.size - 1}"
            )
        return self.from_number(indices)

    def official_index(self, X: ArrayLike) -> NDArray[np.int64]:
        """Architecture index of each row in the benchmark's own order: (n,) int64."""
        return self.number(self.check(X)).astype(np.int64)

    skeletons = SKELETONS

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        return network_cost(rows, name, skeleton)
