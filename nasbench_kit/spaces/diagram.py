"""What there is to draw of an architecture: labelled nodes and arrows, no coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Arrow", "Diagram", "Node"]


@dataclass(frozen=True)
class Node:
    """A node: its label, and whether the network uses it. ``operation`` nodes are coloured by their label."""

    label: str
    operation: bool = False
    used: bool = True


@dataclass(frozen=True)
class Arrow:
    """An arrow between two nodes, by their positions: coloured by its label where it has one."""

    source: int
    target: int
    label: str = ""
    used: bool = True


@dataclass(frozen=True)
class Diagram:
    """A cell, a stage, or a whole chain.

    Attributes
    ----------
    title : str
    nodes : sequence of Node
        Arrows lead from earlier to later ones.
    arrows : sequence of Arrow
    """

    title: str
    nodes: Sequence[Node]
    arrows: Sequence[Arrow]
