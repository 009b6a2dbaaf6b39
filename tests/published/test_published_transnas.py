"""TransNAS-Bench-101's published values, and what searches on them reach."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats

import nasbench_kit as nk
from nasbench_kit.loaders.transnas import TASKS

OPTIMA = {
    "micro": (54.936, 45.586, -0.60100, 95.372, 94.613, 0.58729, 0.57723),
    "macro": (57.414, 47.422, -0.58223, 97.019, 94.858, 0.64354, 0.74882),
}
KINDS = ("micro", "macro")


@pytest.fixture(scope="module")
def benches(published, tmp_path_factory):
    folder = published / "transnas-bench-101"
    if not folder.exists():
        pytest.skip(f"{folder} is absent")
    target = tmp_path_factory.mktemp("transnas")
    return {kind: nk.convert(folder / f"{kind}_final_valid.csv.gz", target / f"{kind}.h5") for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_and_the_optima(benches, published, kind):
    bench = benches[kind]
    frame = pd.read_csv(published / "transnas-bench-101" / f"{kind}_final_valid.csv.gz")
    X = bench.space.encode(frame["arch"])
    assert len(bench) == {"micro": 4096, "macro": 3256}[kind]
    for (task, metric), best in zip(TASKS.items(), OPTIMA[kind], strict=True):
        found = bench.query(X, metric, dataset=task)
        np.testing.assert_array_equal(found, frame[task])
        assert found.max() == pytest.approx(best, abs=5e-4 if best > 1 else 5e-6)


def test_cells_without_a_path_are_the_worst(benches):
    space, bench = nk.space("transnas-micro"), benches["micro"]
    X = space.all()
    e01, e02, e12, e03, e13, e23 = (X > 0).T
    reaches = e03 | (e01 & e13) | (e02 & e23) | (e01 & e12 & e23)
    assert (~reaches).sum() == 169
    scene = bench.query(X, "valid_accuracy", dataset="class_scene")
    assert scene[~reaches].max() == pytest.approx(7.484, abs=5e-4)
    assert scene[~reaches].max() < scene[reaches].min()


@pytest.mark.parametrize("kind", KINDS)
def test_ranks_after_100_queries(benches, kind):
    """Random search: (n + 1) / 101 in expectation, without replacement; regularized evolution is clearly better."""
    bench = benches[kind]
    ranks = {}
    for task, metric in TASKS.items():
        problem = bench.problem(metric, dataset=task)
        # one rank per architecture, though genotypes of one network have a record each
        order = scipy.stats.rankdata(problem(bench.architectures)[:, 0], method="min")
        rank_of = dict(zip(bench.space.number(bench.architectures).tolist(), order, strict=True))
        for algorithm in (nk.RandomSearch(), nk.RegularizedEvolution(population_size=33, sample_size=10)):
            found = nk.search(problem, algorithm, runs=200, evaluations=100, seed=0)
            reached = [rank_of[number] for number in bench.space.number(found.incumbents).tolist()]
            ranks.setdefault(type(algorithm).__name__, []).append(np.mean(reached))
    random, evolved = np.mean(ranks["RandomSearch"]), np.mean(ranks["RegularizedEvolution"])
    expected = {"micro": 40.6, "macro": 32.2}[kind]
    assert random == pytest.approx(expected, rel=0.1)
    assert evolved < 0.75 * random
