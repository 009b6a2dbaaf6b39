r"""Tables of comparisons as LaTeX, with booktabs and without further packages of Python.

A document needs ``\usepackage{booktabs}`` and, for names that are not ASCII, an engine or encoding that has their letters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.experiments.caption import comparison_caption, comparison_title
from nasbench_kit.metrics.named_indicators import INDICATORS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["all_latex", "comparison_latex", "escaped", "latex_table", "pairwise_latex", "problems_latex", "ranks_latex"]

_SPECIAL = {
    " %": r"~\%",
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "–": r"\textendash{}",
    '"': r"{\char34}",
    "\n": " ",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}
_SPECIALS = re.compile("|".join(map(re.escape, _SPECIAL)))
_HYPHENS = re.compile("-(?=-)")  # of which two would be a dash


def escaped(text: str) -> str:
    r"""Text such that LaTeX prints it as it is.

    Examples
    --------
    >>> print(escaped("valid_accuracy > 90 % --all"))
    valid\_accuracy \textgreater{} 90~\% -{}-all
    """
    return _HYPHENS.sub("-{}", _SPECIALS.sub(lambda match: _SPECIAL[match[0]], text))


def latex_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    caption: str,
    label: str,
    left: int = 1,
    bold: Collection[tuple[int, int]] = (),
) -> str:
    """A table environment with booktabs rules.

    Parameters
    ----------
    header : sequence of str
        Plain text, as are the cells and the caption; minus signs and exponents of numbers are typeset as such.
    rows : sequence of sequence of str
    caption, label : str
    left : int
        The first columns are aligned to the left, the others to the right.
    bold : collection of (row, column)
    """
    body = []
    for i, row in enumerate(rows):
        cells = [_cell(cell) for cell in row]
        cells = [f"\\textbf{{{cell}}}" if (i, j) in bold else cell for j, cell in enumerate(cells)]
        body.append(f"    {' & '.join(cells)} \\\\")
    return "\n".join(
        [
            "\\begin{table}",
            "  \\centering",
            f"  \\caption{{{escaped(caption)}}}",
            f"  \\label{{{re.sub(r'[^A-Za-z0-9:.-]', '-', label)}}}",
            f"  \\begin{{tabular}}{{{'l' * left}{'r' * (len(header) - left)}}}",
            "    \\toprule",
            f"    {' & '.join(map(escaped, header))} \\\\",
            "    \\midrule",
            *body,
            "    \\bottomrule",
            "  \\end{tabular}",
            "\\end{table}",
            "",
        ]
    )


_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:e([+-][0-9]+))?")
_INTERVAL = re.compile(r"\[-?[0-9.]+, -?[0-9.]+\]")


def _cell(text: str) -> str:
    """A cell: intervals, and numbers with a minus sign or an exponent, in math mode, all else as it is."""
    if _INTERVAL.fullmatch(text):
        return f"${text}$"
    match = _NUMBER.fullmatch(text)
    if match and (text.startswith("-") or match[1]):
        mantissa = text.split("e", 1)[0]
        return f"${mantissa}$" if match[1] is None else f"${mantissa} \\cdot 10^{{{int(match[1])}}}$"
    return escaped(text)


def comparison_latex(comparison: Any, baseline: str | None, label: str) -> str:
    """`Comparison.table`: one row per algorithm, the best value of each column in bold."""
    table = comparison.table(baseline)
    reported = comparison.report[1] if comparison.report is not None and not comparison.many else None
    digits = 4 if comparison.many else 3
    versus = "vs first" if baseline is None else "vs baseline"
    header = ["algorithm", "runs", _measure(comparison), "95 % interval", "median", "beats", "rank", versus]
    header += [reported.replace("_", " ")] if reported else []
    header += ["networks"]
    rows = []
    for name, row in table.iterrows():
        cells = [
            str(name),
            f"{row['runs']}" if row["n"] == row["runs"] else f"{row['n']} of {row['runs']}",
            _spread(row["mean"], row["sd"], digits),
            "–" if math.isnan(row["low"]) else f"[{row['low']:.{digits}f}, {row['high']:.{digits}f}]",
            _number(row["median"], digits),
            "–" if math.isnan(row["beats"]) else f"{100 * row['beats']:.0f} %",
            f"{row['rank']}",
            row["verdict"] if math.isnan(row["p"]) else f"{row['verdict']}, p {row['p']:.2g}",
        ]
        cells += [_spread(row[reported], row[f"{reported}_sd"], 2)] if reported else []
        rows.append([*cells, f"{row['unique_networks']:.0f}"])
    whole = (table["n"] == table["runs"]).to_numpy()  # a mean without the runs that failed would be flattered
    sign = -1.0 if comparison.maximise else 1.0
    bold = _best(sign * table["mean"], digits, whole, 2) | _best(sign * table["median"], digits, whole, 4)
    bold |= _best(-100 * table["beats"], 0, np.ones(len(table), dtype=np.bool_), 5)
    if reported:
        bold |= _best(_reported_loss(comparison, table), 2, whole, 8)
    lines = [comparison_title(comparison), *comparison_caption(comparison, table, baseline)]
    lines.append("Bold: the best of the column, as far as it is printed")
    return latex_table(header, rows, caption=_sentences(lines), label=label, bold=bold if len(table) > 1 else ())


def pairwise_latex(comparison: Any, baseline: str | None, label: str) -> str:
    """`Comparison.pairwise`: one row per pair, in bold whichever is significantly better."""
    digits = 4 if comparison.many else 3
    pairs = comparison.pairwise(baseline)
    rows, bold = [], set()
    for i, (_, pair) in enumerate(pairs.iterrows()):
        failed = math.isnan(pair["difference"])
        cells = [pair["a"], pair["b"], _number(pair["difference"], digits)]
        cells += ["–" if failed else f"[{pair['low']:.{digits}f}, {pair['high']:.{digits}f}]", f"{pair['a12']:.2f}"]
        rows.append([*cells, "–" if math.isnan(pair["p"]) else f"{pair['p']:.2g}"])
        if pair["better"]:
            bold.add((i, 0 if pair["better"] == pair["a"] else 1))
    meaning = (
        f"difference: mean {_measure(comparison)} of A less that of B, with a 95 % bootstrap interval (BCa)",
        "A12: the probability that a run of A is better than one of B",
        f"p: {pairs['test'].iloc[0] if len(pairs) else 'no pair'}",
        "Bold: the better of the two, where p < 0.05",
    )
    header = ["A", "B", "difference", "95 % interval", "A12", "p"]
    caption = _sentences([comparison_title(comparison), *meaning])
    return latex_table(header, rows, caption=caption, label=label, left=2, bold=bold)


def ranks_latex(comparisons: Any, label: str) -> str:
    """`Comparisons.ranks`: one row per algorithm, one column per problem; the best rank of each column in bold."""
    ranks, test = comparisons.ranks(), comparisons.friedman()
    rows = [
        [str(name), *(f"{rank:.4g}" for rank in row)] for name, row in zip(ranks.index, ranks.to_numpy(), strict=True)
    ]
    bold: set[tuple[int, int]] = set()
    for column, values in enumerate(ranks.to_numpy().T, start=1):
        bold |= {(int(row), column) for row in np.flatnonzero(values == values.min())}
    caption = [
        f"Ranks on {len(comparisons)} problems, by the share of runs of the others that a run beats",
        f"Friedman's test p {test.p:.2g}, critical difference of mean ranks {test.critical_difference:.3g} (Nemenyi, 5 %)",
    ]
    header = ["algorithm", *map(str, ranks.columns)]
    return latex_table(header, rows, caption=_sentences(caption), label=label, bold=bold)


def problems_latex(comparisons: Any, label: str) -> str:
    """One row per algorithm, one column per problem: mean and standard deviation, the best of each column in bold."""
    algorithms = comparisons.algorithms
    columns: list[list[str]] = []
    bold: set[tuple[int, int]] = set()
    for position, comparison in enumerate(comparisons.values(), start=1):
        table = comparison.table().loc[algorithms]
        digits = 4 if comparison.many else 3
        whole = (table["n"] == table["runs"]).to_numpy()
        columns.append([_spread(mean, sd, digits) for mean, sd in zip(table["mean"], table["sd"], strict=True)])
        bold |= _best((-1.0 if comparison.maximise else 1.0) * table["mean"], digits, whole, position)
    rows = [[name, *cells] for name, *cells in zip(algorithms, *columns, strict=True)]
    measures = dict.fromkeys(_measure(comparison) for comparison in comparisons.values())
    runs = dict.fromkeys(f"{next(iter(one.results.values())).runs} runs" for one in comparisons.values())
    caption = [
        f"Mean {', '.join(measures)} ± standard deviation of {' or '.join(runs)} on {len(comparisons)} problems",
        "Bold: the best of the column, as far as it is printed",
    ]
    return latex_table(
        ["algorithm", *comparisons], rows, caption=_sentences(caption), label=label, bold=bold if len(rows) > 1 else ()
    )


def all_latex(comparisons: Mapping[str, Any], baseline: str | None) -> str:
    """The tables and pairs of each comparison, and of a `Comparisons` with several problems, ranks and means over all."""
    parts = []
    for name, comparison in comparisons.items():
        own = "" if len(comparisons) == 1 else f":{name}"
        parts += [
            comparison.to_latex(kind, baseline=baseline, label=f"tab:{kind}{own}") for kind in ("table", "pairwise")
        ]
    if len(comparisons) > 1 and hasattr(comparisons, "ranks"):
        parts += [problems_latex(comparisons, "tab:problems"), ranks_latex(comparisons, "tab:ranks")]
    return "\n".join(["% \\usepackage{booktabs}", *parts])


def _best(losses: pd.Series, digits: int, eligible: np.ndarray, column: int) -> set[tuple[int, int]]:
    """The cells of a column with the least loss as printed; none unless it can be told."""
    rounded = np.where(eligible, losses.to_numpy(dtype=np.float64).round(digits), np.inf)
    if not np.isfinite(rounded).any():
        return set()
    return {(int(row), column) for row in np.flatnonzero(rounded == np.nanmin(rounded))}


def _reported_loss(comparison: Any, table: pd.DataFrame) -> pd.Series:
    """The reported metric, as it is minimised; ``inf`` if its direction is unknown."""
    assert comparison.report is not None
    dataset, metric, _ = comparison.report
    direction = None
    if isinstance(comparison.problem, TabularProblem):
        direction = comparison.problem.bench.metric(metric, dataset).direction
    if direction is None:
        import pandas as pd

        return pd.Series(np.inf, index=table.index)
    losses: pd.Series = (-1.0 if direction == "max" else 1.0) * table[metric]
    return losses


def _measure(comparison: Any) -> str:
    if comparison.many:
        return INDICATORS[comparison.indicator].title
    return "regret" if comparison.optimum is not None else comparison.problem.objectives[0].replace("_", " ")


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def _spread(mean: float, sd: float, digits: int) -> str:
    return _number(mean, digits) + (f" ± {sd:.{digits}f}" if math.isfinite(sd) else "")


def _sentences(lines: Sequence[str]) -> str:
    """The title and what the columns mean, without the options of the command line."""
    found = [lines[0]]
    for line in lines[1:]:
        plain = _OPTION.sub(lambda match: match[1].replace("-", " "), _ASIDE.sub("", line))
        found.append(plain[:1].upper() + plain[1:] if _WORD.match(plain) else plain)
    return "".join(f"{line}. " for line in found).rstrip()


_ASIDE, _OPTION = re.compile(r" \(--[^)]*\)"), re.compile(r"--([a-z-]+)")
_WORD = re.compile("[a-z]{2,}[ :]")  # not a symbol, such as p, or the name of a metric
