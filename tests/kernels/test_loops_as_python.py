"""The loops of MOEA/D, SMS-EMOA, GOMEA and MO-GOMEA, run as Python: the same bits as the vectorised steps, without a compiler."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms import mixing
from nasbench_kit.algorithms.run_state import RunState
from nasbench_kit.algorithms.streams import Streams
from nasbench_kit.kernels import decomposition, mating, mixing_acceptance, optimal_mixing, steady_state


@pytest.fixture
def as_loops(monkeypatch):
    """Make algorithms use the loops, uncompiled."""

    def use():
        arrays = RunState.arrays
        # compiled loops read fields of a structured array as attributes
        records = lambda self: tuple(a.view(np.recarray) if a.dtype.names else a for a in arrays(self))  # noqa: E731
        monkeypatch.setattr(RunState, "arrays", records)
        monkeypatch.setattr(mixing, "enabled", lambda: True)
        monkeypatch.setattr(mixing, "advance", optimal_mixing.advance.__wrapped__)
        monkeypatch.setattr(mixing, "take", mixing_acceptance.take.__wrapped__)
        monkeypatch.setattr(decomposition, "enabled", lambda: True)
        monkeypatch.setattr(decomposition, "_children", decomposition._children.__wrapped__)
        monkeypatch.setattr(decomposition, "_replace", decomposition._replace.__wrapped__)
        for module, names in [
            (mating, ["_children_of_any"]),
            (steady_state, ["after_joining_two", "after_joining_many"]),
        ]:
            monkeypatch.setattr(module, "enabled", lambda: True)
            for name in names:
                monkeypatch.setattr(module, name, getattr(module, name).__wrapped__)

    return use


def values_of(X, objectives, failures):
    """Made-up values with ties; some evaluations fail."""
    weights = np.random.default_rng(3).normal(size=(X.shape[-1], objectives))
    F = np.round(np.sin(X @ weights) * 8) / 8
    return np.where(((X.sum(axis=-1) % 7 == 3) & failures)[..., np.newaxis], np.inf, F)


def asked(algorithm, space, objectives, steps, failures):
    """Genotypes that an algorithm asks for, and those that it ends with."""
    started = algorithm.start(space, runs=3, seed=2, objectives=objectives)
    found = []
    for _ in range(steps):
        found.append(started.ask().copy())
        started.tell(values_of(found[-1], objectives, failures))
    return np.concatenate(found, axis=1)


SMALL = {"population_size": 8, "neighbours": 4}


@pytest.mark.parametrize(
    ("algorithm", "objectives", "steps"),
    [
        (nk.GOMEA(), 1, 70),
        (nk.GOMEA(first_population=3, turns=1), 1, 90),
        (nk.MOGOMEA(), 2, 70),
        (nk.MOGOMEA(mutation="strong", archive_size=4), 3, 40),
        (nk.MOGOMEA.macronas(), 2, 50),
        (nk.MOGOMEA(mutation="none", first_population=5), 2, 50),
        (nk.SMSEMOA(population_size=8), 2, 60),
        (nk.SMSEMOA(population_size=8, crossover_probability=0.6, duplicates="genotype"), 3, 50),
        (nk.SMSEMOA(population_size=5, mutation_probability=0.5), 4, 40),
        (nk.MOEAD(**SMALL), 2, 40),
        (nk.MOEAD(**SMALL, decomposition="weighted_sum", max_replacements=None), 3, 30),
        (nk.MOEAD(**SMALL, neighbour_mating=0.2, max_replacements=1, mutation_probability=0.5), 2, 30),
    ],
)
@pytest.mark.parametrize(
    ("space_name", "failures"), [("nb201", False), ("nb201", True), ("transnas-macro", False)]
)  # with invalid children
def test_loops_and_vectorised_steps_ask_for_the_same(as_loops, algorithm, objectives, steps, failures, space_name):
    space = nk.space(space_name)
    vectorised = asked(algorithm, space, objectives, steps, failures)
    as_loops()
    with np.errstate(over="ignore", invalid="ignore"):  # hashes wrap; infinities are subtracted
        looped = asked(algorithm, space, objectives, steps, failures)
    np.testing.assert_array_equal(looped, vectorised)


def test_requests_are_calls_one_after_another():
    """Also where they do not fit into what is left of a block of random words."""
    one, other = Streams(5, 2), Streams(5, 2)
    for counts in [(4093, 2), (4090,), (3, 1, 1, 5), (2, 9), (8000, 3)]:
        expected = [one.bits((count,)) for count in counts]
        words, place = other.requests(counts), 0
        for count, block in zip(counts, expected, strict=True):
            np.testing.assert_array_equal(words[:, place : place + count], block)
            place += count + count % 2
        assert words.shape[1] == place


@pytest.mark.parametrize("n", [1, 7, 8, 40, 128, 136, 320, 1000])
def test_means_are_those_of_numpy(n):
    F = np.random.default_rng(n).random((2, n + 5, 1))
    assert optimal_mixing._mean(1, 3, n + 3, F) == F[1, 3 : n + 3].mean()
