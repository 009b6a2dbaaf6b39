"""Recipes are read as they are written, and every mistake is one line with the file and the key."""

from __future__ import annotations

import re

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.experiments.published_figure import PublishedFigure, Tolerance
from nasbench_kit.experiments.recipe import NeededTraining, bundled_recipes
from nasbench_kit.experiments.recipe_file import read_recipe

TEXT = """
name = "mine"
title = "My result"
citation = "Me 2026"
source = "table 1"

[benchmark]
name = "nb201-digits"
space = "nb201"
architectures = 5524

[[algorithm]]
name = "REA"
algorithm = "RegularizedEvolution"
settings = { population_size = 20, mutation = "node" }

[[algorithm]]
name = "random"
algorithm = "RandomSearch"

[[search]]
objective = "valid_accuracy"
dataset = "digits"
epochs = 4
evaluations = 60
runs = 8
published_runs = 10

[[search.report]]
label = "test accuracy"
metric = "test_accuracy"
within = { sd = 0.5 }
[search.report.published]
REA = { mean = 96.50, sd = 0.5 }
random = { mean = 96.7, sd = 0.5 }

[[fact]]
label = "best test accuracy"
quantity = "best"
metric = "test_accuracy"
published = 98.0
"""


@pytest.fixture
def write(tmp_path):
    def written(text=TEXT):
        path = tmp_path / "mine.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def test_a_recipe_as_it_is_written(write):
    recipe = read_recipe(write())
    assert (recipe.name, recipe.title, recipe.citation, recipe.source) == ("mine", "My result", "Me 2026", "table 1")
    [search], [fact] = recipe.searches, recipe.facts
    assert recipe.algorithms["REA"].algorithm == nk.RegularizedEvolution(population_size=20, mutation="node")
    assert search.algorithms == ("REA", "random")
    assert (search.runs, search.published_runs, search.seed, search.clock) == (8, 10, 0, "evaluations")
    assert search.budget == nk.Budget(evaluations=60)
    [report] = search.reports
    assert report.published["REA"] == PublishedFigure(96.5, 0.5, decimals=2)  # as printed
    assert report.within == Tolerance("sd", 0.5)
    assert fact.published == PublishedFigure(98.0, None, decimals=1)
    assert fact.within == Tolerance("absolute", 0.0)
    assert recipe.tasks == ("REA", "random")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "mine"', "", "name is missing"),
        ('name = "mine"', "name = 3", "name must be text, not 3"),
        ('name = "mine"', 'name = " "', "name must be a text of 1 to 2,000 characters"),
        ('title = "My result"', 'titel = "My result"', "unknown key 'titel'; did you mean 'title'?"),
        ('"nb201-digits"', '"../other.h5"', "benchmark.name must be a benchmark's name, or a store in the recipe's own"),
        ("[benchmark]", "[bench]", "unknown key 'bench'; did you mean 'benchmark'?"),
        ('space = "nb201"', 'space = "nb210"', "benchmark.space: unknown value 'nb210'; did you mean"),
        ("architectures = 5524", "architectures = 0", "benchmark.architectures must be at least 1"),
        ("architectures = 5524", "architectures = true", "benchmark.architectures must be a whole number, not true"),
        ("architectures = 5524", f"architectures = 0x{'f' * 200}", "benchmark.architectures must be at least 1 and"),
        ("architectures = 5524", "digest = []", "benchmark.digest must have 1 to 1,000 entries, not 0"),
        ('"RandomSearch"', '"RandomSerach"', "algorithm[1].algorithm: unknown value 'RandomSerach'; did you mean 'Rand"),
        ('"RandomSearch"', '"own.py:Mine"', "algorithm[1].algorithm: unknown value 'own.py:Mine'"),
        ('name = "random"', 'name = "REA"', "algorithm[1].name is the second 'REA'"),
        ("population_size = 20", "popluation_size = 20", "algorithm[0].settings: unknown key 'popluation_size'; did"),
        ("population_size = 20", "population_size = 2.5", "algorithm[0].settings: RegularizedEvolution: population_size"),
        ("population_size = 20", "population_size = 1", "algorithm[0].settings: RegularizedEvolution: sample_size must"),
        ("population_size = 20", "population_size = [1]", "algorithm[0].settings.population_size must be text, a number"),
        ("population_size = 20", 'population_size = "20"', "algorithm[0].settings.population_size must be like its de"),
        ('mutation = "node"', "mutation = 1", "algorithm[0].settings.mutation must be like its default, 'gene'"),
        ("evaluations = 60", "", "search[0]: there is no budget: give one of evaluations, unique_networks, simulated"),
        ("evaluations = 60", "evaluations = 6.5", "search[0].evaluations must be a whole number, not 6.5"),
        ("evaluations = 60", "simulated_seconds = nan", "search[0].simulated_seconds must be a finite number, not NaN"),
        ("evaluations = 60", "simulated_seconds = 1e400", "search[0].simulated_seconds must be a finite number"),
        ("evaluations = 60", "simulated_seconds = 0", "search[0]: simulated_seconds must be above 0"),
        ("evaluations = 60", 'evaluations = 60\ntarget = "worst"', "search[0].target: unknown value 'worst'"),
        ("evaluations = 60", 'evaluations = 60\nclock = "steps"', "search[0].clock: unknown value 'steps'"),
        ("evaluations = 60", 'evaluations = 60\ntrial = "first"', "search[0].trial: unknown value 'first'"),
        ("evaluations = 60", 'evaluations = 60\nalgorithms = "RAE"', "search[0].algorithms: unknown algorithm 'RAE'; did"),
        ("runs = 8", "runs = 1", "search[0].runs must be at least 2"),
        ("runs = 8", "runs = 10_000_000", "search[0].runs must be at most 1,000,000, not 10,000,000"),
        ("runs = 8", "", "search[0].runs is missing"),
        ("published_runs = 10", "missing = 'maybe'", "search[0].missing: unknown value 'maybe'"),
        ("[[search.report]]", "[[search.reports]]", "search[0]: unknown key 'reports'; did you mean 'report'?"),
        ("within = { sd = 0.5 }", "within = { sd = 0.5, absolute = 1 }", "search[0].report[0].within must have one of"),
        ("within = { sd = 0.5 }", "within = { sd = -1 }", "search[0].report[0].within.sd must be at least 0"),
        ("within = { sd = 0.5 }", "within = 0.5", "search[0].report[0].within must be a table of keys and values"),
        ("within = { sd = 0.5 }", 'quantity = "evaluations"', "search[0].report[0].metric does not apply to the quantity"),
        ("within = { sd = 0.5 }", 'quantity = "mean"', "search[0].report[0].quantity: unknown value 'mean'"),
        ("REA = { mean = 96.50, sd = 0.5 }", "RAE = 96", "search[0].report[0].published: unknown key 'RAE'; did you mean"),
        ("REA = { mean = 96.50, sd = 0.5 }", "REA = { sd = 1 }", "search[0].report[0].published.REA.mean is missing"),
        ("REA = { mean = 96.50, sd = 0.5 }", "REA = 96.5", "search[0].report[0].within is in standard deviations, but"),
        ("REA = { mean = 96.50, sd = 0.5 }", "REA = { mean = 1, std = 1 }", "published.REA: unknown key 'std'; did you"),
        ('quantity = "best"', 'quantity = "bset"', "fact[0].quantity: unknown value 'bset'; did you mean 'best'?"),
        ('quantity = "best"', 'quantity = "front_points"', "fact[0].metric must be a list of metrics for 'front_points'"),
        ('quantity = "best"', 'quantity = "architectures_as_good"', "fact[0].threshold is missing"),
        ("published = 98.0", "published = 98.0\nthreshold = 1", "fact[0].threshold does not apply to the quantity 'best'"),
        ("published = 98.0", 'published = "98"', "fact[0].published must be a number, not '98'"),
        ("published = 98.0", "published = 98.0\nwithin = { sd = 1 }", "fact[0].within cannot be in standard deviations"),
        ("published = 98.0", "published = 1e-999999", "fact[0].published must be a number of at most 30 decimals"),
        ("published = 98.0", "published = 98.0\n[[search]]\nname = '0'", "search[1]: there is no budget"),
        ("[[fact]]", "[fact]", "fact must be a list, not a table"),
        ("[benchmark]", "[benchmarks]", "unknown key 'benchmarks'; did you mean 'benchmark'?"),
        ("[benchmark]", "[training]\nspace = 'nb201'\n[benchmark]", "there must be either a [benchmark] or a [training]"),
        ('algorithm = "RandomSearch"', 'algorithm = "BOHB"\nnominal_budgets = [3, 3]', "nominal_budgets must ascend"),
        ('algorithm = "RandomSearch"', 'algorithm = "BOHB"\nnominal_budgets = 3', "nominal_budgets must be a list, not 3"),
        ('metric = "test_accuracy"\nwithin', 'quantity = "igd"\nwithin', "quantity 'igd' is of a search for several objectives"),
        ('"valid_accuracy"', '["valid_accuracy", "params"]', "quantity 'value' is of a search for one objective; available: hyp"),
        ("within = { sd = 0.5 }", 'within = { sd = 0.5 }\norder = ["REA", "random"]', "report[0].published does not go with an"),
        ("within = { sd = 0.5 }", 'within = { sd = 0.5 }\nscale = "front"', "report[0].scale does not apply to the quantity"),
        ("within = { sd = 0.5 }", "rises = true", "report[0].rises applies to the quantity 'population'"),
        ('quantity = "best"', 'quantity = "spearman"', "fact[0].metric must be a list of metrics for 'spearman'"),
        ('quantity = "best"', 'quantity = "front_hypervolume"', "fact[0].ideal is missing"),
        ("published = 98.0", "published = 98.0\nideal = [1, 2]", "fact[0].ideal does not apply to the quantity 'best'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_the_file_and_the_key(write, old, new, message):
    assert old in TEXT
    path = write(TEXT.replace(old, new, 1))
    with pytest.raises(nk.SourceError, match=re.escape(message)) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "content", [b"name = ", b"\xff\xfe\x00", b"a = " + b"[" * 5000, b"a = " + b"1" * 5000, b"a" * (2**20 + 1), b""]
)
def test_what_is_no_toml(write, content):
    with pytest.raises(nk.SourceError, match=r"mine\.toml"):
        read_recipe(write(content))


