"""Interface to NetworkX (extra ``networkx``): architectures as graphs."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from nasbench_kit.errors import MissingExtra
from nasbench_kit.spaces import Space

try:
    import networkx
except ImportError as error:
    raise MissingExtra("the interface to NetworkX", "networkx") from error

__all__ = ["to_networkx"]


def to_networkx(space: Space, x: ArrayLike, *, only_used: bool = False) -> Any:
    """An architecture as a directed acyclic multigraph.

    Operations are the labels of nodes or of edges, whichever the space has. The cells or stages of an architecture are not
    connected with each other: ``cell`` tells them apart.

    Parameters
    ----------
    space : Space
    x : array_like of int, shape (genes,)
        A valid genotype.
    only_used : bool
        Leave out the nodes and edges that the network does not use.

    Returns
    -------
    networkx.MultiDiGraph
        Nodes are numbers in topological order. Each has a ``label``, ``operation`` (bool: whether the label is one), ``used``
        (bool), and ``cell``, the number of its cell or stage. Edges have a ``label``, empty if the operations are on the nodes,
        and ``used``. The graph has ``space``, ``architecture`` (native form as text) and ``cells``, the titles, as text.

    Raises
    ------
    InvalidArchitecture
        If the genotype is invalid, or there are several.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> graph = to_networkx(nk.space("nb201"), [3, 0, 1, 0, 2, 4])
    >>> [(i, j, label) for i, j, label in graph.edges.data("label")]
    [(0, 1, 'nor_conv_3x3'), (1, 2, 'skip_connect'), (1, 3, 'nor_conv_1x1'), (2, 3, 'avg_pool_3x3')]
    """
    diagrams = space.diagrams(x)
    graph = networkx.MultiDiGraph(
        space=space.name,
        architecture=space.decode_texts(space.check(x))[0],
        cells="; ".join(diagram.title for diagram in diagrams),
    )
    first = 0
    for cell, diagram in enumerate(diagrams):
        for number, node in enumerate(diagram.nodes, start=first):
            if node.used or not only_used:
                graph.add_node(number, label=node.label, operation=node.operation, used=node.used, cell=cell)
        for arrow in diagram.arrows:
            source, target = first + arrow.source, first + arrow.target
            if source in graph and target in graph and (arrow.used or not only_used):
                graph.add_edge(source, target, label=arrow.label, used=arrow.used)
        first += len(diagram.nodes)
    return graph
