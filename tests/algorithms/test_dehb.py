"""DEHB: its brackets, promotions and trial vectors, and the authors' package on the same problem."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats

import nasbench_kit as nk
from nasbench_kit.algorithms.operators.differential import genes_of, mutant_vectors, trial_vectors, vectors_of
from nasbench_kit.algorithms.streams import Streams

NB101 = (4, 12, 36, 108)
FIRST_CYCLE = [(27, 4), (9, 12), (3, 36), (1, 108), (9, 12), (3, 36), (1, 108), (6, 36), (2, 108), (4, 108)]


class Error:
    """Of nb201's genotypes: genes act alone and in neighbouring pairs, and shorter trainings show the pairs less well."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.alone, self.pairs = rng.normal(size=(6, 5)), rng.normal(size=(5, 5, 5))

    def __call__(self, X, epochs):
        genes = np.arange(6)
        pairs = self.pairs[genes[:5], X[:, :-1], X[:, 1:]].sum(axis=1)
        return self.alone[genes, X].sum(axis=1) + pairs * np.log(epochs) / np.log(108) + 20 / epochs


error = Error(2)


def evaluations_of(algorithm, count):
    """(genotypes, epochs, values) of each evaluation, before the algorithm is told."""
    for _ in range(count):
        X, epochs = algorithm.ask(), algorithm.epochs
        F = error(X[:, 0], epochs)
        yield X[:, 0], epochs, F
        algorithm.tell(F[:, np.newaxis, np.newaxis])


def test_the_brackets_are_those_of_the_package():
    algorithm = nk.DEHB().start(nk.space("nb201"), runs=3, seed=1, budgets=NB101)
    expected = [epochs for count, epochs in FIRST_CYCLE * 2 for _ in range(count)]
    assert [epochs for _, epochs, _ in evaluations_of(algorithm, len(expected))] == expected


def test_the_first_cycle_promotes_the_best_of_each_rung():
    algorithm = nk.DEHB().start(nk.space("nb201"), runs=3, seed=1, budgets=NB101)
    seen = list(evaluations_of(algorithm, 27 + 9 + 3 + 1))
    X, F = (np.stack([step[part] for step in seen], axis=1) for part in (0, 2))
    first = 0
    for (count, _), (promoted, _) in itertools.pairwise(FIRST_CYCLE[:4]):
        order = F[:, first : first + count].argsort(axis=1, kind="stable")[:, :promoted]
        best = np.take_along_axis(X[:, first : first + count], order[..., np.newaxis], axis=1)
        first += count
        assert (X[:, first : first + promoted] == best).all()


def test_a_member_is_only_replaced_by_what_is_no_worse():
    algorithm = nk.DEHB().start(nk.space("nb201"), runs=4, seed=2, budgets=NB101)
    list(evaluations_of(algorithm, sum(count for count, _ in FIRST_CYCLE)))
    won = lost = 0
    for _ in range(80):
        X, members = algorithm.ask(), algorithm._members[algorithm.epochs]
        F, expected, turn = error(X[:, 0], algorithm.epochs), members.values.copy(), members.turn
        won, lost = won + (expected[:, turn] > F).sum(), lost + (expected[:, turn] < F).sum()
        expected[:, turn] = np.minimum(expected[:, turn], F)
        algorithm.tell(F[:, np.newaxis, np.newaxis])
        assert (expected == members.values).all()
    assert min(won, lost) > 20
    held, values = algorithm.population
    assert (error(held.reshape(-1, 6), 108).reshape(values.shape) == values).all()


def test_vectors_stand_for_genotypes():
    space = nk.space("nb101")
    X = space.sample(200, 0).reshape(4, 50, space.genes)
    V = vectors_of(X, space, Streams(0, 4))
    assert (genes_of(V, space) == X).all()
    assert ((V > 0) & (V < 1)).all()
    assert genes_of(np.array([[0.0, 0.2, 0.399, 0.4, 0.99, 1.0]]), nk.space("nb201")).tolist() == [[0, 1, 1, 2, 4, 4]]


