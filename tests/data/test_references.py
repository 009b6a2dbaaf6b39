"""The BibTeX entries: well-formed, complete, and one for all that can be cited."""

from __future__ import annotations

import re

import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms import ALGORITHMS as CLASSES
from nasbench_kit.cli.main import main
from nasbench_kit.data import found_stores, references
from nasbench_kit.spaces import registry

# what BibTeX's standard styles want of an entry
REQUIRED = {
    "article": {"author", "title", "journal", "year"},
    "inproceedings": {"author", "title", "booktitle", "year"},
    "book": {"title", "publisher", "year"},
    "misc": {"author", "title", "year"},
    "techreport": {"author", "title", "institution", "year"},
}


def parsed(text):
    """The entries of a BibTeX text as (type, key, fields); every character must belong to one."""
    found, at = [], 0
    head, field = re.compile(r"\s*@(\w+)\{([\w:.+-]+),"), re.compile(r"\s*(\w+)\s*=\s*\{")
    while text[at:].strip():
        start = head.match(text, at)
        assert start, f"no entry at {text[at : at + 60]!r}"
        at, fields = start.end(), {}
        while name := field.match(text, at):
            assert name[1] not in fields
            at = end = name.end()
            depth = 1
            while depth:
                assert end < len(text), f"unbalanced braces after {name[1]} of {start[2]}"
                depth += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
            fields[name[1]] = text[at : end - 1]
            at = end + (text[end] == ",")
        closing = re.compile(r"\s*\}").match(text, at)
        assert closing, f"{start[2]} is not closed: {text[at : at + 60]!r}"
        at = closing.end()
        found.append((start[1], start[2], fields))
    return found


ENTRIES = parsed("\n\n".join(references.entries().values()))


@pytest.mark.parametrize(("kind", "key", "fields"), ENTRIES, ids=[key for _, key, _ in ENTRIES])
def test_every_entry_parses_and_is_complete(kind, key, fields):
    assert REQUIRED[kind] <= set(fields)
    assert all(value.strip() and value.isascii() for value in fields.values())
    assert re.fullmatch(r"(19|20)\d\d", fields["year"])
    assert not re.search(r"(?<!\\)[%&#_$]", "".join(fields[name] for name in REQUIRED[kind]))
    assert ("eprint" in fields) == ("archiveprefix" in fields)
    assert re.fullmatch(r"\d{4}\.\d{4,5}", fields.get("eprint", "2001.00326"))
    for author in fields.get("author", fields.get("editor", "")).split(" and "):
        assert "," in author or author.startswith("{"), "surname first, or a name in braces"


def test_keys_are_unique_and_none_is_lost():
    keys = [key for _, key, _ in ENTRIES]
    assert len(set(keys)) == len(keys)
    file = references.files("nasbench_kit.data").joinpath("references.bib").read_text(encoding="utf-8")
    assert file.count("\n@") + 1 == len(keys) == len(parsed(file))


def test_all_that_is_named_can_be_cited(capsys):
    spaces = set(nk.list_spaces()) - registry._registered  # those of other tests are not ours to cite
    names = [*CLASSES, *sorted(spaces), *(name for name, store in found_stores().items() if store.bundled)]
    for name in names:
        assert main(["cite", name]) == 0
        entries = parsed(capsys.readouterr().out)
        assert [key for _, key, _ in entries][:1] == ["nasbenchkit"]
        assert len(entries) >= 2, f"nothing to cite for {name}"
    assert main(["cite", *names]) == 0
    keys = [key for _, key, _ in parsed(capsys.readouterr().out)]
    assert len(set(keys)) == len(keys)
    assert set(references.ALGORITHMS) == set(CLASSES)
