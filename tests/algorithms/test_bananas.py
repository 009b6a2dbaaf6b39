"""BANANAS: its forest, its networks, its candidates, and what it finds on NAS-Bench-201."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import nasbench_kit as nk
from nasbench_kit.algorithms.predictors import forest, networks
from nasbench_kit.algorithms.predictors.features import encoded
from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.spaces.blocks.chain import Chain
from nasbench_kit.spaces.blocks.edge_dag import EdgeDAG

GENES = np.arange(6)
WEIGHTS = np.random.default_rng(5).normal(size=(6, 5))


def error(X):
    """Of nb201's genotypes: genes that act alone, and two that act together."""
    return WEIGHTS[GENES, X].sum(axis=1) + 2.0 * (X[:, 0] == X[:, 5])


def sets(runs, n, k, seed=0):
    """Features and values to learn from, and features and values to predict: (runs, n, ...) and (runs, k, ...)."""
    space = nk.space("nb201")
    X = space.sample(runs * (n + k), seed).reshape(runs, n + k, 6)
    Z, F = encoded(X, space, "one_hot", 1), error(X.reshape(-1, 6)).reshape(runs, n + k)
    return Z[:, :n], F[:, :n], Z[:, n:], F[:, n:]


def agreement(predicted, F):
    return np.mean([scipy.stats.spearmanr(p, f).statistic for p, f in zip(predicted, F, strict=True)])


def test_ranks_are_those_of_scipy():
    F = np.random.default_rng(0).integers(0, 6, (4, 50)).astype(float)
    F[:, 3] = np.inf
    assert (forest.ranks(F) == scipy.stats.rankdata(F, method="min", axis=1) - 1).all()


def plain_tree(Z, rank, weight, offered, at):
    """Predictions of one tree for the rows of ``at``, node by node."""

    def grow(rows, asked, level):
        if level == len(offered):
            predicted[asked] = np.average(rank[rows], weights=weight[rows]) if weight[rows].sum() else 0.0
            return None
        best, split = -1.0, None
        for feature in offered[level]:
            sides = [rows[Z[rows, feature]], rows[~Z[rows, feature]]]
            counts = [weight[side].sum() for side in sides]
            if min(counts) > 0:
                score = sum((weight[s] @ rank[s]) ** 2 / c for s, c in zip(sides, counts, strict=True))
                if score > best + 1e-9:
                    best, split = score, feature
        if split is None:
            return grow(rows, asked, level + 1)
        grow(rows[Z[rows, split]], asked[at[asked, split]], level + 1)
        grow(rows[~Z[rows, split]], asked[~at[asked, split]], level + 1)
        return None

    predicted = np.empty(len(at))
    grow(np.arange(len(Z)), np.arange(len(at)), 0)
    return predicted


def test_trees_split_where_the_squared_error_falls_most():
    Z, F, at, _ = sets(3, 40, 25)
    found = forest.forest_predictions(Z, F, at, Streams(7, 3), trees=4)
    random = Streams(7, 3)
    drawn, offered = random.integers(40, (4, 40)), random.integers(30, (4, 4, 10))
    for run in range(3):
        rank = scipy.stats.rankdata(F[run], method="min") - 1
        for tree in range(4):
            weight = np.bincount(drawn[run, tree], minlength=40).astype(float)
            expected = plain_tree(Z[run], rank, weight, offered[run, :, tree], at[run])
            # equally good splits may differ
            assert np.isclose(found[run, tree], expected).mean() > 0.8
    assert found.shape == (3, 4, 25)


@pytest.mark.parametrize("predict", ["forest", "networks"])
def test_predictions_of_a_run_do_not_depend_on_others(monkeypatch, predict):
    monkeypatch.setattr(networks, "EPOCHS", 3)
    Z, F, at, _ = sets(7, 45, 20)

    def predictions(runs):
        if predict == "forest":
            return forest.forest_predictions(Z[:runs], F[:runs], at[:runs], Streams(1, runs), trees=5)
        return networks.network_predictions(Z[:runs], F[:runs], at[:runs], Streams(1, runs), members=3)

    many = predictions(7)
    assert (many[:2] == predictions(2)).all()
    monkeypatch.setattr(forest, "BLOCK", 1)
    assert (many == predictions(7)).all()
    assert many.std(axis=1).min() >= 0
    assert many.std(axis=1).max() > 0


