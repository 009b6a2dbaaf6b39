"""NASLib's dataset API; the questions are those that its search spaces ask of it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.interfaces import get_dataset_api
from nasbench_kit.store import MetricColumn, Table, write_store

# NASLib's numbering of operations and its order of edges, by which it names an architecture
OPERATIONS = ["skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3"]
EDGES = ((1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4))


def named(indices):
    """An architecture string from NASLib's six indices of operations."""
    operations = dict(zip(EDGES, (OPERATIONS[index] for index in indices), strict=True))
    return "+".join(
        "|" + "".join(f"{operations[source, target]}~{source - 1}|" for source in range(1, target))
        for target in (2, 3, 4)
    )


def test_nas_bench_201_as_its_search_space_asks():
    bench = nk.open("nb201")
    data = get_dataset_api(search_space="nasbench201", dataset="cifar10")["nb201_data"]
    rng = np.random.default_rng(0)
    for indices in rng.integers(0, 5, (5, 6)).tolist():
        name = named(indices)
        x = bench.space.forms["naslib"].read([indices])
        assert bench.space.decode(x) == [name]
        for dataset in ("cifar10-valid", "cifar100", "ImageNet16-120"):
            record = data[name][dataset]
            assert len(record["eval_acc1es"]) == 200
            assert record["eval_acc1es"][-1] == bench.query(x, "valid_accuracy", dataset=dataset)[0]
            assert np.isnan(record["eval_acc1es"][11])  # 12 epochs are another training
            seconds = bench.query(x, "training_time", dataset=dataset)[0]
            assert record["cost_info"]["train_time"] == seconds
            assert record["cost_info"]["params"] * 1e6 == bench.query(x, "params", dataset=dataset)[0]
        assert np.isnan(data[name]["cifar10"]["eval_acc1es"]).all()  # which has no validation images
    assert len(data) == 15_625
    assert len(set(itertools.islice(data, 2000))) == 2000
    with pytest.raises(nk.InvalidArchitecture):
        data["|conv~0|"]


def test_curves_fill_every_epoch(tmp_path):
    space, rng = nk.space("nb201"), np.random.default_rng(1)
    X = np.unique(space.sample(5, rng), axis=0)
    epochs = tuple(range(1, 201))
    curve = np.sort(rng.random((len(X), 200, 2)) * 100, axis=1)
    metrics = {
        "cifar10-valid": {"valid_accuracy": MetricColumn(curve[:, -1:], (200,), (777, 888))},
        "cifar10-valid-curves-200": {"valid_accuracy": MetricColumn(curve, epochs, (777, 888))},
    }
    store = write_store(tmp_path / "curves.h5", Table(space, X, metrics, {}))
    data = get_dataset_api("nasbench201", "cifar10", bench=store)["nb201_data"]
    for name, expected in zip(space.decode(X), curve.mean(axis=2), strict=True):
        assert list(data[name]) == ["cifar10-valid"]
        assert data[name]["cifar10-valid"]["eval_acc1es"] == pytest.approx(expected.tolist())


def test_nas_bench_101_as_its_search_space_asks():
    api = get_dataset_api("nasbench101", bench="nb101-test")
    matrix = np.triu(np.ones((7, 7), dtype=int), 1)
    specification = {"matrix": matrix, "ops": ["input", *["conv3x3-bn-relu"] * 5, "output"]}
    assert not api["nb101_data"].is_valid(api["api"].ModelSpec(**specification))  # more than 9 edges
    matrix[1:6, 6] = [0, 0, 0, 0, 1]
    matrix[0, 2:6] = 0
    matrix[1, 3:6] = matrix[2, 5] = 0
    cell = api["api"].ModelSpec(**specification)
    assert api["nb101_data"].is_valid(cell)
    bench = nk.open("nb101-test")
    x = bench.space.encode([{"matrix": matrix.tolist(), "ops": specification["ops"]}])
    found = api["nb101_data"].query(cell)["test_accuracy"] * 100
    assert found == pytest.approx(bench.query(x, "test_accuracy")[0])


@pytest.mark.parametrize(
    ("name", "architecture"),
    [("micro", "64-41414-3_02_013"), ("macro", "64-111114-basic"), (None, "64-41414-3_02_013")],
)
def test_transnas_bench_101_as_its_search_spaces_ask(name, architecture):
    bench = nk.open(f"transnas-bench-101-{name or 'micro'}")
    x = bench.space.encode([architecture])
    asked = {
        "jigsaw": "valid_top1",
        "class_scene": "valid_top1",
        "segmentsemantic": "valid_acc",
        "room_layout": "valid_neg_loss",
        "normal": "valid_ssim",
        "autoencoder": "valid_ssim",
    }
    for task, metric in asked.items():
        api = get_dataset_api("transbench101" if name is None else f"transbench101_{name}", task)
        stored = next(iter(set(bench.metrics(task)) - set(bench.costs(task))))
        assert api["task"] == task
        assert api["api"].get_single_metric(architecture, task, metric) == bench.query(x, stored, dataset=task)[0]
    with pytest.raises(nk.UnknownName, match="valid_neg_loss"):
        api["api"].get_single_metric(architecture, "room_layout", "train_neg_loss")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("nasbench301", "cifar10"), nk.UnknownName, "of NASLib with a table; did you mean 'nasbench201'"),
        (("nasbench201", "svhn"), nk.UnknownName, "unknown dataset 'svhn' of nb201"),
        (("transbench101_micro",), nk.UnknownName, "class_scene"),
        (("nasbench201", "cifar10", "nas-bench-macro"), nk.StoreError, "is a table of nas-bench-macro, not of nb201"),
    ],
)
def test_what_there_is_not(arguments, error, message):
    with pytest.raises(error, match=message):
        get_dataset_api(*arguments[:2], bench=arguments[2] if len(arguments) > 2 else None)
