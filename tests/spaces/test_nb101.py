"""NAS-Bench-101: every published count, by exhaustion; hashes, params and channels against definitions written apart."""

from __future__ import annotations

import hashlib
import itertools
import json

import networkx as nx
import numpy as np
import pytest
import scipy.stats

import nasbench_kit as nk
from nasbench_kit.spaces.blocks.node_dag import NodeDAG
from nasbench_kit.spaces.nb101 import hash_index
from nasbench_kit.spaces.nb101.space import OPERATIONS
from nasbench_kit.spaces.nb101.tables import tables

SPACE = nk.space("nb101")
CONV3, CONV1, POOL = OPERATIONS


def cell(matrix, *inner):
    return {"matrix": matrix, "ops": ["input", *inner, "output"]}


def pruned(x):
    """The graph that counts: adjacency and labels, vertex by vertex."""
    matrix = np.zeros((7, 7), dtype=int)
    for k, edge in enumerate((i, j) for j in range(7) for i in range(j)):
        matrix[edge] = x[k]
    net = nx.from_numpy_array(matrix, create_using=nx.DiGraph)
    if not nx.has_path(net, 0, 6):
        return None
    kept = sorted((nx.descendants(net, 0) | {0}) & (nx.ancestors(net, 6) | {6}))
    labels = [-1, *(int(x[20 + i]) for i in kept[1:-1]), -2]
    return matrix[np.ix_(kept, kept)], labels


@pytest.mark.slow
def test_all_classes_are_met():
    """Every adjacency matrix on 7 vertices, with every choice of operations."""
    table = tables()
    assert len(table.valid_masks) == 1_538_083
    shapes = [len(np.unique(table.class_mask[table.class_inner == k])) for k in range(6)]
    assert shapes == [1, 2, 10, 97, 810, 1_574]
    assert np.bincount(table.class_inner).tolist() == [1, 6, 84, 2_441, 62_010, 359_082]
    X = SPACE.representatives(np.arange(SPACE.networks))
    edges = [len(np.flatnonzero(X[:, :21].sum(axis=1) == k)) for k in range(1, 10)]
    assert edges == [1, 3, 12, 60, 339, 2_134, 13_984, 78_822, 328_269]
    assert (SPACE.network_index(X) == np.arange(423_624)).all()
    assert (SPACE.canonical(X) == X).all()
    # every class is reached from the masks, whatever the operations: no entry of the tables is out of use
    reached = np.zeros(SPACE.networks, dtype=bool)
    masks = table.valid_masks.astype(np.intp)
    for operations in range(243):
        reached[table.look_up(masks, np.full(len(masks), operations))] = True
    assert reached.all()


@pytest.mark.slow
def test_params_of_every_class():
    X = SPACE.representatives(np.arange(SPACE.networks))
    params = SPACE.cost(X, "params", dataset="cifar10")
    assert (params.min(), params.max(), params.sum()) == (227_274, 49_979_274, 3_583_758_170_075)


@pytest.mark.slow
def test_classes_are_isomorphism_classes():
    """Pairs that refinement could confuse: of the same degrees and labels."""
    rng = np.random.default_rng(0)
    X = SPACE.sample(60_000, rng)
    sketch = [None if (p := pruned(x)) is None else p for x in X[:3000]]
    keys = SPACE.key(X[:3000])
    groups: dict[object, list[int]] = {}
    for i, (matrix, labels) in enumerate(sketch):
        degrees = sorted(zip(labels, matrix.sum(axis=0).tolist(), matrix.sum(axis=1).tolist(), strict=True))
        groups.setdefault(tuple(degrees), []).append(i)
    compared = same = 0
    for members in groups.values():
        for i, j in itertools.combinations(members[:12], 2):
            nets = []
            for k in (i, j):
                matrix, labels = sketch[k]
                net = nx.from_numpy_array(matrix, create_using=nx.DiGraph)
                nx.set_node_attributes(net, dict(enumerate(labels)), "label")
                nets.append(net)
            equal = nx.is_isomorphic(*nets, node_match=lambda a, b: a["label"] == b["label"])
            assert (keys[i] == keys[j]) == equal
            compared, same = compared + 1, same + equal
    assert compared > 300
    assert same > 20
    assert same < compared


