"""Several algorithms on several problems: a comparison for each, and ranks over all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pandas as pd

from nasbench_kit.algorithms import Algorithm
from nasbench_kit.errors import UnknownName
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.comparison import compare as compare_one
from nasbench_kit.experiments.ranking import Friedman, friedman, posthoc, ranks_of
from nasbench_kit.experiments.statistics import summarise
from nasbench_kit.problems import Problem

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Comparisons", "compare"]

FIGURES = ("ranks",)

Algorithms = Sequence[Algorithm] | Mapping[str, Algorithm]


class Comparisons(Mapping[str, Comparison]):
    """Comparisons of the same algorithms on several problems, by the problems' names.

    Parameters
    ----------
    comparisons : mapping of str to Comparison

    Raises
    ------
    ValueError
        There is no comparison, or they are not of the same algorithms.
    """

    def __init__(self, comparisons: Mapping[str, Comparison]) -> None:
        self._comparisons = dict(comparisons)
        if not self._comparisons:
            raise ValueError("there are no comparisons")
        first, *rest = self._comparisons
        for name in rest:
            other = set(self._comparisons[name].results) ^ set(self._comparisons[first].results)
            if other:
                raise ValueError(
                    f"ranks need the same algorithms on every problem, and {sorted(other)[0]} is not on both {first} and {name}"
                )

    def __getitem__(self, name: str) -> Comparison:
        if name not in self._comparisons:
            raise UnknownName("problem", name, self._comparisons)
        return self._comparisons[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._comparisons)

    def __len__(self) -> int:
        return len(self._comparisons)

    def __repr__(self) -> str:
        return f"<comparisons of {len(self.algorithms)} algorithms on {len(self)} problems: {', '.join(self)}>"

    @property
    def algorithms(self) -> list[str]:
        """The names of the algorithms."""
        return list(next(iter(self._comparisons.values())).results)

    def by(self, indicator: str) -> Comparisons:
        """The same comparisons of several objectives by another indicator of the archives; see `Comparison.by`."""
        return Comparisons({name: one.by(indicator) for name, one in self._comparisons.items()})

    def ranks(self) -> pd.DataFrame:
        """The rank of each algorithm on each problem, 1 the best, and their ``mean``: one row per algorithm, the best first.

        On a problem, algorithms are ranked by the share of runs of the others that a run beats, as in `Comparison.table`;
        equals share the mean of their ranks.
        """
        scores = []
        for comparison in self._comparisons.values():
            finals = {name: comparison.final(result) for name, result in comparison.results.items()}
            beats = summarise(finals, maximise=comparison.maximise)["beats"]
            scores.append([-round(float(beats[name]), 12) for name in self.algorithms])
        ranks = ranks_of(np.nan_to_num(np.array(scores)))
        frame = pd.DataFrame(ranks.T, index=pd.Index(self.algorithms, name="algorithm"), columns=list(self))
        frame["mean"] = frame.mean(axis=1)
        return frame.sort_values("mean", kind="stable")

    def friedman(self) -> Friedman:
        """Friedman's test over the problems, and the critical difference of mean ranks."""
        return friedman(self.ranks().drop(columns="mean").to_numpy().T)

    def pairwise(self, baseline: str | None = None) -> pd.DataFrame:
        """Compare the mean ranks of all pairs, or of each algorithm with a baseline; see `ranking.posthoc`."""
        return posthoc(self.ranks()["mean"], len(self), baseline)

    def table(self, baseline: str | None = None) -> pd.DataFrame:
        """The tables of all comparisons, one below the other, indexed by problem and algorithm; see `Comparison.table`."""
        return pd.concat({name: one.table(baseline) for name, one in self._comparisons.items()}, names=["problem"])

    def plot(self, kind: str = "ranks") -> Figure:
        """A matplotlib figure (extra ``plot``): ``"ranks"``, the critical-difference diagram.

        Raises
        ------
        MissingExtra
            Where matplotlib is not installed.
        UnknownName
            Another kind; anytime curves are of one problem each: ``comparisons[name].plot()``.
        """
        if kind not in FIGURES:
            raise UnknownName("kind of figure over several problems", kind, FIGURES)
        from nasbench_kit.figures.ranks import critical_difference_diagram

        ranks = self.ranks()["mean"]
        test = self.friedman()
        return critical_difference_diagram(
            [str(name) for name in ranks.index],
            ranks.to_numpy(),
            test.critical_difference,
            f"mean rank on {len(self)} problems (1 is the best)",
        )


