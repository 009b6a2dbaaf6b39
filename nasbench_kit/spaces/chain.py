"""Chains of layers: one gene a layer, one value a choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nasbench_kit.errors import InvalidArchitecture, UnknownName
from nasbench_kit.spaces.space import Genotypes, Space

__all__ = ["Chain"]


class Chain(Space):
    """A space of chains: each of ``layers`` layers is one of ``choices``.

    Parameters
    ----------
    layers : int
    choices : sequence of str
        The names of the layers' choices. Where each is one character, the native form is a string; else a list.
    identity : str, optional
        A choice that does nothing: layers of this choice are dropped when networks are compared.
    spans : sequence of (int, int), optional
        The stretches of layers (first, end) within which an identity may be dropped, and the others move up; the whole
        chain unless given.
    name : str

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
            raise ValueError(f"{name}: a chain has at least one layer, and 1 to 256 different choices for each")
        if identity is not None and identity not in self.choices:
            raise UnknownName(f"identity of {name}", identity, self.choices)
        self.cardinalities = (len(self.choices),) * layers
        self.identity = None if identity is None else self.choices.index(identity)
        self.spans = ((0, layers),) if spans is None else tuple(spans)
        self._letters = all(len(choice) == 1 for choice in self.choices)

    def _canonical(self, rows: Genotypes) -> Genotypes:
        packed = rows.copy()
        if self.identity is not None:
            for start, end in self.spans:
                part = rows[:, start:end]
                order = np.argsort(part == self.identity, axis=1, kind="stable")  # identities last, the rest as it was
                packed[:, start:end] = np.take_along_axis(part, order, axis=1)
        return packed

    def _encode_one(self, native: Any) -> Sequence[int]:
        if self._letters:
            if not isinstance(native, str):
                raise InvalidArchitecture(f"a native form is a string, not {type(native).__name__}")
            words: Sequence[Any] = native.strip()
        elif isinstance(native, (str, bytes)) or not isinstance(native, Sequence):
            raise InvalidArchitecture(f"a native form is a list of choices, not {type(native).__name__}")
        else:
            words = native
        if len(words) != self.genes or not all(word in self.choices for word in words):
            kind = "characters" if self._letters else "choices"
            raise InvalidArchitecture(f"{self.genes} {kind} of {', '.join(self.choices)} are expected")
        return [self.choices.index(word) for word in words]

    def _decode_one(self, row: Sequence[int]) -> str | list[str]:
        words = [self.choices[gene] for gene in row]
        return "".join(words) if self._letters else words