def test_tables_agree_with_the_general_cell():
    """The same space without tables: canonical forms by refinement."""
    general = NodeDAG(7, OPERATIONS, most_edges=9)
    X = np.random.default_rng(1).integers(0, SPACE.cardinalities, size=(20_000, 26), dtype=np.uint8)
    X[:, :21] &= np.random.default_rng(2).integers(0, 2, size=(20_000, 21), dtype=np.uint8)
    valid = SPACE.is_valid(X)
    assert 0 < valid.sum() < len(X)
    assert (general.is_valid(X) == valid).all()
    forms = np.unique(general.canonical(X[valid]), axis=0, return_inverse=True)[1].reshape(-1)
    pairs = np.stack([forms, SPACE.network_index(X[valid])], axis=1)
    assert len(np.unique(pairs, axis=0)) == len(np.unique(forms)) == len(np.unique(pairs[:, 1]))


def test_sampling_is_uniform_over_valid_genotypes():
    X = SPACE.sample(400_000, 3)
    assert SPACE.is_valid(X).all()
    masks = np.packbits(X[:, :21], axis=1, bitorder="little").astype(np.int64) @ [1, 256, 65536]
    place = np.searchsorted(tables().valid_masks, masks)
    assert scipy.stats.chisquare(np.bincount(place * 400 // 1_538_083, minlength=400)[:400]).pvalue > 1e-3
    letters = X[:, 21:] @ np.array([81, 27, 9, 3, 1])
    assert scipy.stats.chisquare(np.bincount(letters, minlength=243)).pvalue > 1e-3


# ---------------------------------------------------------------- hashes


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        (cell([[0, 1], [0, 0]]), "043721b9c7fe8c5fad811d47d83132ec"),
        (cell([[0, 1, 0], [0, 0, 1], [0, 0, 0]], CONV3), "b49ac8c578b4561d79ac7087988f1c61"),
        (
            cell([[0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]], CONV3, CONV3),
            "b5fb4f6193360330b6ff6a52cbf0cad7",
        ),
    ],
)
@pytest.mark.parametrize(
    "kind", [np.array, lambda m: np.array(m, dtype=float), lambda m: np.array(m, dtype=bool), list]
)
def test_published_hashes(native, expected, kind):
    X = SPACE.encode([{"matrix": kind(native["matrix"]), "ops": native["ops"]}])
    assert SPACE.module_hash(X).tolist() == [expected]


def hash_by_definition(matrix, labels):
    v = len(labels)
    out, into = matrix.sum(axis=1).tolist(), matrix.sum(axis=0).tolist()
    hashes = [hashlib.md5(str(kind).encode()).hexdigest() for kind in zip(out, into, labels, strict=True)]
    for _ in range(v):
        hashes = [
            hashlib.md5(
                (
                    "".join(sorted(hashes[w] for w in range(v) if matrix[w, u]))
                    + "|"
                    + "".join(sorted(hashes[w] for w in range(v) if matrix[u, w]))
                    + "|"
                    + hashes[u]
                ).encode()
            ).hexdigest()
            for u in range(v)
        ]
    return hashlib.md5(str(sorted(hashes)).encode()).hexdigest()


def test_hashes_by_the_definition():
    X = SPACE.sample(400, 5)
    expected = [hash_by_definition(*pruned(x)) for x in X]
    assert SPACE.module_hash(X).tolist() == expected
    assert SPACE.module_hash(X[:0]).shape == (0,)


# ---------------------------------------------------------------- costs


def params_by_definition(matrix, labels, *, flops=False):
    """A network's figure, layer by layer, channels handed out one at a time."""
    v = len(labels)
    total = 27 * 128 * 32**2 if flops else 27 * 128 + 256
    inputs, side = 128, 32
    for outputs in (128, 256, 512):
        if outputs > 128:
            side //= 2
        channels = [0] * v
        feeders = [u for u in range(1, v - 1) if matrix[u, v - 1]]
        for k in range(outputs if feeders else 0):
            channels[feeders[k % len(feeders)]] += 1
        for u in reversed(range(1, v - 1)):
            if u not in feeders:
                channels[u] = max(channels[w] for w in range(u + 1, v - 1) if matrix[u, w])
        channels[-1] = outputs
        for block in range(3):
            source = inputs if block == 0 else outputs
            convolutions = [(1, source, channels[u]) for u in range(1, v) if matrix[0, u]]
            convolutions += [
                (kernel**2, channels[u], channels[u]) for u in range(1, v - 1) if (kernel := (3, 1, 0)[labels[u]])
            ]
            for weights, a, b in convolutions:
                total += weights * a * b * side**2 if flops else weights * a * b + 2 * b
        inputs = outputs
    return total + 5120 + (0 if flops else 10)


