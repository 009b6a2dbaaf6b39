"""The same network under other names, by what each space means: written apart from the code that it tests."""

from __future__ import annotations

import numpy as np

from nasbench_kit.spaces import Chain, EdgeDAG, NodeDAG, StagedDAG


def relabelled(space, x, rng):
    """Another genotype of the same network as ``x``."""
    x = [int(gene) for gene in x]
    if isinstance(space, Chain):
        return chain(space, x, rng)
    if isinstance(space, NodeDAG):
        return node_dag(space, x, rng)
    if isinstance(space, EdgeDAG):
        return edge_dag(space, x, rng)
    if isinstance(space, StagedDAG):
        return staged_dag(space, x, rng)
    if space.name in CELL_PAIRS:
        return cell_pair(x, rng, *CELL_PAIRS[space.name])
    return {"nb201": nb201}[space.name](x, rng)


def edges_of(v):
    return [(i, j) for j in range(v) for i in range(j)]


def some_order(edges, movable, rng):
    """A random order of the movable nodes in which edges still lead forward, by swapping neighbours that may be."""
    order = list(movable)
    for _ in range(3 * len(order) ** 2):
        if len(order) > 1:
            k = int(rng.integers(len(order) - 1))
            if (order[k], order[k + 1]) not in edges:
                order[k], order[k + 1] = order[k + 1], order[k]
    return order


def moved(values, v, movable, rng, missing=0):
    """Edge values with the movable nodes in another order, and where each node went."""
    table = {edge: value for edge, value in zip(edges_of(v), values, strict=True) if value != missing}
    place = {node: node for node in range(v)}
    for new, old in zip(movable, some_order(table, movable, rng), strict=True):
        place[old] = new
    changed = {(place[i], place[j]): value for (i, j), value in table.items()}
    return [changed.get(edge, missing) for edge in edges_of(v)], place


def chain(space, x, rng):
    if space.identity is None:
        return x
    for start, end in space.spans:
        layers = [gene for gene in x[start:end] if gene != space.identity]
        for _ in range(end - start - len(layers)):
            layers.insert(int(rng.integers(len(layers) + 1)), space.identity)
        x[start:end] = layers
    return x


def node_dag(space, x, rng):
    v = space.vertices
    count = v * (v - 1) // 2
    edges, place = moved(x[:count], v, range(1, v - 1), rng)
    letters = [0] * (v - 2)
    for old, letter in enumerate(x[count:], start=1):
        letters[place[old] - 1] = letter
    # what lies on no path from input to output may be anything
    table = {edge for edge, there in zip(edges_of(v), edges, strict=True) if there}
    kept = on_paths(table, v)
    for node in set(range(1, v - 1)) - kept:
        letters[node - 1] = int(rng.integers(len(space.operations)))
    return edges + letters


def on_paths(edges, v):
    forward, backward = {0}, {v - 1}
    for _ in range(v):
        forward |= {j for i, j in edges if i in forward}
        backward |= {i for i, j in edges if j in backward}
    return forward & backward


def edge_dag(space, x, rng):
    if not space.missing:
        return x
    return moved(x, space.vertices, range(1, space.vertices - 1), rng)[0]


def staged_dag(space, x, rng):
    y = []
    for (start, end), nodes in zip(space.spans, space.stages, strict=True):
        count = nodes * (nodes - 1) // 2
        edges, _ = moved(x[start : start + count], nodes, range(nodes), rng)
        rest = x[start + count : end]
        y += edges + (rest if any(edges) else [int(rng.integers(2)) for _ in rest])
    return y


def nb201(x, rng):
    if x[2] == 0 and rng.integers(2):  # nodes 1 and 2 are not joined: exchange them
        return [x[1], x[0], 0, x[3], x[5], x[4]]
    return x


# nodes of a cell, and genes of a node
CELL_PAIRS = {"nsga-net-micro": (5, 4), "darts": (4, 4), "nasnet": (5, 5)}


def cell_pair(x, rng, nodes, genes):
    y = []
    for cell in np.array(x).reshape(2, nodes, genes).tolist():
        table = {(source, node) for node, part in enumerate(cell, start=2) for source in part[:4:2]}
        order = some_order(table, range(2, nodes + 2), rng)
        place = {0: 0, 1: 1, **{old: new for new, old in enumerate(order, start=2)}}
        for old in order:
            first, one, second, other, *join = cell[old - 2]
            halves = [[place[first], one], [place[second], other]]
            if rng.integers(2):
                halves.reverse()
            y += [*halves[0], *halves[1], *join]
    return y