def test_the_forest_predicts_ranks_and_is_surer_of_what_it_has_seen():
    Z, F, at, expected = sets(6, 120, 60)
    found = forest.forest_predictions(Z, F, at, Streams(1, 6), trees=20)
    assert agreement(found.mean(axis=1), expected) > 0.65
    assert found.min() >= 0
    assert found.max() <= 119
    scaled = forest.forest_predictions(Z, np.exp(3 * F), at, Streams(1, 6), trees=20)
    assert (scaled == found).all()  # only the order counts
    again = forest.forest_predictions(Z, F, Z, Streams(1, 6), trees=20)
    assert agreement(again.mean(axis=1), F) > agreement(found.mean(axis=1), expected)


def test_gradients_of_networks_are_those_of_finite_differences():
    random = Streams(3, 1)
    weights, biases = networks._initial([5, 4, 4, 1], 1, random)
    double = [[array.astype(np.float64) for array in arrays] for arrays in (weights, biases)]
    X, target = random.random((1, 9, 5)), random.random((1, 9))

    def loss():
        return np.abs(networks._forward(X, *double)[-1][..., 0] - target).mean()

    found = networks._gradients(X, target, *double)
    for array, gradient in zip([*double[0], *double[1]], found, strict=True):
        for place in list(np.ndindex(array.shape))[:6]:
            old = array[place]
            array[place] = old + 1e-6
            above = loss()
            array[place] = old - 1e-6
            below = loss()
            array[place] = old
            assert gradient[place] == pytest.approx((above - below) / 2e-6, abs=1e-4)


def test_networks_learn():
    Z, F, at, expected = sets(1, 100, 60)
    found = networks.network_predictions(Z, F, at, Streams(1, 1), members=2)
    assert agreement(found.mean(axis=1), expected) > 0.5


def test_candidates_are_new_networks_near_the_best():
    space = nk.space("nb201")
    algorithm = nk.BANANAS(candidates=30).start(space, runs=3, seed=1)
    for _ in range(6):
        X = algorithm.ask()
        algorithm.tell(error(X.reshape(-1, 6)).reshape(3, -1, 1))
    candidates, again = algorithm._candidates()
    assert not again.any()
    keys = space.key(candidates.reshape(-1, 6)).reshape(3, 30)
    known = space.key(algorithm._X.reshape(-1, 6)).reshape(3, -1)
    best = algorithm._F.argsort(axis=1, kind="stable")[:, :5]
    for run in range(3):
        assert len(set(keys[run])) == 30
        assert not set(keys[run]) & set(known[run])
        distance = (candidates[run][:, None] != algorithm._X[run][best[run]]).sum(axis=2)
        assert np.median(distance.min(axis=1)) <= 1
    assert algorithm._X.shape == (3, 60, 6)


def test_an_exhausted_space_repeats_genotypes():
    space = Chain(3, ["a", "b", "c"], name="tiny")
    problem = nk.FunctionProblem(lambda X: X.sum(axis=1), space)
    result = nk.search(problem, nk.BANANAS(), runs=3, evaluations=90)
    assert (result.incumbent_values == 0).all()
    assert (result.unique_networks == 27).all()


def test_a_restricted_search_chooses_among_its_genotypes():
    space = nk.space("accel-nasbench")
    stored = np.unique(space.sample(400, 3), axis=0)
    algorithm = nk.BANANAS().start(space, runs=2, seed=1, drawn_from=stored)
    asked = []
    for _ in range(9):
        asked.append(algorithm.ask())
        algorithm.tell(asked[-1][..., :3].sum(axis=2)[..., np.newaxis])
    known = set(map(tuple, stored.tolist()))
    for run in np.concatenate(asked, axis=1):
        assert len(np.unique(run, axis=0)) == 90 - (10 - len(np.unique(run[:10], axis=0)))
        assert set(map(tuple, run.tolist())) <= known
        assert run[10:, :3].sum(axis=1).mean() < stored[:, :3].sum(axis=1).mean() - 0.3


