"""Two networks with the same parameters, wherever their architectures say the same: by trying which node is which.

For two genotypes x and y of a space, `matched` yields pairs of networks in the space's small skeleton, x's with random
parameters and y's with those of x handed over: node by node under a map between the nodes. Where the graphs of a cell or stage
are isomorphic one isomorphism is enough, found by trying all maps on the graphs; where they are not, every map that the shapes
of the parameters allow is tried. So two genotypes are the same network where one of the pairs has equal outputs.

What may be wrong in the package is not used here: no canonical form, no class, no key.
"""

from __future__ import annotations

import itertools

import pytest

from nasbench_kit.spaces.nb201.cost import EDGES

torch = pytest.importorskip("torch", reason="networks need torch")
nn = torch.nn

from nasbench_kit.training import skeleton_of  # noqa: E402
from tests.training.networks.unfilled import unfilled  # noqa: E402


def randomised(space, x, seed, **skeleton):
    """A network in double precision, in evaluation mode, whose parameters and running statistics are all random."""
    network = unfilled(space, x, dataset="digits", **skeleton).double().eval()
    generator = torch.Generator().manual_seed(seed)

    def fill(tensor, low, high):
        tensor.copy_(torch.rand(tensor.shape, generator=generator, dtype=torch.float64) * (high - low) + low)

    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                for tensor, low, high in (
                    (module.weight, 0.5, 1.5),
                    (module.bias, -0.5, 0.5),
                    (module.running_mean, -0.3, 0.3),
                    (module.running_var, 0.5, 1.5),
                ):
                    fill(tensor, low, high)
            elif isinstance(module, (nn.Conv2d, nn.Linear)):
                reach = (6 / module.weight[0].numel()) ** 0.5
                fill(module.weight, -reach, reach)
                if module.bias is not None:
                    fill(module.bias, -reach, reach)
    return network


def hand_over(target, source, inputs=None, outputs=None):
    """Copy the parameters of a module; their input or output channels in another order where one is given."""
    pairs = zip(_tensors(target), _tensors(source), strict=True)
    with torch.no_grad():
        for own, found in pairs:
            if outputs is not None and found.dim():
                found = found[outputs]
            if inputs is not None and found.dim() >= 2:  # a 1x1 convolution or a linear layer
                found = found[:, inputs]
            assert own.shape == found.shape
            own.copy_(found)


def _tensors(module):
    """Parameters and running statistics; thousands of maps are tried, and a state by name would take most of the time."""
    return itertools.chain(module.parameters(), module.buffers())


def blocks(order, width):
    """Channels in blocks of this width, the blocks in another order."""
    return [block * width + channel for block in order for channel in range(width)]


def matched(space, x, y, **skeleton):
    """Pairs of networks of x and y with matched parameters; see the module."""
    return MATCHED[space.name](space, [int(gene) for gene in x], [int(gene) for gene in y], **skeleton)


def maps(nodes_y, nodes_x, same, allowed):
    """Maps of y's nodes to x's: one that makes the graphs the same where there is one, else all that are allowed."""
    if len(nodes_x) != len(nodes_y):
        return []
    found = []
    for order in itertools.permutations(nodes_x):
        where = dict(zip(nodes_y, order, strict=True))
        if same(where):
            return [where]
        if allowed(where):
            found.append(where)
    return found


# ---------------------------------------------------------------- chains


def chain(space, x, y):
    """Layers in their order, by their shapes: the first of each shape of a stage, the second, and so on."""
    networks = [randomised(space, genes, seed) for genes, seed in ((x, 1), (y, 2))]
    groups = []
    for network in networks:
        found = {}
        stages = list(network.stages)
        hand_over_all = [m for m in network.children() if m is not network.stages]
        for name, module in [
            *enumerate(hand_over_all),
            *((f"stage {i}", layer) for i, s in enumerate(stages) for layer in s),
        ]:
            shapes = tuple(tuple(tensor.shape) for tensor in module.state_dict().values())
            found.setdefault((name, shapes), []).append(module)
        groups.append(found)
    for key, targets in groups[1].items():
        for target, source in zip(targets, groups[0].get(key, []), strict=False):
            hand_over(target, source)
    yield tuple(networks)


