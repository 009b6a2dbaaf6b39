"""Searches on published tables: all algorithms run, and peers on the same table with the same settings find as much."""

from __future__ import annotations

import pytest

from nasbench_kit.cli.main import main
from tests.algorithms.test_peers import (  # noqa: F401
    compare_genetic_algorithm,
    compare_moead,
    compare_nsga2,
    deap,
    pymoo,
)


@pytest.mark.parametrize("objectives", [(), ("params",)])
@pytest.mark.parametrize(
    ("table", "accuracy", "more"),
    [("macro", "test_accuracy", ()), ("nb201", "valid_accuracy", ("--dataset", "cifar10-valid"))],
)
def test_all_algorithms_are_compared(request, capsys, table, accuracy, more, objectives):
    bench = request.getfixturevalue(table)
    words = ["compare", str(bench.path), *more, "--objectives", accuracy, *objectives]
    assert main([*words, "--algorithms", "all", "--runs", "3", "--evaluations", "100"]) == 0
    out = capsys.readouterr().out
    named = (
        ["NSGA2", "MOEAD", "MOGOMEA", "MOLocalSearch"]
        if objectives
        else ["LocalSearch", "RegularizedEvolution", "Reinforce"]
    )
    if table == "nb201" and not objectives:
        named += ["SuccessiveHalving", "Hyperband", "BOHB"]
    assert all(name in out for name in ["RandomSearch", *named])


@pytest.mark.parametrize("objectives", [["test_accuracy"], ["test_accuracy", "flops"]])
@pytest.mark.filterwarnings("ignore::nasbench_kit.TestSelectionWarning")  # NAS-Bench-Macro has no other accuracy
def test_peers_on_macro(macro, objectives, pymoo, deap):  # noqa: F811
    compare(macro.problem(objectives, seed="mean"))


@pytest.mark.parametrize("objectives", [["valid_accuracy"], ["valid_accuracy", "flops"]])
def test_peers_on_nb201(nb201, objectives, pymoo, deap):  # noqa: F811
    compare(nb201.problem(objectives, dataset="cifar10-valid", seed="mean"))


def compare(problem):
    if len(problem.objectives) == 1:
        compare_genetic_algorithm(problem)
    else:
        compare_nsga2(problem)
        compare_moead(problem, 60)
