"""The command watch: a snapshot as text and JSON, in place on a terminal, and what cannot be watched."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import threading

import pytest
from rich.console import Console

import nasbench_kit as nk
from nasbench_kit.cli import watch
from nasbench_kit.cli.main import main
from nasbench_kit.cli.snapshot_view import live_view, print_snapshot
from nasbench_kit.experiments.snapshot import Column, Snapshot


@pytest.fixture(scope="module")
def folder(store, tmp_path_factory):
    place = tmp_path_factory.mktemp("watch") / "a sweep"
    nk.sweep(
        {"p": nk.open(store).problem("valid_accuracy")}, [nk.RandomSearch()], place, runs=2, evaluations=3, workers=1
    )
    return place


def test_a_snapshot_in_a_pipe(folder, capsys):
    assert main(["watch", str(folder)]) == 0
    text = capsys.readouterr().out
    assert main(["watch", str(folder), "--once", "--interval", "5"]) == 0
    assert capsys.readouterr().out == text
    assert text.startswith(f"{folder}: 2 of 2 runs done\nended\n")
    assert "RandomSearch" in text
    assert "2/2" in text
    assert "running" not in text
    assert "\x1b" not in text
    assert main(["watch", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["done"], found["total"], found["ended"]) == ("sweep", 2, 2, True)
    assert f"{found['rows'][0]['mean']:.4f}" in text


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "inf", "0.01"])
def test_an_interval_that_is_none(folder, interval, capsys):
    assert main(["watch", str(folder), "--interval", interval]) == 2
    assert "--interval must be at least 0.1 seconds" in capsys.readouterr().err


def test_what_cannot_be_watched(tmp_path, store, capsys):
    (tmp_path / "thesis.tex").touch()
    database = tmp_path / "other.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE stars (name TEXT)")
    expected = "expected the folder of a sweep (which has sweep.json)"
    for path, message in (
        (tmp_path, f"is neither a sweep nor a training: {expected}"),
        (tmp_path / "thesis.tex", expected),
        (store, expected),
        (tmp_path / "gone", f"does not exist: {expected}"),
        (tmp_path / ("x" * 300), "File name too long"),
        (database, "is not a cache of trainings, or it is damaged: it has other tables"),
    ):
        assert main(["watch", str(path)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert message in captured.err
        assert captured.err.count("\n") == 1
    (tmp_path / "claim.json").write_text('{"networks": 0, "seeds": [0], "networks_a_part": null}')
    assert main(["watch", str(tmp_path)]) == 2
    assert "claim.json is damaged (its numbers)" in capsys.readouterr().err


# ---------------------------------------------------------------- on a terminal


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Growing:
    """A watch whose work ends with the third look."""

    looks = 0

    def look(self):
        self.looks += 1
        return snapshot(done=self.looks, ended=self.looks == 3, failed=int(self.looks == 3))


def snapshot(**changes):
    columns = (Column("algorithm", "algorithm"), Column("done", "done"), Column("mean", "mean", 2))
    rows = [{"algorithm": f"[bold]A{i}", "done": i % 5, "runs": 4, "mean": i / 3, "running": i == 9} for i in range(30)]
    given = {"kind": "sweep", "path": "f", "unit": "runs", "done": 1, "total": 4, "columns": columns, "rows": rows}
    return Snapshot(**{**given, **changes})


def test_in_place_until_it_has_ended(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr(watch, "watch_of", lambda _: Growing())
    monkeypatch.setattr(watch.time, "sleep", lambda seconds: slept.append(seconds))
    slept: list[float] = []
    assert main(["watch", "f", "--interval", "7"]) == 1  # something failed
    assert slept == [7, 7]
    assert "3 of 4 runs done, 1 failed" in terminal.getvalue()


@pytest.fixture
def _interruptible():
    """A shell starts what it puts in the background with SIGINT ignored, and the command respects that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_leaves_without_a_word(monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr(watch, "watch_of", lambda _: Growing())
    handler = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(watch.time, "sleep", lambda _: signal.raise_signal(signal.SIGINT))
    assert threading.current_thread() is threading.main_thread()
    assert main(["watch", "f"]) == 0
    assert signal.getsignal(signal.SIGINT) is handler
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(watch.time, "sleep", lambda _: signal.raise_signal(signal.SIGTERM))
    assert main(["watch", "f"]) == 128 + signal.SIGTERM
    assert "ended by SIGTERM" in capsys.readouterr().err


def test_a_low_terminal_shows_what_is_at_work():
    console = Console(file=io.StringIO(), width=60, height=16)
    console.print(live_view(snapshot(notes=("a [red]note", "esc \x1b[2J")), console))
    text = console.file.getvalue()
    assert len(text.splitlines()) <= 16
    assert "[bold]A9" in text
    assert "[bold]A29 " not in text  # it has ended
    assert "23 rows hidden" in text
    assert "a [red]note" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_numbers_are_whole_at_any_width(width):
    columns = (
        Column("algorithm", "algorithm"),
        Column("done", "done"),
        Column("mean", "mean", 2),
        Column("reported", "reported"),
    )
    row = {"algorithm": "A" * 50, "done": 1234, "runs": 5678, "mean": 0.125, "reported": "test accuracy"}
    console = Console(file=io.StringIO(), width=width, height=30)
    console.print(live_view(snapshot(columns=columns, rows=[row]), console))
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "1,234/5,678" in text
    assert "0.12" in text
    assert ("test accuracy" in text) == (width > 40)


@pytest.mark.parametrize(
    ("changes", "texts"),
    [
        ({"per_second": 0.001, "seconds_left": 7200.0}, ["3.6 runs per hour", "about 2.0 h left"]),
        ({"per_second": 12.34, "worker": "process 3 on a\nb"}, ["12.3 runs per second", r"process 3 on a\nb"]),
        ({"running": None}, ["3 running or waiting"]),
        ({"running": 1}, ["1 running, 2 waiting"]),
        ({"total": None}, ["f: 1 runs done\n"]),
        ({"notes": tuple(f"note {i}" for i in range(9))}, ["note 4", "and 4 more lines"]),
        ({"rows": []}, []),
    ],
    ids=str,
)
def test_what_is_known_is_said(changes, texts, capsys):
    print_snapshot(snapshot(**changes))
    out = capsys.readouterr().out
    assert all(text in out for text in texts)
