"""Running times to targets, areas and attainment surfaces, against their definitions."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.experiments.area import mean_over_time
from nasbench_kit.experiments.attainment import attainment_surfaces
from nasbench_kit.experiments.runtimes import default_targets, ecdf, expected_running_time, hitting_times

# a result of two runs, by hand
TRACE = SimpleNamespace(runs=2, rows={"run": np.array([0, 0, 0, 1, 1]), "evaluations": np.array([1, 4, 16, 1, 16])})
VALUES = np.array([8.0, 2.0, 1.0, 4.0, np.nan])


def test_hitting_times_by_hand():
    times = hitting_times(TRACE, VALUES, [8.0, 4.0, 2.0, 0.5], "evaluations")
    assert times.tolist() == [[1, 4, 4, np.inf], [1, 1, np.inf, np.inf]]
    assert expected_running_time(times, [16, 16]).tolist() == [1.0, 2.5, 20.0, np.inf]
    frame = ecdf(times)
    assert frame["time"].tolist() == [1, 4]
    assert frame["share"].tolist() == [3 / 8, 5 / 8]
    assert ecdf(np.full((2, 3), np.inf)).empty


def test_areas_by_hand():
    area = mean_over_time(TRACE, VALUES, "evaluations", log=True)
    assert area[0] == pytest.approx((8.0 + 2.0) / 2)  # each for a factor of four
    assert area[1] == np.inf  # unknown at the end
    linear = mean_over_time(TRACE, VALUES, "evaluations", log=False)
    assert linear[0] == pytest.approx((8.0 * 3 + 2.0 * 12) / 15)
    assert mean_over_time(TRACE, VALUES, "evaluations", log=False, start=8)[0] == pytest.approx(2.0)
    assert np.isnan(mean_over_time(TRACE, VALUES, "evaluations", start=16)).all()


def test_default_targets():
    targets = default_targets([np.array([5.0, 0.0]), np.array([7.0, 0.1]), np.array([np.inf, 9.0])])
    assert targets[0] == pytest.approx(7.0)
    assert targets[-1] == pytest.approx(0.1)
    assert len(targets) == 51
    with pytest.raises(ValueError, match="pass targets="):
        default_targets([np.zeros(3)])


@pytest.fixture(scope="module")
def compared():
    problem = nk.open("nb201-digits").problem("valid_accuracy")
    return nk.compare(problem, [nk.RandomSearch(), nk.LocalSearch()], runs=5, evaluations=100, clock="unique_networks")


def test_a_comparison_has_them(compared):
    frame = compared.runtimes([2.0, 0.0])
    assert len(frame) == 4
    for _, row in frame.iterrows():
        result = compared.results[row["algorithm"]]
        first = []
        for run in range(5):
            own = result.rows["run"] == run
            good = compared.regret(result)[own] <= row["target"]
            first.append(result.rows["evaluations"][own][good][0] if good.any() else np.inf)
        found = np.isfinite(first)
        assert row["success"] == found.mean()
        spent = np.where(found, first, result.evaluations).sum()
        assert row["ert"] == (spent / found.sum() if found.any() else np.inf)
    assert len(compared.runtimes()) == 2 * 51
    area = compared.area()
    assert area["mean"].between(0, compared.regret(compared.results["RandomSearch"]).max()).all()
    axes = compared.plot("ecdf").axes[0]
    assert len(axes.lines) == 2
    assert axes.get_xlabel() == "unique networks evaluated"


@pytest.fixture(scope="module")
def fronts():
    problem = nk.open("nb201-digits").problem(["valid_accuracy", "params"])
    return nk.compare(problem, [nk.NSGA2(population_size=10), nk.RandomSearch()], runs=4, evaluations=60)


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_attainment_surfaces_by_definition(fronts, share):
    result = fronts.results["NSGA2(population_size=10)"]
    surface = attainment_surfaces(result, [share])
    points = np.stack([100 - surface["valid_accuracy"], surface["params"]], axis=1)
    F = result.archive_F if result.noise_free_F is None else result.noise_free_F
    for point in points:
        attained = sum((F[result.archive_run == run] <= point + 1e-9).all(axis=1).any() for run in range(4))
        assert attained >= share * 4
        for better in (point - [1e-6, 0], point - [0, 1e-6]):  # anything better is attained by fewer
            attained = sum((F[result.archive_run == run] <= better).all(axis=1).any() for run in range(4))
            assert attained < share * 4
    with pytest.raises(ValueError, match="shares of runs"):
        attainment_surfaces(result, [0.0])


def test_figures_of_two_objectives(fronts, compared):
    axes = fronts.plot("attainment").axes[0]
    assert len(axes.lines) == 1 + 2 * 3
    assert fronts.plot("ecdf").axes[0].get_ylim()[1] > 1
    assert len(fronts.runtimes([0.1])) == 2
    with pytest.raises(ValueError, match="two objectives"):
        compared.plot("attainment")
    with pytest.raises(ValueError, match="two or three objectives"):
        attainment_surfaces(compared.results["RandomSearch"])
