"""Successive halving, Hyperband and BOHB: which budgets they train at, what that costs, and whether it helps."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms.bohb import BOHB
from nasbench_kit.problems import Evaluation

NB101 = (4, 12, 36, 108)


@pytest.fixture
def digits():
    return nk.open("nb201-digits")


def schedule(algorithm, budgets, rounds):
    """(genotypes, epochs) of every round."""
    algorithm.start(nk.space("nb201"), runs=3, seed=1, budgets=budgets)
    found = []
    for _ in range(rounds):
        X = algorithm.ask()
        found.append((X.shape[1], algorithm.epochs))
        algorithm.tell(X.sum(axis=2)[..., None])
    return found


def test_the_brackets_of_the_papers():
    halving = schedule(nk.SuccessiveHalving(eta=3), NB101, 8)
    assert halving == [(27, 4), (9, 12), (3, 36), (1, 108)] * 2
    # Hyperband with R = 81 and eta = 3: table 1 of the paper
    hyperband = schedule(nk.Hyperband(), (1, 3, 9, 27, 81), 15)
    assert hyperband == [
        *((81, 1), (27, 3), (9, 9), (3, 27), (1, 81)),
        *((34, 3), (11, 9), (3, 27), (1, 81)),
        *((15, 9), (5, 27), (1, 81)),
        *((8, 27), (2, 81)),
        (5, 81),
    ]
    assert schedule(nk.SuccessiveHalving(configurations=16), tuple(range(1, 9)), 4) == [(16, 1), (8, 2), (4, 4), (2, 8)]


def test_the_best_of_a_rung_go_on():
    algorithm = nk.SuccessiveHalving(eta=3).start(nk.space("nb201"), runs=4, seed=1, budgets=NB101)
    first = algorithm.ask()
    F = np.random.default_rng(0).random(first.shape[:2])
    algorithm.tell(F[..., None])
    second = algorithm.ask()
    for run in range(4):
        assert (second[run] == first[run, np.argsort(F[run])[:9]]).all()


def test_what_is_trained_is_what_it_costs(digits):
    problem = digits.problem("valid_accuracy", seed="mean", charge="one")
    seconds = {epochs: lambda X, e=epochs: digits.query(X, "training_time", epochs=e) for epochs in problem.budgets}
    for goes_on in (False, True):
        settings = {"configurations": 8, "continue_training": goes_on}
        algorithm = nk.SuccessiveHalving(**settings).start(digits.space, runs=2, seed=3, budgets=problem.budgets)
        cost, before = np.zeros(2), 0
        for _ in range(4):
            X, epochs = algorithm.ask(), algorithm.epochs
            flat = X.reshape(-1, 6)
            algorithm.tell(problem.evaluate(flat, epochs).F.reshape(2, -1, 1))
            new = seconds[epochs](flat) - (seconds[before](flat) if goes_on and before else 0)
            cost += new.reshape(2, -1).sum(axis=1)
            before = epochs
        result = nk.search(problem, nk.SuccessiveHalving(**settings), runs=2, evaluations=15, seed=3)
        assert np.allclose(result.simulated_seconds, cost)


def test_only_full_training_makes_an_incumbent(digits):
    problem = digits.problem("valid_accuracy", seed="mean", charge="one")
    result = nk.search(problem, nk.Hyperband(eta=2), runs=5, evaluations=200, seed=1)
    assert np.allclose(result.best("valid_accuracy"), 100 - result.incumbent_values)
    early = result.trace[result.trace["evaluations"] <= 8]
    assert not np.isfinite(early["valid_accuracy"]).any()  # the first eight are trained for one epoch
    nothing = nk.search(problem, nk.Hyperband(eta=2), runs=5, evaluations=5, seed=1)
    assert np.isnan(nothing.best("valid_accuracy")).all()


def test_problems_without_budgets_are_refused(digits):
    ones = nk.FunctionProblem(lambda X: X.sum(axis=1), digits.space)
    with pytest.raises(ValueError, match="Hyperband needs at least two epoch budgets, but the problem has none"):
        nk.search(ones, nk.Hyperband(), evaluations=10)
    with pytest.raises(ValueError, match="has only 1"):
        nk.search(
            digits.problem("valid_accuracy", seed="mean", charge="one", epochs=1),
            nk.SuccessiveHalving(),
            evaluations=10,
        )
    with pytest.raises(ValueError, match="eta must be above 1"):
        nk.Hyperband(eta=1)
    with pytest.raises(ValueError, match="use SuccessiveHalving"):
        nk.Hyperband(configurations=5)
    with pytest.raises(ValueError, match="BOHB: random_fraction must be from 0 to 1"):
        nk.BOHB(random_fraction=2)


def test_partial_training_pays_where_it_tells_the_truth():
    """With the same total of epochs, halving finds better genotypes than full training of each, if ranks are kept."""
    space = nk.space("nas-bench-macro")
    weights = np.random.default_rng(1).random(space.genes)

    def error(X, epochs):
        return X @ weights + 20 / epochs

    problem = nk.FunctionProblem(error, space, seconds=lambda X, epochs: np.full(len(X), float(epochs)), budgets=NB101)
    best = {
        name: nk.search(problem, algorithm, runs=60, simulated_seconds=108 * 40, seed=0).incumbent_values
        for name, algorithm in (("random", nk.RandomSearch()), ("hyperband", nk.Hyperband()), ("bohb", nk.BOHB()))
    }
    assert best["hyperband"].mean() < best["random"].mean() - 0.1
    assert best["bohb"].mean() < best["hyperband"].mean() - 0.1


def test_the_densities_of_bohb_are_densities():
    """Kernels on categories add up to one over the whole space."""
    space = nk.space("nb201")
    algorithm = BOHB().start(space, runs=2, seed=0, budgets=NB101)
    X = np.stack([space.sample(12, 0), space.sample(12, 1)])
    X[1, :, 0] = 3  # a gene that does not vary
    everything = np.broadcast_to(space.all(), (2, *space.all().shape))
    wanted = np.ones(everything.shape[:2], dtype=np.bool_)
    assert np.allclose(algorithm._density(X, algorithm._bandwidth(X), everything, wanted).sum(axis=1), 1)


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_candidates_are_drawn_with_kernels_so_much_wider(factor):
    """With 1 a category is drawn as hpbandster does: anew, from all, with the probability of its bandwidth."""
    space = nk.space("nb201")
    search = nk.BOHB(bandwidth_factor=factor, candidates=2000).start(space, runs=3, seed=0, budgets=(1, 9))
    good = np.zeros((3, 20, 6), dtype=np.uint8)
    good[:, 0] = 1  # one of twenty differs in every gene
    width = np.minimum(factor * search._bandwidth(good), 1)
    drawn = search._drawn(good, search._bandwidth(good), 10)
    expected = (1 - width) * 19 / 20 + width / 5
    assert abs((drawn == 0).mean(axis=1) - expected).max() < 0.015


class Drawn(nk.Problem):
    """The objective is the random number that would choose a trial; it remembers them by epochs."""

    space, objectives, noisy, budgets, bounds = nk.space("nas-bench-macro"), ("f",), True, (1, 2, 4), None

    def __init__(self):
        self.seen = []

    def evaluate(self, X, epochs=None, draws=None):
        self.seen.append((epochs, draws.copy()))
        return Evaluation(draws[:, np.newaxis].copy(), np.full(len(X), float(epochs or 4)))


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_training_that_is_continued_stays_the_same_training(goes_on):
    problem = Drawn()
    algorithm = nk.SuccessiveHalving(configurations=8, continue_training=goes_on)
    same = nk.space("nas-bench-macro").sample(3, 0)[
        [0, 0, 0, 1, 1, 2]
    ]  # equal genotypes, which are trainings of their own
    nk.search(problem, algorithm, runs=2, evaluations=14, seed=0, initial=same)
    rungs = {}
    for epochs, draws in problem.seen:
        rungs.setdefault(epochs, draws.reshape(2, -1))  # the first call of a rung is the evaluation itself
    for before, after in ((1, 2), (2, 4)):
        kept = np.sort(rungs[before], axis=1)[:, : rungs[after].shape[1]]
        assert (rungs[after] == kept).all() == goes_on
