"""All analyses of a table together, and the report that shows them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from nasbench_kit.analysis.agreement import between_budgets, between_datasets, between_splits, with_quality
from nasbench_kit.analysis.classes import class_sizes
from nasbench_kit.analysis.columns import Columns
from nasbench_kit.analysis.distributions import distributions
from nasbench_kit.analysis.noise import noise_between_seeds
from nasbench_kit.analysis.optima import landscapes
from nasbench_kit.benchmark import Benchmark
from nasbench_kit.errors import UnknownName, one_line
from nasbench_kit.notebook import card, data_table, folded

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STEPS", "Analysis", "analyse"]

#: What is computed, by the name of its frame.
STEPS: dict[str, Callable[[Columns, int], pd.DataFrame]] = {
    "distributions": lambda columns, seed: distributions(columns),
    "between_budgets": lambda columns, seed: between_budgets(columns),
    "between_datasets": lambda columns, seed: between_datasets(columns),
    "between_splits": lambda columns, seed: between_splits(columns),
    "noise": lambda columns, seed: noise_between_seeds(columns),
    "landscapes": landscapes,
    "classes": lambda columns, seed: class_sizes(columns),
    "with_quality": lambda columns, seed: with_quality(columns),
}

TITLES = {
    "distributions": "Distributions",
    "between_budgets": "Rank correlation between epoch budgets",
    "between_datasets": "Rank correlation between datasets",
    "between_splits": "Rank correlation between validation and test",
    "noise": "Noise between training seeds",
    "landscapes": "Fitness landscapes",
    "classes": "Genotypes per network",
    "with_quality": "Rank correlation of costs and proxies with quality",
}


SHOWN = 8  # rows of each subject in a notebook


@dataclass(frozen=True, eq=False, repr=False)
class Analysis:
    """What a table holds, and how difficult and how noisy it is: one pandas frame per subject.

    The columns of each frame are described by the function that computes it, named below. A subject of which the table
    has nothing to say has an empty frame.

    Attributes
    ----------
    benchmark : str
    space : str
    architectures : int
    distributions : DataFrame
        `nasbench_kit.analysis.distributions.distributions`
    between_budgets, between_datasets, between_splits, with_quality : DataFrame
        The functions of these names in `nasbench_kit.analysis.agreement`.
    noise : DataFrame
        `nasbench_kit.analysis.noise.noise_between_seeds`
    landscapes : DataFrame
        `nasbench_kit.analysis.optima.landscapes`
    classes : DataFrame
        `nasbench_kit.analysis.classes.class_sizes`
    undirected : DataFrame
        ``dataset`` and ``metric`` of those of which the store does not say whether more or less is better. They are
        described, but not ranked.
    """

    benchmark: str
    space: str
    architectures: int
    distributions: pd.DataFrame
    between_budgets: pd.DataFrame
    between_datasets: pd.DataFrame
    between_splits: pd.DataFrame
    noise: pd.DataFrame
    landscapes: pd.DataFrame
    classes: pd.DataFrame
    with_quality: pd.DataFrame
    undirected: pd.DataFrame

    def sections(self) -> Iterator[tuple[str, pd.DataFrame, str]]:
        """The title, frame and note of every subject that has anything to show; the note may be empty."""
        for name, title in TITLES.items():
            frame = getattr(self, name)
            if len(frame):
                yield title, frame, self._note(name)

    def _note(self, name: str) -> str:
        if name == "distributions" and len(self.undirected):
            several = ", ".join(dict.fromkeys(self.undirected["metric"]))
            return f"described but not ranked, as the store does not say whether more is better: {several}"
        if name == "landscapes":
            note = "neighbours differ in one gene; a local optimum is better than all its neighbours in the table"
            looked_up = int(self.landscapes["looked_up"].iloc[0])
            sampled = looked_up < self.architectures
            return f"{note}; looked up for a random sample of {looked_up:,} architectures" if sampled else note
        if name == "noise":
            return (
                "sd: standard deviations within and between architectures; noise share: of the variance of one training"
            )
        if name == "with_quality":
            return "positive: networks with more of it are better"
        return ""

    def report(self) -> str:
        """All subjects as plain text."""
        import pandas as pd

        lines = [f"{self.benchmark}: {self.architectures:,} architectures of {self.space}"]
        for title, frame, note in self.sections():
            shown = pd.DataFrame(texts(frame), columns=list(frame.columns)).to_string(index=False)
            lines += ["", title, *([note] if note else []), "", shown]
        return "\n".join(lines)

    __str__ = report

    def __repr__(self) -> str:
        return f"<analysis of {self.benchmark}: {self.architectures:,} architectures of {self.space}>"

    def _repr_html_(self) -> str:
        parts = [
            folded(title, data_table(list(frame.columns), texts(frame.head(SHOWN)), left=2, total=len(frame)))
            for title, frame, _ in self.sections()
        ]
        facts = {"space": self.space, "architectures": self.architectures}
        return card(self.benchmark, "analysis", facts, *parts)

    def as_dict(self) -> dict[str, Any]:
        """All frames as lists of records, for JSON; what is missing is None."""
        import pandas as pd

        found: dict[str, Any] = {}
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, pd.DataFrame):
                value = value.astype(object).where(value.notna(), None).to_dict("records")
            found[part.name] = value
        return found


def texts(frame: pd.DataFrame) -> list[list[str]]:
    """The cells of a frame as they are printed: four significant digits, or three places for a correlation."""
    return [
        [_text(name, value) for name, value in zip(frame.columns, row, strict=True)]
        for row in frame.itertuples(index=False)
    ]


def _text(column: str, value: Any) -> str:
    import pandas as pd

    if value is None or pd.isna(value):
        return ""
    if isinstance(value, str):
        return one_line(value)
    if column in ("spearman", "kendall", "distance_correlation"):
        return f"{value:.3f}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return str(value) if column == "epochs" else f"{value:,}"


def analyse(
    bench: Benchmark,
    *,
    dataset: str | None = None,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Analysis:
    """Analyse a table: distributions, agreement of its rankings, noise, fitness landscapes and equal networks.

    Parameters
    ----------
    bench : Benchmark
    dataset : str, optional
        Default: all of them.
    seed : int
        Of the sample of architectures whose neighbours are looked up; used only if the table has more than 2**24 neighbours.
    progress : callable, optional
        Called with the name of each frame when it is done.

    Returns
    -------
    Analysis

    Raises
    ------
    UnknownName
        The dataset does not exist.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> found = nk.analyse(nk.open("nas-bench-macro"))
    >>> found.landscapes[["metric", "optima", "local_optima"]].to_dict("records")
    [{'metric': 'test_accuracy', 'optima': 2, 'local_optima': 14}]
    """
    import pandas as pd

    if not isinstance(bench, Benchmark):
        raise TypeError(f"bench must come from nasbench_kit.open(...), not {bench!r}")
    if dataset is not None and dataset not in bench.datasets:
        raise UnknownName(f"dataset of {bench.name}", dataset, bench.datasets)
    seed = operator.index(seed)
    if seed < 0:
        raise ValueError(f"seed must be a non-negative integer, not {seed}")
    columns = Columns(bench, bench.datasets if dataset is None else (dataset,))
    frames = {}
    for name, step in STEPS.items():
        frames[name] = step(columns, seed)
        if progress:
            progress(name)
    undirected = [
        (name, metric)
        for name in columns.datasets
        for metric in bench.metrics(name)
        if bench.metric(metric, name).direction is None
    ]
    return Analysis(
        benchmark=bench.name,
        space=bench.space.name,
        architectures=len(bench),
        undirected=pd.DataFrame(undirected, columns=["dataset", "metric"]),
        **frames,
    )
