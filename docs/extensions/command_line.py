"""The directive ``command-line``: every subcommand of ``nasbench-kit`` with its options, from its own parser."""

from __future__ import annotations

import argparse
import re
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from nasbench_kit.cli.main import COMMANDS, add_command

__all__ = ["CommandLine", "section_of", "setup"]


def section_of(name: str, parser: argparse.ArgumentParser) -> nodes.section:
    """A section about a subcommand: what it does, how it is called, its arguments and options."""
    section = nodes.section(ids=[f"nasbench-kit-{name}"], names=[name])
    section += nodes.title("", "", nodes.literal("", f"nasbench-kit {name}"))
    for paragraph in (parser.description or "").strip().split("\n\n"):
        section += _paragraph(" ".join(paragraph.split()))
    usage = parser.format_usage().removeprefix("usage: ").rstrip()
    section += nodes.literal_block(usage, usage, language="text")
    rows = [_row(action) for action in parser._actions if action.dest != "help"]
    section += _table(rows)
    return section


def _paragraph(text: str) -> nodes.paragraph:
    """A text in which options are set as code; their dashes would become typographic ones."""
    found = nodes.paragraph()
    for i, part in enumerate(re.split(r"(?<![\w-])(--[a-z][\w-]*)", text)):
        found += nodes.literal("", part) if i % 2 else nodes.Text(part)
    return found


def _row(action: argparse.Action) -> tuple[str, str]:
    """How an argument or option is written, and what it means."""
    value = _value(action)
    written = [f"{option} {value}".strip() for option in action.option_strings] or [value]
    return ", ".join(written), (action.help or "") % {**vars(action), "prog": "nasbench-kit"}


def _value(action: argparse.Action) -> str:
    """What stands behind an option, or for an argument."""
    if action.nargs == 0:
        return ""
    name: Any = action.metavar
    if name is None:
        names = action.choices and "{" + ",".join(map(str, action.choices)) + "}"
        name = names or (action.dest.upper() if action.option_strings else action.dest)
    name = " ".join(name) if isinstance(name, tuple) else name
    return {"*": f"[{name} ...]", "+": f"{name} [{name} ...]", "?": f"[{name}]"}.get(str(action.nargs), name)


def _table(rows: list[tuple[str, str]]) -> nodes.Element:
    group = nodes.tgroup("", nodes.colspec(colwidth=30), nodes.colspec(colwidth=70), cols=2)
    body = nodes.tbody()
    for written, meaning in rows:
        row = nodes.row()
        row += nodes.entry("", nodes.paragraph("", "", nodes.literal("", written)))
        row += nodes.entry("", _paragraph(meaning))
        body += row
    group += body
    return nodes.table("", group, classes=["options"])


class CommandLine(SphinxDirective):
    """``.. command-line::`` without arguments."""

    def run(self) -> list[nodes.Node]:
        commands = argparse.ArgumentParser(prog="nasbench-kit").add_subparsers()
        sections = [section_of(name, add_command(commands, name)) for name in COMMANDS]
        for section in sections:
            self.state.document.note_implicit_target(section, section)
        return list(sections)


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
