"""Proxies of a table's architectures: over processes, after a kill, joined with the table, searched, and on the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.benchmark.validation import validate
from nasbench_kit.cli.main import main
from nasbench_kit.store import Table, write_store
from tests.conftest import made_up_table

torch = pytest.importorskip("torch", reason="networks need torch")
pytest.importorskip("sklearn", reason="the digits come with scikit-learn")

from nasbench_kit.training import build  # noqa: E402
from nasbench_kit.training.datasets import load_digits  # noqa: E402
from nasbench_kit.training.proxies import measuring, proxies  # noqa: E402
from nasbench_kit.training.proxies.measuring import made_up_images, measure  # noqa: E402
from nasbench_kit.training.proxies.table import proxy_table  # noqa: E402

NAMES = ["synflow", "naswot", "params"]


@pytest.fixture(scope="module")
def digits():
    return nk.open("nb201-digits")


def test_values_are_those_of_each_network_alone_whatever_the_processes(digits):
    one = measure(digits, NAMES, sample=24, batch=16, seed=3, processes=1)
    two = measure(digits, NAMES, sample=24, batch=16, seed=3, processes=2)
    np.testing.assert_array_equal(one.values, two.values)
    np.testing.assert_array_equal(one.rows, two.rows)
    assert (one.seconds > 0).all()
    data = load_digits()
    drawn = np.random.default_rng([3, 0]).choice(data.part("train"), 16, replace=False)
    x = digits.architectures[one.rows[7]]
    alone = proxies(build("nb201", x, dataset="digits", seed=3), data.images[drawn], data.labels[drawn], NAMES, seed=3)
    assert list(alone.values()) == one.values[7].tolist()


def test_a_joined_table_answers_searches_and_is_validated(digits, tmp_path):
    joined, measured = proxy_table(digits, tmp_path / "joined.h5", NAMES, sample=30, batch=8, processes=1)
    X = joined.architectures
    assert set(digits.metrics()) < set(joined.metrics())
    np.testing.assert_array_equal(joined.query(X, digits.metrics()), digits.query(X, digits.metrics()))
    found = joined.query(X[measured.rows], ["valid_accuracy", "proxy_synflow"])
    np.testing.assert_array_equal(found[:, 1], measured.values[:, 0])
    assert np.isnan(joined.query(X, "proxy_synflow")).sum() == len(X) - 30
    assert joined.units("proxy_params") == "count"
    assert joined.units("synflow_time") == "s"
    assert joined.info["proxies"]["digits/synflow"]["architectures"] == 30
    assert joined.info["recipe"] == digits.info["recipe"]
    assert not (tmp_path / "joined.h5.parts").exists()
    assert all(check.passed for check in validate(joined.path))

    # more is better, and costs the seconds of computing it
    problem = joined.problem("proxy_params", missing="skip")
    np.testing.assert_array_equal(problem(X[measured.rows])[:, 0], -measured.values[:, 2])
    result = nk.search(problem, nk.RandomSearch(), runs=3, unique_networks=5524, evaluations=60_000, seed=0)
    assert (result.best("proxy_params") == measured.values[:, 2].max()).all()
    assert (result.trace["proxy_params"].dropna() > 0).all()
    evaluation = problem.evaluate(X[measured.rows])
    np.testing.assert_allclose(evaluation.seconds, measured.seconds[:, 2])
    trained = joined.problem(["proxy_params", "valid_accuracy"], seed=0).evaluate(X[measured.rows])
    np.testing.assert_array_equal(trained.seconds, digits.query(X[measured.rows], "training_time"))
    reached = nk.search(problem, nk.RandomSearch(), runs=2, evaluations=9000, target=500, seed=0)
    assert reached.reached.all()
    _, front = joined.front(["proxy_synflow", "params"])
    assert (np.diff(front[:, 0]) < 0).all()
    assert (np.diff(front[:, 1]) < 0).all()

    # a second call adds to what is there
    again, _ = proxy_table(joined, tmp_path / "joined.h5", ["flops"], sample=5, batch=8, processes=1)
    assert {"proxy_flops", "proxy_synflow", "flops", "flops_time"} < set(again.metrics())
    assert again.info["proxies"].keys() == {f"digits/{name}" for name in [*NAMES, "flops"]}


def test_a_killed_call_goes_on_where_it_was(digits, tmp_path, monkeypatch):
    computed = []
    real = measuring._part

    def part(work, X):
        computed.append(len(X))
        if len(computed) == 2:
            raise KeyboardInterrupt
        return real(work, X)

    monkeypatch.setattr(measuring, "_part", part)
    target, settings = tmp_path / "t.h5", {"sample": 50, "batch": 8, "processes": 1}
    with pytest.raises(KeyboardInterrupt):
        proxy_table(digits, target, ["params"], **settings)
    assert not target.exists()
    with pytest.raises(nk.StoreError, match="holds parts of other work: names is"):
        proxy_table(digits, target, ["flops"], **settings)
    computed[:] = [0, 0]
    seen = []
    joined, measured = proxy_table(
        digits, target, ["params"], **settings, progress=lambda done, total: seen.append((done, total))
    )
    assert computed[2:] == [20, 10]
    assert seen == [(20, 50), (40, 50), (50, 50)]
    X = joined.architectures[measured.rows]
    np.testing.assert_array_equal(joined.query(X, "proxy_params"), joined.query(X, "params"))


def test_made_up_images_differ_in_brightness_and_are_smooth():
    images = made_up_images(200, (3, 32, 32), np.random.default_rng(0))
    assert images.shape == (200, 3, 32, 32)
    assert images.dtype == np.float32
    assert abs(images.mean()) < 1e-3
    assert images.std() == pytest.approx(1, abs=1e-3)
    assert np.corrcoef(images[..., 1:].ravel(), images[..., :-1].ravel())[0, 1] > 0.6
    assert images.mean(axis=(1, 2, 3)).std() > 0.1
    np.testing.assert_array_equal(images, made_up_images(200, (3, 32, 32), np.random.default_rng(0)))


def test_the_command(digits, tmp_path, capsys):
    words = [
        "proxies",
        "nb201-digits",
        "--sample",
        "20",
        "--names",
        "params",
        "zen",
        "--processes",
        "1",
        "--batch",
        "8",
    ]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "Spearman" in out
    assert "zen" in out
    assert main([*words, "--json", "--output", str(tmp_path / "out.h5")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["architectures"] == 20
    assert [row["proxy"] for row in found["proxies"]] == ["params", "zen"]
    joined = nk.open(tmp_path / "out.h5")
    x, y = joined.query(joined.architectures, ["proxy_params", "valid_accuracy"]).T
    known = ~np.isnan(x)
    from scipy.stats import spearmanr

    assert known.sum() == 20
    assert found["proxies"][0]["spearman"] == pytest.approx(spearmanr(x[known], y[known]).statistic)
    for wrong, text in (
        (["--names", "synflo"], "did you mean 'synflow'"),
        (["--sample", "0"], "--sample must be a number"),
        (["--sample", "6000"], "must have 1 to 5524 architectures"),
        (["--metric", "accuracy"], "unknown metric"),
        (["--batch", "1"], "2 to 1000 images"),
        (["--output", str(tmp_path / "no" / "x.h5")], "there is no folder"),
    ):
        assert main(["proxies", "nb201-digits", "--processes", "1", *wrong]) == 2
        error = capsys.readouterr().err
        assert text in error
        assert error.count("\n") == 1


def test_noise_stands_in_for_a_dataset_that_is_not_there(tmp_path):
    X = nk.space("nb201").sample(300, 0)
    bench = nk.open(write_store(tmp_path / "made-up.h5", made_up_table(architectures=np.unique(X, axis=0))))
    with pytest.raises(nk.SourceError, match="CIFAR-10"):
        measure(bench, ["params"], sample=2, processes=1)
    found = measure(bench, ["params", "synflow"], sample=2, batch=2, noise=True, processes=1)
    assert np.isfinite(found.values).all()
    assert found.how["images"] == "random"


def test_networks_are_built_in_the_skeleton_that_the_table_tells(tmp_path):
    table = made_up_table(architectures=nk.space("nb201").all()[::2000])
    setting = {
        "space": "nb201",
        "dataset": "cifar10",
        "skeleton": {"channels": [4, 8], "cells": 2, "image": [1, 12, 12], "classes": 7},
    }
    small = Table(table.space, table.architectures, table.metrics, {"setting": setting})
    bench = nk.open(write_store(tmp_path / "small.h5", small))
    found = measure(bench, ["params"], batch=2, noise=True, processes=1)
    np.testing.assert_array_equal(found.values[:, 0], bench.query(bench.architectures, "params"))
    assert found.values.max() < 30_000
