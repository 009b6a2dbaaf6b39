"""Ranks over several problems: against scipy, published tables, and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats

import nasbench_kit as nk
from nasbench_kit.experiments.ranking import critical_difference, friedman, posthoc, ranks_of

# accuracies of four variants of C4.5 on 14 data sets, and what follows from them: Demsar 2006, table 6 and section 3.2
DEMSAR = np.array(
    [
        *([0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967]),
        *([0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931]),
        *([0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875]),
        *([1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669]),
        *([0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970]),
    ]
)


def test_the_published_example():
    ranks = ranks_of(-DEMSAR)
    assert ranks.mean(axis=0).round(3).tolist() == [3.143, 2.0, 2.893, 1.964]
    found = friedman(ranks)
    chi2 = scipy.stats.friedmanchisquare(*DEMSAR.T)
    uncorrected = 12 * 14 / (4 * 5) * ((ranks.mean(axis=0) ** 2).sum() - 4 * 5**2 / 4)
    assert uncorrected == pytest.approx(9.28, abs=0.01)  # published without the correction for ties
    assert found.statistic == pytest.approx(13 * chi2.statistic / (14 * 3 - chi2.statistic))
    assert found.p < 0.05
    assert round(found.critical_difference, 2) == 1.25
    assert round(critical_difference(14, 4, 0.10), 2) == 1.12
    frame = posthoc(pd.Series(ranks.mean(axis=0), index=list("abcd")), 14, "a")
    z = (3.143 - 1.964) / np.sqrt(4 * 5 / (6 * 14))
    assert frame.set_index("a").loc["d", "p"] == pytest.approx(3 * 2 * scipy.stats.norm.sf(z), abs=2e-4)
    assert frame["b"].tolist() == ["a"] * 3


def test_equal_algorithms_and_single_problems():
    same = friedman(ranks_of(np.zeros((5, 3))))
    assert (same.statistic, same.p) == (0.0, 1.0)
    perfect = friedman(ranks_of(np.tile([1.0, 2.0, 3.0], (4, 1))))
    assert perfect.statistic == np.inf
    assert perfect.p == pytest.approx(1 / 6**3)  # three problems have the order of the first
    assert friedman(ranks_of([[1.0, 2.0], [1.0, 2.0]])).p == 0.5
    one = friedman(ranks_of([[1.0, 2.0]]))
    assert np.isnan([one.p, one.critical_difference]).all()
    assert posthoc(pd.Series([1.0, 2.0], index=["a", "b"]), 1)["p"].isna().all()
    assert ranks_of([[np.inf, 1.0, np.inf]]).tolist() == [[2.5, 1.0, 2.5]]


@pytest.mark.slow
def test_equal_algorithms_are_rarely_told_apart():
    rng = np.random.default_rng(0)
    tests = [friedman(ranks_of(rng.random((10, 5)))).p for _ in range(1000)]
    assert 0.03 < np.mean(np.array(tests) < 0.05) < 0.07
    gaps = [np.ptp(ranks_of(rng.random((10, 5))).mean(axis=0)) for _ in range(1000)]
    assert 0.02 < np.mean(np.array(gaps) > critical_difference(10, 5)) < 0.07


@pytest.fixture(scope="module")
def several():
    bench = nk.open("nb201")
    problems = {name: bench.problem("valid_accuracy", dataset=name) for name in ("cifar10-valid", "cifar100")}
    algorithms = [nk.RandomSearch(), nk.RegularizedEvolution(), nk.LocalSearch()]
    seen = []
    found = nk.compare(problems, algorithms, runs=6, evaluations=60, progress=lambda name, share: seen.append(name))
    assert {"cifar10-valid: RandomSearch", "cifar100: LocalSearch"} <= set(seen)
    return found


def test_several_problems(several):
    assert isinstance(several, nk.Comparisons)
    assert list(several) == ["cifar10-valid", "cifar100"]
    one = nk.compare(several["cifar100"].problem, [nk.LocalSearch()], runs=6, evaluations=60)
    assert one.results["LocalSearch"] == several["cifar100"].results["LocalSearch"]
    ranks = several.ranks()
    assert sorted(ranks.index) == sorted(several.algorithms)
    assert ranks["mean"].is_monotonic_increasing
    for name, comparison in several.items():
        order = comparison.table().index
        assert ranks[name].loc[order].is_monotonic_increasing
    assert len(several.pairwise()) == 3
    assert len(several.table()) == 6
    assert several.friedman().problems == 2
    figure = several.plot()
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert any("critical difference" in text for text in texts)
    assert all(any(name in text for text in texts) for name in several.algorithms)
    with pytest.raises(nk.UnknownName, match="cifar10-valid"):
        several["cifar10"]
    with pytest.raises(nk.UnknownName, match="ranks"):
        several.plot("anytime")
    with pytest.raises(nk.UnknownName, match="LocalSearch"):
        several.pairwise("Local")


def test_what_cannot_be_compared(several):
    problem = several["cifar100"].problem
    with pytest.raises(ValueError, match="no problems"):
        nk.compare([], [nk.RandomSearch()])
    with pytest.raises(TypeError, match="problem must come from"):
        nk.compare("nb201", [nk.RandomSearch()])
    with pytest.raises(TypeError, match="problem must come from"):
        nk.compare([problem, "nb201"], [nk.RandomSearch()], runs=1, evaluations=2)
    with pytest.raises(nk.UnknownName, match="cifar100"):
        nk.compare({"cifar100": problem}, [nk.RandomSearch()], report={"cifar": ("cifar100", "test_accuracy", None)})
    other = nk.compare(problem, [nk.RandomSearch()], runs=1, evaluations=2)
    with pytest.raises(ValueError, match="LocalSearch is not on both|RegularizedEvolution is not on both"):
        nk.Comparisons({"a": several["cifar100"], "b": other})
    with pytest.raises(ValueError, match="no comparisons"):
        nk.Comparisons({})
    named = nk.compare([problem, problem], [nk.RandomSearch()], runs=1, evaluations=2)
    assert list(named)[1] == f"{next(iter(named))} (2)"
