"""Verifying stores by real training: a table that is right, tables that are not, and stores that cannot be verified so."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")
pytest.importorskip("sklearn", reason="training needs scikit-learn")

import nasbench_kit as nk  # noqa: E402
from nasbench_kit.cli.main import main  # noqa: E402
from nasbench_kit.store import MetricColumn, StoreFile, Table, write_store  # noqa: E402
from nasbench_kit.training.datasets import load_digits  # noqa: E402
from nasbench_kit.training.setting import make_setting, train_genotypes  # noqa: E402
from nasbench_kit.training.verification import parallel, verifying  # noqa: E402
from nasbench_kit.training.verification.verifying import verify  # noqa: E402

SMALL = {"sample": 5, "seeds": 2, "draw": "uniform", "seed": 3}


def copied(path, change=None, *, keep=None, drop=()):
    """A copy of the bundled table with other values, other rows, or without part of its provenance."""
    source = StoreFile(nk.open("nb201-digits").path)
    rows = np.arange(len(source.architectures)) if keep is None else keep
    metrics = {
        name: MetricColumn(np.array(source.array(column))[rows], column.epochs, column.seeds)
        for name, column in source.metrics["digits"].items()
    }
    if change is not None:
        change(metrics)
    info = {name: value for name, value in source.attributes.items() if name not in drop}
    kept = ("source", "recipe", "split", "notes")
    table = Table(
        source.space, source.architectures[rows], {"digits": metrics}, {k: info[k] for k in kept if k in info}
    )
    return write_store(path, table)


@pytest.fixture(scope="module")
def right():
    """The bundled table is verified once, for all tests that only look at the result."""
    return verify("nb201-digits", **SMALL, processes=1)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A table of trainings with their setting: user-supplied images and networks."""
    folder = tmp_path_factory.mktemp("own")
    digits = load_digits()
    np.savez(folder / "mine.npz", images=digits.images[::4], labels=digits.labels[::4])
    setting = make_setting(
        "nb201",
        str(folder / "mine.npz"),
        recipe="digits",
        epochs=2,
        skeleton={"cells": 1, "channels": (2, 4, 8)},
    )
    X = nk.space("nb201").sample(9, 0)
    trained = train_genotypes(setting, X, (0,), device="cpu")
    metrics = {
        name: MetricColumn(trained[name], (1, 2), (0,))
        for name in ("train_accuracy", "valid_accuracy", "test_accuracy")
    }
    return write_store(folder / "own.h5", Table(nk.space("nb201"), X, {"mine": metrics}, {"setting": setting.identity}))


@pytest.fixture
def repeated(monkeypatch):
    """Trainings of the bundled table's networks come from that table, which has them all, instead of being repeated."""
    bench = nk.open("nb201-digits")

    def train_in_workers(setting, X, seeds, *, progress, **_):
        assert (setting.space, setting.dataset, setting.recipe.epochs) == ("nb201", "digits", 8)
        total = len(X) * len(seeds)
        for done in range(total + 1):
            progress(done, total)
        names = bench.metrics()
        columns = [
            [[bench.query(X, name, epochs=epoch, seed=seed) for seed in range(len(seeds))] for epoch in range(1, 9)]
            for name in names
        ]
        found = {name: np.moveaxis(np.array(values), -1, 0) for name, values in zip(names, columns, strict=True)}
        return {**found, "seconds": np.ones((len(X), 8, len(seeds)))}

    monkeypatch.setattr(verifying, "train_in_workers", train_in_workers)


def test_the_bundled_table_is_not_contradicted(right):
    assert right.verdict == "not contradicted"
    assert right.reasons == ()
    assert right.assumed == ()
    assert right.training_seeds == (3, 4)
    assert right.setting["recipe"]["epochs"] == right.epochs == 8
    assert len(right.frame) == 15
    assert set(right.frame["table_seeds"]) == {3}
    assert [(check.metric, check.verdict) for check in right.checks[:2]] == [("params", "agrees"), ("flops", "agrees")]
    bench = nk.open("nb201-digits")
    first = right.frame.iloc[0]
    x = bench.space.encode([first["architecture"]])
    assert first["table_mean"] == pytest.approx(bench.query(x, "valid_accuracy")[0])
    trained = train_genotypes(make_setting("nb201", "digits"), x, (3, 4), device="cpu")["valid_accuracy"][0, -1]
    assert first["measured_mean"] == pytest.approx(trained.mean(), abs=1.5)  # alone it rounds otherwise
    assert "training_time" in right.undecided[-1]


def test_the_number_of_processes_changes_nothing(own, monkeypatch):
    monkeypatch.setattr(parallel, "STACK", 1)
    images = own.parent / "mine.npz"
    options = {"sample": 2, "seeds": 1, "images": images, "metrics": ["valid_accuracy"]}
    seen = []
    alone = verify(own, **options, processes=1, progress=lambda *numbers: seen.append(numbers))
    assert seen == [(0, 2), (1, 2), (2, 2)]
    assert alone.frame.equals(verify(own, **options, processes=2).frame)


