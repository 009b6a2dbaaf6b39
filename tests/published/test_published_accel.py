"""Accel-NASBench's published measurements. Skipped where the data is absent."""

from __future__ import annotations

import json
import tarfile

import numpy as np
import pytest

import nasbench_kit as nk
from tests.spaces.test_accel_nasbench import counted


@pytest.fixture(scope="module")
def path(published):
    found = published / "accel-nasbench" / "anb_dataset_jsons.tar.gz"
    if not found.exists():
        pytest.skip(f"{found} is absent")
    return found


@pytest.fixture(scope="module")
def records(path):
    """The files as the standard library reads them, by number."""
    with tarfile.open(path) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        found = {int(m.name.split("_")[-1].split(".")[0]): json.load(archive.extractfile(m)) for m in members}
    return [found[number] for number in range(len(found))]


@pytest.fixture(scope="module")
def bench(path, tmp_path_factory):
    return nk.convert(path, tmp_path_factory.mktemp("accel") / "accel.h5")


def test_every_value_of_every_measurement(bench, records):
    assert (len(records), len(bench)) == (5138, 5125)
    assert "the SHA-256 that others who downloaded it report" in bench.info["verified_by"]
    X = bench.space.encode([record["architecture"] for record in records])
    _, network, times = np.unique(X, axis=0, return_inverse=True, return_counts=True)
    assert (times == 2).sum() == 13
    trial = np.array([int((network[:i] == label).any()) for i, label in enumerate(network)])
    for metric in bench.metrics():
        if metric in ("params", "flops", "recorded_flops"):
            continue
        device = metric.removesuffix("_std")
        what = device.split("_")[0]
        own = {"valid_accuracy": "val_top1", "valid_top5_accuracy": "val_top5", "training_time": "train_time"}.get(
            metric
        )
        kind = f"{what}_std" if metric != device else f"{what}_mean"
        values = [r["metrics"][own] if own else r["platform_perf"][device][kind] for r in records]
        expected = np.array([np.nan if value is None else value for value in values])
        found = np.where(trial, bench.query(X, metric, seed=1), bench.query(X, metric, seed=0))
        np.testing.assert_array_equal(found, expected)
    accuracy = bench.query(X, "valid_accuracy")
    assert (np.nanmin(accuracy), np.nanmax(accuracy)) == (42.85, 67.052)


def test_costs_are_the_recorded_ones(bench, records):
    """Parameters from the definition in all records; the recorded multiply-adds as thop 0.1 counts them."""
    X = bench.space.encode([record["architecture"] for record in records])
    params = [round(record["model_info"]["params"] * 1e6) for record in records]
    assert bench.space.cost(X, "params", dataset="imagenet").tolist() == params
    macs = [round(record["model_info"]["macs"] * 1e6) for record in records]
    assert [counted(record["architecture"])[2] for record in records] == macs
    assert bench.query(X, "recorded_flops").tolist() == macs


def test_a_search_is_restricted_to_what_is_stored(bench):
    with pytest.warns(nk.PartialTableWarning, match="stores 5,125 of the 104,485,552,128 networks"):
        problem = bench.problem(["valid_accuracy", "throughput_a100"])
    result = nk.search(problem, nk.NSGA2(population_size=20), runs=5, evaluations=300)
    for run in range(5):
        X, _ = result.archive(run)
        assert (bench.records(X) >= 0).all()
    assert (result.hypervolume() > 0).all()
    single = bench.problem("valid_accuracy", missing="nearest")
    whole = nk.search(single, nk.RandomSearch(), evaluations=100_000)
    assert whole.best("valid_accuracy") == 67.052  # has drawn every stored row, by all odds


def test_the_230_networks_of_macronas(published, tmp_path):
    """A table of 0.1% of its space, whose genotypes are found by their networks."""
    import pandas as pd

    csv = published / "macronas" / "cifar10_known_validation.csv"
    if not csv.exists():
        pytest.skip(f"{csv} is absent")
    table = pd.read_csv(csv)
    records = {
        row["arch"]: {"MMACs": row["MMACs"], "Params": int(row["Params"]), "val_acc": row["val_acc"], "test_acc": 0.0}
        for row in table.to_dict("records")
    }
    path = tmp_path / "known.json"
    path.write_text(json.dumps(records))
    bench = nk.convert(path, tmp_path / "known.h5", partial=True)
    with pytest.warns(nk.PartialTableWarning, match=r"of the 208,537 networks of macronas"):
        problem = bench.problem(["valid_accuracy", "mmacs"])
    for algorithm in (nk.RandomSearch(), nk.MOGOMEA(), nk.MOLocalSearch()):
        result = nk.search(problem, algorithm, runs=3, evaluations=1000)
        for run in range(3):
            X, F = result.archive(run)
            assert (X[:, None] == bench.architectures[None]).all(axis=2).any(axis=1).all()
            np.testing.assert_array_equal(F, problem(X))
        assert (result.hypervolume() > 0.5).all()
