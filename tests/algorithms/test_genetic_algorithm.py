"""The genetic algorithm's variants."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk


def ones(space):
    return nk.FunctionProblem(lambda X: (X != 1).sum(axis=1), space)


@pytest.mark.slow
@pytest.mark.parametrize("crossover", ["uniform", "one_point", "two_point", "stage"])
@pytest.mark.parametrize("selection", ["tournament", "roulette"])
@pytest.mark.parametrize("survival", ["plus", "generational"])
def test_every_variant_beats_random_search(crossover, selection, survival):
    space = nk.space("genetic-cnn")
    algorithm = nk.GeneticAlgorithm(crossover=crossover, selection=selection, survival=survival)
    found = nk.search(ones(space), algorithm, runs=20, evaluations=600)
    random = nk.search(ones(space), nk.RandomSearch(), runs=20, evaluations=600)
    assert found.incumbent_values.mean() < random.incumbent_values.mean()


def test_genetic_cnn_by_name():
    algorithm = nk.GeneticAlgorithm.genetic_cnn()
    assert (algorithm.population_size, algorithm.crossover, algorithm.survival) == (20, "stage", "generational")
    result = nk.search(ones(nk.space("genetic-cnn")), algorithm, runs=20, evaluations=1000, record=True)
    assert result.incumbent_values.mean() < 3
    # pairs that are not crossed are mutated with probability 0.8; crossed pairs only exchange stages
    started = algorithm.start(nk.space("genetic-cnn"), runs=200, seed=1)
    X = started.ask()
    started.tell((X != 1).sum(axis=2)[..., None])
    children = started.ask()
    assert children.shape == X.shape
    assert not (children == X).all()


def test_an_odd_population():
    result = nk.search(ones(nk.space("nb201")), nk.GeneticAlgorithm(population_size=7), runs=3, evaluations=200)
    assert (result.evaluations == 200).all()


def test_a_crossover_that_the_space_does_not_have():
    with pytest.raises(nk.UnknownName, match="unknown crossover 'stage' on nb201"):
        nk.GeneticAlgorithm(crossover="stage").start(nk.space("nb201"))
    with pytest.raises(nk.UnknownName, match="did you mean 'roulette'"):
        nk.GeneticAlgorithm(selection="roulete")
    assert np.isfinite(
        nk.search(
            ones(nk.space("nsga-net-micro")), nk.GeneticAlgorithm(crossover="half"), evaluations=60
        ).incumbent_values[0]
    )