def test_a_table_with_a_setting_of_its_own(own):
    found = verify(own, images=own.parent / "mine.npz", sample=8, seeds=2, processes=1)
    assert found.verdict == "not contradicted"
    assert found.setting == nk.open(own).info["setting"]
    assert found.assumed == ()
    assert set(found.frame["table_seeds"]) == {1}
    assert found.frame["table_sd"].isna().all()
    top = verify(own, images=own.parent / "mine.npz", sample=2, seeds=2, processes=1, draw="top")
    assert "luck" in " ".join(top.undecided)


def test_other_images_than_the_store_was_trained_on_are_refused(own, tmp_path):
    digits = load_digits()
    np.savez(tmp_path / "mine.npz", images=digits.images[1::4], labels=digits.labels[1::4])
    with pytest.raises(nk.StoreError, match="digest"):
        verify(own, images=tmp_path / "mine.npz")
    with pytest.raises(nk.SourceError, match="--images"):
        verify(own)
    with pytest.raises(nk.StoreError, match="split differs"):
        verify("nb201-digits", images=tmp_path / "mine.npz")
    with pytest.raises(ValueError, match="leave out --recipe"):
        verify("nb201-digits", recipe="nb201")


def test_forged_entries_are_found(repeated, tmp_path, capsys):
    """Some columns are changed in every row; the file is whole, its checksums are right."""

    def forge(metrics):
        for name in ("valid_accuracy", "test_accuracy"):
            metrics[name].values[:] -= 6
        metrics["params"].values[:] += 1

    rows = np.sort(np.random.default_rng(0).choice(5524, 300, replace=False))
    store = copied(tmp_path / "forged.h5", forge, keep=rows)
    words = [str(word) for word in ("verify", store, "--sample", 5, "--seeds", 2, "--processes", 1, "--json")]
    assert main(words) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "contradicted"
    verdicts = {(check["name"], check["metric"]): check["verdict"] for check in found["checks"]}
    assert verdicts["entries", "valid_accuracy"] == verdicts["entries", "test_accuracy"] == "contradicted"
    assert verdicts["entries", "train_accuracy"] != "contradicted"
    assert verdicts["exact", "params"] == "contradicted"
    assert verdicts["exact", "flops"] == "agrees"


def test_exchanged_rows_are_found(repeated, tmp_path, capsys):
    def exchange(metrics):
        order = np.argsort(np.argsort(metrics["valid_accuracy"].values[:, -1].mean(axis=1)))
        back = np.argsort(metrics["valid_accuracy"].values[:, -1].mean(axis=1))[::-1]
        for name, metric in metrics.items():
            if name.endswith(("_accuracy", "_loss")):
                metric.values[:] = metric.values[back][order]

    store = copied(tmp_path / "exchanged.h5", exchange)
    words = ["verify", str(store), "--sample", "5", "--seeds", "2", "--processes", "1"]
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert "exchanged/digits: contradicted" in out
    assert "because valid_accuracy" in out
    assert "training: done" in err


def test_a_store_that_does_not_say_how_it_was_trained(tmp_path, capsys):
    store = copied(tmp_path / "hand.h5", keep=np.arange(0, 5524, 25), drop=("recipe", "split"))
    words = ["verify", str(store), "--sample", "2", "--seeds", "1", "--processes", "1"]
    assert main(words) == 0
    out, _ = capsys.readouterr()
    assert "assumed, as the store does not specify it: recipe: 'digits', 8 epochs" in out
    assert "hand/digits: not contradicted" in out
    with pytest.raises(nk.UnknownName, match="nsga-net-macro"):
        verify(store, recipe="nsga-net")


def test_edited_bytes_are_refused(tmp_path, capsys):
    store = copied(tmp_path / "edited.h5", keep=np.arange(100))
    column = StoreFile(store).metrics["digits"]["valid_accuracy"]
    with store.open("r+b") as file:
        file.seek(column.offset)
        file.write(np.float64(99.0).tobytes())
    assert main(["verify", str(store)]) == 2
    assert "checksum" in capsys.readouterr().err


def test_wrong_names_and_numbers_are_one_line_each(store, capsys):
    for words, message in (
        (["nb201-digitz"], "nb201-digits"),
        (["nb201-digits", "--dataset", "digit"], "digits"),
        (["nb201-digits", "--metrics", "valid_acuracy"], "valid_accuracy"),
        (["nb201-digits", "--metrics", "valid_loss"], "valid_accuracy"),
        (["nb201-digits", "--epochs", "9"], "8"),
        (["nb201-digits", "--draw", "topp"], "top"),
        (["nb201-digits", "--sample", "0"], "must be at least 1"),
        (["nb201-digits", "--alpha", "1"], "alpha"),
        (["nb201-digits", "--processes", "0"], "processes"),
        ([str(store), "--recipe", "nb2001", "--images", "digits"], "nb201"),
        ([str(store)], "cifar-10-python.tar.gz"),  # a published dataset whose files are not here
    ):
        assert main(["verify", *words]) == 2, words
        err = capsys.readouterr().err.strip()
        assert message in err.splitlines()[-1], words
        assert len(err.splitlines()) == 1, words