def test_costs_by_the_definition():
    X = SPACE.sample(300, 8)
    for name in ("params", "flops"):
        expected = [params_by_definition(*pruned(x), flops=name == "flops") for x in X]
        assert SPACE.cost(X, name, dataset="cifar10").tolist() == expected


def test_params_go_by_the_order_of_vertices():
    """Two graphs of one cell may differ: 128 channels on three vertices are 43, 43 and 42."""
    matrix = np.zeros((5, 5), dtype=int)
    matrix[0, 1:4] = matrix[1:4, 4] = 1
    X = SPACE.encode([cell(matrix, *inner) for inner in ((CONV3, POOL, POOL), (POOL, POOL, CONV3))])
    assert SPACE.key(X[:1]) == SPACE.key(X[1:])
    params = SPACE.cost(X, "params", dataset="cifar10")
    assert params[0] > params[1]


# ---------------------------------------------------------------- native forms


def test_small_cells_and_dead_vertices():
    small = SPACE.encode([cell([[0, 1, 0], [0, 0, 1], [0, 0, 0]], POOL)])
    matrix = np.zeros((5, 5), dtype=int)
    matrix[0, 2] = matrix[2, 4] = matrix[0, 1] = matrix[3, 4] = 1
    dead = SPACE.encode([cell(matrix, CONV1, POOL, CONV3)])
    assert SPACE.key(small) == SPACE.key(dead)
    assert SPACE.cost(dead, "params", dataset="cifar10") == SPACE.cost(small, "params", dataset="cifar10")


def test_rows_that_were_changed_in_place_are_looked_at_anew():
    space = nk.space("nb101")
    X, other = space.sample(100, 0), space.sample(100, 1)
    expected = space.network_index(other)
    assert not np.array_equal(space.network_index(X), expected)
    X[:] = other
    first = space.network_index(X)
    first[:] = 0  # what was handed out is the caller's own
    assert np.array_equal(space.network_index(X), expected)


def test_what_is_no_valid_genotype():
    full = np.triu(np.ones((7, 7), dtype=int), 1)
    X = SPACE.encode([cell(full, *[CONV3] * 5), cell([[0, 0], [0, 0]]), cell([[0, 1], [0, 0]])])
    assert SPACE.is_valid(X).tolist() == [False, False, True]
    with pytest.raises(nk.InvalidArchitecture, match=r"21 edges lie on paths.*at most 9.*no path from input to output"):
        SPACE.module_hash(X)
    bad = X[2:].copy()
    bad[0, 25] = 3
    with pytest.raises(nk.InvalidArchitecture, match=r"gene 25 is 3, not one of 0 \.\.\. 2"):
        SPACE.network_index(bad)
    for gene, value in itertools.product(range(26), (2, 3, 4, 128, 255)):
        bad = X[2:].copy()
        bad[0, gene] = value
        assert SPACE.is_valid(bad).tolist() == [gene > 20 and value == 2]


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("nonsense", "a native form is"),
        ({"matrix": [[0, 1], [0, 0]]}, "a native form is"),
        (cell([[0, 1], [1, 0]]), "upper-triangular"),
        (cell([[0, 2], [0, 0]]), "zeros and ones"),
        (cell([[0, 1, 0], [0, 0]]), "rows of different lengths"),
        (cell([[0, 0.5], [0, 0]]), "not a whole number"),
        (cell(np.zeros((8, 8)), *[CONV3] * 6), "2 to 7 vertices"),
        (cell([[0]]), "2 to 7 vertices"),
        (cell([[0, 1, 0], [0, 0, 1], [0, 0, 0]]), "list of 3 ops"),
        (cell([[0, 1, 0], [0, 0, 1], [0, 0, 0]], "conv3x3"), "did you mean 'conv3x3-bn-relu'"),
        ({"matrix": [[0, 1], [0, 0]], "ops": ["output", "input"]}, "the first op must be 'input'"),
        ({"matrix": [[0, 1], [0, 0]], "ops": "io"}, "list of 2 ops"),
    ],
)
def test_native_forms_that_cannot_be_read(native, reason):
    with pytest.raises(nk.InvalidArchitecture, match=reason):
        SPACE.encode([native])


def test_cells_that_do_not_exist():
    with pytest.raises(nk.InvalidArchitecture, match="0 ... 423623"):
        SPACE.representatives([423_624])


