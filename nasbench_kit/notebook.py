"""What notebooks show of an object: a small card of HTML.

Every text is escaped, as it may come from a file of somebody else. Colours are the notebook's own, so that cards can be read in
dark and light themes; styles are attributes, which apply to nothing else on the page; there are no scripts.
"""

from __future__ import annotations

import functools
import html
import importlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nasbench_kit.errors import one_line

__all__ = ["card", "data_table", "drawing", "folded", "number", "picture"]

_DRAWS = "nasbench_kit.figures.svg"  # imported when something is drawn
MOST_ROWS = 16
MOST_TEXT = 240  # characters of a cell

_GREY = "rgba(128,128,128,.35)"
_PLAIN = "background:none"  # without the stripes of a notebook
_NAME = "font-weight:normal;opacity:.7"


def card(title: str, kind: str, facts: Mapping[str, Any], *parts: str, note: str = "") -> str:
    """A card: a title, what it is the title of, facts by name, and parts below.

    Parameters
    ----------
    title, kind : str
    facts : mapping of str to object
        Shown as text; those that are None or empty are left out.
    *parts : str
        HTML, from `data_table`, `folded` or `picture`.
    note : str
        A last line, in the manner of a caption.
    """
    rows = "".join(
        f'<tr style="{_PLAIN}"><th scope="row" style="{_cell("left")};white-space:nowrap;{_NAME}">{_text(name)}</th>'
        f'<td style="{_cell("left")}">{_text(value)}</td></tr>'
        for name, value in facts.items()
        if value is not None and value != ""
    )
    about = f'<table style="border:0;border-collapse:collapse;margin:.3em 0">{rows}</table>' if rows else ""
    last = f'<div style="opacity:.7;font-size:.9em">{_text(note)}</div>' if note else ""
    return (
        f'<div style="border:1px solid {_GREY};border-radius:4px;padding:.6em .9em;max-width:60em;overflow-x:auto">'
        f'<div><strong>{_text(title)}</strong> <span style="opacity:.7">{_text(kind)}</span></div>'
        f"{about}{''.join(parts)}{last}</div>"
    )


def data_table(header: Sequence[str], rows: Iterable[Sequence[Any]], *, left: int = 1, total: int | None = None) -> str:
    """A table, of which 16 rows are shown.

    Parameters
    ----------
    header : sequence of str
    rows : iterable of sequences
        Cells of text; see `number`.
    left : int
        The first columns are aligned to the left, the others to the right.
    total : int, optional
        How many rows there are. Default: as many as are given.
    """
    shown = list(rows)
    total = len(shown) if total is None else total
    shown = shown[:MOST_ROWS]

    def line(cells: Sequence[Any], tag: str) -> str:
        own = f";white-space:nowrap;{_NAME}" if tag == "th" else ""
        inner = "".join(
            f'<{tag} style="{_cell("left" if i < left else "right")}{own}">{_text(cell)}</{tag}>'
            for i, cell in enumerate(cells)
        )
        return f'<tr style="{_PLAIN}">{inner}</tr>'

    more = ""
    if total > len(shown):
        more = f'<div style="opacity:.7;font-size:.9em">and {total - len(shown):,} more</div>'
    head = f'<thead style="border-bottom:1px solid {_GREY}">{line(header, "th")}</thead>'
    body = f"<tbody>{''.join(line(row, 'td') for row in shown)}</tbody>"
    return f'<table style="border:0;border-collapse:collapse;margin:.4em 0">{head}{body}</table>{more}'


def folded(title: str, part: str) -> str:
    """A part of which only the title is shown until it is opened."""
    return f'<details><summary style="cursor:pointer">{_text(title)}</summary>{part}</details>'


def picture(thing: object) -> str:
    """A picture of a thing as inline SVG; empty if nobody can draw it."""
    importlib.import_module(_DRAWS)
    return drawing(thing)


@functools.singledispatch
def drawing(thing: object) -> str:
    """Where `_DRAWS` registers how things are drawn, since the rooms of what is drawn do not know it."""
    return ""


def number(value: float | None, digits: int = 4) -> str:
    """A number in as many significant digits; a dash for one that is not finite."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"


def _text(value: Any) -> str:
    return html.escape(one_line(f"{value:,}" if type(value) is int else value, MOST_TEXT))


def _cell(align: str) -> str:
    wrap = ";white-space:nowrap" if align == "right" else ""
    return f"text-align:{align};padding:.1em .9em .1em 0;vertical-align:top{wrap}"
