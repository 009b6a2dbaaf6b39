"""Which alleles are drawn how often: exactly from the tables, and by chi-square tests of draws."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import nasbench_kit as nk
from nasbench_kit.algorithms.nsga2 import survivors
from nasbench_kit.algorithms.operators.alleles import AliasTable, draw_alleles
from nasbench_kit.algorithms.operators.crossover import one_point_crossover, two_point_crossover, unit_crossover
from nasbench_kit.algorithms.operators.mutation import mutate_by_rates, mutate_one_gene, reset_genes
from nasbench_kit.algorithms.streams import Streams

RUNS, N = 8, 5000


@pytest.fixture
def random():
    return Streams(11, RUNS)


def agrees(drawn, probability):
    """Whether outcomes (of any shape) occur as often as they should, and those of probability 0 never."""
    counts = np.bincount(np.ravel(drawn), minlength=len(probability))
    assert len(counts) == len(probability)
    assert (counts[probability == 0] == 0).all()
    possible = probability > 0
    if possible.sum() == 1:
        return True
    expected = probability[possible] * counts.sum()
    return scipy.stats.chisquare(counts[possible], expected * (counts.sum() / expected.sum())).pvalue > 1e-3


def numbered(rows, cardinalities):
    """Rows of alleles as numbers."""
    return np.ravel_multi_index(tuple(np.moveaxis(rows.astype(np.intp), -1, 0)), cardinalities)


def joint(*distributions):
    probability = np.ones(())
    for distribution in distributions:
        probability = np.multiply.outer(probability, distribution)
    return probability.ravel()


def in_table(table):
    """The probability of each outcome according to a table."""
    stay, k = table.stay / 2**32, len(table.stay)
    probability = stay / k
    np.add.at(probability, table.alias, (1 - stay) / k)
    return probability


def test_alias_tables_hold_their_distribution():
    rng = np.random.default_rng(0)
    for _ in range(500):
        probability = rng.random(rng.integers(1, 60)) ** rng.integers(0, 9)
        probability[rng.random(len(probability)) < rng.choice([0, 0.3])] = 0
        probability[0] += 1e-3
        probability /= probability.sum()
        found = in_table(AliasTable(probability))
        assert abs(found - probability).max() < 1e-9
        assert (found[probability == 0] == 0).all()


@pytest.mark.parametrize(
    "alleles",
    [
        ((0.5, 0.5), (0.9, 0.1), (1.0,), (0.2, 0.3, 0.5)),
        ((0.0, 1.0), (0.25, 0.25, 0.25, 0.25)),
        tuple((0.5, 0.5) for _ in range(10)),
    ],
)
def test_alleles_are_independent(random, alleles):
    rows = draw_alleles(alleles, N, random)
    assert rows.shape == (RUNS, N, len(alleles))
    assert agrees(numbered(rows, [len(allele) for allele in alleles]), joint(*alleles))
    where = np.arange(N) % 3 == 0
    some = draw_alleles(alleles, N, random, np.tile(where, (RUNS, 1)))
    assert (some[:, ~where] == 0).all()
    assert agrees(numbered(some[:, where], [len(allele) for allele in alleles]), joint(*alleles))


def test_alleles_of_several_tables(random):
    alleles = tuple((0.7, 0.2, 0.1) for _ in range(25))
    rows = draw_alleles(alleles, N, random)
    for pair in ((0, 1), (8, 9), (9, 10), (3, 24)):  # within a table, and across
        assert agrees(numbered(rows[..., pair], (3, 3)), joint(alleles[0], alleles[0]))


def test_mutation_of_every_gene(random):
    space = nk.space("nb201")
    X = np.zeros((RUNS, N, 6), dtype=np.uint8)
    allele = (5 / 6, *[1 / 24] * 4)
    for genes in ((0, 1, 2), (3, 4, 5), (0, 5)):
        assert agrees(
            numbered(reset_genes(X, space, random)[..., genes], [5] * len(genes)), joint(*[allele] * len(genes))
        )
    rates = np.array([0.0, 1.0, 0.5, 0.25, 0.1, 0.01])
    child = reset_genes(X, space, random, rates)
    for gene, rate in enumerate(rates):
        assert agrees(child[..., gene], np.array([1 - rate, *[rate / 4] * 4]))


def test_stretches_cuts_and_units_that_are_exchanged(random):
    first, second = np.zeros((RUNS, N, 6), dtype=np.uint8), np.ones((RUNS, N, 6), dtype=np.uint8)
    child, _ = two_point_crossover(first, second, random)
    stretches = np.zeros(64)
    for a in range(6):
        for b in range(a + 1, 6):
            stretches[sum(1 << (5 - gene) for gene in range(a, b))] = 1 / 15
    assert agrees(numbered(child, [2] * 6), stretches)
    child, _ = one_point_crossover(first, second, random)
    tails = np.zeros(64)
    tails[[2**k - 1 for k in range(1, 6)]] = 1 / 5
    assert agrees(numbered(child, [2] * 6), tails)
    child, _ = unit_crossover(first, second, [(0, 3), (1,), (2, 4, 5)], random, 0.3)
    assert (child[..., 3] == child[..., 0]).all()
    assert (child[..., 4:] == child[..., [2]]).all()
    assert agrees(numbered(child[..., :3], [2] * 3), joint(*[(0.7, 0.3)] * 3))


@pytest.mark.parametrize(("name", "units"), [("nb201", None), ("nb201", "node"), ("macronas", None)])
def test_mutation_of_one_gene(random, name, units):
    space = nk.space(name)
    X = np.tile(space.sample(1, 3), (RUNS, N, 1))
    step = (mutate_one_gene(X, space, random, space.units.get(units)).astype(int) - X) % np.array(space.cardinalities)
    assert ((step > 0).sum(axis=2) == 1).all()
    gene = (step > 0).argmax(axis=2)
    expected = np.zeros((space.genes, max(space.cardinalities)))
    for unit in space.units[units] if units else [range(space.genes)]:
        for i in unit:
            c = space.cardinalities[i]
            expected[i, 1:c] += 1 / (c - 1) / len(unit) / (len(space.units[units]) if units else 1)
    assert agrees(gene * expected.shape[1] + step.max(axis=2), expected.ravel())


def test_mutation_to_valid_neighbours_alone(random, monkeypatch):
    """Draws are repeated until one is valid; the rest are drawn from a list of neighbours with the same probabilities."""
    space = nk.space("nb101")
    x = space.sample(1, 4)
    neighbours = space.neighbours(x[0])
    gene = (neighbours != x[0]).argmax(axis=1)
    chance = 1 / (np.array(space.cardinalities)[gene] - 1)
    key = {row.tobytes(): i for i, row in enumerate(neighbours)}
    for attempts in (2, 8):
        monkeypatch.setattr("nasbench_kit.algorithms.operators.mutation.ATTEMPTS", attempts)
        child = mutate_one_gene(np.tile(x, (RUNS, 600, 1)), space, random)
        drawn = [key[row.tobytes()] for row in child.reshape(-1, space.genes)]
        assert agrees(drawn, chance / chance.sum())
    monkeypatch.undo()
    child = mutate_by_rates(np.tile(x, (RUNS, 2000, 1)), space, random).reshape(-1, space.genes)
    # of two children that one step leads to, an edge's is as frequent as its rate against another edge's: equal
    flips = [((child != x).sum(axis=1) == 1) & (child[:, i] != x[0, i]) for i in gene[gene < 21]]
    counts = np.array([flip.sum() for flip in flips])
    assert agrees(np.repeat(np.arange(len(counts)), counts), np.full(len(counts), 1 / len(counts)))


def test_ties_fall_to_each_with_equal_chance(random):
    """Of equal points any may be an end of its front, and any other may be the next to survive."""
    F = np.zeros((RUNS, 12, 2))
    kept = np.array([survivors(F, 6, random.bits((12,))) - np.arange(RUNS)[:, None] * 12 for _ in range(2000)])
    assert agrees(kept[..., 0], np.full(12, 1 / 12))
    assert agrees(kept[..., 5], np.full(12, 1 / 12))
