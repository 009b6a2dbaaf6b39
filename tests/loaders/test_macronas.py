"""The MacroNAS loader on parts of files in the official format, with made-up accuracies."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main
from nasbench_kit.loaders import macronas
from nasbench_kit.store import StoreFile

SPACE = nk.space("macronas")
# all genotypes of the last stages, so that there are whole classes
ROWS = SPACE.from_number(np.arange(3**7))


def records(dataset="cifar10", rows=ROWS):
    """The official records of genotypes, accuracies by network and made up."""
    made_up = np.round(np.random.default_rng(0).uniform(20, 95, (2, 1999)), 2)
    values = made_up[:, SPACE.key(rows) % np.uint64(1999)].tolist()
    costs = [SPACE.cost(rows, name, dataset=dataset).tolist() for name in ("mmacs", "params")]
    return {
        key: {"MMACs": m, "Params": p, "val_acc": v, "test_acc": t}
        for key, m, p, v, t in zip(SPACE.decode(rows), *costs, *values, strict=True)
    }


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "part.json"
    path.write_text(json.dumps(records()))
    return path


def check_values(bench, content, dataset="cifar10"):
    # not by query, which first makes its table of all 4,782,969 genotypes
    store = StoreFile(bench.path)
    row = np.searchsorted(store.keys, SPACE.key(SPACE.encode(list(content))))
    for field, name in macronas.FIELDS.items():
        values = store.array(store.metrics[dataset][name])[row]
        assert values.tolist() == [record[field] for record in content.values()]


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100"])
def test_every_value_arrives(tmp_path, dataset):
    path = tmp_path / "part.json"
    content = records(dataset)
    path.write_text(json.dumps(content))
    bench = nk.convert(path, tmp_path / "out.h5", partial=True)
    check_values(bench, content, dataset)
    assert bench.datasets == (dataset,)
    assert (SPACE.canonical(bench.architectures) == bench.architectures).all()
    assert len(bench) == len(np.unique(SPACE.key(ROWS)))
    assert bench.info["missing_genotypes"] == 3**14 - 3**7
    assert (bench.epochs(), bench.seeds()) == ((), ())
    assert bench.info["licence"] == "BSD-3-Clause"
    assert macronas.store_name(path) == f"macronas-{dataset}"


@pytest.mark.parametrize("block", [151, 1000, 5000])
def test_blocks_end_anywhere(source, tmp_path, monkeypatch, block):
    monkeypatch.setattr(macronas, "_BLOCK", block)
    monkeypatch.setattr(macronas, "MAX_RECORD", 150)
    check_values(nk.convert(source, tmp_path / "out.h5", partial=True), records())


def test_usual_records_are_parsed_together(source):
    sizes = [len(stretch.keys) for stretch in macronas._stretches(source)]
    assert sizes == [len(ROWS) - 1, 1]


def test_order_does_not_matter(source, tmp_path):
    content = list(records().items())
    np.random.default_rng(0).shuffle(content)
    source.write_text(json.dumps(dict(content)))
    check_values(nk.convert(source, tmp_path / "out.h5", partial=True), records())


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda r: json.dumps(r, indent=2),
        lambda r: json.dumps(r, separators=(",", ":")),
        lambda r: json.dumps({key: dict(reversed(record.items())) for key, record in r.items()}),
        lambda r: re.sub(r'"MMACs": (\d+)\.(\d+)', r'"MMACs": \1\2e-2', json.dumps({k: {**v} for k, v in r.items()})),
    ],
)
def test_records_that_are_written_differently_are_read_all_the_same(source, tmp_path, rewrite):
    content = {key: record for key, record in records().items() if len(str(record["MMACs"]).split(".")[1]) == 2}
    source.write_text(rewrite(content))
    check_values(nk.convert(source, tmp_path / "out.h5", partial=True), content)


def test_the_command_names_the_store(source, capsys):
    assert main(["convert", str(source), "--partial"]) == 0
    assert "macronas-cifar10.h5: " in capsys.readouterr().out
    assert "macronas-cifar10" in nk.list_benchmarks()


# ---------------------------------------------------------------- damage


@pytest.fixture
def refused(tmp_path):
    """Converting raises one SourceError with path and place, and keeps the old file."""
    target = tmp_path / "target.h5"
    target.write_bytes(b"what was there")

    def run(path, match, source_format="macronas", partial=True):
        with pytest.raises(nk.SourceError, match=match) as caught:
            nk.convert(path, target, source_format=source_format, partial=partial)
        text = str(caught.value)
        assert str(path) in text
        assert len(text.splitlines()) == 1
        assert target.read_bytes() == b"what was there"
        assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]

    return run


def test_what_is_missing_is_counted(source, refused):
    refused(source, f"lacks {3**14 - 3**7} of the 4782969 genotypes.*--partial", partial=False)


@pytest.mark.slow
def test_truncation_at_any_byte(source, refused):
    whole = source.read_bytes()
    for cut in [*range(2, 220, 3), 4095, 4096, len(whole) // 2, *range(len(whole) - 95, len(whole), 3)]:
        source.write_bytes(whole[:cut])
        refused(source, rf"byte \d+ of {cut}: incomplete record; the download is incomplete")
    source.write_bytes(whole[:1])
    refused(source, "byte 1 of 1: incomplete record")


KEY = "IIIIIIIIIII212"  # past the beginning, where the dataset is told


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda r: r.update(MMACs=1.0), f"key '{KEY}' .*MMACs is 1, but the network has"),
        (lambda r: r.update(Params=1), f"key '{KEY}' .*Params is 1, but the network has"),
        (lambda r: r.update(val_acc=100.01), "accuracies must be percentages from 0 to 100"),
        (lambda r: r.update(test_acc=-1.0), "accuracies must be percentages"),
        (lambda r: r.update(val_acc=float("nan")), "non-numeric values"),
        (lambda r: r.update(val_acc="90"), "non-numeric values"),
        (lambda r: r.update(val_acc=True), "non-numeric values"),
        (lambda r: r.update(val_acc=None), "non-numeric values"),
        (lambda r: r.update(val_acc=[1.0]), "non-numeric values"),
        (lambda r: r.update(val_acc=10**400), "non-numeric values"),
        (lambda r: r.update(epochs=5), "not \\['MMACs'"),
        (lambda r: r.pop("test_acc"), "not \\['MMACs'"),
        (lambda r: r.update(val_acc=50.0), "its accuracies are .*another genotype of the same network"),
    ],
)
def test_records_that_are_none(source, refused, change, why):
    content = records()
    change(content[KEY])
    source.write_text(json.dumps(content))
    refused(source, why)


@pytest.mark.parametrize(
    ("rewrite", "why"),
    [
        (lambda t: t.replace(KEY, KEY[:-1] + "3"), "the key 'IIIIIIIIIII213' is not 14 characters of I, 1, 2"),
        (lambda t: t.replace(f'"{KEY}"', '"22"'), "the key '22' is not"),
        (lambda t: t.replace(f'"{KEY}": {{', f'"{KEY}": {{"MMACs": 1.0, '), "not \\['MMACs'"),
        (lambda t: t.replace(f'"{KEY}": {{', f'"{KEY}": {{{{'), "a record like"),
        (lambda t: t.replace(f'"{KEY}": {{', f'"{KEY}": {{x'), "is not valid JSON"),
        (lambda t: t.replace(f'"{KEY}": ', f'"{KEY}": 5 '), "a record like"),
        (lambda t: t[:-1] + ", " + t[1:], "it appears twice"),
        (lambda t: t[:-1] + ", " + re.search(f'"{KEY}": {{.*?}}', t)[0] + "}", f"'{KEY}' .*it appears twice"),
        (lambda t: t + "{", "the object ends before byte"),
        (lambda t: t + "x" * 10_000, "the object ends before byte"),
        (lambda t: t[:-1] + ", }", "incomplete record"),
        (lambda t: "{}", "incomplete record"),
        (lambda t: "[" * 100_000, "byte 0 does not start"),
        (lambda t: '{"' + "I" * 100_000, "a record like"),
        (lambda t: t.replace("I", "\u00ff", 1), "is not 14 characters|a record like"),
    ],
)
def test_files_that_are_none(source, refused, rewrite, why):
    source.write_text(rewrite(json.dumps(records())))
    refused(source, why)


@pytest.mark.slow
def test_flipped_bits_are_noticed_or_harmless(source, tmp_path, refused):
    # JSON has no checksums: all damage must be noticed except a changed accuracy of a network's only genotype
    whole = json.dumps(records(rows=ROWS[:9])).encode()
    accuracy = [m.span(1) for m in re.finditer(rb'_acc": ([0-9.]+)', whole)]
    for position in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 7
        if any(start <= position < end for start, end in accuracy) or damaged[position : position + 1].isspace():
            continue
        source.write_bytes(damaged)
        refused(source, "byte|key")


def test_the_other_dataset_under_a_name(tmp_path, refused):
    path = tmp_path / "benchmark_cifar10_dataset.json"
    path.write_text(json.dumps(records("cifar100")))
    refused(path, "is named after cifar10 but holds the networks of cifar100 .*; rename it")
    bench = nk.convert(path.rename(tmp_path / "benchmark_cifar100_dataset.json"), tmp_path / "a.h5", partial=True)
    assert bench.datasets == ("cifar100",)
    content = records() | {"IIIIIIIIIIIIII": records("cifar100")["IIIIIIIIIIIIII"] | {"Params": 7}}
    path.write_text(json.dumps(content))
    refused(path, "key 'IIIIIIIIIIIIII' .*Params is 7, but the network has 662436 on cifar100, 547146 on cifar10")


@pytest.mark.posix
def test_other_things_under_its_name(tmp_path, refused):
    path = tmp_path / "benchmark_cifar10_dataset.json"
    path.write_bytes(b"")
    refused(path, "is empty")
    path.write_text(
        "version https://git-lfs.github.com/spec/v1\n"
        "oid sha256:d14ece080c6c1f98f17d6056ab6f0e0a5a097a44c15bdb50c4b2c774ecd42eb0\nsize 442574190\n"
    )
    refused(path, "Git LFS pointer.*git lfs pull")
    refused(path, "Git LFS pointer.*git lfs pull", source_format=None)
    path.write_text('{"00000000": {"test_acc": [1, 2, 3]}}')
    refused(path, "the key '00000000' is not 14 characters")
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    refused(path, "byte 0 does not start")
    path.unlink()
    refused(path, "no such file")
    os.mkfifo(path)
    refused(path, "not a regular file")
    path.unlink()
    path.mkdir()
    refused(path, "a folder")


def test_no_permission(source, refused, monkeypatch):
    real = Path.open

    def guarded(path, *arguments, **options):
        if path == source:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", guarded)
    refused(source, "cannot be read: Permission denied")
