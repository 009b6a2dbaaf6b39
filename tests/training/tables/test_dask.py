"""Training on Dask: the same bits as without, on workers started here and on those of a running scheduler."""

from __future__ import annotations

import sys

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import nasbench_kit as nk
from nasbench_kit.cli.main import main
from nasbench_kit.training.setting import make_setting
from nasbench_kit.training.tables.cluster import dask_executor
from nasbench_kit.training.tables.making import train_table

WORDS = (
    "train",
    "genetic-cnn",
    "--sample",
    "2",
    "--epochs",
    "1",
    "--seeds",
    "2",
    "--skeleton",
    "hidden=16",
    "kernel=5",
)


def values(bench):
    names = ("train_accuracy", "valid_loss", "test_loss", "params")
    return [bench.query(bench.architectures, name, seed=seed) for name in names for seed in (0, 1)]


def test_dask_gives_the_same_bits(few_images, tmp_path, capfd):
    words = [*WORDS, "--dataset", str(few_images), "--recipe", "digits"]
    distributed = pytest.importorskip("distributed")
    assert main([*words, "--output", str(tmp_path / "here.h5"), "--processes", "1"]) == 0
    here = nk.open(tmp_path / "here.h5")
    assert main([*words, "--output", str(tmp_path / "local.h5"), "--dask", "local", "--processes", "1"]) == 0
    np.testing.assert_array_equal(values(nk.open(tmp_path / "local.h5")), values(here))
    capfd.readouterr()
    where = {"processes": False, "protocol": "tcp"}  # a process of its own is above
    with distributed.LocalCluster(1, threads_per_worker=2, dashboard_address=None, **where) as cluster:
        words += ["--output", str(tmp_path / "there.h5"), "--dask", cluster.scheduler_address]
        assert main([*words, "--checkpoints", str(tmp_path / "states")]) == 0
        np.testing.assert_array_equal(values(nk.open(tmp_path / "there.h5")), values(here))
        assert list((tmp_path / "states").iterdir()) == []  # there were some, and they have done their duty
        assert not (tmp_path / "there.h5.parts" / "checkpoints").exists()
        # an error on a worker is that error here
        setting = make_setting("genetic-cnn", "digits", epochs=1)
        X = nk.space("genetic-cnn").sample(1, 0)
        with (
            dask_executor(cluster.scheduler_address) as executor,
            pytest.raises(nk.UnknownName, match="unknown device 'gpu'"),
        ):
            train_table(setting, X, [0], tmp_path / "x.h5", executor=executor, device="gpu")


def test_no_scheduler_is_one_line(tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("nasbench_kit.experiments.dask_client.CONNECT_TIMEOUT", 0.5)
    for address in ("tcp://127.0.0.1:9", "nonsense", "http://127.0.0.1:9"):
        assert main([*WORDS, "--output", str(tmp_path / "x.h5"), "--dask", address]) == 2
        err = capsys.readouterr().err
        assert f"no Dask scheduler answers at '{address}'" in err
        assert len(err.splitlines()) == 1


def test_without_dask_the_message_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*WORDS, "--output", str(tmp_path / "x.h5"), "--dask", "local"]) == 2
    assert "pip install 'nasbench-kit[dask]'" in capsys.readouterr().err
