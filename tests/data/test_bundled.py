"""The bundled tables: what they hold, and published figures that come out of them."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.data import found_stores

BUNDLED = {name: store.path for name, store in found_stores().items() if store.bundled}
TASKS = ("class_scene", "class_object", "room_layout", "jigsaw", "segmentsemantic", "normal", "autoencoder")
GRAPHS = {"cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "arxiv", "proteins"}


def values(name, metric, dataset=None, **options):
    bench = nk.open(BUNDLED[name])
    return bench.query(bench.architectures, metric, dataset=dataset, **options)


def test_what_is_bundled():
    assert {name: len(nk.open(path)) for name, path in BUNDLED.items()} == {
        "accel-nasbench": 5125,
        "nas-bench-graph": 26_206,
        "nas-bench-macro": 6561,
        "nb101-test": 423_624,
        "nb201": 15_625,
        "nb201-digits": 5524,
        "transnas-bench-101-macro": 3256,
        "transnas-bench-101-micro": 4096,
    }
    assert set(BUNDLED) <= set(nk.list_benchmarks())


@pytest.mark.parametrize("name", BUNDLED)
def test_every_table_says_where_it_is_from(name):
    bench = nk.open(BUNDLED[name])
    notice = (Path(nk.__file__).parents[1] / "NOTICE").read_text()
    assert f"{name}.h5" in notice
    for fact in ("source", "licence", "citation", "notes", "url"):
        assert bench.info[fact], fact
    if name != "nb201-digits":
        assert all(len(part) == 64 for part in bench.info["sha256"].split(", "))
        assert bench.info["created"] == "2026-11-28T00:00:00+00:00"  # the same bytes again
        assert "arXiv" in bench.info["citation"]
    for dataset in bench.datasets:
        for metric in bench.metrics(dataset):
            about = bench.metric(metric, dataset)
            assert about.direction in ("max", "min") or about.name.endswith("_std")


@pytest.mark.parametrize("name", BUNDLED)
def test_every_column_has_its_checksum(name):
    assert nk.open(BUNDLED[name]).check_file() > 0


def test_nas_bench_201():
    bench = nk.open(BUNDLED["nb201"])
    assert bench.datasets == ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")
    assert bench.seeds("cifar10-valid", "valid_accuracy") == (777, 888, 999)
    assert bench.epochs("cifar100", "valid_accuracy") == (12, 200)
    assert "valid_accuracy" not in bench.metrics("cifar10")
    best = {
        ("cifar10", "test_accuracy"): 94.37,
        ("cifar100", "test_accuracy"): 73.51,
        ("ImageNet16-120", "test_accuracy"): 47.31,
        ("cifar10-valid", "valid_accuracy"): 91.61,
        ("cifar100", "valid_accuracy"): 73.49,
    }
    for (dataset, metric), published in best.items():
        assert values("nb201", metric, dataset).max() == pytest.approx(published, abs=6e-3)
    x = bench.space.from_official_index([0])
    assert bench.trials(x, "valid_accuracy", dataset="cifar10-valid")[0, 1].round(3).tolist() == [82.092, 81.616, 82.24]
    seconds = bench.query(x, "training_time", dataset="ImageNet16-120", epochs=12)
    assert seconds[0] == pytest.approx(525.8111, abs=1e-3)
    assert values("nb201", "params", "cifar10").min() > 0
    wrong = values("nb201", "recorded_params", "cifar10-valid") != values("nb201", "params", "cifar10-valid")
    assert wrong.sum() == 150  # as known of the official files


def test_columns_of_nas_bench_201_have_a_source_and_a_version():
    bench = nk.open(BUNDLED["nb201"])
    sources = bench.info["sources"]
    listed = [column for source in sources for column in source["columns"]]
    stored = {
        f"{dataset}/{metric}"
        for dataset in bench.datasets
        for metric in bench.metrics(dataset)
        if metric not in bench.costs(dataset)
    }
    assert sorted(listed) == sorted(stored)
    version = {column: source["version"] for source in sources for column in source["columns"]}
    assert version["cifar10-valid/test_accuracy"] == "NAS-Bench-201 v1.1"
    assert version["cifar10/test_accuracy"].startswith("NATS-Bench v1.0")
    assert version["cifar10/latency_pixel3"] == "HW-NAS-Bench v1.0"
    assert version["cifar10/proxy_synflow"] == "NAS-Bench-Suite-Zero"
    assert np.isnan(values("nb201", "proxy_synflow", "cifar10")).sum() == 15_625 - 9445
    edge = values("nb201", "latency_edgetpu", "cifar10")
    assert np.nanmin(edge) > 0  # -1 in the file means that it does not run there


def test_nas_bench_macro():
    bench = nk.open(BUNDLED["nas-bench-macro"])
    accuracy = values("nas-bench-macro", "test_accuracy")
    assert accuracy.max() == pytest.approx(93.127, abs=1e-3)
    assert bench.query(bench.space.encode(["22212220"]), "test_accuracy")[0] == accuracy.max()
    assert len(bench.front(["test_accuracy", "flops"])[0]) == 35
    assert len(bench.front(["test_accuracy", "params"])[0]) == 39


def test_nas_bench_graph():
    bench = nk.open(BUNDLED["nas-bench-graph"])
    assert set(bench.datasets) == GRAPHS
    for dataset, kind, key, valid, test in (
        ("cora", "accuracy", 87072, 81.9333, 82.6333),
        ("arxiv", "accuracy", 83533, 73.6667, 71.9537),
        ("proteins", "performance", 74578, 0.853333, 0.761124),
    ):
        found = values("nas-bench-graph", f"valid_{kind}", dataset)
        x = bench.space.from_official_key([key])
        assert bench.query(x, f"valid_{kind}", dataset=dataset)[0] == pytest.approx(np.nanmax(found))
        assert np.nanmax(found) == pytest.approx(valid, rel=1e-5)
        assert bench.query(x, f"test_{kind}", dataset=dataset)[0] == pytest.approx(test, rel=1e-5)
    assert np.isfinite(values("nas-bench-graph", "valid_performance", "proteins")).sum() == 2021


@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("transnas-bench-101-micro", (54.936, 45.586, -0.60100, 95.372, 94.613, 0.58729, 0.57723)),
        ("transnas-bench-101-macro", (57.414, 47.422, -0.58223, 97.019, 94.858, 0.64354, 0.74882)),
    ],
)
def test_transnas_bench_101(name, best):
    bench = nk.open(BUNDLED[name])
    assert bench.datasets == TASKS
    for task, published in zip(TASKS, best, strict=True):
        (metric,) = (m for m in bench.metrics(task) if m not in bench.costs(task))
        assert values(name, metric, task).max() == pytest.approx(published, abs=5e-4 if published > 1 else 5e-6)


def test_accel_nasbench():
    bench = nk.open(BUNDLED["accel-nasbench"])
    accuracy = values("accel-nasbench", "valid_accuracy")
    trials = bench.trials(bench.architectures, "valid_accuracy")
    assert np.isfinite(trials).sum() == 5138
    assert (np.nanmin(trials).round(2), np.nanmax(trials).round(2)) == (42.85, 67.05)
    assert np.isfinite(accuracy).all()
    assert bench.metric("throughput_a100").direction == "max"
    assert bench.metric("latency_zcu102").direction == "min"
    with pytest.warns(nk.PartialTableWarning, match="5,125"):
        problem = bench.problem("valid_accuracy")
    found = nk.search(problem, nk.RandomSearch(), runs=3, evaluations=50)
    stored = {row.tobytes() for row in bench.architectures}
    assert all(row.tobytes() in stored for row in found.incumbents)


def test_nas_bench_101():
    accuracy = values("nb101-test", "test_accuracy")
    assert accuracy.max() == pytest.approx(94.3175752957662, abs=1e-6)
    assert ((accuracy >= 94).sum(), (accuracy >= 93).sum(), (accuracy < 15).sum()) == (52, 27_362, 645)
    params = values("nb101-test", "params")
    assert (params.min(), params.max(), params.sum()) == (227_274, 49_979_274, 3_583_758_170_075)
    with pytest.warns(nk.TestSelectionWarning):
        nk.open(BUNDLED["nb101-test"]).problem("test_accuracy")


def test_opening_reads_nothing_else(monkeypatch):
    monkeypatch.setattr("socket.socket", None)  # no network
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in BUNDLED.values():
            assert nk.open(path).info["licence"]
