"""`nasbench-kit search`: end to end, again after a kill or Ctrl-C, and published algorithms by name."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import nasbench_kit as nk

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from nasbench_kit.cli import search  # noqa: E402
from nasbench_kit.cli.main import main  # noqa: E402
from nasbench_kit.cli.task import chosen_algorithm  # noqa: E402
from nasbench_kit.training.search.cache import TrainingCache, cache_identity  # noqa: E402
from nasbench_kit.training.setting import make_setting  # noqa: E402

ROOT = Path(__file__).parents[3]
SEARCH = [
    *("search", "genetic-cnn", "--algorithm", "genetic-cnn:population_size=6", "--generations", "5", "--seed", "3"),
    *("--dataset", "few.npz", "--recipe", "digits", "--epochs", "3", "--skeleton", "hidden=16", "--device", "cpu"),
    *("--cache", "c.trainings", "--json"),
]


@pytest.fixture(autouse=True)
def _folder(few_images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def answer(capsys, *words):
    assert main(list(words)) == 0
    return json.loads(capsys.readouterr().out)


def started(*words) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "nasbench_kit", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def trained(path="c.trainings") -> int:
    """Trainings in a cache that another process is writing."""
    if not Path(path).exists():
        return 0
    connection = sqlite3.connect(path, timeout=60)
    try:
        return connection.execute("SELECT count(*) FROM epochs WHERE epoch = 3").fetchone()[0]
    except sqlite3.OperationalError:  # not made yet
        return 0
    finally:
        connection.close()


def wait_for_trainings(process, count):
    end = time.monotonic() + 120
    while trained() < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def gone(group: int) -> bool:
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def timeless(found):
    """What does not depend on the speed of the machine."""
    clocks = ("training_seconds", "wall_seconds", "trainings", "from_cache")
    kept = {name: value for name, value in found.items() if name not in clocks}
    kept["found"] = [{k: v for k, v in entry.items() if k != "training_time"} for entry in kept["found"]]
    return kept


def test_killed_with_all_its_processes_and_started_again(capsys, tmp_path):
    whole = answer(capsys, *SEARCH, "--processes", "1")
    Path("c.trainings").unlink()
    process = started(*SEARCH, "--processes", "2")
    wait_for_trainings(process, 9)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = trained()
    assert 9 <= before < whole["trainings"]
    again = answer(capsys, *SEARCH, "--processes", "1", "--output", "r.h5")
    assert timeless(again) == timeless(whole)
    assert again["from_cache"] == before
    assert again["trainings"] == whole["trainings"] - before
    assert nk.load_result("r.h5").best("test_accuracy").tolist() == [whole["found"][0]["test_accuracy"]]
    once_more = answer(capsys, *SEARCH, "--processes", "1")
    assert (once_more["from_cache"], once_more["trainings"]) == (whole["trainings"], 0)


def test_interrupted(capsys):
    process = started(*SEARCH, "--processes", "2")
    wait_for_trainings(process, 3)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].startswith("nasbench-kit: interrupted")
    assert gone(process.pid)
    setting = make_setting("genetic-cnn", "few.npz", recipe="digits", epochs=3, skeleton={"hidden": 16})
    cache = TrainingCache("c.trainings")
    assert len(cache.trainings(cache.claim(cache_identity(setting, "cpu")))) >= 3
    cache.close()


@pytest.mark.parametrize(
    ("name", "algorithm", "objectives"),
    [
        ("nsga-net-macro", "nsga-net-macro:population_size=4,exploit_from=1", None),
        ("nsga-net-micro", "nsga-net-micro:population_size=4,offspring=2", None),
        ("nb201", None, ["valid_loss"]),
    ],
)
def test_from_the_first_network_to_the_exported_one(few_digits, request, capsys, name, algorithm, objectives):
    pytest.importorskip("matplotlib")
    if name != "nb201":  # whose one network is written as it is
        request.getfixturevalue("any_program")
    words = ["search", name, "--epochs", "1", "--generations", "2", "--device", "cpu", "--processes", "1", "--json"]
    words += ["--algorithm", algorithm] if algorithm else []
    words += ["--objectives", *objectives] if objectives else []
    words += ["--output", "r.h5", "--table", "t.h5", "--export", "e", "--plot", "p.svg"]
    found = answer(capsys, *words)
    assert Path(f"{name}-digits.trainings").exists()
    assert not Path(f"{name}-digits.trainings.checkpoints").exists()
    assert found["objectives"] == (objectives or ["valid_accuracy", "flops"])
    result = nk.load_result("r.h5")
    assert result.objectives == tuple(found["objectives"])
    assert len(nk.open("t.h5")) == found["unique_networks"][0] == found["trainings"]
    assert len(found["exported"]) == len({json.dumps(entry["architecture"]) for entry in found["found"]})
    assert [e["metrics"]["test_accuracy"] for e in found["exported"]] == [e["test_accuracy"] for e in found["found"]]
    assert "<svg" in Path("p.svg").read_text()


def test_the_table_on_stdout_and_the_log_on_stderr(capsys):
    words = [word for word in SEARCH if word != "--json"]
    words[words.index("5")] = "1"
    assert main([*words, "--processes", "1", "--runs", "2"]) == 0
    out, err = capsys.readouterr()
    assert "GeneticAlgorithm on genetic-cnn, trained on few for 3 epochs" in out
    assert "12 evaluations of" in out
    assert out.count("[[") == 2
    assert "100.0%" in err
    assert "from the cache; best valid_accuracy" in err


def test_a_warning_where_an_export_is_another_training(few_digits, any_program, capsys, monkeypatch):
    words = ["search", "nb201", "--epochs", "1", "--evaluations", "2", "--device", "cpu", "--processes", "1"]
    assert main([*words, "--export", "e"]) == 0
    assert "warning" not in capsys.readouterr().err
    real = TrainingCache.get

    def shifted(self, *key):
        values = real(self, *key)
        return values if values is None else values + 0.25

    monkeypatch.setattr(TrainingCache, "get", shifted)
    assert main([*words, "--export", "e2"]) == 0
    assert "trainings are not exactly reproducible" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nosuch"], "unknown space 'nosuch'"),
        (["nb201", "--dataset", "digitz"], "unknown dataset 'digitz'"),
        (["nb201", "--recipe", "nb2"], "unknown recipe 'nb2'"),
        (["nb201", "--algorithm", "nsga-net"], "did you mean 'nsga-net-"),
        (["nb201", "--algorithm", "random-search", "--objectives", "valid_acc"], "unknown objective 'valid_acc'"),
        (["nb201", "--algorithm", "nsga2", "--objectives", "valid_accuracy"], "needs at least two objectives"),
        (["nb201", "--algorithm", "genetic-cnn"], "unknown crossover 'stage' on nb201"),
        (["nb201", "--skeleton", "channels"], "--skeleton takes NAME=VALUE"),
        (["nb201", "--skeleton", "chanels=3"], "did you mean 'channels'"),
        (["nb201", "--training-seeds", "0"], "--training-seeds must be at least 1"),
        (["nb201", "--onnx"], "need --export FOLDER"),
        (["nb201", "--export-epochs", "3"], "need --export FOLDER"),
        (["nb201", "--export", "e", "--export-epochs", "0"], "--export-epochs must be at least 1"),
        (["nb201", "--export", "file"], "is a file, not a folder"),
        (["nb201", "--cache", "missing/c"], "there is no folder missing"),
        (["nb201", "--cache", "file"], "it is damaged or a different kind of file"),
        (["nb201", "--output", "missing/r.h5"], "there is no folder missing"),
        (
            ["nb201", "--epochs", "1", "--simulated-seconds", "0.0001", "--evaluations", "1"],
            "no training finishes within",
        ),
    ],
)
def test_every_mistake_is_one_line_and_status_2(capsys, words, message):
    Path("file").write_text("x" * 2000)
    assert main(["search", *words, "--processes", "1", "--device", "cpu"]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert [line for line in err.splitlines() if not line[:7].endswith("%")][-1].startswith("nasbench-kit search: ")
    assert not out


def test_a_search_by_measured_seconds_ends_in_time(few_digits, capsys):
    words = ["search", "nb201", "--epochs", "1", "--processes", "1", "--device", "cpu", "--json"]
    first = answer(capsys, *words, "--evaluations", "6")
    budget = first["training_seconds"][0] * 0.7
    second = answer(capsys, *words, "--simulated-seconds", str(budget))
    assert second["training_seconds"][0] <= budget
    assert 1 <= second["evaluations"][0] < 6
    np.testing.assert_allclose(
        second["training_seconds"], answer(capsys, *words, "--simulated-seconds", str(budget))["training_seconds"]
    )


def test_what_the_page_shows_runs(few_digits, any_program):
    page = ROOT / "docs" / "search-by-training.md"
    namespace = {"__name__": "page"}
    for code in re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL):
        exec(compile(code, str(page), "exec"), namespace)
    assert namespace["exported"].same_training
    for command in re.findall(r"^\$ nasbench-kit search (.+)$", page.read_text(), flags=re.MULTILINE):
        parser = argparse.ArgumentParser(exit_on_error=False)
        search.add_arguments(parser)
        options = parser.parse_args(shlex.split(command))
        algorithm = chosen_algorithm(options, options.space)
        objectives = options.objectives or (["one"] if algorithm.single_objective else ["one", "two"])
        assert (len(objectives) > 1) == algorithm.many_objectives
