"""A stage of nodes that are all alike, from its bits: who feeds whom, the stage's own input and output included."""

from __future__ import annotations

from collections.abc import Sequence

from nasbench_kit.graphs.encoding import edge_list

__all__ = ["stage_graph"]


def stage_graph(edges: Sequence[int], nodes: int) -> tuple[dict[int, list[int]], list[int]]:
    """The sources of each node of a stage, and of its output; nodes count from 1, the stage's input is 0.

    A node without predecessor and with a successor is fed by the input; one with a predecessor and no successor feeds the
    output; one without any edge is not there. (Xie and Yuille 2017, arXiv 1703.01513, section 3.1.)

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
