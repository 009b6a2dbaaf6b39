"""nasbench-kit reproduce: the table, files, exit statuses."""

from __future__ import annotations

import json
import sys

import pandas as pd
import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main
from nasbench_kit.store import write_store
from tests.conftest import made_up_table
from tests.experiments.test_recipe_file import ORDER, TEXT


@pytest.fixture
def mine(tmp_path):
    bench = nk.open("nb201-digits")
    best = bench.query(bench.architectures, "test_accuracy").max()
    path = tmp_path / "mine.toml"
    text = TEXT.replace("published = 98.0", f"published = {best:.1f}").replace("{ sd = 0.5 }", "{ sd = 9 }")
    path.write_text(text)
    return path


def call(capsys, *words):
    status = main(["reproduce", *map(str, words)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_list(capsys):
    status, out, _ = call(capsys, "--list")
    assert status == 0
    assert "nb201-table" in out
    listed = {entry["name"]: entry for entry in json.loads(call(capsys, "--list", "--json")[1])}
    assert listed["nas-bench-macro"]["available"]
    assert listed["nb201-table"]["get"] is None
    absent = listed["macronas-cifar10"]
    assert not absent["available"]
    assert absent["get"] == "nasbench-kit download macronas --file benchmark_cifar10_dataset.json"
    assert (absent["needs"], listed["genetic-cnn-digits"]["needs"]) == (
        "table macronas-cifar10",
        "PyTorch; trains on digits",
    )
    assert listed["genetic-cnn-digits"]["benchmark"] is None


def test_list_without_what_is_needed(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setenv("NASBENCH_KIT_HOME", str(tmp_path))
    write_store(tmp_path / "nb201-digits.h5", made_up_table())
    (tmp_path / "nas-bench-macro.h5").write_bytes(b"nothing")
    listed = {entry["name"]: entry for entry in json.loads(call(capsys, "--list", "--json")[1])}
    assert listed["genetic-cnn-digits"]["get"] == "pip install 'nasbench-kit[train]'"
    assert listed["nas-bench-macro"]["get"] == "nasbench-kit download nas-bench-macro"  # what is there is no store
    assert listed["nb101-test"]["available"]


@pytest.mark.parametrize(
    ("name", "file"), [("nb101-curves", "nasbench_full.tfrecord"), ("macronas-cifar100", "benchmark_cifar100")]
)
def test_a_recipe_whose_table_is_absent_runs_on_no_other(capsys, name, file, monkeypatch, tmp_path):
    monkeypatch.setenv("NASBENCH_KIT_HOME", str(tmp_path))
    status, out, err = call(capsys, name)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert file in err
    assert "which is not here: nasbench-kit download" in err


def test_an_order_is_printed(capsys, mine):
    order = ORDER.replace('metric = "test_accuracy"', 'quantity = "unique_networks"')
    mine.write_text(mine.read_text().replace("[[fact]]", f"{order}[[fact]]"))
    _, out, _ = call(capsys, mine)
    assert "better than random" in out
    assert "tests reject equality at 5 %" in out


def test_table_and_status(capsys, mine):
    status, out, err = call(capsys, mine)
    assert status == 0
    assert "3 of 3 published figures agree" in out
    assert "96.50 ± 0.50" in out
    assert "Me 2026" in out
    assert "REA: done" in err
    mine.write_text(mine.read_text().replace("mean = 96.50", "mean = 20.00"))
    status, out, _ = call(capsys, mine)
    assert status == 1
    assert "differs" in out
    assert "2 of 3 published figures agree" in out


def test_narrow_terminals_show_the_verdict(capsys, mine, monkeypatch):
    from rich.console import Console

    monkeypatch.setattr(Console, "is_terminal", True)
    for width in (80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        _, out, _ = call(capsys, mine)
        lines = out.splitlines()
        assert max(map(len, (line for line in lines if "\x1b" not in line))) <= width
        assert any("test accuracy" in line and "agrees" in line for line in lines)


def test_files(capsys, mine, tmp_path):
    pytest.importorskip("matplotlib")
    status, out, err = call(capsys, mine, "--json", "-o", tmp_path / "t.csv", "--plot", tmp_path / "p.svg", "--runs", 4)
    assert status in (0, 1)
    printed = json.loads(out)
    assert [row["n"] for row in printed["rows"]] == [0, 4, 4]
    assert printed["rows"][0]["p"] is None
    assert printed["seeds"] == {"0": {"REA": 0, "random": 0}}
    frame = pd.read_csv(tmp_path / "t.csv", dtype=str)  # as numbers, older pandas misses the last bit
    assert frame["ours"].astype(float).tolist() == [row["ours"] for row in printed["rows"]]
    assert (tmp_path / "p.svg").read_text().count("<svg") == 1
    assert err.count("wrote ") == 2
    call(capsys, mine, "-o", tmp_path / "t.json", "--runs", 4)
    assert json.loads((tmp_path / "t.json").read_text()) == printed


@pytest.mark.slow
def test_several_searches_are_drawn_one_by_one(capsys, mine, tmp_path):
    pytest.importorskip("matplotlib")
    text = mine.read_text()
    part = text[text.index("[[search]]") : text.index("[[fact]]")]
    mine.write_text(text + part.replace("valid_accuracy", "test_accuracy"))
    call(capsys, mine, "--plot", tmp_path / "p.png")
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["p-2.png", "p.png"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no recipe is given"),
        (["nb201-tabel"], "unknown recipe 'nb201-tabel'; did you mean 'nb201-table'"),
        (["absent.toml"], "absent.toml: no such file"),
        (["MINE", "--runs", "1"], "runs must be at least 2"),
        (["MINE", "-o", "t.txt"], "--output takes a .csv or a .json file, not 't.txt'"),
        (["MINE", "-o", "absent/t.csv"], "there is no folder absent"),
        (["MINE", "--plot", "p.bmp"], "not as .bmp"),
        (["nas-bench-macro", "--plot", "p.png"], "has no search to draw"),
    ],
)
def test_wrong_use_is_one_line(capsys, mine, words, message):
    status, out, err = call(capsys, *[mine if word == "MINE" else word for word in words])
    assert (status, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