def test_limits_hold_for_what_is_left_of_a_cell():
    """A cell of more vertices than seven, most of them dangling, is the cell without these."""
    matrix = np.zeros((9, 9), dtype=int)
    matrix[0, 3] = matrix[3, 8] = matrix[0, 5] = matrix[1, 8] = 1
    words = ["input", *["maxpool3x3"] * 2, "conv3x3-bn-relu", *["nothing known"] * 4, "output"]
    small = {"matrix": [[0, 1, 0], [0, 0, 1], [0, 0, 0]], "ops": ["input", "conv3x3-bn-relu", "output"]}
    space = nk.space("nb101")
    assert (space.encode([{"matrix": matrix.tolist(), "ops": words}]) == space.encode([small])).all()
    whole = np.triu(np.ones((8, 8), dtype=int), 1)
    with pytest.raises(nk.InvalidArchitecture, match="this one has 8 .of 8"):
        space.encode([{"matrix": whole.tolist(), "ops": ["input", *["maxpool3x3"] * 6, "output"]}])
    apart = np.zeros((8, 8), dtype=int)
    with pytest.raises(nk.InvalidArchitecture, match="this one has 0 .of 8"):
        space.encode([{"matrix": apart.tolist(), "ops": ["input", *["maxpool3x3"] * 6, "output"]}])


# ---------------------------------------------------------------------------- native forms in batches


def stacked(natives):
    return {"matrix": np.array([n["matrix"] for n in natives]), "ops": np.array([n["ops"] for n in natives])}


def one_by_one(space, natives):
    return np.array([space.encode_one(native) for native in natives], dtype=np.uint8)


@pytest.mark.parametrize("kind", [int, np.uint8, bool, float])
def test_stacked_cells_are_encoded_like_single_ones(kind):
    X = SPACE.sample(300, 0)
    natives = SPACE.decode(X)
    stack = stacked(natives)
    stack["matrix"] = stack["matrix"].astype(kind)
    assert (SPACE.encode(stack) == X).all()
    assert (SPACE.encode({**stack, "ops": stack["ops"].astype(object)}) == X).all()
    for v in range(2, 7):
        small = [n for n in map(small_cell, X) if n is not None and len(n["ops"]) == v]
        if small:
            assert (SPACE.encode(stacked(small)) == one_by_one(SPACE, small)).all()


def small_cell(x):
    graph = pruned(x)
    if graph is None:
        return None
    return cell(graph[0].tolist(), *(OPERATIONS[label] for label in graph[1][1:-1]))


def test_mixed_lists_are_encoded_like_single_cells():
    natives = [n for n in map(small_cell, SPACE.sample(500, 1)) if n is not None]
    natives[3] = {"ops": tuple(natives[3]["ops"]), "matrix": np.array(natives[3]["matrix"])}
    natives[5] = {"ops": np.array(natives[5]["ops"]), "matrix": np.array(natives[5]["matrix"], dtype=float)}
    natives[7] = cell([[0, 1] + [0] * 6, [0, 0, 1] + [0] * 5, *[[0] * 8] * 5, [0] * 8], *[POOL] * 6)
    natives[7]["matrix"][2] = [0] * 7 + [1]
    assert len({len(native["ops"]) for native in natives}) > 3
    assert (SPACE.encode(natives) == one_by_one(SPACE, natives)).all()
    assert (SPACE.encode(iter(natives)) == SPACE.encode(natives)).all()


BAD = [
    ({"matrix": [[0, 2], [0, 0]], "ops": ["input", "output"]}, "only zeros and ones"),
    ({"matrix": [[0, 1], [1, 0]], "ops": ["input", "output"]}, "strictly upper-triangular"),
    ({"matrix": [[0, 1], [0, 0]], "ops": ["input", "input"]}, "the last 'output'"),
    ({"matrix": [[0, 1, 0], [0, 0, 1], [0, 0, 0]], "ops": ["input", "conv5", "output"]}, "unknown operation 'conv5'"),
    ({"matrix": [[0, 1], [0]], "ops": ["input", "output"]}, "rows of different lengths"),
    ({"matrix": [[0, "1"], [0, 0]], "ops": ["input", "output"]}, "must contain whole numbers"),
    ({"matrix": [[0, 0.5], [0, 0]], "ops": ["input", "output"]}, "has 0.5, which is not a whole number"),
    ({"matrix": [[0, 1], [0, 0]], "ops": ["input", [], "output"]}, "a matrix of 2 vertices needs a list of 2 ops"),
    ({"matrix": [[0, 2**70], [0, 0]], "ops": ["input", "output"]}, "whole"),
    ({"matrix": 3, "ops": ["input", "output"]}, "must be square"),
    (None, "a native form is a dict"),
]


