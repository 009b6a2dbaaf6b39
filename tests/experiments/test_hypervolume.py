"""What the hypervolume of a result is measured between."""

from __future__ import annotations

import moocore
import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.experiments.scale import scale_of


@pytest.mark.parametrize("objectives", [["valid_accuracy", "params"], ["valid_accuracy", "params", "flops"]])
@pytest.mark.parametrize("seed", ["mean", "random"])
def test_it_is_of_the_archive_between_ideal_and_nadir(bench, objectives, seed):
    problem = bench.problem(objectives, seed=seed)
    result = nk.search(problem, nk.NSGA2(population_size=20), runs=3, evaluations=400)
    front = problem.front()[1]
    ideal, nadir = front.min(axis=0), front.max(axis=0)
    np.testing.assert_array_equal(problem.front_bounds, [ideal, nadir])
    low, high = problem.bounds
    m = len(objectives)
    for run in range(3):
        F = problem(result.archive(run)[0])  # without the noise of the trials that the search saw
        expected = moocore.hypervolume((F - ideal) / (nadir - ideal), ref=[1.1] * m)
        assert result.hypervolume()[run] == pytest.approx(expected)
        expected = moocore.hypervolume((F - low) / (high - low), ref=[1.01] * m)
        assert result.hypervolume(scale="table")[run] == pytest.approx(expected)
        raw = nadir * 1.5
        assert result.hypervolume(ref=raw)[run] == pytest.approx(moocore.hypervolume(F, ref=raw))
    np.testing.assert_allclose(result.trace.groupby("run")["hypervolume"].last(), result.hypervolume())
    with pytest.raises(ValueError, match="no single best"):
        result.best("valid_accuracy")
    with pytest.raises(nk.UnknownName, match="scale"):
        result.hypervolume(scale="best")
    with pytest.raises(ValueError, match="not both"):
        result.hypervolume(ref=[1] * m, scale="table")


def test_the_exact_front_has_the_most(bench):
    from nasbench_kit.experiments.comparing import compare

    problem = bench.problem(["valid_accuracy", "params"])  # noisy: luck must not lift an archive above the front
    comparison = compare(problem, [nk.NSGA2(population_size=10), nk.RandomSearch()], runs=5, evaluations=500)
    whole = comparison.front_hypervolume()
    for result in comparison.results.values():
        assert (result.rows["hypervolume"] <= whole + 1e-12).all()
        assert (comparison.final(result) <= whole + 1e-12).all()


def test_files_keep_what_it_needs(bench, tmp_path):
    import h5py

    problem = bench.problem(["valid_accuracy", "params"])
    result = nk.search(problem, nk.NSGA2(population_size=20), runs=3, evaluations=200, clock="simulated_seconds")
    loaded = nk.load_result(result.save(tmp_path / "result.h5"))
    assert (loaded.hypervolume() == result.hypervolume()).all()
    assert loaded.clock == "simulated_seconds"
    mean = nk.search(bench.problem(["valid_accuracy", "params"], seed="mean"), nk.NSGA2(), runs=3, evaluations=200)
    mean.save(tmp_path / "old.h5")
    with h5py.File(tmp_path / "old.h5", "a") as file:  # as an older kit would have written it
        del file["front_bounds"], file.attrs["clock"], file.attrs["sha256"]
        file.attrs["format_version"] = 2
    old = nk.load_result(tmp_path / "old.h5")
    assert old.hypervolume() == pytest.approx(mean.hypervolume())
    assert old.clock is None
    assert "hypervolume" not in old.trace  # it was on another scale
    assert "hypervolume_table" in old.trace


def test_scales_of_odd_fronts():
    bounds = np.array([[0.0, 10.0], [8.0, 20.0]])
    point = np.array([[0.0, 10.0], [0.0, 10.0]])  # a front of one point: the table's worst stands for the nadir
    scale = scale_of("front", bounds, point)
    np.testing.assert_array_equal(scale.scaled(np.array([[0.0, 10.0], [8.0, 20.0]])), [[0, 0], [1, 1]])
    one = np.zeros(1, dtype=np.int64)
    assert scale.hypervolume(point[:1], one, 1) == pytest.approx(1.21)
    assert scale.hypervolume(np.array([[9.0, 10.0]]), one, 1) == 0  # beyond the reference point
    assert scale_of("front", point, point).hypervolume(point[:1], one, 1) == pytest.approx(1.21)
    # better than the ideal point, as bounds of a user's own may be passed
    assert scale.hypervolume(np.array([[-8.0, 10.0]]), one, 1) == pytest.approx(2.1 * 1.1)
    with pytest.raises(ValueError, match="give ref=, or pass bounds="):
        scale_of("front", None, None)


def test_a_function_has_its_bounds_and_failures_have_no_volume(bench):
    function = nk.FunctionProblem(
        lambda X: np.where(X[:, :1] == 0, np.inf, X[:, 1:3].astype(float)), bench.space, ["a", "b"], [[0, 0], [4, 4]]
    )
    result = nk.search(function, nk.NSGA2(population_size=10), runs=3, evaluations=100)
    for run in range(3):
        assert result.hypervolume()[run] == pytest.approx(
            moocore.hypervolume(result.archive(run)[1] / 4, ref=[1.1, 1.1])
        )
    lost = nk.search(
        nk.FunctionProblem(lambda X: np.full((len(X), 2), np.inf), bench.space, ["a", "b"], [[0, 0], [4, 4]]),
        nk.RandomSearch(), runs=2, evaluations=10,
    )  # fmt: skip
    assert lost.hypervolume().tolist() == [0, 0]
    aimed = nk.search(function, nk.RandomSearch(), runs=5, evaluations=500, target=0.9)
    assert (aimed.hypervolume()[aimed.reached] >= 0.9).all()
    assert aimed.reached.any()
