"""Variation operators: possible outcomes and their frequencies."""

from __future__ import annotations

import math

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms.operators.crossover import one_point_crossover, two_point_crossover, unit_crossover
from nasbench_kit.algorithms.operators.mutation import mutate_by_rates, mutate_one_gene, reset_genes
from nasbench_kit.algorithms.operators.selection import gather, russian_roulette, tournament
from nasbench_kit.algorithms.streams import Streams, stream_key

SPACE = nk.space("nb201")


@pytest.fixture
def random():
    return Streams(0, 4)


def test_streams_depend_on_seed_and_run_alone():
    many, one = Streams(3, 5), Streams(3, 1, first_run=2)
    for shape in ((7,), (3, 5), (10_000,), (1,), (2, 2, 2)):
        assert (many.bits(shape)[2] == one.bits(shape)[0]).all()
    assert not (Streams(4, 1).bits((50,)) == Streams(3, 1).bits((50,))).any()


def test_streams_of_different_keys_are_different():
    plain, keyed, other = Streams(3, 2), Streams(3, 2, key=(1,)), Streams(3, 2, key=(2,))
    draws = [streams.random((1000,)) for streams in (plain, keyed, other)]
    for i in range(3):
        for j in range(i):
            assert abs(np.corrcoef(draws[i][0], draws[j][0])[0, 1]) < 0.15
    assert (draws[1] == Streams(3, 2, key=(1,)).random((1000,))).all()
    assert (draws[1][1] == Streams(3, 1, first_run=1, key=(1,)).random((1000,))[0]).all()


def test_keys_follow_name_and_settings():
    assert stream_key("A", {"n": 1, "p": 0.5}) == stream_key("A", {"p": np.float32(0.5), "n": 1.0})
    keys = {
        stream_key(*case)
        for case in (
            ("A", {"n": 1}),
            ("B", {"n": 1}),
            ("A", {"n": 2}),
            ("A", {"m": 1}),
            ("A", {"n": "1"}),
            ("A", {"n": None}),
            ("A", {"n": [1, 2]}),
            ("A", {"n": [[1, 2]]}),
            ("A", {"n": {"a": 1}}),
            ("A", {"n": True}),
        )
    }
    assert len(keys) == 10
    assert stream_key("A", {"n": object()}) == stream_key("A", {"n": object()})  # whatever their addresses
    assert stream_key("A", {"n": np.array([1, 2])}) == stream_key("A", {"n": (1, 2)})
    # the same in every process, machine and version of the kit: results that were published stay reproducible
    assert stream_key("RandomSearch", {}) == (2066834562, 779253455, 1289957569, 2880887995)


def test_integers_are_uniform(random):
    draws = random.integers([5, 3], (20_000, 2))
    for column, high in enumerate((5, 3)):
        counts = np.bincount(draws[..., column].ravel(), minlength=high)
        assert len(counts) == high
        assert abs(counts / counts.sum() - 1 / high).max() < 0.01
    uniform = random.random((1000,))
    assert 0 <= uniform.min() < uniform.max() < 1


def test_permutations(random):
    drawn = random.permutations((500, 7))
    assert (np.sort(drawn, axis=-1) == np.arange(7)).all()
    share = (drawn[..., None] == np.arange(7)).mean(axis=(0, 1))
    assert abs(share - 1 / 7).max() < 0.03


def test_gather_takes_each_runs_own():
    values = np.arange(24).reshape(2, 4, 3)
    assert (gather(values, np.array([[3, 0], [1, 1]])) == values[[[0], [1]], [[3, 0], [1, 1]]]).all()


def test_crossover_children_have_their_parents_genes(random):
    first, second = np.zeros((4, 500, 6), dtype=np.uint8), np.full((4, 500, 6), 4, dtype=np.uint8)
    child, other = unit_crossover(first, second, [(gene,) for gene in range(6)], random)
    assert set(np.unique(child)) == {0, 4}
    assert (child + other == 4).all()
    assert abs((child == 4).mean() - 0.5) < 0.03
    a, b = two_point_crossover(first, second, random)
    assert (a + b == 4).all()
    # one contiguous stretch is exchanged, and every stretch occurs, including those that separate the first and last gene
    changes = (np.diff(np.pad(a, ((0, 0), (0, 0), (1, 1))).astype(int), axis=2) != 0).sum(axis=2)
    assert (changes == 2).all()
    stretches, counts = np.unique(a.reshape(-1, 6), axis=0, return_counts=True)
    assert len(stretches) == 15
    assert counts.min() > 2000 / 15 / 2
    assert abs((a[..., 0] != a[..., -1]).mean() - 5 / 15) < 0.05
    where = np.arange(500) % 4 == np.arange(4)[:, None]
    kept, _ = two_point_crossover(first, second, random, where)
    assert ((kept != 0).any(axis=2) == where).all()
    assert (first == 0).all()


