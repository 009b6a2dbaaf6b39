"""Trainings that others see while they run: the parts of a table, and the cache of a search. No torch is needed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main
from nasbench_kit.training.parts import PartsFolder
from nasbench_kit.training.search.watching import SearchWatch
from nasbench_kit.training.tables.watching import TableWatch, speed_of


def parts(path, networks_a_part=None, networks=3):
    identity = {"setting": {}, "seeds": [0, 4], "networks": networks, "networks_a_part": networks_a_part}
    return PartsFolder(path, identity, {})


def arrays(value, networks=1, seeds=1):
    accuracy = np.full((networks, 2, seeds), value)
    accuracy[:, 0] = -1  # of the first epoch
    return {"valid_accuracy": accuracy, "valid_loss": accuracy / 10, "seconds": accuracy, "took": np.array(3.0)}


def test_the_parts_of_a_table(tmp_path):
    store = tmp_path / "mine.h5"
    folder = parts(tmp_path / "mine.h5.parts")
    watch = TableWatch(folder.path)
    found = watch.look()
    assert (found.done, found.total, found.running, found.rows, found.ended) == (0, 6, 0, [], False)
    for number, value in enumerate((90.0, 70.0, np.nan)):
        folder.write("part", number, arrays(value))
        os.utime(folder.path / f"part-{number:06d}.npz", (1000 + 10 * number,) * 2)
    for number in (2, 3):  # the part 2 was finished a moment ago
        (folder.path / "checkpoints" / f"part-{number:06d}").mkdir(parents=True)
    (folder.path / "part-000004.npz").write_bytes(b"PK")
    os.utime(folder.path / "part-000004.npz", (1030, 1030))
    (folder.path / "part-000099.npz").touch()
    found = watch.look()
    assert (found.done, found.running, found.waiting, found.ended) == (4, 1, 1, False)
    assert found.per_second == pytest.approx(0.1)
    assert found.seconds_left == pytest.approx(20)
    accuracy, loss = found.rows
    assert (accuracy["metric"], accuracy["trainings"], accuracy["mean"], accuracy["best"]) == (
        "valid_accuracy",
        2,
        80,
        90,
    )
    assert accuracy["sd"] == pytest.approx(np.std([90, 70], ddof=1))
    assert (loss["metric"], loss["best"]) == ("valid_loss", 7)
    assert len([line for line in found.notes if "part-000004.npz is damaged" in line]) == 1
    for number in (3, 4, 5):
        folder.write("part", number, arrays(50.0))
    found = watch.look()
    assert (found.done, found.ended) == (6, False)
    assert found.notes == ("all parts are done; mine.h5 is being written, or the command has to be repeated",)
    store.touch()
    assert watch.look().ended
    before = sorted((str(path), path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    assert main(["watch", str(store), "--json"]) == 0
    assert sorted((str(path), path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


def test_stacked_parts_are_timed_afterwards(tmp_path):
    folder = parts(tmp_path / "mine.h5.parts", networks_a_part=2)
    folder.write("part", 0, arrays(90.0, 2, 2))
    found = TableWatch(folder.path).look()
    assert (found.done, found.total, found.running, found.per_second) == (4, 6, None, None)
    folder.write("part", 1, arrays(80.0, 1, 2))
    folder.write("steps", 0, {"seconds": np.ones(2)})
    found = TableWatch(folder.path).look()
    assert (found.done, found.notes) == (6, ("timing networks one by one: 1 of 2 parts are done",))
    assert found.rows[0]["mean"] == pytest.approx((4 * 90 + 2 * 80) / 6)


def test_breaks_are_no_time_at_work():
    steady = [(10.0 * i, 2) for i in range(10)]
    assert speed_of(steady) == pytest.approx(0.2)
    resumed = steady + [(5000 + 10.0 * i, 2) for i in range(10)]
    assert speed_of(resumed) == pytest.approx(0.2)
    assert speed_of(steady[:2]) is None
    assert speed_of([(3.0, 1)] * 5) is None


CACHE = """
    CREATE TABLE settings (digest TEXT PRIMARY KEY, identity TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE epochs (setting TEXT, genotype BLOB, seed INTEGER, epoch INTEGER, valid_accuracy REAL, seconds REAL,
        PRIMARY KEY (setting, genotype, seed, epoch)) WITHOUT ROWID;
"""


def cache(path, trainings):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(CACHE)
    connection.execute("INSERT INTO settings VALUES ('d', ?)", (json.dumps({"space": "nb201", "dataset": "digits"}),))
    for number, (genotype, seed, accuracies) in enumerate(trainings):
        for epoch, accuracy in enumerate(accuracies, start=1):
            row = ("d", genotype, seed, epoch, accuracy, number + 1.0)
            connection.execute("INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?)", row)
    return connection


def test_the_cache_of_a_search(tmp_path):
    path = tmp_path / "nb201-digits.trainings"
    trainings = [
        (b"\x01", 0, (5.0, 80.0)),
        (b"\x01", 1, (6.0, 90.0)),
        (b"\x02", 0, (95.0, 70.0, None)),
        (b"\x03", 0, (60.0,)),
    ]
    connection = cache(path, trainings)
    watch = SearchWatch(path)
    folder = tmp_path / f"{path.name}.checkpoints"
    folder.mkdir()
    for name in ("in-use-1", "a.pt", "b.pt"):
        (folder / name).touch()
    found = watch.look()
    assert (found.done, found.total, found.running, found.worker, found.ended) == (4, None, 2, "1 search", False)
    assert found.rows == [
        {
            "space": "nb201",
            "dataset": "digits",
            "epochs": "1 to 3",
            "networks": 3,
            "trainings": 4,
            "seconds": pytest.approx((2 + 4 + 9 + 4) / 4),
            "mean": pytest.approx((80 + 90 + 60) / 3),
            "best": 90.0,
        }
    ]
    # while something is written, what was there before is shown; the writer is not kept waiting
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO epochs VALUES ('d', ?, 0, 1, 99, 1)", (b"\x04",))
    assert (tmp_path / f"{path.name}-journal").exists()
    assert watch.look().done == 4
    connection.execute("COMMIT")
    assert watch.look().done == 5
    assert SearchWatch(path).look().rows[0]["best"] == 99
    connection.execute("BEGIN EXCLUSIVE")  # no lock of the file keeps others from looking on
    assert watch.look().done == 5
    assert watch.look().notes == ("how many trainings a search still needs is not in its cache",)
    connection.execute("ROLLBACK")
    connection.close()
    assert main(["watch", str(folder), "--json"]) == 0  # the folder beside it stands for it


def test_a_cache_that_is_damaged_meanwhile(tmp_path):
    path = tmp_path / "c.trainings"
    cache(path, [(b"\x01", 0, (80.0,))]).close()
    watch = SearchWatch(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:5000])
    found = watch.look()
    assert found.done == 1
    assert found.notes[0].startswith("not read: ")
    with pytest.raises(nk.StoreError, match="is not a cache of trainings, or it is damaged"):
        SearchWatch(path)


@pytest.mark.slow
def test_no_torch_is_needed(tmp_path):
    cache(tmp_path / "c.trainings", []).close()
    code = f"""
import sys
sys.modules["torch"] = None
from nasbench_kit.cli.main import main
sys.exit(main(["watch", {str(tmp_path / "c.trainings")!r}]))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")
    assert "0 trainings done" in found.stdout
