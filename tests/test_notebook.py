"""Cards that notebooks show: small, well-formed, and whatever a file says in them is text."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit import notebook
from nasbench_kit.figures.svg import example_of, inline_svg
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.store import Table, write_store
from tests.conftest import made_up_table

HOSTILE = "<img src=x onerror=alert(1)>'\"&\u202e"
TAGS = {
    *("div", "strong", "span", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"),
    *("svg", "g", "path", "rect", "text"),
}


class Card(HTMLParser):
    """Reads a card; fails at a tag that is not closed or has no place in one."""

    def __init__(self, source):
        super().__init__()
        self.open, self.text = [], []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        assert tag in TAGS, tag
        for name, value in attributes:
            assert not name.startswith("on"), name
            assert name in ("xmlns", "style", "stroke", "fill") or "://" not in (value or "")
            assert "url(" not in (value or "")
        self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def words(thing):
    source = thing._repr_html_()
    assert len(source) < 60_000
    return " ".join(" ".join(Card(source).text).split())


@pytest.fixture(scope="module")
def comparisons():
    bench = nk.open("nb201-digits")
    algorithms = [nk.RandomSearch(), nk.NSGA2(population_size=4)]
    one = nk.compare(
        bench.problem("valid_accuracy", seed="mean"), [nk.RandomSearch(), nk.LocalSearch()], runs=3, evaluations=9
    )
    two = nk.compare(bench.problem(["valid_accuracy", "params"]), algorithms, runs=3, evaluations=9)
    return one, two


def test_every_part_of_the_kit_has_a_card(comparisons):
    bench = nk.open("nb201-digits")
    one, two = comparisons
    text = words(bench)
    assert "nb201-digits benchmark" in text
    assert "5,524" in text
    assert "valid_accuracy" in text
    assert "valid_accuracy, params problem" in words(two.problem)
    assert "a stored trial, drawn at random" in words(two.problem)
    assert "the mean of the stored trials" in words(one.problem)
    assert "f problem" in words(nk.FunctionProblem(lambda X: X.sum(axis=1), bench.space))
    result = one.results["LocalSearch"]
    values = 100 - result.incumbent_values
    assert f"{values.mean():.5g} ± {values.std(ddof=1):.2g}, as the search saw it" in words(result)
    assert "LocalSearch result of 3 runs" in words(result)
    assert "architectures per run" in words(two.results["NSGA2(population_size=4)"])
    for comparison in comparisons:
        assert all(
            f"{comparison.final(found).mean():.5g} ±" in words(comparison) for found in comparison.results.values()
        )
    assert "test accuracy" in words(one)
    assert "hypervolume" in words(two)
    text = words(nk.Comparisons({"here": one, "there": one}))
    assert "2 algorithms on 2 problems" in text
    assert text.count(f"{one.final(result).mean():.5g} ±") == 2


def test_an_analysis():
    found = nk.analyse(nk.open("nas-bench-macro"))
    text = words(found)
    assert all(title in text for title, _, _ in found.sections())


def test_a_reproduction():
    pytest.importorskip("scipy")
    recipe = next(iter(_recipes().values()))
    row = {"search": "", "algorithm": "A", "quantity": HOSTILE, "ours": 1.5, "ours_sd": 0.25, "verdict": "agrees"}
    rows = [
        {**row, "published": 1.25, "published_sd": np.nan},
        {**row, "ours": "x > y", "published": "y > x", "published_sd": None},
    ]
    text = words(nk.Reproduction(recipe, None, tuple(rows), {}))
    assert "1.5 ± 0.25" in text
    assert "1.25 agrees" in text
    assert "2 agrees" in text
    assert "<img" in text
    assert recipe.title in text


def _recipes():
    from nasbench_kit.experiments.recipe import bundled_recipes
    from nasbench_kit.experiments.recipe_file import read_recipe

    return {name: read_recipe(path) for name, path in list(bundled_recipes().items())[:1]}


SLOW = ("nb101", "nsga-net-macro")  # to begin with


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in nk.list_spaces()]
)
def test_a_space_is_drawn(name):
    space = nk.space(name)
    assert space.is_valid(example_of(space)).all()
    text = words(space)
    assert f"{name} search space" in text
    drawn = notebook.picture(space)
    assert ("<svg" in drawn) == (name != "nas-bench-nlp")
    assert space._repr_html_() == space._repr_html_()


def test_what_a_store_says_is_text(tmp_path):
    table = made_up_table()
    metrics = {f"d{HOSTILE}": {f"m{HOSTILE}": column for column in list(table.metrics["cifar10"].values())[:1]}}
    provenance = dict.fromkeys(("source", "licence", "citation", "notes"), HOSTILE)
    path = tmp_path / f"{HOSTILE}.h5".replace("/", "")
    bench = nk.open(write_store(path, Table(table.space, table.architectures, metrics, provenance)))
    text = words(bench)
    assert text.count("<img src=x onerror=alert(1)>") >= 6
    assert "\u202e" not in text


def test_what_a_result_says_is_text(comparisons):
    result = dataclasses.replace(
        comparisons[0].results["LocalSearch"],
        algorithm=HOSTILE,
        settings={HOSTILE: HOSTILE},
        source={"benchmark": HOSTILE, "dataset": HOSTILE, "epochs": HOSTILE},
    )
    assert words(result).count("<img") >= 5
    comparison = nk.Comparison(comparisons[0].problem, {HOSTILE: result}, ("d", HOSTILE, None))
    assert words(comparison).count("<img") >= 3
    function = nk.FunctionProblem(lambda X: X.sum(axis=1), nk.space("nb201"), objectives=[HOSTILE])
    assert words(function).count("<img") >= 2


def test_labels_of_a_drawing_are_text():
    nodes = [Node("input"), Node(HOSTILE, operation=True), Node("output")]
    drawn = inline_svg([Diagram(HOSTILE, nodes, [Arrow(0, 1, HOSTILE), Arrow(1, 2, used=False)])])
    assert sum("<img" in part for part in Card(drawn).text) == 3
    assert inline_svg([]) == ""
    assert inline_svg([Diagram("many", nodes, [Arrow(0, 1)] * 99)]) == ""


def test_the_smallest_parts():
    assert [notebook.number(value) for value in (None, np.inf, 0.12345, 12345.6, -1e5)] == [
        "–",
        "–",
        "0.1235",
        "12,346",
        "-100,000",
    ]
    long = notebook.data_table(["a"], [[i] for i in range(50)])
    assert "and 34 more" in long
    assert "and 84 more" in notebook.data_table(["a"], [[i] for i in range(16)], total=100)
    assert len(notebook.card("x" * 10_000, "y", {"z": "z" * 10_000})) < 2_000
    assert notebook.picture(3) == ""
