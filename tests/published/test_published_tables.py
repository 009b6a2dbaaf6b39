"""Published side tables and partial tables: every value of the files. Skipped where the data is absent."""

from __future__ import annotations

import ast
import time

import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk
from nasbench_kit.loaders.mapping import ColumnMap, FileMap, TableMapping

DEVICES = ("edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga")


def there(path):
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path


def same(found, expected):
    return np.array_equal(found, expected, equal_nan=True)


@pytest.fixture(scope="module")
def joined(published, nb201, tmp_path_factory):
    """NAS-Bench-201 with HW-NAS-Bench's measurements and the training-free proxies."""
    folder = published / "nb201"
    hardware, proxies = (
        there(folder / "hw_nas_bench_cifar10.csv.gz"),
        there(folder / "zero_cost_proxies_cifar10.csv.gz"),
    )
    names = [name for name in pd.read_csv(hardware, nrows=1).columns if name.endswith(("_latency", "_energy"))]
    columns = tuple(
        ColumnMap(name, "cifar10", f"{what}_{device}", missing=-1)
        for name in names
        for device, what in [name.split("_")]
    )
    target = tmp_path_factory.mktemp("joined") / "joined.h5"
    mapping = TableMapping("nb201", (FileMap(columns, "net", "naslib"),), provenance={"licence": "MIT"})
    bench = nk.join(nb201, hardware, target, mapping=mapping)
    names = [name for name in pd.read_csv(proxies, nrows=1).columns if not name.startswith("net")]
    columns = tuple(ColumnMap(name, "cifar10", f"proxy_{name}") for name in names)
    mapping = TableMapping("nb201", (FileMap(columns, "net_str"),), provenance={"licence": "MIT"})
    return nk.join(bench, proxies, target, mapping=mapping)


def test_latencies_and_energies_of_six_devices(published, joined):
    file = pd.read_csv(published / "nb201" / "hw_nas_bench_cifar10.csv.gz")
    X = joined.space.from_official_index(np.arange(15_625))  # which is the order of the file
    assert (joined.space.from_naslib(map(ast.literal_eval, file["net"])) == X).all()
    compared = 0
    for device in DEVICES:
        for what in ("latency", "energy"):
            if f"{device}_{what}" in file:
                expected = file[f"{device}_{what}"].replace(-1, np.nan)
                assert same(joined.query(X, f"{what}_{device}", dataset="cifar10"), expected)
                compared += 1
    assert compared == 9
    assert joined.metric("latency_fpga", "cifar10").direction == "min"


def test_training_free_proxies(published, joined):
    file = pd.read_csv(published / "nb201" / "zero_cost_proxies_cifar10.csv.gz")
    X = joined.space.encode(file["net_str"])
    assert (joined.space.from_naslib(map(ast.literal_eval, file["net"])) == X).all()
    names = [name for name in file if not name.startswith("net")]
    assert len(names) == 13
    rest = np.delete(joined.space.all(), joined.space.number(X).astype(int), axis=0)
    assert len(rest) == 15_625 - 9_445
    for name in names:
        assert same(joined.query(X, f"proxy_{name}", dataset="cifar10"), file[name])
        assert np.isnan(joined.query(rest, f"proxy_{name}", dataset="cifar10")).all()


def test_the_trainings_are_as_before_and_the_sources_are_told(joined, nb201):
    X = nb201.space.all()
    for dataset in nb201.datasets:
        for name in nb201.metrics(dataset):
            assert same(joined.trials(X, name, dataset=dataset), nb201.trials(X, name, dataset=dataset))
    first, hardware, proxies = joined.info["sources"]
    assert first["source"] == nb201.info["source"]
    assert (hardware["source"], len(hardware["columns"]), hardware["records"]) == (
        "hw_nas_bench_cifar10.csv.gz",
        9,
        15_625,
    )
    assert (proxies["source"], len(proxies["columns"]), proxies["records"]) == (
        "zero_cost_proxies_cifar10.csv.gz",
        13,
        9_445,
    )


def test_20001_cells_by_hash(published, tmp_path):
    path = there(published / "nb101" / "validation_4_budgets_one_repeat_20001_cells.csv.gz")
    budgets = (4, 12, 36, 108)
    columns = [ColumnMap(f"val_acc_{e}", "cifar10", "valid_accuracy", epochs=e, scale=100) for e in budgets]
    columns.append(ColumnMap("trainable_parameters", "cifar10", "recorded_params"))
    mapping = TableMapping("nb101", (FileMap(tuple(columns), "hash", "hash"),))
    bench = nk.convert(path, tmp_path / "out.h5", mapping=mapping, partial=True)
    assert bench.info["missing_networks"] == 423_624 - 20_001
    file = pd.read_csv(path, dtype={"adjacency": str, "ops": str})
    X = bench.space.from_hash(file["hash"])
    for e in budgets:
        assert same(bench.query(X, "valid_accuracy", epochs=e), file[f"val_acc_{e}"] * 100)
    assert (bench.query(X, "params") == file["trainable_parameters"]).all()
    assert (bench.query(X, "recorded_params") == file["trainable_parameters"]).all()


def test_all_known_macronas_networks(published, tmp_path):
    path = there(published / "macronas" / "cifar10_known_validation.csv")
    mapping = TableMapping("macronas", (FileMap((ColumnMap("val_acc", "cifar10", "valid_accuracy"),), "arch"),))
    start = time.perf_counter()
    bench = nk.convert(path, tmp_path / "out.h5", mapping=mapping, partial=True)
    seconds = time.perf_counter() - start
    file = pd.read_csv(path)
    assert (bench.query(bench.space.encode(file["arch"]), "valid_accuracy") == file["val_acc"]).all()
    assert bench.info["missing_networks"] == 208_537 - 230
    assert seconds < 2  # listing the genotypes would take eight
