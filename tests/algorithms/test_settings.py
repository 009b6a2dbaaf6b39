"""Settings that make no sense are refused where they are given: in Python, in the shell, and by the operators."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms.operators.crossover import unit_crossover
from nasbench_kit.algorithms.operators.mutation import reset_genes
from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.cli.main import main


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nsga2:crossover_probability=7.0", "NSGA2: crossover_probability must be from 0 to 1, not 7.0"),
        ("moead:neighbour_mating=-1.1", "MOEAD: neighbour_mating must be from 0 to 1, not -1.1"),
        ("moead:population_size=10", "MOEAD: neighbours must be from 2 to population_size (10), not 20"),
        ("nsga-net-macro:offspring=60", "NSGA2: offspring must be from 2 to population_size (40), not 60"),
        ("nsga3:divisions=0", "NSGA3: divisions must be at least 1, not 0"),
        ("sms-emoa:population_size=1", "SMSEMOA: population_size must be at least 2, not 1"),
        ("spea2:crossover_probability=1.5", "SPEA2: crossover_probability must be from 0 to 1, not 1.5"),
        ("mogomea:first_population=0", "MOGOMEA: first_population must be at least 2, not 0"),
    ],
)
def test_in_the_shell(capsys, text, message):
    command = [
        "compare",
        "nb201-digits",
        "--objectives",
        "valid_accuracy",
        "params",
        "--runs",
        "2",
        "--evaluations",
        "100",
    ]
    assert main([*command, "--algorithms", text]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crossover_probability": -1.1}, "crossover_probability must be from 0 to 1, not -1.1"),
        ({"mutant_probability": 7.0}, "mutant_probability must be from 0 to 1, not 7.0"),
        ({"tournament_size": 21}, "tournament_size must be from 1 to population_size (20), not 21"),
        ({"population_size": 1}, "population_size must be at least 2, not 1"),
        ({"mutation_probability": float("nan")}, "mutation_probability must be from 0 to 1, not nan"),
    ],
)
def test_in_python(settings, message):
    with pytest.raises(ValueError, match="GeneticAlgorithm: ") as error:
        nk.GeneticAlgorithm(**settings)
    assert message in str(error.value)


def test_ends_of_a_range():
    for probability in (0, 0.0, 1, 1.0):
        nk.NSGA2(crossover_probability=probability, mutation_probability=probability)
    with pytest.raises(ValueError, match="learning_rate must be above 0, not 0"):
        nk.Reinforce(learning_rate=0)
    with pytest.raises(ValueError, match="learning_rate must be above 0, and finite, not inf"):
        nk.Reinforce(learning_rate=float("inf"))
    with pytest.raises(ValueError, match="momentum must be from 0 to below 1, not 1"):
        nk.Reinforce(momentum=1)
    with pytest.raises(ValueError, match="minimum_bandwidth must be above 0 and below 1, not 1"):
        nk.BOHB(minimum_bandwidth=1)


def test_operators_refuse_probabilities_too():
    space, random = nk.space("nb201"), Streams(0, 1)
    X = space.sample(2, 0)[np.newaxis]
    for probability in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="probabilities must be from 0 to 1"):
            reset_genes(X, space, random, probability)
        with pytest.raises(ValueError, match="probabilities must be from 0 to 1"):
            unit_crossover(X[:, :1], X[:, 1:], space.units["gene"], random, probability)
