"""Names of algorithms in a comparison, their seeds, and their files."""

from __future__ import annotations

import pytest

import nasbench_kit as nk
from nasbench_kit.experiments.names import file_names, named, seeds_of, short_name


def test_names_are_short_and_stable():
    assert short_name(nk.RegularizedEvolution()) == "RegularizedEvolution"
    assert short_name(nk.RegularizedEvolution(population_size=50)) == "RegularizedEvolution(population_size=50)"
    alone = named([nk.RegularizedEvolution()])
    among = named([nk.RegularizedEvolution(), nk.RegularizedEvolution(population_size=50), nk.RandomSearch()])
    assert list(among)[0] == list(alone)[0]  # noqa: RUF015
    assert list(among)[1:] == ["RegularizedEvolution(population_size=50)", "RandomSearch"]


def test_equal_algorithms_have_names_and_seeds_of_their_own():
    three = named([nk.RandomSearch(), nk.RandomSearch(), nk.RandomSearch()])
    assert list(three) == ["RandomSearch", "RandomSearch (2)", "RandomSearch (3)"]
    seeds = seeds_of(three, 7)
    assert seeds["RandomSearch"] == 7
    assert len(set(seeds.values())) == 3
    assert seeds == seeds_of(three, 7)
    assert seeds != seeds_of(three, 8)
    own = {"mine": nk.RandomSearch(), "yours": nk.LocalSearch(), "theirs": nk.RandomSearch()}
    assert named(own) == own
    seeds = seeds_of(own, 0)
    assert seeds["mine"] == seeds["yours"] == 0 != seeds["theirs"]


@pytest.mark.parametrize(
    ("algorithms", "error", "message"),
    [
        ([], ValueError, "no algorithm"),
        ([nk.NSGA2], TypeError, "call it"),
        (nk.NSGA2(), TypeError, "must be a list"),
        ({"a": "NSGA2"}, TypeError, "each algorithm must be"),
        ({1: nk.NSGA2()}, TypeError, "must be a string"),
    ],
)
def test_wrong_algorithms(algorithms, error, message):
    with pytest.raises(error, match=message):
        named(algorithms)


def test_file_names_are_safe_and_unique():
    names = ["RandomSearch", "randomsearch", "../../x", "a/b:c", "A b c", "NSGA2 (2)", "ä" * 300, "x" * 300, "."]
    files = file_names(names, ".h5")
    assert list(files) == names
    assert files["RandomSearch"] == "RandomSearch.h5"
    assert files["NSGA2 (2)"] == "NSGA2-2.h5"
    assert len({file.lower() for file in files.values()}) == len(names)
    assert all(
        set(file) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.=_-")
        for file in files.values()
    )
    assert all(len(file) < 120 and not file.startswith(".") for file in files.values())
