"""Every algorithm has a page, with correct settings, command line and picture."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import re
import shlex
from pathlib import Path

import pytest

from nasbench_kit.algorithms import ALGORITHMS, CONFIGURATIONS, parse_algorithm
from nasbench_kit.cli import compare

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "algorithms"
PAGES = {page.stem.replace("-", ""): page for page in FOLDER.glob("*.md")}


def page_of(name: str) -> str:
    assert name.lower() in PAGES, f"docs/algorithms has no page of {name}"
    return PAGES[name.lower()].read_text()


def value_of(text: str) -> object:
    """A default as a page writes it: a literal, or a fraction."""
    numerator, _, denominator = text.partition(" / ")
    return ast.literal_eval(numerator) / ast.literal_eval(denominator) if denominator else ast.literal_eval(text)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_has_a_page_with_its_settings_and_defaults(name):
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| .+ \|$", page_of(name), flags=re.MULTILINE)
    assert {setting: value_of(default) for setting, default in rows} == {
        field.name: field.default for field in dataclasses.fields(ALGORITHMS[name])
    }
    assert len(rows) == len(dataclasses.fields(ALGORITHMS[name]))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_page_has_its_source_its_sections_and_its_picture(name):
    page = page_of(name)
    assert page.startswith(f"# {name}: ")
    for heading in ("Settings", "When to use it", "In Python", "In the shell", "On the bundled table"):
        assert f"\n## {heading}\n" in page
    assert "\nSource: " in page
    assert "\nWeak spots: " in page
    assert f"nk.{name}" in page
    pictures = re.findall(r"!\[.+\]\((.+)\)", page)
    assert pictures == [f"../pictures/algorithms/{PAGES[name.lower()].name.replace('.md', '.svg')}"]
    assert (FOLDER / pictures[0]).stat().st_size < 60_000


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_command_line_of_a_page_is_one(name):
    (command,) = re.findall(r"^\$ nasbench-kit compare (.+)$", page_of(name), flags=re.MULTILINE)
    parser = argparse.ArgumentParser(exit_on_error=False)
    compare.add_arguments(parser)
    options = parser.parse_args(shlex.split(command))
    algorithms = [parse_algorithm(text) for text in options.algorithms]
    assert algorithms[0] == ALGORITHMS[name]()
    many = len(options.objectives or ["one"]) > 1
    assert all(a.many_objectives if many else a.single_objective for a in algorithms)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_published_settings_are_named_on_the_page_of_their_algorithm(name):
    made = CONFIGURATIONS[name]()
    assert f"`{name}`" in page_of(made.name)
    assert f"`{name}`" in (FOLDER / "README.md").read_text()
    assert parse_algorithm(name) == parse_algorithm(name.replace("-", "_").upper()) == made
    assert parse_algorithm(f"{name}:") == made
    changed = "population_size" if hasattr(made, "population_size") else "first_population"
    other = parse_algorithm(f"{name}:{changed}=30")
    assert other == dataclasses.replace(made, **{changed: 30}) != made


def test_the_index_names_every_page_once():
    linked = re.findall(r"\]\(([\w-]+\.md)\)", (FOLDER / "README.md").read_text())
    assert sorted(linked) == sorted({page.name for page in PAGES.values()} - {"README.md"})


def test_every_page_is_of_an_algorithm():
    assert set(PAGES) - {"README", "yourown"} == {name.lower() for name in ALGORITHMS}
