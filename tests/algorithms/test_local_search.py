"""Local search: best and first improvement."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms.known import Known
from nasbench_kit.spaces import Chain

SPACE = nk.space("nas-bench-macro")


@pytest.mark.parametrize("improvement", ["best", "first"])
def test_each_step_by_the_definition(improvement):
    weights = np.arange(1, 9)
    search = nk.LocalSearch(improvement=improvement).start(SPACE, runs=3, seed=1)
    known, left, tried, value = [set() for _ in range(3)], [set()] * 3, [{} for _ in range(3)], [np.inf] * 3
    starts = moves = 0
    for _ in range(900):
        X = search.ask()[:, 0]
        F = ((X != 2) * weights).sum(axis=1)
        search.tell(F[:, None, None])
        for run in range(3):
            x, f = tuple(X[run].tolist()), F[run]
            assert x not in known[run]
            known[run].add(x)
            if left[run]:
                left[run].remove(x)  # an unknown neighbour of the current genotype
                tried[run][x] = f
                best = min(tried[run], key=tried[run].get)
                if tried[run][best] >= value[run] or (improvement == "best" and left[run]):
                    continue
                x, f = best, tried[run][best]
                moves += 1
            else:
                starts += 1
            value[run], tried[run] = f, {}
            around = SPACE.neighbours(np.array(x, dtype=np.uint8)).tolist()
            left[run] = set(map(tuple, around)) - known[run]
    assert starts > 10
    assert moves > 50


@pytest.mark.slow
@pytest.mark.parametrize("improvement", ["best", "first"])
@pytest.mark.parametrize("name", ["nas-bench-macro", "nb101"])
def test_no_genotype_is_evaluated_twice(improvement, name):
    """Even if a neighbour is known from an earlier climb; the space is large enough to always have another start."""
    space = nk.space(name)
    rugged = np.random.default_rng(0).random(2**16)
    search = nk.LocalSearch(improvement=improvement).start(space, runs=4, seed=1)
    asked = []
    for _ in range(1500):
        asked.append(search.ask()[:, 0])
        search.tell(rugged[(asked[-1] @ (np.arange(1, space.genes + 1) ** 4) % 2**16).astype(int)][:, None, None])
    for run in np.swapaxes(asked, 0, 1):
        assert len(np.unique(run, axis=0)) == 1500


def test_a_space_that_is_all_known_is_searched_on():
    space = Chain(5, "01")
    search = nk.LocalSearch().start(space, runs=3, seed=0)
    asked = []
    for _ in range(200):
        asked.append(search.ask()[:, 0])
        search.tell(asked[-1].sum(axis=1)[:, None, None])
    for run in np.swapaxes(asked, 0, 1):
        assert len(np.unique(run[:40], axis=0)) > 25
        assert len(np.unique(run, axis=0)) == 32


@pytest.mark.parametrize("genes", [6, 60])  # genotypes go by their number, or by a hash
def test_known_genotypes_against_sets(genes):
    rng = np.random.default_rng(5)
    space = Chain(genes, "0123")
    known, sets = Known(3, space), [set(), set(), set()]
    for _ in range(400):
        X = rng.integers(0, 4, (3, genes)).astype(np.uint8)
        X[:, 3:] = X[0, 3:] if rng.random() < 0.5 else 0
        sought = rng.integers(0, 4, (2, 5, genes)).astype(np.uint8)
        sought[..., 3:] = 0
        runs = rng.permutation(3)[:2]
        expected = [[tuple(x) in sets[run] for x in rows.tolist()] for run, rows in zip(runs, sought, strict=True)]
        assert known.holds(runs, sought).tolist() == expected
        known.add(X)
        for run in range(3):
            sets[run].add(tuple(X[run].tolist()))
    assert known.holds(np.arange(0), np.zeros((0, 4, genes), dtype=np.uint8)).shape == (0, 4)


@pytest.mark.parametrize("networks", [False, True])
@pytest.mark.parametrize("name", ["nb201", "nb101", "nsga-net-micro", "nas-bench-graph"])
def test_new_neighbours_against_sets(name, networks):
    space, rng = nk.space(name), np.random.default_rng(1)
    known = Known(2, space, networks=networks)
    same = space.key if networks else lambda rows: np.array([hash(row.tobytes()) for row in rows])
    X = space.sample(2, 0)
    known.add(X)
    for _ in range(30):  # some of the neighbours
        known.add(np.stack([rng.choice(space.neighbours(x)) for x in X]))
    order = rng.permutation(2 * known.width).astype(np.uint32).reshape(2, -1)
    changes, count = known.new_neighbours(np.arange(2), X, order)
    for run in range(2):
        found = known.changed(np.tile(X[run], (count[run], 1)), changes[run, : count[run]])
        assert ((found != X[run]).sum(axis=1) == 1).all()
        everyone = space.neighbours(X[run])
        new = everyone[~known.holds(np.array([run]), everyone[np.newaxis])[0]]
        assert sorted(same(found)) == sorted(set(same(new).tolist()) if networks else same(new))
        assert (np.diff(order[run, changes[run, : count[run]]].astype(int)) > 0).all()


def test_first_improvement_needs_fewer_evaluations_a_climb():
    problem = nk.FunctionProblem(lambda X: ((X != 2) * np.arange(1, 9)).sum(axis=1), SPACE)
    best, first = (
        nk.search(problem, nk.LocalSearch(improvement=kind), runs=50, evaluations=100).incumbent_values.mean()
        for kind in ("best", "first")
    )
    assert first < best


def test_wrong_settings():
    with pytest.raises(nk.UnknownName, match="did you mean 'first'"):
        nk.LocalSearch(improvement="firs")
