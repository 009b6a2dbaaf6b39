"""Questions to a store: defaults, axes, seeds, invalid genotypes, fronts."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.store import MetricColumn, Table, write_store

from ..conftest import made_up_table


def reference(table, X, metric, epoch, seed):
    """A metric straight from the table in memory, one row at a time."""
    row = {tuple(x): i for i, x in enumerate(table.architectures.tolist())}
    column = table.metrics["cifar10"][metric]
    values = [column.values[row[tuple(x)], column.epochs.index(epoch)] for x in X.tolist()]
    if column.seeds is None:
        return np.array(values)
    if seed == "mean":
        return np.array([np.nanmean(v) for v in values])
    return np.array([v[column.seeds.index(seed)] for v in values])


@pytest.mark.parametrize("metric", ["valid_accuracy", "training_time"])
@pytest.mark.parametrize("epoch", [4, 12])
@pytest.mark.parametrize("seed", ["mean", 111, 888])
def test_values_are_those_of_the_table(bench, table, metric, epoch, seed):
    X = bench.space.sample(300, 1)
    np.testing.assert_allclose(
        bench.query(X, metric, epochs=epoch, seed=seed), reference(table, X, metric, epoch, seed), rtol=1e-14
    )


def test_defaults_are_the_only_dataset_the_largest_budget_and_the_mean(bench, table):
    X = bench.space.sample(50, 2)
    np.testing.assert_allclose(bench.query(X, "valid_accuracy"), reference(table, X, "valid_accuracy", 12, "mean"))


def test_shapes(bench):
    X = bench.space.sample(5, 2)
    assert bench.query(X, "params").shape == (5,)
    assert bench.query(X, ["params"]).shape == (5, 1)
    assert bench.query(X, ["params", "valid_accuracy"]).shape == (5, 2)
    assert bench.query(X[0], "params").shape == (1,)
    assert bench.query(X[:0], ["params", "valid_accuracy"]).shape == (0, 2)
    assert bench.query(X, ["params", "valid_accuracy"]).dtype == np.float64


def test_description(bench):
    assert len(bench) == 15625
    assert bench.datasets == ("cifar10",)
    assert bench.metrics() == ("valid_accuracy", "test_accuracy", "training_time", "params", "flops")
    assert bench.epochs("cifar10", "valid_accuracy") == (4, 12)
    assert bench.epochs(metric="params") == ()
    assert bench.seeds() == (111, 777, 888)
    assert bench.seeds(metric="valid_accuracy") == (111, 777, 888)
    assert bench.seeds(metric="training_time") == bench.seeds(metric="params") == ()
    assert bench.units("valid_accuracy") == "percent"
    assert bench.units("params") == "count"
    assert bench.info["source"] == "made up"
    bench.info["source"] = "changed"
    assert bench.info["source"] == "made up"
    assert bench.architectures.shape == (15625, 6)


def test_a_random_seed_is_one_of_the_stored_ones(bench):
    X = bench.space.all()
    drawn = bench.query(X, ["valid_accuracy", "test_accuracy"], seed="random", rng=3)
    trials = np.stack([bench.query(X, ["valid_accuracy", "test_accuracy"], seed=s) for s in bench.seeds()])
    # both metrics come from the same stored trial
    assert (trials == drawn).all(axis=2).any(axis=0).all()
    share = (trials[0] == drawn).all(axis=1).mean()
    assert 0.3 < share < 0.4
    assert (drawn == bench.query(X, ["valid_accuracy", "test_accuracy"], seed="random", rng=3)).all()
    with pytest.raises(ValueError, match="needs rng="):
        bench.query(X, "valid_accuracy", seed="random")
    with pytest.raises(ValueError, match="only allowed with seed"):
        bench.query(X, "valid_accuracy", rng=3)


def test_invalid_genotypes(bench):
    X = np.array([[0, 1, 2, 3, 4, 0], [0, 1, 2, 3, 4, 9]])
    with pytest.raises(nk.InvalidArchitecture, match="row 1"):
        bench.query(X, "params")
    found = bench.query(X, ["params", "valid_accuracy"], invalid="nan")
    assert np.isnan(found).tolist() == [[False, False], [True, True]]
    with pytest.raises(ValueError, match="'raise' or 'nan'"):
        bench.query(X, "params", invalid="ignore")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": "valid_acc"}, "did you mean 'valid_accuracy'"),
        ({"metrics": "params", "dataset": "cifar100"}, "did you mean 'cifar10'"),
        ({"metrics": "valid_accuracy", "epochs": 200}, "Available: 4, 12|epoch budget"),
        ({"metrics": "valid_accuracy", "seed": 5}, "Available: .*111"),
        ({"metrics": "valid_accuracy", "seed": "average"}, "unknown seed"),
        ({"metrics": "valid_accuracy", "seed": True}, "unknown seed"),
    ],
)
def test_names_that_do_not_exist(bench, arguments, message):
    with pytest.raises(nk.UnknownName, match=message):
        bench.query(bench.space.all()[:2], **arguments)


def test_a_dataset_is_asked_for_where_there_are_several(tmp_path):
    space = nk.space("nas-bench-macro")
    metric = {"valid_accuracy": MetricColumn(np.ones(space.size))}
    path = write_store(tmp_path / "two.h5", Table(space, space.all(), {"a": metric, "b": metric}))
    with pytest.raises(nk.UnknownName, match="no dataset of two is given.*a, b.*dataset="):
        nk.open(path).query(space.all()[:1], "valid_accuracy")


def test_a_network_without_a_record_is_answered_by_its_class(tmp_path):
    space = nk.space("nb201")
    networks = np.unique(space.canonical(space.all()), axis=0)
    table = made_up_table(architectures=networks)
    bench = nk.open(write_store(tmp_path / "classes.h5", table))
    assert len(bench) == 5524
    X = space.all()
    np.testing.assert_array_equal(bench.query(X, "valid_accuracy"), bench.query(space.canonical(X), "valid_accuracy"))
    # but costs are those of the genotype itself
    np.testing.assert_array_equal(bench.query(X, "params"), space.cost(X, "params", dataset="cifar10"))


def test_a_network_with_several_records_keeps_them_apart(bench, table):
    space = bench.space
    variant = np.array([[3, 0, 0, 1, 0, 0]], dtype=np.uint8)
    assert (space.canonical(variant) != variant).any()
    assert bench.query(variant, "valid_accuracy") != bench.query(space.canonical(variant), "valid_accuracy")
    assert bench.query(variant, "valid_accuracy") == reference(table, variant, "valid_accuracy", 12, "mean")


LARGE = ("macronas", "nas-bench-nlp")  # seconds


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in nk.list_spaces()]
)
@pytest.mark.parametrize("several", [False, True])
def test_every_space_has_its_table(tmp_path, name, several):
    """Networks with one record, or with one for each of several genotypes."""
    space = nk.space(name)
    drawn = np.unique(space.sample(800, 1), axis=0)
    if several:
        stored = np.unique(np.concatenate([drawn[::2], space.canonical(drawn[::2])]), axis=0)
    else:
        stored = np.unique(space.canonical(drawn[::2]), axis=0)
    values = np.arange(len(stored)) / 100
    table = Table(space, stored, {"cifar10": {"valid_accuracy": MetricColumn(values)}}, {"source": "made up"})
    bench = nk.open(write_store(tmp_path / "made-up.h5", table))
    assert bench.query(stored, "valid_accuracy").tolist() == values.tolist()
    own = {row.tobytes(): value for row, value in zip(stored, values.tolist(), strict=True)}
    by_key: dict[int, list[float]] = {}
    for key, value in zip(space.key(stored).tolist(), values.tolist(), strict=True):
        by_key.setdefault(key, []).append(value)
    answers = bench.query(drawn, "valid_accuracy").tolist()
    for row, key, answer in zip(drawn, space.key(drawn).tolist(), answers, strict=True):
        if row.tobytes() in own:
            assert answer == own[row.tobytes()]
        elif key in by_key:
            assert answer in by_key[key]
        else:
            assert np.isnan(answer)
    result = nk.search(bench.problem("valid_accuracy", missing="skip"), nk.RandomSearch(), runs=2, evaluations=50)
    assert (result.incumbent_values <= 100).all() or np.isinf(result.incumbent_values).any()


def test_what_is_not_stored_is_nan(tmp_path):
    space = nk.space("nb201")
    bench = nk.open(write_store(tmp_path / "few.h5", made_up_table(architectures=space.all()[3000:3010])))
    X = space.all()
    known = np.isin(space.key(X), space.key(bench.architectures))
    assert np.array_equal(~np.isnan(bench.query(X, "valid_accuracy")), known)
    assert not np.isnan(bench.query(X, "flops")).any()


def test_test_and_validation_are_never_substituted(tmp_path):
    space = nk.space("nas-bench-macro")
    path = write_store(
        tmp_path / "t.h5", Table(space, space.all(), {"c": {"test_accuracy": MetricColumn(np.ones(space.size))}})
    )
    with pytest.raises(nk.UnknownName, match="valid_accuracy"):
        nk.open(path).query(space.all()[:1], "valid_accuracy")
    with pytest.raises(nk.UnknownName, match="valid_accuracy"):
        nk.open(path).problem("valid_accuracy")


def test_front_is_exact(bench):
    genotypes, values = bench.front(["valid_accuracy", "params"])
    everything = bench.query(bench.architectures, ["valid_accuracy", "params"])
    for value in values:
        better = (everything[:, 0] >= value[0]) & (everything[:, 1] <= value[1])
        assert (everything[better] == value).all()
    dominated = [(((values[:, 0] >= v[0]) & (values[:, 1] <= v[1])).any()) for v in everything]
    assert all(dominated)
    assert (np.diff(values[:, 0]) < 0).all()
    assert (bench.query(genotypes, ["valid_accuracy", "params"]) == values).all()
    with pytest.raises(TypeError, match="list of metric names"):
        bench.front("valid_accuracy")


def test_frame(bench):
    frame = bench.frame()
    assert frame.shape == (15625, 5)
    assert list(frame.columns) == list(bench.metrics())
    native = bench.space.decode(bench.architectures[77])[0]
    assert frame.loc[native, "valid_accuracy"] == bench.query(bench.architectures[77], "valid_accuracy")[0]
    assert bench.frame(epochs=4)["valid_accuracy"].mean() < frame["valid_accuracy"].mean()
    with pytest.raises(nk.UnknownName, match="epoch budget"):
        bench.frame(epochs=5)


def test_problems(bench):
    problem = bench.problem(["valid_accuracy", "params"], epochs=4, seed="mean", charge="one")
    X = bench.space.sample(20, 0)
    F = problem(X)
    np.testing.assert_array_equal(F[:, 0], 100 - bench.query(X, "valid_accuracy", epochs=4))
    np.testing.assert_array_equal(F[:, 1], bench.query(X, "params"))
    evaluation = problem.evaluate(X)
    np.testing.assert_array_equal(evaluation.F, F)
    np.testing.assert_array_equal(evaluation.seconds, bench.query(X, "training_time", epochs=4))
    copy = pickle.loads(pickle.dumps(problem))
    np.testing.assert_array_equal(copy(X), F)
    with pytest.warns(nk.TestSelectionWarning, match="selects on test_accuracy"):
        bench.problem("test_accuracy")
    with pytest.raises(nk.UnknownName, match="epoch budget"):
        bench.problem("valid_accuracy", epochs=5)


def test_opening_by_name(tmp_path, monkeypatch):
    assert "nb201-digits" in nk.list_benchmarks()
    with pytest.raises(nk.UnknownName, match="did you mean 'nb201-digits'"):
        nk.open("nb201-digit")
    monkeypatch.setenv("NASBENCH_KIT_HOME", str(tmp_path))
    write_store(tmp_path / "own.h5", made_up_table("nas-bench-macro"))
    assert "own" in nk.list_benchmarks()
    assert nk.open("own").space.name == "nas-bench-macro"


def test_a_native_form_is_no_genotype(bench):
    for native in (
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|",
        ["|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"],
        [{"matrix": [[0, 1], [0, 0]], "ops": ["input", "output"]}],
        [[1, 0], [1]],
    ):
        with pytest.raises(nk.InvalidArchitecture, match=r"space\.encode\(\[\.\.\.\]\)"):
            bench.query(native, "valid_accuracy")


def test_trials_are_all_that_is_stored(bench):
    X = bench.architectures[:50]
    found = bench.trials(X, "valid_accuracy")
    assert found.shape == (50, 2, 3)
    for e, epochs in enumerate((4, 12)):
        for s, seed in enumerate((111, 777, 888)):
            np.testing.assert_array_equal(found[:, e, s], bench.query(X, "valid_accuracy", epochs=epochs, seed=seed))
    assert np.isnan(found).any()
    assert bench.trials(X[0], "training_time").shape == (1, 2, 1)
    np.testing.assert_array_equal(bench.trials(X, "params")[:, 0, 0], bench.query(X, "params"))
    with pytest.raises(nk.UnknownName):
        bench.trials(X, "accuracy")


def test_a_table_without_architectures(tmp_path):
    space = nk.space("nas-bench-macro")
    table = Table(space, space.all()[:0], {"c": {"valid_accuracy": MetricColumn(np.zeros(0))}})
    bench = nk.open(write_store(tmp_path / "none.h5", table))
    assert len(bench) == 0
    assert np.isnan(bench.query(space.all()[:3], "valid_accuracy")).all()
    with pytest.raises(ValueError, match="has no architecture"):
        bench.problem("valid_accuracy")


def test_as_xarray(bench):
    xarray = pytest.importorskip("xarray")
    found = bench.to_xarray()
    assert isinstance(found, xarray.Dataset)
    assert found["valid_accuracy"].dims == ("architecture", "epochs", "seed")
    assert found["training_time"].dims == ("architecture", "epochs")
    assert found["params"].dims == ("architecture",)
    assert found["valid_accuracy"].attrs["direction"] == "max"
    native = bench.space.decode(bench.architectures[7])[0]
    one = found["valid_accuracy"].sel(architecture=native, epochs=12).values
    np.testing.assert_array_equal(one, bench.trials(bench.architectures[7], "valid_accuracy")[0, 1])
    with pytest.raises(nk.UnknownName):
        bench.to_xarray("cifar1")
