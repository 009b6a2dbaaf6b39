"""A comparison of two objectives and one of one, small, and the page of both."""

from __future__ import annotations

import pytest

import nasbench_kit as nk


@pytest.fixture(scope="session")
def fronts():
    problem = nk.open("nb201").problem(["valid_accuracy", "latency_edgegpu"], dataset="cifar10-valid")
    algorithms = [nk.NSGA2(population_size=20), nk.RandomSearch(), nk.MOLocalSearch()]
    return nk.compare(problem, algorithms, runs=5, evaluations=200)


@pytest.fixture(scope="session")
def single():
    problem = nk.open("nb201-digits").problem("valid_accuracy", epochs=4)
    return nk.compare(problem, [nk.RandomSearch(), nk.LocalSearch()], runs=6, evaluations=60)


@pytest.fixture(scope="session")
def page(fronts, single, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    return nk.report({"Accuracy and latency": fronts, "Accuracy": single}, path)
