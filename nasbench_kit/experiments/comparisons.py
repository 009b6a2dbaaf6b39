"""Several algorithms on several problems: a comparison for each, and ranks over all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nasbench_kit.errors import UnknownName
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.ranking import Friedman, friedman, posthoc, ranks_of
from nasbench_kit.experiments.statistics import summarise

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Comparisons"]

FIGURES = ("ranks",)


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

    def _repr_html_(self) -> str:
        from nasbench_kit.experiments.cards import comparisons_card

        return comparisons_card(self)

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
        import pandas as pd

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
        import pandas as pd

        return pd.concat({name: one.table(baseline) for name, one in self._comparisons.items()}, names=["problem"])

    def to_latex(self, kind: str = "ranks", *, label: str | None = None) -> str:
        """A table for a paper, as `Comparison.to_latex`.

        Parameters
        ----------
        kind : {"ranks", "table"}
            One row per algorithm and one column per problem: ranks, or means and standard deviations.
        label : str, optional

        Raises
        ------
        UnknownName
            Another kind.
        """
        from nasbench_kit.experiments.latex import problems_latex, ranks_latex

        makers = {"ranks": ranks_latex, "table": problems_latex}
        if kind not in makers:
            raise UnknownName("kind of table over several problems", kind, makers)
        return makers[kind](self, label or f"tab:{kind}")

    def plot(
        self,
        kind: str = "ranks",
        path: str | os.PathLike[str] | None = None,
        *,
        style: str = "light",
        width: float | None = None,
    ) -> Figure:
        """A matplotlib figure (extra ``plot``): ``"ranks"``, the critical-difference diagram.

        Parameters
        ----------
        kind : {"ranks"}
        path, style, width
            As in `Comparison.plot`.

        Raises
        ------
        MissingExtra
            Where matplotlib is not installed.
        UnknownName
            Another kind or style; anytime curves are of one problem each: ``comparisons[name].plot()``.
        ValueError, WriteError
            As in `Comparison.plot`.
        """
        if kind not in FIGURES:
            raise UnknownName("kind of figure over several problems", kind, FIGURES)
        from nasbench_kit.figures.files import check_picture, write_picture
        from nasbench_kit.figures.ranks import critical_difference_diagram

        if path is not None:
            check_picture(Path(path))
        ranks = self.ranks()["mean"]
        test = self.friedman()
        figure = critical_difference_diagram(
            [str(name) for name in ranks.index],
            ranks.to_numpy(),
            test.critical_difference,
            f"mean rank on {len(self)} problems (1 is the best)",
            style=style,
            width=width,
        )
        if path is not None:
            write_picture(figure, Path(path))
        return figure
