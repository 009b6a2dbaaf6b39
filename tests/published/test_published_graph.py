"""NAS-Bench-Graph's nine published files. Skipped where the data is absent."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.loaders.pickle_stack import Bytes
from nasbench_kit.loaders.pickles import read_pickle
from tests.official.nas_bench_graph import DATASETS, keys, pickled


@pytest.fixture(scope="module")
def folder(published):
    path = published / "nas-bench-graph"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path


@pytest.fixture(scope="module")
def files(folder):
    """The content of each file, read value by value."""
    names = [folder / f"{dataset}.bench" for dataset in DATASETS]
    return {path.stem: read_pickle(Bytes(path.read_bytes()), path)[0] for path in names}


@pytest.fixture(scope="module")
def graph(folder, tmp_path_factory):
    return nk.convert(folder, tmp_path_factory.mktemp("graph") / "nas-bench-graph.h5")


def test_the_keys_of_the_files_are_those_of_the_published_rule(files):
    space = nk.space("nas-bench-graph")
    X = space.all()
    X = X[space.is_valid(X)]
    networks = np.unique(space.official_key(X)).tolist()
    for dataset, records in files.items():
        assert tuple(records) == keys(dataset)
        assert len(records) == (2021 if dataset == "proteins" else 26_206)
        C = space.from_official_key(list(records))
        for rule in ("exact", "published"):
            assert (space.canonical(C, rule) == C).all()
        assert (sorted(records) == networks) == (dataset != "proteins")


def test_every_value_of_every_file(graph, files):
    for dataset, records in files.items():
        X = graph.space.from_official_key(list(records))
        columns = {
            name: np.array([record[name] for record in records.values()])
            for name in ("valid_perf", "perf", "latency", "para")
        }
        kind, scale = ("performance", 1) if dataset == "proteins" else ("accuracy", 100)
        found = graph.query(X, [f"valid_{kind}", f"test_{kind}", "latency", "params"], dataset=dataset)
        assert found[:, 0].tolist() == (scale * columns["valid_perf"]).tolist()
        assert found[:, 1].tolist() == (scale * columns["perf"]).tolist()
        assert found[:, 2].tolist() == (1000 * columns["latency"]).tolist()
        np.testing.assert_allclose(found[:, 3], 1e6 * columns["para"], rtol=1e-12)
        whole = found[:, 3] == np.rint(found[:, 3])
        assert (~whole).sum() == (1113 if dataset == "physics" else 0)
        assert (np.rint(3 * found[:, 3]) / 3 == found[:, 3]).all()


@pytest.mark.parametrize(
    ("dataset", "key", "valid", "test"),
    [
        ("cora", 87_072, 0.819333, 0.826333),
        ("arxiv", 83_533, 0.736667, 0.719537),
        ("proteins", 74_578, 0.853333, 0.761124),
    ],
)
def test_the_best_network_of_a_dataset(graph, dataset, key, valid, test):
    kind, scale = ("performance", 1) if dataset == "proteins" else ("accuracy", 100)
    values = graph.query(graph.architectures, [f"valid_{kind}", f"test_{kind}"], dataset=dataset)
    best = int(np.nanargmax(values[:, 0]))
    assert graph.space.official_key(graph.architectures[best])[0] == key
    assert values[best] / scale == pytest.approx([valid, test], abs=5e-7)


@pytest.mark.parametrize(
    ("dataset", "metric", "low", "high"),
    [
        ("cora", "latency", 0.443, 8.463),
        ("arxiv", "latency", 0.393, 132.177),
        ("proteins", "latency", 0.834, 575.182),
        ("cora", "params", 436_743, 3_464_199),
    ],
)
def test_ranges(graph, dataset, metric, low, high):
    values = graph.query(graph.architectures, metric, dataset=dataset)
    assert (np.nanmin(values), np.nanmax(values)) == pytest.approx((low, high), abs=5e-4)


def test_all_genotypes_have_the_values_of_their_network(graph):
    space = graph.space
    X = space.all()
    X = X[space.is_valid(X)]
    assert len(X) == 59_040
    for dataset in DATASETS:
        name = "test_performance" if dataset == "proteins" else "test_accuracy"
        found = graph.query(X, name, dataset=dataset)
        np.testing.assert_array_equal(found, graph.query(space.canonical(X, "published"), name, dataset=dataset))
        assert dataset == "proteins" or np.isfinite(found).all()


def test_outputs_are_concatenated_as_the_parameters_show(graph):
    """Three skips of an operation's result make it an output thrice: pubmed's classifier of 3 classes has more inputs."""
    space = graph.space
    once, thrice = space.encode([([0, 1, 2, 3], ["skip"] * 3 + ["gcn"]), ([0, 1, 1, 1], ["gcn"] + ["skip"] * 3)])
    params = graph.query([once, thrice], "params", dataset="pubmed")
    assert params.tolist() == [65_539, 65_539 + 2 * 128 * 3]


def test_the_files_that_other_tests_write_are_like_the_published_ones(folder, files):
    for dataset, records in files.items():
        number = np.float64 if dataset == "proteins" else float
        typed = {
            key: {
                "valid_perf": number(record["valid_perf"]),
                "perf": number(record["perf"]),
                "latency": record["latency"],
                "para": np.float64(record["para"]),
            }
            for key, record in records.items()
        }
        assert pickled(typed) == (folder / f"{dataset}.bench").read_bytes()


def test_the_files_are_known(graph):
    assert graph.info["published_file"] == ", ".join(f"{dataset}.bench" for dataset in DATASETS)


def test_published_files_under_each_others_names(folder, tmp_path):
    for name, content in (("cora", "arxiv"), ("arxiv", "cora")):
        (tmp_path / f"{name}.bench").write_bytes((folder / f"{content}.bench").read_bytes())
    with pytest.raises(nk.SourceError, match=r"cora\.bench is the published arxiv\.bench"):
        nk.convert(tmp_path, tmp_path / "out.h5", partial=True)
    alone = (tmp_path / "cora.bench").rename(tmp_path / "unknown")
    bench = nk.convert(alone, tmp_path / "out.h5", partial=True)
    assert bench.datasets == ("arxiv",)