# ---------------------------------------------------------------- operations on nodes


def nb101(space, x, y):
    first = randomised(space, x, 1)
    cells_x = [module for module in first.modules() if type(module).__name__ == "Cell"]
    graph_x, graph_y = (_nb101_graph(space, genes) for genes in (x, y))

    def kinds(graph, vertex):
        edges, letters = graph
        return letters[vertex], (0, vertex) in edges, (vertex, 6) in edges

    def same(where):
        where = {0: 0, 6: 6, **where}
        return allowed(where) and {(where[i], where[j]) for i, j in graph_y[0]} == graph_x[0]

    def allowed(where):
        return all(
            kinds(graph_y, vertex) == kinds(graph_x, image) for vertex, image in where.items() if vertex not in (0, 6)
        )

    if ((0, 6) in graph_x[0]) != ((0, 6) in graph_y[0]):
        return
    for where in maps(list(graph_y[1]), list(graph_x[1]), same, allowed):
        second = randomised(space, y, 2)
        hand_over(second.stem, first.stem)
        order = None
        cells_y = [module for module in second.modules() if type(module).__name__ == "Cell"]
        for target, source in zip(cells_y, cells_x, strict=True):
            feeders = [[v for v in graph[1] if (v, 6) in graph[0]] for graph in (graph_x, graph_y)]
            share = source.channels[6] // max(len(feeders[0]), 1)
            out = blocks([feeders[0].index(where[v]) for v in feeders[1]], share) if feeders[0] else None
            for name, module in target.projections.items():
                image = 6 if name == "6" else where[int(name)]
                hand_over(module, source.projections[str(image)], order, out if name == "6" else None)
            for name, module in target.operations.items():
                hand_over(module, source.operations[str(where[int(name)])])
            order = out
        hand_over(second.classifier, first.classifier, order)
        yield first, second


def _nb101_graph(space, genes):
    """The edges on paths from input to output, and the operations of the vertices that are left."""
    pairs = [(i, j) for j in range(7) for i in range(j)]
    edges = {pair for pair, bit in zip(pairs, genes, strict=False) if bit}
    forward, backward = {0}, {6}
    for _ in range(7):
        forward |= {j for i, j in edges if i in forward}
        backward |= {i for i, j in edges if j in backward}
    kept = forward & backward
    edges = {(i, j) for i, j in edges if i in kept and j in kept}
    return edges, {vertex: genes[20 + vertex] for vertex in sorted(kept - {0, 6})}


# ---------------------------------------------------------------- operations on edges


def nb201(space, x, y):
    """Convolution by convolution, in all orders. One whose value is constant is its shift: its scale is set to 0.

    A convolution is constant where nothing comes to it, and a 1x1 convolution where nothing but constants does; what is
    before it then does not matter. Each network has its own constants: scales are handed over as they were before.
    """
    whole, first = (randomised(space, x, 1) for _ in range(2))
    _still(first, x)
    kinds = [[[edge for edge in _relevant(genes) if genes[edge] == op] for op in (2, 3)] for genes in (x, y)]
    if [len(edges) for edges in kinds[0]] != [len(edges) for edges in kinds[1]]:
        return
    for orders in itertools.product(*(itertools.permutations(edges) for edges in kinds[0])):
        second = randomised(space, y, 2)
        for name in ("stem", "reductions", "norm", "classifier"):
            hand_over(getattr(second, name), getattr(first, name))
        where = {
            edge: image
            for edges, order in zip(kinds[1], orders, strict=True)
            for edge, image in zip(edges, order, strict=True)
        }
        for stage_y, stage_x in zip(second.stages, whole.stages, strict=True):
            for target, source in zip(stage_y, stage_x, strict=True):
                for edge, image in where.items():
                    hand_over(target.edges[edge], source.edges[image])
        _still(second, y)
        yield first, second


