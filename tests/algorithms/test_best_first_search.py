"""Best-first search: each step, worked out anew from what a run has evaluated."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.spaces.blocks.chain import Chain


def trace(algorithm, space, function, steps, **start):
    algorithm.start(space, runs=5, **start)
    X, F = [], []
    for _ in range(steps):
        X.append(algorithm.ask()[:, 0])
        F.append(function(X[-1]))
        algorithm.tell(F[-1][:, np.newaxis, np.newaxis])
    return np.stack(X, axis=1), np.stack(F, axis=1)


def plain_steps(space, X, F, starts, improvement):
    """For each evaluation after the starts of one run: the genotypes that could have come next."""
    closed, current, left = set(), None, {}
    evaluated, networks = {}, set()
    for i, (x, f) in enumerate(zip(map(tuple, X.tolist()), F.tolist(), strict=True)):
        if i >= starts:
            while not left:
                current = min((value, age, y) for y, (value, age) in evaluated.items() if y not in closed)
                closed.add(current[2])
                neighbours = space.neighbours(current[2])
                left = dict(zip(map(tuple, neighbours.tolist()), space.key(neighbours).tolist(), strict=True))
                left = {y: network for y, network in left.items() if network not in networks}
            assert x in left
            left = {y: network for y, network in left.items() if network != left[x]}
            if improvement == "first" and f < current[0]:
                left = {}
        network = int(space.key(x)[0])
        assert network not in networks
        networks.add(network)
        evaluated[x] = (f, i)


@pytest.mark.parametrize("improvement", ["first", "best"])
@pytest.mark.parametrize("name", ["nb201", "nb101"])
def test_each_step_is_a_new_network_beside_the_best_open_genotype(name, improvement):
    space = nk.space(name)
    weights = np.random.default_rng(0).normal(size=space.genes)

    def function(X):
        return np.round(np.sin(X @ weights * 3), 2) + (X[:, 0] == 0)

    algorithm = nk.BestFirstSearch(starts=4, improvement=improvement)
    X, F = trace(algorithm, space, function, 200, seed=2)
    for run in range(5):
        plain_steps(space, X[run], F[run], 4, improvement)


def test_the_order_of_neighbours_is_random():
    space, centre = nk.space("nb201"), [[3, 2, 3, 4, 2, 2]]  # whose 24 neighbours are different networks
    algorithm = nk.BestFirstSearch(starts=1).start(space, runs=3000, seed=1, initial=centre)
    assert (algorithm.ask() == centre).all()
    algorithm.tell(np.zeros((3000, 1, 1)))
    _, counts = np.unique(algorithm.ask()[:, 0], axis=0, return_counts=True)
    assert len(counts) == 24
    assert counts.min() > 75


def test_a_small_space_is_searched_completely_before_anything_repeats():
    space = Chain(3, ["a", "b", "c"], name="tiny")
    X, _ = trace(nk.BestFirstSearch(), space, lambda X: X.sum(axis=1).astype(float), 40, seed=1)
    for run in range(5):
        assert len(np.unique(X[run, :27], axis=0)) == 27


def test_failures_are_looked_at_last():
    space = nk.space("nb201")

    def function(X):
        return np.where(X[:, 0] == 3, np.inf, (X != 2).sum(axis=1))

    X, F = trace(nk.BestFirstSearch(starts=3), space, function, 100, seed=3)
    assert (F.min(axis=1) == 0).all()
    alone, _ = trace(nk.BestFirstSearch(starts=3), space, lambda X: np.full(len(X), np.inf), 60, seed=3)
    assert all(len(np.unique(run, axis=0)) == 60 for run in alone)


def test_settings():
    with pytest.raises(nk.UnknownName, match="unknown improvement 'second' of BestFirstSearch"):
        nk.BestFirstSearch(improvement="second")
    with pytest.raises(ValueError, match="BestFirstSearch: starts must be at least 1, not 0"):
        nk.BestFirstSearch(starts=0)