def test_mutants_are_of_three_different_vectors_uniformly():
    mutants = mutant_vectors(np.tile(np.eye(4), (2, 1, 1)), 6000, 0.5, Streams(1, 2)).reshape(-1, 4)
    ordered, counts = np.unique(mutants, axis=0, return_counts=True)
    assert len(ordered) == 24
    assert all(sorted(mutant) == [-0.5, 0, 0.5, 1] for mutant in ordered.tolist())
    assert scipy.stats.chisquare(counts).pvalue > 1e-4


def test_crossover_takes_at_least_one_component_and_stays_inside():
    random = Streams(4, 3)
    target, mutants = np.full((3, 6), 0.25), np.full((3, 500, 6), 0.75)
    none = trial_vectors(target, mutants, 0.0, random)
    assert ((none == 0.75).sum(axis=2) == 1).all()
    assert (trial_vectors(target, mutants, 1.0, random) == 0.75).all()
    half = trial_vectors(target, mutants, 0.5, random)
    assert abs((half == 0.75).mean() - (0.5 + 0.5**6 / 6)) < 0.02
    outside = trial_vectors(target, mutants + 1, 1.0, random)
    assert ((outside > 0) & (outside < 1)).all()
    assert abs(outside.mean() - 0.5) < 0.02


def test_invalid_trials_are_drawn_again_and_given_genotypes_come_first():
    space = nk.space("nb101")
    given = space.sample(5, 3)
    algorithm = nk.DEHB().start(space, runs=2, seed=1, budgets=NB101, initial=given)
    asked = []
    for _ in range(200):
        asked.append(algorithm.ask()[:, 0])
        assert space.is_valid(asked[-1]).all()
        algorithm.tell(asked[-1].sum(axis=1)[:, np.newaxis, np.newaxis])
    assert (np.stack(asked[:5], axis=1) == given).all()
    assert len(np.unique(np.concatenate(asked[150:]), axis=0)) > 50


def test_a_single_member_competes_with_random_trials():
    """With an eta above the ratio of the budgets, only the largest one is left."""
    algorithm = nk.DEHB(eta=50).start(nk.space("nb201"), runs=4, seed=1, budgets=NB101)
    X, epochs, _ = zip(*evaluations_of(algorithm, 60), strict=True)
    assert set(epochs) == {108}
    assert all(len(np.unique(np.stack(X)[:, run], axis=0)) > 30 for run in range(4))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eta": 1}, "eta must be above 1"),
        ({"mutation_factor": 0}, "mutation_factor must be above 0 and at most 2"),
        ({"crossover_probability": 1.5}, "crossover_probability must be from 0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=f"DEHB: {message}"):
        nk.DEHB(**settings)


@pytest.mark.slow
def test_the_authors_package_finds_as_much(tmp_path):
    """Package dehb 0.1.2, which needs NumPy below 2, on the same functions by the same number of evaluations."""
    dehb = pytest.importorskip("dehb")
    evaluations, shifts = 150, []
    for seed in range(6):
        function = Error(seed)
        problem = nk.FunctionProblem(function, nk.space("nb201"), budgets=NB101)
        ours = nk.search(problem, nk.DEHB(), runs=300, evaluations=evaluations, seed=1).incumbent_values
        for run in range(8):
            settings = {"min_fidelity": 4, "max_fidelity": 108, "eta": 3, "n_workers": 1, "save_freq": "end"}
            peer = dehb.DEHB(f=None, dimensions=6, seed=run, output_path=str(tmp_path), log_level="ERROR", **settings)
            best = np.inf
            for _ in range(evaluations):
                job = peer.ask()
                X = np.minimum(np.asarray(job["config"]) * 5, 4).astype(np.uint8)[np.newaxis]
                value = float(function(X, job["fidelity"])[0])
                best = min(best, value) if job["fidelity"] > 107 else best
                peer.tell(job, {"fitness": value, "cost": 1.0})
            shifts.append((best - ours.mean()) / ours.std())
    assert abs(np.mean(shifts)) < 0.4  # the standard error is 0.14
