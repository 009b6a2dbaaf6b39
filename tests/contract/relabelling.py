"""The same network under other names, by what each space means: written apart from the code that it tests."""

from __future__ import annotations

import itertools

import numpy as np

import nasbench_kit as nk
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
    others = {
        "nb201": nb201,
        "accel-nasbench": lambda x, rng: x,
        "transnas-micro": transnas_micro,
        "transnas-macro": lambda x, rng: x,
        "nas-bench-graph": nas_bench_graph,
        "nas-bench-nlp": nas_bench_nlp,
    }
    return others[space.name](x, rng)


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
    # nodes on no path from input to output are arbitrary
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


def nas_bench_nlp(x, rng):
    """Nodes in another order and under other names, inputs and two hidden states exchanged, and a node that nobody reads."""
    space = nk.space("nas-bench-nlp")
    recipe = space.decode([x])[0]
    swap = {"h_prev_1": "h_prev_2", "h_prev_2": "h_prev_1", "h_new_1": "h_new_2", "h_new_2": "h_new_1"}
    swap = swap if rng.random() < 0.5 else {}
    other = {}
    for name in rng.permutation(list(recipe)).tolist():
        node = recipe[name]
        inputs = [swap.get(source, source) for source in node["input"]]
        if node["op"] != "blend":
            inputs = rng.permutation(inputs).tolist()
        other[swap.get(name, name)] = {"op": node["op"], "input": inputs}
    if len(other) < 24:
        other["dead"] = {"op": "activation_tanh", "input": ["h_new_0"]}
    return space.encode([other])[0].tolist()


GRAPH_LINKS = ("0000", "0001", "0011", "0012", "0013", "0111", "0112", "0122", "0123")
GRAPH_SKIP = 8


def nas_bench_graph(x, rng):
    """A skip before all other nodes is put anywhere else where it only passes on, and the nodes are renumbered."""
    inputs = {node: int(source) for node, source in enumerate(GRAPH_LINKS[x[0]], start=1)}
    op = dict(enumerate(x[1:], start=1))
    if op[1] == GRAPH_SKIP and sorted(inputs.values()).count(0) == 1:
        inputs = {node: 0 if source == 1 else source for node, source in inputs.items() if node != 1}
        place = int(rng.integers(2, 5))
        if rng.integers(2):  # between a node and its inputs
            inputs[1], inputs[place] = inputs[place], 1
        elif place not in inputs.values():  # after a leaf
            inputs[1] = place
        else:  # beside all others, where it is no output
            inputs[1] = 0
    readers = {(source, node) for node, source in inputs.items() if source}
    order = some_order(readers, placed(inputs), rng)
    for orders in itertools.permutations(order):
        place = {0: 0, **{old: new for new, old in enumerate(orders, start=1)}}
        link = "".join(str(place[inputs[old]]) for old in orders)
        if link in GRAPH_LINKS:
            return [GRAPH_LINKS.index(link), *(op[old] for old in orders)]
    raise AssertionError(f"{inputs} is none of the nine link lists")


def placed(inputs):
    """The nodes in topological order."""
    order = []
    while len(order) < len(inputs):
        order += [node for node, source in inputs.items() if node not in order and source in (0, *order)]
    return order


def transnas_micro(x, rng):
    """The two inner nodes exchanged where neither reads the other, and edges that lead nowhere changed."""
    e01, e02, e12, e03, e13, e23 = x
    if not e12 and rng.random() < 0.7:
        e01, e02, e13, e23 = e02, e01, e23, e13
    if not e23:  # nobody reads node 2
        e02, e12 = (int(gene) for gene in rng.integers(0, 4, 2))
    if not (e13 or (e12 and e23)):  # nobody reads node 1
        e01 = int(rng.integers(0, 4))
    return [e01, e02, e12, e03, e13, e23]
