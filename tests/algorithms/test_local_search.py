"""Local search: best and first improvement."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk

SPACE = nk.space("nas-bench-macro")


@pytest.mark.parametrize("improvement", ["best", "first"])
def test_moves_downhill_until_no_neighbour_is_better(improvement):
    """Where every gene counts by itself a climb ends at the optimum; each step is checked."""
    weights = np.arange(1, 9)
    search = nk.LocalSearch(improvement=improvement).start(SPACE, runs=3, seed=1)
    current, value = [None] * 3, np.full(3, np.inf)
    seen = [[] for _ in range(3)]
    climbs = 0
    for _ in range(900):
        X = search.ask()[:, 0]
        F = ((X != 2) * weights).sum(axis=1)
        search.tell(F[:, None, None])
        for run in range(3):
            if current[run] is None or (X[run] != current[run]).sum() != 1:  # a new start
                assert current[run] is None or value[run] == 0  # only the optimum has no better neighbour
                climbs += current[run] is not None
                current[run], value[run], seen[run] = X[run], F[run], []
                continue
            seen[run].append((F[run], X[run]))
            best = min(seen[run], key=lambda pair: pair[0])
            if improvement == "first" and F[run] < value[run]:
                current[run], value[run], seen[run] = X[run], F[run], []
            elif improvement == "best" and len(seen[run]) == 16 and best[0] < value[run]:
                current[run], value[run], seen[run] = best[1], best[0], []
    assert climbs > 10


def test_first_improvement_needs_fewer_evaluations_a_climb():
    problem = nk.FunctionProblem(lambda X: ((X != 2) * np.arange(1, 9)).sum(axis=1), SPACE)
    best, first = (
        nk.search(problem, nk.LocalSearch(improvement=kind), runs=50, evaluations=100).incumbent_values.mean()
        for kind in ("best", "first")
    )
    assert first < best


def test_wrong_settings():
    with pytest.raises(nk.UnknownName, match="did you mean 'first'"):
        nk.LocalSearch(improvement="firs")
