"""Abstract diagrams of architectures: labelled nodes and arrows, without coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Arrow", "Diagram", "Node"]


@dataclass(frozen=True)
class Node:
    """A labelled node; ``used`` tells whether the network uses it. ``operation`` nodes are coloured by label."""

    label: str
    operation: bool = False
    used: bool = True


@dataclass(frozen=True)
class Arrow:
    """An arrow between two nodes, given by position; coloured by its label, if any."""

    source: int
    target: int
    label: str = ""
    used: bool = True


@dataclass(frozen=True)
class Diagram:
    """Diagram of a cell, a stage, or a whole chain.

    Attributes
    ----------
    title : str
    nodes : sequence of Node
        In topological order: arrows lead from earlier to later nodes.
    arrows : sequence of Arrow
    """

    title: str
    nodes: Sequence[Node]
    arrows: Sequence[Arrow]
