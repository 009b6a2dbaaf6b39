"""What a release states of itself in several files is the same in all of them."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import nasbench_kit as nk

ROOT = Path(__file__).parents[1]
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]


def cited(name):
    found = re.search(rf"^{name}: *(.+)$", CITATION, re.MULTILINE)
    return found and found[1].strip("'\"")


def test_versions_and_dates_agree():
    newest = re.search(r"^## (\S+) \((.+)\)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest[1] == cited("version") == PROJECT["version"] == nk.__version__
    assert newest[2] == (cited("date-released") or "unreleased")


def test_licence_and_repository_agree():
    assert cited("license") == PROJECT["license"] == metadata("nasbench-kit")["License-Expression"]
    assert (cited("repository-code") or "") == PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").lstrip().startswith("Apache License")


def test_the_oldest_python_is_the_same_everywhere():
    oldest = PROJECT["requires-python"].removeprefix(">=")
    named = [text.rsplit(" ", 1)[1] for text in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", text)]
    assert named[0] == oldest
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    tested = re.search(r"python: \[(.+)\]", workflow)[1].replace('"', "").split(", ")
    assert tested[: len(named)] == named


def test_the_paper_cites_what_it_lists_and_states_what_the_docs_state():
    paper = (ROOT / "paper" / "paper.md").read_text(encoding="utf-8")
    listed = re.findall(r"^@\w+\{(\w+),", (ROOT / "paper" / "paper.bib").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(set(re.findall(r"@(\w+)", paper.split("---", 2)[2]))) == sorted(listed)
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    stated = " ".join(page.read_text(encoding="utf-8") for page in pages)
    figures = re.findall(
        r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?= million| times|  standard|,\d| classes| standard| runs| means)", paper
    )
    assert len(figures) > 8
    for figure in figures:
        assert re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d,])", stated), figure