def test_two_searches_of_one_name(write):
    part = TEXT[TEXT.index("[[search]]") : TEXT.index("[[fact]]")]
    assert [search.name for search in read_recipe(write(TEXT + part)).searches] == ["0", "1"]
    twice = (TEXT + part).replace("runs = 8", 'name = "a"\nruns = 8')
    with pytest.raises(nk.SourceError, match=r"search\[1\]\.name is the second 'a'"):
        read_recipe(write(twice))


def test_what_reproduces_nothing(write):
    head = TEXT[: TEXT.index("[[algorithm]]")]
    with pytest.raises(nk.SourceError, match=r"neither a \[\[search\]\] nor a \[\[fact\]\]"):
        read_recipe(write(head))
    with pytest.raises(nk.SourceError, match=r"search\[0\]: there is no \[\[algorithm\]\]"):
        read_recipe(write(head + TEXT[TEXT.index("[[search]]") :]))


def test_names_and_paths(tmp_path):
    with pytest.raises(nk.UnknownName, match="unknown recipe 'nb201-tabel'; did you mean 'nb201-table'"):
        read_recipe("nb201-tabel")
    with pytest.raises(nk.SourceError, match="no such file"):
        read_recipe(tmp_path / "absent.toml")
    with pytest.raises(nk.SourceError, match="is a folder"):
        read_recipe(tmp_path)


