"""Looking at a sweep while it runs: what is seen, that nothing is written or locked, and what is no sweep."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

import nasbench_kit as nk
from nasbench_kit.experiments.sweep_folder import SweepFolder
from nasbench_kit.experiments.watching import SweepWatch

ALGORITHMS = [nk.RandomSearch(), nk.NSGA2(population_size=4)]


def swept(bench, folder, progress=None, **changes):
    problems = {"one": bench.problem("valid_accuracy"), "two": bench.problem(["valid_accuracy", "params"])}
    settings = {"runs": 3, "piece_runs": 2, "evaluations": 8, "workers": 1, **changes}
    return nk.sweep(problems, ALGORITHMS, folder, progress=progress, **settings)


@pytest.fixture(scope="module")
def template(store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("watching") / "sweep"
    swept(nk.open(store), folder)
    return folder


@pytest.fixture
def ended(template, tmp_path):
    """The folder of a sweep that has ended."""
    return shutil.copytree(template, tmp_path / "sweep")


def content(folder):
    """Every file with its content, size and times."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(str(path), path.read_bytes(), path.stat().st_mtime_ns) for path in files]


def test_a_sweep_is_seen_as_it_grows(bench, tmp_path):
    seen = []

    def progress(state):
        if not seen:
            watches.append(SweepWatch(tmp_path))
        before = content(tmp_path)
        seen.append(watches[0].look())
        assert content(tmp_path) == before

    watches: list[SweepWatch] = []
    found = swept(bench, tmp_path, progress)
    cells = len(found.results)
    assert [one.done for one in seen[:4]] == [0, 2, 4, 6]  # the first piece of each of the three cells
    assert {one.total for one in seen} == {3 * cells} == {9}
    first, last = seen[0], watches[0].look()
    assert (first.running, first.waiting, first.per_second, first.ended) == (2, 7, None, False)
    assert [row["running"] for row in first.rows] == [2, 0, 0]
    assert first.worker == f"process {os.getpid()} on {os.uname().nodename}"
    assert [row["running"] for row in seen[1].rows] == [0, 2, 0]
    assert seen[1].per_second is not None
    assert seen[1].seconds_left == pytest.approx(7 / seen[1].per_second)
    assert (last.done, last.running, last.failed, last.ended, last.worker) == (9, 0, 0, True, "")
    # the means are those of the sweep's own tables
    for row in last.rows:
        comparison = found.comparison(row["problem"])
        own = comparison.table().loc[row["algorithm"]]
        assert row["mean"] == pytest.approx(own["mean"], rel=1e-12)
        assert row["measure"] == {"one": "regret", "two": "hypervolume"}[row["problem"]]
        if row["problem"] == "one":
            assert (row["reported"], row["reported_mean"]) == ("test accuracy", pytest.approx(own["test_accuracy"]))
    partial = nk.search(bench.problem("valid_accuracy"), nk.RandomSearch(), runs=2, evaluations=8)
    assert seen[1].rows[0]["reported_mean"] == pytest.approx(partial.best("test_accuracy").mean())
    assert seen[1].rows[1]["mean"] is None


def test_looking_keeps_no_sweep_from_starting(template, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", lambda *_: pytest.fail("a lock was taken"))
    assert SweepWatch(template).look().ended
    assert SweepFolder(template).state().worker is None


def test_the_process_at_work(ended):
    for path in (ended / "results").iterdir():
        path.unlink()
    lock = ended / "sweep.lock"
    gone = subprocess.Popen([sys.executable, "-S", "-c", ""])
    gone.wait()
    me = {"pid": os.getpid(), "host": os.uname().nodename, "started": 2e9, "done": 0, "workers": 2}
    for changes, worker, running in (
        ({}, True, 4),
        ({"pid": gone.pid}, False, 0),
        ({"pid": gone.pid, "host": "elsewhere"}, True, 4),  # which nobody can know from here
        ({"pid": "1"}, False, 0),
        ({"pid": -1}, False, 0),
        ({"workers": None}, True, None),
        ({"started": 1.0}, not os.path.exists("/proc/self/stat"), 0),  # another process has its number now
    ):
        lock.write_text(json.dumps({**me, **changes}))
        found = SweepWatch(ended).look()
        assert (bool(found.worker), found.running) == (worker, running), changes
        assert not found.ended
        resume = "no process is at work: repeat the sweep's command to resume"
        assert (resume in found.notes) == (not worker)
    lock.write_text('{"pid"')  # half-written
    assert SweepWatch(ended).look().worker == ""


def test_pieces_that_cannot_be_read_or_failed(bench, ended):
    problem, place = bench.problem("valid_accuracy"), ended
    results = sorted((place / "results").iterdir())
    piece = place / "pieces" / "one-RandomSearch.000000-000001.h5"
    assert results[0].name == "one-RandomSearch.h5"
    results[0].unlink()
    nk.search(problem, nk.RandomSearch(), runs=2, evaluations=8).save(piece)
    whole = piece.read_bytes()
    watch = SweepWatch(place)
    for text in (b"", whole[: len(whole) // 2], b"\x89HDF", whole):
        piece.write_bytes(text)
        found = watch.look()
        assert found.done == 8
        assert (found.rows[0]["mean"] is not None) == (text == whole)
        assert any("one-RandomSearch.000000-000001.h5" in line for line in found.notes) == (text != whole)
    (place / "failed" / "one-RandomSearch.000002-000002.txt").write_text("RuntimeError: no\n\n...")
    found = watch.look()
    assert (found.failed, found.ended, found.rows[0]["failed"]) == (1, True, 1)
    assert "failed: one-RandomSearch.000002-000002: RuntimeError: no" in found.notes
    for name in ("one-RandomSearch.000004-000002", "one-RandomSearch.000004-000009", "other.000000-000001", "odd"):
        (place / "pieces" / f"{name}.h5").touch()
    assert watch.look().done == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "{", "cannot be read"),
        (lambda text: json.dumps({**json.loads(text), "cells": [{"name": "a"}]}), "is damaged"),
        (lambda text: json.dumps({**json.loads(text), "piece_runs": 0}), "is damaged"),
        (lambda text: json.dumps({**json.loads(text), "runs": 10**12}), "is damaged"),
        (lambda text: text.replace('"problem": "one"', '"problem": ["one"]'), "is damaged"),
        (lambda text: json.dumps({**json.loads(text), "format": "another"}), "is not the manifest of a sweep"),
    ],
)
def test_damaged_manifests(ended, change, message):
    manifest = ended / "sweep.json"
    manifest.write_text(change(manifest.read_text()))
    with pytest.raises(nk.StoreError, match=message):
        SweepWatch(ended)


def test_a_store_that_is_gone(bench, tmp_path):
    copy = tmp_path / "copy.h5"
    shutil.copy(bench.path, copy)
    swept(nk.open(copy), tmp_path / "sweep", runs=2, evaluations=2)
    copy.unlink()
    found = SweepWatch(tmp_path / "sweep").look()
    assert found.ended
    assert found.rows[1]["mean"] is not None  # the hypervolume needs no store
    assert found.rows[0]["reported_mean"] is None
    assert any("copy" in line for line in found.notes)
