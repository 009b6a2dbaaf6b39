"""Compile the loops of the extra ``fast`` once, so that test processes side by side find them in Numba's cache.

    python tools/compile_loops.py

Searches of a few evaluations with every algorithm, with one to four objectives, on a space where every genotype is valid and on one
where not, compile nearly all of them.
"""

from __future__ import annotations

import os

os.environ["NASBENCH_KIT_COMPILED"] = "1"
os.environ["NASBENCH_KIT_WORKERS"] = "1"

import numpy as np

import nasbench_kit as nk
from nasbench_kit.algorithms import ALGORITHMS

SPACES = ("nb201", "nas-bench-graph", "nsga-net-micro")


def main() -> None:
    for name in SPACES:
        for algorithm in ALGORITHMS.values():
            for objectives in (1, 2, 3, 4):
                if algorithm.single_objective if objectives == 1 else algorithm.many_objectives:
                    problem = problem_of(nk.space(name), objectives, (1, 3, 9) if algorithm.needs_budgets else ())
                    nk.search(problem, algorithm(), runs=9, evaluations=250)


def problem_of(space: nk.Space, objectives: int, budgets: tuple[int, ...]) -> nk.Problem:
    """Weighted sums of the genes."""
    weights = np.random.default_rng(0).normal(size=(space.genes, objectives))
    bounds = np.array([[-300.0], [300.0]]).repeat(objectives, axis=1)
    names = [f"f{i}" for i in range(objectives)]
    return nk.FunctionProblem(
        lambda X, *_: X.astype(np.float64) @ weights, space, names, bounds=bounds, budgets=budgets
    )


if __name__ == "__main__":
    main()
