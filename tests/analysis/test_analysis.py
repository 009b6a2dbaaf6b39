"""Analyses of tables, beside plain computations on small made-up tables with known answers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import scipy.stats

import nasbench_kit as nk
from nasbench_kit.analysis import agreement, optima
from nasbench_kit.cli.main import main
from nasbench_kit.metrics import Metric
from nasbench_kit.store import MetricColumn, Table, write_store


@pytest.fixture(scope="module")
def found(store):
    return nk.analyse(nk.open(store))


def test_distributions(found, bench):
    frame = found.distributions
    values = bench.query(bench.architectures, "valid_accuracy", epochs=4)
    row = frame[(frame.metric == "valid_accuracy") & (frame.epochs == 4)].iloc[0]
    assert (row["min"], row["median"], row["max"]) == (values.min(), np.median(values), values.max())
    assert (row["mean"], row["sd"]) == pytest.approx((values.mean(), values.std()))
    assert (row["better"], row["split"], row["units"]) == ("max", "valid", "percent")
    assert frame[frame.metric == "params"].epochs.isna().all()
    assert set(frame.metric) == set(bench.metrics())


def test_agreement_is_that_of_scipy(found, bench):
    X = bench.architectures
    few, many = (bench.query(X, "valid_accuracy", epochs=epochs) for epochs in (4, 12))
    row = found.between_budgets.query("metric == 'valid_accuracy'").iloc[0]
    assert (row.epochs, row.more_epochs, row.architectures) == (4, 12, len(X))
    assert row.spearman == pytest.approx(scipy.stats.spearmanr(few, many).statistic)
    assert row.kendall == pytest.approx(scipy.stats.kendalltau(few, many).statistic)
    row = found.between_splits.iloc[0]
    test = bench.query(X, "test_accuracy")
    assert (row.valid, row.test) == ("valid_accuracy", "test_accuracy")
    assert row.spearman == pytest.approx(scipy.stats.spearmanr(many, test).statistic)
    row = found.with_quality.query("metric == 'params' and quality == 'test_accuracy'").iloc[0]
    assert row.kind == "cost"
    assert row.kendall == pytest.approx(scipy.stats.kendalltau(bench.query(X, "params"), test).statistic)


def test_long_curves_are_compared_on_a_grid():
    chosen = agreement._chosen(tuple(range(1, 201)))
    assert (chosen[0], chosen[-1]) == (1, 200)
    assert len(chosen) <= agreement.MOST_BUDGETS
    assert agreement._chosen((4, 12)) == [4, 12]


def table_of(space, X, metrics) -> Table:
    return Table(space, X, metrics, {"source": "made up"})


def test_noise_is_told_from_differences(tmp_path):
    """Trials drawn with known standard deviations; more noise, fewer agreements."""
    space, rng = nk.space("nas-bench-macro"), np.random.default_rng(0)
    X = space.all()
    true = rng.normal(50, 3, (len(X), 1))
    trials = true[:, :, np.newaxis] + rng.normal(0, 1.5, (len(X), 1, 4))
    trials[::5, 0, 3] = np.nan
    trials[::9, 0, 1:] = np.nan  # one trial says nothing about noise
    column = MetricColumn(trials, (9,), (3, 5, 7, 9))
    bench = nk.open(write_store(tmp_path / "t.h5", table_of(space, X, {"d": {"valid_accuracy": column}})))
    noise = nk.analyse(bench).noise.iloc[0]
    assert (noise.epochs, noise.seeds, noise.architectures) == (9, 4, len(X) - len(X[::9]))
    assert noise.sd_within == pytest.approx(1.5, rel=0.03)
    assert noise.sd_between == pytest.approx(3, rel=0.03)
    assert noise.noise_share == pytest.approx(1.5**2 / (1.5**2 + 3**2), rel=0.05)
    assert 0.7 < noise.spearman < 0.85


def test_landscape_of_a_table_with_one_known_optimum(tmp_path):
    space = nk.space("nas-bench-macro")
    X = space.all()
    fitness = (X == 2).sum(axis=1).astype(float)  # all 2 is the only optimum, at every step
    column = MetricColumn(fitness[:, np.newaxis], (1,))
    bench = nk.open(write_store(tmp_path / "t.h5", table_of(space, X, {"d": {"valid_accuracy": column}})))
    row = nk.analyse(bench).landscapes.iloc[0]
    assert (row.best, row.optima, row.local_optima, row.neighbours) == (8, 1, 1, 16)
    assert row.distance_correlation == pytest.approx(-1)
    assert row.examined == row.looked_up == len(X)


def test_local_optima_of_nas_bench_201():
    """As published: https://github.com/v-tao/nats-bench-landscape."""
    bench = nk.open("nb201")
    for dataset, published in (("cifar100", 24), ("ImageNet16-120", 36)):
        frame = nk.analyse(bench, dataset=dataset).landscapes.set_index("metric")
        assert frame.local_optima["test_accuracy"] == published


