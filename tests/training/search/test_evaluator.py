"""Training as a problem: which networks are trained how often, the cache, and searches by all kinds of algorithms."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import pickle
import signal

import numpy as np
import pytest

import nasbench_kit as nk

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from nasbench_kit.store import write_store  # noqa: E402
from nasbench_kit.training.recipes import Recipe  # noqa: E402
from nasbench_kit.training.search import jobs  # noqa: E402
from nasbench_kit.training.search.evaluator import TrainingProblem  # noqa: E402
from nasbench_kit.training.setting import make_setting  # noqa: E402
from nasbench_kit.training.trainer import METRICS, train  # noqa: E402
from tests.training.spaces import TRAINABLE  # noqa: E402

SPACE = nk.space("genetic-cnn")


def small_setting(epochs: int = 1, hidden: int = 16, **changes):
    recipe = Recipe(epochs=epochs, batch_size=50, **changes)
    return make_setting("genetic-cnn", "digits", recipe=recipe, skeleton={"hidden": hidden})


def problem(setting, objectives=("valid_accuracy",), **options):
    options = {"device": "cpu", "processes": 1, **options}
    return TrainingProblem(setting, objectives, **options)


def different(n: int) -> np.ndarray:
    """Canonical genotypes of different networks."""
    found = np.unique(SPACE.canonical(SPACE.sample(4 * n, 0)), axis=0)
    return found[np.random.default_rng(0).permutation(len(found))[:n]]


@pytest.mark.parametrize("name", TRAINABLE)
def test_every_space_is_trained_once(few_digits, name, tmp_path):
    setting = make_setting(name, "digits", recipe=Recipe(epochs=1, batch_size=50))
    space = nk.space(name)
    X = space.sample(1, 3)
    x = space.canonical(X)[0]
    with problem(setting, ["valid_accuracy", "flops", "params"], cache=tmp_path / "c") as first:
        found = first.evaluate(np.concatenate([X, x[None]]))
        assert first.trained == 1
        assert first.budgets == (1,)
        assert first.bounds.shape == (2, 3)
        assert np.all(found.F / first.bounds[1] < 1.5)
        metrics = first.metrics(X)
    network = setting.network(x, 0)
    alone = train(network, setting.data, setting.recipe, seed=0, device="cpu")
    assert found.F[:, 0].tolist() == [100 - alone.metrics["valid_accuracy"][-1]] * 2
    assert found.F[:, 2].tolist() == [sum(p.numel() for p in network.parameters())] * 2
    assert {name: values[0] for name, values in metrics.items() if name in METRICS} == {
        name: values[-1] for name, values in alone.metrics.items()
    }
    with problem(setting, ["valid_accuracy", "flops", "params"], cache=tmp_path / "c") as again:
        same = again.evaluate(X)
        assert (again.trained, again.known) == (0, 1)
    np.testing.assert_array_equal(same.F[0], found.F[0])
    assert same.seconds[0] == found.seconds[0] > 0


def test_encodings_of_one_network_are_trained_once(few_digits, tmp_path):
    X = SPACE.sample(300, 0)
    canonical, first, count = np.unique(SPACE.canonical(X), axis=0, return_index=True, return_counts=True)
    several = canonical[count.argmax()]
    same = np.unique(X[(SPACE.canonical(X) == several).all(axis=1)], axis=0)
    assert len(same) > 1
    with problem(small_setting(), cache=tmp_path / "c") as p:
        F = p(same)
        assert p.trained == p.networks == 1
        assert len(np.unique(F)) == 1


def test_what_differs_is_never_shared(few_digits, tmp_path):
    x = different(1)
    settings = [
        small_setting(),
        small_setting(hidden=15),
        small_setting(epochs=2),
        small_setting(learning_rate=0.05),
        make_setting(
            "genetic-cnn",
            "digits",
            recipe=Recipe(epochs=1, batch_size=50),
            skeleton={"hidden": 16, "channels": (8, 16, 16)},
        ),
    ]
    data = settings[0].data
    rng = np.random.default_rng(0)
    images = rng.integers(0, 17, (300, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "mine.npz", images=images, labels=np.arange(300) % data.classes)
    settings.append(dataclasses.replace(settings[0], dataset=str(tmp_path / "mine.npz")))
    digests = set()
    for setting in settings:
        for seeds in ((0,), (1,)):
            with problem(setting, "valid_loss", cache=tmp_path / "c", seeds=seeds) as p:
                p(x)
                assert p.trained == 1
                digests.add(p._digest)
    assert len(digests) == len(settings)
    with problem(settings[0], "valid_loss", cache=tmp_path / "c", seeds=(0, 1, 2)) as p:
        mean = p.evaluate(x)
        assert p.trained == 1
    single = []
    for seed in range(3):
        with problem(settings[0], "valid_loss", cache=tmp_path / "c", seeds=(seed,)) as p:
            single.append(p.evaluate(x))
            assert p.trained == 0
    np.testing.assert_allclose(mean.F, np.mean([e.F for e in single], axis=0))
    np.testing.assert_allclose(mean.seconds, np.sum([e.seconds for e in single], axis=0))


def test_processes_change_nothing(tmp_path):
    X, setting, calls = different(4), small_setting(epochs=2), []
    with problem(setting, "valid_loss") as alone:
        expected = alone(X)
    with problem(setting, "valid_loss", processes=2, progress=lambda *call: calls.append(call)) as beside:
        np.testing.assert_array_equal(beside(X[::-1])[::-1], expected)
        assert beside.trained == 4
        children = multiprocessing.active_children()
        assert len(children) == 2
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert not any(child.is_alive() for child in children)


def test_a_killed_worker_is_one_clear_error(tmp_path):
    def kill(done, total):
        if done == 1:
            for child in multiprocessing.active_children():
                os.kill(child.pid, signal.SIGKILL)

    X = different(30)
    with problem(small_setting(), "valid_loss", processes=2, cache=tmp_path / "c", progress=kill) as p:
        with pytest.raises(ChildProcessError, match="a worker process died"):
            p(X)
        before = p.trained
        assert 1 <= before < 30
        p.progress = None
        assert np.isfinite(p(X[:1])).all()


def test_partial_training_goes_on_from_its_checkpoint(few_digits, tmp_path, monkeypatch):
    setting, X = small_setting(epochs=4), different(2)
    with problem(setting, "valid_loss") as p:
        expected = [p.evaluate(X, epochs).F for epochs in (1, 2, 4)]
        assert p.trained == 6
    epochs_done = []
    epoch = jobs.train.__globals__["_Run"].epoch
    monkeypatch.setattr(
        jobs.train.__globals__["_Run"], "epoch", lambda run, **k: (epochs_done.append(run.done), epoch(run, **k))[1]
    )
    folder = tmp_path / "c.checkpoints"
    with problem(setting, "valid_loss", cache=tmp_path / "c", budgets=(1, 2)) as p:
        assert p.budgets == (1, 2, 4)
        first = p.evaluate(X, 1)
        assert len(list(folder.glob("*.pt"))) == 2
        np.testing.assert_array_equal(first.F, expected[0])
        assert np.isnan(p.metrics(X)["valid_loss"]).all()  # not trained in full
        np.testing.assert_array_equal(p.evaluate(X[:1], 4).F, expected[2][:1])
        assert epochs_done == [0, 0, 1, 2, 3]
        np.testing.assert_array_equal(p.evaluate(X[:1], 2).F, expected[1][:1])  # known: the training has passed there
        assert len(epochs_done) == 5
        assert p.evaluate(X[:1], 4).seconds[0] > p.evaluate(X[:1], 2).seconds[0] > first.seconds[0]
        assert len(list(folder.glob("*.pt"))) == 1
        with pytest.raises(ValueError, match="no budget of 3 epochs"):
            p.evaluate(X, 3)
    with problem(setting, "valid_loss", cache=tmp_path / "c") as p:
        np.testing.assert_array_equal(p.evaluate(X, 4).F, expected[2])
        assert len(epochs_done) == 8
    assert not folder.exists()


def test_successive_halving_and_a_result_that_knows_what_was_measured(few_digits, tmp_path):
    setting = small_setting(epochs=4)
    algorithm = nk.SuccessiveHalving(configurations=4, continue_training=True)
    with problem(setting, "valid_accuracy", cache=tmp_path / "c") as p:
        result = nk.search(p, algorithm, runs=2, generations=3, seed=1)
        assert result.evaluations.tolist() == [4 + 2 + 1] * 2
        metrics = p.metrics(result.incumbents)
        full = p.evaluate(result.incumbents).seconds
    assert result.best("valid_accuracy").tolist() == metrics["valid_accuracy"].tolist()
    np.testing.assert_allclose(result.best("valid_accuracy"), 100 - result.incumbent_values)
    assert result.best("test_accuracy").tolist() == metrics["test_accuracy"].tolist()
    assert (result.simulated_seconds > full).all()
    result.save(tmp_path / "r.h5")
    loaded = nk.load_result(tmp_path / "r.h5")
    assert loaded.source["training"]["recipe"]["epochs"] == 4
    assert loaded.best("params").tolist() == metrics["params"].tolist()
    assert loaded.archive_metrics(1)["test_accuracy"].tolist() == metrics["test_accuracy"][1:].tolist()
    with pytest.raises(ValueError, match=r"real trainings only has valid_accuracy, train_accuracy, .* not 'latency'"):
        loaded.best("latency")
    with pytest.raises(ValueError, match="on real trainings, not on a benchmark"):
        _ = loaded.benchmark
    with pytest.raises(ValueError, match="only one dataset and epoch budget"):
        loaded.best("test_accuracy", epochs=3)


def test_several_objectives_and_a_table_of_what_was_trained(few_digits, tmp_path):
    setting = small_setting(epochs=2)
    with problem(setting, ["valid_accuracy", "flops"], cache=tmp_path / "c") as p:
        result = nk.search(p, nk.NSGA2.nsga_net("macro"), runs=1, evaluations=6, seed=0)
        assert p.evaluated()[0].shape == (p.networks, SPACE.genes)
        store = write_store(tmp_path / "t.h5", p.table())
    X, F = result.archive(0)
    metrics = result.archive_metrics(0)
    np.testing.assert_array_equal(100 - metrics["valid_accuracy"], F[:, 0])
    np.testing.assert_array_equal(metrics["flops"], F[:, 1])
    assert 0 < result.hypervolume()[0] < 1.22
    bench = nk.open(store)
    assert len(bench) == p.networks
    assert bench.epochs("digits", "test_accuracy") == (1, 2)
    np.testing.assert_array_equal(bench.query(X, "valid_accuracy"), metrics["valid_accuracy"])
    np.testing.assert_array_equal(bench.query(X, ["params", "flops"])[:, 1], F[:, 1])
    np.testing.assert_allclose(bench.query(X, "training_time"), metrics["training_time"])
    assert nk.search(bench.problem("valid_accuracy", missing="skip"), nk.RandomSearch(), evaluations=5).runs == 1


def test_a_training_that_diverges_fails_alone(few_digits, tmp_path):
    setting = small_setting(learning_rate=1e18, epochs=2)
    with problem(setting, ["valid_accuracy", "flops"], cache=tmp_path / "c") as p:
        F = p(different(2))
        assert np.isinf(F[:, 0]).all()
        assert np.isfinite(F[:, 1]).all()
        result = nk.search(p, nk.NSGA2(population_size=2), evaluations=4)
        assert len(result.archive(0)[0]) == 0
    with problem(setting, "valid_accuracy", cache=tmp_path / "c") as p:
        assert np.isinf(p(different(2))).all()
        assert p.trained == 0
        result = nk.search(p, nk.RegularizedEvolution(population_size=2, sample_size=1), evaluations=4)
        assert np.isnan(result.best("valid_accuracy")).all()


def test_a_network_too_large_for_the_memory_fails_alone(few_digits, tmp_path, monkeypatch):
    real = jobs.train

    def full(network, *arguments, seed, **options):
        if seed == 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return real(network, *arguments, seed=seed, **options)

    with problem(small_setting(), cache=tmp_path / "c", seeds=(0, 1)) as p, monkeypatch.context() as patch:
        patch.setattr(jobs, "train", full)
        with pytest.warns(UserWarning, match="out of memory on cpu while training"):
            assert np.isinf(p(different(1))).all()
        assert p.trained == 1
    with problem(small_setting(), cache=tmp_path / "c", seeds=(0, 1)) as p:
        assert np.isfinite(p(different(1))).all()
        assert p.trained == 1


def test_wrong_use_is_refused_at_once(tmp_path):
    setting = small_setting(epochs=3)
    for objectives, error, message in (
        (["valid_acuracy"], nk.UnknownName, "did you mean 'valid_accuracy'"),
        (["mmacs"], nk.UnknownName, "unknown objective 'mmacs'"),
        ([], ValueError, "at least one objective"),
    ):
        with pytest.raises(error, match=message):
            problem(setting, objectives)
    for options, message in (
        ({"seeds": ()}, "training seeds must be distinct integers"),
        ({"seeds": (1, 1)}, "training seeds must be distinct integers"),
        ({"budgets": (2, 1)}, "budgets must ascend from 1 to the recipe's 3 epochs"),
        ({"budgets": (2, 5)}, "budgets must ascend from 1 to the recipe's 3 epochs"),
        ({"bounds": [0, 1]}, r"bounds must have shape \(2, 1\)"),
        ({"processes": 0}, "processes must be at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            problem(setting, **options)
    with pytest.warns(nk.TestSelectionWarning, match="selects on test_accuracy of digits"):
        problem(setting, "test_accuracy").close()
    with problem(setting) as p, pytest.raises(TypeError, match="pass cache="):
        pickle.dumps(p)
    with problem(setting, cache=tmp_path / "c", budgets=(1, 3)) as p:
        other = pickle.loads(pickle.dumps(p))
        assert (other.budgets, other.objectives, other.cache.path) == ((1, 3), p.objectives, tmp_path / "c")
        other.close()


def test_images_that_a_dataset_lacks_are_no_objective(tmp_path):
    setting = small_setting()
    whole = setting.data
    without = dataclasses.replace(whole, name="without", split=whole.split.replace("v", "r"))

    class Without(type(setting)):
        data = without

    lacking = Without(**{f.name: getattr(setting, f.name) for f in dataclasses.fields(setting)})
    with pytest.raises(ValueError, match="without has no images for valid_accuracy"):
        problem(lacking)


def test_searches_that_share_a_cache_leave_each_other_their_checkpoints(few_digits, tmp_path):
    """The first to finish may not remove the folder in which another one trains."""
    setting, X = small_setting(epochs=2), different(4)
    one = problem(setting, cache=tmp_path / "c", budgets=(1,))
    other = problem(setting, cache=tmp_path / "c", budgets=(1,))
    one.evaluate(X[:1], 2)
    other.evaluate(X[1:2], 2)
    assert (tmp_path / "c.checkpoints").is_dir()
    one.close()
    assert (tmp_path / "c.checkpoints").is_dir()
    other.evaluate(X[2:3], 1)
    other.evaluate(X[2:3], 2)
    other.close()
    assert not (tmp_path / "c.checkpoints").exists()
