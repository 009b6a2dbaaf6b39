"""What the spaces call the same network is the same function once parameters are matched, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk

torch = pytest.importorskip("torch", reason="networks need torch")

from tests.contract.relabelling import relabelled  # noqa: E402
from tests.training.networks import matching  # noqa: E402
from tests.training.networks.matching import matched  # noqa: E402

IMAGES = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
SAME, OTHER = 16, {"nsga-net-macro": 1, "genetic-cnn": 4}  # pairs; else 10
# spaces in which a network may be written in several ways; in the others, no two networks have the same parameters
SPACES = [name for name in matching.MATCHED if nk.space(name).networks != nk.space(name).size]
SUM = {"nsga-net-macro": {"join": "sum"}}  # shapes of parameters do not depend on how many inputs are joined


def distances(space, x, y, **skeleton):
    """How far the outputs are apart at most, relative to their size, for each way to match parameters."""
    with torch.no_grad():
        for first, second in matched(space, x, y, **skeleton):
            one, other = first(IMAGES), second(IMAGES)
            yield float((one - other).abs().max() / one.abs().max())


def same_pairs(space, rng):
    """Pairs of different genotypes of one network: of one class where a sample has them, the others under other names."""
    X = space.sample(20_000, rng)
    order = np.argsort(space.key(X), kind="stable")
    equal = np.flatnonzero(
        (space.key(X[order[1:]]) == space.key(X[order[:-1]])) & (X[order[1:]] != X[order[:-1]]).any(axis=1)
    )
    chosen = rng.choice(equal, min(len(equal), SAME // 2), replace=False)
    pairs = [(X[order[i]], X[order[i + 1]]) for i in chosen]
    while len(pairs) < SAME:
        x = space.sample(1, rng)[0]
        y = np.array(relabelled(space, x, rng), dtype=np.uint8)
        if (x != y).any():
            pairs.append((x, y))
    return pairs


def close_pair(space, rng):
    """Two genotypes of different networks that hardly differ: two genes exchanged, or one input of a node another one."""
    while True:
        x = space.sample(1, rng)[0]
        y = x.copy()
        if "half" in space.units:
            gene = int(rng.choice([half[0] for half in space.units["half"]]))
            y[gene] = rng.integers(space.cardinalities[gene])
        else:
            unit = space.units["stage"][rng.integers(3)] if "stage" in space.units else range(space.genes)
            i, j = rng.choice(unit, 2, replace=False)
            y[[i, j]] = x[[j, i]]
        if space.is_valid(y)[0] and space.key(x) != space.key(y):
            return x, y


@pytest.mark.parametrize("name", SPACES)
def test_genotypes_of_one_network_are_the_same_function(name):
    space = nk.space(name)
    for x, y in same_pairs(space, np.random.default_rng(11)):
        assert (space.canonical(x) == space.canonical(y)).all()
        assert min(distances(space, x, y), default=np.inf) < 1e-9, (x.tolist(), y.tolist())


def test_inputs_added_up_or_concatenated_are_the_same_function():
    space, rng = nk.space("nsga-net-macro"), np.random.default_rng(12)
    for x in space.sample(5, rng):
        y = relabelled(space, x, rng)
        for join in ("concat", "sum"):
            assert min(distances(space, x, y, join=join)) < 1e-9


@pytest.mark.parametrize("name", SPACES)
def test_other_networks_are_other_functions(name):
    """However parameters are matched; only pairs count whose parameters can be."""
    space, rng, compared = nk.space(name), np.random.default_rng(13), 0
    while compared < OTHER.get(name, 10):
        x, y = close_pair(space, rng)
        found = list(distances(space, x, y, **SUM.get(name, {})))
        assert min(found, default=np.inf) > 1e-6, (x.tolist(), y.tolist())
        compared += bool(found)


def test_the_comparison_sees_a_single_parameter():
    """Or else the tests above would say little."""
    space = nk.space("genetic-cnn")
    x = space.sample(1, 5)[0]
    first, second = next(matched(space, x, x))
    with torch.no_grad():
        assert (first(IMAGES) == second(IMAGES)).all()
        next(second.stages[2].parameters())[0, 0, 1, 1] += 0.01
        assert (first(IMAGES) - second(IMAGES)).abs().max() > 1e-6
