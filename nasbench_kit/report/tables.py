"""The tables of a page as HTML, readable without its script."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any

from nasbench_kit.experiments.comparisons import Comparisons

__all__ = ["best_table", "facts_list", "pairs_matrix", "pairs_table", "ranks_table", "results_table", "settings_table"]

CELL = 160  # characters of a setting


def results_table(content: dict[str, Any]) -> str:
    """One row per algorithm, the best first."""
    reported, digits = content["reported"], 4 if content["many"] else 3
    versus = "vs first" if content["baseline"] is None else f"vs {content['baseline']}"
    header = [
        "algorithm",
        "runs",
        content["measure"].replace("_", " "),
        "95 % interval",
        "median",
        "beats",
        "rank",
        versus,
    ]
    header += [reported.replace("_", " "), "its 95 % interval"] if reported else []
    header += ["unique networks", "simulated time [h]", "wall time [s]"]
    rows = []
    for row in content["table"]:
        cells = [
            row["algorithm"],
            f"{row['runs']}" if row["n"] == row["runs"] else f"{row['n']} of {row['runs']}",
            _spread(row["mean"], row["sd"], digits),
            _interval(row["low"], row["high"], digits),
            _number(row["median"], digits),
            "–" if row["beats"] is None else f"{100 * row['beats']:.0f} %",
            str(row["rank"]),
            str(row["verdict"]) + ("" if row["p"] is None else f", p {row['p']:.2g}"),
        ]
        if reported:
            cells += [
                _spread(row[reported], row[f"{reported}_sd"], 2),
                _interval(row[f"{reported}_low"], row[f"{reported}_high"], 2),
            ]
        seconds = row["simulated_seconds"]
        cells += [
            _number(row["unique_networks"], 0),
            "–" if not seconds else f"{seconds / 3600:,.2f}",
            _number(row["wall_seconds"], 2),
        ]
        rows.append(cells)
    return _table("Results", header, rows)


def pairs_matrix(content: dict[str, Any]) -> str:
    """Vargha and Delaney's A12 of each row against each column, marked where the difference is significant."""
    names = [row["algorithm"] for row in content["table"]]
    a12: dict[tuple[str, str], tuple[float | None, float | None]] = {}
    for pair in content["pairs"]:
        value, p = pair["a12"], pair["p"]
        a12[pair["a"], pair["b"]] = value, p
        a12[pair["b"], pair["a"]] = None if value is None else 1 - value, p
    body = []
    for a in names:
        cells = [f'<th scope="row">{html.escape(a)}</th>']
        for b in names:
            value, p = a12.get((a, b), (None, None))
            better = value is not None and p is not None and p < content["level"]
            mark = ("▲ " if value is not None and value > 0.5 else "▼ ") if better else ""
            text = "" if value is None else f"{mark}{value:.2f}"
            cells.append(f"<td{' class=better' if better else ''}>{text}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in ["", *names])
    note = (
        "A12: the share of pairs of runs in which the row's algorithm is better than the column's, ties counted half. "
        "▲ better, ▼ worse: significant at 5 % after Holm's correction."
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="Pairwise effect sizes"><table><thead><tr>{head}</tr></thead>'
        f'<tbody>{"".join(body)}</tbody></table></div><p class="soft">{note}</p>'
    )


def pairs_table(content: dict[str, Any]) -> str:
    """All pairwise tests, folded."""
    digits = 4 if content["many"] else 3
    rows = [
        [
            pair["a"],
            pair["b"],
            _number(pair["difference"], digits),
            _interval(pair["low"], pair["high"], digits),
            _number(pair["a12"], 2),
            "–" if pair["p"] is None else f"{pair['p']:.2g}",
            pair["better"] or "–",
        ]
        for pair in content["pairs"]
    ]
    header = ["a", "b", "difference of means", "95 % interval", "A12", "p (Holm)", "better"]
    return f"<details><summary>All {len(rows)} tests</summary>{_table('Pairwise tests', header, rows)}</details>"


def best_table(content: dict[str, Any]) -> str:
    """The best distinct incumbents, each with a button that shows it."""
    rows = []
    for entry in content["best"]:
        native = content["architectures"]["native"][entry["id"]]
        shown = native if len(native) <= CELL else f"{native[: CELL - 1]}…"
        by = ", ".join(f"{html.escape(name)} ({count})" for name, count in entry["found"].items())
        rows.append(
            f'<tr><td><button type="button" aria-pressed="false" data-architecture="{entry["id"]}" '
            f'style="white-space:normal;overflow-wrap:anywhere;text-align:left">{html.escape(shown)}</button></td>'
            f'<td>{_number(entry["value"], 3)}</td><td class="left" style="white-space:normal">{by}</td></tr>'
        )
    measure = html.escape(content["measure"].replace("_", " "))
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Best architectures"><table><thead><tr>'
        f'<th scope="col">architecture</th><th scope="col">{measure}</th>'
        f'<th scope="col" class="left">found by (runs)</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def ranks_table(comparisons: Comparisons) -> str:
    """Ranks over several problems, with Friedman's test and the differences that are significant."""
    ranks, test = comparisons.ranks(), comparisons.friedman()
    rows = [
        [str(name), *(f"{rank:.4g}" for rank in row)] for name, row in zip(ranks.index, ranks.to_numpy(), strict=True)
    ]
    table = _table("Ranks", ["algorithm", *map(str, ranks.columns)], rows)
    pairs = comparisons.pairwise()
    known = [
        f"{better} is better than {b if better == a else a}"
        for a, b, better in zip(pairs["a"].tolist(), pairs["b"].tolist(), pairs["better"].tolist(), strict=True)
        if better
    ]
    found = "; ".join(known) or "no pair differs significantly"
    note = (
        f"Ranks by the share of runs of the others that a run beats, 1 the best. Friedman's test with Iman and Davenport's "
        f"correction: p {test.p:.2g}. Nemenyi's critical difference of mean ranks: {test.critical_difference:.3g}. "
        f"After Holm's correction: {found}."
    )
    return f'{table}<p class="soft">{html.escape(note)}</p>'


def settings_table(content: dict[str, Any]) -> str:
    """What each algorithm ran with."""
    rows = []
    for name, own in content["settings"].items():
        settings = ", ".join(f"{key}={json.dumps(value)}" for key, value in own["settings"].items()) or "none"
        rows.append([name, own["algorithm"], str(own["runs"]), str(own["seed"]), settings])
    return _table("Settings", ["name", "algorithm", "runs", "seed", "settings"], rows, left=(0, 1, 4), wrap=(4,))


def facts_list(content: dict[str, Any]) -> str:
    """Provenance, licence and checksums."""
    items = []
    for name, value in content["source"].items():
        text = html.escape(f"{value:,}" if isinstance(value, int) else str(value))
        if text.startswith("https://") and " " not in text:
            text = f'<a href="{text}" rel="noreferrer">{text}</a>'
        items.append(f"<dt>{html.escape(name.replace('_', ' '))}</dt><dd>{text}</dd>")
    return f"<dl>{''.join(items)}</dl>"


def _table(
    label: str, header: list[str], rows: Iterable[list[str]], left: tuple[int, ...] = (0,), wrap: tuple[int, ...] = ()
) -> str:
    def cell(k: int, text: str) -> str:
        style = ' style="white-space:normal;overflow-wrap:anywhere;min-width:18rem"' if k in wrap else ""
        return f"<td{' class=left' if k in left else ''}{style}>{html.escape(text)}</td>"

    head = "".join(
        f'<th scope="col"{" class=left" if k in left else ""}>{html.escape(name)}</th>' for k, name in enumerate(header)
    )
    body = "".join(f"<tr>{''.join(cell(k, text) for k, text in enumerate(row))}</tr>" for row in rows)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{html.escape(label)}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _spread(mean: float | None, sd: float | None, digits: int) -> str:
    return _number(mean, digits) + ("" if sd is None else f" ± {sd:.{digits}f}")


def _interval(low: float | None, high: float | None, digits: int) -> str:
    return "–" if low is None or high is None else f"{low:.{digits}f} … {high:.{digits}f}"