@pytest.mark.parametrize(("bad", "message"), BAD)
def test_one_bad_cell_among_many_is_named_as_if_it_were_alone(bad, message):
    natives = [n for n in map(small_cell, SPACE.sample(50, 1)) if n is not None]
    for place in (0, 17, len(natives)):
        several = [*natives[:place], bad, *natives[place:]]
        with pytest.raises(nk.InvalidArchitecture, match=message) as caught:
            SPACE.encode(several)
        assert f"nb101: 1 native forms cannot be read: no. {place} " in str(caught.value)
        with pytest.raises(nk.InvalidArchitecture) as alone:
            SPACE.encode_one(bad)
        assert str(alone.value) in str(caught.value)


def test_bad_stacks():
    natives = SPACE.decode(SPACE.sample(5, 0))
    stack = stacked(natives)
    stack["matrix"][3, 1, 0] = 1
    with pytest.raises(nk.InvalidArchitecture, match="1 native forms cannot be read: no. 3 .*upper-triangular"):
        SPACE.encode(stack)
    stack = stacked(natives)
    stack["ops"][2, 1] = "conv9"
    with pytest.raises(nk.InvalidArchitecture, match="no. 2 .*unknown operation 'conv9'"):
        SPACE.encode(stack)
    with pytest.raises(TypeError, match=r"for a single one write encode\(\[\{...\}\]\)"):
        SPACE.encode(natives[0])
    for wrong in (
        {},
        {"matrix": stack["matrix"]},
        {**stack, "ops": stack["ops"][:, 1:]},
        {**stack, "matrix": [[0], [0, 1]]},
    ):
        with pytest.raises(nk.InvalidArchitecture, match="stacked native forms"):
            SPACE.encode(wrong)


def test_decoded_cells_share_no_list():
    first, second = SPACE.decode(SPACE.representatives([5, 5]))
    before = json.dumps(second)
    first["matrix"][0][1] = 7
    first["ops"][1] = "changed"
    assert json.dumps(second) == before
    X = SPACE.sample(100, 0)
    assert [json.loads(text) for text in SPACE.decode_texts(X)] == SPACE.decode(X)
    assert SPACE.decode(X) == [SPACE.decode_one(row) for row in X.tolist()]


# ---------------------------------------------------------------------------- hashes and NASLib's tuples


def test_cells_by_hash():
    X = SPACE.sample(300, 0)
    assert (SPACE.from_hash(SPACE.module_hash(X)) == SPACE.canonical(X)).all()
    assert (SPACE.from_hash(["B49AC8C578B4561D79AC7087988F1C61 "]) == SPACE.representatives([1])).all()
    assert SPACE.from_hash([]).shape == (0, 26)
    for bad in ("", "b49ac8c578b4561d79ac7087988f1c6", "g" * 32, 3):
        with pytest.raises(nk.InvalidArchitecture, match="a hash has 32 hexadecimal digits"):
            SPACE.from_hash([bad])
    # the right first bytes alone are not enough
    with pytest.raises(
        nk.InvalidArchitecture, match="1 of 2 hashes belong to none of the 423,624 cells: no. 1 b49ac8c5"
    ):
        SPACE.from_hash(["b49ac8c578b4561d79ac7087988f1c61", "b49ac8c578b4561d79ac7087988f1c62"])


def test_the_table_of_hashes():
    cells = np.arange(0, SPACE.networks, 137)
    hashes = SPACE.module_hash(SPACE.representatives(cells))
    which, candidate = hash_index.candidates(hashes)
    assert set(zip(which.tolist(), candidate.tolist(), strict=True)) >= set(enumerate(cells.tolist()))


@pytest.mark.slow
def test_cells_are_found_by_their_hash():
    X = SPACE.representatives(np.arange(0, SPACE.networks, 20))  # all of them take a minute
    assert (SPACE.from_hash(SPACE.module_hash(X)) == X).all()


def test_tuples_of_naslib():
    operations = ["input", "output", POOL, CONV1, CONV3]
    natives = [n for n in map(small_cell, SPACE.sample(100, 0)) if n is not None]
    tuples = [tuple(np.ravel(n["matrix"]).tolist() + [operations.index(op) for op in n["ops"]]) for n in natives]
    assert (SPACE.from_naslib(tuples) == SPACE.encode(natives)).all()
    for bad in ((), (0, 1), 3, "a", (0, 1, 0, 0, 0, 7), (0, 1, 0, 0, 0, -1), (1, 1, 0, 0, 0, 1), (0, 1, 0, 0, 1, 0)):
        with pytest.raises(nk.InvalidArchitecture):
            SPACE.from_naslib([bad])
