"""Side tables joined to a store: every value at its record, whose column is from where, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk
from nasbench_kit.benchmark.validation import validate
from nasbench_kit.cli.main import main
from nasbench_kit.loaders.mapping import ColumnMap, FileMap, TableMapping
from nasbench_kit.store import MetricColumn, Table, write_store
from tests.conftest import made_up_table

NB201 = nk.space("nb201")
MACRO = nk.space("nas-bench-macro")


def mapping(space="nb201", columns=("ms=cifar10/latency_phone",), form="native", **options):
    parsed = tuple(ColumnMap.parse(text) for text in columns)
    return TableMapping(
        space, (FileMap(parsed, "arch", form),), provenance={"licence": "CC0", "citation": "me"}, **options
    )


def side(path, X, values, space=NB201, name="ms"):
    pd.DataFrame({"arch": space.decode(X), name: values}).to_csv(path, index=False)
    return path


@pytest.fixture
def values():
    return np.random.default_rng(0).uniform(1, 9, NB201.size)


@pytest.fixture
def path(tmp_path, values):
    return side(tmp_path / "side.csv", NB201.all(), values)


def test_every_value_is_at_its_own_record(store, path, values, tmp_path):
    old = nk.open(store)
    before = store.read_bytes()
    bench = nk.join(old, path, tmp_path / "joined.h5", mapping=mapping())
    assert (bench.query(NB201.all(), "latency_phone") == values).all()
    assert bench.metric("latency_phone").units == "ms"
    X = NB201.all()
    for name in old.metrics():
        assert np.array_equal(old.trials(X, name), bench.trials(X, name), equal_nan=True)
        assert old.metric(name) == bench.metric(name)
    assert store.read_bytes() == before
    assert all(check.passed for check in validate(bench.path))


def test_the_sources_say_which_columns_are_theirs(store, path, tmp_path):
    bench = nk.join(store, path, tmp_path / "joined.h5", mapping=mapping())
    first, second = bench.info["sources"]
    assert first == {
        "source": "made up",
        "notes": "for tests",
        "columns": [f"cifar10/{name}" for name in ("valid_accuracy", "test_accuracy", "training_time")],
    }
    assert (second["source"], second["licence"], second["citation"]) == ("side.csv", "CC0", "me")
    assert second["columns"] == ["cifar10/latency_phone"]
    assert len(second["sha256"]) == 64
    assert second["records"] == NB201.size
    assert bench.info["source"] == "made up"
    again = nk.join(bench, path, bench.path, mapping=mapping(columns=["ms=other/energy_phone"]))
    assert [entry["columns"] for entry in again.info["sources"]][1:] == [
        ["cifar10/latency_phone"],
        ["other/energy_phone"],
    ]
    assert again.datasets == ("cifar10", "other")


@pytest.mark.slow
def test_a_metric_is_replaced_only_on_request(store, path, values, tmp_path):
    columns = ["ms=cifar10/training_time@12"]
    with pytest.raises(nk.SourceError, match=r"has cifar10/training_time already.*--replace"):
        nk.join(store, path, tmp_path / "joined.h5", mapping=mapping(columns=columns))
    assert not (tmp_path / "joined.h5").exists()
    bench = nk.join(store, path, tmp_path / "joined.h5", mapping=mapping(columns=columns), replace=True)
    assert bench.epochs("cifar10", "training_time") == (12,)
    assert (bench.query(NB201.all(), "training_time") == values).all()
    assert bench.info["sources"][0]["columns"] == ["cifar10/valid_accuracy", "cifar10/test_accuracy"]
    with pytest.raises(nk.SourceError, match="cifar10/params is computed from the architecture.*recorded_params"):
        nk.join(store, path, tmp_path / "x.h5", mapping=mapping(columns=["ms=cifar10/params"]), replace=True)


def test_the_same_path_is_replaced_once_all_is_well(tmp_path, path, values):
    target = write_store(tmp_path / "mine.h5", made_up_table())
    before = target.read_bytes()
    bad = tmp_path / "bad.csv"
    bad.write_text(path.read_text() + "nonsense,3\n")
    with pytest.raises(nk.SourceError, match=r"bad\.csv: row 15625, column 'arch'"):
        nk.join(target, bad, target, mapping=mapping())
    assert target.read_bytes() == before
    old = nk.open(target)
    bench = nk.join(old, path, target, mapping=mapping())
    assert bench.path == target
    assert (bench.query(NB201.all(), "latency_phone") == values).all()
    assert "latency_phone" not in old.metrics()


def few(tmp_path, X=None):
    """A store of one record per network, for few networks."""
    X = MACRO.distinct(MACRO.canonical(MACRO.sample(40, 0) if X is None else X))[0]
    metrics = {"c": {"valid_accuracy": MetricColumn(np.linspace(1, 99, len(X)))}}
    return nk.Benchmark(write_store(tmp_path / "few.h5", Table(MACRO, X, metrics)))


def test_architectures_that_the_store_does_not_know(tmp_path):
    bench = few(tmp_path)
    X = MACRO.all()
    path = side(tmp_path / "side.csv", X, np.arange(len(X)), MACRO)
    joining = mapping("nas-bench-macro", ["ms=c/latency_phone"])
    known = np.isin(MACRO.key(X), MACRO.key(bench.architectures))
    with pytest.raises(nk.SourceError, match=f"{(~known).sum():,} of 6,561 architectures are not in .*--skip-unknown"):
        nk.join(bench, path, tmp_path / "out.h5", mapping=joining)
    variants = X[known & (MACRO.canonical(X) != X).any(axis=1)]
    side(path, variants, np.arange(len(variants)), MACRO)
    with pytest.raises(nk.SourceError, match="has different values for genotypes of the same network"):
        nk.join(bench, path, tmp_path / "out.h5", mapping=joining, unknown="skip")
    keys = MACRO.key(X)
    side(path, X, keys.astype(float), MACRO)  # the same for all genotypes of a network
    joined = nk.join(bench, path, tmp_path / "out.h5", mapping=joining, unknown="skip")
    assert (joined.query(X[known], "latency_phone") == keys[known]).all()
    assert joined.info["sources"][1]["skipped_architectures"] == (~known).sum()
    with pytest.raises(ValueError, match="unknown must be 'raise' or 'skip'"):
        nk.join(bench, path, tmp_path / "out.h5", mapping=joining, unknown="ignore")


def test_a_records_own_value_comes_before_those_of_its_class(tmp_path):
    X = MACRO.all()
    sizes = np.bincount(MACRO.network_index(X))
    members = X[MACRO.network_index(X) == sizes.argmax()]
    own = MACRO.canonical(members[:1])
    bench = few(tmp_path, own)
    joining = mapping("nas-bench-macro", ["ms=c/latency_phone"])
    path = side(tmp_path / "side.csv", members, np.arange(len(members)), MACRO)
    joined = nk.join(bench, path, tmp_path / "out.h5", mapping=joining)
    position = int((members == own).all(axis=1).argmax())
    assert joined.query(own, "latency_phone")[0] == position
    others = members[(members != own).any(axis=1)]
    side(path, others, np.full(len(others), 7.0), MACRO)
    assert nk.join(bench, path, tmp_path / "out.h5", mapping=joining).query(own, "latency_phone")[0] == 7


def test_a_network_without_an_own_record_reaches_all_of_its_class(tmp_path):
    X = NB201.all()
    members = X[NB201.key(X) == NB201.key(X)[0]][:6]
    table = Table(NB201, members[1:4], {"c": {"valid_accuracy": MetricColumn(np.array([1.0, 2.0, 3.0]))}})
    bench = nk.Benchmark(write_store(tmp_path / "three.h5", table))
    path = side(tmp_path / "side.csv", members[[0, 2]], [5.0, 6.0])
    joined = nk.join(bench, path, tmp_path / "out.h5", mapping=mapping(columns=["ms=c/latency_phone"]))
    assert joined.query(members[1:4], "latency_phone").tolist() == [5, 6, 5]


def test_seeds_and_epochs_of_a_side_table(store, tmp_path):
    rows = pd.DataFrame(
        {"arch": np.repeat(np.arange(100), 2), "s": [1, 2] * 100, "a": np.arange(200) / 4, "b": np.arange(200) / 5}
    )
    rows.to_csv(tmp_path / "side.csv", index=False)
    columns = tuple(map(ColumnMap.parse, ["a=new/valid_accuracy@10", "b=new/valid_accuracy@20"]))
    joining = TableMapping("nb201", (FileMap(columns, "arch", "official_index", seed="s"),))
    bench = nk.join(store, tmp_path / "side.csv", tmp_path / "out.h5", mapping=joining)
    trials = bench.trials(NB201.from_official_index(range(101)), "valid_accuracy", dataset="new")
    assert (trials[:100, 0].ravel() == rows["a"]).all()
    assert (trials[:100, 1].ravel() == rows["b"]).all()
    assert np.isnan(trials[100]).all()


def test_what_cannot_be_joined(store, path, tmp_path):
    with pytest.raises(
        nk.SourceError, match="the mapping is for the space nas-bench-macro, but the store is for nb201"
    ):
        nk.join(store, path, tmp_path / "out.h5", mapping=mapping("nas-bench-macro"))
    with pytest.raises(nk.SourceError, match="no such file"):
        nk.join(store, tmp_path / "absent.csv", tmp_path / "out.h5", mapping=mapping())
    with pytest.raises(nk.StoreError, match="there is no folder"):
        nk.join(store, path, tmp_path / "absent" / "out.h5", mapping=mapping())
    with pytest.raises(nk.UnknownName, match="unknown benchmark"):
        nk.join("no-such-benchmark", path, tmp_path / "out.h5", mapping=mapping())
    pd.concat([pd.read_csv(path), pd.read_csv(path).iloc[:1]]).to_csv(path, index=False)
    with pytest.raises(nk.SourceError, match="row 0 appears twice for cifar10/latency_phone"):
        nk.join(store, path, tmp_path / "out.h5", mapping=mapping())


def test_a_damaged_store_is_not_passed_on(tmp_path, path):
    target = write_store(tmp_path / "mine.h5", made_up_table())
    content = bytearray(target.read_bytes())
    column = nk.open(target)._store.metrics["cifar10"]["test_accuracy"]
    content[column.offset + 3] ^= 1
    target.write_bytes(content)
    with pytest.raises(nk.StoreError, match="the checksum of metrics/cifar10/test_accuracy is wrong"):
        nk.join(target, path, tmp_path / "out.h5", mapping=mapping())


# ---------------------------------------------------------------------------- the command


@pytest.mark.slow
def test_the_command(store, path, values, tmp_path, capsys):
    out = tmp_path / "joined.h5"
    words = ["convert", str(path), str(out), "--join", str(store), "--architecture", "arch"]
    assert main([*words, "--column", "ms=cifar10/latency_phone"]) == 0
    assert "15,625 architectures, 15,625 of them with cifar10/latency_phone" in capsys.readouterr().out
    assert (nk.open(out).query(NB201.all(), "latency_phone") == values).all()
    assert main(["info", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "side.csv" in shown
    assert main(["info", str(out), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["sources"]) == 2
    text = 'space = "nb201"\n[[table]]\narchitecture = "arch"\ncolumn = ["ms=cifar10/latency_phone"]\n'
    (tmp_path / "side.toml").write_text(text)
    words = ["validate", str(out), "--source", str(path), "--mapping", str(tmp_path / "side.toml")]
    assert main(words) == 0
    assert "1,000 values of 1,000 architectures are equal" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--skip-unknown"], "--skip-unknown only applies with --join"),
        (["--replace"], "--replace only applies with --join"),
        (["--join", "STORE", "--partial"], "--partial does not apply with --join"),
        (["--join", "STORE", "--from", "nb101"], "only tables"),
        (["--join", "STORE"], "needs a mapping of its columns"),
        (["--join", "STORE", "--architecture", "arch"], "a table needs all of"),
    ],
)
def test_wrong_use_of_the_command(words, message, store, path, tmp_path, capsys):
    words = [str(store) if word == "STORE" else word for word in words]
    assert main(["convert", str(path), str(tmp_path / "out.h5"), *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out.h5").exists()


def test_a_table_to_join_needs_a_target(store, path, capsys):
    words = ["--join", str(store), "--architecture", "arch", "--column", "ms=cifar10/latency_phone"]
    assert main(["convert", str(path), *words]) == 2
    assert "a table to join needs a STORE" in capsys.readouterr().err


def test_queries_by_other_forms(store, capsys):
    x = NB201.from_official_index([7])
    expected = nk.open(store).query(x, "training_time").tolist()[0]
    words = ["query", str(store), "--metrics", "training_time"]
    for form, text in (("official_index", "7"), ("number", str(NB201.number(x)[0])), ("native", NB201.decode(x)[0])):
        assert main([*words, "--form", form, "--", text]) == 0
        assert capsys.readouterr().out.splitlines()[1] == f"{text}\t{expected}"
    assert main([*words, "--form", "official_index", "--", "seven"]) == 2
    assert "official_index must be a non-negative integer below 2**64, not 'seven'" in capsys.readouterr().err
    assert main([*words, "--hash", "--", "7"]) == 2
    assert "unknown architecture form 'hash' of nb201" in capsys.readouterr().err


def test_queries_by_hash(capsys):
    assert main(["query", "nb101-test", "--hash", "043721b9c7fe8c5fad811d47d83132ec", "--metrics", "params"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "043721b9c7fe8c5fad811d47d83132ec\t882570"
    assert main(["query", "nb101-test", "--hash", "0" * 32]) == 2
    error = capsys.readouterr().err
    assert error == f"nasbench-kit query: nb101: 1 of 1 hashes belong to none of the 423,624 cells: no. 0 {'0' * 32}\n"
