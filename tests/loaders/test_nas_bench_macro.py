"""The NAS-Bench-Macro loader on files in the official format with made-up accuracies."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

import nasbench_kit as nk

SPACE = nk.space("nas-bench-macro")


def records():
    X = SPACE.all()
    rng = np.random.default_rng(0)
    accuracy = np.round(rng.uniform(40, 90, (len(X), 3)), 2)
    params, flops = (SPACE.cost(X, name, dataset="cifar10") for name in ("params", "flops"))
    return {
        native: {
            "test_acc": a.tolist(),
            "mean_acc": round(float(a.mean()), 3),
            "std": round(float(a.std()), 3),
            "params": int(p),
            "flops": int(f),
        }
        for native, a, p, f in zip(SPACE.decode(X), accuracy, params, flops, strict=True)
    }


@pytest.fixture(scope="module")
def content():
    return records()


@pytest.fixture
def source(tmp_path, content):
    path = tmp_path / "macro.json"
    path.write_text(json.dumps(content))
    return path


def test_every_value_arrives(source, tmp_path, content):
    bench = nk.convert(source, tmp_path / "out.h5")
    assert len(bench) == 6561
    X = SPACE.encode(list(content))
    for trial in range(3):
        stored = bench.query(X, "test_accuracy", seed=trial)
        assert stored.tolist() == [record["test_acc"][trial] for record in content.values()]
    assert bench.query(X, "params").tolist() == [record["params"] for record in content.values()]
    assert bench.metrics() == ("test_accuracy", "params", "flops")
    assert bench.epochs("cifar10", "test_accuracy") == (50,)
    assert "no validation accuracy" in bench.info["notes"]
    assert bench.info["missing_architectures"] == 0


def rewritten(source, content, change):
    edited = json.loads(json.dumps(content))
    change(edited)
    source.write_text(json.dumps(edited))
    return source


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.pop("00000001"), "lacks 1 of the 6561 genotypes"),
        (lambda r: r["00000001"].update(test_acc=[1.0, 2.0]), "key '00000001': test_acc must have 3 percentages"),
        (lambda r: r["00000001"].update(test_acc=[1.0, 2.0, "3"]), "key '00000001': an accuracy must be a number"),
        (lambda r: r["00000001"].update(test_acc=[1.0, 2.0, 300]), "number from 0 to 100, not 300"),
        (lambda r: r["00000001"].update(test_acc=[1.0, float("nan"), 3]), "number from 0 to 100, not nan"),
        (lambda r: r["00000001"].update(test_acc=[1.0, True, 3]), "not True"),
        (lambda r: r["00000001"].update(mean_acc=1.0), "the mean of test_acc"),
        (lambda r: r["00000001"].update(params=1), "params is 1, but the network has"),
        (lambda r: r["00000001"].pop("flops"), "flops is None"),
        (lambda r: r.update({"00000009": r["00000001"]}), "key '00000009' is not 8 characters"),
        (lambda r: r.update({"00000001": 5}), "expected an object"),
    ],
)
def test_a_file_that_is_not_what_it_claims(source, tmp_path, content, change, message):
    path = rewritten(source, content, change)
    target = tmp_path / "out.h5"
    target.write_bytes(b"what was there")
    with pytest.raises(nk.SourceError, match=message) as caught:
        nk.convert(path, target)
    assert str(path) in str(caught.value)
    assert target.read_bytes() == b"what was there"
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]


def test_partial_files_say_so(source, tmp_path, content):
    path = rewritten(source, content, lambda r: [r.pop(key) for key in list(r)[:100]])
    bench = nk.convert(path, tmp_path / "out.h5", partial=True)
    assert len(bench) == 6461
    assert bench.info["missing_architectures"] == 100
    # a missing genotype is answered by its network where that is there, else not at all
    values = bench.query(SPACE.all()[:100], "test_accuracy")
    assert np.isnan(values).any()
    assert not np.isnan(bench.query(SPACE.all()[:100], "params")).any()


def test_truncation_at_any_byte(source, tmp_path):
    whole = source.read_bytes()
    for cut in [1, 2, 10, 100, 4095, 4096, len(whole) // 2, len(whole) - 1]:
        source.write_bytes(whole[:cut])
        with pytest.raises(nk.SourceError, match=r"byte \d+"):
            nk.convert(source, tmp_path / "out.h5", source_format="nas-bench-macro")
        with pytest.raises(nk.SourceError):
            nk.convert(source, tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


def test_duplicate_keys(source, tmp_path, content):
    text = json.dumps(content)
    source.write_text(text[:-1] + ', "00000000": ' + json.dumps(content["00000000"]) + "}")
    with pytest.raises(nk.SourceError, match="'00000000' appears twice"):
        nk.convert(source, tmp_path / "out.h5")


@pytest.mark.posix
def test_other_things_under_its_name(source, tmp_path):
    def refused(match, source_format=None):
        with pytest.raises(nk.SourceError, match=match):
            nk.convert(source, tmp_path / "out.h5", source_format=source_format)

    source.write_text("")
    refused("is empty")
    source.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:d14e\nsize 442574190\n")
    refused("Git LFS pointer.*git lfs pull")
    source.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    refused("no known format")
    refused("not valid JSON|not text", "nas-bench-macro")
    source.write_text("[" * 100_000)
    refused("nested too deeply|not valid JSON", "nas-bench-macro")
    source.write_text("[]")
    refused("an object of records", "nas-bench-macro")
    source.unlink()
    refused("no such file")
    os.mkfifo(source)
    refused("not a regular file")
    source.unlink()
    source.mkdir()
    refused("a folder", "nas-bench-macro")
    with pytest.raises(nk.UnknownName, match="did you mean 'nas-bench-macro'"):
        nk.convert(source, tmp_path / "out.h5", source_format="nas-bench-macr")
