"""The NAS-Bench-Graph loader on files in the official format with made-up values."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.cli import download
from nasbench_kit.cli.main import main
from nasbench_kit.loaders import load, pickle_rows, recognise
from nasbench_kit.loaders.pickle_rows import read_rows
from tests.official.nas_bench_graph import DATASETS, keys, pickled, records, write_graph, write_graph_file

SPACE = nk.space("nas-bench-graph")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graph") / "light"
    write_graph(folder)
    return folder


@pytest.fixture(scope="module")
def bench(whole, tmp_path_factory):
    return nk.convert(whole, tmp_path_factory.mktemp("store") / "nas-bench-graph.h5")


@pytest.fixture
def cora(tmp_path):
    path = tmp_path / "cora.bench"
    write_graph_file(path, 400)
    return path


# ---------------------------------------------------------------------------- what is stored


def test_every_value_arrives(bench):
    assert len(bench) == 26_206
    assert bench.datasets == DATASETS
    for dataset in DATASETS:
        content = records(dataset)
        X = SPACE.from_official_key(list(content))
        columns = {name: np.array([record[name] for record in content.values()]) for name in content[keys(dataset)[0]]}
        kind, scale = ("performance", 1) if dataset == "proteins" else ("accuracy", 100)
        assert bench.query(X, f"valid_{kind}", dataset=dataset).tolist() == (scale * columns["valid_perf"]).tolist()
        assert bench.query(X, f"test_{kind}", dataset=dataset).tolist() == (scale * columns["perf"]).tolist()
        assert bench.query(X, "latency", dataset=dataset).tolist() == (1000 * columns["latency"]).tolist()
        assert bench.query(X, "params", dataset=dataset).tolist() == np.rint(1e6 * columns["para"]).tolist()


def test_every_valid_genotype_has_the_value_of_its_network(bench):
    X = SPACE.all()
    X = X[SPACE.is_valid(X)]
    content = records("pubmed")
    expected = [100 * content[key]["perf"] for key in SPACE.official_key(X).tolist()]
    assert bench.query(X, "test_accuracy", dataset="pubmed").tolist() == expected
    assert (SPACE.canonical(bench.architectures) == bench.architectures).all()
    trained = np.isin(SPACE.canonical(X)[:, 1:], (1, 4, 5, 7, 8)).all(axis=1)
    found = bench.query(X, "test_performance", dataset="proteins")
    assert (np.isfinite(found) == trained).all()  # what is not stored is nan, never another network's value


def test_metrics_describe_themselves(bench):
    valid = bench.metric("valid_accuracy", "cora")
    assert (valid.units, valid.direction, valid.range, valid.split) == ("percent", "max", (0.0, 100.0), "valid")
    for split in ("valid", "test"):
        found = bench.metric(f"{split}_performance", "proteins")
        assert (found.units, found.direction, found.range, found.split) == ("ROC AUC", "max", (0.0, 1.0), split)
        assert found.depends_on_seed
    latency = bench.metric("latency", "cora")
    assert (latency.units, latency.direction, latency.range[0], latency.split) == ("ms", "min", 0.0, None)
    assert bench.metric("params", "cora").direction == "min"
    assert bench.epochs("cora") == bench.seeds("cora") == ()
    info = bench.info
    assert (info["missing_files"], info["missing_records"]) == ("none", 0)
    assert "means of three trainings" in info["notes"]
    assert info["commit"].startswith("be42534")


def test_params_that_are_no_whole_number_are_thirds(cora):
    content = records("cora", 400)
    first = next(iter(content))
    content[first]["para"] = np.float64((2_157_829 + 2 * 2_223_621) / 3 / 1e6)
    cora.write_bytes(pickled(content))
    table = load(cora, partial=True)
    at = int(np.argmin(SPACE.official_key(table.architectures) != first))
    assert table.metrics["cora"]["params"].values[at] == (2_157_829 + 2 * 2_223_621) / 3


# ---------------------------------------------------------------------------- folders and single files


def test_a_single_file(cora, tmp_path):
    with pytest.raises(nk.SourceError, match=r"lacks 8 of the 9 files: citeseer\.bench, .*--partial"):
        load(cora)
    bench = nk.convert(cora, tmp_path / "one.h5", partial=True)
    assert (len(bench), bench.datasets) == (400, ("cora",))
    assert bench.info["missing_records"] == 26_206 - 400
    assert bench.info["source"] == "cora.bench"
    renamed = cora.rename(tmp_path / "results.bench")
    assert recognise(renamed) == "nas-bench-graph"
    with pytest.raises(nk.SourceError, match=r"results\.bench: the content does not say its dataset"):
        load(renamed, partial=True)


def test_a_folder_that_lacks_something(tmp_path):
    folder = tmp_path / "light"
    write_graph(folder, 50, ("cora", "proteins"))
    (folder / "LICENSE").write_text("Apache")
    with pytest.raises(nk.SourceError, match="lacks 7 of the 9 files"):
        load(folder)
    table = load(folder, partial=True)
    assert list(table.metrics) == ["cora", "proteins"]
    assert table.provenance["missing_records"] == 26_206 + 2021 - 100
    assert np.isnan(table.metrics["proteins"]["params"].values).sum() == len(table.architectures) - 50
    (folder / "arxiv.bench").mkdir()
    with pytest.raises(nk.SourceError, match=r"arxiv\.bench is a folder"):
        load(folder, partial=True)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(nk.SourceError, match=r"has none of the files cora\.bench"):
        load(tmp_path / "nothing", source_format="nas-bench-graph")


def test_files_that_are_mixed_up(tmp_path, monkeypatch):
    folder = tmp_path / "light"
    write_graph(folder, 50)
    (folder / "cs.bench").write_bytes((folder / "pubmed.bench").read_bytes())
    with pytest.raises(nk.SourceError, match=r"cs\.bench has the same content as pubmed\.bench"):
        load(folder, partial=True)
    write_graph_file(folder / "cs.bench", 50)
    (folder / "cora.bench").rename(folder / "proteins.bench")
    with pytest.raises(nk.SourceError, match=r"proteins\.bench: key \d+ is not that of a network"):
        load(folder, partial=True)


# ---------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update({99_999: r[0]}), "key 99999 is not that of a network"),
        (lambda r: r.update({-5: r[0]}), "key -5 is not that of a network"),
        (lambda r: r.update({10: r[0]}), "key 10 is not that of a network"),  # siblings in another order
        (lambda r: r.update({"0": r[0]}), "must be a small integer, not '0'"),
        (lambda r: r[0].pop("perf"), "key 10000: expected a record of 'valid_perf', 'latency', 'para'"),
        (
            lambda r: [record.pop("perf") for record in r.values()],
            "expected records of valid_perf, perf, latency, para",
        ),
        (lambda r: r[0].update(perf=81.5), "key 0: perf must be a fraction from 0 to 1, not 81.5"),
        (lambda r: r[10_000].update(valid_perf=float("nan")), "key 10000: valid_perf must be a fraction"),
        (lambda r: r[0].update(latency=0.0), "key 0: latency must be positive"),
        (lambda r: r[0].update(para=float("inf")), "key 0: para must be positive and below 1000000, not inf"),
        (lambda r: r[0].update(perf="0.8"), "key 0: 'perf' must be a number, not '0.8'"),
        (lambda r: r[0].update(perf=1), "key 0: 'perf' must be a number, not 1"),
        (lambda r: r.clear(), "expected a dict of records, not dict"),
    ],
)
def test_wrong_records(cora, change, message):
    content = records("cora", 400)
    change(content)
    cora.write_bytes(pickled(content))
    with pytest.raises(nk.SourceError, match=message) as caught:
        load(cora, source_format="nas-bench-graph", partial=True)
    assert "cora.bench" in str(caught.value)


class _Hostile:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_nothing_is_executed(cora, protocol, capsys):
    for content in (_Hostile(), {**records("cora", 400), 7: _Hostile()}, {-1: _Hostile(), **records("cora", 400)}):
        cora.write_bytes(pickle.dumps(content, protocol))
        with pytest.raises(nk.SourceError, match=r"asks for '(builtins|__builtin__)'\.'print', which is refused"):
            load(cora, source_format="nas-bench-graph", partial=True)
    assert capsys.readouterr().out == ""


def test_cut_off_or_with_more_behind(cora):
    content = cora.read_bytes()
    for size in (9, 80, len(content) // 2, len(content) - 1):
        cora.write_bytes(content[:size])
        with pytest.raises(nk.SourceError, match=rf"cora\.bench ends at byte {size}, in the middle of a value"):
            load(cora, source_format="nas-bench-graph", partial=True)
    cora.write_bytes(content + b"more")
    with pytest.raises(nk.SourceError, match=f"byte {len(content)}: the pickle ends here, but 4 bytes follow"):
        load(cora, source_format="nas-bench-graph", partial=True)
    cora.write_bytes(content + bytes(2**22))
    with pytest.raises(nk.SourceError, match="this is a different file"):
        load(cora, source_format="nas-bench-graph", partial=True)


# ---------------------------------------------------------------------------- at once, or one by one


def one_by_one(path, content, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(pickle_rows, "_alike", lambda *_: None)
        return read_rows(path, content)


def outcome(read, *arguments):
    try:
        found, values = read(*arguments)
    except nk.SourceError as error:
        return str(error)
    return found.tolist(), {name: column.tolist() for name, column in values.items()}


@pytest.mark.parametrize("dataset", ["cora", "proteins"])
def test_reading_at_once_gives_the_same(dataset, monkeypatch):
    path, content = Path("a.bench"), pickled(records(dataset, 1500))  # more than one batch of 1,000
    assert pickle_rows._alike(path, content) is not None
    assert outcome(read_rows, path, content) == outcome(one_by_one, path, content, monkeypatch)


def test_records_whose_names_come_in_another_order(monkeypatch):
    content = records("cora", 400)
    for record in list(content.values())[200:]:
        record["valid_perf"] = record.pop("valid_perf")
    for some in (content, dict(list(content.items())[::-1]), {0: content[0], **dict(list(content.items())[200:])}):
        data = pickled(some)
        assert outcome(read_rows, Path("a"), data) == outcome(one_by_one, Path("a"), data, monkeypatch)
    assert pickle_rows._alike(Path("a"), data) is not None


@pytest.mark.slow
def test_damage_is_never_read_as_something_else(monkeypatch):
    """Every byte of some records, and what the two ways of reading make of it."""
    content, path = pickled(records("cora", 120)), Path("a")
    assert pickle_rows._alike(path, content) is not None
    rng = np.random.default_rng(0)
    for at in range(len(content) - 200, len(content)):
        for byte in (content[at] ^ 1, int(rng.integers(256)), 0x72):
            damaged = content[:at] + bytes([byte]) + content[at + 1 :]
            at_once, expected = outcome(read_rows, path, damaged), outcome(one_by_one, path, damaged, monkeypatch)
            assert repr(at_once) == repr(expected), at


# ---------------------------------------------------------------------------- commands


@pytest.mark.slow
def test_commands(whole, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NASBENCH_KIT_HOME", str(tmp_path))
    assert main(["convert", str(whole)]) == 0
    assert (
        main(["query", "nas-bench-graph", "Arch([0, 1, 2, 3], ['fc', 'gat', 'fc', 'gin'])", "--dataset", "cora"]) == 0
    )
    capsys.readouterr()
    assert (
        main(["query", "nas-bench-graph", '[[0, 1, 2, 3], ["fc", "gat", "fc", "gin"]]', "--dataset", "cora", "--json"])
        == 0
    )
    [found] = json.loads(capsys.readouterr().out)
    assert found["params"] == round(1e6 * records("cora")[87_072]["para"])
    assert main(["validate", "nas-bench-graph", "--source", str(whole)]) == 0


def test_the_nine_files_are_downloaded_into_one_benchmark(whole, tmp_path, monkeypatch, capsys):
    def fetched(file, source, folder, **_):
        folder.mkdir(exist_ok=True)
        return Path(shutil.copy(whole / file.name, folder))

    monkeypatch.setenv("NASBENCH_KIT_HOME", str(tmp_path))
    monkeypatch.setattr(download, "download", fetched)
    assert main(["download", "nas-bench-graph", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [Path(entry["file"]).name for entry in found] == [f"{name}.bench" for name in DATASETS]
    assert {entry["store"] for entry in found} == {str(tmp_path / "nas-bench-graph.h5")}
    assert len(nk.open("nas-bench-graph")) == 26_206
