"""Making tables: every space and kind of dataset, killed and resumed, over processes, threads and Dask; every mistake one line."""

from __future__ import annotations

import dataclasses
import hashlib
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

import nasbench_kit as nk  # noqa: E402
from nasbench_kit.benchmark.validation import validate  # noqa: E402
from nasbench_kit.cli.main import main  # noqa: E402
from nasbench_kit.errors import MissingExtra  # noqa: E402
from nasbench_kit.training.datasets import cifar  # noqa: E402
from nasbench_kit.training.recipes import Recipe  # noqa: E402
from nasbench_kit.training.setting import make_setting, train_genotypes  # noqa: E402
from nasbench_kit.training.tables.choice import choose_networks  # noqa: E402
from nasbench_kit.training.tables.making import train_table  # noqa: E402
from tests.official.images import cifar_files, write_cifar  # noqa: E402
from tests.training.networks.counting import params  # noqa: E402
from tests.training.spaces import TRAINABLE  # noqa: E402

SMALL = ("genetic-cnn", "--skeleton", "hidden=16", "channels=4,8,8", "kernel=5")  # trained one at a time
MEASURED = ("train_accuracy", "valid_accuracy", "test_accuracy", "train_loss", "valid_loss", "test_loss")


@pytest.fixture
def call(capsys, tmp_path):
    """Run a `train` that writes to tmp_path / table.h5; returns the status, the store if there is one, and stderr."""

    def run(*words, output="table.h5"):
        try:
            status = main(["train", *map(str, words), "--output", str(tmp_path / output)])
        except SystemExit as stop:
            status = stop.code
        err = capsys.readouterr().err
        return status, nk.open(tmp_path / output) if status == 0 else None, err

    return run


def values(bench, names=MEASURED):
    """Everything that a store has of these metrics: (architectures, metrics, epochs, seeds)."""
    found = [
        [[bench.query(bench.architectures, n, epochs=e, seed=s) for s in bench.seeds()] for e in bench.epochs()]
        for n in names
    ]
    return np.moveaxis(np.array(found), -1, 0)


@pytest.mark.parametrize("name", TRAINABLE)
def test_every_space_on_the_digits(few_digits, call, name):
    status, bench, err = call(name, "--sample", 2, "--epochs", 1, "--seeds", 1, "--processes", 1)
    assert (status, len(bench), bench.datasets, bench.seeds()) == (0, 2, ("digits",), (0,)), err
    X, space = bench.architectures, nk.space(name)
    np.testing.assert_array_equal(space.canonical(X), X)
    setting = make_setting(name, "digits", epochs=1)
    assert bench.info["setting"] == setting.identity
    fields = {field.name for field in dataclasses.fields(Recipe)} - {
        "norm_momentum",
        "norm_epsilon",
    }  # where they are set
    assert set(bench.info["recipe"]) >= fields | {"torch", "processor"}
    alone = train_genotypes(setting, X, (0,), device="cpu")
    for metric in MEASURED:
        np.testing.assert_allclose(bench.query(X, metric), alone[metric][:, -1, 0], rtol=1e-6)
    assert (bench.query(X, "training_time") > 0).all()
    assert bench.query(X, "params").tolist() == [params(setting.network(x, 0)) for x in X]
    for cost in space.cost_names:
        np.testing.assert_array_equal(bench.query(X, cost), space.cost(X, cost, dataset="digits"))
    assert all(check.passed for check in validate(bench.path))


