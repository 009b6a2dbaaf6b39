"""Ensembles in the layout of NAS-Bench-301: read without unpickling, queried and searched like a table."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.surrogates.features import darts_features
from tests.official.nb301 import made_up, write_ensemble

xgboost = pytest.importorskip("xgboost")
lightgbm = pytest.importorskip("lightgbm")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    parent = tmp_path_factory.mktemp("nb_models")
    return {
        "xgb": (parent / "xgb_v1.0", write_ensemble(parent / "xgb_v1.0", "xgb")),
        "lgb_time": (parent / "lgb_runtime_v1.0", write_ensemble(parent / "lgb_runtime_v1.0", "lgb_time")),
    }


@pytest.fixture(scope="module")
def bench(folders):
    return nk.SurrogateBenchmark(folders["xgb"][0], runtime=folders["lgb_time"][0])


@pytest.fixture(scope="module")
def drawn():
    return nk.space("darts").sample(50, 1)


def test_predictions_are_those_of_the_boosters(bench, folders, drawn):
    features = darts_features(drawn)
    for name, members in (("valid_accuracy", folders["xgb"][1]), ("training_time", folders["lgb_time"][1])):
        wanted = [
            m.predict(xgboost.DMatrix(features)) if name == "valid_accuracy" else m.predict(features) for m in members
        ]
        wanted = np.array(wanted, dtype=np.float64).T
        assert np.array_equal(bench.trials(drawn, name)[:, 0], wanted)
        assert np.array_equal(bench.query(drawn, name), wanted.mean(axis=1))
        assert np.array_equal(bench.query(drawn, name, seed=2), wanted[:, 2])
        picked = bench.query(drawn, name, seed="random", rng=0)
        assert (picked[:, np.newaxis] == wanted).any(axis=1).all()
        assert np.array_equal(picked, bench.query(drawn, name, seed="random", rng=0))
    assert abs(bench.query(drawn, "valid_accuracy") - made_up(drawn)).max() < 3


def test_what_it_offers(bench):
    assert bench.datasets == ("cifar10",)
    assert bench.metrics()[:2] == ("valid_accuracy", "training_time")
    assert bench.epochs() == (100,)
    assert bench.seeds() == (0, 1, 2)
    assert bench.metric("valid_accuracy").split == "valid"
    assert bench.metric("training_time").units == "s"
    info = bench.info
    assert (info["source"], info["model"], info["runtime_model"]) == ("xgb_v1.0", "xgb", "lgb_time")
    assert info["licence"] == "Apache-2.0"
    assert len(info["sha256"]) == 64
    assert "extrapolated" in info["notes"]


def test_batches_and_single_genotypes(bench, drawn):
    both = bench.query(drawn, ["valid_accuracy", "training_time"], epochs=100)
    assert both.shape == (50, 2)
    assert np.array_equal(both[:, 0], bench.query(drawn, "valid_accuracy"))
    assert bench.query(drawn[0], "valid_accuracy").shape == (1,)
    assert bench.query(drawn[:0], "valid_accuracy").shape == (0,)
    invalid = drawn[:2].copy()
    invalid[1] = 99
    found = bench.query(invalid, "valid_accuracy", invalid="nan")
    assert np.isfinite(found[0])
    assert np.isnan(found[1])
    with pytest.raises(nk.InvalidArchitecture):
        bench.query(invalid, "valid_accuracy")


def test_wrong_names(bench, drawn):
    with pytest.raises(nk.UnknownName, match="unknown metric 'test_accuracy' of xgb_v1.0"):
        bench.query(drawn, "test_accuracy")
    with pytest.raises(nk.UnknownName, match="epoch budget"):
        bench.query(drawn, "valid_accuracy", epochs=50)
    with pytest.raises(nk.UnknownName, match="seed"):
        bench.query(drawn, "valid_accuracy", seed=3)
    with pytest.raises(ValueError, match="needs rng="):
        bench.query(drawn, "valid_accuracy", seed="random")


@pytest.mark.slow
def test_searches_and_comparisons(bench):
    problem = bench.problem("valid_accuracy", bounds=[[96], [80]])
    assert problem.noisy
    result = nk.search(problem, nk.RegularizedEvolution(), runs=3, evaluations=150, seed=0)
    again = nk.search(problem, nk.RegularizedEvolution(), runs=1, evaluations=150, seed=0)
    assert np.array_equal(result.incumbents[:1], again.incumbents)
    assert (result.simulated_seconds > 150 * 5000).all()  # predicted seconds, about 5,300 each
    best = result.best("valid_accuracy")
    assert np.allclose(best, bench.query(result.incumbents, "valid_accuracy"))
    comparison = nk.compare(problem, [nk.RandomSearch(), nk.RegularizedEvolution()], runs=3, evaluations=60)
    assert set(comparison.table().index) == {"RandomSearch", "RegularizedEvolution"}


def test_several_objectives(bench):
    problem = bench.problem(["valid_accuracy", "training_time"], seed="mean", bounds=[[96, 5000], [80, 6000]])
    assert not problem.noisy
    result = nk.search(problem, nk.NSGA2(population_size=20), runs=2, evaluations=200)
    assert (result.hypervolume() > 0).all()
    assert np.array_equal(problem.bounds, [[4, 5000], [20, 6000]])
    with pytest.raises(ValueError, match="the best and the worst value"):
        bench.problem("valid_accuracy", bounds=[[80], [96]])


def test_every_protocol_of_pickles(tmp_path, drawn):
    values = []
    for protocol in (2, 3, 4, 5):
        write_ensemble(tmp_path / str(protocol), "xgb", members=1, protocol=protocol)
        single = nk.SurrogateBenchmark(tmp_path / str(protocol))
        assert single.seeds() == ()
        values.append(single.query(drawn, "valid_accuracy"))
    assert all(np.array_equal(values[0], other) for other in values)


class Hostile:
    def __reduce__(self):
        return print, ("code of the file was run",)


def test_nothing_in_a_file_is_run(tmp_path, capsys):
    write_ensemble(tmp_path / "a", "xgb", members=1)
    path = tmp_path / "a" / "ensemble_member_0" / "surrogate_model.model"
    path.write_bytes(pickle.dumps({"handle": Hostile()}))
    with pytest.raises(nk.SourceError, match="without a booster"):
        nk.SurrogateBenchmark(tmp_path / "a")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "surrogate_model.model").write_bytes(b"no pickle"), "is not a complete pickle"),
        (lambda f: _cut(f / "surrogate_model.model"), "is not a complete pickle"),
        (lambda f: (f / "surrogate_model.model").write_bytes(pickle.dumps({"handle": bytes(200)})), "cannot read this"),
        (lambda f: (f / "surrogate_model.model").write_bytes(pickle.dumps({"handle": "tree\n"})), "as of LightGBM"),
        (lambda f: (f / "model_config.json").unlink(), "no such file"),
        (lambda f: (f / "model_config.json").write_text("["), "not valid JSON"),
        (lambda f: (f / "model_config.json").write_text("[]"), "expected an object"),
        (lambda f: (f / "model_config.json").write_text('{"model": "gnn_gin"}'), "unknown model 'gnn_gin'"),
        (lambda f: (f / "model_config.json").write_text('{"model": "lgb"}'), "several kinds"),
        (
            lambda f: (f / "model_config.json").write_text(json.dumps({"model": "xgb", "param:bananas_enc": True})),
            "path encodings",
        ),
    ],
)
def test_files_with_something_wrong(tmp_path, change, message):
    write_ensemble(tmp_path / "a", "xgb", members=2)
    change(tmp_path / "a" / "ensemble_member_1")
    with pytest.raises(nk.NasbenchKitError, match=message) as caught:
        nk.SurrogateBenchmark(tmp_path / "a")
    assert "ensemble_member_1" in str(caught.value) or "a has models" in str(caught.value)
    assert "\n" not in str(caught.value)


def _cut(path):
    path.write_bytes(path.read_bytes()[:500])


def test_folders_that_are_not_what_is_expected(tmp_path, folders):
    (tmp_path / "empty").mkdir()
    with pytest.raises(nk.SourceError, match=r"has no file named surrogate_model\.model"):
        nk.SurrogateBenchmark(tmp_path / "empty")
    with pytest.raises(nk.SourceError, match="no such file or folder"):
        nk.SurrogateBenchmark(tmp_path / "missing")
    with pytest.raises(nk.SourceError, match="predicts training times"):
        nk.SurrogateBenchmark(folders["lgb_time"][0])
    with pytest.raises(nk.SourceError, match="predicts accuracies"):
        nk.SurrogateBenchmark(folders["xgb"][0], runtime=folders["xgb"][0])
