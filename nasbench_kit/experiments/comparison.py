"""The results of several algorithms on one problem: tabulate, test, plot."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from nasbench_kit.errors import UnknownName
from nasbench_kit.experiments import statistics
from nasbench_kit.experiments.archive_quality import checked_indicators
from nasbench_kit.experiments.area import mean_over_time
from nasbench_kit.experiments.bootstrap import mean_interval
from nasbench_kit.experiments.compared_values import ComparedValues
from nasbench_kit.experiments.comparison_file import StoredProblem, read_comparison, write_comparison
from nasbench_kit.experiments.iohprofiler import check_empty
from nasbench_kit.experiments.names import file_names
from nasbench_kit.experiments.runtimes import default_targets, expected_running_time, hitting_times
from nasbench_kit.metrics.named_indicators import INDICATORS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Comparison", "load_comparison"]

FIGURES = ("anytime", "front", "attainment", "ecdf")


@dataclass(frozen=True, eq=False)
class Comparison(ComparedValues):
    """The results of several algorithms on one problem, by name.

    Runs of different algorithms are independent samples, even with the same seed: each algorithm has random streams of its
    own. Tests are therefore unpaired.

    Attributes
    ----------
    problem : Problem
    results : dict of str to Result
    report : tuple of (dataset, metric, epochs), or None
        The metric reported of the incumbents besides the objective.
    budget : Budget or None
        What ended the runs; None if unknown.
    indicator : str
        What compares archives, for several objectives; see `by`. Files do not keep it.
    """

    def __eq__(self, other: object) -> bool:
        """Whether another comparison has equal results by the same names, and shows the same of them.

        The problem is part of its results. One that was loaded from a file equals the one that was saved.
        """
        return self._identity == other._identity if isinstance(other, Comparison) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[object, ...]:
        digests = tuple((name, result.digest) for name, result in self.results.items())
        return digests, self.report, self.budget, self.indicator

    def __repr__(self) -> str:
        return f"<comparison of {len(self.results)} algorithms on {self.problem!r}: {', '.join(self.results)}>"

    def _repr_html_(self) -> str:
        from nasbench_kit.experiments.cards import comparison_card

        return comparison_card(self)

    def by(self, indicator: str) -> Comparison:
        """The same comparison of several objectives by another indicator of the archives.

        Tables, tests, figures and reports of what is returned follow it.

        Parameters
        ----------
        indicator : str
            One of `nasbench_kit.metrics.named_indicators.INDICATORS`, such as ``"igd_plus"``. Anytime curves need traces that
            have it: ``compare(..., indicators="igd_plus")``.

        Raises
        ------
        UnknownName
            There is no such indicator.
        ValueError
            A single objective, or no exact front where the indicator needs one.
        StoreError
            The indicator needs the exact front of a benchmark that is gone.
        """
        if indicator in INDICATORS and INDICATORS[indicator].needs_front and isinstance(self.problem, StoredProblem):
            self.problem.needs_store(f"{indicator}, which compares with the exact front,")
        checked_indicators(indicator, self.problem)
        return replace(self, indicator=indicator)

    def runtimes(self, targets: ArrayLike | None = None, *, clock: str = "evaluations") -> pd.DataFrame:
        """Expected running times and success rates; see `runtimes.expected_running_time` and `runtimes.hitting_times`.

        Parameters
        ----------
        targets : array_like of float, shape (targets,), optional
            Regrets, hypervolumes that may be missing of the exact front's, or values of another `indicator`. Default: 51 on a
            logarithmic scale, see `runtimes.default_targets`.
        clock : {"evaluations", "unique_networks", "simulated_seconds"}

        Returns
        -------
        pandas.DataFrame
            One row per algorithm and target: ``algorithm``, ``target``, ``ert`` (``inf`` where no run reached it), ``success``,
            the share of runs that did, and ``runs``.
        """
        import pandas as pd

        values = {name: self.progress(result) for name, result in self.results.items()}
        wanted = (
            default_targets(list(values.values())) if targets is None else np.atleast_1d(np.asarray(targets, float))
        )
        frames = []
        for name, result in self.results.items():
            times = hitting_times(result, values[name], wanted, clock)
            ert = expected_running_time(times, getattr(result, clock))
            success = np.isfinite(times).mean(axis=0)
            columns = {"algorithm": name, "target": wanted, "ert": ert, "success": success, "runs": result.runs}
            frames.append(pd.DataFrame(columns))
        return pd.concat(frames, ignore_index=True)

    def area(self, *, clock: str = "evaluations", log: bool = True, baseline: str | None = None) -> pd.DataFrame:
        """Compare the runs' mean values over their whole time instead of at its end; see `area.mean_over_time`.

        By evaluations and networks, the time begins with the tenth: what was drawn before says nothing of an algorithm.

        Returns
        -------
        pandas.DataFrame
            As from `statistics.summarise`, of what `progress` has; lower is better.
        """
        means = {
            name: mean_over_time(result, self.progress(result), clock, log=log) for name, result in self.results.items()
        }
        return statistics.summarise(means, maximise=False, baseline=baseline)

    def pairwise(self, baseline: str | None = None) -> pd.DataFrame:
        """Compare every pair of algorithms, or each with a baseline; see `statistics.pairwise`."""
        return statistics.pairwise(self.finals(), maximise=self.maximise, baseline=baseline)

    def table(self, baseline: str | None = None) -> pd.DataFrame:
        """One row per algorithm, the best first: see `statistics.summarise`; then the reported metric and the clocks.

        The reported metric has a mean, an ``_sd``, and the 95 % interval of the mean, ``_low`` and ``_high``, over the runs that
        found something.
        """
        import pandas as pd

        frame = statistics.summarise(self.finals(), maximise=self.maximise, baseline=baseline)
        rows = []
        for name in frame.index:
            result = self.results[name]
            row: dict[str, float] = {}
            values = self.reported(result)
            if values is not None:
                assert self.report is not None
                known, metric = values[np.isfinite(values)], self.report[1]
                low, high = mean_interval(known)
                row[metric] = float(known.mean()) if len(known) else float("nan")
                row[f"{metric}_sd"] = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
                row |= {f"{metric}_low": float(low), f"{metric}_high": float(high)}
            for clock in ("evaluations", "unique_networks", "simulated_seconds"):
                row[clock] = float(getattr(result, clock).mean())
            row["wall_seconds"] = result.wall_seconds
            rows.append(row)
        return frame.join(pd.DataFrame(rows, index=frame.index))

    def to_latex(self, kind: str = "table", *, baseline: str | None = None, label: str | None = None) -> str:
        """A table for a paper, with booktabs rules, what its columns mean as the caption, and the best in bold.

        Parameters
        ----------
        kind : {"table", "pairwise"}
            One row per algorithm, as in `table`, or per pair, as in `pairwise`.
        baseline : str, optional
            As in `table` and `pairwise`.
        label : str, optional
            Of the table, for references; characters other than letters, digits and ``:.-`` become hyphens. Default: ``tab:`` and
            the kind.

        Returns
        -------
        str
            LaTeX; the document needs ``\\usepackage{booktabs}``.

        Raises
        ------
        UnknownName
            Another kind, or no algorithm of that name.
        """
        from nasbench_kit.experiments.latex import comparison_latex, pairwise_latex

        makers = {"table": comparison_latex, "pairwise": pairwise_latex}
        if kind not in makers:
            raise UnknownName("kind of table", kind, makers)
        return makers[kind](self, baseline, label or f"tab:{kind}")

    def plot(
        self,
        kind: str = "anytime",
        path: str | os.PathLike[str] | None = None,
        *,
        clock: str | None = None,
        algorithms: Sequence[str] | None = None,
        architectures: int = 0,
        style: str = "light",
        width: float | None = None,
    ) -> Figure:
        """A matplotlib figure (extra ``plot``).

        Parameters
        ----------
        kind : {"anytime", "front", "attainment", "ecdf"}
            ``"anytime"``: regret, missing hypervolume or another indicator over a clock, and beside it what is reported of the
            incumbents, or the fronts of the median runs. ``"front"``: the fronts of the median runs, for every pair of objectives,
            and parallel coordinates for three and more. ``"attainment"``: the surfaces that a quarter, half and three quarters of
            the runs attained. ``"ecdf"``: the share of targets reached over a clock.
        path : str or path-like, optional
            Also write it to this file, in the format of its suffix: .svg, .pdf or .png.
        clock : {"evaluations", "unique_networks", "simulated_seconds"}, optional
            Of anytime curves and ECDFs. Default: that of the traces.
        algorithms : sequence of str, optional
            The names of those to draw. Default: all, or the best six.
        architectures : int
            Of ``"front"``: how many members of the first algorithm's front are numbered, and listed below.
        style : {"light", "dark"}
        width : float, optional
            In millimetres, such as 80 for a column of a paper. Letters and lines have the size that suits it, and panels are
            one below the other in narrow figures. Default: for a slide, 254, or 165 for a single panel.

        Raises
        ------
        MissingExtra
            Where matplotlib is not installed.
        UnknownName
            Another kind or style, or no algorithm of that name.
        ValueError
            The traces follow another clock or lack the indicator, there is a single objective and so no front, the width is
            out of range, or the suffix is another.
        WriteError
            Where the file cannot be written.
        """
        if kind not in FIGURES:
            raise UnknownName("kind of figure", kind, FIGURES)
        from nasbench_kit.figures.files import check_picture, write_picture

        if path is not None:
            check_picture(Path(path))  # before drawing
        if architectures and kind != "front":
            raise ValueError(f"architectures are named in the figure of fronts, not in that of kind {kind!r}")
        clock = clock or self.clock or "evaluations"
        if kind == "front":
            from nasbench_kit.experiments.front_figure import front_figure

            figure = front_figure(self, algorithms, architectures=architectures, style=style, width=width)
        elif kind == "attainment":
            from nasbench_kit.experiments.attainment_figure import attainment_figure

            figure = attainment_figure(self, algorithms, style=style, width=width)
        elif kind == "ecdf":
            from nasbench_kit.experiments.ecdf_figure import ecdf_figure

            figure = ecdf_figure(self, clock, algorithms, style=style, width=width)
        else:
            from nasbench_kit.experiments.comparison_figure import comparison_figure

            figure = comparison_figure(self, clock, algorithms, style=style, width=width)
        if path is not None:
            write_picture(figure, Path(path))
        return figure

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the comparison to one HDF5 file, all or nothing; `nasbench_kit.load_comparison` reads it.

        Raises
        ------
        StoreError
        """
        return write_comparison(Path(path), self.results, self.report, self.budget, self.problem)

    def to_iohprofiler(self, folder: str | os.PathLike[str]) -> Path:
        """Write all runs in IOHprofiler's format, one folder per algorithm within ``folder``, which must be empty.

        Raises
        ------
        WriteError, ValueError
            As in `Result.to_iohprofiler`.
        """
        check_empty(Path(folder))
        for name, part in file_names(self.results, "").items():
            self.results[name].to_iohprofiler(Path(folder) / part, name=name)
        return Path(folder)


def load_comparison(path: str | os.PathLike[str]) -> Comparison:
    """Read a comparison that ``Comparison.save`` wrote.

    The benchmark that was searched is reopened if it is still available. Otherwise, and for functions, everything works that
    needs no further evaluations: tables, tests, curves and reports. The file has the values of all incumbents for that. What
    needs the benchmark is a StoreError that names it: metrics and exact fronts of other architectures, and indicators that
    compare with the exact front; figures and reports leave these out.

    Raises
    ------
    StoreError
        No such file, not a comparison, or a damaged one.
    """
    return Comparison(*read_comparison(Path(path)))