def test_bundled_recipes_are_valid_and_named_as_their_files():
    names = bundled_recipes()
    assert {"nb201-table", "nb201-cifar10", "nb201-landscape", "nas-bench-macro", "nb101-test"} <= set(names)
    for name in names:
        recipe = read_recipe(name)
        assert recipe.name == name
        assert isinstance(recipe.table, NeededTraining) or recipe.table.get
        assert all(
            report.published or report.order or report.rises for part in recipe.searches for report in part.reports
        )
        figures = [
            figure for part in recipe.searches for report in part.reports for figure in report.published.values()
        ]
        figures += [fact.published for fact in recipe.facts if isinstance(fact.published, PublishedFigure)]
        assert all(np.isfinite(figure.mean) for figure in figures)


def test_the_short_recipe_is_a_part_of_the_long_one():
    [short], [long] = read_recipe("nb201-cifar10").searches, read_recipe("nb201-table").searches
    assert read_recipe("nb201-cifar10").algorithms == read_recipe("nb201-table").algorithms
    assert short.reports == long.reports[:4]
    assert (short.budget, short.runs, short.seed, short.options) == (long.budget, long.runs, long.seed, long.options)


ORDER = """
[[search.report]]
label = "order"
metric = "test_accuracy"
order = ["REA", "random"]
"""
TRAINING = """
[training]
space = "genetic-cnn"
dataset = "digits"
epochs = 1
skeleton = { channels = [2, 2, 2], dropout = 0.5 }
"""