def test_encodings():
    cells, chain = nk.space("nb101"), nk.space("nas-bench-macro")
    X = cells.sample(6, 0).reshape(2, 3, 26)
    assert encoded(X, cells, "path", 3).shape == (2, 3, 40)
    one_hot = encoded(X, cells, "one_hot", 3)
    assert one_hot.shape == (2, 3, 21 + 5 * 3)
    assert (one_hot[..., :21] == X[..., :21]).all()
    assert (one_hot[..., 21:].reshape(2, 3, 5, 3).argmax(axis=3) == X[..., 21:]).all()
    Y = chain.sample(4, 0)[np.newaxis]
    assert (encoded(Y, chain, "path", 3) == encoded(Y, chain, "one_hot", 3)).all()


def test_paths_are_shortened_where_there_would_be_too_many():
    space = EdgeDAG(6, [f"o{i}" for i in range(30)], name="many")
    algorithm = nk.BANANAS(path_length=4).start(space, runs=1)
    assert algorithm._Z.shape == (1, 0, 30 + 30**2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"initial_size": 1}, "initial_size must be at least 2, not 1"),
        ({"batch_size": 200}, r"batch_size must be from 1 to candidates \(100\), not 200"),
        ({"members": 1}, "members must be at least 2, not 1"),
        ({"path_length": 9}, "path_length must be from 1 to 8, not 9"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=f"BANANAS: {message}"):
        nk.BANANAS(**settings)


def test_unknown_names_are_refused():
    with pytest.raises(nk.UnknownName, match="unknown predictor 'tree' of BANANAS"):
        nk.BANANAS(predictor="tree")
    with pytest.raises(nk.UnknownName, match="unknown encoding 'paths' of BANANAS"):
        nk.BANANAS(encoding="paths")


@pytest.mark.slow
def test_it_beats_regularized_evolution_after_150_evaluations():
    """On CIFAR-100, as the authors report."""
    problem = nk.open("nb201").problem("valid_accuracy", dataset="cifar100", seed="mean", charge="one")
    found = {}
    for name, algorithm, runs in (
        ("forest", nk.BANANAS(), 100),
        ("evolution", nk.RegularizedEvolution(population_size=30, sample_size=10), 400),
        ("random", nk.RandomSearch(), 400),
    ):
        found[name] = nk.search(problem, algorithm, runs=runs, evaluations=150, seed=1).incumbent_values
    assert scipy.stats.mannwhitneyu(found["forest"], found["evolution"], alternative="less").pvalue < 1e-4
    assert found["evolution"].mean() < found["random"].mean() - 1


@pytest.mark.slow
def test_networks_are_trained_as_by_pytorch():
    torch = pytest.importorskip("torch")
    random = Streams(3, 1)
    # in double precision: Adam divides gradients of nearly 0 by nearly 0
    weights, biases = (
        [a.astype(np.float64) for a in arrays] for arrays in networks._initial([30, 20, 20, 1], 1, random)
    )
    X, target = random.random((1, 32, 30)), random.random((1, 32))
    theirs = [torch.tensor(array.copy(), requires_grad=True) for array in [*weights, *biases]]
    optimiser = torch.optim.Adam(theirs, lr=networks.RATE, betas=networks.DECAYS, eps=networks.LEAST)
    ours = [*weights, *biases]
    first, second = ([np.zeros_like(array) for array in ours] for _ in range(2))
    for step in range(1, 31):
        out = torch.tensor(X)
        for layer in range(3):
            out = out @ theirs[layer] + theirs[3 + layer]
            out = torch.relu(out) if layer < 2 else out
        optimiser.zero_grad()
        (out[..., 0] - torch.tensor(target)).abs().mean().backward()
        optimiser.step()
        networks._adam(ours, networks._gradients(X, target, weights, biases), first, second, step)
    for mine, other in zip(ours, theirs, strict=True):
        assert np.allclose(mine, other.detach().numpy(), atol=1e-5)


@pytest.mark.slow
def test_the_forest_predicts_as_well_as_that_of_scikit_learn():
    ensemble = pytest.importorskip("sklearn.ensemble")
    Z, F, at, expected = sets(20, 100, 100)
    ours = agreement(forest.forest_predictions(Z, F, at, Streams(1, 20), trees=20).mean(axis=1), expected)
    peer = ensemble.RandomForestRegressor(20, max_depth=4, max_features=1 / 3, random_state=0)
    theirs = [peer.fit(z, forest.ranks(f[np.newaxis])[0]).predict(a) for z, f, a in zip(Z, F, at, strict=True)]
    assert ours > agreement(np.array(theirs), expected) - 0.02
