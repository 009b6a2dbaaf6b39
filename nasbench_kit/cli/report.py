"""Write a page about results: tables, curves, fronts, tests, provenance and citations in one HTML file; or LaTeX tables."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from nasbench_kit.cli.output import say
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.comparisons import Comparisons
from nasbench_kit.experiments.gathering import comparisons_of
from nasbench_kit.experiments.latex import all_latex
from nasbench_kit.files import check_target, replace_file
from nasbench_kit.report.writing import report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument(
        "results",
        nargs="+",
        metavar="RESULT",
        help="results that compare or search wrote, saved comparisons, or folders of them; results on the same problem "
        "are compared with each other",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="the page to write, .html, or its tables, .tex"
    )
    parser.add_argument(
        "--baseline", metavar="ALGORITHM", help="test each algorithm against this one (default: all pairs)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    target = Path(options.output)
    if target.suffix.lower() not in (".html", ".htm", ".tex"):
        raise ValueError(f"{target}: give a name that ends in .html for a page, or in .tex for its tables")
    check_target(target)  # now, not after reading everything
    found: Mapping[str, Comparison] = comparisons_of(options.results)
    if len({frozenset(one.results) for one in found.values()}) == 1:
        found = Comparisons(found)  # whose ranks are shown, too
    if target.suffix.lower() == ".tex":
        text = all_latex(found, options.baseline)
        say(replace_file(target, lambda file: file.write_text(text, encoding="utf-8", newline="\n")))
    else:
        say(report(found, options.output, baseline=options.baseline))
    return 0