def test_reset_genes_always_gives_another_allele(random):
    X = SPACE.sample(4 * 2000, 0).reshape(4, 2000, 6)
    before = X.copy()
    child = reset_genes(X, SPACE, random)
    assert (before == X).all()
    assert SPACE.is_valid(child.reshape(-1, 6)).all()
    changed = child != X
    assert abs(changed.mean() - 1 / 6) < 0.01
    step = ((child.astype(int) - X) % 5)[changed]
    assert abs(np.bincount(step, minlength=5)[1:] / len(step) - 0.25).max() < 0.02
    assert (reset_genes(X, SPACE, random, probability=1.0) != X).all()
    assert (reset_genes(X, SPACE, random, probability=0.0) == X).all()


def test_mutate_one_gene_changes_exactly_one(random):
    X = SPACE.sample(4 * 1000, 0).reshape(4, 1000, 6)
    child = mutate_one_gene(X, SPACE, random)
    assert ((child != X).sum(axis=2) == 1).all()
    assert abs((child != X).mean(axis=(0, 1)) - 1 / 6).max() < 0.03
    assert SPACE.is_valid(child.reshape(-1, 6)).all()


def test_one_point_crossover(random):
    first, second = np.zeros((4, 2000, 6), dtype=np.uint8), np.full((4, 2000, 6), 4, dtype=np.uint8)
    child, other = one_point_crossover(first, second, random)
    assert ((child == 4) != (other == 4)).all()
    assert (np.diff(child.astype(int), axis=2) >= 0).all()  # everything after the cut is exchanged
    cuts = np.bincount((child == 0).sum(axis=2).ravel(), minlength=7)
    assert cuts[0] == cuts[6] == 0
    assert abs(cuts[1:6] / 8000 - 0.2).max() < 0.02


@pytest.mark.parametrize(("name", "unit", "count"), [("genetic-cnn", "stage", 3), ("nsga-net-micro", "half", 20)])
def test_units_are_exchanged_as_wholes(random, name, unit, count):
    space = nk.space(name)
    units = space.units[unit]
    assert len(units) == count
    for division in space.units.values():
        assert sorted(gene for genes in division for gene in genes) == list(range(space.genes))
    first, second = np.zeros((4, 500, space.genes), dtype=np.uint8), np.ones((4, 500, space.genes), dtype=np.uint8)
    child, _ = unit_crossover(first, second, units, random, 0.3)
    whole = np.stack([child[..., list(genes)].mean(axis=2) for genes in units])
    assert set(np.unique(whole)) == {0, 1}
    assert abs(whole.mean() - 0.3) < 0.03


def test_russian_roulette(random):
    F = np.tile([[4.0, 1.0, 2.0, np.inf]], (4, 1))
    drawn = russian_roulette(F, 20_000, random)
    share = np.bincount(drawn.ravel(), minlength=4) / 80_000
    assert share[0] == share[3] == 0  # the worst and the unknown are always lost
    assert abs(share[1:3] - [0.6, 0.4]).max() < 0.01
    equal = np.bincount(russian_roulette(np.ones((4, 5)), 5000, random).ravel(), minlength=5) / 20_000
    assert abs(equal - 0.2).max() < 0.02
    assert set(np.unique(russian_roulette(np.full((4, 3), np.inf), 500, random))) == {0, 1, 2}
    some = russian_roulette(np.tile([[np.inf, 2.0, 2.0]], (4, 1)), 500, random)
    assert set(np.unique(some)) == {1, 2}


def test_tournaments_of_different_members(random):
    F = np.array([[3.0, 1.0, 2.0, 5.0, 4.0]] * 4)
    order = F[0].argsort()
    for size in (1, 2, 5):
        won = tournament(F, 20_000, size, random, replacement=False)
        for place, member in enumerate(order):  # the best of `size` different ones
            share = math.comb(4 - place, size - 1) / math.comb(5, size)
            assert abs((won == member).mean() - share) < 0.01
    algorithm = nk.RegularizedEvolution(population_size=4, sample_size=4, replacement=False)
    algorithm.start(SPACE, runs=5, seed=2)
    X = algorithm.ask()
    values = random.permutations((5, 4))[0]
    algorithm.tell(values[..., None])
    best = X[np.arange(5), values.argmin(axis=1)]
    assert ((algorithm.ask()[:, 0] != best).sum(axis=1) == 1).all()  # all are drawn: the parent is the best
    assert nk.RegularizedEvolution.nas_bench_101().settings == {
        "population_size": 50,
        "sample_size": 10,
        "mutation": "rates",
        "replacement": False,
    }