def training(text):
    """A recipe of a table, as one that trains."""
    table = text[text.index("[benchmark]") : text.index("[[algorithm]]")]
    text = text.replace(table, TRAINING).replace('dataset = "digits"\nepochs = 4\nevaluations', "evaluations")
    return text[: text.index("[[fact]]")].replace(', mutation = "node"', "")


def test_orders_and_trainings_as_they_are_written(write):
    recipe = read_recipe(write(training(TEXT) + ORDER))
    assert recipe.table == NeededTraining("genetic-cnn", "digits", None, 1, {"channels": [2, 2, 2], "dropout": 0.5}, 1)
    [figures, order] = recipe.searches[0].reports
    assert (figures.order, order.order, order.published) == ((), ("REA", "random"), {})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('order = ["REA", "random"]', 'order = ["REA", "RS"]', "report[1].order: unknown algorithm 'RS'"),
        (
            'order = ["REA", "random"]',
            'order = ["REA", "REA"]',
            "order must name at least two different algorithms, the best",
        ),
        ("evaluations = 60", "evaluations = 60\ntrial = 0", "search[0].trial does not apply to a recipe that trains"),
        (
            'metric = "test_accuracy"\norder',
            'quantity = "rank"\norder',
            "quantity 'rank' needs a table, and this recipe",
        ),
        (
            'metric = "test_accuracy"\norder',
            'metric = "test_accuracy"\nepochs = 3\norder',
            "epochs does not apply to the",
        ),
        (
            'space = "genetic-cnn"',
            'space = "genetic"',
            "training.space: unknown value 'genetic'; did you mean 'genetic-cnn'",
        ),
        (
            "dropout = 0.5",
            "dropout = { a = 1 }",
            "training.skeleton.dropout must be text, a number, true or false, or a list",
        ),
        ("dropout = 0.5", 'pool = ["a"]', "training.skeleton.pool[0] must be a whole number, not 'a'"),
        (
            ORDER,
            "[[fact]]\nlabel = 'a'\nquantity = 'best'\nmetric = 'params'\npublished = 1",
            "fact is about a table, and",
        ),
    ],
)
def test_mistakes_about_orders_and_trainings(write, old, new, message):
    text = training(TEXT) + ORDER
    assert old in text
    with pytest.raises(nk.SourceError, match=re.escape(message)):
        read_recipe(write(text.replace(old, new, 1)))
