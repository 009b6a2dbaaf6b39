"""Finding the class of a genotype's network, compared with the usual ways of testing graphs for isomorphism.

The limit of NAS-Bench-101's look-up: 26 bytes a row are read, and three tables asked one after the other, the first of 8 MB.
The floor is just those three ``numpy.take`` with ready-made random indices, in blocks that stay in the cache.
"""

from __future__ import annotations

import hashlib
import warnings
from typing import Any

import numpy as np

import nasbench_kit as nk
from benchmarks.timing import in_turn, table
from nasbench_kit import graphs
from nasbench_kit.spaces.nb101.tables import Tables, tables


def run() -> dict[str, Any]:
    return {"nb101": _nb101(), "spaces": _spaces(), "any DAGs": _any_dags()}


def _nb101() -> dict[str, Any]:
    space = nk.space("nb101")
    rng = np.random.default_rng(0)
    found: dict[str, Any] = {}
    rows = []
    found["seconds to build the tables"] = in_turn({"tables": Tables}, rounds=5)["tables"]
    for n in (10_000, 100_000, 1_000_000):
        X = space.sample(n, 0)
        masks, entries = rng.integers(0, 2**21, n), rng.integers(0, 54_000, n)
        places = rng.integers(0, 450_000, n)

        def floor(masks: np.ndarray = masks, entries: np.ndarray = entries, places: np.ndarray = places) -> None:
            for i in range(0, len(masks), 8192):
                part = slice(i, i + 8192)
                tables().of_mask.take(masks[part], mode="clip")
                tables().of_arrangement.take(entries[part], mode="clip")
                tables().of_labelling.take(places[part], mode="clip")

        def kit(X: np.ndarray = X) -> np.ndarray:
            return space.network_index(X)

        seconds = in_turn({"kit": kit, "floor": floor})
        rate = {name: n / s * 60 for name, s in seconds.items()}
        found[f"{n} rows"] = {"cells a minute": rate, "kit / floor (time)": seconds["kit"] / seconds["floor"]}
        rows.append(
            [f"{n:,}", *(f"{r / 1e6:,.0f} M" for r in rate.values()), f"{seconds['kit'] / seconds['floor']:.2f}"]
        )
    print(f"nb101's tables are built in {found['seconds to build the tables']:.2f} s\n")
    table(["nb101, (n, 26) to class", "kit, a minute", "floor: three gathers", "time, kit / floor"], rows)

    X = space.sample(1000, 1)
    natives = space.decode(X)
    peers: dict[str, Any] = {
        "kit, 1,000 rows": lambda: space.network_index(X),
        "kit, module_hash": lambda: space.module_hash(X),
        "md5 a graph, plain Python (the official rule)": lambda: [_official_hash(native) for native in natives[:50]],
    }
    counts = dict.fromkeys(peers, 1000)
    counts["md5 a graph, plain Python (the official rule)"] = 50
    try:
        import networkx as nx

        nets = [_network(nx, native) for native in natives[:50]]
        peers["networkx WL hash"] = lambda: _wl_hashes(nx, nets)
        counts["networkx WL hash"] = 50
    except ImportError:
        print("networkx is not installed: left out")
    try:
        import pynauty

        arguments = [_coloured(native) for native in natives]
        # the graph object is made each time: it is part of the way from a genotype to its class
        peers["pynauty certificate"] = lambda: [
            pynauty.certificate(pynauty.Graph(7, True, edges, colours)) for edges, colours in arguments
        ]
        counts["pynauty certificate"] = 1000
    except ImportError:
        print("pynauty is not installed: left out")
    seconds = in_turn(peers, rounds=5)
    rate = {name: counts[name] / s * 60 for name, s in seconds.items()}
    best = found["1000000 rows"]["cells a minute"]["kit"]
    print()
    table(
        ["nb101, cells a minute", "", "kit at 1,000,000 rows is so many times as fast"],
        [[name, f"{r / 1e6:,.2f} M", f"{best / r:,.0f}"] for name, r in rate.items()],
    )
    return {**found, "peers, cells a minute": rate}


def _spaces() -> dict[str, float]:
    found = {}
    for name in nk.list_spaces():
        space = nk.space(name)
        X = space.sample(100_000, 0)
        found[name] = len(X) / in_turn({name: lambda space=space, X=X: space.key(X)}, rounds=5)[name] * 60
    print()
    table(["100,000 rows to keys", "a minute"], [[name, f"{rate / 1e6:,.0f} M"] for name, rate in found.items()])
    return found


def _any_dags() -> dict[str, float]:
    rng = np.random.default_rng(0)
    found = {}
    for v in (5, 7, 12, 20):
        adjacency = np.triu(rng.random((20_000, v, v)) < 2 / v, 1).astype(np.int64)
        labels = rng.integers(0, 3, (20_000, v))
        seconds = in_turn({"kit": lambda a=adjacency, b=labels: graphs.canonical_form(a, b)}, rounds=3)["kit"]
        found[f"{v} vertices"] = len(labels) / seconds * 60
    print()
    table(
        ["any labelled DAGs to canonical forms", "a minute"],
        [[name, f"{rate / 1e6:,.1f} M"] for name, rate in found.items()],
    )
    return found


def _official_hash(native: dict[str, Any]) -> str:
    """The official rule, a graph at a time, on the graph as it is given."""
    matrix, labels = native["matrix"], native["ops"]
    v = range(len(labels))
    out = [sum(row) for row in matrix]
    into = [sum(row[i] for row in matrix) for i in v]
    hashes = [hashlib.md5(str((out[i], into[i], labels[i])).encode()).hexdigest() for i in v]
    for _ in v:
        hashes = [
            hashlib.md5(
                "|".join(
                    (
                        "".join(sorted(hashes[w] for w in v if matrix[w][u])),
                        "".join(sorted(hashes[w] for w in v if matrix[u][w])),
                        hashes[u],
                    )
                ).encode()
            ).hexdigest()
            for u in v
        ]
    return hashlib.md5(str(sorted(hashes)).encode()).hexdigest()


def _wl_hashes(nx: Any, nets: list[Any]) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its hashes are others than in earlier versions
        return [nx.weisfeiler_lehman_graph_hash(net, node_attr="op", iterations=7) for net in nets]


def _network(nx: Any, native: dict[str, Any]) -> Any:
    net = nx.from_numpy_array(np.array(native["matrix"]), create_using=nx.DiGraph)
    nx.set_node_attributes(net, dict(enumerate(native["ops"])), "op")
    return net


def _coloured(native: dict[str, Any]) -> tuple[dict[int, list[int]], list[set[int]]]:
    edges = {i: [j for j, there in enumerate(row) if there] for i, row in enumerate(native["matrix"])}
    labels = native["ops"]
    return edges, [{i for i, label in enumerate(labels) if label == kind} for kind in sorted(set(labels))]
