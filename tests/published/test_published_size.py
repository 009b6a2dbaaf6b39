"""NATS-Bench's size search space on genuine records. Skipped where the data is absent."""

from __future__ import annotations

import bz2
import pickle

import pytest

import nasbench_kit as nk
from nasbench_kit.benchmark.validation import validate
from nasbench_kit.loaders import load
from nasbench_kit.loaders.official import ask_official
from tests.loaders.test_nats_size import assert_size_records


@pytest.fixture(scope="module")
def folder(published):
    found = published / "nats-size" / "NATS-sss-v1_0-50262-simple"
    if not found.exists():
        pytest.skip(f"{found} is absent")
    return found


@pytest.fixture(scope="module")
def bench(folder, tmp_path_factory):
    return nk.convert(folder, tmp_path_factory.mktemp("size") / "size.h5", partial=True, curves=True)


def test_every_value_of_the_genuine_records(bench, folder):
    infos = {
        index: pickle.loads(bz2.decompress((folder / f"{index:06d}.pickle.pbz2").read_bytes())) for index in (0, 11)
    }
    assert_size_records(bench, infos)
    assert len(bench) == 2
    assert bench.info["known_members"].startswith("3 of the 3 members")
    for index, found in infos.items():
        x = bench.space.from_official_index([index])
        for state in found.values():
            for (dataset, _), rc in state["all_results"].items():
                costs = bench.query(x, ["params", "flops", "recorded_params", "recorded_flops"], dataset=dataset)[0]
                assert costs.tolist() == [round(1e6 * rc[name]) for name in ("params", "flop")] * 2


def test_published_figures_of_record_11(bench):
    x = bench.space.encode(["8:8:8:16:32"])
    at = {"dataset": "cifar10-valid", "seed": 777}
    for epochs, train, test in ((12, 75.388, 73.94), (90, 90.06, 83.35)):
        found = bench.query(x, ["train_accuracy", "test_accuracy"], epochs=epochs, **at)[0]
        assert found == pytest.approx([train, test], abs=1e-6)
    assert bench.query(x, "training_time", epochs=1, **at)[0] == pytest.approx(2.93992, abs=5e-6)
    costs = (
        bench.space.cost(x, "params", dataset="cifar10-valid"),
        bench.space.cost(x, "flops", dataset="cifar10-valid"),
    )
    assert costs == (49_202, 6_840_650)


def test_the_official_package_agrees(bench, folder):
    pytest.importorskip("nats_bench")
    checks = validate(
        bench.path,
        source=lambda curves: load(folder, partial=True, curves=curves),
        official=lambda indices, ask: ask_official(folder, "nats", indices, ask),
    )
    assert all(check.passed for check in checks), checks