@overload
def compare(problem: Problem, algorithms: Algorithms, **options: Any) -> Comparison: ...


@overload
def compare(
    problem: Sequence[Problem] | Mapping[str, Problem], algorithms: Algorithms, **options: Any
) -> Comparisons: ...


def compare(
    problem: Problem | Sequence[Problem] | Mapping[str, Problem], algorithms: Algorithms, **options: Any
) -> Comparison | Comparisons:
    """Run several algorithms on one problem, or on each of several, with the same budget.

    Parameters
    ----------
    problem : Problem, sequence of Problem, or mapping of str to Problem
        Any problems. Algorithms are compared by regret, or by the objective's value if the optimum is unknown (a function
        without ``bounds``); for several objectives by hypervolume, which needs bounds. A mapping gives names.
    algorithms : sequence of Algorithm, or mapping of str to Algorithm
        A mapping gives names. Default: the algorithm's own name with the settings that differ from the defaults.
    runs, first_run, budget, clock, **ends
        As in ``nasbench_kit.search``; 100 runs by default.
    seed : int
        As in ``nasbench_kit.search``. The second and later of equal algorithms get other seeds, recorded in their results.
    report : tuple of (dataset, metric, epochs), or mapping of str to such, optional
        The metric reported of the incumbents, for problems of a table. Default: ``test_accuracy`` of the dataset searched
        on, if it has one and the search does not select on it. A mapping is by the names of several problems.
    indicators : sequence of str
        Several objectives: recorded in the traces besides the hypervolume, as in ``nasbench_kit.search``; see `Comparison.by`.
    record : bool
        Keep a log of every generation in each result, as in ``nasbench_kit.search``.
    progress : callable, optional
        Called with an algorithm's name and the fraction of its work done; with several problems, the name of the problem
        comes before that of the algorithm: ``"problem: algorithm"``.

    Returns
    -------
    Comparison, or Comparisons for several problems

    Raises
    ------
    TypeError
        Something other than problems, or other than algorithms.
    ValueError
        No problems, no algorithms, several objectives without bounds, ``report`` for a problem without a table, or as in
        ``nasbench_kit.search``.
    """
    if isinstance(problem, Problem) or not isinstance(problem, Sequence | Mapping) or isinstance(problem, str):
        return compare_one(problem, algorithms, **options)  # which says what is wrong
    names = names_of_problems(problem)
    problems = list(problem.values() if isinstance(problem, Mapping) else problem)
    if not problems:
        raise ValueError("no problems to compare on")
    report, progress = options.pop("report", None), options.pop("progress", None)
    if isinstance(report, Mapping):
        for name in report:
            if name not in names:
                raise UnknownName("problem", name, names)
    found = {}
    for name, one in zip(names, problems, strict=True):
        own = report.get(name) if isinstance(report, Mapping) else report
        found[name] = compare_one(one, algorithms, report=own, progress=_prefixed(progress, name), **options)
    return Comparisons(found)


def _prefixed(progress: Callable[[str, float], None] | None, problem: str) -> Callable[[str, float], None] | None:
    return None if progress is None else lambda name, share: progress(f"{problem}: {name}", share)


def names_of_problems(problems: Mapping[str, object] | Sequence[object]) -> list[str]:
    """Names of problems: those of a mapping, else what they search, with " (2)" and so on for equal ones."""
    if isinstance(problems, Mapping):
        return [str(name) for name in problems]
    names: list[str] = []
    for problem in problems:
        text = repr(problem)
        name = (
            text.removeprefix("<problem ").removesuffix(">") if text.startswith("<problem ") else type(problem).__name__
        )
        unique, count = name, 1
        while unique in names:
            count += 1
            unique = f"{name} ({count})"
        names.append(unique)
    return names
