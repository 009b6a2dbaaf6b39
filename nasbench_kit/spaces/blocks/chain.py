"""Chains of layers: one gene per layer, one gene value per choice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture, UnknownName
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.spaces.genotypes import SMALL_SIZE, Genotypes

__all__ = ["Chain"]


class Chain(Space):
    """A space of chains: each layer is one of several choices.

    Parameters
    ----------
    layers : int
        Number of layers.
    choices : sequence of str
        Names of the choices. If all are single characters, the native form is a string, otherwise a list.
    identity : str, optional
        A choice that does nothing; such layers are dropped when networks are compared.
    spans : sequence of (int, int), optional
        Half-open ranges of layers within which identities may be dropped and later layers move up; default: the whole
        chain.
    name : str
        Name of the space.

    Examples
    --------
    >>> chain = Chain(4, ["conv3", "conv5", "identity"], identity="identity")
    >>> chain.encode([["conv5", "identity", "conv3", "identity"]])
    array([[1, 2, 0, 2]], dtype=uint8)
    >>> chain.decode(chain.canonical([1, 2, 0, 2]))
    [['conv5', 'conv3', 'identity', 'identity']]
    >>> chain.size, chain.networks
    (81, 31)
    """

    version = 1

    #: What drawings call the choices, where their names say too little.
    labels: tuple[str, ...] = ()

    def __init__(
        self,
        layers: int,
        choices: Sequence[str],
        *,
        identity: str | None = None,
        spans: Sequence[tuple[int, int]] | None = None,
        name: str = "chain",
    ) -> None:
        self.name, self.choices = name, tuple(choices)
        if layers < 1 or not self.choices or len(set(self.choices)) < len(self.choices) or len(self.choices) > 256:
            raise ValueError(f"{name}: a chain needs at least one layer and 1 to 256 distinct choices")
        if identity is not None and identity not in self.choices:
            raise UnknownName(f"identity of {name}", identity, self.choices)
        self.cardinalities = (len(self.choices),) * layers
        self.identity = None if identity is None else self.choices.index(identity)
        self.spans = ((0, layers),) if spans is None else tuple(spans)
        taken = [layer for span in self.spans for layer in range(*span)]
        if len(set(taken)) < len(taken) or not set(taken) <= set(range(layers)):
            raise ValueError(f"{name}: spans must be disjoint and lie within the {layers} layers, not {self.spans}")
        self._rank_tables: dict[int, NDArray[np.intp]] = {}
        self._single_characters = all(len(choice) == 1 for choice in self.choices)

    @property
    def units(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """If the spans partition the chain, they are its ``"stage"`` units."""
        units = super().units
        if all(free for _, _, free in self._parts) and len(self._parts) > 1:
            units["stage"] = tuple(tuple(range(start, end)) for start, end, _ in self._parts)
        return units

    @property
    def gene_names(self) -> tuple[str, ...]:
        return tuple(f"layer {i + 1}" for i in range(self.genes))

    @property
    def gene_values(self) -> tuple[tuple[str, ...] | range, ...]:
        return (self.choices,) * self.genes

    def canonical_rows(self, rows: Genotypes) -> Genotypes:
        packed = rows.copy()
        if self.identity is not None:
            for start, end in self.spans:
                part = rows[:, start:end]
                order = np.argsort(part == self.identity, axis=1, kind="stable")  # stable: identities move to the end
                packed[:, start:end] = np.take_along_axis(part, order, axis=1)
        return packed

    @cached_property
    def _parts(self) -> list[tuple[int, int, bool]]:
        """Partition of the chain as (start, end, whether identities are dropped): the spans and the other layers."""
        free = [] if self.identity is None else [(start, end, True) for start, end in self.spans]
        taken = {layer for start, end, _ in free for layer in range(start, end)}
        return sorted([*free, *((layer, layer + 1, False) for layer in range(self.genes) if layer not in taken)])

    def _count(self, length: int) -> int:
        """Number of networks of a span of this length."""
        return sum((len(self.choices) - 1) ** i for i in range(length + 1))

    @cached_property
    def networks(self) -> int:
        return math.prod(self._count(end - start) if free else len(self.choices) for start, end, free in self._parts)

    def network_index(self, X: ArrayLike) -> NDArray[np.intp]:
        rows = self.check(X)
        if self.networks >= 2**63:
            raise OverflowError(f"{self.name} has {self.networks} networks: their indices do not fit into 64 bits")
        index = np.zeros(len(rows), dtype=np.intp)
        for start, end, free in self._parts:
            part = rows[:, start:end].astype(np.intp)
            if free and len(self.choices) ** (end - start) <= SMALL_SIZE:
                weights = len(self.choices) ** np.arange(end - start - 1, -1, -1)
                index = index * self._count(end - start) + self._rank_table(end - start)[part @ weights]
            elif free:
                index = index * self._count(end - start) + self._rank(part)
            else:
                index = index * len(self.choices) + part[:, 0]
        return index

    def _rank(self, part: NDArray[np.intp]) -> NDArray[np.intp]:
        """Index of a span's network: shorter ones first, then by the remaining layers read as digits."""
        others = len(self.choices) - 1
        shorter, number, power = np.zeros((3, len(part)), dtype=np.intp) + np.array([[0], [0], [1]])
        for column in part.T:
            there = column != self.identity
            shorter += there * power
            number = np.where(there, number * others + column - (column > self.identity), number)
            power = np.where(there, power * others, power)
        return np.asarray(shorter + number)

    def _rank_table(self, length: int) -> NDArray[np.intp]:
        """Lookup table of `_rank` for all spans of this length."""
        if length not in self._rank_tables:
            grid = np.indices((len(self.choices),) * length).reshape(length, -1).T
            self._rank_tables[length] = self._rank(grid)
        return self._rank_tables[length]

    def encode_one(self, native: Any) -> Sequence[int]:
        if self._single_characters:
            if not isinstance(native, str):
                raise InvalidArchitecture(f"a native form must be a string, not {type(native).__name__}")
            words: Sequence[Any] = native.strip()
        elif isinstance(native, (str, bytes)) or not isinstance(native, Sequence):
            raise InvalidArchitecture(f"a native form must be a list of choices, not {type(native).__name__}")
        else:
            words = native
        if len(words) != self.genes or not all(word in self.choices for word in words):
            kind = "characters" if self._single_characters else "choices"
            raise InvalidArchitecture(f"expected {self.genes} {kind} of {', '.join(self.choices)}")
        return [self.choices.index(word) for word in words]

    def diagrams_of(self, row: Sequence[int]) -> list[Diagram]:
        dropped = {layer for start, end in self.spans for layer in range(start, end) if row[layer] == self.identity}
        labels = self.labels or self.choices
        nodes = [Node(labels[gene], True, layer not in dropped) for layer, gene in enumerate(row)]
        nodes = [Node("input"), *nodes, Node("output")]
        return [Diagram(self.name, nodes, [Arrow(i, i + 1) for i in range(len(nodes) - 1)])]

    def decode_one(self, row: Sequence[int]) -> str | list[str]:
        words = [self.choices[gene] for gene in row]
        return "".join(words) if self._single_characters else words
