"""A store written as a table and converted again is the same store."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main
from nasbench_kit.data import found_stores
from nasbench_kit.loaders.mapping import read_mapping
from nasbench_kit.metrics import Metric
from nasbench_kit.store import MetricColumn, StoreFile, Table, write_store

ODD = 'it\'s "odd",\n\\ tab\t, del\x7f, ü 😀'


def made_up(path, space="nb201", rows=40):
    """A store with every combination of axes, dtypes, and metrics that only their store describes."""
    space, rng = nk.space(space), np.random.default_rng(0)
    X = np.unique(space.sample(rows, rng), axis=0)
    n = len(X)

    def some(*shape, scale=100.0, dtype=np.float64):
        values = (scale * rng.random((n, *shape))).astype(dtype)
        if values.dtype.kind == "f":
            values[rng.random(values.shape) < 0.2] = np.nan
        return values

    single = some(2, 3)
    single[:, :, 0] = np.where(np.isnan(single[:, :, 1:]).all(axis=2), single[:, :, 0], np.nan)
    metrics = {
        "c10": {
            "valid_accuracy": MetricColumn(single, (4, 12), (-1, 777, 888)),  # single trials, or else their mean
            "test_accuracy": MetricColumn(some(2, dtype=np.float32), (4, 12)),
            "train_accuracy": MetricColumn(some(2, scale=0.9), (4, 12)),  # percent, though it looks like fractions
            "train_loss": MetricColumn(some(1, 2, scale=3), (12,), (0, 1)),
            "latency_x": MetricColumn(some(dtype=np.int32)),
        },
        "my data": {
            "val_acc": MetricColumn(some(), about=Metric("val_acc", "", None)),
            "proxy_x": MetricColumn(some(), about=Metric("proxy_x", "bits", "min", (-1.0, np.inf))),
            "valid_odd": MetricColumn(some(), about=Metric("valid_odd", "", "max", split=None, depends_on_seed=False)),
        },
    }
    provenance = {
        "source": "made up",
        "licence": ODD,
        "nested": {"a b": [1, 2.5, True, "x"], "none": None},
        "year": 2026,
    }
    return write_store(path, Table(space, X, metrics, provenance))


def assert_equal(one, other):
    one, other = StoreFile(one), StoreFile(other)
    np.testing.assert_array_equal(one.architectures, other.architectures)
    assert {d: set(m) for d, m in one.metrics.items()} == {d: set(m) for d, m in other.metrics.items()}
    for dataset, columns in one.metrics.items():
        for name, column in columns.items():
            again = other.metrics[dataset][name]
            assert (again.metric, again.epochs, again.seeds) == (column.metric, column.epochs, column.seeds)
            np.testing.assert_array_equal(other.array(again), one.array(column).astype(np.float64))


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
@pytest.mark.parametrize("space", ["nb201", "nb101", "nas-bench-macro"])
def test_round_trip(tmp_path, suffix, space):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    store = made_up(tmp_path / "one.h5", space)
    mapping = nk.export(store, tmp_path / f"table.{suffix}")
    again = nk.convert(tmp_path / f"table.{suffix}", tmp_path / "two.h5", mapping=mapping, partial=True, progress=False)
    assert_equal(store, again.path)
    assert again.info["licence"] == ODD
    assert again.info["nested"] == {"a b": [1, 2.5, True, "x"]}
    assert again.info["exported_from"] == {"benchmark": "one", "source": "made up"}
    assert again.info["source"] == f"table.{suffix}"


def test_the_same_store_gives_the_same_bytes(tmp_path):
    store = made_up(tmp_path / "one.h5")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        nk.export(nk.open(store), tmp_path / folder / "t.csv.gz")
    for name in ("t.csv.gz", "t.csv.gz.toml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_bundled_table_with_its_costs(tmp_path):
    path = found_stores()["nb201"].path
    mapping = nk.export(path, tmp_path / "t.csv", datasets=["cifar100"], metrics=["params", "test_accuracy"])
    frame = pd.read_csv(tmp_path / "t.csv", index_col="architecture")
    bench = nk.open(path)
    assert list(frame) == ["cifar100/test_accuracy@12", "cifar100/test_accuracy@200", "cifar100/params"]
    params = bench.query(bench.architectures, "params", dataset="cifar100")
    assert frame["cifar100/params"].tolist() == params.tolist()
    (source,) = read_mapping(mapping).provenance["sources"]  # the table's, not those of proxies and latencies
    assert source["columns"] == ["cifar100/test_accuracy"]
    assert not any(column.metric == "params" for column in read_mapping(mapping).files[0].columns)


def test_the_command(tmp_path, capsys):
    store = made_up(tmp_path / "one.h5")
    assert main(["export", str(store), "-o", str(tmp_path / "t.csv"), "--dataset", "c10"]) == 0
    shown = capsys.readouterr().out
    assert f"--mapping {tmp_path / 't.csv.toml'}" in shown
    words = ["convert", str(tmp_path / "t.csv"), str(tmp_path / "two.h5"), "--mapping", str(tmp_path / "t.csv.toml")]
    assert main([*words, "--partial"]) == 0
    assert nk.open(tmp_path / "two.h5").datasets == ("c10",)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "t.xlsx"], "is written as .csv, .csv.gz, .parquet"),
        (["-o", "nowhere/t.csv"], "no folder nowhere"),
        (["-o", "t.csv", "--dataset", "c11"], "unknown dataset 'c11'; did you mean 'c10'"),
        (["-o", "t.csv", "--metrics", "valid_acuracy"], "did you mean 'valid_accuracy'"),
    ],
)
def test_wrong_use_is_refused(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    store = made_up(tmp_path / "one.h5")
    assert main(["export", str(store), *words]) == 2
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.h5"]


def test_a_damaged_store_is_not_passed_on(tmp_path):
    store = made_up(tmp_path / "one.h5")
    opened = StoreFile(store)
    content = bytearray(store.read_bytes())
    content[opened.metrics["c10"]["valid_accuracy"].offset] ^= 1
    store.write_bytes(content)
    with pytest.raises(nk.StoreError, match="checksum"):
        nk.export(store, tmp_path / "t.csv")


def test_parquet_is_an_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(nk.MissingExtra, match=r"nasbench-kit\[parquet\]"):
        nk.export("nas-bench-macro", tmp_path / "t.parquet")