def _constant(genes):
    values, constant = [{"input"}, set(), set(), set()], set()
    for edge, (source, target) in enumerate(EDGES):
        if genes[edge] in (1, 4):
            values[target] |= values[source]
        elif genes[edge] in (2, 3):
            values[target].add(edge)
            if not values[source] or (genes[edge] == 2 and values[source] <= constant):
                constant.add(edge)
    return values, constant


def _relevant(genes):
    values, constant = _constant(genes)
    found, waiting = set(), list(values[3])
    while waiting:
        edge = waiting.pop()
        if edge != "input" and edge not in found:
            found.add(edge)
            waiting += [] if edge in constant else values[EDGES[edge][0]]
    return sorted(found)


def _still(network, genes):
    for stage in network.stages:
        for cell in stage:
            for edge in _constant(genes)[1]:
                with torch.no_grad():
                    cell.edges[edge][2].weight.zero_()


# ---------------------------------------------------------------- nodes that are all alike


def _stage_graph(edges, nodes):
    pairs = [(i, j) for j in range(1, nodes + 1) for i in range(1, j)]
    there = {pair for pair, bit in zip(pairs, edges, strict=False) if bit}
    return there, sorted({node for pair in there for node in pair})


def staged(space, x, y, **skeleton):
    first = randomised(space, x, 1, **skeleton)
    choices = []
    for (start, end), nodes in zip(space.spans, space.stages, strict=True):
        graph_x, graph_y = (_stage_graph(genes[start:end], nodes) for genes in (x, y))
        choices.append(
            maps(graph_y[1], graph_x[1], lambda where, a=graph_x, b=graph_y: _carried(where, b) == a[0], lambda _: True)
        )
    second = randomised(space, y, 2, **skeleton)  # every map hands over all of its parameters again
    for where in itertools.product(*choices):
        hand_over(second.classifier, first.classifier)
        parts = [getattr(network, "stages" if space.name == "genetic-cnn" else "phases") for network in (first, second)]
        for source, target, nodes in zip(*parts, where, strict=True):
            hand_over(target.input, source.input)
            hand_over(target.output, source.output)
            for name, module in target.nodes.items():
                hand_over(module, source.nodes[str(nodes[int(name)])])
            for name, join in getattr(target, "joins", {}).items():
                if join.projection is None:
                    continue
                image = name if name == "output" else str(nodes[int(name)])
                given = {0: 0, **nodes}
                inputs = [
                    part.last if name == "output" else part.sources[int(key)]
                    for part, key in ((source, image), (target, name))
                ]
                order = [inputs[0].index(given[node]) for node in inputs[1]]
                hand_over(join, source.joins[image], blocks(order, join.projection.out_channels))
        yield first, second


def _carried(where, graph):
    return {(where[i], where[j]) for i, j in graph[0]}


# ---------------------------------------------------------------- pairs of cells


def cell_pair(space, x, y):
    first, reduces = randomised(space, x, 1), skeleton_of(space, "digits").reduces
    cells = [_cells(space, genes) for genes in (x, y)]
    choices = []
    for cell_x, cell_y in zip(*cells, strict=True):
        outputs = [_output(space, cell) for cell in (cell_x, cell_y)]
        if len(outputs[0]) != len(outputs[1]):
            return

        def same(where, a=cell_x, b=cell_y):
            return all(
                b[node][1] == a[image][1] and _moved(b[node][0], where) == sorted(a[image][0])
                for node, image in where.items()
            )

        def allowed(where, a=cell_x, b=cell_y, outputs=outputs):
            kinds = [[(_kinds(cell, node), cell[node][1]) for cell, node in ((b, n), (a, m))] for n, m in where.items()]
            return all(one == other for one, other in kinds) and {where[n] for n in outputs[1]} == set(outputs[0])

        choices.append(maps(list(cell_y), list(cell_x), same, allowed))
    for where in itertools.product(*choices):
        second = randomised(space, y, 2)
        hand_over(second.stem, first.stem)
        before = last = None
        for layer, (source, target) in enumerate(zip(first.cells, second.cells, strict=True)):
            part = int(reduces(layer))
            nodes, cell_x, cell_y = where[part], cells[0][part], cells[1][part]
            width = target.inputs[1][1][1].num_features
            for module_y, module_x, order in zip(target.inputs, source.inputs, (before, last), strict=True):
                hand_over(module_y, module_x, order)
            channels = {}  # of x's node, in the order in which y's node has them
            for node, image in nodes.items():
                pairs = _halves(cell_y, cell_x, node, image, nodes)
                wide = cell_y[node][1]
                channels[node] = blocks([j for _, j in pairs], width) if wide else list(range(width))
                for i, j in pairs:
                    read = channels.get(cell_y[node][0][i][0])
                    _hand_over_operation(target.operations[node - 2][i], source.operations[image - 2][j], width, read)
            start, starts = 0, {}
            for image in _output(space, cell_x):
                starts[image] = start
                start += width * (1 + cell_x[image][1])
            out = [starts[nodes[node]] + c for node in _output(space, cell_y) for c in channels[node]]
            before, last = last, out
        hand_over(second.classifier, first.classifier, last)
        yield first, second


