"""REINFORCE: the gradient, the baseline, and learning."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk


def test_the_first_steps_by_the_definition():
    """Against a policy gradient by finite differences, and Adam written out."""
    space = nk.space("nas-bench-macro")
    search = nk.Reinforce(learning_rate=0.1, momentum=0.9).start(space, runs=1, seed=0)
    logits = np.zeros((8, 3))
    first, second, average, weight = np.zeros((8, 3)), np.zeros((8, 3)), 0.0, 0.0
    for step in range(1, 6):
        x = search.ask()[0, 0]
        value = float((x != 2).sum())
        search.tell(np.full((1, 1, 1), value))
        average, weight = 0.9 * average - 0.1 * value, 0.9 * weight + 0.1
        advantage = -value - average / weight

        def loss(z, x=x, advantage=advantage):
            chances = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
            return -np.log(chances[np.arange(8), x]).sum() * advantage

        gradient = np.zeros((8, 3))
        for place in np.ndindex(8, 3):
            shift = np.zeros((8, 3))
            shift[place] = 1e-6
            gradient[place] = (loss(logits + shift) - loss(logits - shift)) / 2e-6
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        move = first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        logits = logits - 0.1 * np.where(np.abs(gradient) + np.abs(first) > 1e-8, move, 0)
    np.testing.assert_allclose(search._logits[0], logits, atol=2e-4)


@pytest.mark.parametrize("name", ["nb201", "nb101", "nsga-net-micro"])
@pytest.mark.slow
def test_it_learns(name):
    space = nk.space(name)
    target = space.sample(1, 5)[0]
    problem = nk.FunctionProblem(lambda X: (target != X).sum(axis=1), space)
    learned = nk.search(problem, nk.Reinforce(learning_rate=0.1), runs=10, evaluations=800)
    random = nk.search(problem, nk.RandomSearch(), runs=10, evaluations=800)
    assert learned.incumbent_values.mean() < random.incumbent_values.mean()


def test_wrong_settings():
    with pytest.raises(ValueError, match="learning_rate must be above 0"):
        nk.Reinforce(learning_rate=0)