def test_tournaments(random):
    F = np.tile(np.arange(10.0), (4, 1))
    for size in (1, 2, 5):
        won = tournament(F, 20_000, size, random)
        share = np.bincount(won.ravel(), minlength=10) / 80_000
        expected = [((10 - i) / 10) ** size - ((9 - i) / 10) ** size for i in range(10)]
        assert abs(share - expected).max() < 0.01


def test_node_then_edge(random):
    """NAS-Bench-201's mutation: a node, then one of its edges."""
    X = np.zeros((4, 30_000, 6), dtype=np.uint8)
    child = mutate_one_gene(X, SPACE, random, SPACE.units["node"])
    assert ((child != X).sum(axis=2) == 1).all()
    share = (child != X).mean(axis=(0, 1))
    assert abs(share - [1 / 3, 1 / 6, 1 / 6, 1 / 9, 1 / 9, 1 / 9]).max() < 0.01
    steps = np.bincount(child.max(axis=2).ravel(), minlength=5)[1:] / 120_000
    assert abs(steps - 0.25).max() < 0.01


def test_each_gene_has_its_rate(random):
    space = nk.space("nb101")
    x = np.zeros(26, dtype=np.uint8)
    x[[0, 15]] = 1
    X = np.tile(x, (4, 10_000, 1))
    child = reset_genes(X, space, random, space.mutation_rates)
    share = (child != X).mean(axis=(0, 1))
    assert abs(share[:21] - 1 / 7).max() < 0.01
    assert abs(share[21:] - 1 / 5).max() < 0.01
    assert set(np.unique(child[..., 21:])) == {0, 1, 2}
    assert not space.is_valid(child.reshape(-1, 26)).all()
    valid = mutate_by_rates(X, space, random)
    assert space.is_valid(valid.reshape(-1, 26)).all()
    assert (valid != X).any(axis=2).mean() > 0.9


@pytest.mark.parametrize(("space", "mutation"), [("nb201", "node"), ("nb101", "rates"), ("nsga-net-micro", "half")])
def test_regularized_evolution_with_the_authors_mutations(space, mutation):
    space = nk.space(space)
    target = space.sample(1, 5)[0]
    problem = nk.FunctionProblem(lambda X: (target != X).sum(axis=1), space)
    found = nk.search(problem, nk.RegularizedEvolution(mutation=mutation), runs=8, evaluations=300)
    assert (
        found.incumbent_values.mean()
        < nk.search(problem, nk.RandomSearch(), runs=8, evaluations=300).incumbent_values.mean()
    )
    with pytest.raises(nk.UnknownName, match="unknown mutation .* on"):
        nk.RegularizedEvolution(mutation="nodes").start(space)


@pytest.mark.parametrize(
    "algorithm",
    [nk.RegularizedEvolution(), nk.RegularizedEvolution(mutation="rates"), nk.GeneticAlgorithm(), nk.NSGA2()],
    ids=["REA", "REA by rates", "GA", "NSGA2"],
)
def test_invalid_children_leave_other_runs_alone(algorithm, monkeypatch):
    """Also where a run's draws are all invalid and its neighbours are listed, which is rare but for two draws."""
    monkeypatch.setattr("nasbench_kit.algorithms.operators.mutation.ATTEMPTS", 2)
    space = nk.space("nb101")
    many = algorithm.many_objectives
    problem = nk.FunctionProblem(
        lambda X: np.stack([X.sum(axis=1), 255 - X[:, ::2].sum(axis=1)], axis=1)[:, : 1 + many],
        space,
        ["f", "g"][: 1 + many],
    )
    together = nk.search(problem, algorithm, runs=40, evaluations=220, seed=2)
    for runs in (1, 3):
        alone = nk.search(problem, algorithm, runs=runs, evaluations=220, seed=2)
        assert np.array_equal(alone.incumbents, together.incumbents[:runs])
        first = together.archive_run < runs
        assert np.array_equal(alone.archive_X, together.archive_X[first])
        assert np.array_equal(alone.archive_F, together.archive_F[first])