def _hand_over_operation(target, source, width, read):
    """Copy an operation; one that reads a concatenation has its first convolutions' channels in another order."""
    hand_over(target, source)
    if read is None or len(read) == width:
        return
    convolutions = [[m for m in module.modules() if isinstance(m, nn.Conv2d)] for module in (target, source)]
    for conv_y, conv_x in zip(*convolutions, strict=True):
        with torch.no_grad():
            if conv_x.groups > 1:
                conv_y.weight.copy_(conv_x.weight[read])
                continue  # the 1x1 convolution after it reads the same channels
            conv_y.weight.copy_(conv_x.weight[:, read])
        return


def _cells(space, genes):
    """Of each cell, the halves of each node, and whether it concatenates them."""
    count, length = {"nsga-net-micro": (5, 4), "darts": (4, 4), "nasnet": (5, 5)}[space.name]
    nodes = [genes[i : i + length] for i in range(0, len(genes), length)]
    found = [([(a, b), (c, d)], bool(join and join[0])) for a, b, c, d, *join in nodes]
    return [dict(enumerate(part, start=2)) for part in (found[:count], found[count:])]


def _output(space, cell):
    taken = {source for halves, _ in cell.values() for source, _ in halves}
    return [node for node in cell if space.name == "darts" or node not in taken]


def _kinds(cell, node):
    """The operations of a node, with what shapes their parameters."""
    return sorted(_kind(cell, *half) for half in cell[node][0])


def _kind(cell, source, operation):
    """Skip connections have parameters at stride 2 alone, and other shapes follow from the channels that are read."""
    return operation, operation in SKIPS and source < 2, source >= 2 and cell[source][1]


SKIPS = (2, 0)  # NSGA-Net's and DARTS', and NASNet's; a pooling has no parameters in any case


def _moved(halves, where):
    return sorted(({0: 0, 1: 1, **where}[source], op) for source, op in halves)


def _halves(cell_y, cell_x, node, image, where):
    """Which half is which: of the same kind, and the same after renumbering where that can be."""
    halves_y, halves_x = cell_y[node][0], cell_x[image][0]
    moved = [({0: 0, 1: 1, **where}[source], op) for source, op in halves_y]

    def agree(i, j):
        return (moved[i] == halves_x[j]) + 10 * (_kind(cell_y, *halves_y[i]) == _kind(cell_x, *halves_x[j]))

    straight, crossed = agree(0, 0) + agree(1, 1), agree(0, 1) + agree(1, 0)
    return ((0, 0), (1, 1)) if straight >= crossed else ((0, 1), (1, 0))


MATCHED = {
    "macronas": chain,
    "nas-bench-macro": chain,
    "nb101": nb101,
    "nb201": nb201,
    "genetic-cnn": staged,
    "nsga-net-macro": staged,
    "nsga-net-micro": cell_pair,
    "darts": cell_pair,
    "nasnet": cell_pair,
}
