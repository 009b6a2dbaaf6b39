"""Decode the bits of a stage of identical nodes into its graph, including the stage's input and output."""

from __future__ import annotations

from collections.abc import Sequence

from nasbench_kit.graphs.encoding import edge_list

__all__ = ["stage_graph"]


def stage_graph(edges: Sequence[int], nodes: int) -> tuple[dict[int, list[int]], list[int]]:
    """Return the sources of each node of a stage, and those of its output; node 0 is the stage's input.

    Nodes with successors but no predecessor are fed by the input, and nodes with predecessors but no successor feed the
    output. Nodes without edges are removed (Xie and Yuille 2017, arXiv 1703.01513, section 3.1).

    Examples
    --------
    >>> stage_graph([1, 0, 0, 0, 0, 0], 4)  # e12 alone
    ({1: [0], 2: [1]}, [2])
    """
    there = [(source + 1, target + 1) for (source, target), bit in zip(edge_list(nodes), edges, strict=True) if bit]
    used = sorted({node for edge in there for node in edge})
    sources = {node: [source for source, target in there if target == node] or [0] for node in used}
    followed = {source for source, _ in there}
    return sources, [node for node in used if node not in followed]
