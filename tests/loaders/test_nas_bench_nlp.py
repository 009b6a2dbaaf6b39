"""NAS-Bench-NLP's training logs."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.loaders import load, recognise
from tests.official.nas_bench_nlp import RNN, logs, write_logs, write_logs_zip


@pytest.fixture
def bench(tmp_path):
    write_logs_zip(tmp_path / "logs.zip")
    return nk.convert(tmp_path / "logs.zip", tmp_path / "out.h5")


def test_every_value_arrives(bench):
    assert (len(bench), bench.datasets, bench.epochs(), bench.seeds()) == (2, ("wikitext-2",), (1, 2, 3, 4, 5), (0, 1))
    given = list(logs().values())
    X = bench.space.encode([log["recepie"] for log in given])
    for log, x, trial in zip(given, X, (0, 0, 1), strict=True):
        done = len(log["wall_times"])
        for name, key in (("train", "train_losses"), ("valid", "val_losses"), ("test", "test_losses")):
            found = bench.trials(x, f"{name}_loss")[0, :, trial]
            np.testing.assert_array_equal(found[:done], log[key])
            assert np.isnan(found[done:]).all()
            np.testing.assert_array_equal(bench.trials(x, f"{name}_perplexity")[0, :, trial], np.exp(found))
        seconds = bench.trials(x, "training_time")[0, :, trial]
        np.testing.assert_allclose(seconds[:done], np.cumsum(log["wall_times"]), rtol=1e-14)
        assert bench.query(x, "params")[0] == log["num_params"]
    about = bench.metric("valid_perplexity")
    assert (about.direction, about.split, about.range[0]) == ("min", "valid", 1.0)
    assert (bench.info["trainings"], bench.info["failed_trainings"], bench.info["networks"]) == (3, 1, 2)


def test_a_folder_or_an_archive(bench, tmp_path):
    write_logs(tmp_path / "logs")
    (tmp_path / "logs" / "readme.txt").write_text("not a log")
    assert recognise(tmp_path / "logs") == recognise(tmp_path / "logs.zip") == "nas-bench-nlp"
    other = nk.convert(tmp_path / "logs", tmp_path / "other.h5")
    assert other.digest == bench.digest
    assert other.info["source"] == "logs"
    assert len(other.info["sha256"]) == 64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda log: log.pop("recepie"), "key 'recepie': expected text"),
        (lambda log: log.update(recepie="{"), "key 'recepie': .*not valid JSON"),
        (lambda log: log.update(recepie='{"h_new_0": {"op": "conv", "input": ["x"]}}'), "unknown operation 'conv'"),
        (lambda log: log.update(num_params=1.5), "key 'num_params': expected a whole number"),
        (lambda log: log.update(num_params=7), "another log of the same recipe has"),
        (lambda log: log["val_losses"].pop(), "key 'val_losses': expected a list with one number per epoch, 5"),
        (lambda log: log["val_losses"].__setitem__(1, -1.0), "negative or infinite"),
        (lambda log: log["val_losses"].__setitem__(1, "4"), "not a number"),
        (lambda log: log["test_losses"].__setitem__(1, 1e6), "a loss of 1e.06 is impossible"),
        (lambda log: log["wall_times"].__setitem__(1, float("nan")), "key 'wall_times' has a value"),
        (lambda log: log["train_losses"].__setitem__(1, 10**400), "too large"),
        (lambda log: log.update(wall_times=[]), "one number per epoch"),
    ],
)
def test_logs_with_something_wrong(tmp_path, change, message):
    contents = logs()
    first = next(iter(contents))
    change(contents[first])
    write_logs(tmp_path / "logs", contents)
    with pytest.raises(nk.SourceError, match=message) as caught:
        load(tmp_path / "logs")
    assert "log_stats_model" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_archives_with_something_wrong(tmp_path):
    path = tmp_path / "logs.zip"
    write_logs_zip(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(nk.SourceError, match=r"not a complete zip archive.*download it again"):
        load(path, source_format="nas-bench-nlp")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log_stats_model_0.json", " " * 2**21)  # 2 MB in 2 kB
    with pytest.raises(nk.SourceError, match="too many for a log"):
        load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("log_stats_model_0.json", "[1")
    with pytest.raises(nk.SourceError, match="is not valid JSON"):
        load(path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(nk.SourceError, match="has no files named"):
        load(tmp_path / "empty", source_format="nas-bench-nlp")


def test_a_search_by_perplexity(bench):
    problem = bench.problem("valid_perplexity", epochs=2, missing="skip", seed="mean")
    found = nk.search(problem, nk.RandomSearch(), runs=1, evaluations=5, initial=bench.space.encode([RNN]))
    assert np.isfinite(found.incumbent_values).all()
