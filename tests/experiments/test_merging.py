"""Divided searches: runs by number, and merging them to what the undivided search gives."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main

ALGORITHMS = [
    (["valid_accuracy"], nk.RegularizedEvolution()),
    (["valid_accuracy", "params"], nk.NSGA2(population_size=8)),
]


def parts_of(problem, algorithm, cuts, **settings):
    return [
        nk.search(problem, algorithm, runs=end - first, first_run=first, **settings)
        for first, end in itertools.pairwise(cuts)
    ]


@pytest.mark.parametrize(("objectives", "algorithm"), ALGORITHMS, ids=["one", "two"])
@pytest.mark.parametrize(
    "settings",
    [
        {"evaluations": 60},
        {"simulated_seconds": 300, "clock": "simulated_seconds"},
        {"evaluations": 60, "record": True, "archive_size": 5},
    ],
    ids=["evaluations", "seconds", "record"],
)
def test_merged_parts_are_the_undivided_search(bench, tmp_path, objectives, algorithm, settings):
    problem = bench.problem(objectives, epochs=4)  # of random trials
    whole = nk.search(problem, algorithm, runs=9, seed=3, **settings)
    parts = parts_of(problem, algorithm, [0, 2, 3, 9], seed=3, **settings)
    paths = [part.save(tmp_path / f"{i}.h5") for i, part in enumerate(parts)]
    merged = nk.merge([paths[1], parts[2], paths[0]])
    assert merged == whole
    assert merged.trace.equals(whole.trace)
    assert merged.wall_seconds == pytest.approx(sum(part.wall_seconds for part in parts))
    saved = nk.load_result(merged.save(tmp_path / "merged.h5"))
    assert saved == whole
    assert saved.budget == nk.Budget(**{k: v for k, v in settings.items() if k in ("evaluations", "simulated_seconds")})
    for run in range(9):
        for a, b in zip(saved.archive(run), whole.archive(run), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_part_counts_from_zero_and_knows_its_numbers(bench, tmp_path):
    problem = bench.problem(["valid_accuracy", "params"])
    whole = nk.search(problem, nk.NSGA2(population_size=8), runs=8, evaluations=40)
    part = nk.search(problem, nk.NSGA2(population_size=8), runs=3, first_run=5, evaluations=40)
    part = nk.load_result(part.save(tmp_path / "part.h5"))
    assert part.run_numbers.tolist() == [5, 6, 7]
    assert whole.run_numbers.tolist() == list(range(8))
    np.testing.assert_array_equal(part.hypervolume(), whole.hypervolume()[5:])
    np.testing.assert_array_equal(part.archive(2)[0], whole.archive(7)[0])
    assert part.trace.equals(whole.trace[whole.trace["run"] >= 5].reset_index(drop=True))
    with_gap = nk.merge([part, *parts_of(problem, nk.NSGA2(population_size=8), [0, 2], evaluations=40)])
    assert with_gap.run_numbers.tolist() == [0, 1, 5, 6, 7]
    assert nk.load_result(with_gap.save(tmp_path / "gap.h5")) == with_gap


def test_initial_genotypes_follow_their_run(bench):
    problem = bench.problem("valid_accuracy")
    initial = bench.space.sample(12, 0).reshape(6, 2, -1)
    settings = {"initial": initial, "evaluations": 30}
    whole = nk.search(problem, nk.GeneticAlgorithm(), runs=6, **settings)
    assert nk.merge(parts_of(problem, nk.GeneticAlgorithm(), [0, 4, 6], **settings)) == whole
    other = nk.search(problem, nk.GeneticAlgorithm(), runs=1, first_run=6, evaluations=30)
    with pytest.raises(ValueError, match=r"the options \(archive_size or initial\) differ: initial is"):
        nk.merge([whole, other])


def test_only_runs_of_one_search_are_merged(bench, tmp_path):
    problem = bench.problem("valid_accuracy")
    first = nk.search(problem, nk.RegularizedEvolution(), runs=2, evaluations=30)

    def later(problem=problem, algorithm=None, **changes):
        return nk.search(
            problem, algorithm or nk.RegularizedEvolution(), runs=2, first_run=2, **{"evaluations": 30, **changes}
        )

    for other, message in [
        (later(bench.problem(["valid_accuracy", "params"]), nk.RandomSearch()), "the objectives differ"),
        (later(bench.problem("valid_accuracy", epochs=4)), "the problem differs: epochs is None and 4"),
        (later(algorithm=nk.LocalSearch()), "the algorithm differs: 'RegularizedEvolution' and 'LocalSearch'"),
        (
            later(algorithm=nk.RegularizedEvolution(population_size=7)),
            "the settings differ: population_size is 10 and 7",
        ),
        (later(evaluations=31), "the budget differs: evaluations is 30 and 31"),
        (later(seed=1), "the seed differs"),
        (later(clock="unique_networks"), "the clock differs"),
        (later(record=True), "only one of them has its generations"),
        (first, "both have run 0, which must not count twice"),
    ]:
        with pytest.raises(ValueError, match=message):
            nk.merge([first, other])
    replaced = later()
    replaced.source = {**replaced.source, "digest": "0" * 64}
    with pytest.raises(ValueError, match="the problem differs: digest is"):
        nk.merge([first, replaced])
    with pytest.raises(ValueError, match="no results to merge"):
        nk.merge([])
    with pytest.raises(TypeError, match="must be a list"):
        nk.merge(first)
    with pytest.raises(TypeError, match="result 1 must be a Result"):
        nk.merge([first, None])
    apart = dataclasses.replace(first, run_numbers=np.array([1, 9]))
    with pytest.raises(ValueError, match="interleave"):
        nk.merge([apart, later()])
    with pytest.raises(ValueError, match="first_run must be at least 0"):
        nk.search(problem, nk.RandomSearch(), first_run=-1)


def test_on_the_command_line(store, tmp_path, capsys):
    words = ["search", "--benchmark", str(store), "--evaluations", "30", "--seed", "4"]
    for name, runs in {
        "whole": ["--runs", "5"],
        "a": ["--runs", "2"],
        "b": ["--runs", "3", "--first-run", "2"],
    }.items():
        assert main([*words, *runs, "--output", str(tmp_path / f"{name}.h5")]) == 0
    a, b, out = (str(tmp_path / f"{name}.h5") for name in ("a", "b", "out"))
    capsys.readouterr()
    assert main(["merge", b, a, "-o", out, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["digest"] == nk.load_result(tmp_path / "whole.h5").digest
    assert main(["merge", b, "-o", out]) == 0
    told = capsys.readouterr()
    assert "3 runs of RegularizedEvolution, numbered 2 to 4" in told.out
    assert "warning: 2 runs below 4 are missing, the first is 0" in told.err
    words = ["compare", str(store), "--algorithms", "RegularizedEvolution", "--evaluations", "30", "--seed", "4"]
    assert main([*words, "--runs", "3", "--first-run", "2", "-o", str(tmp_path / "compared")]) == 0
    assert nk.load_result(tmp_path / "compared" / "RegularizedEvolution.h5") == nk.load_result(b)
    assert main(["merge", a, a, "-o", out]) == 2
    assert "both have run 0" in capsys.readouterr().err
