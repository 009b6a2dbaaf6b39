"""The loader of NATS-Bench's size files on files in the official format with made-up values."""

from __future__ import annotations

import bz2
import pickle
import shutil

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.benchmark.validation import validate
from nasbench_kit.loaders import load, recognise, store_name
from nasbench_kit.loaders.official import ask_official
from tests.official.nats_size import NAMES, SIZE, states
from tests.official.nb201 import states as topology_states
from tests.official.nb201 import write_nats_file, write_nats_simple, write_nats_tar

SPACE = nk.space("nats-size")
INDICES = (0, 11, 30_000)
# metrics, and where a trial of this many epochs has them
SETS = {
    "cifar10-valid": {"valid": "x-valid", "test": "ori-test"},
    "cifar10": {"test": "ori-test"},
    "cifar100": {"valid": "x-valid", "test": "x-test", "original_test": "ori-test"},
    "ImageNet16-120": {"valid": "x-valid", "test": "x-test", "original_test": "ori-test"},
}


def assert_size_records(bench, infos):
    """Every final value of every trial, and every value of every epoch of the curves where they are stored."""
    for index, found in infos.items():
        x = SPACE.from_official_index([index])
        for name, state in found.items():
            budget = int(name)
            for (dataset, seed), rc in state["all_results"].items():
                for what, series in (("accuracy", "acc1es"), ("loss", "losses")):
                    values = {"train": rc[f"train_{series}"][budget - 1]}
                    for part, key in SETS[dataset].items():
                        values[part] = rc[f"eval_{series}"][f"{key}@{budget - 1}"]
                    for part, value in values.items():
                        at = {"dataset": dataset, "epochs": budget, "seed": seed}
                        assert bench.query(x, f"{part}_{what}", **at)[0] == value
                    curves = f"{dataset}-curves-{budget}"
                    if curves in bench.datasets and what == "accuracy":
                        for epoch in range(1, budget + 1):
                            here = bench.query(x, "test_accuracy", dataset=curves, epochs=epoch, seed=seed)[0]
                            assert here == rc["eval_acc1es"][f"{SETS[dataset]['test']}@{epoch - 1}"]
                seconds = bench.query(x, "training_time", dataset=dataset, epochs=budget)[0]
                assert seconds == pytest.approx(sum(rc["train_times"].values()), rel=1e-12)


@pytest.fixture(scope="module")
def infos():
    return {index: states(index) for index in INDICES}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nats-size")
    write_nats_simple(folder / "folder", INDICES, kind=SIZE)
    write_nats_tar(folder / "archive.tar", INDICES, kind=SIZE)
    write_nats_file(folder / "single.pickle.pbz2", INDICES, kind=SIZE)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["folder", "archive.tar", "single.pickle.pbz2"])
def test_every_value_arrives(written, tmp_path, infos, name):
    assert recognise(written / name) == "nats"
    assert store_name(written / name, None, None) == "nats-size"
    bench = nk.convert(written / name, tmp_path / "out.h5", partial=True)
    assert bench.space is SPACE
    assert bench.datasets == tuple(SETS)
    assert SPACE.official_index(bench.architectures).tolist() == list(INDICES)
    assert bench.epochs("cifar100", "valid_accuracy") == (1, 12, 90)
    assert bench.seeds("cifar100", "valid_accuracy") == (777, 888, 999)
    assert np.isnan(bench.query(bench.architectures, "test_loss", dataset="cifar10", epochs=90, seed=888)).all()
    assert "valid_accuracy" not in bench.metrics("cifar10")
    assert bench.info["missing_architectures"] == 32768 - len(INDICES)
    assert "1 and 12 and 90 epochs are separate trainings" in bench.info["notes"]
    assert "recorded params that differ from the definition: 0" in bench.info["content"]
    assert_size_records(bench, infos)
    curves = nk.convert(written / name, tmp_path / "curves.h5", partial=True, curves=True)
    assert set(curves.datasets) - set(bench.datasets) == {f"{d}-curves-{e}" for d in SETS for e in (12, 90)}
    assert_size_records(curves, infos)


@pytest.mark.slow
def test_a_table_without_its_meta_file(written, tmp_path):
    folder = shutil.copytree(written / "folder", tmp_path / "folder")
    (folder / "meta.pickle.pbz2").unlink()
    with pytest.raises(nk.SourceError, match=r"lacks meta\.pickle\.pbz2"):
        load(folder)
    assert load(folder, partial=True).space.name == "nats-size"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("meta", {"meta_archs": NAMES[:100]}, "expected a list of 32768 architectures, not 100"),
        ("meta", {"meta_archs": [*NAMES[1:], NAMES[0]]}, "architecture 0 must be 8:8:8:8:8"),
        ("000011", states(12), "the state is that of 12, .*8:8:8:16:40.*the official index says 8:8:8:16:32"),
        ("000011", topology_states(11), "architecture 11, 1 epochs: key '01'"),
        ("040000", states(11), "from 0 to 32767, not 40000"),
    ],
)
def test_a_folder_with_something_wrong(written, tmp_path, name, content, message):
    folder = shutil.copytree(written / "folder", tmp_path / "folder")
    (folder / f"{name}.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(content, 4)))
    with pytest.raises(nk.SourceError, match=message):
        load(folder, partial=True, source_format="nats")


@pytest.mark.parametrize("name", ["folder", "single.pickle.pbz2"])
def test_the_official_package_agrees(written, tmp_path, name):
    pytest.importorskip("nats_bench")
    bench = nk.convert(written / name, tmp_path / "out.h5", partial=True)
    official = lambda indices, ask: ask_official(written / name, "nats", indices, ask)  # noqa: E731
    checks = validate(bench.path, official=official)
    assert all(check.passed for check in checks), checks
    assert any("values of 3 architectures are equal" in check.found for check in checks)
