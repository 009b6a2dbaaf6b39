"""The text of a page: one HTML file with its style, its script and its data, which loads nothing else."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from nasbench_kit.data.references import KIT, algorithm_references, bibtex, cited_references
from nasbench_kit.experiments.comparison import Comparison
from nasbench_kit.experiments.comparisons import Comparisons
from nasbench_kit.report.content import comparison_content
from nasbench_kit.report.tables import (
    best_table,
    facts_list,
    pairs_matrix,
    pairs_table,
    ranks_table,
    results_table,
    settings_table,
)

__all__ = ["page"]

# nothing is loaded, from anywhere
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(comparisons: Sequence[Comparison] | Mapping[str, Comparison], baseline: str | None = None) -> str:
    """The HTML of a page about comparisons: a mapping gives headings, and `Comparisons` a table of ranks as well."""
    several = list(comparisons.values()) if isinstance(comparisons, Mapping) else list(comparisons)
    contents = [comparison_content(one, baseline) for one in several]
    headings = list(comparisons) if isinstance(comparisons, Mapping) else [content["title"] for content in contents]
    ranks = ranks_table(comparisons) if isinstance(comparisons, Comparisons) and len(comparisons) > 1 else ""
    return _page(contents, headings, ranks, _references(several))


def _page(contents: list[dict[str, Any]], headings: list[str], ranks: str, references: str) -> str:
    from importlib.metadata import version  # imports mail and more, which importing the package does not need

    here = files("nasbench_kit.report")
    style, script = (here.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    title = headings[0] if len(headings) == 1 else f"{len(headings)} comparisons"
    # what a script may not contain is written as an escape, which JSON reads
    data = json.dumps(contents, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    sections = "\n".join(
        _section(i, heading, content) for i, (heading, content) in enumerate(zip(headings, contents, strict=True))
    )
    links = "".join(f'<li><a href="#c{i}">{html.escape(heading)}</a></li>' for i, heading in enumerate(headings))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{html.escape(title)}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<header>
<h1>{html.escape(title) if len(headings) == 1 else "Comparison of search algorithms"}</h1>
<p class="soft">Made with nasbench-kit {html.escape(version("nasbench-kit"))}.</p>
</header>
{f'<nav aria-label="Comparisons"><ul>{links}</ul></nav>' if len(headings) > 1 else ""}
<main>
{f"<section><h2>Over all problems</h2>{ranks}</section>" if ranks else ""}
{sections}
<section aria-labelledby="cite">
<h2 id="cite">Citations</h2>
<p>If you publish these figures, cite the table, the algorithms, and the kit.</p>
<pre data-copy tabindex="0">{html.escape(references)}</pre>
</section>
</main>
<script type="application/json" id="data">{data}</script>
<script>
{script}</script>
</body>
</html>
"""


def _section(i: int, heading: str, content: dict[str, Any]) -> str:
    parts = [f'<section id="c{i}" data-comparison="{i}" aria-label="{html.escape(heading)}">']
    parts.append(f"<h2>{html.escape(heading)}</h2>")
    parts += ["<h3>Result</h3>", results_table(content)]
    parts.append(
        '<div class="soft">' + "".join(f"<p>{html.escape(line)}</p>" for line in content["caption"]) + "</div>"
    )
    several = '<div class="bar legend" data-legend role="group" aria-label="Algorithms shown"></div>'
    if content["curves"]:
        parts += [
            "<h3>Progress</h3>",
            several,
            '<div data-curves><div class="bar"></div><div class="panels"></div></div>',
            '<p class="soft">Means over runs, with their 95 % intervals: bands of up to three algorithms, which the names above '
            "switch on and off, and numbers under the pointer. A line that ends has reached the optimum in every run.</p>",
        ]
    shown = '<div class="detail" role="region" aria-label="Architecture"><p class="soft">Point at an architecture to see it.</p></div>'
    if content["many"]:
        parts += [
            "<h3>Fronts of the median runs</h3>",
            f'<div data-fronts><div class="bar"></div><div class="fronts"><div class="chart"></div>{shown}</div></div>',
        ]
    elif content["best"]:
        parts += [
            "<h3>Best architectures found</h3>",
            f'<div data-best class="fronts">{best_table(content)}{shown}</div>',
        ]
    parts.append("<noscript><p>The figures need JavaScript; everything else is here.</p></noscript>")
    if content["pairs"]:
        parts += ["<h3>Pairwise comparisons</h3>", pairs_matrix(content), pairs_table(content)]
    parts += ["<h3>Settings</h3>", settings_table(content), "<h3>Data</h3>", facts_list(content)]
    if content["command"]:
        parts += ["<h3>To repeat</h3>", f'<pre data-copy tabindex="0">{html.escape(content["command"])}</pre>']
    return "\n".join([*parts, "</section>"])


def _references(comparisons: list[Comparison]) -> str:
    keys = [KIT]
    for one in comparisons:
        bench = getattr(one.problem, "bench", None)
        if bench is not None:
            keys += cited_references(str(bench.info.get("citation", "")))
        for result in one.results.values():
            keys += algorithm_references(result.algorithm)
    return bibtex(keys)
