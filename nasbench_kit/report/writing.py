"""Writing the page that shows comparisons to a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nasbench_kit.files import replace_file

if TYPE_CHECKING:
    from nasbench_kit.experiments.comparison import Comparison

__all__ = ["report"]


def report(
    comparisons: Comparison | Sequence[Comparison] | Mapping[str, Comparison],
    path: str | os.PathLike[str],
    *,
    baseline: str | None = None,
) -> Path:
    """Write a page that shows comparisons: a single HTML file that opens offline in any browser.

    It has, per comparison, the table with its statistics, anytime curves for each clock, fronts or the best architectures
    with their drawings and metrics, pairwise tests, settings, provenance and licence of the table, and the command that
    repeats it; and the citations as BibTeX.

    Parameters
    ----------
    comparisons : Comparison, sequence of Comparison, or mapping of str to Comparison
        A mapping gives headings, and `Comparisons` a table of ranks over all problems as well.
    path : str or path-like
        Output file, ``.html``.
    baseline : str, optional
        The algorithm that all others are tested against, as in `Comparison.table`. Default: all pairs.

    Returns
    -------
    Path

    Raises
    ------
    TypeError
        Something is not a comparison.
    ValueError
        No comparison, or another suffix.
    UnknownName
        No algorithm is called ``baseline``.
    WriteError
        The file cannot be written.
    """
    # the package imports this function, so what draws the page waits until there is one to draw
    from nasbench_kit.experiments.comparison import Comparison
    from nasbench_kit.report.page import page

    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{target}: a report is written as .html; give such a suffix")
    if isinstance(comparisons, Comparison):
        comparisons = [comparisons]
    several = list(comparisons.values()) if isinstance(comparisons, Mapping) else list(comparisons)
    if not several:
        raise ValueError("there is no comparison to report")
    for one in several:
        if not isinstance(one, Comparison):
            raise TypeError(f"a report shows comparisons, as from nk.compare(...), not {one!r}")
    text = page(comparisons, baseline)
    return replace_file(target, lambda temporary: temporary.write_text(text, encoding="utf-8"))