def test_neighbours_of_a_table_of_networks_are_networks(tmp_path):
    """A table with one record per network answers for its other encodings, too."""
    space = nk.space("nb201")
    X = np.unique(space.canonical(space.all()), axis=0)
    rng = np.random.default_rng(0)
    values = rng.random(len(X))
    column = MetricColumn(values[:, np.newaxis], (1,))
    bench = nk.open(write_store(tmp_path / "t.h5", table_of(space, X, {"d": {"valid_accuracy": column}})))
    row = nk.analyse(bench).landscapes.iloc[0]
    expected = 0
    for x in bench.architectures[:400]:
        others = space.neighbours(x)
        others = others[space.key(others) != space.key(x)]
        near, own = bench.query(others, "valid_accuracy"), bench.query(x, "valid_accuracy")
        expected += bool((own > near).all())
    near = optima._records_of_neighbours(bench, np.arange(400))
    fitness = bench.query(bench.architectures, "valid_accuracy")
    assert optima._local_optima(fitness, np.arange(400), near)["local_optima"] == expected > 0
    assert row.examined == len(X)


def test_large_tables_are_sampled_and_say_so(bench, monkeypatch):
    monkeypatch.setattr(optima, "MOST_LOOKUPS", 24 * 100)
    one, same = (nk.analyse(bench, dataset="cifar10", seed=0) for _ in range(2))
    assert (one.landscapes.looked_up == 100).all()
    pd.testing.assert_frame_equal(one.landscapes, same.landscapes)
    assert not (optima._sampled(bench, 0) == optima._sampled(bench, 1)).all()
    assert "looked up for a random sample of 100 architectures" in one.report()


def test_classes_of_nb201(found, bench):
    frame = found.classes
    assert frame.networks_in_space.sum() == 5524
    assert frame.genotypes_in_space.sum() == 15625
    assert frame.networks_in_table.tolist() == frame.networks_in_space.tolist()
    assert (frame["size"] * frame.networks_in_table == frame.genotypes_in_table).all()


def odd(tmp_path) -> nk.Benchmark:
    """A small part of a large space, with a user's own metric names, one of them without a direction."""
    space = nk.space("nsga-net-micro")
    X, rng = space.sample(60, 0), np.random.default_rng(0)
    mine, theirs = rng.random((60, 2)), rng.random(60)
    mine[3] = np.nan
    metrics = {
        "one": {
            "mIoU of mine": MetricColumn(
                mine[:, np.newaxis], (30,), (1, 2), Metric("mIoU of mine", "", "max", depends_on_seed=True)
            ),
            "heat": MetricColumn(theirs, None, None, Metric("heat")),
            "latency_x": MetricColumn(theirs, None, None),
        },
        "two": {"perplexity": MetricColumn(-mine[:, 0], None, None, Metric("perplexity", "", "min", split="test"))},
        "empty": {"valid_accuracy": MetricColumn(np.full((60, 1), np.nan), (3,))},
    }
    return nk.open(write_store(tmp_path / "odd.h5", table_of(space, X, metrics)))


def test_a_partial_table_with_odd_names(tmp_path):
    bench = odd(tmp_path)
    found = nk.analyse(bench)
    described = found.distributions.set_index(["dataset", "metric"])
    assert described.loc[("one", "mIoU of mine"), "missing"].item() == pytest.approx(1 / 60)
    assert described.loc[("empty", "valid_accuracy"), "architectures"].item() == 0
    assert set(found.undirected.metric) == {"heat"}
    assert "heat" in found.report()
    for frame in (found.between_datasets, found.with_quality, found.landscapes, found.noise):
        assert "heat" not in frame.astype(str).to_numpy()
    assert set(found.landscapes.metric) == {"mIoU of mine", "perplexity", "valid_accuracy"}
    assert found.with_quality.set_index("metric").kind.to_dict() == {"latency_x": "cost"}
    assert found.noise.metric.tolist() == ["mIoU of mine"]
    json.dumps(found.as_dict(), allow_nan=False)
    only = nk.analyse(bench, dataset="two")
    assert set(only.distributions.dataset) == {"two"}
    assert only.noise.empty
    assert only.between_datasets.empty


def test_wrong_use(bench):
    with pytest.raises(nk.UnknownName, match="cifar11.*did you mean 'cifar10'"):
        nk.analyse(bench, dataset="cifar11")
    with pytest.raises(TypeError, match="must come from nasbench_kit.open"):
        nk.analyse("nb201")
    with pytest.raises(ValueError, match="non-negative"):
        nk.analyse(bench, seed=-1)


def test_the_command(store, tmp_path, capsys):
    assert main(["info", "--deep", str(store)]) == 0
    out, err = capsys.readouterr()
    assert "Fitness landscapes" in out
    assert "landscapes: done" in err
    path = str(odd(tmp_path).path)
    assert main(["info", path, "--deep", "--json", "--dataset", "one"]) == 0
    printed = json.loads(capsys.readouterr()[0])
    assert {row["metric"] for row in printed["analysis"]["noise"]} == {"mIoU of mine"}
    assert printed["content"]
    assert main(["info", path, "--dataset", "one"]) == 2
    assert "--deep" in capsys.readouterr()[1]
    assert main(["info", path, "--deep", "--dataset", "three"]) == 2
    assert "Available: one, two, empty" in capsys.readouterr()[1]