def test_images_of_ones_own_in_another_skeleton(call, tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    np.savez(tmp_path / "mine.npz", images=rng.normal(labels[:, None, None], 1, (90, 8, 8)), labels=labels)
    words = ("nb201", "--dataset", tmp_path / "mine.npz", "--recipe", "digits", "--epochs", 2, "--seeds", 2)
    skeleton = ("--skeleton", "cells=1", "channels=4,6", "reduction=pool")
    status, bench, err = call(*words, *skeleton, "--sample", 2, "--processes", 1)
    assert status == 0, err
    assert (bench.datasets, bench.epochs(), bench.seeds()) == (("mine",), (1, 2), (0, 1))
    setting = make_setting(
        "nb201",
        str(tmp_path / "mine.npz"),
        recipe="digits",
        epochs=2,
        skeleton={"cells": 1, "channels": (4, 6), "reduction": "pool"},
    )
    assert bench.info["setting"] == setting.identity
    assert bench.info["images_sha256"] == setting.data.digest
    assert "licence" not in bench.info
    others = nk.space("nb201").sample(20, 1)  # a cost is that of the genotype in this table's skeleton, trained or not
    assert bench.query(others, "params").tolist() == [params(setting.network(x, 0)) for x in others]
    assert bench.query(others[:3], "flops").tolist() == bench.query(others, ["flops", "params"])[:3, 0].tolist()
    assert np.isnan(bench.query(others, "valid_accuracy")).sum() >= 15
    times = [bench.query(bench.architectures, "training_time", epochs=e, seed=1) for e in (1, 2)]
    assert (times[1] > times[0]).all()
    assert all(check.passed for check in validate(bench.path))


def test_a_published_dataset_without_validation_images(call, tmp_path, monkeypatch):
    files = cifar_files(10, 60, 20)
    write_cifar(tmp_path / "cifar-10-batches-py", files)
    words = ("nas-bench-macro", "--dataset", "cifar10", "--sample", 2, "--epochs", 1, "--seeds", 1, "--processes", 1)
    status, _, err = call(*words, "--data", tmp_path)
    assert status == 2
    assert "is damaged or not the published file" in err
    md5 = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    monkeypatch.setitem(cifar.CIFAR, 10, dataclasses.replace(cifar.CIFAR[10], files=md5))
    small = ("--skeleton", "stem=2", "channels=2,3,4", "head=8")
    status, bench, err = call(*words, "--data", tmp_path, *small)
    assert status == 0, err
    stored = ("train_accuracy", "train_loss", "test_accuracy", "test_loss", "training_time", "params", "flops")
    assert bench.metrics() == stored
    assert bench.info["recipe"]["augmentation"] == "crop-flip"
    X = bench.architectures
    assert not np.isnan(bench.query(X, list(stored))).any()
    assert (bench.query(X, "params") < nk.space("nas-bench-macro").cost(X, "params", dataset="cifar10")).all()


def test_the_auxiliary_head_is_trained_and_not_counted(few_digits, tmp_path):
    recipe = Recipe(epochs=1, auxiliary=0.4)
    setting = make_setting("nsga-net-micro", "digits", recipe=recipe)
    bench = train_table(setting, nk.space("nsga-net-micro").sample(1, 0), [0], tmp_path / "a.h5", processes=1)
    plain = make_setting("nsga-net-micro", "digits", epochs=1)
    assert bench.query(bench.architectures, "params")[0] == params(plain.network(bench.architectures[0], 0))
    assert bench.info["recipe"]["auxiliary"] == 0.4


def test_architectures_of_a_file(few_digits, call, tmp_path):
    space = nk.space("nas-bench-macro")
    natives = ["22212220", "00000000", "22212220"]
    (tmp_path / "mine.txt").write_text("\n".join(natives) + "\n")
    words = ("nas-bench-macro", "--file", tmp_path / "mine.txt", "--epochs", 1, "--seeds", 1, "--processes", 1)
    status, bench, err = call(*words)
    assert status == 0, err
    assert sorted(space.decode(bench.architectures)) == sorted(set(natives))
    status, _, err = call(*words, "--sample", 3)
    assert (status, len(err.splitlines())) == (2, 1)


def test_networks_are_drawn_not_genotypes():
    for name, networks in (("nas-bench-macro", 3969), ("nb101", 423624), ("nb201", 5524)):
        space = nk.space(name)
        everything = choose_networks(space)
        assert len(everything) == networks == len(np.unique(space.key(everything)))
        np.testing.assert_array_equal(space.canonical(everything[::100]), everything[::100])
        drawn = choose_networks(space, 500, 3)
        assert len(np.unique(space.key(drawn))) == 500
        np.testing.assert_array_equal(drawn, choose_networks(space, 500, 3))
        assert (drawn != choose_networks(space, 500, 4)).any()
        with pytest.raises(ValueError, match="fewer than"):
            choose_networks(space, networks + 1)
    for name in ("nsga-net-macro", "nsga-net-micro"):
        drawn = choose_networks(nk.space(name), 50, 0)
        assert len(np.unique(nk.space(name).key(drawn))) == 50
        with pytest.raises(ValueError, match=r"nsga-net-m.cro has .* (networks|genotypes), too many"):
            choose_networks(nk.space(name))


def test_threads_processes_and_none_give_the_same_bits(few_images, tmp_path):
    setting = make_setting("genetic-cnn", str(few_images), recipe="digits", epochs=1, skeleton={"hidden": 16})
    X = nk.space("genetic-cnn").sample(3, 0)
    here = train_table(setting, X, (0, 1), tmp_path / "here.h5", processes=1)
    with ThreadPoolExecutor(3) as threads:
        beside = train_table(setting, X[::-1], (1, 0, 1), tmp_path / "threads.h5", executor=threads)
    shares = []
    apart = train_table(setting, X, (0, 1), tmp_path / "apart.h5", processes=2, progress=shares.append)
    assert shares == pytest.approx([i / 6 for i in range(7)])
    for other in (beside, apart):
        np.testing.assert_array_equal(other.architectures, here.architectures)
        np.testing.assert_array_equal(values(other), values(here))
    assert not list((tmp_path / "apart.h5.parts").glob("checkpoints/*"))


def test_workers_that_have_other_images_are_refused(tmp_path):
    setting = make_setting("genetic-cnn", "digits", epochs=1)
    other = dataclasses.replace(setting.data, split=setting.data.split[::-1])

    class Elsewhere(ThreadPoolExecutor):
        def submit(self, work, sent, *rest):
            class Changed(type(sent)):
                data = other

            return super().submit(work, Changed(**vars(sent)), *rest)

    with Elsewhere(1) as executor, pytest.raises(ValueError, match="differ from those of the other trainings"):
        train_table(setting, nk.space("genetic-cnn").sample(1, 0), [0], tmp_path / "x.h5", executor=executor)


@pytest.fixture
def started(tmp_path):
    """Start a long `train` in a process group of its own; what is left of it is killed afterwards."""
    groups = []

    def start(*words):
        command = [sys.executable, "-m", "nasbench_kit", "train", *map(str, words)]
        environment = {**os.environ, "PYTHONPATH": str(Path(nk.__file__).parent.parent)}
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        groups.append(process)
        return process

    yield start
    for process in groups:
        if members(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()


def members(session):
    """The processes of a session that are alive."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of = path.read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):  # it has ended meanwhile
            continue
        if int(of) == session and state != "Z":
            found.append(int(path.parent.name))
    return found


def wait_for(condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at Linux's /proc")


@needs_proc
def test_killed_in_the_middle_it_goes_on_to_the_same_bits(few_images, call, started, tmp_path):
    words = (*SMALL, "--dataset", few_images, "--recipe", "digits", "--sample", 2, "--seeds", 3, "--epochs", 8)
    parts = tmp_path / "table.h5.parts"
    process = started(*words, "--output", "table.h5", "--processes", 2)
    wait_for(lambda: list(parts.glob("part-*.npz")) or process.poll() is not None)
    wait_for(lambda: list(parts.glob("checkpoints/*/*.pt")) or process.poll() is not None)
    process.kill()  # the parent alone
    assert process.wait(timeout=20) == -signal.SIGKILL
    wait_for(lambda: not members(process.pid), 20)  # its workers end with it
    assert not (tmp_path / "table.h5").exists()
    finished = {path: path.stat().st_mtime_ns for path in parts.glob("part-*.npz")}
    assert finished
    status, resumed, err = call(*words, "--processes", 1)
    assert status == 0, err
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    status, whole, err = call(*words, "--processes", 1, output="whole.h5")
    assert status == 0, err
    np.testing.assert_array_equal(resumed.architectures, whole.architectures)
    np.testing.assert_array_equal(values(resumed), values(whole))


@needs_proc
def test_ctrl_c_is_one_line_and_ends_the_workers(started, tmp_path):
    process = started(*SMALL, "--sample", 4, "--epochs", 500, "--output", "b.h5", "--processes", 2)
    checkpoints = tmp_path / "b.h5.parts" / "checkpoints"
    wait_for(lambda: len(list(checkpoints.glob("*/*.pt"))) == 2)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert process.wait(timeout=20) == 130
    wait_for(lambda: not members(process.pid), 20)
    assert process.stderr.read() == "nasbench-kit: interrupted; what was written before is untouched\n"


def test_a_worker_that_dies_is_one_line(call, tmp_path):
    def kill():
        wait_for(lambda: len(list((tmp_path / "table.h5.parts").glob("checkpoints/*/*.pt"))) == 2)
        multiprocessing.active_children()[0].kill()

    with ThreadPoolExecutor(1) as beside:
        killed = beside.submit(kill)
        status, _, err = call(*SMALL, "--sample", 4, "--epochs", 500, "--processes", 2)
        killed.result()
    assert status == 2
    assert "a worker process died" in err
    assert len(err.splitlines()) == 1


def test_parts_of_other_trainings_are_refused(few_digits, call, tmp_path):
    words = [*SMALL, "--sample", 1, "--epochs", 1, "--seeds", 1, "--processes", 1]
    assert call(*words, "--skeleton", "hidden=8", "classes=7")[0] == 2  # begun, but nothing came of it
    assert call(*words)[0] == 0
    for change, message in (
        (("--epochs", 2), "recipe epochs is 1 there and 2 now"),
        (("--seeds", 2), r"seeds is \[0\] there and \[0, 1\] now"),
        (("--seed", 1), "genotypes is "),
        (("--recipe", "nb201"), "recipe batch_size is 100 there and 256 now"),
        (("--skeleton", "hidden=8"), "skeleton channels is"),
    ):
        status, _, err = call(*words, *change)
        assert status == 2
        assert len(err.splitlines()) == 1

        assert re.search(f"table.h5.parts holds parts of other work: .*{message}", err), err
    part = tmp_path / "table.h5.parts" / "part-000000.npz"
    whole = part.read_bytes()
    for content in (b"", whole[:200], whole[:-30]):
        part.write_bytes(content)
        status, _, err = call(*words)
        assert status == 2
        assert "part-000000.npz is damaged" in err
    part.unlink()
    assert call(*words)[0] == 0
    (tmp_path / "table.h5.parts" / "claim.json").write_text("{")
    assert "claim.json is damaged" in call(*words)[2]


def test_a_full_disk_is_one_line(few_digits, call, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    words = [*SMALL, "--sample", 1, "--epochs", 1, "--seeds", 1, "--processes", 1]
    monkeypatch.setattr(Path, "write_bytes", full)
    status, _, err = call(*words)
    assert status == 2
    assert len(err.splitlines()) == 1
    assert "cannot be written: No space left on device" in err
    monkeypatch.undo()
    monkeypatch.setattr(Path, "mkdir", full)
    status, _, err = call(*words, output="other.h5")
    assert status == 2
    assert "the folder for finished parts, cannot be used: No space left on device" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nb20"], "did you mean 'nb201'"),
        (["nb201", "--dataset", "digit"], "did you mean 'digits'"),
        (["nb201", "--recipe", "nb200"], "unknown recipe 'nb200'"),
        (["nb201", "--sample", "0"], "--sample must be a number of networks or 'all', not '0'"),
        (["nb201", "--sample", "many"], "or 'all', not 'many'"),
        (["nb201", "--sample", "5525"], "nb201 has 5,524 networks, fewer than 5,525"),
        (["nsga-net-macro"], "nsga-net-macro has 1,713,783,168,063 networks, too many to train them all"),
        (["nsga-net-micro"], "nsga-net-micro has 3.3e[+]30 genotypes, too many"),
        (["nb201", "--epochs", "0"], "epochs .* at least 1, not 0"),
        (["nb201", "--seeds", "0"], "--seeds must be at least 1, not 0"),
        (["nb201", "--seed", "-1", "--sample", "1"], "--seed must be at least 0, not -1"),
        (["nb201", "--sample", "1", "--processes", "0"], "processes must be at least 1, not 0"),
        (["nb201", "--dataset", "cifar10", "--sample", "1"], r"get cifar-10-python.tar.gz .*kriz/cifar.html"),
        (["nb201", "--dataset", "absent.npz"], "absent.npz: no such file"),
        (["nb201", "--skeleton", "channel=3"], "did you mean 'channels'"),
        (["nb201", "--skeleton", "channels"], "--skeleton takes NAME=VALUE"),
        (["nb201", "--skeleton", "channels=4,x"], "channels must be positive integers"),
        (["nb201", "--device", "gpu", "--sample", "1"], "unknown device 'gpu'"),
        (["nb201", "--file", "absent.txt"], "absent.txt cannot be read"),
        (["nb201", "--dask", "tcp://127.0.0.1:9", "--processes", "2"], "give --processes or --dask"),
        (["nb201", "--sample", "1", "--output", "absent/mine.h5"], "there is no folder"),
    ],
)
def test_every_mistake_is_one_line(capsys, tmp_path, monkeypatch, words, message):

    monkeypatch.setenv("NASBENCH_KIT_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["train", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(message, err), err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_errors_of_workers_come_back_as_they_are():
    for error in (
        nk.UnknownName("device", "gpu", ["cpu"]),
        MissingExtra("training", "train"),
        nk.StoreError("full"),
        nk.InvalidArchitecture("row 0"),
    ):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), str(error))
